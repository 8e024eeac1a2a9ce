"""Orders v2: create, read, capture, authorize."""

from __future__ import annotations

from ml_connector_sandbox.paypal import orders
from ml_connector_sandbox.paypal.calls import MONEY, Answer, Call
from ml_connector_sandbox.paypal.money import asked
from ml_connector_sandbox.paypal.orders import Order
from ml_connector_sandbox.paypal.refusals import bad, not_found
from ml_connector_sandbox.paypal.state import must

_AMOUNT = dict(MONEY) | {"breakdown": "map"}
_UNIT = {
    "reference_id": "str:256", "amount*": _AMOUNT, "payee": "map", "description": "str:127", "custom_id": "str:127",
    "invoice_id": "str:127", "soft_descriptor": "str:22", "items": ["map"], "shipping": "map",
}  # fmt: skip
CREATE = {
    "intent*": "str", "purchase_units*": [_UNIT], "payer": "map", "payment_source": "map", "application_context": "map",
}  # fmt: skip
TAKE = {"payment_source": "map"}


def create(call: Call) -> Answer:
    """`POST /v2/checkout/orders`."""
    if call.body["intent"] not in {"CAPTURE", "AUTHORIZE"}:
        raise bad("INVALID_PARAMETER_VALUE", "The value of a field is invalid.", field="/intent")
    units = call.body["purchase_units"]
    if not 1 <= len(units) <= 10:
        issue = "INVALID_ARRAY_MAX_ITEMS" if units else "INVALID_ARRAY_MIN_ITEMS"
        raise bad(issue, "From 1 to 10 purchase units.", field="/purchase_units")
    for n, unit in enumerate(units):
        asked(unit["amount"], f"/purchase_units/{n}/amount")
    key = call.world.mint.transaction()
    made = Order(key, call.app.client_id, call.body["intent"], units, "CREATED", call.now, call.now)
    orders.create(call.world, call.merchant, made, call.now)
    return show(call, key)


def _order(call: Call, key: str) -> Order:
    order = must(call.merchant.orders.get(key))
    if order.client_id != call.app.client_id:
        raise not_found()
    return order


def show(call: Call, key: str) -> Answer:
    """An order just made or moved on, or by an earlier request of the same id."""
    return Answer(201, orders.show(call.world, _order(call, key), minimal=call.minimal))


def get(call: Call) -> Answer:
    """`GET /v2/checkout/orders/{id}`."""
    return Answer(200, orders.show(call.world, _order(call, call.args["id"]), merchant=call.merchant))


def capture(call: Call) -> Answer:
    """`POST /v2/checkout/orders/{id}/capture`: with the payments even in the minimal form."""
    order = _order(call, call.args["id"])
    orders.capture(call.world, call.merchant, order, call.now)
    return Answer(201, orders.show(call.world, order))


def authorize(call: Call) -> Answer:
    """`POST /v2/checkout/orders/{id}/authorize`."""
    order = _order(call, call.args["id"])
    orders.authorize(call.world, call.merchant, order, call.now)
    return Answer(201, orders.show(call.world, order))


def show_whole(call: Call, key: str) -> Answer:
    """The latest state of an order whose capture or authorization is asked for again."""
    return Answer(201, orders.show(call.world, _order(call, key)))
