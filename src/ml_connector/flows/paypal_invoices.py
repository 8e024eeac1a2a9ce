"""PayPal invoices: the customer document and its cancellation. Payments through PayPal are booked from their rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from ml_connector.finance.documents import Invoice, InvoiceAdjustment, InvoiceRow, Sale
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Elsewhere, Finding, Hold, Ignore, Plan, Related, Verdict
from ml_connector.finance.rulebook import Terms
from ml_connector.flows import paypal_needs as need
from ml_connector.flows.verdicts import booked_day, too_old, verdict
from ml_connector.rules.bookkeeping import Books
from ml_connector.rules.days import business_day
from ml_connector.rules.findings import approved, blocking
from ml_connector.rules.invoicing import Bill, plan_cancel, plan_invoice
from ml_connector.rules.parties import know


@dataclass(frozen=True, slots=True)
class Told:
    """Something that our route out of the ledger told an invoice. `row`: what it is called there, once known."""

    content: InvoiceAdjustment
    row: str

    @property
    def kind(self) -> str:
        return self.content.kind


def plan_invoice_record(invoice: Invoice, related: Related, books: Books) -> Verdict:
    """What an invoice of PayPal becomes: customer and document, or what cancels it."""
    terms = books.terms
    if invoice.state in {"draft", "scheduled"}:
        return Ignore(f"the invoice is {invoice.state}: it is not the customer's yet")
    if not is_booked_here(invoice, terms):
        return Ignore(too_old(issued_on(invoice, terms), terms))
    bill = bill_of(invoice, related, terms)
    if invoice.state == "canceled" and bill.key not in related.posted:
        return Ignore("the invoice is cancelled and was never booked")
    ours = told_to(invoice, related, terms)
    party = need.party_of(invoice.recipient)
    if party is None:
        return Hold((_no_recipient(invoice),))
    if against := _asks(invoice, related, ours):
        return Hold(against)
    sale = sale_of(invoice)
    known = know(party, related, terms, to_book=True)
    made = plan_invoice(bill, sale, known, captures={}, days={}, books=books, related=related)
    credited = any(one.kind == "invoice_cancel" for one in ours)  # in the ledger, by a person: it was told, not asked
    if invoice.state == "canceled" and not credited and not blocking(made.findings):
        day = booked_day(f"{bill.key}:cancel", related) or business_day(invoice.updated_at, terms, None)
        paid = Money(min(invoice.completed.minor, invoice.requested.minor), invoice.currency)
        undone = plan_cancel(bill, sale, known, paid=paid, day=day, books=books, related=related)
        made = Plan((*made.writes, *undone.writes), (*made.findings, *undone.findings))
    return verdict(made)


def bill_of(invoice: Invoice, related: Related, terms: Terms) -> Bill:
    """The customer document of an invoice. The day we booked it on stands."""
    key = f"{terms.code}:inv:{invoice.id}"
    day = booked_day(key, related) or issued_on(invoice, terms)
    return Bill(key, f"invoice {invoice.id}", invoice.number, day, invoice.due_on, invoice.requested)


def sale_of(invoice: Invoice) -> Sale:
    """What an invoice sold, with its lines as they stand on it."""
    return Sale(
        id=invoice.id, state="completed", currency=invoice.currency, location=None, lines=invoice.lines, tenders=(),
        tip=Money.zero(invoice.currency), rounding=Money.zero(invoice.currency), total=invoice.requested,
        created_at=invoice.created_at, updated_at=invoice.updated_at, reference=invoice.number,
        buyer=invoice.recipient, country=invoice.recipient.address.country if invoice.recipient is not None else "",
    )  # fmt: skip


def is_booked_here(invoice: Invoice, terms: Terms) -> bool:
    """Whether the customer document is ours to book: it was sent, and not before the go-live day."""
    if invoice.state in {"draft", "scheduled"}:
        return False
    return terms.go_live is None or issued_on(invoice, terms) >= terms.go_live


def issued_on(invoice: Invoice, terms: Terms) -> date:
    """The invoice's own date; PayPal's first sending where it has none."""
    return invoice.issued_on or business_day(invoice.published_at or invoice.created_at, terms, None)


def told_to(invoice: Invoice, related: Related, terms: Terms) -> list[Told]:
    """What our own route out of the ledger has told this invoice, or is telling it."""
    found: Sequence[Elsewhere] = related.documents(need.told(invoice.id, terms)) or ()
    return [
        Told(content, one.record.rpartition("/")[2])
        for one in found
        for content in one.contents.values()
        if isinstance(content, InvoiceAdjustment) and one.state != "open"
    ]


def _asks(invoice: Invoice, related: Related, ours: Sequence[Told]) -> tuple[Finding, ...]:
    """What a person must say before the document stands as the invoice does."""
    found = []
    if invoice.tip:
        found.append(_gratuity(invoice))
    outside = [
        *_of_people(_recorded(invoice.payments), [one for one in ours if one.kind == "external_payment"]),
        *_of_people(_recorded(invoice.refunds), [one for one in ours if one.kind == "external_refund"]),
    ]
    if outside and not approved(related, "external-payment"):
        found.append(_external(invoice, outside))
    return tuple(found)


def _recorded(rows: tuple[InvoiceRow, ...]) -> list[InvoiceRow]:
    return [row for row in rows if row.origin == "recorded"]


def _of_people(rows: list[InvoiceRow], ours: Sequence[Told]) -> list[InvoiceRow]:
    """Without what we recorded.

    Known by its id there, by our key in its note, or by amount and day while its id is not known yet.
    """
    left = [row for row in rows if row.id not in {one.row for one in ours}]
    left = [row for row in left if not any(one.content.source in row.note.split() for one in ours)]
    for one in (mine for mine in ours if not mine.row):
        same = next((row for row in left if (row.amount, row.day) == (one.content.amount, one.content.day)), None)
        left = [row for row in left if row is not same]
    return left


def _external(invoice: Invoice, rows: list[InvoiceRow]) -> Finding:
    said = ", ".join(f"{row.amount}{f' on {row.day}' if row.day else ''} by {row.means}" for row in rows)
    return Finding(
        "external-payment",
        f"Invoice {invoice.number} has what a person recorded in PayPal: {said}. No money moved there. Book it in "
        "Visma where it arrived, then answer approve.",
        "payments",
        {"decision": "approve", "recorded": [f"{row.id} {row.amount}" for row in rows]},
    )


def _gratuity(invoice: Invoice) -> Finding:
    return Finding(
        "invoice-gratuity",
        f"Invoice {invoice.number} has a gratuity of {invoice.tip} beside its total, and PayPal does not say whether "
        "its payments hold it. Book invoice and payment by hand and ignore them here.",
        "gratuity",
    )


def _no_recipient(invoice: Invoice) -> Finding:
    return Finding(
        "invoice-without-customer",
        f"Invoice {invoice.number} names no recipient with an e-mail address. Add one in PayPal; it is read again.",
        "recipient",
    )
