"""What people did in the ledger to an invoice that came from a processor, told back to that processor's invoice.

A bank payment is recorded there as one from outside, its void removes it again, a bank refund of a credit note is
recorded as one from outside, a credit of all of an unpaid invoice cancels it. None of it moves the processor's money.
All else is a person's: a credit of part, or of what is paid there already, and what the processor cannot take back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ml_connector.finance.documents import Invoice, InvoiceAdjustment, InvoiceRow
from ml_connector.finance.ledger import LedgerInvoice, LedgerPayment
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Elsewhere, Finding, PlannedWrite, Related
from ml_connector.finance.rulebook import Terms

OPEN = frozenset({"open", "part_paid"})


def prefix_of(invoice_id: str, terms: Terms) -> str:
    """How the key begins of everything that is told to one invoice."""
    return f"{terms.code}:adj:{invoice_id}:"


def is_ours(text: str, terms: Terms) -> bool:
    """Whether the note of a credit note carries the key of one that our own route makes.

    For a refund, or a cancelled invoice. The key of the invoice alone says nothing: the ledger copies it to what a
    person credits.
    """
    return re.search(rf"(?:^|[\s\[]){re.escape(terms.code)}:(?:ref:\w|inv:[\w-]+:\w)", text) is not None


def plan_payment(
    payment: LedgerPayment, amount: Money, invoice: Invoice, told: Sequence[Elsewhere], *, terms: Terms
) -> PlannedWrite | Finding:
    """A bank payment of people put against an invoice."""
    key = f"{prefix_of(invoice.id, terms)}{payment.id}"
    before = _content(told, key)
    if before is not None:
        if before.amount == amount:
            return PlannedWrite(key, "external_payment", before)
        return _changed(payment.id, before, amount)
    if invoice.state not in OPEN:
        return _not_open(payment.id, amount, invoice)
    if amount.currency != invoice.currency or invoice.due is None or amount > invoice.due:
        return _more_than_due(payment.id, amount, invoice)
    content = InvoiceAdjustment(
        "external_payment", invoice.id, key, amount=amount, day=payment.day, text=f"{key} {payment.number}"
    )
    return PlannedWrite(key, "external_payment", content)


def plan_removal(key: str, content: InvoiceAdjustment, told: Sequence[Elsewhere]) -> list[PlannedWrite] | Finding | str:
    """The void of a payment that was told: what was recorded, and its removal. A text: it waits for that."""
    recorded = PlannedWrite(key, "external_payment", content)
    own = next((one for one in told if key in one.contents), None)
    removal = f"{key}:void"
    before = _content(told, removal)
    if before is not None:
        return [recorded, PlannedWrite(removal, "external_payment_removal", before, needs=(key,))]
    row = own.record.rpartition("/")[2] if own is not None and own.state == "done" else ""
    if not row:
        return f"{key} is on its way to the invoice"
    made = InvoiceAdjustment("external_payment_removal", content.invoice_id, removal, payment_id=row)
    return [recorded, PlannedWrite(removal, "external_payment_removal", made, needs=(key,))]


def plan_refund(
    refund: LedgerPayment, amount: Money, invoice: Invoice, told: Sequence[Elsewhere], *, terms: Terms
) -> PlannedWrite | Finding:
    """A bank refund of people, of a credit note for an invoice: up to what was recorded from outside and is left."""
    key = f"{prefix_of(invoice.id, terms)}{refund.id}"
    before = _content(told, key)
    if before is not None:
        return PlannedWrite(key, "external_refund", before)
    left = _recorded(invoice.payments) - _recorded(invoice.refunds)
    if amount.currency != invoice.currency or amount.minor > left:
        return _more_than_recorded(refund.id, amount, invoice, left)
    content = InvoiceAdjustment(
        "external_refund", invoice.id, key, amount=amount, day=refund.day, text=f"{key} {refund.number}"
    )
    return PlannedWrite(key, "external_refund", content)


def plan_credit(
    note: LedgerInvoice, amount: Money, invoice: Invoice, told: Sequence[Elsewhere], *, terms: Terms
) -> PlannedWrite | Finding:
    """A credit note of people: of all of an unpaid invoice it cancels it; any other is a person's."""
    key = f"{prefix_of(invoice.id, terms)}credit_note/{note.number}"
    before = _content(told, key)
    if before is not None:
        return PlannedWrite(key, "invoice_cancel", before)
    unpaid = not invoice.completed and not invoice.payments and not invoice.refunds
    if invoice.state == "open" and unpaid and amount == invoice.requested:
        return PlannedWrite(key, "invoice_cancel", InvoiceAdjustment("invoice_cancel", invoice.id, key, text=key))
    return _not_whole(note, amount, invoice, paid=not unpaid)


