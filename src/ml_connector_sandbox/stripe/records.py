"""Payment records: money somebody reports from outside Stripe, and its way onto an invoice."""

from __future__ import annotations

from ml_connector_sandbox.stripe import events, settling
from ml_connector_sandbox.stripe.currencies import check_amount, currency_of
from ml_connector_sandbox.stripe.refusals import Json, bad
from ml_connector_sandbox.stripe.shapes import merged
from ml_connector_sandbox.stripe.state import Book
from ml_connector_sandbox.stripe.times import seconds


def report(book: Book, given: Json, now: int) -> Json:
    """A payment record from `report_payment`. The outcome needs its own moment."""
    amount = given["amount_requested"]
    currency = currency_of(amount["currency"], param="amount_requested[currency]")
    check_amount(amount["value"], currency, param="amount_requested[value]")
    if amount["value"] <= 0:
        raise bad("The amount must be positive.", param="amount_requested[value]")
    if given["initiated_at"] > seconds(now):
        raise bad("`initiated_at` must be in the past.", param="initiated_at")
    outcome = given.get("outcome")
    if outcome and not given.get(outcome):
        raise bad(f"Missing required param: {outcome}.", code="parameter_missing", param=outcome)
    details = given["payment_method_details"]
    if details.get("type") == "custom" and not (details.get("custom") or {}).get("display_name"):
        name = "payment_method_details[custom][display_name]"
        raise bad(f"Missing required param: {name}.", code="parameter_missing", param=name)

    def of(kind: str) -> Json:
        return {"currency": currency, "value": amount["value"] if outcome == kind else 0}

    row: Json = {
        "id": book.key("payment_record"), "object": "payment_record",
        "amount": {"currency": currency, "value": amount["value"]}, "amount_authorized": of("guaranteed"),
        "amount_canceled": of("canceled"), "amount_failed": of("failed"), "amount_guaranteed": of("guaranteed"),
        "amount_refunded": of("refunded"), "amount_requested": {"currency": currency, "value": amount["value"]},
        "application": None, "created": seconds(now), "customer_details": given.get("customer_details"),
        "customer_presence": given.get("customer_presence"), "description": given.get("description"),
        "latest_payment_attempt_record": book.world.mint.key("par"), **book.mode(),
        "metadata": merged({}, given.get("metadata")), "payment_method_details": _details(book, details),
        "processor_details": given.get("processor_details") or {"custom": {"payment_reference": None},
                                                                "type": "custom"},
        "reported_by": "self", "shipping_details": given.get("shipping_details"),
    }  # fmt: skip
    return events.made(book, row, now)


def refund(row: Json, given: Json, now: int) -> Json:
    """Money of a record that its reporter gave back outside Stripe: no more than is left of it. No invoice changes."""
    left = row["amount_guaranteed"]["value"] - row["amount_refunded"]["value"]
    asked = given.get("amount") or {"currency": row["amount"]["currency"], "value": left}
    if asked["currency"] != row["amount"]["currency"] or not 0 < asked["value"] <= left:
        raise bad(f"At most {left} {row['amount']['currency']} of this payment can be refunded.", param="amount")
    if (given.get("refunded") or {}).get("refunded_at", 0) > seconds(now):
        raise bad("`refunded_at` must be in the past.", param="refunded[refunded_at]")
    row["amount_refunded"] = asked | {"value": row["amount_refunded"]["value"] + asked["value"]}
    row["metadata"] = merged(row["metadata"], given["metadata"]) if "metadata" in given else row["metadata"]
    return row


def _details(book: Book, given: Json) -> Json:
    custom = given.get("custom") or {}
    return {
        "billing_details": given.get("billing_details"), "payment_method": given.get("payment_method"),
        "type": "custom",
        "custom": {"display_name": custom.get("display_name"), "type": custom.get("type")},
    }  # fmt: skip


def attach(book: Book, invoice: Json, given: Json, now: int) -> Json:
    """Tie a payment record or a payment intent to an open invoice."""
    names = [name for name in ("payment_intent", "payment_record") if given.get(name)]
    if len(names) != 1:
        raise bad("You must specify exactly one of: payment_intent, payment_record.", param="payment_record")
    if invoice["status"] not in {"open", "uncollectible"}:
        raise bad(f"Payments can only be attached to open invoices: this one is {invoice['status']}.")
    kind, key = names[0], given[names[0]]
    source = book.get(kind, key)
    if source is None:
        raise bad(f"No such {kind.replace('_', ' ')}: '{key}'", code="resource_missing", param=kind)
    if book.shelves["invoice_payment"].having(f"payment.{kind}", key):
        raise bad(f"{key} is already attached to an invoice.", param=kind)
    if kind == "payment_record":
        _attach_record(book, invoice, source, now)
    else:
        _attach_intent(book, invoice, source, now)
    return invoice


def _attach_record(book: Book, invoice: Json, record: Json, now: int) -> None:
    guaranteed = record["amount_guaranteed"]
    _same_currency(invoice, guaranteed["currency"], "payment_record")
    if guaranteed["value"] <= 0:
        raise bad("Only guaranteed payment records can be attached.", param="payment_record")
    payment = {"type": "payment_record", "payment_record": record["id"]}
    row = settling.new_row(book, invoice, payment, guaranteed["value"], now, default=False)
    settling.credit(book, row, guaranteed["value"], now)


def _attach_intent(book: Book, invoice: Json, intent: Json, now: int) -> None:
    _same_currency(invoice, intent["currency"], "payment_intent")
    if intent["status"] == "canceled" or intent["customer"] not in {None, invoice["customer"]}:
        raise bad(f"The payment intent {intent['id']} cannot pay this invoice.", param="payment_intent")
    payment = {"type": "payment_intent", "payment_intent": intent["id"]}
    row = settling.new_row(book, invoice, payment, intent["amount"], now, default=False)
    if intent["status"] == "succeeded":
        settling.credit(book, row, intent["amount_received"], now)


def _same_currency(invoice: Json, currency: str, param: str) -> None:
    if currency != invoice["currency"]:
        raise bad(f"The payment is in {currency}, the invoice in {invoice['currency']}.", param=param)
