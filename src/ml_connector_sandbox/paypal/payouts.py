"""Payouts (mass payments): batches and their items, read through payouts v1."""

from __future__ import annotations

from dataclasses import dataclass

from ml_connector_sandbox.paypal.ledger import Row
from ml_connector_sandbox.paypal.money import text
from ml_connector_sandbox.paypal.payments import late
from ml_connector_sandbox.paypal.refusals import Json
from ml_connector_sandbox.paypal.state import Merchant, World
from ml_connector_sandbox.paypal.times import stamp


@dataclass(slots=True)
class Item:
    """One payment of a batch."""

    id: str
    transaction_id: str
    receiver: str
    amount: int
    fee: int
    status: str
    sender_item_id: str
    note: str
    processed: int


@dataclass(slots=True)
class Batch:
    """A batch of payments in one currency."""

    id: str
    sender_batch_id: str
    currency: str
    items: list[Item]
    created: int
    status: str = "SUCCESS"


def pay_out(world: World, merchant: Merchant, batch: Batch, at: int) -> None:
    """A T0001 row per item, its fee in the row."""
    if any(b.sender_batch_id == batch.sender_batch_id for b in merchant.batches.values()):
        raise ValueError(f"Batch {batch.sender_batch_id} was sent before: choose another sender_batch_id.")
    merchant.batches[batch.id] = batch
    for item in batch.items:
        row = Row(
            item.transaction_id, "T0001", "P" if item.status == "UNCLAIMED" else "S", batch.currency, -item.amount, at,
            at, fee=-item.fee or None, reference=batch.id, custom=item.sender_item_id, note=item.note,
        )  # fmt: skip
        merchant.ledger.post(late(world, row))


def give_back(world: World, merchant: Merchant, item: Item, at: int, *, currency: str) -> None:
    """The receiver did not take it: T1115 brings the amount and T1108 the fee back."""
    if item.status == "RETURNED":
        raise ValueError(f"Payout item {item.id} was returned already.")
    item.status = "RETURNED"
    row = Row(world.mint.transaction(), "T1115", "S", currency, item.amount, at, at, reference=item.transaction_id)
    merchant.ledger.post(late(world, row))
    if item.fee:
        back = Row(world.mint.transaction(), "T1108", "S", currency, item.fee, at, at, reference=item.transaction_id)
        merchant.ledger.post(late(world, back))


def money(amount: int, currency: str) -> Json:
    """Payouts write `currency`, not `currency_code`."""
    return {"currency": currency, "value": text(amount, currency)}


def show_header(batch: Batch) -> Json:
    """The head of a batch."""
    return {
        "payout_batch_id": batch.id, "batch_status": batch.status, "time_created": stamp(batch.created),
        "time_completed": stamp(batch.created), "sender_batch_header": {"sender_batch_id": batch.sender_batch_id},
        "funding_source": "BALANCE", "amount": money(sum(i.amount for i in batch.items), batch.currency),
        "fees": money(sum(i.fee for i in batch.items), batch.currency),
    }  # fmt: skip


def show_item(world: World, batch: Batch, item: Item, *, alone: bool) -> Json:
    """An item, inside its batch or alone."""
    body: Json = {"payout_item_id": item.id, "transaction_id": item.transaction_id, "transaction_status": item.status}
    body |= {"payout_item_fee": money(item.fee, batch.currency), "payout_batch_id": batch.id}
    body |= {"sender_batch_id": batch.sender_batch_id} if alone else {}
    detail: Json = {"recipient_type": "EMAIL", "amount": money(item.amount, batch.currency), "receiver": item.receiver}
    detail |= {"sender_item_id": item.sender_item_id} if item.sender_item_id else {}
    detail |= {"note": item.note} if item.note else {}
    body |= {"payout_item": detail, "time_processed": stamp(item.processed)}
    return body | {"links": [world.link(f"/v1/payments/payouts-item/{item.id}", "item")]}
