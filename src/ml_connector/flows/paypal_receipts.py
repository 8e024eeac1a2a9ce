"""PayPal captures: from a capture and its report row to what is booked, and what a refund of it must follow."""

from __future__ import annotations

from dataclasses import dataclass

from ml_connector.finance.documents import Capture, Invoice, Movement
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Finding, Hold, Ignore, Related, Verdict, Wait
from ml_connector.flows import paypal_needs as need
from ml_connector.flows import paypal_shops as shops
from ml_connector.flows.paypal_invoices import bill_of, is_booked_here
from ml_connector.flows.verdicts import before_go_live, pooled, verdict
from ml_connector.rules.bookkeeping import Books
from ml_connector.rules.days import business_day
from ml_connector.rules.findings import approved, differs
from ml_connector.rules.invoicing import Bill
from ml_connector.rules.matching import PartyMatch
from ml_connector.rules.movements import suspended
from ml_connector.rules.parties import Known, know, party_need
from ml_connector.rules.receipts import (
    Anonymous,
    Receipt,
    anonymous_sale,
    customer_by_rule,
    group_of,
    plan_anonymous_receipt,
    plan_customer_receipt,
    plan_unplaced_receipt,
)
from ml_connector.rules.texts import begun

_NOT_BOOKED = "It is read again within days; if it stays, ask PayPal, book it by hand and ignore it here."
_BOOKED = "Booked is what the report says. Ask PayPal which is right, correct the books if need be and ignore it here."


@dataclass(frozen=True, slots=True)
class Placed:
    """Whose money a payment is: a customer's (of an invoice, if known), an anonymous buyer's, or nobody can say."""

    customer: Known | None = None
    bill: Bill | None = None
    invoice: Invoice | None = None
    sale: Anonymous | None = None


def plan_capture_record(capture: Capture, related: Related, books: Books) -> Verdict:
    """A capture that an event told of. Its row in the report books it, so that one event is asked about once."""
    if capture.state == "pending":
        return Wait("the payment is pending")
    if capture.state != "completed":
        return Ignore(f"the payment is {capture.state}: no money came")
    if early := before_go_live(capture.occurred_at, None, books.terms):
        return early
    row = need.receipt_row(related, capture.id)
    if row is None:
        return Wait("the report has no row of this payment yet")
    against = None if need.capture_beside(row) else _disagreement(row, capture, fix=_BOOKED)  # else the row itself asks
    if against is not None:
        return Hold((against,))
    return Ignore(f"its row in PayPal's report books it: {row.id}")


def plan_receipt_row(row: Movement, related: Related, books: Books) -> Verdict:
    """The row of a payment received."""
    capture: Capture | None = related.one(need.capture(row.transaction_id))
    return plan_receipt(row, capture, related, books)


def unbooked(row: Movement, related: Related, books: Books) -> Verdict | None:
    """Why a row is not booked, or not yet, whatever it is."""
    if row.role == "none":
        return Ignore(f"event code {row.code} moves no money")
    if row.state == "pending":
        return Wait("PayPal shows it as pending")
    if row.state == "denied":
        return Ignore("PayPal denied it: no money moved")
    if early := before_go_live(row.occurred_at, None, books.terms):
        return early
    if row.state == "reversed" and not _taken_back(row, related) and not approved(related, "movement-reversed"):
        return Hold((_reversed(row),))
    return None


def plan_receipt(row: Movement, capture: Capture | None, related: Related, books: Books) -> Verdict:
    """What a payment received becomes."""
    receipt = receipt_of(row, capture, books)
    if row.state == "unknown" and (capture is None or capture.state != "completed"):
        return verdict(suspended(row, key=receipt.key, day=receipt.day, books=books, warning=status_unknown(row)))
    if against := _disagreement(row, capture, fix=_NOT_BOOKED):
        return Hold((against,))
    order = shops.order_paid(row, related)
    if isinstance(order, Hold | Wait):
        return order
    if order is not None:
        return _for_order(receipt, row, order, books)
    placed = placed_of(receipt, row, related, books)
    if placed.customer is not None:
        applied = _applied(receipt, placed)
        made = plan_customer_receipt(receipt, placed.customer, bill=placed.bill, applied=applied, books=books)
        return pooled(made, books, location=None, payout=None)  # its fee alone: a payment is no journal
    if placed.sale is not None:
        return pooled(plan_anonymous_receipt(receipt, placed.sale, books=books), books, location=None, payout=None)
    return verdict(plan_unplaced_receipt(receipt, books=books))


