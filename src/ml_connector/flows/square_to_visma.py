"""Square to Visma.net: what each record of a Square seller becomes in the ledger.

A payment leads to its order, and the order is booked once, whole: as a journal for an anonymous sale, as an invoice
with its payments where Square or the customer wants one. Refunds follow their sale. Payouts empty clearing into the
bank. Disputes ride on payouts until their outcome is known. Vendors become suppliers, customers exist because an
invoice names them. Orders and locations are read for what they tell, not booked themselves.
"""

from __future__ import annotations

from ml_connector.finance.chart import Chart
from ml_connector.finance.documents import Capture, Dispute, Document, Invoice, Location, Party, Payout, Refund, Sale
from ml_connector.finance.money import total
from ml_connector.finance.plan import Finding, Hold, Ignore, Plan, Related, Verdict, Wait
from ml_connector.finance.rulebook import Rulebook, Terms
from ml_connector.flows import square_needs as need
from ml_connector.flows import square_shops as shops
from ml_connector.flows import successions
from ml_connector.flows.flow import Flow
from ml_connector.flows.square_articles import hidden, order_of
from ml_connector.flows.square_invoices import (
    billed,
    business_customer,
    captures_of,
    day_of,
    invoice_with_payments,
    plan_invoice_record,
    plan_payment_of_invoice,
)
from ml_connector.flows.square_payouts import payout_id, plan_dispute_record, plan_payout_record
from ml_connector.flows.square_verdicts import no_order, unmapped
from ml_connector.flows.verdicts import before_go_live, pooled, verdict
from ml_connector.rules import places
from ml_connector.rules.bookkeeping import Books
from ml_connector.rules.days import business_day
from ml_connector.rules.dimension_values import with_new
from ml_connector.rules.findings import location_unmapped
from ml_connector.rules.invoicing import Bill, plan_invoice_refund
from ml_connector.rules.matching import RefundedBefore, given_back
from ml_connector.rules.parties import Known, know, merged_apart
from ml_connector.rules.refunds import plan_refund
from ml_connector.rules.rulefile import rule_toml
from ml_connector.rules.sales import plan_sale, returned_total

KINDS = ("payment", "refund", "invoice", "payout", "vendor", "customer", "dispute", "location")

ROLES = (
    "clearing", "bank", "till", "transit", "external", "sales", "service_charge", "vat", "no_vat", "tips", "gift_cards",
    "rounding", "fee", "fee_settlement", "dispute_fee", "dispute_loss", "dispute_receivable", "reserve",
    "payout_adjustment", "suspense",
)  # fmt: skip
"""The roles this flow asks rules for."""

INSTANT_PROFILE = "INSTANT_PROFILE"  # Square made it from a card; nobody entered a customer


def plan(document: Document, related: Related, *, terms: Terms, rulebook: Rulebook, chart: Chart) -> Verdict:
    """Everything that should exist in the ledger for one Square record, or why nothing does."""
    books = Books.of(rulebook, chart, terms)
    if isinstance(document, Capture):
        return _payment(document, related, books)
    if isinstance(document, Refund):
        return _refund(document, related, books)
    if isinstance(document, Invoice):
        return plan_invoice_record(document, related, books)
    if isinstance(document, Payout):
        return plan_payout_record(document, related, books)
    if isinstance(document, Dispute):
        return plan_dispute_record(document, related, books)
    if isinstance(document, Party):
        return _party(document, related, terms)
    if isinstance(document, Location):
        return _location(document, books)
    return _order(document, related, books) if isinstance(document, Sale) else Ignore("Square tells of no such record")


def _payment(capture: Capture, related: Related, books: Books) -> Verdict:
    if unbooked := _unbooked_payment(capture, books.terms):
        return unbooked
    if claimed := shops.plan_claimed_payment(capture, related, books):
        return claimed
    if capture.order_id is None:
        return Hold((no_order(f"payment {capture.id}"),))
    return _payment_of_square(capture, capture.order_id, related, books)


def _payment_of_square(capture: Capture, order_id: str, related: Related, books: Books) -> Verdict:
    """A payment that no shop claims: its order says what was sold."""
    sale = order_of(related.one(need.order(order_id)), related, books.terms)
    if sale is None:
        return Wait(f"order {order_id} is not read yet")
    if not _invoice_looked_for(sale, related):
        return Wait(f"the invoices of the location of order {sale.id} are not read yet")
    if against := shops.paid_by_shops(sale, capture, related):
        return against
    invoice: Invoice | None = related.one(need.invoice_of(sale))
    if invoice is not None:
        return plan_payment_of_invoice(capture, invoice, sale, related, books)
    if sale.state == "canceled":
        return Hold((_paid_but_canceled(capture, sale),))
    if sale.state != "completed":
        return Wait(f"order {sale.id} is open: it is booked whole, once it is fully paid")
    return _sale(sale, {**captures_of(sale, related), capture.id: capture}, related, books)


