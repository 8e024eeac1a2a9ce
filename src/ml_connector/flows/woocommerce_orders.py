"""WooCommerce orders: an invoice with its payment, or an anonymous sales transaction; what cancels them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from ml_connector.finance.documents import Sale
from ml_connector.finance.invoices import CustomerInvoice
from ml_connector.finance.journal import JournalEntry
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Content, Finding, Hold, Ignore, Plan, PlannedWrite, Related, Verdict, Wait
from ml_connector.finance.rulebook import Terms
from ml_connector.finance.selling import SalesOrder
from ml_connector.flows import woocommerce_needs as need
from ml_connector.flows.verdicts import before_go_live, booked_day, pooled, verdict
from ml_connector.flows.woocommerce_articles import hidden, order_of
from ml_connector.flows.woocommerce_selling import plan_sold
from ml_connector.rules.bookkeeping import Books
from ml_connector.rules.days import business_day
from ml_connector.rules.findings import approved, blocking
from ml_connector.rules.invoicing import Bill, plan_cancel, plan_invoice
from ml_connector.rules.sales import plan_sale
from ml_connector.rules.shop_buyers import know_buyer
from ml_connector.rules.shop_lines import against_lines, recognised
from ml_connector.rules.shop_orders import (
    Paid,
    not_booked,
    order_key,
    paid_how,
    payment_of,
    rounding_too_large,
    sold_at,
    sold_on,
    with_tender,
)
from ml_connector.rules.shop_refunds import left_of

BOOKED = CustomerInvoice | JournalEntry | SalesOrder
"""As what an order stands in the ledger."""


def plan_order(sale: Sale, related: Related, books: Books) -> Verdict:
    """What an order becomes. One that is booked keeps its form, its day and its customer, whatever the route says."""
    key = order_key(sale.id, books.terms)
    sale = order_of(sale, related, books.terms)
    made = _planned(sale, key, related, books)
    if not isinstance(made, Plan) or not sale.identity:
        return made
    return replace(made, writes=tuple(_known(one, sale) if one.key == key else one for one in made.writes))


def _known(write: PlannedWrite, sale: Sale) -> PlannedWrite:
    """What the order is booked as, with the mark that tells it from another with its id."""
    if not isinstance(write.content, BOOKED):
        return write
    return replace(write, content=replace(write.content, identity=sale.identity))


def _planned(sale: Sale, key: str, related: Related, books: Books) -> Verdict:
    terms = books.terms
    posted = related.posted.get(key)
    if posted is None and (idle := _idle(sale, terms)):
        return idle
    if posted is not None and _is_another(sale, posted, booked_day(key, related), terms):
        return Hold((_id_used_again(sale, key),))
    if related.posted.get(f"{key}:cancel") is not None and sale.state != "canceled":
        return Hold((_revived(sale),))
    if posted is None and (unseen := hidden(sale.lines, related, terms)):
        return unseen
    form = form_of(posted, terms)
    paid = paid_how(sale, related, terms)
    if paid.note is not None and paid.note.blocks:
        return Hold((paid.note,))
    lines = recognised(sale.lines, terms, related)
    ready = sale if lines == sale.lines else replace(sale, lines=lines)
    if form == "journal":
        return _sales_transaction(ready, paid, related, books)
    if form == "sales_order":
        return _ordered(ready, paid, related, books, posted=posted)
    return _invoiced(ready, paid, related, books, posted=posted)


def form_of(posted: Content | None, terms: Terms) -> str:
    """As what an order is booked: as it stands in the ledger, else as the route says."""
    if posted is None:
        return terms.order_document
    if isinstance(posted, SalesOrder):
        return "sales_order"
    return "journal" if isinstance(posted, JournalEntry) else "invoice"


def bill_of(sale: Sale, related: Related, terms: Terms, paid: Paid) -> Bill:
    """What the order's invoice says beside its lines."""
    key = order_key(sale.id, terms)
    number = sale.reference or sale.id
    refunds = {"here": "out", "elsewhere": "elsewhere", "unpaid": "owed"}[paid.how]
    day = booked_day(key, related) or sold_on(sale, terms)
    return Bill(key, f"order {number}", number, day, None, None, refunds)  # type: ignore[arg-type]


def against_order(sale: Sale, paid: Paid, related: Related, books: Books) -> tuple[Finding, ...]:
    """What stands against booking an order, before any account is asked for."""
    record = f"order {sale.reference or sale.id}"
    rounded = rounding_too_large(sale.rounding, stated=sale.total, record=record, terms=books.terms)
    lines = against_lines(sale, books.terms, related, books.mapper)
    return tuple(one for one in (rounded, paid.note, *lines) if one is not None)


def identity_of(booked: Content | None) -> str | None:
    """The mark of the order that is booked so; None where nobody kept it."""
    return booked.identity if isinstance(booked, BOOKED) else None


