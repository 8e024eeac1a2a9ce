"""Payments for the orders of a connected shop: the shop books the sale and what is credited, the processor the money.

Both tell of one event, and either may come first: a payment waits until the shop was read after it was made, and is
looked at again when an order that names it arrives. What the shop's route has booked is found by the payment's id.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from ml_connector.finance.invoices import CustomerInvoice, CustomerPayment, Ref
from ml_connector.finance.journal import JournalEntry
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Content, Elsewhere, Finding, Hold, Need, Plan, Wait
from ml_connector.finance.selling import SalesOrder
from ml_connector.rules.invoicing import Bill
from ml_connector.rules.matching import PartyMatch
from ml_connector.rules.parties import Known
from ml_connector.rules.texts import begun

_AT_REST = frozenset({"ignored", "reversed", "posted"})  # without a document: it books nothing


@dataclass(frozen=True, slots=True)
class Invoiced:
    """The invoice or the sales order that a shop's route made of an order: which, and whose it is."""

    bill: Bill
    customer: Known


@dataclass(frozen=True, slots=True)
class Order:
    """A shop's order that a payment is for, as its route books it: an invoice, or a journal against suspense."""

    key: str
    record: str
    amount: Money  # what is left to the processor
    invoiced: Invoiced | None = None
    suspense: str = ""  # the account on which a journal leaves the money to come


@lru_cache(maxsize=2_048)  # each payment asks it several times in a row
def order_of(payment_id: str, *, since: datetime | None) -> Need:
    """The order of a connected shop that names a payment.

    `since`: the shop must have been read after that, or the payment waits; None: what is known of the shop will do.
    """
    return Need(kind="order", link=("transaction", payment_id), system="sibling", since=since)


def refunds_of(payment_id: str) -> Need:
    """The refunds that a connected shop has made of the order of a payment."""
    return Need(kind="refund", link=("transaction", payment_id), system="sibling")


def credit_note(key: str, *, minor: int, currency: str) -> Need:
    """The ledger's open credit notes, made by people, of the document or payment with this key.

    Those that name it, whatever their amount, and those of its customer of this very amount (minor units). Where it
    is unanswered a person is asked: a credit note made twice would give the customer twice.
    """
    fields = (("of", key), ("minor", str(minor)), ("currency", currency))
    return Need(kind="credit_note", system="target", fields=fields, optional=True)


def order_among(
    found: Sequence[Elsewhere], *, payment_id: str, amount: Money, processor: str
) -> Order | Hold | Wait | None:
    """The order that a payment received is for; None: no shop claims it."""
    booking = [one for one in found if one.contents]
    if len(booking) > 1:
        return Hold((_several(payment_id, booking),))
    if not booking:
        return waits_for(found)
    one = booking[0]
    if any(isinstance(content, CustomerPayment) and content.kind != "refund" for content in one.contents.values()):
        return Hold((_booked_by_shop(payment_id, amount, one),))
    order = _order(one)
    if order is None or order.amount != amount:
        return Hold((_unequal(payment_id, amount, one, order=order, processor=processor),))
    return order


def credit_note_among(found: Sequence[Elsewhere], *, amount: Money, place: int) -> str | Wait | None:
    """The key of the shop's credit note that a refund of `amount` pays out: of equal ones, that in its `place`."""
    same = [key for key, note in _credit_notes(found).items() if note.total == amount]
    if place < len(same):
        return same[place]
    return waits_for([one for one in found if not one.contents])


def suspends_elsewhere(made: Plan, order: Order) -> bool:
    """Whether a journal of ours takes the money from another suspense account than the shop's route left it on."""
    contents: list[Content] = [write.content for write in made.writes]
    ours = {account for one in contents if isinstance(one, JournalEntry) for account in _on_suspense(one)[0]}
    return bool(ours) and ours != {order.suspense}


