"""What bank payments and credit notes of people mean for an invoice of the ledger that another system collects.

A payment of all that is open marks it paid there; a credit of all of it takes it back; less lowers it. What is paid
there is final: whatever would touch it asks a person.
"""

from __future__ import annotations

from collections.abc import Sequence

from ml_connector.finance.collection import (
    CollectionCredit,
    CollectionInvoice,
    InvoiceVoid,
    LedgerAttachment,
    OutsidePayment,
)
from ml_connector.finance.invoices import PartyCard
from ml_connector.finance.ledger import LedgerApplication, LedgerInvoice, LedgerPayment
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Finding, Found, PlannedWrite, Related
from ml_connector.finance.rulebook import Terms
from ml_connector.rules.collecting import change_key, line_of
from ml_connector.rules.findings import approved, decided
from ml_connector.rules.ledger_lines import TaxedLine


def plan_outside_payment(
    payment: LedgerPayment, one: LedgerApplication, sent: Found, *, terms: Terms, related: Related
) -> PlannedWrite | Finding | str:
    """What a bank payment of people means for an invoice that is collected; a text says why nothing.

    People may have told it there themselves. Of a whole invoice that is this payment; of a part a person says.
    """
    open_there = int(sent.facts.get("remaining", "0"))
    if sent.status != "open":
        if sent.status == "paid" and int(sent.facts.get("outside", "0")) >= one.amount.minor:
            return f"invoice {one.number} was marked as paid where it is collected: this is its payment"
        if sent.status == "paid":
            return _paid_twice(payment, one)
        return f"invoice {one.number} is {sent.status} where it is collected"
    if int(sent.facts.get("others", "0")) >= one.amount.minor:
        if approved(related, _TOLD):
            return f"invoice {one.number} was told of it where it is collected, by people"
        if decided(related, _TOLD) != "other":
            return _told_already(payment, one)
    if one.amount.minor > open_there:
        return _more_than_open(payment.id, one, open_there)
    whole = one.amount.minor == open_there
    if not whole and terms.collect_part_payments == "ask":
        return _part_paid(payment, one, open_there)
    key = change_key(payment.id, one.number, terms)
    content = OutsidePayment(
        "outside_payment", sent.number, one.amount, payment.day, whole, payment.id, key,
        marks=(("visma_payment", payment.number),),
    )  # fmt: skip
    return PlannedWrite(key, "outside_payment", content)


def plan_credit(
    note: LedgerInvoice, one: LedgerApplication, sent: Found, lines: Sequence[TaxedLine], *, terms: Terms
) -> PlannedWrite | Finding | str:
    """What a credit note of people means for an invoice that is collected: taken back whole, or lowered."""
    facts = {name: int(sent.facts.get(name, "0")) for name in ("remaining", "paid", "total")}
    if sent.status not in {"open", "paid"}:
        return f"invoice {one.number} is {sent.status} where it is collected"
    if sent.status == "paid" or one.amount.minor > facts["remaining"]:
        return _credit_on_paid(note, one, facts["remaining"])
    key = change_key(f"credit_note/{note.number}", one.number, terms)
    if one.amount.minor == facts["total"] and not facts["paid"]:
        return PlannedWrite(key, "invoice_void", InvoiceVoid(sent.number, f"credit_note/{note.number}", key))
    if one.amount != note.total:
        return _partly_applied(note, one)
    content = CollectionCredit(
        invoice=sent.number, number=note.number, day=note.day, currency=note.currency,
        lines=tuple(line_of(line, place) for place, line in enumerate(lines, 1)), total=note.total,
        vat_total=note.vat_total, source=key, marks=(("visma_credit_note", note.number),),
    )  # fmt: skip
    return PlannedWrite(key, "collection_credit", content)


def still_sent(related: Related) -> list[PlannedWrite]:
    """What was told before, named again: it stands whatever the ledger's document shows since."""
    kinds = {
        CollectionInvoice: "collection_invoice", CollectionCredit: "collection_credit", InvoiceVoid: "invoice_void",
        OutsidePayment: "outside_payment", PartyCard: "customer", LedgerAttachment: "ledger_attachment",
    }  # fmt: skip
    return [
        PlannedWrite(
            key, kinds[type(content)], content, into="source" if isinstance(content, LedgerAttachment) else "target"
        )
        for key, content in related.posted.items()
        if type(content) in kinds
    ]


