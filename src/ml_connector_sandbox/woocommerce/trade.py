"""What happens to orders, with the webhooks each thing rings (or does not): status, payment, refunds, bins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from ml_connector_sandbox.woocommerce import bulk, pricing
from ml_connector_sandbox.woocommerce.faults import Json, Refused, odd_500
from ml_connector_sandbox.woocommerce.state import (
    PAID,
    ZERO,
    Line,
    Note,
    Order,
    Refund,
    Store,
    TaxLine,
)
from ml_connector_sandbox.woocommerce.times import SECOND


@dataclass(frozen=True, slots=True)
class Back:
    """What is given back of one line: the line's id, a quantity, net and tax by rate, all positive."""

    line_id: int
    quantity: int = 0
    total: Decimal = ZERO
    taxes: dict[int, Decimal] = field(default_factory=dict)


def find(store: Store, order_id: int) -> Order | None:
    """An order by id, bulk ones included (read only: use `own` before a change)."""
    return store.orders.get(order_id) or bulk.peek(store, order_id)


def own(store: Store, order_id: int) -> Order | None:
    """An order that may be changed; one of a bulk block is taken out of it."""
    return store.orders.get(order_id) or bulk.take(store, order_id)


def new_order(store: Store, now: int, *, created: int, via: str) -> Order:
    """An empty pending order, stored. Rings nothing yet."""
    del now
    order_id = store.number()
    order = Order(
        order_id, str(order_id), f"wc_order_{store.mint.mixed(13)}", "pending", store.currency, store.inclusive,
        created, created, via,
    )  # fmt: skip
    store.orders[order_id] = order
    return order