def _for_order(receipt: Receipt, row: Movement, order: shops.Order, books: Books) -> Verdict:
    """The money of a shop's order: against its invoice, or against where its journal left it."""
    if order.invoiced is not None:
        to = order.invoiced
        made = plan_customer_receipt(receipt, to.customer, bill=to.bill, applied=receipt.amount, books=books)
        return pooled(made, books, location=None, payout=None)
    booked = plan_unplaced_receipt(receipt, books=books, expected=True)
    if shops.suspends_elsewhere(booked, order):
        return Hold((shops.suspense_differs(row, order),))
    return verdict(booked)


def receipt_of(row: Movement, capture: Capture | None, books: Books) -> Receipt:
    """A payment by its row; what the row does not say yet (the fee) by its capture."""
    fee = Money.zero(row.amount.currency)
    if row.fee is not None:
        fee = -row.fee
    elif capture is not None and capture.fee is not None and capture.fee.currency == row.amount.currency:
        fee = capture.fee
    party = row.party
    return Receipt(
        id=row.transaction_id,
        key=f"{books.terms.code}:cap:{row.transaction_id}",
        amount=row.amount,
        fee=fee,
        day=business_day(row.occurred_at, books.terms, None),
        code=row.code,
        country=(party.address.country or None) if party is not None else None,
        group=group_of(party),
    )


def placed_of(receipt: Receipt, row: Movement, related: Related, books: Books) -> Placed:
    """Whose money it is.

    The invoice it names, a rule's customer, a customer of the ledger by e-mail, a rule for anonymous sales.
    """
    invoice: Invoice | None = related.one(need.invoice(row.invoice_id)) if row.invoice_id else None
    if invoice is not None and is_booked_here(invoice, books.terms) and invoice.currency == receipt.amount.currency:
        party = need.party_of(invoice.recipient)
        if party is not None:
            known = know(party, related, books.terms, to_book=True)
            return Placed(known, bill_of(invoice, related, books.terms), invoice)
    choice = customer_by_rule(receipt, books)
    if choice is not None and choice.customer is not None:
        match = PartyMatch(choice.customer, made=False, because=choice.reason("customer"))
        return Placed(Known(choice.customer, (), match))
    payer = need.payer_of(row, invoice)
    if payer is not None and related.documents(party_need(payer, books.terms)):
        return Placed(know(payer, related, books.terms, to_book=True))
    return Placed(sale=anonymous_sale(receipt, books))


def status_unknown(row: Movement) -> Finding:
    """The report says a status that nobody knows."""
    return Finding(
        "movement-status",
        f"{begun(f'movement {row.id}')} of {row.amount} has status {row.status}, which we do not know: it is on "
        "suspense. See in PayPal what became of it, move it by hand and report the status.",
        "status",
        {"status": row.status},
        blocks=False,
    )


def _taken_back(row: Movement, related: Related) -> bool:
    """Whether another row takes back what this one says is reversed: then both stand, and sum to nothing."""
    around = related.documents(need.about(row.transaction_id)) or ()
    return any(one.role in {"dispute", "mirror", "withdrawal_returned"} for one in around)


def _reversed(row: Movement) -> Finding:
    return Finding(
        "movement-reversed",
        f"PayPal shows movement {row.id} of {row.amount} as reversed, and no row takes it back. If its money is gone, "
        "undo what was booked and ignore it here; if PayPal's balance still holds it, answer approve.",
        "status",
        {"decision": "approve"},
    )


def _applied(receipt: Receipt, placed: Placed) -> Money:
    """What of a payment its invoice takes: no more than earlier payments through PayPal have left open."""
    currency = receipt.amount.currency
    if placed.invoice is None:
        return Money.zero(currency)
    earlier = 0
    for row in placed.invoice.payments:
        if row.id == receipt.id:
            break
        if row.origin == "processor":
            earlier += row.amount.minor
    left = max(0, placed.invoice.requested.minor - earlier)
    return Money(min(receipt.amount.minor, left), currency)


def _disagreement(row: Movement, capture: Capture | None, *, fix: str) -> Finding | None:
    """Capture and row tell of the same money, or a person looks."""
    if capture is None:
        return None
    record = f"payment {row.transaction_id}"
    if capture.amount.currency != row.amount.currency:
        sentence = f"{begun(record)} is {capture.amount} by itself and {row.amount} in the report. {fix}"
        return Finding("capture-differs", sentence, "currency")
    if capture.amount != row.amount:
        return differs("capture-differs", "The amount", stated=capture.amount, found=row.amount, record=record, fix=fix)
    if row.fee is not None and capture.fee is not None and -row.fee != capture.fee:
        return differs("capture-fee-differs", "The fee", stated=capture.fee, found=-row.fee, record=record, fix=fix)
    return None
