"""Payment intents and charges: asked for, pending, succeeded, failed, failed after all; the fee comes later."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from ml_connector_sandbox.stripe import events, ledger, settling
from ml_connector_sandbox.stripe.ledger import Movement
from ml_connector_sandbox.stripe.refusals import Json
from ml_connector_sandbox.stripe.state import Book
from ml_connector_sandbox.stripe.times import seconds

_FREE = ("successful", "The bank did not return any further details with this decline.")


@dataclass(frozen=True, slots=True)
class Means:
    """How somebody pays. `method` other than card makes a `payment` with an id of its own kind."""

    method: str = "card"
    fee: int | None = None  # in settlement currency; None: by the knobs
    rate: Decimal | None = None
    delay_s: float | None = None  # until the balance transaction exists; None: by the knobs


def new_intent(
    book: Book, amount: int, currency: str, now: int, *, customer: str | None = None, invoice: Json | None = None,
    metadata: Json | None = None, description: str | None = None,
) -> Json:  # fmt: skip
    """A payment intent that waits for a payment method."""
    key = book.key("payment_intent")
    row: Json = {
        "id": key, "object": "payment_intent", "amount": amount, "amount_capturable": 0,
        "amount_details": {"tip": {}}, "amount_received": 0, "application": None, "application_fee_amount": None,
        "automatic_payment_methods": None, "canceled_at": None, "cancellation_reason": None,
        "capture_method": "automatic" if invoice else "automatic_async",
        "client_secret": f"{key}_secret_{book.world.mint.letters(25)}", "confirmation_method": "automatic",
        "created": seconds(now), "currency": currency, "customer": customer, "customer_account": None,
        "description": description or ("Payment for Invoice" if invoice else None),
        "excluded_payment_method_types": None, "last_payment_error": None, "latest_charge": None, **book.mode(),
        "metadata": metadata or {}, "next_action": None, "on_behalf_of": None,
        "payment_details": {"customer_reference": None, "order_reference": invoice["id"] if invoice else None},
        "payment_method": None, "payment_method_options": {}, "payment_method_types": ["card"], "processing": None,
        "receipt_email": None, "review": None, "setup_future_usage": None, "shipping": None, "source": None,
        "statement_descriptor": None, "statement_descriptor_suffix": None, "status": "requires_payment_method",
        "transfer_data": None, "transfer_group": None,
    }  # fmt: skip
    return events.made(book, row, now, "payment_intent.created")


def _new_charge(book: Book, intent: Json, means: Means, now: int, *, status: str) -> Json:
    card = means.method == "card"
    key = book.key("charge") if card else book.world.mint.key("py")
    method = book.world.mint.key("pm")
    details: Json = {"type": means.method, means.method: {}}
    if card:
        details["card"] = {"brand": "visa", "country": book.account.country, "exp_month": 8, "exp_year": 2031,
                           "fingerprint": "Xt5EWLLDS7FJjR1c", "funding": "credit", "last4": "4242",
                           "network": "visa"}  # fmt: skip
    good = status == "succeeded"
    owner = book.get("customer", intent["customer"]) or {}
    row: Json = {
        "id": key, "object": "charge", "amount": intent["amount"],
        "amount_captured": intent["amount"] if good else 0, "amount_refunded": 0, "application": None,
        "application_fee": None, "application_fee_amount": None, "balance_transaction": None,
        "billing_details": {"address": None, "email": owner.get("email"), "name": owner.get("name"), "phone": None,
                            "tax_id": None},
        "calculated_statement_descriptor": "SANDBOX", "captured": good, "created": seconds(now),
        "currency": intent["currency"], "customer": intent["customer"], "description": intent["description"],
        "disputed": False, "failure_balance_transaction": None, "failure_code": None, "failure_message": None,
        "fraud_details": {}, **book.mode(), "metadata": dict(intent["metadata"]), "on_behalf_of": None,
        "outcome": {"advice_code": None, "network_advice_code": None, "network_decline_code": None,
                    "network_status": "approved_by_network", "reason": None, "risk_level": "normal",
                    "seller_message": "Payment complete.", "type": "authorized"},
        "paid": good, "payment_intent": intent["id"], "payment_method": method, "payment_method_details": details,
        "receipt_email": None, "receipt_number": None,
        "receipt_url": f"https://pay.stripe.com/receipts/payment/{book.world.mint.letters(40)}" if good else None,
        "refunded": False, "review": None, "shipping": None, "source": None, "source_transfer": None,
        "statement_descriptor": None, "statement_descriptor_suffix": None, "status": status, "transfer_data": None,
        "transfer_group": None,
    }  # fmt: skip
    rate = ledger.rate_for(book, row["currency"], means.rate)
    fee = ledger.fee_for(book, row["amount"], row["currency"], rate) if means.fee is None else means.fee
    book.extra[key] = {"means": means, "rate": rate, "fee": fee, "type": "charge" if card else "payment"}
    return row


def pay(book: Book, intent: Json, means: Means, now: int) -> Json:
    """Paid at once; gives the charge."""
    charge = _new_charge(book, intent, means, now, status="succeeded")
    _balance_soon(book, charge, means, now)
    events.made(book, charge, now, "charge.succeeded")
    _received(book, intent, charge, now)
    return charge


def begin(book: Book, intent: Json, means: Means, now: int) -> Json:
    """A slow method has begun: the charge is pending, the invoice still open."""
    charge = events.made(book, _new_charge(book, intent, means, now, status="pending"), now, "charge.pending")
    events.changed(
        book, intent, now, "payment_intent.processing", status="processing", latest_charge=charge["id"],
        payment_method=charge["payment_method"],
    )  # fmt: skip
    return charge


def complete(book: Book, charge: Json, now: int) -> None:
    """A pending charge has succeeded."""
    url = f"https://pay.stripe.com/receipts/payment/{book.world.mint.letters(40)}"
    means = book.extra[charge["id"]]["means"]
    if (book.world.knobs.balance_delay_s if means.delay_s is None else means.delay_s) <= 0:
        _balance(book, charge, now)
    events.changed(
        book, charge, now, "charge.succeeded", status="succeeded", paid=True, captured=True, receipt_url=url,
        amount_captured=charge["amount"],
    )  # fmt: skip
    if charge["balance_transaction"] is None:
        _balance_soon(book, charge, means, now)
    intent = book.shelves["payment_intent"].rows[charge["payment_intent"]]
    _received(book, intent, charge, now)


def _received(book: Book, intent: Json, charge: Json, now: int) -> None:
    events.changed(
        book, intent, now, "payment_intent.succeeded", status="succeeded", latest_charge=charge["id"],
        amount_received=charge["amount"], payment_method=charge["payment_method"], last_payment_error=None,
    )  # fmt: skip
    settling.received(book, intent, now)


def _balance_soon(book: Book, charge: Json, means: Means, now: int) -> None:
    """The balance transaction is there at once only when nothing delays it; later it comes with charge.updated."""
    delay = book.world.knobs.balance_delay_s if means.delay_s is None else means.delay_s
    if delay <= 0:
        _balance(book, charge, now)
        return

    def arrive(at: int) -> None:
        before = charge["balance_transaction"]
        _balance(book, charge, at)
        events.remember(book, charge, at)
        events.emit(book, "charge.updated", charge, at, {"balance_transaction": before})

    book.world.later(now + book.world.delay(delay), arrive)


def _balance(book: Book, charge: Json, now: int) -> None:
    known = book.extra[charge["id"]]
    line = ledger.post(
        book,
        Movement(
            charge["amount"], charge["currency"], known["type"], "charge", charge["id"], known["fee"], known["rate"],
            charge["description"],
        ),
        now,
    )  # fmt: skip
    charge["balance_transaction"] = line["id"]


def fail(book: Book, intent: Json, means: Means, now: int, *, code: str = "card_declined") -> Json:
    """An attempt that failed: no money, the intent waits again, a row of an invoice stays open."""
    charge = _new_charge(book, intent, means, now, status="failed")
    charge |= _failed(code)
    events.made(book, charge, now, "charge.failed")
    _back_to_waiting(book, intent, charge, now, code)
    return charge


def fail_pending(book: Book, charge: Json, now: int, *, code: str) -> None:
    """A pending charge has failed before any money was there."""
    events.changed(book, charge, now, "charge.failed", status="failed", paid=False, **_failed(code))
    intent = book.shelves["payment_intent"].rows[charge["payment_intent"]]
    _back_to_waiting(book, intent, charge, now, code)


def _failed(code: str) -> Json:
    text = "Your card was declined." if code == "card_declined" else "The payment was not accepted by the bank."
    outcome = {
        "advice_code": "try_again_later", "network_advice_code": None, "network_decline_code": None,
        "network_status": "declined_by_network", "reason": "generic_decline", "risk_level": "normal",
        "seller_message": _FREE[1], "type": "issuer_declined",
    }  # fmt: skip
    return {"failure_code": code, "failure_message": text, "outcome": outcome, "receipt_url": None}


def _back_to_waiting(book: Book, intent: Json, charge: Json, now: int, code: str) -> None:
    error = {"charge": charge["id"], "code": code, "message": charge["failure_message"], "type": "card_error"}
    events.changed(
        book, intent, now, "payment_intent.payment_failed", status="requires_payment_method",
        latest_charge=charge["id"], last_payment_error=error, payment_method=None,
    )  # fmt: skip
    for row in settling.rows_of(book, intent["id"]):
        invoice = book.shelves["invoice"].rows[row["invoice"]]
        if row["status"] == "open" and invoice["status"] in {"open", "uncollectible"}:
            events.changed(
                book, invoice, now, "invoice.updated", "invoice.payment_failed", attempted=True,
                attempt_count=invoice["attempt_count"] + 1,
            )  # fmt: skip


def fail_after_all(book: Book, charge: Json, now: int, *, code: str, reopen: bool) -> Json:
    """A slow method takes its money back after it was credited (category charge_failure); gives the ledger's line."""
    known = book.extra[charge["id"]]
    line = ledger.post(
        book,
        Movement(
            -charge["amount"], charge["currency"], "payment_failure_refund", "charge_failure", charge["id"],
            rate=known["rate"],
        ),
        now,
    )  # fmt: skip
    events.changed(
        book, charge, now, "charge.failed", status="failed", paid=False, failure_balance_transaction=line["id"],
        **_failed(code),
    )  # fmt: skip
    if reopen:
        _reopen(book, charge, now)
    return line


def _reopen(book: Book, charge: Json, now: int) -> None:
    for row in settling.rows_of(book, charge["payment_intent"]):
        if row["status"] != "paid":
            continue
        back = row["amount_paid"]
        events.changed(book, row, now, status="canceled", amount_paid=None)
        invoice = book.shelves["invoice"].rows[row["invoice"]]
        events.changed(
            book, invoice, now, "invoice.updated", "invoice.payment_failed", status="open",
            amount_paid=invoice["amount_paid"] - back, amount_remaining=invoice["amount_remaining"] + back,
            status_transitions=invoice["status_transitions"] | {"paid_at": None},
        )  # fmt: skip
