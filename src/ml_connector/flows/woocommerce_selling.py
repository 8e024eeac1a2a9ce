"""WooCommerce orders as sales orders: people ship and invoice them in the ledger, and the shop's money waits for it.

An order that is paid becomes the order and an advance; each invoice that the ledger makes of it takes its part of that.
What was invoiced is not changed from here: the order stays as it was sent, and a person is asked.
"""

from __future__ import annotations

from dataclasses import replace

from ml_connector.finance.documents import Sale
from ml_connector.finance.encoding import booked_hash
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Content, Finding, Found, Hold, Ignore, Plan, PlannedWrite, Related, Verdict, Wait
from ml_connector.finance.rulebook import Terms
from ml_connector.finance.selling import SalesOrder
from ml_connector.flows import woocommerce_needs as need
from ml_connector.flows.verdicts import booked_day, verdict
from ml_connector.rules import advances, selling
from ml_connector.rules.advances import Advance
from ml_connector.rules.bookkeeping import Books
from ml_connector.rules.days import business_day
from ml_connector.rules.findings import approved, blocking
from ml_connector.rules.invoicing import Bill, plan_cancel, plan_invoice_payment
from ml_connector.rules.parties import Known
from ml_connector.rules.selling import SalesOrderPlan
from ml_connector.rules.shop_orders import Paid, payment_of
from ml_connector.rules.shop_refunds import left_of

UNANSWERED = Wait("Visma does not say just now what became of the sales order")


def plan_sold(
    sale: Sale, bill: Bill, paid: Paid, customer: Known, related: Related, books: Books, *, against: tuple[Finding, ...]
) -> Verdict:
    """The sales order, the advance where it is paid, and what of that is put against the invoices made of it."""
    posted, terms = related.posted.get(bill.key), books.terms
    invoices, became = selling.made_of(bill.key, related)
    if became == "Unknown":
        return UNANSWERED
    if became and posted is not None and not approved(related, "order-gone"):
        return Hold((_gone(sale),))
    bill = replace(bill, advance=True, invoice=invoices[0].number if invoices else None)
    rest = left_of(sale, need.stated_refunds(sale, related))
    if not invoices and rest.total.minor <= 0 and sale.total:
        return _given_back(sale, bill, paid, customer, related, books)
    if not invoices and sale.state == "canceled" and paid.how == "unpaid":
        return Ignore(f"the order is {sale.status or sale.state} and was never paid")
    ordered, made = _ordered_as(sale, bill, paid, customer, related, books, posted=posted if invoices else None)
    findings = (*against, *made.findings)
    if blocking(findings) or made.write is None:
        return verdict(Plan((), findings))
    order = _as_invoiced(made.write, posted, related) if invoices else made.write
    if order is None:
        return Hold((_changed_since(sale, invoices),))
    advance, money = _advance(sale, bill, paid, customer, related, books, invoiced=bool(invoices))
    applied = _applied(sale, advance, invoices, related, terms)
    findings = (*findings, *money.findings, *_notes(ordered, advance, applied, invoices, related, terms))
    plan = Plan(
        (*customer.writes, order, *money.writes, *applied), findings,
        rest=_rest(ordered, advance, applied, invoices, terms),
    )  # fmt: skip
    if sale.state == "canceled" and invoices and paid.how == "unpaid" and not blocking(findings):
        return _credited(sale, rest, bill, customer, plan, related, books)
    return verdict(plan)


def _ordered_as(
    sale: Sale, bill: Bill, paid: Paid, customer: Known, related: Related, books: Books, *, posted: Content | None
) -> tuple[Sale, SalesOrderPlan]:
    """What is left to ship of an order: without the goods that came back before it was invoiced.

    One that is invoiced (`posted`) is as it was then, whatever came back since. Where a processor books the money the
    order stays whole: its payment is known by the order's total.
    """
    left = [sale]
    for n, back in enumerate(refunds := need.stated_refunds(sale, related), start=1):
        rest = left_of(sale, refunds[:n])
        if paid.how != "here" or not selling.is_left_to_ship(rest, sale, back):
            break
        left.append(rest)
    plans = ((one, selling.plan_order(bill, one, customer, books=books, related=related)) for one in reversed(left))
    if posted is None:
        return next(plans)
    several = list(plans)
    return next((pair for pair in several if pair[1].write and _same(pair[1].write, posted)), several[-1])


def _same(write: PlannedWrite, posted: Content) -> bool:
    return booked_hash(write.kind, posted) == booked_hash(write.kind, write.content)


def _given_back(sale: Sale, bill: Bill, paid: Paid, customer: Known, related: Related, books: Books) -> Verdict:
    """All of it was given back before it was invoiced: no order is left, only the money that came and went.

    A processor's advance stands on the order that it was for: taken back, nobody would know what its refund is of.
    """
    if paid.how == "elsewhere" and bill.key in related.posted:
        return Hold((_given_back_elsewhere(sale),))
    if paid.how != "here":
        return Ignore("the whole order was given back before it was invoiced")
    money = _advance(sale, bill, paid, customer, related, books, invoiced=False)[1]
    alone = tuple(replace(one, needs=tuple(key for key in one.needs if key != bill.key)) for one in money.writes)
    return verdict(Plan((*customer.writes, *alone), money.findings))


