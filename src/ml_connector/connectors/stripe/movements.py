"""Balance transactions: every movement of the account's balance, by reporting category and never by type. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ml_connector.connectors.stripe.fields import Fields
from ml_connector.finance.documents import Movement, MovementRole

# Local methods have types of their own (payment, payment_refund) in the very categories of cards. A category that is
# not here is `other`: a rule, else suspense.
ROLES: Mapping[str, MovementRole] = {
    "charge": "receipt",
    "refund": "refund",
    "refund_failure": "refund",
    "charge_failure": "receipt",
    "dispute": "dispute",
    "dispute_reversal": "dispute",
    "fee": "fee",
    "network_cost": "fee",
    "tax": "fee",
    "payout": "withdrawal",
    "payout_reversal": "withdrawal_returned",
    "topup": "funding",
    "topup_reversal": "funding",
    "risk_reserved_funds": "reserve",
    "payout_minimum_balance_hold": "reserve",
    "payout_minimum_balance_release": "reserve",
    "reserve_transaction": "reserve",
    "reserved_funds": "reserve",
}
# Types that say more than their category, which may be other_adjustment.
TYPES: Mapping[str, MovementRole] = {
    "reserve_hold": "reserve",
    "reserve_release": "reserve",
    "reserve_transaction": "reserve",
    "reserved_funds": "reserve",
    "payout_minimum_balance_hold": "reserve",
    "payout_minimum_balance_release": "reserve",
}
STATES: Mapping[str, Literal["completed", "pending", "denied", "reversed", "unknown"]] = {
    "available": "completed",
    "pending": "completed",  # it stands in the balance; only paying it out must wait
}


def movement_of(row: Fields) -> Movement:
    """One balance transaction: its net is proven to be amount less fee."""
    currency = row.currency()
    amount, fee, net = (row.money(name, currency) for name in ("amount", "fee", "net"))
    if amount - fee != net:
        row.fail("net", f"is {net} while amount and fee make {amount - fee}")
    category, type_ = row.text("reporting_category"), row.text("type")
    created = row.moment("created")
    return Movement(
        id=row.id("id"),
        transaction_id=row.id("id"),
        code=category or type_ or "unknown",
        role=TYPES.get(type_) or ROLES.get(category, "other"),
        state=STATES.get(row.text("status"), "unknown"),
        amount=amount,
        fee=-fee,
        occurred_at=created,
        updated_at=created,
        reference_id=row.id_or_none("source"),
        reference_type="transaction",
        status=type_,
        text=row.text("description")[:200],
        rate=row.rate_or_none("exchange_rate"),
    )
