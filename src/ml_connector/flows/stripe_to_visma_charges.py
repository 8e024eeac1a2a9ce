"""Stripe charges: money for invoices of the ledger, for a shop's orders, or for what nobody here knows.

A charge owns what its money is booked as, since its state tells when that fails again; payments of invoices say how it
is divided. The fee comes with its balance transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ml_connector.finance.documents import Capture, Invoice, InvoicePayment
from ml_connector.finance.ledger import LedgerInvoice
from ml_connector.finance.money import Money, total
from ml_connector.finance.plan import Elsewhere, Finding, Found, Hold, Ignore, Plan, Related, Verdict, Wait
from ml_connector.flows import shops
from ml_connector.flows import stripe_to_visma_asking as ask
from ml_connector.flows import stripe_to_visma_needs as need
from ml_connector.flows.verdicts import before_go_live, pooled, verdict
from ml_connector.rules.bookkeeping import Books
from ml_connector.rules.collected import Settled, plan_collected_payment
from ml_connector.rules.days import business_day
from ml_connector.rules.dispute_flags import plan_failed_note
from ml_connector.rules.findings import differs
from ml_connector.rules.matching import PartyMatch
from ml_connector.rules.parties import Known
from ml_connector.rules.receipts import (
    Receipt,
    anonymous_sale,
    customer_by_rule,
    plan_anonymous_receipt,
    plan_customer_receipt,
    plan_unplaced_receipt,
)

CODE = "charge"  # what rules know it by, beside `capture`


@dataclass(frozen=True, slots=True)
class Paid:
    """What a charge is for: invoices of the ledger; none where it pays no invoice that came from there."""

    bills: tuple[Settled, ...] = ()


def plan_charge_record(charge: Capture, related: Related, books: Books) -> Verdict:
    """What a charge becomes."""
    terms = books.terms
    if charge.state == "pending":
        given_up = charge.refunded is not None and charge.refunded.minor > 0
        return Ignore("it was given up before it was captured") if given_up else Wait("it is pending or not captured")
    if charge.state == "failed":
        return _failed(charge, related, books)
    if charge.state != "completed":
        return Ignore(f"it is {charge.state}: no money came")
    if not need.is_ours(charge, related, terms):
        return before_go_live(charge.occurred_at, None, terms) or Ignore("it is of before the go-live day")
    paid = paid_by(charge, related, books)
    if not isinstance(paid, Paid):
        return paid
    if not paid.bills:
        return _without_invoice(charge, related, books)
    made = [plan_collected_payment(one, books=books, related=related) for one in paid.bills]
    findings = tuple(finding for one in made for finding in one.findings)
    return verdict(Plan(tuple(write for one in made for write in one.writes), findings))


def paid_by(charge: Capture, related: Related, books: Books) -> Paid | Hold | Wait:
    """The invoices of the ledger that a charge pays, with how much of it goes to each."""
    rows = need.rows_of(charge, related)
    if rows is None:
        return Wait("the payments of invoices that it made are not read yet")
    through = [row for row in rows if row.origin == "processor" and row.state != "canceled"]
    if pending := next((row for row in through if row.state == "open"), None):
        return Wait(f"payment {pending.id} of invoice {pending.invoice_id} is open as it was last read")
    if not through:
        return Paid()
    if any(row.amount.currency != charge.amount.currency for row in through):
        return Hold((_row_currency(charge, through),))
    divided = total((row.amount for row in through), charge.amount.currency)
    if divided > charge.amount:
        fix = "Read the charge again; if it stays, book it by hand and ignore it here."
        said = f"charge {charge.id}"
        return Hold(
            (differs("charge-differs", "The amount", stated=charge.amount, found=divided, record=said, fix=fix),)
        )
    return _bills(charge, through, charge.amount - divided, related, books)


def receipt_of(charge: Capture, books: Books) -> Receipt:
    """A charge as money received; its fee comes with its balance transaction."""
    day = business_day(charge.occurred_at, books.terms, None)
    key = f"{books.terms.code}:ch:{charge.id}"
    return Receipt(charge.id, key, charge.amount, Money.zero(charge.amount.currency), day, CODE)


def order_paid(charge: Capture, related: Related) -> shops.Order | Hold | Wait | None:
    """The order of a connected shop that a charge is for; None: no shop claims it."""
    answers: list[Elsewhere] = [one for asked in ask.orders_of(charge) for one in related.documents(asked) or ()]
    # Asked by charge and by payment intent: a shop that was not read since says so twice.
    found: Sequence[Elsewhere] = [one for place, one in enumerate(answers) if one not in answers[:place]]
    return shops.order_among(found, payment_id=charge.id, amount=charge.amount, processor="Stripe")


def known_by_rule(receipt: Receipt, books: Books) -> Known | None:
    """The customer that a rule gives to charges without an invoice."""
    choice = customer_by_rule(receipt, books)
    if choice is None or choice.customer is None:
        return None
    return Known(choice.customer, (), PartyMatch(choice.customer, made=False, because=choice.reason("customer")))


def _bills(
    charge: Capture, rows: Sequence[InvoicePayment], excess: Money, related: Related, books: Books
) -> Paid | Hold | Wait:
    bills: list[Settled] = []
    foreign = 0
    for place, row in enumerate(rows):
        collected: Invoice | None = related.one(ask.invoice(row.invoice_id))
        if collected is None:
            return Wait(f"invoice {row.invoice_id} is not read yet")
        if not need.ledger_number(collected):
            foreign += 1
            continue
        last = place == len(rows) - 1
        one = _settled(row, collected, excess if last else excess - excess, related, books)
        if not isinstance(one, Settled):
            return one
        bills.append(one)
    if foreign and bills:
        return Hold((_mixed(charge, rows),))
    return Paid(tuple(bills))


def _settled(
    row: InvoicePayment, collected: Invoice, excess: Money, related: Related, books: Books
) -> Settled | Hold | Wait:
    """One payment of one invoice; `excess`: what of the charge no payment of an invoice names."""
    number = need.ledger_number(collected)
    found: tuple[Found, ...] = related.documents(ask.ledger_invoice(number)) or ()
    invoice = found[0].document if found else None
    if not isinstance(invoice, LedgerInvoice):
        return Hold((_unknown(row, number),))
    if against := _against(row, collected, invoice):
        return Hold((against,))
    if invoice.state in {"draft", "other"}:
        return Wait(f"invoice {number} is not released in Visma")
    day = business_day(row.paid_at or row.created_at, books.terms, None)
    amount = row.amount + excess
    receipt = Receipt(row.id, f"{books.terms.code}:inpay:{row.id}", amount, amount - amount, day, CODE)
    less = sum(one.minor for one in (collected.credited, collected.balance_used) if one is not None)
    left = max(0, collected.requested.minor - less - need.earlier_on(row, related))
    return Settled(receipt, invoice, Money(min(row.amount.minor, left), row.amount.currency))


def _against(row: InvoicePayment, collected: Invoice, invoice: LedgerInvoice) -> Finding | None:
    """What speaks against booking on the ledger's invoice that an invoice there names."""
    customer = collected.marks.get(need.CUSTOMER_MARK, invoice.customer)
    if invoice.kind != "invoice" or invoice.state == "voided":
        return _not_payable(row, invoice)
    if invoice.currency != row.amount.currency or customer != invoice.customer:
        return _other_invoice(row, collected, invoice)
    return None