def _advance(
    sale: Sale, bill: Bill, paid: Paid, customer: Known, related: Related, books: Books, *, invoiced: bool
) -> tuple[Advance | None, Plan]:
    """What was paid and not given back, and its payment where the shop books it.

    Once the order is invoiced that payment is as it stands.
    """
    if paid.how == "unpaid" or not sale.total:
        return None, Plan(())
    known = need.advance_of(sale, related, books.terms)
    if known is None:
        return None, Plan(())
    key, standing = known
    left = (standing.amount if standing is not None else sale.total) - advances.given_back(
        related.documents(need.against(key)) or (), currency=sale.currency
    )
    stands = standing is not None or paid.how == "here"
    advance = Advance(key, left, stands) if left.minor > 0 else None
    if paid.how == "elsewhere":
        return advance, Plan(())
    if invoiced and standing is not None:
        kept = PlannedWrite(key, "customer_payment", standing, needs=(bill.key,))
        return advance, Plan((kept,))
    day = business_day(sale.paid_at or sale.created_at, books.terms, sale.location)
    made = plan_invoice_payment(
        payment_of(sale, paid), bill=bill, customer=customer, day=day, books=books, related=related
    )
    return advance, made


def _applied(
    sale: Sale, advance: Advance | None, invoices: tuple[Found, ...], related: Related, terms: Terms
) -> list[PlannedWrite]:
    if advance is None:
        return []
    posted = dict(related.posted)
    return advances.applications(advance, invoices, order_id=sale.id, terms=terms, posted=posted)


def _notes(
    sale: Sale, advance: Advance | None, applied: list[PlannedWrite], invoices: tuple[Found, ...], related: Related,
    terms: Terms,
) -> tuple[Finding, ...]:  # fmt: skip
    """What a person should know of money that came before the invoice."""
    if advance is None:
        return ()
    if not invoices:
        vat = advances.vat_on_advance(sale, terms, related)
        return (vat,) if vat is not None else ()
    left = advances.left_of_advance(advance, applied)
    done = advances.still_to_come(sale, invoices, terms) is None
    return (advances.advance_left(sale, left),) if left.minor > 0 and done else ()


def _rest(
    sale: Sale, advance: Advance | None, applied: list[PlannedWrite], invoices: tuple[Found, ...], terms: Terms
) -> Wait | None:
    """For what of the advance the ledger's invoices are waited for."""
    if advance is None or advances.left_of_advance(advance, applied).minor <= 0:
        return None
    told = advances.still_to_come(sale, invoices, terms)
    return None if told is None else Wait(told, patience_h=24 * terms.order_patience_days)


def _as_invoiced(write: PlannedWrite, posted: object, related: Related) -> PlannedWrite | None:
    """The order as it was sent, because it is invoiced; None: the shop changed it since, and nobody has said so."""
    if not isinstance(posted, SalesOrder):
        return write
    return replace(write, content=posted) if _same(write, posted) or approved(related, "order-changed-since") else None


def _credited(
    sale: Sale, rest: Sale, bill: Bill, customer: Known, plan: Plan, related: Related, books: Books
) -> Verdict:
    """An invoiced order that was cancelled unpaid: its invoice is credited."""
    key = f"{bill.key}:cancel"
    day = booked_day(key, related) or business_day(sale.updated_at, books.terms, sale.location)
    zero = Money.zero(sale.currency)
    undone = plan_cancel(bill, rest, customer, paid=zero, day=day, books=books, related=related)
    return verdict(Plan((*plan.writes, *undone.writes), (*plan.findings, *undone.findings)))


def _gone(sale: Sale) -> Finding:
    return Finding(
        "order-gone",
        f"The sales order of order {sale.reference or sale.id} is no longer in Visma. Undo its record here if it was "
        "cancelled there, or enter it again in Visma; approve to leave it as it is.",
        "order",
        {"decision": "approve"},
    )


def _given_back_elsewhere(sale: Sale) -> Finding:
    return Finding(
        "order-given-back",
        f"Order {sale.reference or sale.id} was given back whole before Visma invoiced it, and {sale.payment_method} "
        "booked its money as an advance. In Visma, delete the sales order and pay the advance back from that clearing "
        "account; then ignore this order and the refund that the processor's route asks about.",
        "refunds",
    )


def _changed_since(sale: Sale, invoices: tuple[Found, ...]) -> Finding:
    return Finding(
        "order-changed-since",
        f"Order {sale.reference or sale.id} was changed in the shop after Visma made invoice {invoices[0].number} of "
        "it. Credit or invoice the difference in Visma; approve to leave what stands here as it was sent.",
        "lines",
        {"decision": "approve", "invoice": invoices[0].number},
    )
