"""Payments through PayPal for the orders of a connected shop: which order of which shop, and which credit note."""

from __future__ import annotations

from collections.abc import Sequence

from ml_connector.finance.documents import Movement
from ml_connector.finance.plan import Elsewhere, Finding, Hold, Related, Wait
from ml_connector.flows import paypal_needs as need
from ml_connector.flows import shops
from ml_connector.flows.shops import Order, suspends_elsewhere

__all__ = ["SIBLINGS", "Order", "credit_note_of", "order_paid", "suspends_elsewhere", "suspense_differs"]

# A refund asks for the order of its payment too: one that comes late is taken back from where it was put meanwhile.
SIBLINGS = (
    ("order", "transaction", "transaction"), ("order", "transaction", "reference"),
    ("refund", "transaction", "reference"),
)  # fmt: skip


def order_paid(row: Movement, related: Related) -> Order | Hold | Wait | None:
    """The order that a payment received is for; None: no shop claims it."""
    found: Sequence[Elsewhere] = related.documents(need.order_of(row)) or ()
    return shops.order_among(found, payment_id=row.transaction_id, amount=row.amount, processor="PayPal")


def credit_note_of(back: Movement, paid: Movement, related: Related) -> str | Wait | None:
    """The key of the shop's credit note that a refund pays out: of equal ones the first refund takes the first."""
    found: Sequence[Elsewhere] = related.documents(need.shop_refunds_of(paid.transaction_id)) or ()
    rows: Sequence[Movement] = related.documents(need.about(paid.transaction_id)) or ()
    place = sum(
        one.amount == back.amount and (one.occurred_at, one.id) < (back.occurred_at, back.id)
        for one in rows
        if one.role == "refund" and one.state not in need.UNBOOKED
    )
    return shops.credit_note_among(found, amount=-back.amount, place=place)


def suspense_differs(row: Movement, order: Order) -> Finding:
    """The two routes name different suspense accounts, so that neither would be emptied."""
    return shops.suspense_differs(row.transaction_id, order)
