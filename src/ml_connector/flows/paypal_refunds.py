"""PayPal refunds: tied to their payment, booked as that was; and fees that come back beside them."""

from __future__ import annotations

from ml_connector.finance.documents import Capture, Movement, Refund
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Finding, Found, Hold, Ignore, Related, Verdict, Wait
from ml_connector.flows import paypal_needs as need
from ml_connector.flows import paypal_shops as shops
from ml_connector.flows.paypal_invoices import sale_of
from ml_connector.flows.paypal_receipts import placed_of, receipt_of, status_unknown
from ml_connector.flows.verdicts import before_go_live, is_before_go_live, pooled, verdict
from ml_connector.rules.bookkeeping import Books
from ml_connector.rules.days import business_day
from ml_connector.rules.findings import differs
from ml_connector.rules.movements import plan_movement, suspended
from ml_connector.rules.paybacks import (
    Payback,
    plan_anonymous_payback,
    plan_customer_payback,
    plan_invoice_payback,
    plan_order_payback,
    plan_unplaced_payback,
)


def plan_refund_record(refund: Refund, related: Related, books: Books) -> Verdict:
    """A refund that an event told of. Its row in the report books it, so that one event is asked about once."""
    if refund.state == "pending":
        return Wait("the refund is pending")
    if refund.state != "completed":
        return Ignore(f"the refund is {refund.state}: no money moved")
    if early := before_go_live(refund.occurred_at, None, books.terms):
        return early
    row = need.refund_row(related, refund.id)
    if row is None:
        return Wait("the report has no row of this refund yet")
    return Ignore(f"its row in PayPal's report books it: {row.id}")


def plan_refund_row(row: Movement, related: Related, books: Books) -> Verdict:
    """The row of a refund."""
    found: Refund | None = related.one(need.refund(row.transaction_id))
    return plan_payback(row, found, related, books)


def plan_payback(row: Movement, refund: Refund | None, related: Related, books: Books) -> Verdict:
    """What a refund becomes."""
    back = _payback(row, refund, books)
    if row.state == "unknown" and (refund is None or refund.state != "completed"):
        return verdict(suspended(row, key=back.key, day=back.day, books=books, warning=status_unknown(row)))
    if against := _disagreement(row, refund):
        return Hold((against,))
    if back.payment_id is None:
        return verdict(plan_unplaced_payback(back, books=books, warning=_unlinked(back)))
    capture: Capture | None = related.one(need.capture(back.payment_id))
    paid = need.receipt_row(related, back.payment_id)
    known = capture or paid
    if known is None or (paid is None and not is_before_go_live(known.occurred_at, None, books.terms)):
        return Wait(f"the row of payment {back.payment_id} is not read yet")
    if paid is None or is_before_go_live(paid.occurred_at, None, books.terms):
        return verdict(plan_unplaced_payback(back, books=books, warning=_older(back)))
    other = paid.amount.currency != row.amount.currency
    if against := _other_currency(back, paid) if other else _too_much(row, paid, related):
        return Hold((against,))
    order = shops.order_paid(paid, related)
    if order is None:
        return _followed(back, paid, capture, related, books)
    return _of_order(back, row, paid, order, related=related, books=books)


def plan_fee_returned(row: Movement, related: Related, books: Books, *, key: str) -> Verdict:
    """A fee given back in a row of its own: not again, where a refund has stated and booked it."""
    for one in need.refunds_near(row, related):
        stated = fee_back(one, related.one(need.refund(one.transaction_id)))
        if stated == row.amount:
            return Ignore(f"booked with refund {one.transaction_id}, which states it")
    day = business_day(row.occurred_at, books.terms, None)
    return verdict(plan_movement(row, as_role="fee_returned", key=key, day=day, books=books))


def fee_back(row: Movement, refund: Refund | None) -> Money:
    """The fee that comes back with a refund: as its row says, else as its own record does."""
    if row.fee is not None:
        return row.fee
    if refund is not None and refund.fee_returned is not None and refund.fee_returned.currency == row.amount.currency:
        return refund.fee_returned
    return Money.zero(row.amount.currency)


