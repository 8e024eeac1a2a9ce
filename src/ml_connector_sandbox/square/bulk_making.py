"""The verb `bulk`: a block of sales whose payment and order are copies of one real sale with marks for what differs."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from ml_connector_sandbox.core.instants import DAY
from ml_connector_sandbox.square import bulk, trade
from ml_connector_sandbox.square.faults import Json
from ml_connector_sandbox.square.state import Merchant, World
from ml_connector_sandbox.square.times import parse, stamp
from ml_connector_sandbox.square.webhooks import Desk


def sell_in_bulk(world: World, arguments: Json, now: int) -> Json:
    """N card sales evenly over [start, end) and over locations; those in the future appear when their time comes."""
    merchant, n = world.merchant(arguments.get("merchant_id")), int(arguments["n"])
    end = parse(str(arguments["end"]), "end") if arguments.get("end") else now
    start = parse(str(arguments["start"]), "start") if arguments.get("start") else end - DAY
    if n < 1 or start >= end:
        raise ValueError("bulk needs n of 1 or more and start before end.")
    places = [str(merchant.location(key)["id"]) for key in arguments.get("location_ids") or merchant.locations]
    prefix = f"BK{len(merchant.blocks):02d}{world.mint.mixed(8)}"
    block = bulk.Block(world.clock, prefix=prefix, n=n, start=start, span=end - start, locations=places)
    block.rates = tuple((rate, int(Decimal(rate) * 100)) for rate in merchant.taxes) or block.rates
    block.fee_percent = (int(Decimal(world.knobs.fee_percent) * 100), world.knobs.fee_fixed)
    payment, order = bulk_faces(world, merchant)
    merchant.blocks.append(block)
    merchant.payments.sources.append(bulk.Face(block, "P", payment))
    merchant.orders.sources.append(bulk.Face(block, "O", order))
    if arguments.get("events"):
        _bulk_events(world, merchant, block)
    first, last = block.key("P", 0), block.key("P", n - 1)
    gross = sum(block.amount(k) for k in range(n)) if n <= 1_000_000 else None
    return {
        "n": n,
        "first_payment_id": first,
        "last_payment_id": last,
        "start": stamp(start),
        "end": stamp(end),
        "gross": gross,
    }


def bulk_faces(world: World, merchant: Merchant) -> tuple[Json, Json]:
    """The payment and the order of a bulk sale with marks in place of what differs, made by a real sale elsewhere."""
    scratch = World(0, 0.0)
    scratch.knobs = world.knobs
    scratch.desk = Desk(scratch)
    place = dict(next(iter(merchant.locations.values())))
    twin = Merchant(
        merchant.id, merchant.name, merchant.country, merchant.currency, 0, merchant.taxes, {place["id"]: place}
    )
    order, rows = trade.sell(scratch, twin, {"lines": [{"name": "Goods", "amount": 100, "tax": "25"}]}, 0)
    scratch.advance(DAY)
    return _marked_payment(rows[0].body), _marked_order(order.body)


def _marked_payment(body: Json) -> Json:
    marked: Json = _mark(body)
    return marked | {"id": "@payment_id@", "order_id": "@order_id@", "receipt_number": "@receipt@"}


def _marked_order(body: Json) -> Json:
    marked: Json = _mark(body)
    marked["id"] = "@order_id@"
    marked["tenders"][0] |= {"id": "@payment_id@", "payment_id": "@payment_id@", "transaction_id": "@order_id@"}
    marked["taxes"][0] |= {"percentage": "@rate@", "name": "VAT @rate@ %"}
    return marked


def _mark(content: Any, name: str = "") -> Any:
    """Marks by field name: amounts, taxes, fees, times, the location, the receipt."""
    if isinstance(content, list):
        return [_mark(item, name) for item in content]
    if isinstance(content, dict):
        if content.keys() == {"amount", "currency"}:
            return content | {"amount": _amount_mark(content["amount"], name)}
        return {
            k: _mark(v, name if k == "amount_money" and name == "processing_fee" else k) for k, v in content.items()
        }
    if name in {"created_at", "authorized_at"}:
        return "@created@"
    if name in {"updated_at", "closed_at", "captured_at", "effective_at"}:
        return "@updated@"
    marks = {"location_id": "@location@", "receipt_url": "https://squareup.com/receipt/preview/@payment_id@"}
    marks["delayed_until"] = "@delayed@"
    marks["version_token"] = "@payment_id@6o"
    return marks.get(name, content)


def _amount_mark(amount: int, name: str) -> Any:
    if amount == 0:
        return 0
    if name == "processing_fee":
        return "@fee@"
    return "@tax@" if name in {"total_tax_money", "applied_money", "tax_money"} else "@amount@"


def _bulk_events(world: World, merchant: Merchant, block: bulk.Block) -> None:
    face = next(s for s in merchant.payments.sources if isinstance(s, bulk.Face) and s.block is block)

    def tell(k: int, at: int) -> None:
        row = bulk.Sold(face, k)
        content = {"payment": row.body}
        world.desk.emit(merchant, type_="payment.updated", data_type="payment", data_id=row.id, content=content, now=at)
        if k + 1 < block.n:
            world.later(block.created(k + 1) + bulk.LAG, lambda due: tell(k + 1, due))

    world.later(block.created(0) + bulk.LAG, lambda due: tell(0, due))
