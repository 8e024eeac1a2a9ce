"""Disputes. Money is booked from the report's rows; a dispute says what it is about and how it ended. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from ml_connector.connectors.paypal.fields import Fields
from ml_connector.finance.documents import Dispute, DisputeMovement

OUTCOMES: Mapping[str, Literal["won", "lost"]] = {
    "RESOLVED_BUYER_FAVOUR": "lost",
    "ACCEPTED": "lost",  # we accepted the claim
    "RESOLVED_SELLER_FAVOUR": "won",
    "CANCELED_BY_BUYER": "won",
    "DENIED": "won",  # the buyer's claim was
}
# PayPal paid somebody, or nothing came of it: what was taken from the seller and not given back tells.
BY_MONEY = frozenset({"RESOLVED_WITH_PAYOUT", "NONE", ""})


def dispute_of(dispute: Fields) -> Dispute:
    """A dispute as its own page shows it; the list's summaries name neither payment nor outcome."""
    disputed = [row.id_or_none("seller_transaction_id") for row in dispute.parts("disputed_transactions")]
    payments = tuple(dict.fromkeys(id_ for id_ in disputed if id_ is not None))
    outcome = dispute.part("dispute_outcome")
    movements = tuple(_movements(dispute))
    created = dispute.moment("create_time")
    numbers = [row.text("invoice_number") for row in dispute.parts("disputed_transactions")]
    return Dispute(
        id=dispute.id("dispute_id"),
        state=_state(dispute, outcome.text("outcome_code"), movements),
        amount=dispute.positive("dispute_amount"),
        payment_id=payments[0] if payments else None,
        reason=dispute.text("reason"),
        due_at=dispute.moment_or_none("seller_response_due_date"),
        updated_at=dispute.moment_or_none("update_time") or created,
        opened_at=created,
        outcome=outcome.text("outcome_code"),
        stage=dispute.text("dispute_life_cycle_stage"),
        refunded=outcome.money_or_none("amount_refunded"),
        payment_ids=payments,
        invoice_number=next((number for number in numbers if number), ""),
        movements=movements,
    )


def _state(dispute: Fields, outcome: str, movements: tuple[DisputeMovement, ...]) -> Literal["open", "won", "lost"]:
    if dispute.text("status") != "RESOLVED":
        return "open"  # an unknown status waits
    known = OUTCOMES.get(outcome)
    if known is not None:
        return known
    if outcome not in BY_MONEY or (not movements and not outcome):
        dispute.fail("dispute_outcome.outcome_code", "does not say who won")
    left: dict[str, int] = {}
    for one in movements:
        left[one.amount.currency] = left.get(one.amount.currency, 0) + one.amount.minor
    return "lost" if any(minor < 0 for minor in left.values()) else "won"


def _movements(dispute: Fields) -> Iterator[DisputeMovement]:
    """The seller's alone; the buyer's and the bank's are not on our account. Fees are lost in any case: left out."""
    for row in dispute.parts("money_movements"):
        if row.text("affected_party") != "SELLER" or row.text("reason").endswith("_FEE"):
            continue
        amount = abs(row.money("amount"))
        kind = row.text("type")
        if kind not in {"DEBIT", "CREDIT"}:
            row.fail("type", "is neither DEBIT nor CREDIT")
        yield DisputeMovement(
            -amount if kind == "DEBIT" else amount, row.text("reason"), row.moment_or_none("initiated_time")
        )
