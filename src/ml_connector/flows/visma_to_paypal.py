"""Visma.net to PayPal: what people did in the ledger to invoices that came from PayPal, told to the PayPal invoice.

Only when the route's terms say so (`adjust_invoices`). What our own routes have written to the ledger is recognised by
the documents they made, so nothing goes round in a circle, and no PayPal money moves.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ml_connector.finance.chart import Chart
from ml_connector.finance.documents import Document, Invoice, InvoiceAdjustment
from ml_connector.finance.ledger import LedgerApplication, LedgerInvoice, LedgerPayment
from ml_connector.finance.plan import Elsewhere, Finding, Hold, Ignore, Need, Plan, PlannedWrite, Related, Verdict, Wait
from ml_connector.finance.rulebook import Rulebook, Terms
from ml_connector.flows.flow import Flow
from ml_connector.flows.verdicts import verdict
from ml_connector.rules import adjusting
from ml_connector.rules.bookkeeping import Books

KINDS = ("customerPayment", "customerCreditNote")
ROLES = ("clearing",)
"""The cash accounts on which PayPal's money waits: payments on them came from there."""

PAYMENTS = frozenset({"payment", "prepayment"})
_TYPES = {
    "payment": "Payment",
    "prepayment": "Prepayment",
    "refund": "Refund",
}  # the ledger's words, in front of numbers
_RELEASED = frozenset({"open", "closed"})
_NUMBER = re.compile(r"[\w-]*\d[\w-]*")  # what may be an invoice's number in what people write
_MOST_NAMED = 10
Made = PlannedWrite | Finding | str


# ---------------------------------------------------------------------------------------------- what must be known


def needs(document: Document, related: Related, terms: Terms) -> tuple[Need, ...]:
    """Whether it is ours; which PayPal invoices it touches; how these stand there, and what they were told before."""
    if not terms.adjust_invoices:
        return ()
    if isinstance(document, LedgerPayment) and document.kind in _TYPES and document.state in {*_RELEASED, "voided"}:
        return _of_payment(document, related, terms)
    if isinstance(document, LedgerInvoice) and document.kind == "credit_note" and document.state in _RELEASED:
        return _of_credit(document, related, terms)
    return ()


def links(document: Document) -> tuple[tuple[str, str], ...]:
    """By which (name, value) other records find this one."""
    if isinstance(document, LedgerInvoice | LedgerPayment):
        return tuple(("invoice", one.number) for one in document.applications if one.document == "Invoice")
    return ()


def our_payment(payment: LedgerPayment) -> Need:
    """What of ours became this payment or refund."""
    kind = "customer_refund" if payment.kind == "refund" else "customer_payment"
    return Need(kind, system="own", fields=(("ids", f"{_TYPES[payment.kind]}/{payment.number}|{payment.number}"),))


def our_credit(number: str, kind: str = "credit_note") -> Need:
    """What of ours became this credit note: one of our own, or the reversal of an invoice of ours."""
    return Need(kind, system="own", fields=(("ids", f"CreditNote/{number}|{number}"),))


def our_invoice(number: str) -> Need:
    """What of ours became this invoice of the ledger."""
    return Need("customer_invoice", system="own", fields=(("ids", f"Invoice/{number}|{number}"),))


def reversals(key: str) -> Need:
    """Our own reversals of an invoice, those on their way too: they make credit notes that bear no mark of ours."""
    return Need("reverse_invoice", system="own", fields=(("prefix", f"{key}:rev"),))


def told(invoice_id: str, terms: Terms) -> Need:
    """All that was told to a PayPal invoice, or is about to be."""
    return Need("adjustment", system="own", fields=(("prefix", adjusting.prefix_of(invoice_id, terms)),))


def credit_note(number: str) -> Need:
    """The credit note that a refund pays out."""
    return Need("customerCreditNote", id=number)


def there(invoice_id: str, document: LedgerInvoice | LedgerPayment) -> Need:
    """How an invoice stands at PayPal, looked up anew for each version of a document."""
    seen = document.updated_at.isoformat()
    return Need("invoice", system="target", fields=(("number", invoice_id), ("seen", seen)), optional=True)


def _of_payment(payment: LedgerPayment, related: Related, terms: Terms) -> tuple[Need, ...]:
    before = [content.invoice_id for content in _posted(related).values()]
    found = [our_payment(payment), *(told(one, terms) for one in before)]
    if payment.state == "voided" or related.documents(our_payment(payment)):
        return tuple(found)
    if payment.kind == "refund":
        for one in _applied(payment.applications, "CreditNote"):
            found.append(credit_note(one.number))
            note: LedgerInvoice | None = related.one(credit_note(one.number))
            found += _of_invoices(_credited(note), payment, related, terms)
        return tuple(dict.fromkeys(found))
    return tuple(dict.fromkeys([*found, *_of_invoices(payment.applications, payment, related, terms)]))


