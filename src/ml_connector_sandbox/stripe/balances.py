"""The customer balance: credit (negative) that the next invoice takes by itself, or debt it adds."""

from __future__ import annotations

from ml_connector_sandbox.stripe import events
from ml_connector_sandbox.stripe.refusals import Json
from ml_connector_sandbox.stripe.state import Book
from ml_connector_sandbox.stripe.times import seconds


def of(book: Book, customer: str, currency: str) -> int:
    """The balance in one currency."""
    return book.credit.get((customer, currency), 0)


def move(
    book: Book, customer: str, currency: str, amount: int, *, kind: str, now: int,
    invoice: str | None = None, credit_note: str | None = None, described: Json | None = None,
) -> Json:  # fmt: skip
    """Move the balance and write why; the customer is told to have changed."""
    owner = book.shelves["customer"].rows[customer]
    before = of(book, customer, currency)
    book.credit[customer, currency] = before + amount
    owner["currency"] = owner["currency"] or currency
    row: Json = {
        "id": book.key("customer_balance_transaction"), "object": "customer_balance_transaction", "amount": amount,
        "checkout_session": None, "created": seconds(now), "credit_note": credit_note, "currency": currency,
        "customer": customer, "customer_account": None, "description": None, "ending_balance": before + amount,
        "invoice": invoice, **book.mode(), "metadata": {}, "type": kind,
    }  # fmt: skip
    row |= described or {}
    events.made(book, row, now)
    if owner["currency"] == currency:
        events.emit(book, "customer.updated", owner, now, {"balance": before})
    return row
