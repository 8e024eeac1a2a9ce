"""Sales at the till as a script describes them: lines and tenders in, order and payments out."""

from __future__ import annotations

from typing import Any

from ml_connector_sandbox.square import gift_cards, orders, payments, refunds, returns
from ml_connector_sandbox.square.faults import Json
from ml_connector_sandbox.square.payments import Tendered
from ml_connector_sandbox.square.shelves import Stored
from ml_connector_sandbox.square.state import Merchant, World, must

DEFAULT_LINES: list[Json] = [{"name": "Goods", "amount": 12500, "tax": "25"}]


def request_of(merchant: Merchant, arguments: Json) -> Json:
    """The order request of a sale.

    Lines: {"name", "amount" (unit price), "quantity", "tax" (percent or None), "tax_mode" ("INCLUSIVE", "ADDITIVE"),
    "gift_card", "custom", "catalog_object_id", "discount"}.
    """
    mode = str(arguments.get("tax_mode", "INCLUSIVE")).upper()
    taxes: dict[str, Json] = {}
    discounts: list[Json] = []
    lines = [
        _line(merchant, line, mode, taxes, discounts, n)
        for n, line in enumerate(arguments.get("lines") or DEFAULT_LINES)
    ]
    request: Json = {"line_items": lines, "taxes": list(taxes.values()), "discounts": discounts}
    if arguments.get("discount_percent"):
        percent = str(arguments["discount_percent"])
        discounts.append({"uid": "order-discount", "name": f"{percent} % off", "type": "FIXED_PERCENTAGE",
                          "percentage": percent, "scope": "ORDER"})  # fmt: skip
    if arguments.get("auto_gratuity"):
        first = [{"tax_uid": uid} for uid in list(taxes)[:1]]
        charge: Json = {"uid": "gratuity", "name": "Gratuity", "percentage": str(arguments["auto_gratuity"])}
        request["service_charges"] = [
            charge | {"type": "AUTO_GRATUITY", "taxable": bool(first), "applied_taxes": first}
        ]
    if arguments.get("customer_id"):
        request["customer_id"] = arguments["customer_id"]
    if arguments.get("reference_id"):
        request["reference_id"] = arguments["reference_id"]
    return request


def _line(merchant: Merchant, line: Json, mode: str, taxes: dict[str, Json], discounts: list[Json], n: int) -> Json:
    gift = bool(line.get("gift_card"))
    kind = "GIFT_CARD" if gift else "CUSTOM_AMOUNT" if line.get("custom") else "ITEM"
    shown: Json = {"uid": f"line-{n + 1}", "quantity": str(line.get("quantity", "1")), "item_type": kind}
    shown |= {"name": line.get("name", "Gift card" if gift else "Goods")} if kind != "CUSTOM_AMOUNT" else {}
    shown["base_price_money"] = merchant.money(int(line["amount"]))
    if line.get("catalog_object_id"):
        shown["catalog_object_id"] = line["catalog_object_id"]
    rate = None if gift else line.get("tax", merchant.taxes[0] if merchant.taxes else None)
    if rate is not None:
        line_mode = str(line.get("tax_mode", mode)).upper()
        uid = f"tax-{rate}-{line_mode.lower()}"
        tax = {"uid": uid, "name": f"VAT {rate} %", "percentage": str(rate), "type": line_mode, "scope": "LINE_ITEM"}
        taxes.setdefault(uid, tax)
        shown["applied_taxes"] = [{"tax_uid": uid}]
    if line.get("discount"):
        uid = f"discount-{n + 1}"
        discounts.append({"uid": uid, "name": "Discount", "type": "FIXED_AMOUNT", "scope": "LINE_ITEM",
                          "amount_money": merchant.money(int(line["discount"]))})  # fmt: skip
        shown["applied_discounts"] = [{"discount_uid": uid}]
    return shown


def tendered_of(spec: Json, *, amount: int, product: str = "SQUARE_POS") -> Tendered:
    """How a script says somebody pays: {"means", "amount"?, "tip"?, "brand"?, "external_type"?, ...}.

    `online`: a web shop had the API take the money.
    """
    product = "ECOMMERCE_API" if spec.get("online") else product
    known = {f for f in Tendered.__slots__ if f not in {"amount", "product"}}
    unknown = spec.keys() - known - {"amount", "online"}
    if unknown or spec.get("means", "card") not in payments.MEANS:
        raise ValueError(
            f"Cannot read the tender {spec}: means is one of {sorted(payments.MEANS)}; unknown: {unknown}."
        )
    fields = {"means": "card"} | {k: v for k, v in spec.items() if k in known}
    return Tendered(amount=int(spec.get("amount", amount)), product=product, **fields)


