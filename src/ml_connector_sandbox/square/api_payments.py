"""Endpoints that move money: create, complete, cancel, update a payment; refund one."""

from __future__ import annotations

from ml_connector_sandbox.square import orders, payments, refunds, returns
from ml_connector_sandbox.square.api_orders import MONEY
from ml_connector_sandbox.square.calls import Answer, Call, Shape, need
from ml_connector_sandbox.square.faults import Json, Refused, bad
from ml_connector_sandbox.square.payments import Tendered
from ml_connector_sandbox.square.shelves import Stored
from ml_connector_sandbox.square.state import must
from ml_connector_sandbox.square.times import parse

_CASH: Shape = {"buyer_supplied_money": MONEY, "change_back_money": MONEY}
_EXTERNAL: Shape = {"type": "str", "source": "str", "source_id": "str", "source_fee_money": MONEY}
CREATE: Shape = {
    "source_id": "str", "idempotency_key": "str", "amount_money": MONEY, "tip_money": MONEY, "app_fee_money": MONEY,
    "delay_duration": "str", "delay_action": "str", "autocomplete": "bool", "order_id": "str", "customer_id": "str",
    "location_id": "str", "team_member_id": "str", "reference_id": "str", "verification_token": "str",
    "accept_partial_authorization": "bool", "buyer_email_address": "str", "buyer_phone_number": "str",
    "billing_address": "map", "shipping_address": "map", "note": "str", "statement_description_identifier": "str",
    "cash_details": _CASH, "external_details": _EXTERNAL, "customer_details": "map",
    "offline_payment_details": {"client_created_at": "str"},
}  # fmt: skip
COMPLETE: Shape = {"version_token": "str"}
UPDATE: Shape = {"payment": "map", "idempotency_key": "str"}
REFUND: Shape = {
    "idempotency_key": "str", "amount_money": MONEY, "app_fee_money": MONEY, "payment_id": "str",
    "destination_id": "str", "unlinked": "bool", "location_id": "str", "customer_id": "str", "reason": "str",
    "payment_version_token": "str", "team_member_id": "str", "cash_details": {"seller_supplied_money": MONEY,
    "change_back_money": MONEY}, "external_details": {"type": "str", "source": "str", "source_id": "str"},
}  # fmt: skip

# Test values of source_id: what they stand for, or how they fail.
_CARDS = {
    "cnon:card-nonce-ok": ("VISA", "5858"),
    "cnon:card-nonce-ok-mastercard": ("MASTERCARD", "9029"),
    "cnon:card-nonce-ok-amex": ("AMERICAN_EXPRESS", "6550"),
}
_DECLINES = {
    "cnon:card-nonce-declined": "GENERIC_DECLINE",
    "cnon:card-nonce-rejected-cvv": "CVV_FAILURE",
    "cnon:gift-card-nonce-insufficient-funds": "INSUFFICIENT_FUNDS",
}
_OTHER_SOURCES = {
    "CASH": "cash",
    "EXTERNAL": "external",
    "cnon:gift-card-nonce-ok": "gift_card",
    "wnon:cash-app-ok": "wallet",
    "bnon:bank-nonce-ok": "bank_account",
    "bnon:afterpay-ok": "buy_now_pay_later",
}


def create(call: Call) -> Answer:
    """A payment of a given or a new order. `autocomplete` false leaves it APPROVED."""
    body, merchant, world = call.body, call.merchant, call.world
    source = need(body, "source_id")
    amount = merchant.amount(need(body, "amount_money"), "amount_money")
    tip = merchant.amount(body["tip_money"], "tip_money") if body.get("tip_money") else 0
    if amount + tip < 1:
        raise bad("VALUE_TOO_LOW", "A payment must be above 0.", field="amount_money.amount")
    tendered = _tendered(call, source, amount, tip)
    order = _order(call, amount)
    complete = body.get("autocomplete") is not False
    row = payments.take(world, merchant, order, tendered=tendered, now=call.now, complete=complete)
    return {"payment": row.body}


