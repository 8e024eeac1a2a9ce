"""Disputes with the money they moved. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ml_connector.connectors.stripe.fields import Fields
from ml_connector.finance.documents import Dispute, DisputeMovement

# Lost is not the end where an account may appeal; a prevented one never became a claim. Words that are not here are
# open: noted, and nothing is booked for them but the money that moved.
STATES: Mapping[str, Literal["open", "won", "lost"]] = {"won": "won", "lost": "lost"}


def dispute_of(dispute: Fields) -> Dispute:
    """A dispute. Its `amount` is the charge's currency; what was taken is in its balance transactions alone."""
    currency = dispute.currency()
    created = dispute.moment("created")
    status = dispute.text("status")
    moved = tuple(_moved(row) for row in dispute.parts("balance_transactions"))
    charge = dispute.id_or_none("charge")
    latest = max((one.occurred_at for one in moved if one.occurred_at is not None), default=created)
    return Dispute(
        id=dispute.id("id"),
        state=STATES.get(status, "open"),
        amount=dispute.positive("amount", currency),
        payment_id=charge,
        reason=dispute.text("reason")[:100] or dispute.text("network_reason_code"),
        due_at=dispute.part("evidence_details").moment_or_none("due_by"),
        updated_at=latest,
        opened_at=created,
        outcome=status[:60],
        stage="inquiry" if status.startswith("warning") else "chargeback",
        payment_ids=(charge,) if charge else (),
        movements=moved,
    )


def _moved(row: Fields) -> DisputeMovement:
    currency = row.currency()
    amount, fee, net = (row.money(name, currency) for name in ("amount", "fee", "net"))
    if amount - fee != net:
        row.fail("net", f"is {net} while amount and fee make {amount - fee}")
    return DisputeMovement(
        amount,
        row.text("reporting_category") or row.text("type"),
        row.moment_or_none("created"),
        id=row.id("id"),
        fee=fee,
    )