def sell(world: World, merchant: Merchant, arguments: Json, now: int) -> tuple[Stored, list[Stored]]:
    """A sale: its order and payments. Tenders without an amount take what is left; too few leave it OPEN."""
    location_id = str(merchant.location(arguments.get("location_id"))["id"])
    order = orders.open_order(
        world,
        merchant,
        request=request_of(merchant, arguments),
        location_id=location_id,
        now=now,
        source="Point of Sale",
        created=arguments.get("offline_at"),
    )
    specs = arguments.get("tenders")
    if specs is None:
        specs = [{"means": arguments.get("means", "card"), "tip": arguments.get("tip", 0)}]
    _round_cash(world, merchant, order, arguments, specs)
    rows = []
    for spec in specs:
        spec = dict(spec)  # noqa: PLW2901
        if arguments.get("offline_at") is not None:
            spec["client_created"] = arguments["offline_at"]
        if arguments.get("customer_id"):
            spec.setdefault("customer_id", arguments["customer_id"])
        tendered = tendered_of(spec, amount=orders.amount_due(order, world))
        complete = arguments.get("complete", True)
        rows.append(payments.take(world, merchant, order, tendered=tendered, now=now, complete=complete))
    _load_gift_cards(world, merchant, order, arguments, now)
    return order, rows


def _round_cash(world: World, merchant: Merchant, order: Stored, arguments: Json, specs: list[Json]) -> None:
    step = int(arguments.get("cash_rounding", 0))
    if step and specs and all(s.get("means") == "cash" for s in specs):
        price = orders.price_before_tips(order, world)
        orders.add_rounding(world, merchant, order, (price + step // 2) // step * step - price)


def _load_gift_cards(world: World, merchant: Merchant, order: Stored, arguments: Json, now: int) -> None:
    if order.body["state"] != "COMPLETED":
        return
    asked = [line.get("gift_card") for line in arguments.get("lines") or []]
    for line, wanted in zip(order.body.get("line_items") or [], asked, strict=False):
        if line["item_type"] != "GIFT_CARD":
            continue
        card = merchant.gift_cards.own(wanted) if isinstance(wanted, str) else None
        card = card or gift_cards.issue(world, merchant, now=now)
        amount = int(line["total_money"]["amount"])
        gift_cards.load(world, merchant, card, amount=amount, order=order, line_uid=line["uid"], now=now)


def refund(world: World, merchant: Merchant, arguments: Json, now: int) -> list[Stored]:
    """Refund a payment (`payment_id`), a whole sale (`order_id`), or nobody's payment (`unlinked`).

    With `amount` alone: amount-only. With `lines`: itemized. With neither: itemized, all that is left.
    """
    if arguments.get("unlinked"):
        return [_unlinked(world, merchant, arguments, now)]
    order, rows = _targets(merchant, arguments)
    lines, amount = arguments.get("lines"), arguments.get("amount")
    if amount is not None and lines is None:
        back = returns.amount_only(world, merchant, int(amount))
    else:
        back = returns.itemized(world, merchant, order, lines)
    parts = _allocate(rows, back.total)
    merchant.refunded[order.id] = back.done or merchant.refunded.get(order.id, {})
    made = returns.return_order(world, merchant, source=order, back=back, location_id=order.location, now=now)
    return [
        refunds.refund(world, merchant, row, asked=_asked(arguments, part), order=made, back=back, now=now)
        for row, part in parts
    ]


def _targets(merchant: Merchant, arguments: Json) -> tuple[Stored, list[Stored]]:
    if arguments.get("payment_id"):
        row = must(merchant.payments.own(arguments["payment_id"]), "Payment", arguments["payment_id"])
        return must(merchant.orders.own(row.body["order_id"]), "Order", row.body["order_id"]), [row]
    if not arguments.get("order_id"):
        raise ValueError("Nothing to refund: give payment_id, order_id or unlinked.")
    order = must(merchant.orders.own(arguments["order_id"]), "Order", arguments["order_id"])
    ids = [t["id"] for t in order.body.get("tenders") or []]
    return order, [must(merchant.payments.own(key), "Payment", key) for key in ids]


def _allocate(rows: list[Stored], total: int) -> list[tuple[Stored, int]]:
    left, parts = total, []
    for row in rows:
        part = min(left, refunds.refundable(row))
        left -= part
        if part:
            parts.append((row, part))
    if left:
        raise ValueError(f"The refund is {left} larger than what is left of the payments: lower it.")
    return parts


def _asked(arguments: Json, amount: int) -> refunds.Asked:
    known: dict[str, Any] = {
        k: arguments[k]
        for k in ("reason", "destination", "gift_card_id", "external_type", "external_source")
        if k in arguments
    }
    return refunds.Asked(amount=amount, fee_back=arguments.get("fee_back"), **known)


def _unlinked(world: World, merchant: Merchant, arguments: Json, now: int) -> Stored:
    location_id = str(merchant.location(arguments.get("location_id"))["id"])
    back = returns.amount_only(world, merchant, int(arguments["amount"]))
    order = returns.return_order(world, merchant, source=None, back=back, location_id=location_id, now=now)
    return refunds.unlinked(world, merchant, asked=_asked(arguments, back.total), order=order, back=back, now=now)
