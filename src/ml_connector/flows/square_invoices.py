"""Square invoices, and orders of business customers: the customer document, its payments, its cancellation."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from ml_connector.finance.documents import Capture, Invoice, Party, Publication, Sale
from ml_connector.finance.invoices import CustomerInvoice, Ref
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Finding, Hold, Ignore, Plan, Related, Verdict, Wait
from ml_connector.finance.rulebook import Terms
from ml_connector.flows import square_needs as need
from ml_connector.flows.square_articles import hidden, order_of
from ml_connector.flows.square_verdicts import no_order, unmapped
from ml_connector.flows.verdicts import before_go_live, booked_day, verdict
from ml_connector.rules.bookkeeping import Books
from ml_connector.rules.days import business_day
from ml_connector.rules.findings import blocking
from ml_connector.rules.invoicing import Bill, plan_cancel, plan_invoice, plan_invoice_payment
from ml_connector.rules.matching import PartyMatch
from ml_connector.rules.parties import GONE, NUMBER, Known, is_one_of, know


def plan_invoice_record(invoice: Invoice, related: Related, books: Books) -> Verdict:
    """What an invoice of Square becomes: the customer document with its payments, or what cancels it."""
    terms = books.terms
    if invoice.state in {"draft", "scheduled"}:
        return Ignore(f"the invoice is {invoice.state}: it is not the customer's yet")
    if early := before_go_live(_issued_at(invoice, related), invoice.location, terms):
        return early
    if new := unmapped(invoice.location, terms):
        return Hold((new,))
    if not invoice.order_id:
        return Hold((no_order(f"invoice {invoice.id}"),))
    sale = _order_of(invoice.order_id, related, terms)
    if isinstance(sale, Wait):
        return sale
    bill = _bill(invoice, related, terms)
    canceled = invoice.state in {"canceled", "failed"}
    if canceled and bill.key not in related.posted and not sale.tenders:
        return Ignore(f"the invoice is {invoice.state} and was never booked")
    known = _customer(invoice, related, terms)
    if not isinstance(known, Known):
        return known
    captures = captures_of(sale, related)
    made = invoice_with_payments(bill, sale, known, captures, related, books)
    if canceled and not blocking(made.findings):
        paid = Money(sum(capture.amount.minor for capture in _completed(captures.values())), sale.currency)
        day = business_day(invoice.updated_at, terms, invoice.location)
        undone = plan_cancel(bill, sale, known, paid=paid, day=day, books=books, related=related)
        made = Plan((*made.writes, *undone.writes), (*made.findings, *undone.findings))
    return verdict(made)


def plan_payment_of_invoice(capture: Capture, invoice: Invoice, sale: Sale, related: Related, books: Books) -> Verdict:
    """What a payment of an invoice becomes: the very writes that the invoice plans for it, named by the same keys."""
    terms = books.terms
    if invoice.state in {"draft", "scheduled"}:
        return Wait(f"invoice {invoice.id} is not published yet")
    if before_go_live(_issued_at(invoice, related), invoice.location, terms):
        return Hold((_invoice_before_go_live(capture, invoice),))
    known = _customer(invoice, related, terms)
    if not isinstance(known, Known):
        return known
    bill = _bill(invoice, related, terms)
    day = day_of(capture, sale, terms)
    made = plan_invoice_payment(capture, bill=bill, customer=known, day=day, books=books, related=related)
    return verdict(Plan((*known.writes, *made.writes), (*known.findings, *made.findings)))


def invoice_with_payments(
    bill: Bill, sale: Sale, known: Known, captures: dict[str, Capture], related: Related, books: Books
) -> Plan:
    """The customer document and the payments that completed so far."""
    paid = {capture.id: capture for capture in _completed(captures.values())}
    days = {capture.id: day_of(capture, sale, books.terms) for capture in paid.values()}
    return plan_invoice(bill, sale, known, captures=paid, days=days, books=books, related=related)


def billed(sale: Sale, related: Related, terms: Terms) -> tuple[Bill, Known | Verdict] | None:
    """The customer document a sale was booked as, if it was not a journal."""
    invoice: Invoice | None = related.one(need.invoice_of(sale))
    if invoice is not None:
        return _bill(invoice, related, terms), _customer(invoice, related, terms)
    business = business_customer(sale, related, terms)
    if business is None:
        return None
    day = business_day(sale.closed_at or sale.updated_at, terms, sale.location)
    key = need.order_key(sale, terms)
    return Bill(key, f"order {sale.id}", sale.reference or sale.id, day, None, None), business


def business_customer(sale: Sale, related: Related, terms: Terms) -> Known | None:
    """The customer of an order that is to be invoiced: a company, where the route says so."""
    if not terms.business_orders or not sale.customer_id:
        return None
    party = need.customer_of(sale.customer_id, related)
    if party is None or not party.is_company:
        return None
    return _known(party, need.order_key(sale, terms), related, terms)


def captures_of(sale: Sale, related: Related) -> dict[str, Capture]:
    """The order's payments that are known, by id."""
    found = (related.one(need.payment(tender.payment_id)) for tender in sale.tenders)
    return {capture.id: capture for capture in found if isinstance(capture, Capture)}


