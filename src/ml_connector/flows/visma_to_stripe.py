"""Visma.net to Stripe: invoices of the ledger that Stripe collects, and what people did to them in the ledger since.

An invoice goes out when nothing of it is paid. A bank payment or credit note that people put on it later follows it.
What our own route booked from Stripe is left out both ways.
"""

from __future__ import annotations

from ml_connector.finance.chart import Chart
from ml_connector.finance.collection import CollectionInvoice
from ml_connector.finance.documents import Document, Party
from ml_connector.finance.ledger import LedgerInvoice, LedgerPayment
from ml_connector.finance.plan import Finding, Found, Hold, Ignore, Need, Plan, PlannedWrite, Related, Verdict, Wait
from ml_connector.finance.rulebook import Rulebook, Terms
from ml_connector.flows.flow import Flow
from ml_connector.flows.verdicts import verdict
from ml_connector.rules import collecting, payers
from ml_connector.rules import collection_changes as changes
from ml_connector.rules.bookkeeping import Books
from ml_connector.rules.ledger_lines import taxed_lines
from ml_connector.rules.mapping import mapper_of

KINDS = ("customerinvoice", "customerCreditNote", "customerPayment")
ROLES = ("clearing", collecting.ROLE)
"""The cash accounts on which Stripe's money waits: payments on them came from there. And which invoices go out."""


def needs(document: Document, related: Related, terms: Terms) -> tuple[Need, ...]:
    """An invoice that goes out: its customer here and there. A payment or credit note: how its invoices stand there."""
    if isinstance(document, LedgerPayment):
        if document.kind not in {"payment", "prepayment"} or document.state not in {"open", "closed"}:
            return ()
        return () if collecting.is_ours(document.text, document.reference) else _sent_of(document, terms)
    if not isinstance(document, LedgerInvoice):
        return ()
    if document.kind == "credit_note":
        released = document.state in {"open", "closed"}
        return _sent_of(document, terms) if released and not collecting.is_ours(document.note) else ()
    if _is_sent(document, related, terms):
        return ()
    if collecting.not_collectable(document, terms):
        return ()
    own = customer(document.customer)
    party: Party | None = related.one(own)
    mark = collecting.mark_of(
        document, related, party, terms=terms, mapper=mapper_of(related.rulebook) if related.rulebook else None
    )
    if party is None or mark is None:
        return () if mark and not mark.yes else (own,)
    return (own, payer(party, terms)) if mark.yes else (own,)


def links(document: Document) -> tuple[tuple[str, str], ...]:
    """By which (name, value) other records find this one."""
    if isinstance(document, LedgerInvoice) and document.kind == "invoice":
        return (("customer", document.customer),)  # one that is mended lets the invoices go on that were held for it
    if isinstance(document, LedgerInvoice | LedgerPayment):
        return tuple(("invoice", one.number) for one in document.applications if one.document == "Invoice")
    return ()


def customer(number: str) -> Need:
    """A customer of the ledger by number."""
    return Need(kind="customer", id=number)


def payer(party: Party, terms: Terms) -> Need:
    """The customer there."""
    return Need(kind="customer", system="target", fields=payers.payer_fields(party, terms), optional=True)


def sent(number: str, terms: Terms) -> Need:
    """How an invoice stands there; nothing where it was never sent."""
    fields = (("of", collecting.invoice_key(number, terms)),)
    return Need(kind="sent_invoice", system="target", fields=fields, optional=True, awaited=True)


def plan(document: Document, related: Related, *, terms: Terms, rulebook: Rulebook, chart: Chart) -> Verdict:
    """What Stripe should be told of one document of the ledger, or why nothing."""
    books = Books.of(rulebook, chart, terms)
    if isinstance(document, LedgerPayment):
        return _payment(document, related, books)
    if isinstance(document, LedgerInvoice) and document.kind == "credit_note":
        return _credit_note(document, related, books)
    if isinstance(document, LedgerInvoice):
        return _invoice(document, related, books)
    return Ignore("Stripe is told nothing by it")