def _of_credit(note: LedgerInvoice, related: Related, terms: Terms) -> tuple[Need, ...]:
    found = [our_credit(note.number), our_credit(note.number, "reverse_invoice")]
    if adjusting.is_ours(note.note, terms) or any(related.documents(one) for one in found):
        return tuple(found)
    found += _of_invoices(note.applications, note, related, terms)
    for one in _applied(note.applications, "Invoice"):
        key = _key_of(one.number, related, terms)
        found += [reversals(key)] if key else []
    return tuple(dict.fromkeys(found))


def _of_invoices(
    applications: Sequence[LedgerApplication], document: LedgerInvoice | LedgerPayment, related: Related, terms: Terms
) -> list[Need]:
    found = []
    for one in _applied(applications, "Invoice"):
        found.append(our_invoice(one.number))
        invoice_id = _paypal_id(one.number, related, terms)
        if invoice_id:
            found += [told(invoice_id, terms), there(invoice_id, document)]
    return found


# ---------------------------------------------------------------------------------------------- what is told


def plan(document: Document, related: Related, *, terms: Terms, rulebook: Rulebook, chart: Chart) -> Verdict:
    """What PayPal should be told of one document of the ledger, or why nothing."""
    if not terms.adjust_invoices:
        return Ignore("the route's terms do not have PayPal told (adjust_invoices)")
    books = Books.of(rulebook, chart, terms)
    if isinstance(document, LedgerPayment):
        return _payment(document, related, books)
    if isinstance(document, LedgerInvoice) and document.kind == "credit_note":
        return _credit(document, related, books)
    return Ignore("PayPal is told nothing by it")


def _payment(payment: LedgerPayment, related: Related, books: Books) -> Verdict:
    terms = books.terms
    if payment.kind in {"void_payment", "void_refund"}:
        return Ignore("what it voids tells")
    if payment.kind not in _TYPES:
        return Ignore("it pays no invoice")
    if payment.state == "voided":
        return _voided(payment, related, terms)
    if payment.state not in _RELEASED:
        return Ignore("it is not released")
    if related.documents(our_payment(payment)) or _from_paypal(payment, books):
        return Ignore("it came through PayPal")
    if terms.go_live is not None and payment.day < terms.go_live:
        return Ignore(f"it is of {payment.day}, before the go-live day {terms.go_live}")
    made: list[Made] = []
    if payment.kind == "refund":
        for one in _applied(payment.applications, "CreditNote"):
            note: LedgerInvoice | None = related.one(credit_note(one.number))
            of_paypal = [app for app in _credited(note) if _paypal_id(app.number, related, terms)]
            # A credit note of several invoices does not say which of them the money is for.
            made += _told_to(payment, of_paypal if len(of_paypal) == 1 else [], related, terms, amount=one)
        return _answer(made, related)
    made += _told_to(payment, _applied(payment.applications, "Invoice"), related, terms)
    still = {one.source for one in _posted(related).values()}
    now = {one.key for one in made if isinstance(one, PlannedWrite)}
    asked = [adjusting.unapplied(payment, one) for key, one in _posted(related).items() if key in still - now]
    return _answer([*made, *(asked if not _findings(made) else ())], related)


def _told_to(
    payment: LedgerPayment, applied: Sequence[LedgerApplication], related: Related, terms: Terms, *,
    amount: LedgerApplication | None = None,
) -> list[Made]:  # fmt: skip
    found: list[Made] = []
    for one in applied:
        invoice_id = _paypal_id(one.number, related, terms)
        if not invoice_id:
            continue
        invoice = _there(invoice_id, payment, related)
        if invoice is None:
            found.append(adjusting.not_there(payment.id, invoice_id))
            continue
        before: Sequence[Elsewhere] = related.documents(told(invoice_id, terms)) or ()
        act = adjusting.plan_refund if payment.kind == "refund" else adjusting.plan_payment
        found.append(act(payment, (amount or one).amount, invoice, before, terms=terms))
    return found


