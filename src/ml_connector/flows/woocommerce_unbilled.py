"""Refunds of WooCommerce orders that are sales orders: what is to be credited depends on what people invoiced of them.

Before the invoice no revenue is booked, so there is nothing to credit, and the money is paid out of the advance at
once. Goods that came back are taken off the order. Where they are not, because the shop names no goods or somebody left
the order as it was, the invoice will be too high: its credit note follows it by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from ml_connector.finance.documents import Refund, Sale
from ml_connector.finance.invoices import Application, CustomerPayment, Ref
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Finding, Found, Hold, Ignore, Plan, PlannedWrite, Related, Verdict, Wait
from ml_connector.finance.rulebook import Terms
from ml_connector.finance.selling import SalesOrder
from ml_connector.flows import woocommerce_needs as need
from ml_connector.flows.verdicts import booked_day, verdict
from ml_connector.flows.woocommerce_selling import UNANSWERED
from ml_connector.rules import advances, selling
from ml_connector.rules.bookkeeping import Books, Sheet
from ml_connector.rules.customer_documents import customer_money
from ml_connector.rules.days import business_day
from ml_connector.rules.findings import approved, blocking
from ml_connector.rules.goods import facts_of
from ml_connector.rules.invoicing import Bill
from ml_connector.rules.parties import Known
from ml_connector.rules.shop_orders import Paid, means_of, order_key

LOWERED = "order-lowered"
Invoices = tuple[Found, ...]


@dataclass(frozen=True, slots=True)
class Around:
    """A refund and all that is known around it. `rest`: what it and those before it leave of the order."""

    refund: Refund
    sale: Sale
    paid: Paid
    customer: Known
    related: Related
    books: Books
    rest: Money

    @property
    def key(self) -> str:
        """The key of the refund; its credit note, where it comes later, has one of its own."""
        return f"{self.books.terms.code}:ref:{self.refund.id}"

    @property
    def terms(self) -> Terms:
        """The terms of the route."""
        return self.books.terms

    @property
    def ordered(self) -> Sale:
        """The order, with the total with which it stands in the ledger, if it does."""
        own = order_key(self.sale.id, self.terms)
        for one in self.related.documents(need.booked_order(self.sale.id, self.terms)) or ():
            content = one.contents.get(own)
            if isinstance(content, SalesOrder):
                return replace(self.sale, total=content.total)
        return self.sale

    @property
    def is_off(self) -> bool:
        """Whether the order is sent, or sent anew, without what came back."""
        return self.ordered.total.minor <= self.rest.minor


def plan_refund_of_sold(around: Around, bill: Bill, credited: Callable[[Bill], Plan]) -> Verdict:
    """A refund of a sales order. `credited` plans the credit note of it, and what is paid out, by a bill."""
    invoices, became = selling.made_of(bill.key, around.related)
    if became == "Unknown":
        return UNANSWERED
    if became:
        return Hold((_booked_otherwise(around),))
    if not invoices:
        return _unbilled(around)
    out = _standing(around)
    if out is not None:
        return _billed_since(around, out, invoices, lambda: credited(_lowering(bill, invoices, around, "owed")))
    if against := _lowered_there(around, invoices):
        return Hold((against,))
    return verdict(credited(_lowering(bill, invoices, around, bill.refunds)))


def _unbilled(around: Around) -> Verdict:
    """The order is not invoiced: what the shop has given back itself is paid out of the advance."""
    number = around.sale.reference or around.sale.id
    coming = _wait(
        f"order {number} is not invoiced in Visma: what this refund credits of it follows its invoice", around.terms
    )
    if around.paid.how != "here":
        if around.rest.minor <= 0:
            return Ignore(f"order {number} is taken back, and its money is not the shop's to give back")
        return Plan((), rest=coming)
    made = _paid_out(around)
    if blocking(made.findings) or around.rest.minor <= 0 or around.is_off:
        return verdict(made)
    return replace(made, rest=coming)


def _billed_since(around: Around, out: PlannedWrite, invoices: Invoices, credited: Callable[[], Plan]) -> Verdict:
    """A refund that was paid out of the advance, now that its order is invoiced: credited where that is too high."""
    if around.is_off:
        return Plan((out,))
    key = f"{around.key}:credit"
    posted = around.related.posted.get(key)
    if posted is not None:
        return Plan((out, PlannedWrite(key, "credit_note", posted, needs=(order_key(around.sale.id, around.terms),))))
    if against := _lowered_there(around, invoices):
        return Hold((against,))
    if approved(around.related, LOWERED):
        return Plan((out,))
    if (told := advances.still_to_come(around.ordered, invoices, around.terms)) is not None:
        return Plan((out,), rest=_wait(told, around.terms))
    made = credited()
    notes = (replace(one, key=key) for one in made.writes if one.kind == "credit_note")
    return verdict(Plan((out, *notes), made.findings))


def _standing(around: Around) -> PlannedWrite | None:
    """The payment of a refund out of the advance, as it stands."""
    posted = around.related.posted.get(around.key)
    if not isinstance(posted, CustomerPayment):
        return None
    needs = tuple(one.number.key for one in posted.applications if isinstance(one.number, Ref))
    return PlannedWrite(around.key, "customer_refund", posted, needs=needs)


def _paid_out(around: Around) -> Plan:
    """The payment of a refund out of the advance."""
    if (standing := _standing(around)) is not None:
        return Plan((standing,))
    refund, sale, terms = around.refund, around.sale, around.terms
    pay = f"{terms.code}:pay:{sale.id}"
    day = booked_day(around.key, around.related) or business_day(refund.occurred_at, terms, refund.location)
    facts = facts_of(sale, "refund")
    sheet = Sheet(around.key, record=f"refund {refund.id}", day=day, facts=facts, books=around.books)
    sheet.note(*around.customer.findings)
    applied = (Application("Prepayment", Ref(pay), refund.amount),)
    write = customer_money(
        sheet, "refund", means_of(sale, around.paid), refund.amount, customer=around.customer, applied=applied,
        needs=(pay,), text=f"Refund {refund.id}",
    )  # fmt: skip
    return Plan((*around.customer.writes, *((write,) if write else ())), tuple(sheet.findings))


def _lowering(bill: Bill, invoices: Invoices, around: Around, refunds: Literal["out", "elsewhere", "owed"]) -> Bill:
    """The bill of a refund, with the invoice that its credit note lowers where nothing of it is to be paid out."""
    minor = around.refund.amount.minor
    fitting = [one for one in invoices if int(one.facts.get("open", "0")) >= minor]
    return replace(bill, advance=True, invoice=(fitting or list(invoices))[0].number, refunds=refunds)


def _lowered_there(around: Around, invoices: Invoices) -> Finding | None:
    """Asks where an order is invoiced with just what a refund leaves of it: somebody may have lowered it in Visma."""
    invoiced = sum(int(one.facts.get("total", "0")) for one in invoices)
    tolerance, whole = around.terms.tolerance_minor, around.ordered.total.minor
    if abs(invoiced - around.rest.minor) > tolerance or whole - invoiced <= tolerance:
        return None
    if approved(around.related, LOWERED):
        return None
    refund, number = around.refund, around.sale.reference or around.sale.id
    return Finding(
        LOWERED,
        f"Visma has invoiced {Money(invoiced, refund.amount.currency)} of order {number}, which is what refund "
        f"{refund.id} of {refund.amount} leaves of it. If the order was lowered in Visma, nothing is to be credited: "
        "approve. If only part of it is shipped yet, plan this again (`ml-connector replay`) once all is invoiced.",
        "order",
        {"decision": "approve", "invoice": invoices[0].number},
    )


def _wait(told: str, terms: Terms) -> Wait:
    return Wait(told, patience_h=24 * terms.order_patience_days)


def _booked_otherwise(around: Around) -> Finding:
    refund, sale = around.refund, around.sale
    return Finding(
        "order-booked-otherwise",
        f"Refund {refund.id} of {refund.amount} is for order {sale.reference or sale.id}, which stands in Visma as no "
        "sales order (any more). Book the refund there by hand and ignore it here.",
        "order",
    )
