"""Payouts: what a location's balance holds goes to the bank in a BATCH; SENT, then PAID, or FAILED and returned."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time, timedelta
from typing import Any

from ml_connector_sandbox.core.dice import share_of
from ml_connector_sandbox.core.instants import instant, stamp_s
from ml_connector_sandbox.square.bulk import EntryRun, claim
from ml_connector_sandbox.square.faults import Json
from ml_connector_sandbox.square.shelves import Row, Stored
from ml_connector_sandbox.square.state import Merchant, Movement, World
from ml_connector_sandbox.square.times import local_day, local_micros

ENTRY_TYPES = frozenset(
    """ADJUSTMENT APP_FEE_REFUND APP_FEE_REVENUE AUTOMATIC_SAVINGS AUTOMATIC_SAVINGS_REVERSED CHARGE DEPOSIT_FEE
    DEPOSIT_FEE_REVERSED DISPUTE ESCHEATMENT FEE FREE_PROCESSING HOLD_ADJUSTMENT INITIAL_BALANCE_CHANGE MONEY_TRANSFER
    MONEY_TRANSFER_REVERSAL OPEN_DISPUTE OTHER OTHER_ADJUSTMENT PAID_SERVICE_FEE PAID_SERVICE_FEE_REFUND
    REDEMPTION_CODE REFUND RELEASE_ADJUSTMENT RESERVE_HOLD RESERVE_RELEASE RETURNED_PAYOUT SQUARE_CAPITAL_PAYMENT
    SQUARE_CAPITAL_REVERSED_PAYMENT SUBSCRIPTION_FEE SUBSCRIPTION_FEE_PAID_REFUND SUBSCRIPTION_FEE_REFUND TAX_ON_FEE
    THIRD_PARTY_FEE THIRD_PARTY_FEE_REFUND PAYOUT AUTOMATIC_BITCOIN_CONVERSIONS AUTOMATIC_BITCOIN_CONVERSIONS_REVERSED
    CREDIT_CARD_REPAYMENT CREDIT_CARD_REPAYMENT_REVERSED LOCAL_OFFERS_CASHBACK LOCAL_OFFERS_FEE
    PERCENTAGE_PROCESSING_ENROLLMENT PERCENTAGE_PROCESSING_DEACTIVATION PERCENTAGE_PROCESSING_REPAYMENT
    PERCENTAGE_PROCESSING_REPAYMENT_REVERSED PROCESSING_FEE PROCESSING_FEE_REFUND UNDO_PROCESSING_FEE_REFUND
    GIFT_CARD_LOAD_FEE GIFT_CARD_LOAD_FEE_REFUND UNDO_GIFT_CARD_LOAD_FEE_REFUND BALANCE_FOLDERS_TRANSFER
    BALANCE_FOLDERS_TRANSFER_REVERSED GIFT_CARD_POOL_TRANSFER GIFT_CARD_POOL_TRANSFER_REVERSED SQUARE_PAYROLL_TRANSFER
    SQUARE_PAYROLL_TRANSFER_REVERSED""".split()
)
# Only these have a details object of their own.
_DETAILED = frozenset(
    """APP_FEE_REVENUE APP_FEE_REFUND AUTOMATIC_SAVINGS AUTOMATIC_SAVINGS_REVERSED CHARGE DEPOSIT_FEE
    DEPOSIT_FEE_REVERSED DISPUTE FEE FREE_PROCESSING HOLD_ADJUSTMENT OPEN_DISPUTE OTHER OTHER_ADJUSTMENT REFUND
    RELEASE_ADJUSTMENT RESERVE_HOLD RESERVE_RELEASE SQUARE_CAPITAL_PAYMENT SQUARE_CAPITAL_REVERSED_PAYMENT TAX_ON_FEE
    THIRD_PARTY_FEE THIRD_PARTY_FEE_REFUND SQUARE_PAYROLL_TRANSFER SQUARE_PAYROLL_TRANSFER_REVERSED""".split()
)


def scripted(entry: Json, now: int) -> Json:
    """An entry of any type from a script: {"type", "amount" (net, signed), "fee"?, "details"?}, or ValueError."""
    if entry.get("type") not in ENTRY_TYPES:
        raise ValueError(f"{entry.get('type')} is no payout entry type: use one of the 58 of ActivityType.")
    fee = int(entry.get("fee", 0))
    return {
        "type": entry["type"], "gross": int(entry["amount"]) + fee, "fee": fee, "at": now,
        "details": entry.get("details") or {},
    }  # fmt: skip


def add_entry(merchant: Merchant, location_id: str, entry: Json) -> None:
    """Put an entry on the balance, to be part of the next BATCH, and note it."""
    merchant.balance.setdefault(location_id, []).append(entry)
    merchant.movements.append(
        Movement("adjustment", entry["at"], location_id, entry["gross"] - entry["fee"], "", means=entry["type"])
    )


def batch(
    world: World,
    merchant: Merchant,
    *,
    location_id: str,
    now: int,
    until: int | None = None,
    fail: bool = False,
    extra: Json | None = None,
) -> Stored | None:
    """Pay out the balance up to an instant. None when it is zero: Square sends no empty payout."""
    cut = now if until is None else until
    waiting = merchant.balance.get(location_id, [])
    entries = [e for e in waiting if e["at"] <= cut]
    runs = [EntryRun.of(entries)] if entries else []
    runs += claim(merchant, location_id, cut)
    total = sum(run.net for run in runs)
    if not total:
        merchant.balance[location_id] = [e for e in waiting if e["at"] > cut]
        return None
    merchant.balance[location_id] = [e for e in waiting if e["at"] > cut]
    row = _send(world, merchant, location_id=location_id, amount=total, kind="BATCH", now=now, extra=extra)
    merchant.entries[row.id] = runs
    _conclude_later(world, merchant, row, now=now, fail=fail)
    return row


def simple(world: World, merchant: Merchant, *, location_id: str, amount: int, now: int, fail: bool = False) -> Stored:
    """An instant SIMPLE payout: it has no entries and appears as a MONEY_TRANSFER of the next BATCH."""
    row = _send(world, merchant, location_id=location_id, amount=amount, kind="SIMPLE", now=now, extra=None)
    merchant.entries[row.id] = []
    entry = {"type": "MONEY_TRANSFER", "gross": -amount, "fee": 0, "at": now, "details": {}}
    merchant.balance.setdefault(location_id, []).append(entry)
    _conclude_later(world, merchant, row, now=now, fail=fail)
    return row


def _send(
    world: World, merchant: Merchant, *, location_id: str, amount: int, kind: str, now: int, extra: Json | None
) -> Stored:
    day = local_day(now, merchant.zone(location_id)) + timedelta(days=1)
    body: Json = {"id": "po_" + world.mint.uuid(), "status": "SENT", "location_id": location_id}
    body |= {"created_at": stamp_s(now), "updated_at": stamp_s(now), "amount_money": merchant.money(amount)}
    body |= {"destination": {"type": "BANK_ACCOUNT", "id": "bact:" + merchant.id[:16]}, "version": 1, "type": kind}
    body |= {"payout_fee": [], "arrival_date": day.isoformat(), "end_to_end_id": f"L2{world.mint.upper(10)}"}
    body |= extra or {}
    row = merchant.payouts.put(Stored(body, location_id, now))
    merchant.movements.append(Movement("payout", now, location_id, amount, row.id, means=kind))
    _tell(world, merchant, row, type_="payout.sent", now=now)
    return row


def _conclude_later(world: World, merchant: Merchant, row: Stored, *, now: int, fail: bool) -> None:
    due = world.after(now, world.knobs.payout_paid_delay_s)

    def conclude(at: int) -> None:
        if row.body["status"] == "SENT":  # else it failed, or was paid, before its time
            _conclude(world, merchant, row, fail=fail, now=at)

    world.later(due, conclude)


def _conclude(world: World, merchant: Merchant, row: Stored, *, fail: bool, now: int) -> None:
    """SENT -> PAID, or FAILED: then the money returns as an entry of the next BATCH."""
    row.body["status"] = "FAILED" if fail else "PAID"
    row.body["version"] += 1
    row.body["updated_at"] = stamp_s(now)
    merchant.payouts.changed(row, now)
    if fail:
        amount = int(row.body["amount_money"]["amount"])
        entry = {"type": "RETURNED_PAYOUT", "gross": amount, "fee": 0, "at": now, "details": {}}
        merchant.balance.setdefault(row.location, []).append(entry)
        merchant.movements.append(Movement("payout", now, row.location, -amount, row.id, means="FAILED"))
    _tell(world, merchant, row, type_="payout.failed" if fail else "payout.paid", now=now)


def conclude_now(world: World, merchant: Merchant, row: Stored, *, fail: bool, now: int) -> None:
    """Have a payout fail (even a PAID one) or be paid at once, by control."""
    _conclude(world, merchant, row, fail=fail, now=now)


def keep_cutoffs(world: World, merchant: Merchant, location_id: str, now: int) -> None:
    """From now on send a BATCH at each local cut-off of the location, while the knob `auto_payout` is on."""
    zone = merchant.zone(location_id)
    hour, minute = (int(part) for part in merchant.cutoffs.get(location_id, world.knobs.payout_cutoff).split(":")[:2])
    due = local_micros(local_day(now, zone), time(hour, minute), zone)
    if due <= now:
        due = local_micros(local_day(now, zone) + timedelta(days=1), time(hour, minute), zone)

    def cut(at: int) -> None:
        if world.knobs.auto_payout:
            batch(world, merchant, location_id=location_id, now=at, until=at - 1)
        keep_cutoffs(world, merchant, location_id, at)

    world.later(due, cut)


def shown(world: World, row: Row) -> Json:
    """A payout as it is read; a share of them say `currency_code` where the schema says `currency`."""
    twin: Json = _twin(row.body) if share_of(row.id, world.knobs.currency_code_share) else row.body
    return twin


def entry_shown(world: World, merchant: Merchant, payout_id: str, n: int, entry: Json) -> Json:
    """The n-th entry of a payout as it is read."""
    money = merchant.money
    body: Json = {"id": f"poe_{payout_id[3:11]}{n:08d}", "payout_id": payout_id, "effective_at": stamp_s(entry["at"])}
    body |= {
        "type": entry["type"],
        "gross_amount_money": money(entry["gross"]),
        "fee_amount_money": money(entry["fee"]),
    }
    body["net_amount_money"] = money(entry["gross"] - entry["fee"])
    if entry["type"] in _DETAILED:
        body[f"type_{entry['type'].lower()}_details"] = {k: v for k, v in entry["details"].items() if v is not None}
    twin: Json = _twin(body) if share_of(payout_id, world.knobs.currency_code_share) else body
    return twin


def entries_of(merchant: Merchant, payout_id: str, start: int, stop: int) -> Iterator[tuple[int, Json]]:
    """Entries number start to stop - 1, in order."""
    offset = 0
    for run in merchant.entries.get(payout_id, []):
        for n in range(max(start, offset), min(stop, offset + len(run))):
            yield n, run[n - offset]
        offset += len(run)


def _twin(content: Any) -> Any:
    if isinstance(content, list):
        return [_twin(item) for item in content]
    if not isinstance(content, dict):
        return content
    if content.keys() == {"amount", "currency"}:
        return {"amount": content["amount"], "currency_code": content["currency"]}
    return {k: _twin(v) for k, v in content.items()}


def _tell(world: World, merchant: Merchant, row: Stored, *, type_: str, now: int) -> None:
    # The event's updated_at is 1970, as in Square's own examples: only `version` orders them.
    content = {"payout": shown(world, row) | {"updated_at": stamp_s(instant_1970(now))}}
    world.desk.emit(
        merchant, type_=type_, data_type="payout", data_id=row.id, content=content, now=now, location_id=row.location
    )


def instant_1970(now: int) -> int:
    """The broken clock of payout events: minutes after 1970."""
    return (instant(now).minute * 60 + instant(now).second) * 1_000_000
