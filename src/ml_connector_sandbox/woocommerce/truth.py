"""What a shop has sold and given back, a row per local day and currency, from what it stored. Amounts are text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from ml_connector_sandbox.woocommerce import bulk
from ml_connector_sandbox.woocommerce.faults import Json
from ml_connector_sandbox.woocommerce.pricing import rounded
from ml_connector_sandbox.woocommerce.shown import bare, money, total_tax
from ml_connector_sandbox.woocommerce.state import ZERO, Order, Refund, Store
from ml_connector_sandbox.woocommerce.times import local_day

SOLD = ("processing", "completed", "refunded")  # statuses whose orders count as sales
AMOUNTS = ("gross", "net", "tax_total", "shipping", "fees", "discount", "refunded", "refunded_without_lines")
TABLES = ("tax", "gateways", "refund_tax", "refund_gateways")
COUNTS = ("orders", "waiting", "refunds")


def empty(day: str, currency: str) -> dict[str, Any]:
    """A row in which nothing happened."""
    row: dict[str, Any] = {"day": day, "currency": currency} | dict.fromkeys(COUNTS, 0)
    return row | dict.fromkeys(AMOUNTS, ZERO) | {name: Counter() for name in TABLES}


def printed(row: dict[str, Any], decimals: int) -> Json:
    """A row as verbs answer it: amounts as text, tables without zeros."""

    def table(found: Counter[str]) -> Json:
        return {key: money(Decimal(value), decimals) for key, value in sorted(found.items()) if value}

    amounts = {name: money(row[name], decimals) for name in AMOUNTS}
    return row | amounts | {name: table(row[name]) for name in TABLES}


def truth(store: Store, arguments: Json, now: int) -> Json:
    """Every day there was, optionally one `day`, and counts of what is left."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    only = arguments.get("day")

    def row(stamp: int, order: Order) -> dict[str, Any] | None:
        day = local_day(stamp, store.zone).isoformat()
        if only is not None and day != only:
            return None
        return rows.setdefault((day, order.currency), empty(day, order.currency))

    for order in _orders(store, now // 1_000_000):
        found = row(order.created, order)
        if found is not None:
            _add_order(store, found, order)
        for refund in order.refunds:
            given_back = row(refund.created, order)
            if given_back is not None:
                _add_refund(store, given_back, order, refund)
    days = [printed(rows[key], store.decimals) for key in sorted(rows)]
    states = Counter(order.status for order in _orders(store, now // 1_000_000))
    return {"days": days, "statuses": dict(sorted(states.items())), "customers": len(store.users) - 1}


def _orders(store: Store, stamp: int) -> Iterator[Order]:
    yield from store.orders.values()
    for block in store.blocks:
        for k in range(block.happened(stamp)):
            if k not in block.taken:
                yield bulk.build(store, block, k)


def _add_order(store: Store, row: dict[str, Any], order: Order) -> None:
    d = store.decimals
    if order.status in ("pending", "on-hold"):
        row["waiting"] += 1
    if order.status not in SOLD:
        return
    sums = order.sums
    tax = sums.cart_tax + sums.shipping_tax
    row["orders"] += 1
    row["gross"] += sums.total
    row["tax_total"] += tax
    row["net"] += sums.total - tax
    row["shipping"] += sums.shipping
    row["fees"] += sum((rounded(line.total, d) for line in order.of("fee")), ZERO)
    row["discount"] += sums.discount
    row["gateways"][order.payment_method] += sums.total
    for line in order.tax_lines:
        row["tax"][bare(line.percent)] += rounded(line.tax + line.shipping_tax, d)


def _add_refund(store: Store, row: dict[str, Any], order: Order, refund: Refund) -> None:
    amount = refund.amount or ZERO
    row["refunds"] += 1
    row["refunded"] += amount
    row["refund_gateways"][order.payment_method] += amount
    lines = sum((line.total + total_tax(store, line) for line in refund.lines), ZERO)
    row["refunded_without_lines"] += amount + rounded(lines, store.decimals)
    for tax in refund.tax_lines:
        row["refund_tax"][bare(tax.percent)] -= rounded(tax.tax + tax.shipping_tax, store.decimals)
