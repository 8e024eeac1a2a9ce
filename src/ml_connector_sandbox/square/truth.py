"""What truly moved, by business day and location, from notes taken beside the objects: the yardstick of a ledger."""

from __future__ import annotations

from collections import Counter
from datetime import time, timedelta
from typing import Any

from ml_connector_sandbox.square import bulk
from ml_connector_sandbox.square.faults import Json
from ml_connector_sandbox.square.state import Merchant, Movement, World
from ml_connector_sandbox.square.times import local_day, local_micros, stamp


def truth(world: World, merchant: Merchant, *, detail: bool) -> Json:
    """Totals per (day, location) in minor units; with `detail` every movement too (bulk trade only in totals)."""
    rows: dict[tuple[str, str], Json] = {}
    for movement in merchant.movements:
        day = local_day(movement.at, merchant.zone(movement.location_id)).isoformat()
        _add(rows.setdefault((day, movement.location_id), empty(day, movement.location_id)), movement)
    for block in merchant.blocks:
        _add_block(merchant, block, rows)
    shown: Json = {
        "merchant_id": merchant.id,
        "currency": merchant.currency,
        "days": [_plain(rows[k]) for k in sorted(rows)],
    }
    shown["webhooks"] = dict(world.desk.counts)
    shown["mishaps"] = list(world.mishaps)
    shown["counts"] = {
        name: getattr(merchant, name).count()
        for name in ("payments", "orders", "refunds", "invoices", "customers", "vendors", "payouts", "disputes")
    }
    shown["balance"] = {
        location: sum(e["gross"] - e["fee"] for e in entries) for location, entries in merchant.balance.items()
    }
    if detail:
        shown["movements"] = [_movement(m) for m in merchant.movements]
    return shown


def empty(day: str, location_id: str) -> dict[str, Any]:
    """A row of totals with nothing in it."""
    return {
        "day": day,
        "location_id": location_id,
        "sales": 0,  # orders completed
        "gross": 0,  # everything paid for them, tips and VAT included
        "tips": 0,
        "vat": Counter(),  # percentage -> VAT
        "gift_cards_sold": 0,
        "service_charges": 0,  # tax included; part of gross
        "rounding": 0,
        "invoiced": 0,  # part of gross that orders of invoices brought
        "means": Counter(),  # means -> captured, tips included
        "fees": 0,
        "refunds": 0,
        "refund_vat": Counter(),
        "refund_tips": 0,
        "refund_means": Counter(),
        "payouts": 0,
        "adjustments": Counter(),  # payout entry type -> net
    }


def _add(row: dict[str, Any], movement: Movement) -> None:
    if movement.kind == "sale":
        row["sales"] += 1
        row["gross"] += movement.amount
        row["tips"] += movement.tip
        row["vat"].update(dict(movement.vat))
        row["gift_cards_sold"] += movement.gift_cards
        row["service_charges"] += movement.service
        row["rounding"] += movement.rounding
        row["invoiced"] += movement.amount if movement.invoice_id else 0
    elif movement.kind == "tender":
        row["means"][movement.means] += movement.amount
    elif movement.kind == "refund":
        row["refunds"] += movement.amount
        row["refund_vat"].update(dict(movement.vat))
        row["refund_tips"] += movement.tip
        row["refund_means"][movement.means] += movement.amount
    elif movement.kind == "fee":
        row["fees"] += movement.amount
    elif movement.kind == "payout":
        row["payouts"] += movement.amount
    else:
        row["adjustments"][movement.means] += movement.amount


def _add_block(merchant: Merchant, block: bulk.Block, rows: dict[tuple[str, str], Json]) -> None:
    for location in block.locations:
        zone = merchant.zone(location)
        day, last = local_day(block.start, zone), local_day(block.start + block.span, zone)
        while day <= last:
            lo, hi = (local_micros(d, time(0), zone) for d in (day, day + timedelta(days=1)))
            part = bulk.totals(block, location, lo, hi)
            if part["count"]:
                row = rows.setdefault((day.isoformat(), location), empty(day.isoformat(), location))
                row["sales"] += part["count"]
                row["gross"] += part["gross"]
                row["vat"].update(part["vat"])
                row["means"]["card"] += part["gross"]
                row["fees"] += part["fees"]
            day += timedelta(days=1)


def _plain(row: dict[str, Any]) -> Json:
    return {
        k: {n: v for n, v in sorted(value.items()) if v} if isinstance(value, Counter) else value
        for k, value in row.items()
    }


def _movement(movement: Movement) -> Json:
    return {
        "kind": movement.kind,
        "at": stamp(movement.at),
        "location_id": movement.location_id,
        "amount": movement.amount,
        "subject": movement.subject,
        "means": movement.means,
        "tip": movement.tip,
        "vat": dict(movement.vat),
        "gift_cards": movement.gift_cards,
        "service": movement.service,
        "rounding": movement.rounding,
        "invoice_id": movement.invoice_id,
    }
