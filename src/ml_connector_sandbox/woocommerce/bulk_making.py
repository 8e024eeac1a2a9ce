"""The verb `bulk`: a run of paid orders that take no memory until somebody changes one."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from ml_connector_sandbox.woocommerce import bulk
from ml_connector_sandbox.woocommerce.checkout import class_of
from ml_connector_sandbox.woocommerce.faults import Json
from ml_connector_sandbox.woocommerce.state import Store
from ml_connector_sandbox.woocommerce.times import DAY_S, SECOND, instant, seconds


def sell_in_bulk(store: Store, arguments: Json, now: int) -> Json:
    """N card orders evenly over [start, end); those in the future appear when their time comes."""
    n = int(arguments["n"])
    end = _moment(arguments["end"]) if arguments.get("end") else now // SECOND
    start = _moment(arguments["start"]) if arguments.get("start") else end - DAY_S
    if n < 1 or start >= end:
        raise ValueError("bulk needs n of 1 or more and start before end.")
    gateways = [str(g) for g in arguments.get("gateways", ["stripe"])]
    block = bulk.Block(
        first=store.reserve(n),
        n=n,
        start=start,
        span=end - start,
        classes=tuple(class_of(store, t) for t in arguments.get("taxes", ["25"])),
        gateways=tuple((g, str(store.gateways[g]["title"])) for g in gateways),
        customers=tuple(int(c) for c in arguments.get("customers", [])),
        country=store.country,
        currency=str(arguments.get("currency", store.currency)),
        amount=Decimal(str(arguments.get("amount", "100.00"))),
        items=store.reserve(2 * n, "item"),
    )
    store.blocks.append(block)
    if arguments.get("events"):
        for k in range(block.happened(now // SECOND)):
            store.desk.emit("order.created", block.first + k, now)
            store.desk.emit("order.updated", block.first + k, now)
    gross = sum((bulk.build(store, block, k).sums.total for k in range(n)), Decimal(0)) if n <= 200_000 else None
    return {
        "n": n,
        "first_order_id": block.first,
        "last_order_id": block.first + n - 1,
        "start": instant(start).isoformat(),
        "end": instant(end).isoformat(),
        "gross": None if gross is None else str(gross),
    }


def _moment(text: object) -> int:
    moment = datetime.fromisoformat(str(text))
    if moment.tzinfo is None:
        raise ValueError("Give start and end with a zone, such as 2026-03-01T12:00:00Z.")
    return seconds(moment)