def _is_another(sale: Sale, posted: Content, day: date | None, terms: Terms) -> bool:
    """Whether another order with its id is booked: a shop put back from a copy counts anew.

    The shop marks each order; where no mark is kept, one is another that was made after the day of what is booked. By
    more than a day: the route's clock may have been set to another zone since.
    """
    known = identity_of(posted)
    if known and sale.identity:
        return known != sale.identity
    return day is not None and day + timedelta(days=1) < business_day(sale.created_at, terms, sale.location)


def _idle(sale: Sale, terms: Terms) -> Ignore | None:
    """Why an order that was never booked stays so."""
    if reason := not_booked(sale, terms):
        return Ignore(reason)
    if not sale.total and not any(line.net or line.tax for line in sale.lines):
        return Ignore("nothing of value is in it")
    return before_go_live(sold_at(sale, terms), sale.location, terms)


def _invoiced(sale: Sale, paid: Paid, related: Related, books: Books, *, posted: Content | None) -> Verdict:
    terms = books.terms
    bill = bill_of(sale, related, terms, paid)
    known = know_buyer(sale, need.account(sale, related), related, terms, booked=posted)
    captures = {sale.id: payment_of(sale, paid)} if paid.how == "here" else {}
    days = {sale.id: _paid_on(sale, terms)}
    made = plan_invoice(bill, sale, known, captures=captures, days=days, books=books, related=related)
    made = Plan(made.writes, (*against_order(sale, paid, related, books), *made.findings))
    if sale.state != "canceled" or blocking(made.findings):
        return verdict(made)
    rest = left_of(sale, need.stated_refunds(sale, related))
    if rest.total.minor <= 0:
        return verdict(made)
    if paid.how != "unpaid":
        return _canceled_but_paid(sale, made, rest.total, related)
    day = booked_day(f"{bill.key}:cancel", related) or business_day(sale.updated_at, terms, sale.location)
    zero = Money.zero(sale.currency)
    undone = plan_cancel(bill, rest, known, paid=zero, day=day, books=books, related=related)
    return verdict(Plan((*made.writes, *undone.writes), (*made.findings, *undone.findings)))


def _ordered(sale: Sale, paid: Paid, related: Related, books: Books, *, posted: Content | None) -> Verdict:
    """A sales order of the ledger, which people ship and invoice there."""
    known = know_buyer(sale, need.account(sale, related), related, books.terms, booked=posted)
    rest = left_of(sale, need.stated_refunds(sale, related))
    if sale.state == "canceled" and paid.how != "unpaid" and rest.total.minor > 0:
        return _canceled_but_paid(sale, Plan(()), rest.total, related)
    bill = bill_of(sale, related, books.terms, paid)
    return plan_sold(sale, bill, paid, known, related, books, against=against_order(sale, paid, related, books))


def _sales_transaction(sale: Sale, paid: Paid, related: Related, books: Books) -> Verdict:
    """One journal for a paid order. Money that a processor books waits in suspense, which its payment empties."""
    terms = books.terms
    key = order_key(sale.id, terms)
    if paid.how == "unpaid" and sale.total:
        return Wait(f"order {sale.reference or sale.id} is not paid: a sales transaction is booked once it is")
    day = booked_day(key, related) or sold_on(sale, terms)
    made = plan_sale(with_tender(sale, paid), {}, key=key, day=day, books=books, related=related)
    made = Plan(made.writes, (*against_order(sale, paid, related, books), *made.findings))
    rest = left_of(sale, need.stated_refunds(sale, related))
    if sale.state == "canceled" and rest.total.minor > 0 and not blocking(made.findings):
        return _canceled_but_paid(sale, made, rest.total, related)
    return pooled(made, books, location=sale.location, payout=None)


def _paid_on(sale: Sale, terms: Terms) -> date:
    return business_day(sale.paid_at or sale.created_at, terms, sale.location)


def _canceled_but_paid(sale: Sale, made: Plan, rest: Money, related: Related) -> Verdict:
    if approved(related, "order-canceled-but-paid"):
        return verdict(made)
    return Hold((Finding(
        "order-canceled-but-paid",
        f"Order {sale.reference or sale.id} is {sale.status} after it was booked, and {rest} of its payment was not "
        "given back. Refund it in the shop; approve to leave the sale as it is booked.",
        "status", {"decision": "approve"},
    ),))  # fmt: skip


def _id_used_again(sale: Sale, key: str) -> Finding:
    return Finding(
        "order-id-used-again",
        f"Order {sale.reference or sale.id} was made on {sale.created_at.date()}, and another order with its id "
        f"({sale.id}) was booked before, as {key}. A shop that was put back from a copy gives ids out again: "
        "invoice this one by hand and ignore it here. What is booked stays.",
        "id",
    )


def _revived(sale: Sale) -> Finding:
    return Finding(
        "order-revived",
        f"Order {sale.reference or sale.id} was cancelled and its invoice credited; now it is {sale.status}. Undo its "
        "credit note, then plan again, or invoice it by hand and ignore it here.",
        "status",
    )
