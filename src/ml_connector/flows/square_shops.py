"""Payments through Square for the orders of a connected shop: the shop's route books the sale, Square's the money.

The shop has Square take its buyers' cards, and Square makes an order of its own for each payment. Where a shop's order
names the payment, the order in Square is no second sale: only the money is booked, on the shop's invoice, or against
the suspense account on which the shop's sales transaction left it. Fees come with the payout, as all of Square's do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ml_connector.finance.documents import Capture, Invoice, Refund, Sale
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Elsewhere, Finding, Found, Hold, Plan, Related, Verdict, Wait
from ml_connector.flows import shops
from ml_connector.flows import square_needs as need
from ml_connector.flows.flow import OWN_ID
from ml_connector.flows.verdicts import verdict
from ml_connector.rules.bookkeeping import Books, Sheet, role_of
from ml_connector.rules.days import business_day
from ml_connector.rules.goods import policy_of
from ml_connector.rules.invoicing import plan_invoice_payment
from ml_connector.rules.mapping import Facts
from ml_connector.rules.matching import RefundedBefore, over_refund
from ml_connector.rules.parties import Known
from ml_connector.rules.paybacks import Payback, plan_order_payback
from ml_connector.rules.refunds import destination_of
from ml_connector.rules.sales import post_means
from ml_connector.rules.texts import begun

SIBLINGS = (
    ("order", "transaction", OWN_ID), ("order", "transaction", "payment"), ("refund", "transaction", "payment"),
)  # fmt: skip


def plan_claimed_payment(capture: Capture, related: Related, books: Books) -> Verdict | None:
    """The money of a shop's order: against its invoice, or where its journal left it. None: no shop claims it."""
    order = _order_paid(capture, related)
    if order is None or isinstance(order, Hold | Wait):
        return order
    if against := _also_invoiced(capture, order, related):
        return Hold((against,))
    day = business_day(capture.occurred_at, books.terms, capture.location)
    if order.invoiced is not None:
        # The shop's total is all of it: what Square calls a tip is not one to the shop.
        whole = replace(capture, amount=capture.total, tip=Money.zero(capture.total.currency))
        to = order.invoiced
        return verdict(
            plan_invoice_payment(whole, bill=to.bill, customer=to.customer, day=day, books=books, related=related)
        )
    facts = Facts(location=capture.location, type="payment", currency=capture.total.currency)
    key = f"{books.terms.code}:pay:{capture.id}"
    sheet = Sheet(key, record=f"payment {capture.id}", day=day, facts=facts, books=books)
    sheet.post("suspense", -capture.total.minor)
    post_means(sheet, capture.means, capture.total.minor, policy=policy_of(books.terms, related))
    return _on_the_same_suspense(sheet, f"Payment {capture.id}, {order.record}", capture.id, order)


def paid_by_shops(sale: Sale, capture: Capture, related: Related) -> Hold | Wait | None:
    """Why an order of Square cannot be booked whole: another of its payments is for a shop's order, or may be."""
    others = (related.one(need.payment(tender.payment_id)) for tender in sale.tenders)
    for other in others:
        if not isinstance(other, Capture) or other.id == capture.id:
            continue
        claimed = _order_paid(other, related)
        if isinstance(claimed, Wait):
            return claimed
        if claimed is not None:
            return Hold((_partly(sale, other, related.documents(need.shop_order_of(other)) or ()),))
    return None