def _without_invoice(charge: Capture, related: Related, books: Books) -> Verdict:
    """A shop's order, a customer by rule, an anonymous sale by rule; else suspense, or a question."""
    receipt = receipt_of(charge, books)
    order = order_paid(charge, related)
    if isinstance(order, Hold | Wait):
        return order
    if order is not None:
        return _for_order(receipt, order, books)
    if (customer := known_by_rule(receipt, books)) is not None:
        nothing = Money.zero(receipt.amount.currency)
        return verdict(plan_customer_receipt(receipt, customer, bill=None, applied=nothing, books=books))
    if (sale := anonymous_sale(receipt, books)) is not None:
        return pooled(plan_anonymous_receipt(receipt, sale, books=books), books, location=None, payout=None)
    if books.terms.unknown_receipts == "hold" and receipt.key not in related.posted:
        return Hold((_unplaced(charge),))
    return verdict(plan_unplaced_receipt(receipt, books=books))


def _for_order(receipt: Receipt, order: shops.Order, books: Books) -> Verdict:
    """The money of a shop's order: against its invoice, or against where its journal left it."""
    if order.invoiced is not None:
        to = order.invoiced
        return verdict(plan_customer_receipt(receipt, to.customer, bill=to.bill, applied=receipt.amount, books=books))
    made = plan_unplaced_receipt(receipt, books=books, expected=True)
    if shops.suspends_elsewhere(made, order):
        return Hold((shops.suspense_differs(receipt.id, order),))
    return verdict(made)


