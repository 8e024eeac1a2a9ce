"""A shop's orders: which are booked and on which day, and who books the money that came for them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal

from ml_connector.finance.documents import Capture, Sale, Tender
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Finding, Related
from ml_connector.finance.rulebook import Terms
from ml_connector.rules.days import business_day
from ml_connector.rules.findings import decided, differs
from ml_connector.rules.matching import second_road

LEDGER = "ledger"  # in Terms.gateways_elsewhere: a bank feed or a person books the money
_UNPAID = frozenset({"pending", "on-hold"})  # the shop's words for an order that waits for its money
_AFTER = "refunded"  # an order that was sold, and given back since


@dataclass(frozen=True, slots=True)
class Paid:
    """Whether an order is paid, and who books it: we from the shop (`here`), or another system (`elsewhere`).

    `note` is what a person should know or answer about it.
    """

    how: Literal["unpaid", "here", "elsewhere"]
    note: Finding | None = None


def order_key(order_id: str, terms: Terms) -> str:
    """The key of what an order becomes: its invoice, or its sales transaction."""
    return f"{terms.code}:ord:{order_id}"


def not_booked(sale: Sale, terms: Terms) -> str | None:
    """Why an order that was never booked is not; None: its status says that it is."""
    if sale.state == "draft":
        return "a cart at the checkout is no order yet"
    if sale.state == "canceled":
        return f"the order is {sale.status or sale.state} and was never booked"
    statuses = _statuses(sale, terms)
    if sale.status not in statuses:
        return f"status {sale.status} is not one that is booked ({', '.join(statuses)})"
    return None


def sold_at(sale: Sale, terms: Terms) -> datetime:
    """When it was sold: when it was paid, or, where the route books unpaid orders of this payment method, when made."""
    if sale.paid_at is None or _UNPAID.intersection(_statuses(sale, terms)):
        return sale.created_at
    return sale.paid_at


def sold_on(sale: Sale, terms: Terms) -> date:
    """The business day on which it was sold."""
    return business_day(sold_at(sale, terms), terms, sale.location)


def paid_how(sale: Sale, related: Related, terms: Terms) -> Paid:
    """Who books the money of an order. The shop's mark alone, without payment method or transaction, is no proof."""
    if not sale.tenders:
        return Paid("unpaid")
    owner = terms.gateways_elsewhere.get(sale.payment_method)
    if owner is not None:
        return Paid("elsewhere", _elsewhere(sale, owner, related))
    if not sale.payment_method and not sale.transaction_id:
        answer = decided(related, "payment-unproven")
        if answer not in {"paid", "unpaid"}:
            return Paid("here", _unproven(sale))
        return Paid("here" if answer == "paid" else "unpaid")
    return Paid("here")


def event_key(sale: Sale, terms: Terms) -> str | None:
    """The key under which a connected processor's route books this order's payment; None where none does."""
    owner = terms.gateways_elsewhere.get(sale.payment_method)
    return _event_key(owner, sale) if owner is not None else None


def means_of(sale: Sale, paid: Paid) -> str:
    """How the money of an order came: by its payment method, or by a system that books it itself."""
    return f"{'elsewhere' if paid.how == 'elsewhere' else 'gateway'}:{sale.payment_method}"


def payment_of(sale: Sale, paid: Paid) -> Capture:
    """The one payment of an order, under the order's own id."""
    return Capture(
        id=sale.id, state="completed", means=means_of(sale, paid), amount=sale.total, tip=Money.zero(sale.currency),
        total=sale.total, location=sale.location, order_id=sale.id, customer_id=sale.customer_id,
        occurred_at=sale.paid_at or sale.created_at, updated_at=sale.updated_at,
    )  # fmt: skip


def with_tender(sale: Sale, paid: Paid) -> Sale:
    """The order with its one payment in our words."""
    capture = payment_of(sale, paid)
    tender = Tender(capture.id, capture.means, capture.amount, capture.tip, capture.occurred_at)
    return replace(sale, tenders=(tender,) if capture.amount else ())


def rounding_too_large(rounding: Money, *, stated: Money, record: str, terms: Terms) -> Finding | None:
    """Held where lines and total differ by more than the route allows to call rounding."""
    if abs(rounding.minor) <= terms.tolerance_minor:
        return None
    fix = "Raise the route's tolerance if the shop rounds so, or correct the record there."
    return differs("total-differs", "The total", stated=stated, found=stated - rounding, record=record, fix=fix)


def _statuses(sale: Sale, terms: Terms) -> tuple[str, ...]:
    chosen = terms.gateway_statuses.get(sale.payment_method, terms.order_statuses)
    later = ("completed",) if "processing" in chosen else ()
    return tuple(dict.fromkeys((*chosen, *later, _AFTER)))


def _event_key(owner: str, sale: Sale) -> str | None:
    return f"{owner}:{sale.transaction_id}" if owner != LEDGER and sale.transaction_id else None


def _elsewhere(sale: Sale, owner: str, related: Related) -> Finding | None:
    """What stands against leaving the money to another system: nothing tells the payment, or the amounts differ."""
    key = _event_key(owner, sale)
    if key is not None:
        return second_road(key, sale.total, related.posted)
    if owner == LEDGER:
        return None
    return Finding(
        "payment-untraceable",
        f"Order {sale.reference or sale.id} is marked as paid by {sale.payment_method}, whose payments {owner} books, "
        "and names no transaction. Its invoice stays open until that payment is applied to it in Visma.",
        "transaction_id",
        {"owner": owner},
        blocks=False,
    )


def _unproven(sale: Sale) -> Finding:
    return Finding(
        "payment-unproven",
        f"Order {sale.reference or sale.id} is marked as paid, and names neither payment method nor transaction: "
        "somebody may only have changed its status. Answer paid or unpaid.",
        "payment_method",
        {"choices": ["paid", "unpaid"]},
    )