def changed_since(invoice: LedgerInvoice, sent: CollectionInvoice, related: Related) -> tuple[Finding, ...]:
    """What the ledger says otherwise of an invoice than what was sent of it, unless a person has seen this very change.

    Its amounts cannot change there once it is out, nor its customer or due date: a person makes both sides agree.
    """
    customer = dict(sent.marks).get("visma_customer_no", invoice.customer)
    pairs = (
        ("total", str(sent.total), str(invoice.total)), ("VAT", str(sent.vat_total), str(invoice.vat_total)),
        ("due date", str(sent.due_on), str(invoice.due_on)), ("customer", customer, invoice.customer),
    )  # fmt: skip
    told = [f"{what} {before} is {now} now" for what, before, now in pairs if before != now]
    told += ["it is voided now"] if invoice.state == "voided" else []
    change = "; ".join(told)
    if not told or related.decisions.get("sent-invoice-changed") == change:
        return ()
    return (Finding(
        "sent-invoice-changed",
        f"Invoice {invoice.number} was changed in Visma after it was sent out to be collected: {change}. What is "
        "collected stays as it was sent. Credit the invoice in Visma and write a new one, or change it back; accept "
        "this where both may differ.",
        "document",
        {"accept": change},
    ),)  # fmt: skip


def payment_voided(payment: LedgerPayment, related: Related) -> Finding:
    """A bank payment that was told is taken back in the ledger; there, paid is final."""
    told = ", ".join(sorted(related.posted))
    return Finding(
        "outside-payment-voided",
        f"{payment.id} of {payment.amount} is voided in Visma, and was told as paid where its invoice is collected "
        f"({told}). Paid is final there: ask the customer by a new invoice, then ignore this.",
        "state",
    )


_TOLD = "outside-told-already"


def _told_already(payment: LedgerPayment, one: LedgerApplication) -> Finding:
    return Finding(
        _TOLD,
        f"{payment.id} pays {one.amount} of invoice {one.number} to the bank, and people have told of as much where it "
        "is collected. Approve if that is this payment: nothing is told then. Answer other if it is not: it is told "
        "too.",
        "amount",
        {"decision": "approve"},
    )


def _paid_twice(payment: LedgerPayment, one: LedgerApplication) -> Finding:
    return Finding(
        "paid-twice",
        f"{payment.id} pays {one.amount} of invoice {one.number} to the bank, and it is paid where it is collected "
        "already. Find out which is real; pay one back, then ignore this.",
        "amount",
    )


def _more_than_open(document: str, one: LedgerApplication, open_there: int) -> Finding:
    return Finding(
        "outside-payment-too-large",
        f"{document} pays {one.amount} of invoice {one.number}, of which {Money(open_there, one.amount.currency)} is "
        "open where it is collected. Compare the two, settle it there by hand and ignore this.",
        "amount",
    )


def _part_paid(payment: LedgerPayment, one: LedgerApplication, open_there: int) -> Finding:
    return Finding(
        "part-paid-outside",
        f"{payment.id} pays {one.amount} of invoice {one.number}, of which {Money(open_there, one.amount.currency)} is "
        "open where it is collected: the customer is asked for all of it there. Let the route record part payments "
        "(collect_part_payments), or settle it there by hand and ignore this.",
        "amount",
        {"collect_part_payments": "record"},
    )


def _credit_on_paid(note: LedgerInvoice, one: LedgerApplication, remaining: int) -> Finding:
    return Finding(
        "credit-on-paid",
        f"Credit note {note.number} takes {one.amount} off invoice {one.number}, of which "
        f"{Money(remaining, one.amount.currency)} is open where it is collected. Refund the customer there or by bank, "
        "then ignore this.",
        "amount",
    )


def _partly_applied(note: LedgerInvoice, one: LedgerApplication) -> Finding:
    return Finding(
        "credit-partly-applied",
        f"Credit note {note.number} of {note.total} is put against invoice {one.number} with {one.amount} only, so "
        "that its VAT is not told. Credit the invoice by hand where it is collected and ignore this.",
        "amount",
    )
