"""Disputes: opened by the buyer's bank, won or lost; their money leaves and returns through payout entries."""

from __future__ import annotations

from ml_connector_sandbox.core.instants import DAY
from ml_connector_sandbox.square.faults import Json
from ml_connector_sandbox.square.payouts import add_entry
from ml_connector_sandbox.square.shelves import Stored
from ml_connector_sandbox.square.state import Merchant, World
from ml_connector_sandbox.square.times import stamp

STATES = (
    "INQUIRY_EVIDENCE_REQUIRED", "INQUIRY_PROCESSING", "INQUIRY_CLOSED", "EVIDENCE_REQUIRED", "PROCESSING", "WON",
    "LOST", "ACCEPTED",
)  # fmt: skip


def open_dispute(
    world: World, merchant: Merchant, payment: Stored, *, amount: int | None, reason: str, state: str, now: int
) -> Stored:
    """A dispute of a payment (or a part). Unless it is an inquiry the money leaves the balance at once."""
    total = int(payment.body["total_money"]["amount"])
    amount = total if amount is None else amount
    if not 0 < amount <= total:
        raise ValueError(f"A dispute of {amount} on payment {payment.id} of {total}: use 1 to {total}.")
    body: Json = {"id": world.mint.mixed(20), "amount_money": merchant.money(amount), "reason": reason, "state": state}
    body |= {"due_at": stamp(now + 14 * DAY), "disputed_payment": {"payment_id": payment.id}, "card_brand": "VISA"}
    body |= {"created_at": stamp(now), "updated_at": stamp(now), "brand_dispute_id": world.mint.mixed(22)}
    body |= {"reported_at": stamp(now), "version": 1, "location_id": payment.location}
    row = merchant.disputes.put(Stored(body, payment.location, now))
    if not state.startswith("INQUIRY"):
        _move(merchant, row, -amount, now)
    _tell(world, merchant, row, type_="dispute.created", now=now)
    return row


def conclude(world: World, merchant: Merchant, row: Stored, *, state: str, now: int) -> None:
    """Another state. WON brings the money back; leaving an inquiry takes it."""
    if state not in STATES:
        raise ValueError(f"{state} is no dispute state: use one of {', '.join(STATES)}.")
    before, amount = row.body["state"], int(row.body["amount_money"]["amount"])
    if state == "WON" and not before.startswith("INQUIRY"):
        _move(merchant, row, amount, now)
    elif before.startswith("INQUIRY") and not state.startswith("INQUIRY") and state != "WON":
        _move(merchant, row, -amount, now)
    row.body |= {"state": state, "updated_at": stamp(now), "version": row.body["version"] + 1}
    merchant.disputes.changed(row, now)
    _tell(world, merchant, row, type_="dispute.state.updated", now=now)


def _move(merchant: Merchant, row: Stored, amount: int, now: int) -> None:
    details = {"payment_id": row.body["disputed_payment"]["payment_id"], "dispute_id": row.id}
    entry = {"type": "DISPUTE", "gross": amount, "fee": 0, "at": now, "details": details}
    add_entry(merchant, row.location, entry)


def _tell(world: World, merchant: Merchant, row: Stored, *, type_: str, now: int) -> None:
    content = {"dispute": row.body}
    world.desk.emit(
        merchant, type_=type_, data_type="dispute", data_id=row.id, content=content, now=now, location_id=row.location
    )
