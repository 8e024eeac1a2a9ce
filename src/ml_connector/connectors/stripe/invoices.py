"""Invoices as Stripe collects them. Pure. Their payments are records of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ml_connector.connectors.stripe.fields import Fields
from ml_connector.finance.documents import Invoice
from ml_connector.finance.money import Money

STATES: Mapping[str, Literal["draft", "open", "paid", "canceled", "failed"]] = {
    "draft": "draft",
    "open": "open",
    "paid": "paid",
    "void": "canceled",
    "uncollectible": "failed",
}


def invoice_of(invoice: Fields) -> Invoice:
    """An invoice. `paid` is no proof of money: balance, credit notes and outside payments pay as well."""
    currency = invoice.currency()
    status = invoice.text("status")
    state = STATES.get(status)
    if state is None:
        invoice.fail("status", f"is {status[:40] or 'missing'}, a state of invoices that we do not know")
    total, paid = invoice.money("total", currency), invoice.money("amount_paid", currency)
    created = invoice.moment("created")
    part_paid = state == "open" and paid.minor > 0
    return Invoice(
        id=invoice.id("id"),
        number=invoice.text("number"),
        state="part_paid" if part_paid else state,
        order_id=None,
        location=None,
        customer_id=invoice.id_or_none("customer"),
        currency=currency,
        requested=total,
        completed=paid,
        due_on=invoice.day_or_none("due_date"),
        published_at=invoice.part("status_transitions").moment_or_none("finalized_at"),
        scheduled_at=None,
        created_at=created,
        updated_at=created,
        due=invoice.money("amount_remaining", currency),
        issued_on=invoice.day_or_none("effective_at") or created.date(),
        balance_used=_used(invoice, currency),
        credited=invoice.money_or_none("pre_payment_credit_notes_amount", currency),
        overpaid=invoice.money_or_none("amount_overpaid", currency),
        marks=invoice.marks(),
        outside=_outside(invoice, currency, total=total, paid=paid),
    )


def _outside(invoice: Fields, currency: str, *, total: Money, paid: Money) -> Money | None:
    """What is paid of it by no payment through Stripe: somebody told so. None where not all payments are shown.

    A payment that was made and lost later was one all the same.
    """
    payments = invoice.part("payments")
    if not isinstance(invoice.node.get("payments"), Mapping) or payments.flag("has_more"):
        return None
    made = Money.zero(currency)
    for row in payments.parts("data"):
        was_paid = row.text("status") == "paid" or row.part("status_transitions").moment_or_none("paid_at") is not None
        if was_paid and row.part("payment").text("type") != "payment_record":
            made += row.money_or_none("amount_paid", currency) or Money.zero(currency)
    return Money(max(0, min(paid.minor, total.minor) - made.minor), currency)


def _used(invoice: Fields, currency: str) -> Money | None:
    """What of the customer's credit paid for it: never total less due, as credit notes lower that too."""
    before = invoice.money_or_none("starting_balance", currency)
    after = invoice.money_or_none("ending_balance", currency)
    if before is None or after is None or after.minor <= before.minor:
        return None
    return after - before
