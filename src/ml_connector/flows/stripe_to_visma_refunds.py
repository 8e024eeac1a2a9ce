"""Stripe refunds: tied to their charge, booked as that was, and never more than it brought."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ml_connector.finance.documents import Capture, Refund
from ml_connector.finance.invoices import CustomerInvoice, CustomerPayment
from ml_connector.finance.money import Money
from ml_connector.finance.plan import (
    Elsewhere,
    Finding,
    Found,
    Hold,
    Ignore,
    Plan,
    PlannedWrite,
    Related,
    Verdict,
    Wait,
)
from ml_connector.flows import shops
from ml_connector.flows import stripe_to_visma_asking as ask
from ml_connector.flows import stripe_to_visma_needs as need
from ml_connector.flows.stripe_to_visma_charges import known_by_rule, order_paid, paid_by, receipt_of
from ml_connector.flows.verdicts import before_go_live, pooled, verdict
from ml_connector.rules.bookkeeping import Books
from ml_connector.rules.collected import Settled, plan_collected_payback
from ml_connector.rules.days import business_day
from ml_connector.rules.mapping import Facts
from ml_connector.rules.paybacks import (
    Payback,
    plan_anonymous_payback,
    plan_customer_payback,
    plan_order_payback,
    plan_unplaced_payback,
)
from ml_connector.rules.receipts import anonymous_sale


def plan_refund_record(refund: Refund, related: Related, books: Books) -> Verdict:
    """What a refund becomes, once its charge is known."""
    back = _payback(refund, books)
    if unbooked := _unbooked(refund, back, related, books):
        return unbooked
    if not refund.payment_id or related.documents(ask.charge(refund.payment_id)) == ():
        return verdict(plan_unplaced_payback(back, books=books, warning=_unlinked(back)))
    charge: Capture | None = related.one(ask.charge(refund.payment_id))
    if charge is None:
        return Wait(f"charge {refund.payment_id} is not read yet")
    if charge.state != "completed":
        return Wait(f"charge {charge.id} is {charge.state}")
    if not need.is_ours(charge, related, books.terms):
        return verdict(plan_unplaced_payback(back, books=books, warning=_older(back)))
    if against := _against(refund, charge, related):
        return Hold((against,))
    return _after(need.money_keys(charge, related, books.terms), _followed(back, refund, charge, related, books))


def _unbooked(refund: Refund, back: Payback, related: Related, books: Books) -> Verdict | None:
    """Why a refund is not booked, or not yet, whatever its charge says."""
    if refund.state == "pending":
        return Wait("the refund is pending or needs the customer")
    if refund.state == "failed":
        return _failed(back, related)
    if refund.state != "completed":
        return Ignore(f"the refund is {refund.state}: no money moved")
    return before_go_live(refund.occurred_at, None, books.terms)


def _followed(back: Payback, refund: Refund, charge: Capture, related: Related, books: Books) -> Verdict:
    """As its charge was booked."""
    paid = paid_by(charge, related, books)
    if isinstance(paid, Hold | Wait):
        return paid if isinstance(paid, Wait) else Wait(f"charge {charge.id} waits for an answer")
    if len(paid.bills) > 1:
        return Hold((_several(back, paid.bills, books),))
    if paid.bills:
        settled = paid.bills[0]
        asked = ask.credit_note(refund, invoice_number=settled.invoice.number)
        found = _of_people(related.documents(asked), books)
        return verdict(plan_collected_payback(back, settled, open_credit=found, books=books, related=related))
    return _without_invoice(back, refund, charge, related, books)


def _without_invoice(back: Payback, refund: Refund, charge: Capture, related: Related, books: Books) -> Verdict:
    receipt = receipt_of(charge, books)
    order = order_paid(charge, related)
    if isinstance(order, Hold | Wait):
        return order if isinstance(order, Wait) else Wait(f"charge {charge.id} waits for an answer")
    if order is not None:
        return _of_order(back, refund, charge, order, related=related, books=books)
    if (customer := known_by_rule(receipt, books)) is not None:
        found: Sequence[Found] | None = related.documents(ask.credit_note(refund, of=receipt.key))
        return verdict(
            plan_customer_payback(
                back, payment_key=receipt.key, customer=customer, open_credit=found, books=books, related=related
            )
        )
    if (sale := anonymous_sale(receipt, books)) is not None:
        return pooled(plan_anonymous_payback(back, sale, books=books), books, location=None, payout=None)
    return verdict(plan_unplaced_payback(back, books=books))


def _of_order(
    back: Payback, refund: Refund, charge: Capture, order: shops.Order, *, related: Related, books: Books
) -> Verdict:
    """A refund of a shop's order: the shop's route makes the credit note, this pays it out."""
    if order.invoiced is None:
        return verdict(plan_unplaced_payback(back, books=books))
    told: list[Elsewhere] = [one for asked in ask.shop_refunds_of(charge) for one in related.documents(asked) or ()]
    place = sum(one.amount == refund.amount and _when(one) < _when(refund) for one in _siblings(refund, related))
    note = shops.credit_note_among(told, amount=refund.amount, place=place)
    if isinstance(note, Wait):
        return note
    found: Sequence[Found] | None = related.documents(ask.credit_note(refund, of=order.key))
    return verdict(
        plan_order_payback(
            back, credit_key=note, order=order.record, customer=order.invoiced.customer, open_credit=found,
            books=books, related=related,
        )
    )  # fmt: skip


def _failed(back: Payback, related: Related) -> Verdict:
    """The money came back: what paid it out is not named, so it is voided; a credit note of ours stays open."""
    note = related.posted.get(back.key)
    if isinstance(note, CustomerInvoice):
        return Plan((PlannedWrite(back.key, "credit_note", note),), (_credit_left_open(back),))
    if isinstance(note, CustomerPayment):
        return Ignore("the refund failed: its money came back, and the credit note that it paid out is open again")
    return Ignore("the refund failed: its money came back")


def _after(keys: tuple[str, ...], made: Verdict) -> Verdict:
    """The same, once the money that is given back is booked."""
    if not isinstance(made, Plan):
        return made
    writes = (replace(one, needs=tuple(dict.fromkeys((*one.needs, *keys)))) for one in made.writes)
    return Plan(tuple(writes), made.findings)


def _payback(refund: Refund, books: Books) -> Payback:
    return Payback(
        id=refund.id, key=f"{books.terms.code}:re:{refund.id}", amount=refund.amount,
        fee_back=Money.zero(refund.amount.currency), day=business_day(refund.occurred_at, books.terms, None),
        payment_id=refund.payment_id,
    )  # fmt: skip


def _of_people(found: Sequence[Found] | None, books: Books) -> list[Found] | None:
    """Credit notes without those that we made for other refunds: these are about to be paid out themselves."""
    if found is None:
        return None
    ours = f"{books.terms.code}:re:"
    return [one for one in found if not any(ours in mark for mark in one.facts.get("marks", "").split("\n"))]


def _against(refund: Refund, charge: Capture, related: Related) -> Finding | None:
    if refund.amount.currency != charge.amount.currency:
        return _other_currency(refund, charge)
    earlier = [one for one in _siblings(refund, related) if _when(one) < _when(refund)]
    before = sum(one.amount.minor for one in earlier if one.amount.currency == refund.amount.currency)
    given = Money(before + refund.amount.minor, refund.amount.currency)
    return _too_much(refund, charge, given) if given > charge.amount else None


def _siblings(refund: Refund, related: Related) -> list[Refund]:
    """The refunds of the same charge that gave money back; each counts once, in order of time."""
    found: Sequence[Refund] = related.documents(ask.refunds_of(refund.payment_id or "")) or ()
    return [one for one in found if one.state == "completed"]


def _when(refund: Refund) -> tuple[object, str]:
    return (refund.occurred_at, refund.id)


def _too_much(refund: Refund, charge: Capture, given: Money) -> Finding:
    return Finding(
        "over-refund",
        f"Refund {refund.id} of {refund.amount} brings what was given back of charge {charge.id} to {given}, more than "
        f"the {charge.amount} that was paid. Check both in Stripe; book the excess by hand if it is real.",
        "amount",
        {"paid": str(charge.amount), "given_back": str(given)},
    )


def _other_currency(refund: Refund, charge: Capture) -> Finding:
    return Finding(
        "refund-currency",
        f"Refund {refund.id} of {refund.amount} gives back charge {charge.id} of {charge.amount}. Book it by hand and "
        "ignore it here.",
        "currency",
    )


def _several(back: Payback, bills: Sequence[Settled], books: Books) -> Finding:
    """Which of the invoices is credited only people know. Our key in their notes keeps them from going out again."""
    paid = ", ".join(f"{one.invoice.number} ({one.wanted})" for one in bills)
    customers = ", ".join(dict.fromkeys(one.invoice.customer for one in bills))
    facts = Facts(method="card", type="refund", currency=back.amount.currency)
    account = books.mapper.choose("clearing", facts).cash_account
    return Finding(
        "refund-several-invoices",
        f"Refund {back.id} of {back.amount} gives back charge {back.payment_id}, which paid invoices {paid}; Stripe "
        "does not say which of them it is for. Ask who refunded it. In Visma, write a credit note for each invoice "
        f"that is credited, {back.amount} in all, with {back.key} in its note, so that it is not told to Stripe; and a "
        f"refund of {back.amount} to customer {customers} from cash account {account or 'of Stripe'}, put against "
        "them. Then "
        "ignore this.",
        "invoice",
        {"invoices": {one.invoice.number: str(one.wanted) for one in bills}, "note": back.key},
    )


def _credit_left_open(back: Payback) -> Finding:
    return Finding(
        "refund-failed",
        f"Refund {back.id} of {back.amount} failed and its money came back. Its payment is voided and its credit note "
        "stays open: pay the customer another way, or take the credit note back in Visma.",
        "status",
        blocks=False,
    )


def _unlinked(back: Payback) -> Finding:
    return Finding(
        "refund-unlinked",
        f"Refund {back.id} of {back.amount} names no charge of this account: it is on suspense. Find out what it gives "
        "back and move it by hand.",
        "payment",
        blocks=False,
    )


def _older(back: Payback) -> Finding:
    return Finding(
        "refund-of-older-payment",
        f"Refund {back.id} of {back.amount} gives back charge {back.payment_id} from before the go-live day: it is on "
        "suspense. Move it to where that charge was booked.",
        "payment",
        blocks=False,
    )
