"""Payments v2: captures, refunds and authorizations as endpoints."""

from __future__ import annotations

from dataclasses import replace

from ml_connector_sandbox.core.instants import DAY
from ml_connector_sandbox.paypal import payments, refunds
from ml_connector_sandbox.paypal.calls import MONEY, Answer, Call
from ml_connector_sandbox.paypal.money import asked
from ml_connector_sandbox.paypal.payments import Authorization, Capture
from ml_connector_sandbox.paypal.refunds import Wanted
from ml_connector_sandbox.paypal.refusals import forbidden, not_found, unprocessable
from ml_connector_sandbox.paypal.state import must

REFUND = {"amount": MONEY, "custom_id": "str:127", "invoice_id": "str:127", "note_to_payer": "str:255"}
CAPTURE = {
    "amount": MONEY, "invoice_id": "str:127", "final_capture": "bool", "note_to_payer": "str:255",
    "soft_descriptor": "str:22",
}  # fmt: skip
REAUTHORIZE = {"amount": MONEY}


def readable(call: Call, capture: Capture) -> Capture:
    """The capture, if this application may see it: others answer 404 or 403 (a knob)."""
    own = capture.sale.client_id == call.app.client_id
    if capture.sale.paypal_invoice_id:
        own = call.world.knobs.invoice_payments_readable
    if own:
        return capture
    raise forbidden() if call.world.knobs.foreign_status == 403 else not_found()


def get_capture(call: Call) -> Answer:
    """`GET /v2/payments/captures/{capture_id}`."""
    capture = readable(call, must(call.merchant.captures.get(call.args["capture_id"])))
    return Answer(200, payments.show_capture(call.world, capture))


def refund_capture(call: Call) -> Answer:
    """`POST /v2/payments/captures/{capture_id}/refund`."""
    capture = readable(call, must(call.merchant.captures.get(call.args["capture_id"])))
    amount, currency = asked(call.body["amount"], "/amount") if "amount" in call.body else (None, "")
    wanted = Wanted(
        amount, currency, invoice_id=call.body.get("invoice_id", ""), custom_id=call.body.get("custom_id", ""),
        note=call.body.get("note_to_payer", ""), client_id=call.app.client_id,
    )  # fmt: skip
    made = refunds.refund(call.world, call.merchant, capture, wanted=wanted, at=call.now)
    return show_refund(call, made.id)


def show_refund(call: Call, key: str) -> Answer:
    """A refund just made, or made by an earlier request of the same id."""
    return Answer(201, refunds.show(call.world, call.merchant.refunds[key], minimal=call.minimal))


def get_refund(call: Call) -> Answer:
    """`GET /v2/payments/refunds/{refund_id}`."""
    made = must(call.merchant.refunds.get(call.args["refund_id"]))
    readable(call, call.merchant.captures[made.capture_id])
    return Answer(200, refunds.show(call.world, made))


def _authorization(call: Call) -> Authorization:
    made = must(call.merchant.authorizations.get(call.args["authorization_id"]))
    if made.sale.client_id != call.app.client_id:
        raise not_found()
    if made.expires <= call.now and made.status in {"CREATED", "PARTIALLY_CAPTURED"}:
        made.status = "VOIDED"
    return made


def get_authorization(call: Call) -> Answer:
    """`GET /v2/payments/authorizations/{authorization_id}`."""
    return Answer(200, payments.show_authorization(call.world, _authorization(call)))


def capture_authorization(call: Call) -> Answer:
    """`POST /v2/payments/authorizations/{authorization_id}/capture`."""
    made = _authorization(call)
    if made.status == "VOIDED":
        raise unprocessable(
            "PREVIOUSLY_VOIDED", "Authorization has been previously voided and hence cannot be captured."
        )
    if made.status == "CAPTURED":
        raise unprocessable("AUTHORIZATION_ALREADY_CAPTURED", "Authorization has already been captured.")
    left = made.sale.amount - made.captured
    amount, currency = asked(call.body["amount"], "/amount") if "amount" in call.body else (left, made.sale.currency)
    if currency != made.sale.currency:
        raise unprocessable("CURRENCY_MISMATCH", "Capture must be in the currency of the authorization.")
    if amount > made.sale.amount * 115 // 100 - made.captured:
        raise unprocessable("MAX_CAPTURE_AMOUNT_EXCEEDED", "Capture amount exceeds allowable limit.")
    final = bool(call.body.get("final_capture", False))
    sale = replace(
        made.sale, amount=amount, authorization_id=made.id, final=final, fee=None,
        invoice_id=call.body.get("invoice_id", made.sale.invoice_id),
    )  # fmt: skip
    capture = payments.take(call.world, call.merchant, sale, call.now)
    made.captured += amount
    made.status = "CAPTURED" if final or made.captured >= made.sale.amount else "PARTIALLY_CAPTURED"
    made.updated = call.now
    return show_capture(call, capture.id)


def show_capture(call: Call, key: str) -> Answer:
    """A capture just made, or made by an earlier request of the same id."""
    return Answer(201, payments.show_capture(call.world, call.merchant.captures[key], minimal=call.minimal))


def reauthorize(call: Call) -> Answer:
    """`POST /v2/payments/authorizations/{authorization_id}/reauthorize`: once, from day 4 to 29."""
    made = _authorization(call)
    if made.status != "CREATED":
        raise unprocessable("AUTHORIZATION_ALREADY_CAPTURED", "Authorization has already been captured.")
    if made.reauthorized:
        raise unprocessable("REAUTHORIZATION_NOT_SUPPORTED", "Only one reauthorization is allowed.")
    if call.now - made.created < 4 * DAY:
        raise unprocessable("REAUTHORIZATION_TOO_SOON", "A reauthorization is possible after three days.")
    amount, currency = asked(call.body["amount"], "/amount") if call.body else (made.sale.amount, made.sale.currency)
    if currency != made.sale.currency:
        raise unprocessable("CURRENCY_MISMATCH", "The currency of the authorization cannot be changed.")
    again = payments.authorize(call.world, call.merchant, replace(made.sale, amount=amount), call.now)
    again.reauthorized = True
    made.status, made.updated = "VOIDED", call.now
    return show_authorization(call, again.id)


def show_authorization(call: Call, key: str) -> Answer:
    """An authorization just made, or made by an earlier request of the same id."""
    made = call.merchant.authorizations[key]
    return Answer(201, payments.show_authorization(call.world, made, minimal=call.minimal))


def void(call: Call) -> Answer:
    """`POST /v2/payments/authorizations/{authorization_id}/void`."""
    made = _authorization(call)
    if made.status == "VOIDED":
        raise unprocessable("PREVIOUSLY_VOIDED", "Authorization has been previously voided and hence cannot be voided.")
    if made.captured:
        raise unprocessable("PREVIOUSLY_CAPTURED", "Authorization has been previously captured and cannot be voided.")
    made.status, made.updated = "VOIDED", call.now
    payments.tell_authorization(call.world, made, "PAYMENT.AUTHORIZATION.VOIDED", call.now)
    return Answer(204) if call.minimal else Answer(200, payments.show_authorization(call.world, made))