def _voided(payment: LedgerPayment, related: Related, terms: Terms) -> Verdict:
    made: list[Made] = []
    for key, content in _posted(related).items():
        if content.kind == "external_refund":
            made.append(adjusting.refund_voided(payment, content))
        elif content.kind == "external_payment":
            before: Sequence[Elsewhere] = related.documents(told(content.invoice_id, terms)) or ()
            removal = adjusting.plan_removal(key, content, before)
            if isinstance(removal, str):
                return Wait(removal)
            made += [removal] if isinstance(removal, Finding) else removal
    return _answer(made, related) if made else Ignore("it is voided")


def _credit(note: LedgerInvoice, related: Related, books: Books) -> Verdict:
    terms = books.terms
    if note.state not in _RELEASED:
        return Ignore("it is not released")
    ours = (our_credit(note.number), our_credit(note.number, "reverse_invoice"))
    if adjusting.is_ours(note.note, terms) or any(related.documents(one) for one in ours):
        return Ignore("it was made here")
    if terms.go_live is not None and note.day < terms.go_live:
        return Ignore(f"it is of {note.day}, before the go-live day {terms.go_live}")
    made: list[Made] = []
    for one in _applied(note.applications, "Invoice"):
        invoice_id = _paypal_id(one.number, related, terms)
        if not invoice_id:
            continue
        back: Sequence[Elsewhere] = related.documents(reversals(_key_of(one.number, related, terms))) or ()
        if any(mine.state in {"open", "sealed"} for mine in back):
            return Wait(f"our own reversal of invoice {one.number} is on its way")
        invoice = _there(invoice_id, note, related)
        if invoice is None:
            made.append(adjusting.not_there(f"credit note {note.number}", invoice_id))
            continue
        before: Sequence[Elsewhere] = related.documents(told(invoice_id, terms)) or ()
        made.append(adjusting.plan_credit(note, one.amount, invoice, before, terms=terms))
    return _answer(made, related)


def _answer(made: Sequence[Made], related: Related) -> Verdict:
    """What was told before stands; held when anything asks a person, ignored when there is nothing to tell."""
    if findings := _findings(made):
        return Hold(findings)
    writes = {one.key: one for one in (*adjusting.told_before(related), *made) if isinstance(one, PlannedWrite)}
    return verdict(Plan(tuple(writes.values()))) if writes else Ignore("it is put against no invoice of PayPal")


def _findings(made: Sequence[Made]) -> tuple[Finding, ...]:
    return tuple(one for one in made if isinstance(one, Finding))


def _from_paypal(payment: LedgerPayment, books: Books) -> bool:
    clearing = {rule.cash_account for rule in books.mapper.rules_for("clearing")} - {None}
    return payment.cash_account in clearing


def _applied(applications: Sequence[LedgerApplication], document: str) -> list[LedgerApplication]:
    return [one for one in applications if one.document == document and one.number and one.amount.minor > 0]


def _credited(note: LedgerInvoice | None) -> list[LedgerApplication]:
    """The invoices that a credit note is for: those it is put against, else those that its reference or text names.

    What a bank refund pays out is open, and put against no invoice: its writer has named the invoice, or nobody knows.
    """
    if note is None:
        return []
    put = _applied(note.applications, "Invoice")
    named = dict.fromkeys(_NUMBER.findall(f"{note.reference} {note.text}"))
    return put or [LedgerApplication("Invoice", number, note.total) for number in list(named)[:_MOST_NAMED]]


def _posted(related: Related) -> dict[str, InvoiceAdjustment]:
    return {key: one for key, one in related.posted.items() if isinstance(one, InvoiceAdjustment)}


def _key_of(number: str, related: Related, terms: Terms) -> str:
    """The key under which we booked an invoice of the ledger from PayPal; empty for any other invoice."""
    ours: Sequence[Elsewhere] = related.documents(our_invoice(number)) or ()
    begins = f"{terms.code}:inv:"
    return next((key for one in ours for key in one.contents if key.startswith(begins)), "")


def _paypal_id(number: str, related: Related, terms: Terms) -> str:
    return _key_of(number, related, terms).removeprefix(f"{terms.code}:inv:")


def _there(invoice_id: str, document: LedgerInvoice | LedgerPayment, related: Related) -> Invoice | None:
    found = related.one(there(invoice_id, document))
    return found.document if found is not None and isinstance(found.document, Invoice) else None


def writes(terms: Terms) -> tuple[str, ...]:
    """What may be written there."""
    told = ("external_payment", "external_payment_removal", "external_refund", "invoice_cancel")
    return told if terms.adjust_invoices else ()


FLOW = Flow(
    name="visma_to_paypal", source="visma", target="paypal", kinds=KINDS, roles=ROLES,
    needs=needs, plan=plan, links=links, writes=writes,
)  # fmt: skip