def told_before(related: Related) -> list[PlannedWrite]:
    """What this document has told before, named again: it stands whatever the document shows since."""
    return [
        PlannedWrite(key, content.kind, content, needs=(key.removesuffix(":void"),) if key.endswith(":void") else ())
        for key, content in related.posted.items()
        if isinstance(content, InvoiceAdjustment)
    ]


def unapplied(payment: LedgerPayment, content: InvoiceAdjustment) -> Finding:
    """A payment that was told is not put against its invoice any more, and stands in the ledger."""
    return Finding(
        "adjustment-unapplied",
        f"{payment.id} was recorded on PayPal invoice {content.invoice_id} with {content.amount} and is not put "
        "against it in Visma any more. Remove it there by hand, or apply it again, then ignore this.",
        "applications",
    )


def refund_voided(payment: LedgerPayment, content: InvoiceAdjustment) -> Finding:
    """A bank refund that was told is taken back."""
    return Finding(
        "adjustment-refund-voided",
        f"{payment.id} is voided in Visma, and was recorded on PayPal invoice {content.invoice_id} as a refund of "
        f"{content.amount}. Remove that refund there by hand, then ignore this.",
        "state",
    )


def not_there(document: str, invoice_id: str) -> Finding:
    """PayPal does not show an invoice that we have booked."""
    return Finding(
        "adjustment-no-invoice",
        f"{document} is for PayPal invoice {invoice_id}, which PayPal does not show. Look there, then ignore this.",
        "invoice",
    )


def _content(told: Iterable[Elsewhere], key: str) -> InvoiceAdjustment | None:
    """What was told under this key, or is being told; what is only planned yet may still change."""
    found = next((one.contents[key] for one in told if key in one.contents and one.state != "open"), None)
    return found if isinstance(found, InvoiceAdjustment) else None


def _recorded(rows: Sequence[InvoiceRow]) -> int:
    return sum(row.amount.minor for row in rows if row.origin == "recorded")


def _changed(document: str, before: InvoiceAdjustment, amount: Money) -> Finding:
    return Finding(
        "adjustment-changed",
        f"{document} was recorded on PayPal invoice {before.invoice_id} with {before.amount} and is put against it "
        f"with {amount} now. Correct the record there by hand, then ignore this.",
        "amount",
    )


def _not_open(document: str, amount: Money, invoice: Invoice) -> Finding:
    return Finding(
        "adjustment-not-open",
        f"{document} puts {amount} against PayPal invoice {invoice.number or invoice.id}, which is "
        f"{invoice.state.replace('_', ' ')} there. Find out which is real, settle it there by hand and ignore this.",
        "state",
    )


def _more_than_due(document: str, amount: Money, invoice: Invoice) -> Finding:
    return Finding(
        "adjustment-too-large",
        f"{document} puts {amount} against PayPal invoice {invoice.number or invoice.id}, of which {invoice.due} is "
        "due there. Compare the two, settle it there by hand and ignore this.",
        "amount",
    )


def _more_than_recorded(document: str, amount: Money, invoice: Invoice, left: int) -> Finding:
    return Finding(
        "adjustment-refund-too-large",
        f"{document} gives back {amount} of PayPal invoice {invoice.number or invoice.id}, on which "
        f"{Money(left, invoice.currency)} of payments from outside are recorded. PayPal takes no more: note it there "
        "by hand if it matters and ignore this.",
        "amount",
    )


def _not_whole(note: LedgerInvoice, amount: Money, invoice: Invoice, *, paid: bool) -> Finding:
    why = "has payments there" if paid else f"is of {invoice.requested} there, and {invoice.state.replace('_', ' ')}"
    return Finding(
        "adjustment-credit",
        f"Credit note {note.number} takes {amount} off PayPal invoice {invoice.number or invoice.id}, which {why}. "
        "PayPal can only cancel a whole unpaid invoice: change or refund it there by hand and ignore this.",
        "amount",
    )
