"""Endpoints of orders: list, read, create, change, bin, batch, notes, statuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ml_connector_sandbox.woocommerce import listing, order_editing, order_lists, shown, trade
from ml_connector_sandbox.woocommerce.calls import Answer, Call, check
from ml_connector_sandbox.woocommerce.faults import Json, Refused, bad_param
from ml_connector_sandbox.woocommerce.order_args import CREATE, UPDATE
from ml_connector_sandbox.woocommerce.state import PAID, Order

BATCH_LIMIT = 100
_HIDDEN = ("trash", "auto-draft")


def list_orders(call: Call) -> Answer:
    """`status=any` hides the bin and, by knob, drafts; `any,trash` is `any`."""
    wanted = list(call.params["status"])
    allowed = {"any", "trash", "auto-draft", *call.store.statuses()}
    wrong = [status for status in wanted if status not in allowed]
    if wrong:
        raise bad_param("status", f"status[0] is not one of {', '.join(sorted(allowed))}.", "rest_not_in_enum")
    rows, total = order_lists.page(call, lambda order: _keep(call, order, wanted))
    heavy = call.store.knobs.heavy_rows
    if heavy and len(rows) > heavy:
        raise Refused(500, "html", "The page ran out of memory.")
    dp = int(call.params["dp"]) if "dp" in call.params else None
    bodies = [_trimmed(call, shown.order(call.store, row, dp)) for row in rows]
    return listing.answer(call, bodies, total, total_past_end=not call.store.knobs.hpos)


def _keep(call: Call, order: Order, wanted: list[str]) -> bool:
    params, drafts = call.params, call.store.knobs.drafts_in_default_list
    if "any" in wanted:
        if order.status in _HIDDEN or (order.status == "checkout-draft" and not drafts):
            return False
    elif order.status not in wanted:
        return False
    if not listing.picked(call, order.id) or (params.get("parent") and order.parent_id not in params["parent"]):
        return False
    if params.get("customer") is not None and order.customer_id != params["customer"]:
        return False
    if params.get("created_via") and order.created_via not in params["created_via"]:
        return False
    if params.get("product") and not any(line.product_id == params["product"] for line in order.lines):
        return False
    return not params.get("search") or _mentions(order, params["search"].lower())


def _mentions(order: Order, text: str) -> bool:
    words = [order.number, *map(str, order.billing.values()), *map(str, order.shipping.values())]
    return any(text in word.lower() for word in [*words, *(line.name for line in order.lines)])


def _trimmed(call: Call, body: Json) -> Json:
    only, without = call.params.get("include_meta"), call.params.get("exclude_meta")
    if only:
        body["meta_data"] = [m for m in body["meta_data"] if m["key"] in only]
    if without:
        body["meta_data"] = [m for m in body["meta_data"] if m["key"] not in without]
    return body


def find(call: Call, name: str = "id", *, change: bool = False) -> Order:
    """The order of the path. Refused with the shop's 404 when there is none."""
    found = (trade.own if change else trade.find)(call.store, call.id(name))
    if found is None or found.created > call.stamp:
        raise Refused(404, "woocommerce_rest_shop_order_invalid_id", "Invalid ID.")
    return found


def read_order(call: Call) -> Answer:
    """One order; one in the bin reads as any other."""
    dp = str(call.query.get("dp", ""))
    return Answer(shown.order(call.store, find(call), int(dp) if dp.isdigit() else None))


def create_order(call: Call) -> Answer:
    """A new order. A coupon nobody knows leaves a draft behind and says so."""
    order = create(call, call.params)
    return Answer(
        shown.order(call.store, order),
        201,
        (("Location", shown.link(call.store, f"/orders/{order.id}")),),
    )


def create(call: Call, body: Json) -> Order:
    """Make an order from a checked body, and ring."""
    store = call.store
    order = trade.new_order(store, call.now, created=call.stamp, via="rest-api")
    order.status = "auto-draft"
    try:
        order_editing.fill(store, order, body, new=True)
    except Refused as refused:
        if refused.code == "woocommerce_rest_invalid_coupon":
            raise Refused(
                400, refused.code, refused.message, data={"status": 400, "new_draft_order_id": order.id}
            ) from None
        del store.orders[order.id]
        raise
    order.status = "pending"
    trade.set_status(store, order, body.get("status", "pending"), call.stamp)
    if body.get("set_paid"):
        trade.pay(store, order, transaction_id=body.get("transaction_id", ""), stamp=call.stamp)
    trade.ring_created(store, order, call.now)
    return order