def _order(call: Call, amount: int) -> Stored:
    merchant, world, body = call.merchant, call.world, call.body
    location_id = str(merchant.location(body.get("location_id"))["id"])
    if not body.get("order_id"):
        line = {"quantity": "1", "item_type": "CUSTOM_AMOUNT", "base_price_money": merchant.money(amount)}
        request: Json = {"line_items": [line]}
        return orders.open_order(
            world,
            merchant,
            request=request,
            location_id=location_id,
            now=call.now,
            source="Sandbox application",
            api=True,
        )
    order = must(merchant.orders.own(body["order_id"]), "Order", body["order_id"])
    if body.get("location_id") and order.location != location_id:
        raise bad("LOCATION_MISMATCH", "The order is of another location.", field="location_id")
    if order.body["state"] != "OPEN":
        raise bad("BAD_REQUEST", f"Order {order.id} is {order.body['state']}.", field="order_id")
    if amount > orders.amount_due(order, world):
        raise bad("PAYMENT_AMOUNT_MISMATCH", "The payment is larger than what is due.", field="amount_money")
    return order


def _tendered(call: Call, source: str, amount: int, tip: int) -> Tendered:
    body, merchant = call.body, call.merchant
    if source in _DECLINES:
        raise Refused(402, _DECLINES[source], "The payment was declined.", field="source_id")
    means = _OTHER_SOURCES.get(source, "card")
    if source.startswith("gftc:"):
        means = "gift_card"
    elif means == "card" and source not in _CARDS and not source.startswith("ccof:"):
        raise Refused(404, "NOT_FOUND", f"Card nonce not found: {source}.", field="source_id")
    brand, last_4 = _CARDS.get(source, ("VISA", "1111"))
    supplied, external = None, body.get("external_details") or {}
    if means == "cash":
        details = body.get("cash_details") or {}
        supplied = merchant.amount(details.get("buyer_supplied_money"), "cash_details.buyer_supplied_money")
        if supplied < amount + tip:
            raise bad("VALUE_TOO_LOW", "Less cash was supplied than is due.", field="cash_details.buyer_supplied_money")
    if means == "external" and not (external.get("type") and external.get("source")):
        raise bad("MISSING_REQUIRED_PARAMETER", "EXTERNAL needs type and source.", field="external_details")
    fee = merchant.amount(external["source_fee_money"], "source_fee_money") if external.get("source_fee_money") else 0
    device = (body.get("offline_payment_details") or {}).get("client_created_at")
    return Tendered(
        means=means, amount=amount, tip=tip, brand=brand, last_4=last_4, supplied=supplied, external_fee=fee,
        external_type=external.get("type") or "OTHER", external_source=external.get("source") or "",
        external_source_id=external.get("source_id") or "", customer_id=body.get("customer_id") or "",
        client_created=parse(device, "offline_payment_details.client_created_at") if device else None,
        gift_card_id=source if source.startswith("gftc:") else "", reference_id=body.get("reference_id") or "",
        note=body.get("note") or "", buyer_email=body.get("buyer_email_address") or "", product="ECOMMERCE_API",
        delay_action=body.get("delay_action") or "CANCEL",
    )  # fmt: skip


def complete(call: Call) -> Answer:
    """APPROVED -> COMPLETED."""
    row = _payment(call, call.args["payment_id"])
    _check_token(row, call.body.get("version_token"), "version_token")
    payments.capture(call.world, call.merchant, row, now=call.now)
    return {"payment": row.body}


def cancel(call: Call) -> Answer:
    """APPROVED -> CANCELED."""
    row = _payment(call, call.args["payment_id"])
    payments.void(call.world, call.merchant, row, now=call.now)
    return {"payment": row.body}


