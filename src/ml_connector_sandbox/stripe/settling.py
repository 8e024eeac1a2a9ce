"""Money meets invoices: rows of payments, what remains, what is too much, when an invoice is paid."""

from __future__ import annotations

from ml_connector_sandbox.stripe import balances, events
from ml_connector_sandbox.stripe.refusals import Json
from ml_connector_sandbox.stripe.state import Book
from ml_connector_sandbox.stripe.times import seconds


def new_row(book: Book, invoice: Json, payment: Json, amount: int, now: int, *, default: bool) -> Json:
    """An open row that ties a payment to an invoice."""
    row: Json = {
        "id": book.key("invoice_payment"), "object": "invoice_payment", "amount_paid": None,
        "amount_requested": amount, "created": seconds(now), "currency": invoice["currency"],
        "invoice": invoice["id"], "is_default": default, **book.mode(), "payment": payment, "status": "open",
        "status_transitions": {"canceled_at": None, "paid_at": None},
    }  # fmt: skip
    return events.made(book, row, now)


def rows_of(book: Book, intent: str) -> list[Json]:
    """The rows a payment intent pays."""
    return book.shelves["invoice_payment"].having("payment.payment_intent", intent)


def received(book: Book, intent: Json, now: int) -> None:
    """A payment intent's money has come: it fills its open rows, what is too much goes to the last one."""
    left = intent["amount_received"]
    rows = [row for row in rows_of(book, intent["id"]) if row["status"] == "open"]
    for n, row in enumerate(rows):
        part = left if n == len(rows) - 1 else min(left, row["amount_requested"])
        left -= part
        credit(book, row, part, now)


def credit(book: Book, row: Json, amount: int, now: int) -> None:
    """A row is paid: the invoice owes less; what is too much becomes the customer's credit."""
    invoice = book.shelves["invoice"].rows[row["invoice"]]
    over = max(amount - invoice["amount_remaining"], 0)
    counted = amount if book.world.knobs.overpaid_counts else amount - over
    events.changed(
        book, row, now, "invoice_payment.paid", status="paid", amount_paid=counted,
        status_transitions={"canceled_at": None, "paid_at": seconds(now)},
    )  # fmt: skip
    sums = {
        "amount_paid": invoice["amount_paid"] + counted,
        "amount_remaining": invoice["amount_remaining"] - (amount - over),
        "amount_overpaid": invoice["amount_overpaid"] + over,
    }
    ours = row["payment"]["type"] != "payment_record"
    settle(book, invoice, now, sums, collected=ours)
    if over:
        balances.move(
            book, invoice["customer"], invoice["currency"], -over, kind="invoice_overpaid", now=now,
            invoice=invoice["id"],
        )  # fmt: skip
        events.emit(book, "invoice.overpaid", invoice, now)


def settle(book: Book, invoice: Json, now: int, sums: Json, *, collected: bool) -> None:
    """New sums of a finalized invoice: paid when nothing remains. `collected`: by a payment through Stripe."""
    if sums["amount_remaining"] > 0 or invoice["status"] not in {"open", "uncollectible"}:
        events.changed(book, invoice, now, "invoice.updated", **sums)
        _ask_for(book, invoice)
        return
    moments = invoice["status_transitions"] | {"paid_at": seconds(now)}
    attempted = sums | ({"attempted": True, "attempt_count": invoice["attempt_count"] + 1} if collected else {})
    names = ["invoice.updated", "invoice.paid"] + (["invoice.payment_succeeded"] if collected else [])
    events.changed(
        book, invoice, now, *names, **attempted, status="paid", status_transitions=moments, next_payment_attempt=None,
        auto_advance=False,
    )  # fmt: skip
    close_rows(book, invoice, now, reason="automatic")


def close_rows(book: Book, invoice: Json, now: int, *, reason: str) -> None:
    """Cancel what would still ask for money: open rows and their payment intents."""
    for row in book.shelves["invoice_payment"].having("invoice", invoice["id"]):
        if row["status"] != "open":
            continue
        moments = {"canceled_at": seconds(now), "paid_at": None}
        events.changed(book, row, now, status="canceled", status_transitions=moments)
        intent = book.get("payment_intent", row["payment"].get("payment_intent"))
        if intent is not None and intent["status"] not in {"succeeded", "canceled", "processing"}:
            events.changed(
                book, intent, now, "payment_intent.canceled", status="canceled", canceled_at=seconds(now),
                cancellation_reason=reason,
            )  # fmt: skip


def _ask_for(book: Book, invoice: Json) -> None:
    """The default row and its payment intent ask for what remains, not for the whole."""
    for row in book.shelves["invoice_payment"].having("invoice", invoice["id"]):
        if row["status"] == "open" and row["is_default"]:
            row["amount_requested"] = invoice["amount_remaining"]
            intent = book.get("payment_intent", row["payment"].get("payment_intent"))
            if intent is not None and intent["status"] == "requires_payment_method":
                intent["amount"] = invoice["amount_remaining"]
