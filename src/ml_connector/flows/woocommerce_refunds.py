"""WooCommerce refunds: a credit note and its payment out, or the mirror of a sales transaction."""

from __future__ import annotations

from dataclasses import replace

from ml_connector.finance.documents import Refund, Sale
from ml_connector.finance.plan import Finding, Hold, Ignore, Plan, Related, Verdict, Wait
from ml_connector.finance.rulebook import Terms
from ml_connector.flows import woocommerce_needs as need
from ml_connector.flows.verdicts import before_go_live, booked_day, is_before_go_live, pooled, verdict
from ml_connector.flows.woocommerce_articles import hidden, order_of, refund_of
from ml_connector.flows.woocommerce_orders import bill_of, form_of, identity_of
from ml_connector.flows.woocommerce_unbilled import Around, plan_refund_of_sold
from ml_connector.rules.bookkeeping import Books
from ml_connector.rules.days import business_day
from ml_connector.rules.findings import approved, blocking
from ml_connector.rules.invoicing import Bill, plan_invoice_refund
from ml_connector.rules.matching import RefundedBefore
from ml_connector.rules.refunds import plan_refund
from ml_connector.rules.shop_buyers import know_buyer
from ml_connector.rules.shop_lines import recognised, untaxed_reduction
from ml_connector.rules.shop_orders import (
    Paid,
    not_booked,
    order_key,
    paid_how,
    payment_of,
    rounding_too_large,
    sold_at,
)
from ml_connector.rules.shop_refunds import is_deleted, sum_of, taken_back


def plan_refund_record(refund: Refund, related: Related, books: Books) -> Verdict:
    """What a refund becomes, once its order is booked or will be."""
    terms = books.terms
    key = f"{terms.code}:ref:{refund.id}"
    if not refund.amount:
        return Ignore("nothing was given back")
    if early := before_go_live(refund.occurred_at, refund.location, terms):
        return early
    found = related.documents(need.order(refund.sale_id or ""))
    if not found:
        return Wait(f"order {refund.sale_id} is not read yet") if found is None else Hold((_no_order(refund),))
    sale = order_of(found[0], related, terms)
    if key not in related.posted and (unseen := hidden(sale.lines, related, terms)):
        return unseen
    if _of_another(sale, related, terms):
        return Hold((_order_id_used_again(refund, sale),))
    against = _against(refund, sale, related, terms, booked=key in related.posted)
    if against is not None:
        return against
    ready = replace(sale, lines=recognised(sale.lines, terms, related))
    paid = paid_how(ready, related, terms)
    if paid.note is not None and paid.note.code == "payment-unproven":
        return Hold((paid.note,))
    return _planned(_recognised(refund, related, terms), ready, paid, key=key, related=related, books=books)


def _of_another(sale: Sale, related: Related, terms: Terms) -> bool:
    """Whether what stands in the ledger is of another order, to which the shop had given this one's id."""
    own = order_key(sale.id, terms)
    stands = (one.contents.get(own) for one in related.documents(need.booked_order(sale.id, terms)) or ())
    marks = {mark for content in stands if (mark := identity_of(content))}
    return bool(marks and sale.identity and sale.identity not in marks)


def _planned(refund: Refund, sale: Sale, paid: Paid, *, key: str, related: Related, books: Books) -> Verdict:
    terms = books.terms
    earlier = tuple(_recognised(one, related, terms) for one in need.earlier_refunds(refund, sale, related))
    taken = taken_back(refund, sale, earlier, tolerance=terms.tolerance_minor)
    given = sum_of(earlier, sale.currency)
    before = RefundedBefore(given, given)
    day = booked_day(key, related) or business_day(refund.occurred_at, terms, refund.location)
    notes = _notes(refund, sale, paid, related, terms)
    capture = payment_of(sale, paid)
    posted = related.posted.get(order_key(sale.id, terms))
    if form_of(posted, terms) == "journal":
        if paid.how == "unpaid":
            return Wait(f"order {sale.reference or sale.id} is not paid, so not booked yet")
        linked = replace(refund, payment_id=refund.payment_id or sale.id)
        made = plan_refund(
            linked, capture=capture, sale=taken.sale, back=taken.back, before=before, key=key, day=day, books=books,
            related=related,
        )  # fmt: skip
        return pooled(Plan(made.writes, (*notes, *made.findings)), books, location=sale.location, payout=None)
    known = know_buyer(sale, need.account(sale, related), related, terms, booked=posted)
    if stops := blocking(known.findings):
        return Hold(stops)
    bill = bill_of(sale, related, terms, paid)

    def credited(bill: Bill) -> Plan:
        made = plan_invoice_refund(
            refund, capture=capture, sale=taken.sale, back=taken.back, bill=bill, customer=known, before=before,
            day=day, books=books, related=related,
        )  # fmt: skip
        return Plan(made.writes, (*notes, *made.findings))

    if form_of(posted, terms) != "sales_order":
        return verdict(credited(bill))
    around = Around(refund, sale, paid, known, related, books, rest=sale.total - given - refund.amount)
    return plan_refund_of_sold(around, bill, credited)