def update(call: Call) -> Answer:
    """Change amount and tip of an APPROVED payment."""
    row, wanted = _payment(call, call.args["payment_id"]), call.body.get("payment") or {}
    unknown = wanted.keys() - {"amount_money", "tip_money", "version_token"}
    if unknown:
        raise bad("UNKNOWN_BODY_PARAMETER", f"Cannot update {sorted(unknown)}.", field="payment")
    _check_token(row, wanted.get("version_token"), "payment.version_token")
    if row.body["status"] != "APPROVED":
        raise bad("BAD_REQUEST", f"Payment {row.id} is {row.body['status']}.", field="payment_id")
    merchant = call.merchant
    for name in ("amount_money", "tip_money"):
        if wanted.get(name):
            row.body[name] = merchant.money(merchant.amount(wanted[name], f"payment.{name}"))
    total = row.body["amount_money"]["amount"] + (row.body.get("tip_money") or {}).get("amount", 0)
    row.body["total_money"] = row.body["approved_money"] = merchant.money(total)
    order = must(merchant.orders.own(row.body["order_id"]), "Order", row.body["order_id"])
    for tender in order.body["tenders"]:
        if tender["id"] == row.id:
            tender["amount_money"] = merchant.money(total)
            tender.update({"tip_money": row.body["tip_money"]} if "tip_money" in row.body else {})
    orders.recount(call.world, merchant, order)
    payments.changed(call.world, merchant, row, now=call.now)
    return {"payment": row.body}


def _payment(call: Call, key: str) -> Stored:
    return must(call.merchant.payments.own(key), "Payment", key)


def _check_token(row: Stored, token: str | None, field: str) -> None:
    if token and token != row.body["version_token"]:
        raise bad("VERSION_MISMATCH", f"Payment {row.id} has changed since that version_token.", field=field)


def refund(call: Call) -> Answer:
    """A refund by API is amount-only; unlinked ones name a destination."""
    body, merchant, world = call.body, call.merchant, call.world
    amount = merchant.amount(need(body, "amount_money"), "amount_money")
    if amount < 1:
        raise bad("VALUE_TOO_LOW", "A refund must be above 0.", field="amount_money.amount")
    asked = refunds.Asked(amount=amount, reason=body.get("reason") or "", destination=_destination(body))
    back = returns.amount_only(world, merchant, amount)
    if body.get("unlinked"):
        need(body, "destination_id")
        location_id = str(merchant.location(need(body, "location_id"))["id"])
        order = returns.return_order(world, merchant, source=None, back=back, location_id=location_id, now=call.now)
        return {"refund": refunds.unlinked(world, merchant, asked=asked, order=order, back=back, now=call.now).body}
    payment = _payment(call, need(body, "payment_id"))
    _check_token(payment, body.get("payment_version_token"), "payment_version_token")
    refunds.decline(merchant, payment.id)
    if amount > refunds.refundable(payment) or payment.body["status"] != "COMPLETED":
        code = (
            "REFUND_AMOUNT_INVALID"
            if payment.body["status"] == "COMPLETED"
            else "REFUND_ERROR_PAYMENT_NEEDS_COMPLETION"
        )
        raise bad(code, f"Payment {payment.id} cannot be refunded by {amount}.", field="amount_money")
    source = merchant.orders.own(payment.body["order_id"])
    order = returns.return_order(world, merchant, source=source, back=back, location_id=payment.location, now=call.now)
    return {"refund": refunds.refund(world, merchant, payment, asked=asked, order=order, back=back, now=call.now).body}


def _destination(body: Json) -> str:
    if body.get("cash_details") or body.get("destination_id") == "CASH":
        return "cash"
    if body.get("external_details") or body.get("destination_id") == "EXTERNAL":
        return "external"
    if str(body.get("destination_id") or "").startswith(("gftc:", "cnon:gift-card")):
        return "gift_card"
    return "card" if body.get("destination_id") else ""
