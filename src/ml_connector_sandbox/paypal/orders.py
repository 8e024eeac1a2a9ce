"""Checkout orders, as much of them as it takes to create, approve, capture or authorize a payment."""

from __future__ import annotations

from dataclasses import dataclass, field

from ml_connector_sandbox.paypal import payments
from ml_connector_sandbox.paypal.ledger import Payer
from ml_connector_sandbox.paypal.money import asked
from ml_connector_sandbox.paypal.payments import Authorization, Capture, Sale
from ml_connector_sandbox.paypal.refunds import show as show_refund
from ml_connector_sandbox.paypal.refusals import Json, unprocessable
from ml_connector_sandbox.paypal.state import Merchant, World
from ml_connector_sandbox.paypal.times import stamp


@dataclass(slots=True)
class Order:
    """A checkout order. `units` are the purchase units as sent, completed with reference ids."""

    id: str
    client_id: str
    intent: str
    units: list[Json]
    status: str
    created: int
    updated: int
    payer: Payer | None = None
    captures: dict[str, list[Capture]] = field(default_factory=dict)  # reference id -> captures
    authorizations: dict[str, list[Authorization]] = field(default_factory=dict)


def create(world: World, merchant: Merchant, order: Order, at: int) -> Order:
    """Keep a new order."""
    del world, at
    for unit in order.units:
        unit.setdefault("reference_id", "default")
    names = [unit["reference_id"] for unit in order.units]
    if len(set(names)) < len(names):
        raise unprocessable("DUPLICATE_REFERENCE_ID", "`reference_id` must be unique for each `purchase_unit`.")
    merchant.orders[order.id] = order
    return order


def approve(world: World, order: Order, payer: Payer, at: int) -> None:
    """The buyer says yes. ValueError when there is nothing left to say yes to."""
    if order.status != "CREATED":
        raise ValueError(f"Order {order.id} is {order.status}: only a CREATED one can be approved.")
    order.status, order.payer, order.updated = "APPROVED", payer, at
    _tell(world, order, "CHECKOUT.ORDER.APPROVED", at)


def capture(world: World, merchant: Merchant, order: Order, at: int) -> None:
    """Take the money of every purchase unit."""
    if order.intent != "CAPTURE":
        text = "Order was created with an intent to 'AUTHORIZE'. Please use v2/checkout/orders/order_id/authorize."
        raise unprocessable("ACTION_DOES_NOT_MATCH_INTENT", text)
    if order.status == "COMPLETED":
        raise unprocessable("ORDER_ALREADY_CAPTURED", "Order already captured. If 'intent=CAPTURE' only one capture.")
    for unit, sale in _sales(merchant, order):
        order.captures.setdefault(unit, []).append(payments.take(world, merchant, sale, at))
    order.status, order.updated = "COMPLETED", at
    _tell(world, order, "CHECKOUT.ORDER.COMPLETED", at)


def authorize(world: World, merchant: Merchant, order: Order, at: int) -> None:
    """Have the money of every purchase unit promised."""
    if order.intent != "AUTHORIZE":
        text = "Order was created with an intent to 'CAPTURE'. Please use v2/checkout/orders/order_id/capture."
        raise unprocessable("ACTION_DOES_NOT_MATCH_INTENT", text)
    if order.authorizations:
        raise unprocessable("ORDER_ALREADY_AUTHORIZED", "Order already authorized. If 'intent=AUTHORIZE' only one.")
    for unit, sale in _sales(merchant, order):
        order.authorizations.setdefault(unit, []).append(payments.authorize(world, merchant, sale, at))
    order.status, order.updated = "COMPLETED", at


def _sales(merchant: Merchant, order: Order) -> list[tuple[str, Sale]]:
    if order.status != "APPROVED" or order.payer is None:
        text = "Payer has not yet approved the Order for payment. Please redirect the payer to the 'rel':'approve' url."
        raise unprocessable("ORDER_NOT_APPROVED", text)
    del merchant
    found = []
    for unit in order.units:
        amount, currency = asked(unit["amount"], "/purchase_units/amount")
        found.append(
            (
                unit["reference_id"],
                Sale(
                    amount, currency, order.payer, client_id=order.client_id, invoice_id=unit.get("invoice_id", ""),
                    custom_id=unit.get("custom_id", ""), order_id=order.id, subject=unit.get("description", ""),
                ),
            )
        )  # fmt: skip
    return found


def _tell(world: World, order: Order, name: str, at: int) -> None:
    shown = show(world, order)
    world.desk.emit(order.client_id, name, shown, kind="checkout-order", resource_id=order.id, at=at)


def show(world: World, order: Order, *, minimal: bool = False, merchant: Merchant | None = None) -> Json:
    """An order as PayPal shows it; with `merchant` its refunds too."""
    path = f"/v2/checkout/orders/{order.id}"
    links = [world.link(path, "self")]
    if order.status == "CREATED":
        links.append({"href": f"https://www.sandbox.paypal.com/checkoutnow?token={order.id}", "rel": "approve"})
        links[-1]["method"] = "GET"
    if order.status != "COMPLETED":
        verb = order.intent.lower()
        links.append(world.link(f"{path}/{verb}", verb, "POST"))
    body: Json = {"id": order.id, "status": order.status}
    if minimal:
        return body | {"links": links}
    body |= {"intent": order.intent, "purchase_units": [_unit(world, order, unit, merchant) for unit in order.units]}
    if order.payer is not None:
        name = {"given_name": order.payer.given_name, "surname": order.payer.surname}
        who = {"name": name, "email_address": order.payer.email}
        body["payer"] = who | {"payer_id": order.payer.account_id, "address": {"country_code": order.payer.country}}
        body["payment_source"] = {"paypal": who | {"account_id": order.payer.account_id, "account_status": "VERIFIED"}}
    return body | {"create_time": stamp(order.created), "update_time": stamp(order.updated), "links": links}


def _unit(world: World, order: Order, unit: Json, merchant: Merchant | None) -> Json:
    name = unit["reference_id"]
    captures, authorizations = order.captures.get(name, []), order.authorizations.get(name, [])
    paid: Json = {}
    if captures:
        paid["captures"] = [_without_extra(payments.show_capture(world, c)) for c in captures]
    if authorizations:
        paid["authorizations"] = [_without_extra(payments.show_authorization(world, a)) for a in authorizations]
    if merchant is not None:
        refunds = [merchant.refunds[r] for c in captures for r in c.refund_ids]
        paid |= {"refunds": [show_refund(world, r) for r in refunds]} if refunds else {}
    return unit | ({"payments": paid} if paid else {})


def _without_extra(shown: Json) -> Json:
    # Inside an order a payment has no supplementary_data: the order is right there.
    return {k: v for k, v in shown.items() if k != "supplementary_data"}