def _failed(charge: Capture, related: Related, books: Books) -> Verdict:
    """No money: words on the invoice that it was for. What was booked of it is not named, so it is taken back."""
    early = before_go_live(charge.occurred_at, None, books.terms)
    numbers = {
        number: None
        for row in need.rows_of(charge, related) or ()
        if (number := need.ledger_number(related.one(ask.invoice(row.invoice_id))))
        and related.documents(ask.ledger_invoice(number))
    }
    if early or not numbers:
        return Ignore(f"it failed: {charge.failure or 'no reason is given'}")
    key = f"{books.terms.code}:ch:{charge.id}:failed"
    return Plan(tuple(plan_failed_note(charge, number, key=f"{key}:{number}", related=related) for number in numbers))


def _unplaced(charge: Capture) -> Finding:
    return Finding(
        "charge-unplaced",
        f"Charge {charge.id} of {charge.amount} pays no invoice of the ledger and no order of a connected shop. Add a "
        "rule for its customer, or one for sales with type = charge; or let such charges go to suspense "
        "(unknown_receipts).",
        "customer",
        {"unknown_receipts": "suspense"},
    )


def _unknown(row: InvoicePayment, number: str) -> Finding:
    return Finding(
        "collected-invoice-unknown",
        f"Payment {row.id} of {row.amount} is for invoice {number}, which Visma does not have. If it belongs to "
        "another company, route it there; else book it by hand and ignore it here.",
        "invoice",
        {"invoice": number},
    )


def _not_payable(row: InvoicePayment, invoice: LedgerInvoice) -> Finding:
    return Finding(
        "collected-invoice-voided",
        f"Payment {row.id} of {row.amount} is for {invoice.kind.replace('_', ' ')} {invoice.number}, which is "
        f"{invoice.state} in Visma. Pay the customer back, or book it by hand and ignore it here.",
        "invoice",
        {"invoice": invoice.number},
    )


def _other_invoice(row: InvoicePayment, collected: Invoice, invoice: LedgerInvoice) -> Finding:
    customer = collected.marks.get(need.CUSTOMER_MARK, "")
    return Finding(
        "collected-invoice-differs",
        f"Payment {row.id} of {row.amount} is for invoice {collected.id} of customer {customer}, and invoice "
        f"{invoice.number} in Visma is in {invoice.currency} of customer {invoice.customer}. Compare the two, book it "
        "by hand and ignore it here.",
        "invoice",
        {"invoice": invoice.number},
    )


def _row_currency(charge: Capture, rows: Sequence[InvoicePayment]) -> Finding:
    return Finding(
        "charge-currency",
        f"Charge {charge.id} of {charge.amount} pays {', '.join(str(row.amount) for row in rows)} of invoices. Book it "
        "by hand and ignore it here.",
        "currency",
    )


def _mixed(charge: Capture, rows: Sequence[InvoicePayment]) -> Finding:
    return Finding(
        "charge-several-origins",
        f"Charge {charge.id} of {charge.amount} pays invoices {', '.join(row.invoice_id for row in rows)}, and only "
        "some of them came from Visma. Book it by hand and ignore it here.",
        "invoice",
    )