def _unbooked_payment(capture: Capture, terms: Terms) -> Verdict | None:
    """Why a payment is not booked, or not yet, whatever its order says."""
    if capture.state == "pending":
        return Wait("the payment is approved or pending, not captured")
    if capture.state != "completed":
        return Ignore(f"the payment is {capture.state}")
    return before_go_live(capture.occurred_at, capture.location, terms)


def _sale(sale: Sale, captures: dict[str, Capture], related: Related, books: Books) -> Verdict:
    """The order as a journal, or as an invoice to a known business customer.

    The same from whichever payment it is seen.
    """
    terms = books.terms
    if new := unmapped(sale.location, terms):
        return Hold((new,))
    if unseen := hidden(sale, related, terms):
        return unseen
    absent = [tender.payment_id for tender in sale.tenders if tender.payment_id not in captures]
    if absent:
        return Wait(f"payment {absent[0]} of order {sale.id} is not read yet")
    day = max((day_of(captures[tender.payment_id], sale, terms) for tender in sale.tenders), default=None)
    if day is None:
        day = business_day(sale.closed_at or sale.updated_at, terms, sale.location)
    business = business_customer(sale, related, terms)
    if business is not None:
        key = need.order_key(sale, terms)
        bill = Bill(key, f"order {sale.id}", sale.reference or sale.id, day, None, None)
        return verdict(invoice_with_payments(bill, sale, business, captures, related, books))
    made = plan_sale(sale, captures, key=f"{terms.code}:sale:{sale.id}", day=day, books=books, related=related)
    first = need.first_in_payout(sale)
    return pooled(
        made, books, location=sale.location, payout=payout_id(need.payout_of(first), related) if first else None
    )


def _refund(refund: Refund, related: Related, books: Books) -> Verdict:
    terms = books.terms
    if unbooked := _unbooked_refund(refund, terms):
        return unbooked
    back = order_of(related.one(need.order(refund.return_order_id)), related, terms) if refund.return_order_id else None
    capture: Capture | None = related.one(need.payment(refund.payment_id)) if refund.payment_id else None
    sold = related.one(need.order(capture.order_id)) if capture and capture.order_id else None
    sale = order_of(sold, related, terms)
    if capture is not None:
        before = _refunded_before(f"{terms.code}:ref:{refund.id}", refund, related, terms)
        if claimed := shops.plan_claimed_refund(refund, capture, before=before, related=related, books=books):
            return claimed
    if refund.payment_id and (capture is None or sale is None):
        return Wait(f"payment {refund.payment_id} and its order are not read yet")
    if unseen := next((one for order in (back, sale) if order and (one := hidden(order, related, terms))), None):
        return unseen
    location = refund.location or (sale.location if sale else None)
    if new := unmapped(location, terms):
        return Hold((new,))
    if capture is not None and sale is not None:
        if not _invoice_looked_for(sale, related):
            return Wait(f"the invoices of the location of order {sale.id} are not read yet")
        document = billed(sale, related, terms)
        if document is not None:
            return _refund_of_invoice(refund, capture, sale, back, *document, related, books)
    key = f"{terms.code}:ref:{refund.id}"
    made = plan_refund(
        refund, capture=capture, sale=sale, back=back, before=_refunded_before(key, refund, related, terms),
        key=key, day=business_day(refund.occurred_at, terms, location), books=books, related=related,
    )  # fmt: skip
    return pooled(made, books, location=location, payout=payout_id(need.payout_of_refund(refund.id), related))


def _refund_of_invoice(
    refund: Refund, capture: Capture, sale: Sale, back: Sale | None, bill: Bill, customer: Known | Verdict,
    related: Related, books: Books,
) -> Verdict:  # fmt: skip
    if not isinstance(customer, Known):
        return customer
    key = f"{books.terms.code}:ref:{refund.id}"
    made = plan_invoice_refund(
        refund,
        capture=capture,
        sale=sale,
        back=back,
        bill=bill,
        customer=customer,
        before=_refunded_before(key, refund, related, books.terms),
        day=business_day(refund.occurred_at, books.terms, refund.location or sale.location),
        books=books,
        related=related,
    )
    return verdict(made)