def _followed(back: Payback, paid: Movement, capture: Capture | None, related: Related, books: Books) -> Verdict:
    receipt = receipt_of(paid, capture, books)
    if paid.state == "unknown" and (capture is None or capture.state != "completed"):
        return verdict(plan_unplaced_payback(back, books=books))
    placed = placed_of(receipt, paid, related, books)
    if placed.customer is not None:
        of = placed.bill.key if placed.bill is not None else receipt.key
        asked = need.credit_note(of, minor=back.amount.minor, currency=back.amount.currency)
        open_credit: tuple[Found, ...] | None = related.documents(asked)
        if placed.bill is not None and placed.invoice is not None:
            made = plan_invoice_payback(
                back, bill=placed.bill, sale=sale_of(placed.invoice), customer=placed.customer,
                open_credit=open_credit, books=books, related=related,
            )  # fmt: skip
        else:
            made = plan_customer_payback(
                back, payment_key=receipt.key, customer=placed.customer, open_credit=open_credit, books=books,
                related=related,
            )  # fmt: skip
        return pooled(made, books, location=None, payout=None)  # a fee that came back
    if placed.sale is not None:
        return pooled(plan_anonymous_payback(back, placed.sale, books=books), books, location=None, payout=None)
    return verdict(plan_unplaced_payback(back, books=books))


def _of_order(
    back: Payback, row: Movement, paid: Movement, order: shops.Order | Hold | Wait, *, related: Related, books: Books
) -> Verdict:
    """A refund of a shop's order: the shop's route makes the credit note, this pays it out."""
    if not isinstance(order, shops.Order):
        return order
    if order.invoiced is None:
        return verdict(plan_unplaced_payback(back, books=books))
    note = shops.credit_note_of(row, paid, related)
    if isinstance(note, Wait):
        return note
    asked = need.credit_note(order.key, minor=back.amount.minor, currency=back.amount.currency)
    open_credit: tuple[Found, ...] | None = related.documents(asked)
    made = plan_order_payback(
        back, credit_key=note, order=order.record, customer=order.invoiced.customer, open_credit=open_credit,
        books=books, related=related,
    )  # fmt: skip
    return pooled(made, books, location=None, payout=None)


def _payback(row: Movement, refund: Refund | None, books: Books) -> Payback:
    return Payback(
        id=row.transaction_id,
        key=f"{books.terms.code}:ref:{row.transaction_id}",
        amount=-row.amount,
        fee_back=fee_back(row, refund),
        day=business_day(row.occurred_at, books.terms, None),
        payment_id=need.refunded_payment(row, refund),
    )


def _disagreement(row: Movement, refund: Refund | None) -> Finding | None:
    if refund is None or refund.amount == -row.amount:
        return None
    if refund.amount.currency != row.amount.currency:
        return Finding(
            "refund-differs",
            f"Refund {refund.id} is {refund.amount} by itself and {-row.amount} in the report. Ask PayPal which is "
            "right, book it by hand and ignore it here.",
            "currency",
        )
    fix = "It is read again within days; if it stays, ask PayPal, book it by hand and ignore it here."
    return differs(
        "refund-differs", "The amount", stated=refund.amount, found=-row.amount, record=f"refund {refund.id}", fix=fix
    )


def _too_much(row: Movement, paid: Movement, related: Related) -> Finding | None:
    """A refund that brings what was given back above what was paid. Each counts once, in order of time."""
    before = sum(
        -one.amount.minor for one in related.documents(need.about(paid.transaction_id)) or ()
        if one.role == "refund" and one.state not in need.UNBOOKED and one.amount.currency == row.amount.currency
        and (one.occurred_at, one.id) < (row.occurred_at, row.id)
    )  # fmt: skip
    given = Money(before - row.amount.minor, row.amount.currency)
    if given <= paid.amount:
        return None
    return Finding(
        "over-refund",
        f"Refund {row.transaction_id} of {-row.amount} brings what was given back for payment {paid.transaction_id} to "
        f"{given}, more than the {paid.amount} that was paid. Check both in PayPal; book the excess by hand if it is "
        "real.",
        "amount",
        {"paid": str(paid.amount), "given_back": str(given)},
    )


def _unlinked(back: Payback) -> Finding:
    return Finding(
        "refund-unlinked",
        f"Refund {back.id} of {back.amount} names no payment: it is on suspense. Find out what it gives back and move "
        "it by hand.",
        "payment",
        blocks=False,
    )


def _older(back: Payback) -> Finding:
    return Finding(
        "refund-of-older-payment",
        f"Refund {back.id} of {back.amount} gives back payment {back.payment_id} from before the go-live day: it is on "
        "suspense. Move it to where that payment was booked.",
        "payment",
        blocks=False,
    )


def _other_currency(back: Payback, paid: Movement) -> Finding:
    return Finding(
        "refund-currency",
        f"Refund {back.id} of {back.amount} gives back payment {paid.transaction_id} of {paid.amount}. Book it by hand "
        "and ignore it here.",
        "currency",
    )