def suspense_differs(payment_id: str, order: Order) -> Finding:
    """The two routes name different suspense accounts, so that neither would be emptied."""
    return Finding(
        "suspense-differs",
        f"{order.record} left the money of payment {payment_id} on {order.suspense}, and the rules of this "
        "route name another account for suspense. Let both routes name the same.",
        "suspense.account",
        {"account": order.suspense},
    )


def waits_for(found: Sequence[Elsewhere]) -> Wait | None:
    """What may still become a document in the shop's route; None where all that was found stays without one."""
    pending = [one for one in found if one.state not in _AT_REST]
    if not pending:
        return None
    one = pending[0]
    return Wait(f"{one.record}: {one.state}{f', {one.reason}' if one.reason else ''}")


def _credit_notes(found: Sequence[Elsewhere]) -> dict[str, CustomerInvoice]:
    """The shop's credit notes by key, in the order of their days."""
    notes = {
        key: content for one in found for key, content in one.contents.items()
        if isinstance(content, CustomerInvoice) and content.kind == "credit_note"
    }  # fmt: skip
    return dict(sorted(notes.items(), key=lambda note: (note[1].event_day or note[1].day, note[0])))


def _order(one: Elsewhere) -> Order | None:
    """What an order is booked as; None where nothing of it waits for a processor's money."""
    for key, content in one.contents.items():
        if isinstance(content, CustomerInvoice) and content.kind == "customer_invoice":
            return Order(key, one.record, content.total, _invoiced(key, one.record, content))
        if isinstance(content, SalesOrder):
            return Order(key, one.record, content.total, _invoiced(key, one.record, content))
        if isinstance(content, JournalEntry):
            accounts, left = _on_suspense(content)
            return Order(key, one.record, left, suspense=accounts[0]) if len(accounts) == 1 else None
    return None


def _invoiced(key: str, record: str, content: CustomerInvoice | SalesOrder) -> Invoiced:
    """Whose it is. What pays a sales order is an advance, which the shop's route puts against its invoices."""
    number = content.customer
    match = PartyMatch(None if isinstance(number, Ref) else number, made=False, because=f"customer of {key}")
    ordered = isinstance(content, SalesOrder)
    day = content.day if isinstance(content, SalesOrder) else content.event_day or content.day
    bill = Bill(key, record, record, day, None, None, "elsewhere", advance=ordered)
    return Invoiced(bill, Known(number, (), match))


def _on_suspense(entry: JournalEntry) -> tuple[list[str], Money]:
    lines = [line for line in entry.postings if line.role == "suspense"]
    return sorted({line.account for line in lines}), Money(sum(line.amount.minor for line in lines), entry.currency)


def _several(payment_id: str, found: Sequence[Elsewhere]) -> Finding:
    return Finding(
        "second-road-differs",
        f"{', '.join(one.record for one in found)} all name payment {payment_id}. Correct the wrong ones in "
        "the shop; they are read again.",
        "transaction_id",
    )


def _unequal(payment_id: str, amount: Money, one: Elsewhere, *, order: Order | None, processor: str) -> Finding:
    booked = f"{order.key} with {order.amount}" if order is not None else ", ".join(one.contents)
    return Finding(
        "second-road-differs",
        f"{begun(one.record)} is booked as {booked}, and {processor} says that payment {payment_id} was "
        f"{amount}. Find out which is right; correct the order, or book the payment by hand and ignore it here.",
        "amount",
        {"booked": booked, "stated": str(amount)},
    )


def _booked_by_shop(payment_id: str, amount: Money, one: Elsewhere) -> Finding:
    keys = ", ".join(key for key, content in one.contents.items() if isinstance(content, CustomerPayment))
    return Finding(
        "payment-booked-by-shop",
        f"Payment {payment_id} of {amount} is booked by the shop's route as {keys}, from {one.record}. Say in the "
        "shop's terms (gateways_elsewhere) that this connection books the money of that payment method, or ignore it "
        "here.",
        "gateways_elsewhere",
        {"keys": keys},
    )