def touch(order: Order, now: int) -> None:
    """Move date_modified."""
    order.modified = max(order.modified, now // SECOND)


def set_status(store: Store, order: Order, status: str, stamp: int) -> None:
    """Move an order to a status with what follows: dates, or a refund over the rest without lines and tax."""
    if status == order.status:
        return
    order.status = status
    if status in PAID and order.paid is None:
        order.paid = stamp
    if status == "completed":
        order.completed = stamp
    left = order.sums.total - order.refunded()
    if status == "refunded" and left > 0:
        refund = Refund(store.number(), order.id, stamp, left, "Order fully refunded.", by=1, paid=False, full=True)
        refund.meta = [{"id": store.number("meta"), "key": "_refund_type", "value": "full"}]
        order.refunds.append(refund)


def pay(store: Store, order: Order, *, transaction_id: str, stamp: int) -> None:
    """Payment is complete: processing, with a payment date."""
    if transaction_id:
        order.transaction_id = transaction_id
    order.paid = order.paid or stamp
    set_status(store, order, "processing", stamp)


def ring_created(store: Store, order: Order, now: int) -> None:
    """An order was created: both topics, and customer.updated when a registered buyer has paid."""
    store.desk.emit("order.created", order.id, now)
    ring_updated(store, order, now)
    user = store.users.get(order.customer_id)
    if user is not None and order.paid is not None:
        user.paying, user.modified = True, now // SECOND
        store.desk.emit("customer.updated", user.id, now)


def ring_updated(store: Store, order: Order, now: int) -> None:
    """An order changed."""
    store.desk.emit("order.updated", order.id, now)


def refund(
    store: Store,
    order: Order,
    *,
    amount: Decimal | None,
    backs: Sequence[Back],
    reason: str,
    paid: bool,
    by: int,
    now: int,
    stamp: int | None = None,
    meta: list[Json] | None = None,
) -> Refund:
    """Give money back. `amount` None with lines of quantities only prints as "". Rings one order.updated."""
    value = amount if amount is not None else sum((b.total + sum(b.taxes.values(), ZERO) for b in backs), ZERO)
    if value < 0:
        raise odd_500("woocommerce_rest_invalid_order_refund", "The refund amount must not be negative.", 400)
    if value > order.sums.total - order.refunded():
        raise odd_500("woocommerce_rest_cannot_create_order_refund", "Invalid refund amount.", 500)
    when = now // SECOND if stamp is None else stamp
    blank = amount is None and value == 0 and bool(backs)
    row = Refund(store.number(), order.id, when, None if blank else value, reason, by, paid)
    row.lines = [_returned(store, order, back) for back in backs]
    row.tax_lines = _tax_lines(store, order, row.lines)
    order.refunds.append(row)
    row.full = order.refunded() >= order.sums.total
    kind = "full" if row.full else "partial"
    row.meta = [{"id": store.number("meta"), "key": "_refund_type", "value": kind}, *(meta or [])]
    if row.full and order.status != "refunded":
        set_status(store, order, "refunded", when)
        touch(order, max(now, when * SECOND))
    elif store.knobs.refund_touches_order:
        touch(order, now)
    ring_updated(store, order, now)
    store.desk.act("woocommerce_order_refunded", order.id, now)
    return row


def _returned(store: Store, order: Order, back: Back) -> Line:
    sold = next((line for line in order.lines if line.id == back.line_id), None)
    if sold is None:
        raise odd_500("woocommerce_rest_invalid_order_refund", "A line of this id is not in the order.", 400)
    taxes = {rate_id: (-tax, -tax) for rate_id, tax in back.taxes.items()}
    meta = [{"id": store.number("meta"), "key": "_refunded_item_id", "value": str(sold.id)}]
    return Line(
        store.number("item"), sold.kind, sold.name, -back.total, -back.total, taxes, -back.quantity,
        sold.product_id, sold.variation_id, sold.sku, sold.parent_name, sold.tax_class, sold.taxable,
        sold.method_id, sold.instance_id, meta,
    )  # fmt: skip


def _tax_lines(store: Store, order: Order, lines: Sequence[Line]) -> list[TaxLine]:
    found: dict[int, TaxLine] = {}
    for line in lines:
        for rate_id, (_, tax) in line.taxes.items():
            sold = next((t for t in order.tax_lines if t.rate_id == rate_id), None)
            if sold is None:
                continue
            kept = found.setdefault(
                rate_id,
                TaxLine(store.number("item"), rate_id, sold.code, sold.label, sold.percent, sold.compound),
            )
            if line.kind == "shipping":
                kept.shipping_tax += pricing.line_tax(store, tax)
            else:
                kept.tax += pricing.line_tax(store, tax)
    return list(found.values())


def left_of(store: Store, order: Order, line: Line) -> Back:
    """Everything of a line that was not given back yet."""
    gone = [r for refund in order.refunds for r in refund.lines if any(m["value"] == str(line.id) for m in r.meta)]
    taxes = {
        rate_id: pricing.line_tax(store, after) + sum((r.taxes.get(rate_id, (ZERO, ZERO))[1] for r in gone), ZERO)
        for rate_id, (_, after) in line.taxes.items()
    }
    quantity = (line.quantity if line.kind == "line_item" else 0) + sum(r.quantity for r in gone)
    return Back(line.id, quantity, line.total + sum((r.total for r in gone), ZERO), taxes)


def delete_refund(order: Order, refund_id: int) -> Refund:
    """Forget a refund: nothing rings, nothing else changes."""
    row = next((r for r in order.refunds if r.id == refund_id), None)
    if row is None:
        raise odd_500("woocommerce_rest_invalid_order_refund_id", "This refund is not of this order.", 404)
    order.refunds.remove(row)
    return row


def trash(store: Store, order: Order, now: int) -> None:
    """Put an order into the bin: order.deleted rings with the id alone."""
    if order.status == "trash":
        raise Refused(410, "woocommerce_rest_already_trashed", "The order has already been deleted.")
    order.status = "trash"
    touch(order, now)
    store.desk.emit("order.deleted", order.id, now)


def annotate(store: Store, order: Order, text: str, *, author: str, for_customer: bool, stamp: int) -> Note:
    """Write a note: rings nothing, moves no date."""
    note = Note(store.number("note"), text, author, stamp, for_customer)
    order.notes.append(note)
    return note


def delete_customer(store: Store, user_id: int, now: int) -> None:
    """Remove an account: its orders become a guest's with a new date_modified, and only customer.deleted rings."""
    bulk.take_of_customer(store, user_id)
    for order in store.orders.values():
        if order.customer_id == user_id:
            order.customer_id = 0
            touch(order, now)
    del store.users[user_id]
    store.desk.emit("customer.deleted", user_id, now)