def _recognised(refund: Refund, related: Related, terms: Terms) -> Refund:
    """The refund with categories, and gift cards among its lines told from discounts, as its order has them."""
    refund = refund_of(refund, related, terms)
    if refund.returned is None:
        return refund
    lines = recognised(refund.returned.lines, terms, related)
    return replace(refund, returned=replace(refund.returned, lines=lines))


def _against(refund: Refund, sale: Sale, related: Related, terms: Terms, *, booked: bool) -> Verdict | None:
    """Why a refund is not booked, or not yet, whatever it gives back."""
    if is_deleted(refund, sale) and not approved(related, "refund-deleted"):
        return Hold((_deleted(refund, booked=booked),))
    if booked:
        return None
    if is_before_go_live(sold_at(sale, terms), sale.location, terms):
        return Hold((_order_before_go_live(refund, sale),))
    if sale.state == "canceled":
        if approved(related, "refund-of-canceled-order"):
            return None
        return Hold((_of_canceled(refund, sale),))
    reason = not_booked(sale, terms)
    # A paid order may have left the statuses that are booked; then its invoice stands.
    return Wait(f"its order is not booked: {reason}") if reason and not sale.tenders else None


def _notes(refund: Refund, sale: Sale, paid: Paid, related: Related, terms: Terms) -> tuple[Finding, ...]:
    record = f"refund {refund.id}"
    found = [untaxed_reduction(sale.lines, record, terms, related)]
    if refund.returned is not None:
        found.append(rounding_too_large(refund.returned.rounding, stated=refund.amount, record=record, terms=terms))
    if refund.by_processor is False and sale.transaction_id and paid.how != "unpaid":
        found.append(_by_hand(refund, sale, paid))
    return tuple(one for one in found if one is not None)


def _by_hand(refund: Refund, sale: Sale, paid: Paid) -> Finding:
    what = "its credit note stays open" if paid.how == "elsewhere" else "it is booked as paid out from its clearing"
    return Finding(
        "refund-by-hand",
        f"Refund {refund.id} of {refund.amount} was entered in the shop without moving money through "
        f"{sale.payment_method or 'the payment method'}; {what}. Check how the buyer got the money.",
        "refunded_payment",
        blocks=False,
    )


def _no_order(refund: Refund) -> Finding:
    return Finding(
        "order-missing",
        f"Order {refund.sale_id} of refund {refund.id} is no longer in the shop, so its buyer and VAT are unknown. "
        "Book the refund by hand and ignore it here.",
        "order",
    )


def _deleted(refund: Refund, *, booked: bool) -> Finding:
    fix = "Undo it here if the money was not given back" if booked else "Ignore it here if it was deleted"
    return Finding(
        "refund-deleted",
        f"The shop's order {refund.sale_id} names refund {refund.id} of {refund.amount} no more. {fix}; approve if the "
        "money was given back all the same.",
        "refunds",
        {"decision": "approve"},
    )


def _order_id_used_again(refund: Refund, sale: Sale) -> Finding:
    return Finding(
        "order-id-used-again",
        f"Refund {refund.id} of {refund.amount} names order {sale.reference or sale.id}, and what is booked under its "
        f"id ({sale.id}) is another order. A shop that was put back from a copy gives ids out again: find out which "
        "order was given back, credit it by hand and ignore the refund here.",
        "order",
    )


def _order_before_go_live(refund: Refund, sale: Sale) -> Finding:
    return Finding(
        "order-before-go-live",
        f"Refund {refund.id} of {refund.amount} is for order {sale.reference or sale.id}, sold before the go-live day. "
        "Credit it in Visma against the sale as it was booked there, and ignore it here.",
        "order",
    )


def _of_canceled(refund: Refund, sale: Sale) -> Finding:
    return Finding(
        "refund-of-canceled-order",
        f"Refund {refund.id} of {refund.amount} is for order {sale.reference or sale.id}, which is {sale.status}. "
        "Approve if the order was booked before it was cancelled; ignore the refund if it never was.",
        "order",
        {"decision": "approve"},
    )
