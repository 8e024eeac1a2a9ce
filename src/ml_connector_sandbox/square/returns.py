"""Return orders: itemized ones carry lines, taxes, charges and tips; amount-only ones a single line without tax."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ml_connector_sandbox.square.faults import Json, bad
from ml_connector_sandbox.square.pricing import number, whole
from ml_connector_sandbox.square.shelves import Stored
from ml_connector_sandbox.square.state import Merchant, World
from ml_connector_sandbox.square.times import stamp

_EXTRAS = ""  # in `done`: charges, tips and rounding are back
_MILLION = Decimal(1_000_000)


@dataclass(slots=True)
class Returned:
    """What goes back, priced: the parts of `returns[0]` and what the notes need. Minor units, positive."""

    parts: Json
    total: int
    tax: int = 0
    discount: int = 0
    tip: int = 0
    service: int = 0
    rounding: int = 0
    vat: dict[str, int] = field(default_factory=dict)
    gift_cards: int = 0
    done: dict[str, int] = field(default_factory=dict)  # what of the order is back after this, for `Merchant.refunded`


def amount_only(world: World, merchant: Merchant, amount: int) -> Returned:
    """One CUSTOM_AMOUNT line without tax split, as every refund by API gives."""
    money = merchant.money
    line: Json = {"uid": world.mint.mixed(22), "quantity": "1", "item_type": "CUSTOM_AMOUNT"}
    for name in ("base_price_money", "variation_total_price_money", "gross_return_money", "total_money"):
        line[name] = money(amount)
    line |= {"total_tax_money": money(0), "total_discount_money": money(0)}
    return Returned({"return_line_items": [line]}, amount)


def itemized(world: World, merchant: Merchant, order: Stored, lines: list[Json] | None) -> Returned:
    """The named lines ([{"uid" or "index", "quantity"?}]); None: all that is left, charges, tips and rounding too."""
    body = order.body
    done = dict(merchant.refunded.get(order.id, {}))
    back = Returned({}, 0, done=done)
    tax_uids = {t["uid"]: world.mint.mixed(22) for t in body.get("taxes") or []}
    shown = []
    for line, quantity in _chosen(body, lines, done):
        shown.append(_line(world, merchant, back, line=line, quantity=quantity, done=done, tax_uids=tax_uids))
        back.gift_cards += shown[-1]["total_money"]["amount"] if line["item_type"] == "GIFT_CARD" else 0
    back.parts["return_line_items"] = shown
    if lines is None and not done.get(_EXTRAS):
        done[_EXTRAS] = 1
        _extras(world, merchant, back, body, tax_uids)
    _taxes(merchant, back, body, tax_uids)
    if back.total <= 0:
        raise bad("REFUND_AMOUNT_INVALID", f"Nothing of order {order.id} is left to return.", field="amount_money")
    return back


def _chosen(body: Json, lines: list[Json] | None, done: dict[str, int]) -> list[tuple[Json, Decimal]]:
    sold = body.get("line_items") or []
    by_uid = {line["uid"]: line for line in sold}
    if lines is None:
        return [
            (line, rest)
            for line in sold
            if (rest := Decimal(line["quantity"]) - Decimal(done.get(line["uid"], 0)) / _MILLION) > 0
        ]
    chosen = []
    for asked in lines:
        line = by_uid.get(asked.get("uid", "")) or (
            sold[asked["index"]] if asked.get("index", -1) in range(len(sold)) else None
        )
        if line is None:
            raise bad("NOT_FOUND", f"No such line to return: {asked}.", field="lines")
        quantity = number(asked["quantity"], "lines.quantity") if "quantity" in asked else Decimal(line["quantity"])
        if quantity + Decimal(done.get(line["uid"], 0)) / _MILLION > Decimal(line["quantity"]):
            raise bad("VALUE_TOO_HIGH", f"More of {line['uid']} returned than sold.", field="lines.quantity")
        chosen.append((line, quantity))
    return chosen


def _line(
    world: World,
    merchant: Merchant,
    back: Returned,
    *,
    line: Json,
    quantity: Decimal,
    done: dict[str, int],
    tax_uids: dict[str, str],
) -> Json:
    sold = Decimal(line["quantity"])
    before = Decimal(done.get(line["uid"], 0)) / _MILLION
    done[line["uid"]] = int((before + quantity) * _MILLION)

    def part(amount: int) -> int:
        return whole(amount * (before + quantity) / sold) - whole(amount * before / sold)

    taxes = [
        {"uid": world.mint.mixed(22), "tax_uid": tax_uids[a["tax_uid"]], "applied_money": merchant.money(part(_of(a)))}
        for a in line.get("applied_taxes") or []
    ]
    tax = sum(_of(a) for a in taxes)
    total, discount = part(_of(line, "total_money")), part(_of(line, "total_discount_money"))
    gross = part(_of(line, "gross_sales_money"))
    back.total, back.tax, back.discount = back.total + total, back.tax + tax, back.discount + discount
    keep = {
        k: line[k]
        for k in ("name", "item_type", "catalog_object_id", "variation_name", "base_price_money")
        if k in line
    }
    money = merchant.money
    return (
        {"uid": world.mint.mixed(22), "source_line_item_uid": line["uid"], "quantity": f"{quantity.normalize():f}"}
        | keep
        | ({"applied_taxes": taxes} if taxes else {})
        | {"variation_total_price_money": money(part(_of(line, "variation_total_price_money")))}
        | {"gross_return_money": money(gross), "total_tax_money": money(tax), "total_discount_money": money(discount)}
        | {"total_money": money(total), "total_service_charge_money": money(0)}
    )


def _extras(world: World, merchant: Merchant, back: Returned, body: Json, tax_uids: dict[str, str]) -> None:
    """Service charges, tips and rounding go back with the last of the lines."""
    charges = []
    for charge in body.get("service_charges") or []:
        keep = {k: v for k, v in charge.items() if k not in {"uid", "type", "metadata", "applied_taxes"}}
        taxes = [
            {"uid": world.mint.mixed(22), "tax_uid": tax_uids[a["tax_uid"]], "applied_money": a["applied_money"]}
            for a in charge.get("applied_taxes") or []
        ]
        charges.append(
            {"uid": world.mint.mixed(22), "source_service_charge_uid": charge["uid"]} | keep | {"applied_taxes": taxes}
        )
        back.service += _of(charge, "total_money")
        back.tax += _of(charge, "total_tax_money")
    tips = [
        {"uid": world.mint.mixed(22), "applied_money": t["tip_money"], "source_tender_id": t["id"]}
        for t in body.get("tenders") or []
        if _of(t, "tip_money")
    ]
    back.tip = sum(_of(t) for t in tips)
    rounding = _of(body.get("rounding_adjustment") or {}, "amount_money")
    back.rounding = rounding
    back.total += back.service + back.tip + rounding
    back.parts |= {"return_service_charges": charges} if charges else {}
    back.parts |= {"return_tips": tips} if tips else {}
    if rounding:
        back.parts["rounding_adjustment"] = {
            "uid": "ROUNDING",
            "name": "Rounding",
            "amount_money": merchant.money(rounding),
        }


def _taxes(merchant: Merchant, back: Returned, body: Json, tax_uids: dict[str, str]) -> None:
    applied = [
        a
        for part in ("return_line_items", "return_service_charges")
        for item in back.parts.get(part) or []
        for a in item.get("applied_taxes") or []
    ]
    shown = []
    for tax in body.get("taxes") or []:
        amount = sum(_of(a) for a in applied if a["tax_uid"] == tax_uids[tax["uid"]])
        keep = {k: tax[k] for k in ("name", "type", "percentage", "scope", "catalog_object_id") if k in tax}
        shown.append(
            {"uid": tax_uids[tax["uid"]], "source_tax_uid": tax["uid"]}
            | keep
            | {"applied_money": merchant.money(amount)}
        )
        rate = tax.get("percentage") or "0"
        back.vat[rate] = back.vat.get(rate, 0) + amount
    if shown:
        back.parts["return_taxes"] = shown


def return_order(
    world: World, merchant: Merchant, *, source: Stored | None, back: Returned, location_id: str, now: int
) -> Stored:
    """The COMPLETED order that a refund belongs to. `source` is None for an unlinked refund."""
    money = merchant.money
    amounts = {
        "total_money": money(back.total),
        "tax_money": money(back.tax),
        "discount_money": money(back.discount),
        "tip_money": money(back.tip),
        "service_charge_money": money(back.service),
    }
    returned = {"uid": world.mint.mixed(22)} | ({"source_order_id": source.id} if source else {}) | back.parts
    body: Json = {"id": world.mint.mixed(27) + "ZY", "location_id": location_id, "source": {"name": "Point of Sale"}}
    if source and source.body.get("customer_id"):
        body["customer_id"] = source.body["customer_id"]
    body |= {"returns": [returned | {"return_amounts": amounts}], "return_amounts": amounts}
    body["net_amounts"] = {k: money(-v["amount"]) for k, v in amounts.items()}
    body["refunds"] = []
    body |= {"state": "COMPLETED", "created_at": stamp(now), "updated_at": stamp(now), "closed_at": stamp(now)}
    for name in ("money", "tax_money", "discount_money", "tip_money", "service_charge_money"):
        body[f"total_{name}"] = money(0)
    row = Stored(body, location_id, now)
    row.closed = now
    return merchant.orders.put(row)


def _of(holder: Any, name: str = "applied_money") -> int:
    return int((holder.get(name) or {}).get("amount", 0))
