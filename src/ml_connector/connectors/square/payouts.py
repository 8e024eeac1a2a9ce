"""Payouts with their entries, and disputes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ml_connector.connectors.square.fields import Fields
from ml_connector.finance.documents import Dispute, Payout, PayoutEntry
from ml_connector.finance.money import Money

STATES: Mapping[str, Literal["sent", "paid", "failed"]] = {"SENT": "sent", "PAID": "paid", "FAILED": "failed"}
# their gross - fee = net is documented; of all others only net is trusted
CHECKED_TYPES = frozenset({"CHARGE", "REFUND"})
DISPUTE_STATES: Mapping[str, Literal["open", "won", "lost"]] = {
    "INQUIRY_EVIDENCE_REQUIRED": "open",
    "INQUIRY_PROCESSING": "open",
    "INQUIRY_CLOSED": "won",  # the bank's question ended without a chargeback; one that follows is a dispute of its own
    "EVIDENCE_REQUIRED": "open",
    "PROCESSING": "open",
    "WON": "won",
    "LOST": "lost",
    "ACCEPTED": "lost",
}


def payout_of(payout: Fields, around: Fields | None) -> Payout:
    """A payout and, from `around` it, its entries.

    A SIMPLE one has none; an unknown type counts as itemized, so that it must add up.
    """
    amount = payout.money("amount_money", negative=True)
    currency = amount.currency
    state = STATES.get(payout.text("status"))
    if state is None:  # "sent" would be booked: no safe word for a state nobody knows
        payout.fail("status", f"is {payout.text('status') or 'missing'}, which is none of {', '.join(STATES)}")
    destination = payout.part_or_none("destination")
    created = payout.moment("created_at")
    fees = [fee.minor("amount_money", currency, negative=True) for fee in payout.parts("payout_fee")]
    return Payout(
        id=payout.id("id"),
        state=state,
        amount=amount,
        location=payout.id_or_none("location_id"),
        destination=(destination.text("type").lower() if destination is not None else "") or "unknown",
        itemized=payout.text("type") != "SIMPLE",
        entries=tuple(_entry(entry, currency) for entry in around.parts("entries")) if around is not None else (),
        arrives_on=payout.day_or_none("arrival_date"),
        created_at=created,
        updated_at=payout.moment_or_none("updated_at") or created,
        stated_fee=Money(sum(fees), currency) if fees else None,
        reference=payout.text("end_to_end_id"),
    )


def _entry(entry: Fields, currency: str) -> PayoutEntry:
    kind = entry.text("type") or "UNKNOWN"
    net = entry.money("net_amount_money", currency, negative=True)
    fee = entry.money_or_none("fee_amount_money", currency, negative=True) or Money(0, currency)
    gross = entry.money_or_none("gross_amount_money", currency, negative=True)
    if gross is None:
        gross = net + fee
    if kind in CHECKED_TYPES and gross.minor - fee.minor != net.minor:
        entry.fail("net_amount_money", f"is {net.minor} while gross - fee is {gross.minor - fee.minor}")
    details = entry.part_or_none(f"type_{kind.lower()}_details")
    return PayoutEntry(
        id=entry.id("id"),
        type=kind,
        gross=gross,
        fee=fee,
        net=net,
        occurred_at=entry.moment_or_none("effective_at"),
        payment_id=details.id_or_none("payment_id") if details is not None else None,
        refund_id=details.id_or_none("refund_id") if details is not None else None,
        dispute_id=details.id_or_none("dispute_id") if details is not None else None,
        payout_id=details.id_or_none("payout_id") if details is not None else None,
    )


def dispute_of(dispute: Fields) -> Dispute:
    """A dispute. It moves no money by itself: payout entries do. Older events name it `dispute_id`."""
    questioned = dispute.part_or_none("disputed_payment")
    return Dispute(
        id=dispute.id_or_none("id") or dispute.id("dispute_id"),
        state=DISPUTE_STATES.get(dispute.text("state"), "open"),
        amount=dispute.money("amount_money"),
        payment_id=questioned.id_or_none("payment_id") if questioned is not None else None,
        reason=dispute.text("reason"),
        due_at=dispute.moment_or_none("due_at"),
        updated_at=dispute.moment_or_none("updated_at") or dispute.moment("created_at"),
    )
