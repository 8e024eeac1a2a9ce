"""Orders: from request to OPEN to COMPLETED, their tenders, and the notes of what was sold."""

from __future__ import annotations

from collections import Counter

from ml_connector_sandbox.square.faults import Json, bad
from ml_connector_sandbox.square.pricing import priced
from ml_connector_sandbox.square.shelves import Stored
from ml_connector_sandbox.square.state import Merchant, Movement, World
from ml_connector_sandbox.square.times import stamp

_PRICED = ("line_items", "taxes", "discounts", "service_charges", "fulfillments")


def open_order(
    world: World,
    merchant: Merchant,
    *,
    request: Json,
    location_id: str,
    now: int,
    source: str,
    api: bool = False,
    created: int | None = None,
) -> Stored:
    """A new OPEN order. `request` is as CreateOrder takes it. Orders of the API have a version and send events.

    `created` is the device's time of an offline sale: such orders arrive late with their original created_at.
    """
    request = with_uids(world, request)
    keep = {k: request[k] for k in ("customer_id", "reference_id", "metadata", "ticket_name", "note") if request.get(k)}
    body: Json = {"id": world.mint.mixed(27) + "ZY", "location_id": location_id, "source": {"name": source}} | keep
    body |= priced(merchant, request) | {"state": request.get("state") or "OPEN"}
    if api:
        body["version"] = 1
        merchant.api_orders.add(body["id"])
    created = now if created is None else created
    body |= {"created_at": stamp(created), "updated_at": stamp(now)}
    row = merchant.orders.put(Stored(body, location_id, created, updated=now))
    recount(world, merchant, row)
    if api:
        announce(world, merchant, row, now=now, created=True)
    return row


def with_uids(world: World, request: Json) -> Json:
    """The request with a uid on each part that lacks one."""
    shown = dict(request)
    for part in _PRICED:
        if request.get(part):
            shown[part] = [item if item.get("uid") else {"uid": world.mint.mixed(22)} | item for item in request[part]]
    return shown


def reprice(world: World, merchant: Merchant, row: Stored, request: Json) -> None:
    """Price the order anew after its lines changed."""
    for part in _PRICED:
        row.body.pop(part, None)
    row.body |= priced(merchant, with_uids(world, request))
    recount(world, merchant, row)


def price_before_tips(row: Stored, world: World) -> int:
    """What the order costs without tips, cash rounding included."""
    tip = row.body["total_tip_money"]["amount"] if world.knobs.tip_in_total else 0
    return int(row.body["total_money"]["amount"]) - tip


def amount_due(row: Stored, world: World) -> int:
    """What is still to be tendered, tips aside."""
    paid = sum(t["amount_money"]["amount"] - _tip(t) for t in row.body.get("tenders") or [])
    return price_before_tips(row, world) - int(paid)


def recount(world: World, merchant: Merchant, row: Stored) -> None:
    """Bring tips, net amounts and the amount due up to date with the tenders."""
    body, money = row.body, merchant.money
    before = price_before_tips(row, world)
    tips = sum(_tip(t) for t in body.get("tenders") or [])
    body["total_tip_money"] = money(tips)
    body["total_money"] = money(before + (tips if world.knobs.tip_in_total else 0))
    body["net_amounts"] = {
        "total_money": body["total_money"],
        "tax_money": body["total_tax_money"],
        "discount_money": body["total_discount_money"],
        "tip_money": body["total_tip_money"],
        "service_charge_money": body["total_service_charge_money"],
    }
    body["net_amount_due_money"] = money(max(0, amount_due(row, world)))
    row.forget_text()


def add_rounding(world: World, merchant: Merchant, row: Stored, amount: int) -> None:
    """Round the price of a cash sale: `amount` is what rounding adds."""
    if amount:
        row.body["rounding_adjustment"] = {
            "uid": "ROUNDING",
            "name": "Rounding",
            "amount_money": merchant.money(amount),
        }
        row.body["total_money"] = merchant.money(row.body["total_money"]["amount"] + amount)
        recount(world, merchant, row)


def touch(world: World, merchant: Merchant, row: Stored, *, now: int, closed: bool = False) -> None:
    """Note a change of the order: updated_at, version, and the event that only API orders have."""
    row.body["updated_at"] = stamp(now)
    if closed:
        row.body["closed_at"] = stamp(now)
    if row.id in merchant.api_orders:
        row.body["version"] += 1
    merchant.orders.changed(row, now, closed=now if closed else None)
    if row.id in merchant.api_orders:
        announce(world, merchant, row, now=now)


def announce(world: World, merchant: Merchant, row: Stored, *, now: int, created: bool = False) -> None:
    """Send order.created or order.updated: ids only."""
    name, body = ("order_created" if created else "order_updated"), row.body
    about = {k: body[k] for k in ("created_at", "location_id", "state", "version")} | {"order_id": row.id}
    if not created:
        about["updated_at"] = body["updated_at"]
    world.desk.emit(
        merchant, type_=name.replace("_", ".", 1), data_type=name, data_id=row.id, content={name: about}, now=now
    )


def settle(world: World, merchant: Merchant, row: Stored, *, now: int, business_at: int) -> None:
    """Complete the order once captured tenders cover it, and note what was sold."""
    if row.body["state"] != "OPEN" or amount_due(row, world) > 0:
        return
    if any((t.get("card_details") or {}).get("status") == "AUTHORIZED" for t in row.body.get("tenders") or []):
        return
    row.body["state"] = "COMPLETED"
    touch(world, merchant, row, now=now, closed=True)
    merchant.movements.append(sold(merchant, row, business_at))


def sold(merchant: Merchant, row: Stored, at: int) -> Movement:
    """The note of a completed order: price with tip, VAT by percentage, gift cards, service charges, rounding."""
    body = row.body
    rates = {t["uid"]: t.get("percentage") or "0" for t in body.get("taxes") or []}
    vat: Counter[str] = Counter()
    for part in [*(body.get("line_items") or []), *(body.get("service_charges") or [])]:
        for tax in part.get("applied_taxes") or []:
            vat[rates[tax["tax_uid"]]] += tax["applied_money"]["amount"]
    tips = sum(_tip(t) for t in body.get("tenders") or [])
    gifts = [p for p in body.get("line_items") or [] if p["item_type"] == "GIFT_CARD"]
    return Movement(
        "sale",
        at,
        row.location,
        sum(t["amount_money"]["amount"] for t in body.get("tenders") or []),
        row.id,
        tip=tips,
        vat=tuple(sorted(vat.items())),
        gift_cards=sum(p["total_money"]["amount"] for p in gifts),
        service=sum(c["total_money"]["amount"] for c in body.get("service_charges") or []),
        rounding=((body.get("rounding_adjustment") or {}).get("amount_money") or {}).get("amount", 0),
        invoice_id=merchant.invoice_of_order.get(row.id, ""),
    )


def cancel(world: World, merchant: Merchant, row: Stored, *, now: int) -> None:
    """OPEN -> CANCELED."""
    if row.body["state"] not in {"OPEN", "DRAFT"}:
        raise bad("BAD_REQUEST", f"Order {row.id} is {row.body['state']} and cannot be canceled.", field="order.state")
    row.body["state"] = "CANCELED"
    touch(world, merchant, row, now=now, closed=True)


def _tip(tender: Json) -> int:
    return int((tender.get("tip_money") or {}).get("amount", 0))