def update_order(call: Call) -> Answer:
    """Change an order. Even an edit that changes nothing moves date_modified and rings."""
    return Answer(shown.order(call.store, update(call, find(call, change=True), call.params)))


def update(call: Call, order: Order, body: Json) -> Order:
    """Put a checked body into an order, and ring unless it came back from the bin."""
    store = call.store
    binned = order.status == "trash"
    order_editing.fill(store, order, body, new=False)
    if "status" in body:
        trade.set_status(store, order, body["status"], call.stamp)
    if body.get("set_paid") and order.status not in PAID:
        trade.pay(store, order, transaction_id=body.get("transaction_id", ""), stamp=call.stamp)
    trade.touch(order, call.now)
    if not (binned and "status" in body):
        trade.ring_updated(store, order, call.now)
    return order


def delete_order(call: Call) -> Answer:
    """Into the bin, or with force gone without a sound."""
    order = find(call, change=True)
    return Answer(remove(call, order, force=bool(call.params["force"])))


def remove(call: Call, order: Order, *, force: bool) -> Json:
    """Bin or erase; answers the order as it was."""
    body = shown.order(call.store, order)
    if force:
        del call.store.orders[order.id]
    else:
        trade.trash(call.store, order, call.now)
    return body


def batch_orders(call: Call) -> Answer:
    """Many creates, updates and deletes; each failure is told in its own place."""

    def one(order_id: Any) -> Order:
        found = trade.own(call.store, int(order_id or 0))
        if found is None:
            raise Refused(404, "woocommerce_rest_shop_order_invalid_id", "Invalid ID.")
        return found

    def make(body: Json) -> Json:
        return shown.order(call.store, create(call, check(CREATE, body)))

    def change(body: Json) -> Json:
        return shown.order(call.store, update(call, one(body.get("id")), check(UPDATE, body)))

    return batch(call, create=make, update=change, delete=lambda key: remove(call, one(key), force=True))


def batch(
    call: Call, *, create: Callable[[Json], Json], update: Callable[[Json], Json], delete: Callable[[Any], Json]
) -> Answer:
    """The frame of every batch endpoint."""
    parts = {name: list(call.body.get(name) or []) for name in ("create", "update", "delete")}
    if sum(map(len, parts.values())) > BATCH_LIMIT:
        text = f"At most {BATCH_LIMIT} items in one batch."
        raise Refused(413, "woocommerce_rest_request_entity_too_large", text)
    acts: dict[str, Callable[[Any], Json]] = {"create": create, "update": update, "delete": delete}
    return Answer({name: [_or_error(acts[name], given) for given in found] for name, found in parts.items() if found})


def _or_error(act: Callable[[Any], Json], given: Any) -> Json:
    try:
        return act(given)
    except Refused as refused:
        number = given.get("id", 0) if isinstance(given, dict) else given
        return {"id": number, "error": refused.body()}


def list_notes(call: Call) -> Answer:
    """Notes, the newest first; not paged."""
    order = find(call, "order_id")
    wanted = {"customer": [True], "internal": [False]}.get(call.params["type"], [True, False])
    rows = [n for n in reversed(order.notes) if n.for_customer in wanted]
    return Answer([shown.note(call.store, n, order.id) for n in rows])


def create_note(call: Call) -> Answer:
    """The quiet way to leave a trace."""
    order = find(call, "order_id", change=True)
    author = call.me.username if call.params["added_by_user"] else "system"
    row = trade.annotate(
        call.store, order, call.params["note"], author=author, for_customer=call.params["customer_note"],
        stamp=call.stamp,
    )  # fmt: skip
    return Answer(shown.note(call.store, row, order.id), 201)


def _note(call: Call) -> tuple[Order, Any]:
    order = find(call, "order_id", change=True)
    for row in order.notes:
        if row.id == call.id():
            return order, row
    raise Refused(404, "woocommerce_rest_invalid_id", "Invalid resource ID.")


def read_note(call: Call) -> Answer:
    """One note."""
    order, row = _note(call)
    return Answer(shown.note(call.store, row, order.id))


def delete_note(call: Call) -> Answer:
    """Notes have no bin: force is needed."""
    if not call.params["force"]:
        raise Refused(501, "woocommerce_rest_trash_not_supported", "Notes do not support trashing.")
    order, row = _note(call)
    order.notes.remove(row)
    return Answer(shown.note(call.store, row, order.id))


def statuses(call: Call) -> Answer:
    """All statuses, those of plugins included."""
    return Answer([{"slug": slug, "name": name} for slug, name in call.store.statuses().items()])