def day_of(capture: Capture, sale: Sale, terms: Terms) -> date:
    """The business day of a payment: the time on the device for one taken offline."""
    return business_day(capture.occurred_at, terms, sale.location)


def _order_of(order_id: str, related: Related, terms: Terms) -> Sale | Wait:
    sale = order_of(related.one(need.order(order_id)), related, terms)
    if sale is None:
        return Wait(f"order {order_id} is not read yet")
    return hidden(sale, related, terms) or sale


def _bill(invoice: Invoice, related: Related, terms: Terms) -> Bill:
    key = need.invoice_key(invoice, terms)
    day = booked_day(key, related) or business_day(_issued_at(invoice, related), terms, invoice.location)
    here = terms.locations.get(invoice.location or "")
    place = (here.name if here else "") or invoice.location or ""
    # Square's invoice numbers are unique within a location only.
    number = f"{invoice.number}/{place}" if place else invoice.number
    return Bill(key, f"invoice {invoice.id}", number, day, invoice.due_on, invoice.requested)


def _issued_at(invoice: Invoice, related: Related) -> datetime:
    """When it left draft, and not before it was scheduled to; Square itself keeps no date of issue."""
    told: Publication | None = related.one(need.publication(invoice))
    published_at = invoice.published_at or (told.published_at if told is not None else None)
    moments = [moment for moment in (published_at, invoice.scheduled_at) if moment is not None]
    return max(moments, default=invoice.created_at)


def _customer(invoice: Invoice, related: Related, terms: Terms) -> Known | Verdict:
    if not invoice.customer_id:
        return Hold((_no_customer(),))
    party = need.customer_of(invoice.customer_id, related)
    if party is not None:
        return _known(party, need.invoice_key(invoice, terms), related, terms)
    number = related.decisions.get(GONE, "").removeprefix(NUMBER).strip()
    if number:
        return Known(number, (), PartyMatch(number, made=False, because=f"a person chose {number}"))
    return Hold((_gone(invoice.customer_id),))


def _known(party: Party, key: str, related: Related, terms: Terms) -> Known:
    """Who a customer is in the ledger.

    A document that is booked keeps its customer when that is merged: what is put against it must be on the same one.
    """
    for one in related.documents(need.booked(key)) or () if party.is_of_others else ():
        content = one.contents.get(key)
        if (
            isinstance(content, CustomerInvoice)
            and one.state != "open"
            and is_one_of(content.customer, party, related, terms)
        ):
            number = None if isinstance(content.customer, Ref) else content.customer
            return Known(content.customer, (), PartyMatch(number, made=False, because="its document is booked on it"))
    return know(party, related, terms, to_book=True)


def _completed(captures: Iterable[Capture]) -> list[Capture]:
    return [capture for capture in captures if capture.state == "completed"]


def _gone(customer_id: str) -> Finding:
    return Finding(
        GONE,
        f"Square has no customer {customer_id} any more, and nothing tells whether it was merged into another or "
        f"deleted. Answer with `{NUMBER}` and the number of the customer in the ledger that this is for.",
        "customer",
    )


def _no_customer() -> Finding:
    return Finding(
        "invoice-without-customer",
        "The invoice names no customer. Add the customer in Square; it is read again.",
        "customer",
    )


def _invoice_before_go_live(capture: Capture, invoice: Invoice) -> Finding:
    return Finding(
        "invoice-before-go-live",
        f"Payment {capture.id} of {capture.amount} is for invoice {invoice.number}, issued before the go-live day. "
        "Apply it in Visma to the invoice as it was booked there, and ignore it here.",
        "invoice",
    )
