"""Endpoints of refunds: below an order, and the feed across orders."""

from __future__ import annotations

from typing import Any

from ml_connector_sandbox.woocommerce import listing, shown, trade
from ml_connector_sandbox.woocommerce.api_orders import find
from ml_connector_sandbox.woocommerce.calls import Answer, Call
from ml_connector_sandbox.woocommerce.faults import Json, Refused, odd_500
from ml_connector_sandbox.woocommerce.order_editing import amount
from ml_connector_sandbox.woocommerce.state import Order, Refund


def _page(call: Call, rows: list[Refund], *, with_parent: bool) -> Answer:
    limits = listing.bounds(call)
    kept = [r for r in rows if limits.keep(r.created, r.created) and listing.picked(call, r.id)]
    if call.params.get("parent"):
        kept = [r for r in kept if r.parent_id in call.params["parent"]]
    by_id = call.params["orderby"] in ("id", "include", "slug", "title")
    kept = listing.in_order(call, kept, lambda r: r.id if by_id else (r.created, listing.shuffled(r.id)))
    dp = int(call.params["dp"]) if "dp" in call.params else None

    def render(row: Refund) -> Json:
        return shown.refund(call.store, row, dp=dp, with_parent=with_parent)

    return listing.paged(call, kept, render, total_past_end=not call.store.knobs.hpos)


def list_all(call: Call) -> Answer:
    """Every refund of the shop, bin excluded, with the order it belongs to."""
    rows = [r for order in call.store.orders.values() for r in order.refunds]
    return _page(call, rows, with_parent=True)


def list_refunds(call: Call) -> Answer:
    """Refunds of an order; of an order that is not there: none."""
    order = trade.find(call.store, call.id("order_id"))
    return _page(call, order.refunds if order else [], with_parent=False)


def _one(call: Call, *, change: bool = False) -> tuple[Order, Refund]:
    order = find(call, "order_id", change=change)
    for row in order.refunds:
        if row.id == call.id():
            return order, row
    if any(r.id == call.id() for o in call.store.orders.values() for r in o.refunds):
        raise odd_500("woocommerce_rest_invalid_order_refund_id", "This refund is not of this order.", 404)
    raise Refused(404, "woocommerce_rest_invalid_order_refund_id", "Invalid order refund ID.")


def read_refund(call: Call) -> Answer:
    """One refund."""
    return Answer(shown.refund(call.store, _one(call)[1]))


def delete_refund(call: Call) -> Answer:
    """Gone without a sound: no webhook, no date, no status."""
    if not call.params["force"]:
        raise Refused(501, "woocommerce_rest_trash_not_supported", "Refunds do not support trashing.")
    order, row = _one(call, change=True)
    trade.delete_refund(order, row.id)
    return Answer(shown.refund(call.store, row))


def create_refund(call: Call) -> Answer:
    """Give money back; `api_refund` (true unless said) asks the gateway to move it."""
    order = find(call, "order_id", change=True)
    backs = [_back(order, line) for line in call.params.get("line_items") or []]
    given = call.params.get("amount")
    value = amount(given, "amount") if given not in (None, "") else None
    gateway = call.store.gateways.get(order.payment_method, {})
    moves = bool(call.params["api_refund"])
    if moves and "refunds" not in gateway.get("method_supports", []):
        raise odd_500(
            "woocommerce_rest_cannot_create_order_refund", "The payment gateway does not support refunds.", 500
        )
    row = trade.refund(
        call.store, order, amount=value, backs=backs, reason=str(call.params.get("reason", "")), paid=moves,
        by=int(call.params.get("refunded_by") or call.me.id), now=call.now,
        meta=shown.meta_list(call.store, call.params.get("meta_data")),
    )  # fmt: skip
    path = f"/orders/{order.id}/refunds/{row.id}"
    return Answer(shown.refund(call.store, row), 201, (("Location", shown.link(call.store, path)),))


def _back(order: Order, wanted: Any) -> trade.Back:
    line_id = int(wanted.get("id") or 0) if isinstance(wanted, dict) else 0
    if all(line.id != line_id for line in order.lines):
        raise odd_500("woocommerce_rest_invalid_order_refund", "A line of this id is not in the order.", 400)
    taxes = {int(t["id"]): amount(t.get("refund_total"), "refund_tax") for t in wanted.get("refund_tax") or []}
    total = amount(wanted.get("refund_total"), "refund_total")
    return trade.Back(line_id, abs(int(wanted.get("quantity") or 0)), total, taxes)