def _invoice(invoice: LedgerInvoice, related: Related, books: Books) -> Verdict:
    terms = books.terms
    sent_before = related.posted.get(collecting.invoice_key(invoice.number, terms))
    if isinstance(sent_before, CollectionInvoice):
        return verdict(Plan(tuple(changes.still_sent(related)), changes.changed_since(invoice, sent_before, related)))
    if reason := collecting.not_collectable(invoice, terms):
        return Ignore(reason)
    party: Party | None = related.one(customer(invoice.customer))
    mark = collecting.mark_of(invoice, related, party, terms=terms, mapper=books.mapper)
    if mark is not None and not mark.yes:
        return Ignore(f"not marked for collection ({mark.because})")
    if party is None or mark is None:
        return Wait(f"customer {invoice.customer} is not read yet")
    lines = taxed_lines(invoice, books.chart)
    if isinstance(lines, Finding):
        return Hold((lines,))
    found: tuple[Found, ...] = related.documents(payer(party, terms)) or ()
    known = payers.know_payer(party, found, related, terms)
    writes, findings = collecting.plan_collection(invoice, lines, known, because=mark.because, found=found, terms=terms)
    return verdict(Plan(tuple(writes), tuple(findings)))


def _payment(payment: LedgerPayment, related: Related, books: Books) -> Verdict:
    if payment.kind in {"void_payment", "void_refund"}:
        return Ignore("what it voids tells")
    if payment.kind not in {"payment", "prepayment"}:
        return Ignore("it pays no invoice")
    if payment.state == "voided":
        return Hold((changes.payment_voided(payment, related),)) if related.posted else Ignore("it is voided")
    if payment.state not in {"open", "closed"}:
        return Ignore("it is not released")
    if collecting.is_from_there(payment, books.mapper):
        return Ignore("it came through Stripe")
    if books.terms.go_live is not None and payment.day < books.terms.go_live:
        return Ignore(f"it is of {payment.day}, before the go-live day {books.terms.go_live}")
    made: list[PlannedWrite | Finding | str] = []
    for one in payment.applications:
        there = _there(one.document, one.number, related, books.terms)
        if there is not None and collecting.change_key(payment.id, one.number, books.terms) not in related.posted:
            made.append(changes.plan_outside_payment(payment, one, there, terms=books.terms, related=related))
    return _told(made, related)


def _credit_note(note: LedgerInvoice, related: Related, books: Books) -> Verdict:
    if note.state not in {"open", "closed"}:
        return Ignore("it is not released")
    if collecting.is_ours(note.note, note.reference):
        return Ignore("it was made for a refund of Stripe")
    made: list[PlannedWrite | Finding | str] = []
    document = f"credit_note/{note.number}"
    for one in note.applications:
        there = _there(one.document, one.number, related, books.terms)
        if there is None or collecting.change_key(document, one.number, books.terms) in related.posted:
            continue
        lines = taxed_lines(note, books.chart)
        made.append(
            lines if isinstance(lines, Finding) else changes.plan_credit(note, one, there, lines, terms=books.terms)
        )
    return _told(made, related)


def _told(made: list[PlannedWrite | Finding | str], related: Related) -> Verdict:
    """What was told before stands; held when anything asks a person, ignored when there is nothing to tell."""
    findings = tuple(one for one in made if isinstance(one, Finding))
    if findings:
        return Hold(findings)
    writes = (*changes.still_sent(related), *(one for one in made if isinstance(one, PlannedWrite)))
    if writes:
        return Plan(writes)
    said = [one for one in made if isinstance(one, str)]
    return Ignore("; ".join(said) or "it is put against no invoice that Stripe collects")


def _there(document: str, number: str, related: Related, terms: Terms) -> Found | None:
    return related.one(sent(number, terms)) if document == "Invoice" else None


def _is_sent(invoice: LedgerInvoice, related: Related, terms: Terms) -> bool:
    return collecting.invoice_key(invoice.number, terms) in related.posted


def _sent_of(document: LedgerInvoice | LedgerPayment, terms: Terms) -> tuple[Need, ...]:
    numbers = dict.fromkeys(one.number for one in document.applications if one.document == "Invoice" and one.number)
    return tuple(sent(number, terms) for number in numbers)


def writes(terms: Terms) -> tuple[str, ...]:
    """What may be written there. Part of an invoice is told as paid where the terms say so alone."""
    parts = ("part_payment",) if terms.collect_part_payments == "record" else ()
    return ("customer", "collection_invoice", "collection_credit", "invoice_void", "outside_payment", *parts)


FLOW = Flow(
    name="visma_to_stripe", source="visma", target="stripe", kinds=KINDS, roles=ROLES,
    needs=needs, plan=plan, links=links, on_demand=("customerinvoice", collecting.ROLE),
    follows=("customer",), writes=writes,
)  # fmt: skip