def _unbooked_refund(refund: Refund, terms: Terms) -> Verdict | None:
    """Why a refund is not booked, or not yet, whatever its sale says."""
    if refund.state == "pending":
        return Wait("the refund is pending")
    if refund.state != "completed":
        return Ignore(f"the refund is {refund.state}: no money moved")
    return before_go_live(refund.occurred_at, refund.location, terms)


def _party(document: Party, related: Related, terms: Terms) -> Verdict:
    customer = need.customer_of(document.id, related) if document.role == "customer" else None
    party = customer or document
    if party.id != document.id:
        return Ignore(f"it is customer {party.id} now, which is in the ledger for both")
    known = know(party, related, terms, to_book=False)
    if party.role == "customer":
        if party.origin == INSTANT_PROFILE:
            return Ignore("Square made this profile from a card; nobody entered a customer")
        if not known.match.made and not merged_apart(known):
            return Ignore("a customer is written when an invoice names it")
    elif not party.active and known.match.number is None:
        return Ignore("the vendor is inactive and not in the ledger")
    if known.findings:
        return Hold(known.findings)
    if not known.writes:
        return Ignore(f"{party.role} {known.why.chosen} keeps its own card in the ledger: {known.match.because}")
    return Plan(known.writes)


def _location(location: Location, books: Books) -> Verdict:
    if location.id in books.terms.locations:
        makes = places.values_to_make(location.id, books.mapper.rulebook, books.chart, books.terms)
        return Plan(makes) if makes else Ignore("the location is mapped")
    if not location.active:
        return Ignore("the location is inactive")
    book, terms = books.mapper.rulebook, books.terms
    rule = places.rule_for(location.id, location.name, book, books.chart)
    found = location_unmapped(
        location.id, name=location.name, time_zone=location.time_zone, currency=location.currency,
        rule=rule_toml(rule) if rule is not None else "",
        new_value=places.new_value_for(location.name, book, with_new(books.chart, terms.new_dimension_values)),
    )  # fmt: skip
    return Hold((found,))


def _order(sale: Sale, related: Related, books: Books) -> Verdict:
    """An order is booked through its payments; only an even exchange has none, and still moves sales and VAT."""
    returned = sum(returned_total(back) for back in sale.returns)
    if not need.is_exchange(sale) or not returned or returned != sale.total.minor:
        return Ignore("booked through its payments")
    moment, whole = sale.closed_at or sale.updated_at, order_of(sale, related, books.terms) or sale
    return before_go_live(moment, sale.location, books.terms) or _sale(whole, {}, related, books)


def _invoice_looked_for(sale: Sale, related: Related) -> bool:
    """Whether somebody has looked for an invoice of this order: before, it could be booked twice."""
    return related.documents(need.invoice_of(sale)) is not None


def _refunded_before(key: str, refund: Refund, related: Related, terms: Terms) -> RefundedBefore:
    """Earlier refunds of the payment as Square says, and refunds of the sale as booked.

    Each refund counts once, in order of time: so the one that exceeds the payment is held, and those before it stand,
    however often they are planned.
    """
    currency = refund.amount.currency
    stored = related.documents(need.refunds_of(refund)) if refund.payment_id else ()
    older = (
        one.amount for one in stored or ()
        if one.state == "completed" and (one.occurred_at, one.id) < (refund.occurred_at, refund.id)
    )  # fmt: skip
    refunds = f"{terms.code}:ref:"
    others = (
        content for name, content in related.posted.items()
        if name.startswith(refunds) and name != key and not name.startswith(f"{key}:")
    )  # fmt: skip
    return RefundedBefore(total(older, currency), given_back(others, currency))


def _paid_but_canceled(capture: Capture, sale: Sale) -> Finding:
    return Finding(
        "order-canceled-but-paid",
        f"Order {sale.id} is canceled, and payment {capture.id} of {capture.total} was taken for it. "
        "Refund it in Square, or book it by hand and ignore it here.",
        "order",
    )


FLOW = Flow(
    name="square_to_visma", source="square", target="visma", kinds=KINDS, roles=ROLES,
    needs=need.needs, plan=plan, links=need.links, moves=("payment", "refund", "payout"),
    siblings=shops.SIBLINGS, watches=("article", "customer", successions.KIND), merges=(successions.KIND, "customer"),
)  # fmt: skip