def plan_claimed_refund(
    refund: Refund, capture: Capture, *, before: RefundedBefore, related: Related, books: Books
) -> Verdict | None:
    """A refund of a shop's order: the shop's route makes the credit note, this pays it out. None: no shop claims it."""
    order = _order_paid(capture, related)
    if order is None or isinstance(order, Hold | Wait):
        return order
    if against := over_refund(capture, refund, before=before, paid=capture.total):
        return Hold((against,))
    means = destination_of(refund, capture)
    day = business_day(refund.occurred_at, books.terms, refund.location)
    key = f"{books.terms.code}:ref:{refund.id}"
    if order.invoiced is not None:
        back = Payback(
            id=refund.id, key=key, amount=refund.amount, fee_back=Money.zero(refund.amount.currency), day=day,
            payment_id=capture.id, means=means, location=refund.location,
        )  # fmt: skip
        return _paid_out(back, refund, order, order.invoiced.customer, related=related, books=books)
    facts = Facts(location=refund.location, type="refund", currency=refund.amount.currency)
    sheet = Sheet(key, record=f"refund {refund.id}", day=day, facts=facts, books=books)
    sheet.post("suspense", refund.amount.minor)
    post_means(sheet, means, -refund.amount.minor, policy=policy_of(books.terms, related))
    return _on_the_same_suspense(sheet, f"Refund {refund.id} of payment {capture.id}", capture.id, order)


def _order_paid(capture: Capture, related: Related) -> shops.Order | Hold | Wait | None:
    """The shop's order that a payment is for; None: no shop claims it."""
    found: Sequence[Elsewhere] = related.documents(need.shop_order_of(capture)) or ()
    return shops.order_among(found, payment_id=capture.id, amount=capture.total, processor="Square")


def _paid_out(
    back: Payback, refund: Refund, order: shops.Order, customer: Known, *, related: Related, books: Books
) -> Verdict:
    if role_of(back.means) == "gift_cards":
        return Hold((_to_gift_card(refund, order),))
    note = _credit_note(refund, related)
    if isinstance(note, Wait):
        return note
    open_credit: tuple[Found, ...] | None = related.documents(need.shop_credit_note(order.key, refund))
    return verdict(
        plan_order_payback(
            back, credit_key=note, order=order.record, customer=customer, open_credit=open_credit, books=books,
            related=related,
        )
    )  # fmt: skip


def _credit_note(refund: Refund, related: Related) -> str | Wait | None:
    found: Sequence[Elsewhere] = related.documents(shops.refunds_of(refund.payment_id or "")) or ()
    others: Sequence[Refund] = related.documents(need.refunds_of(refund)) or ()
    place = sum(
        one.state == "completed" and one.amount == refund.amount
        and (one.occurred_at, one.id) < (refund.occurred_at, refund.id)
        for one in others
    )  # fmt: skip
    return shops.credit_note_among(found, amount=refund.amount, place=place)


def _on_the_same_suspense(sheet: Sheet, text: str, payment_id: str, order: shops.Order) -> Verdict:
    write = sheet.write(text)
    made = Plan((write,) if write else (), tuple(sheet.findings))
    if shops.suspends_elsewhere(made, order):
        return Hold((shops.suspense_differs(payment_id, order),))
    return verdict(made)


def _also_invoiced(capture: Capture, order: shops.Order, related: Related) -> Finding | None:
    sale: Sale | None = related.one(need.order(capture.order_id or ""))
    invoice: Invoice | None = related.one(need.invoice_of(sale)) if sale is not None else None
    if invoice is None:
        return None
    return Finding(
        "second-road-differs",
        f"{begun(order.record)} names payment {capture.id}, which Square says was for its own invoice "
        f"{invoice.number}. One of the two is not a sale: correct the order in the shop, or cancel the invoice.",
        "transaction_id",
        {"booked": order.key, "invoice": invoice.id},
    )


def _partly(sale: Sale, other: Capture, asked: Sequence[Elsewhere]) -> Finding:
    named = ", ".join(one.record for one in asked)
    return Finding(
        "second-road-differs",
        f"Order {sale.id} was paid by several payments, and {other.id} of {other.total} is for {named}. Find out what "
        "was sold where; correct the order in the shop, or book this by hand and ignore it here.",
        "tenders",
    )


def _to_gift_card(refund: Refund, order: shops.Order) -> Finding:
    return Finding(
        "invoice-refund-to-gift-card",
        f"Refund {refund.id} gives {order.record} back to a gift card, which no payment of the ledger can do. Book it "
        "by hand on the gift card liability and ignore it here.",
        "means",
    )
