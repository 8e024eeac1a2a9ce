"""Square to Visma.net: sales, refunds, invoices, payouts, disputes, vendors and customers of a Square seller."""

from __future__ import annotations

from dataclasses import replace

from ml_connector.finance.chart import Chart
from ml_connector.finance.documents import Capture, Document, Sale
from ml_connector.finance.journal import JournalEntry
from ml_connector.finance.plan import Hold, Ignore, Need, Plan, Related, Verdict, Wait
from ml_connector.finance.rulebook import Rulebook, Terms
from ml_connector.flows.flow import Flow
from ml_connector.rules.bookkeeping import Books
from ml_connector.rules.days import business_day
from ml_connector.rules.findings import blocking, location_unmapped
from ml_connector.rules.pooling import pool_of
from ml_connector.rules.sales import plan_sale

ROLES = (
    "clearing", "bank", "till", "transit", "external", "sales", "service_charge", "vat", "no_vat", "tips", "gift_cards",
    "rounding", "fee", "fee_settlement", "dispute_fee", "dispute_loss", "dispute_receivable", "reserve",
    "payout_adjustment", "suspense",
)  # fmt: skip


def needs(document: Document, related: Related, terms: Terms) -> tuple[Need, ...]:
    if isinstance(document, Capture) and document.order_id:
        return (Need(kind="order", id=document.order_id),)
    return ()


def plan(document: Document, related: Related, *, terms: Terms, rulebook: Rulebook, chart: Chart) -> Verdict:
    books = Books.of(rulebook, chart, terms)
    if isinstance(document, Capture):
        return _payment(document, related, books)
    return Ignore("booked through its payments")


def _payment(capture: Capture, related: Related, books: Books) -> Verdict:
    terms = books.terms
    if capture.state == "pending":
        return Wait("the payment is not captured yet")
    if capture.state != "completed":
        return Ignore(f"the payment is {capture.state}")
    sale: Sale | None = related.one(Need(kind="order", id=capture.order_id))
    if sale is None or sale.state != "completed":
        return Wait("the order is not completed yet")
    day = business_day(capture.occurred_at, terms, sale.location)
    if sale.location and sale.location not in terms.locations:
        return Hold((location_unmapped(sale.location),))
    made = plan_sale(
        sale, {capture.id: capture}, key=f"{terms.code}:sale:{sale.id}", day=day, books=books, related=related
    )
    return _verdict(made, books, location=sale.location, payout=None)


def _verdict(made: Plan, books: Books, *, location: str | None, payout: str | None) -> Verdict:
    stops = blocking(made.findings)
    if stops:
        return Hold(stops)
    return Plan(
        tuple(
            replace(write, pool=pool_of(books.terms, write.content, location=location, payout=payout))
            if isinstance(write.content, JournalEntry)
            else write
            for write in made.writes
        ),
        made.findings,
    )


def links(document: Document) -> tuple[tuple[str, str], ...]:
    return ()


FLOW = Flow("square_to_visma", "square", "visma", ("payment",), ROLES, needs, plan, links)
