"""Rows of PayPal as source records: which id, which stamp, when it happened. The payload stays untouched."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from ml_connector.connectors.paypal.fields import MAX_ID, Fields, moment_of
from ml_connector.connectors.paypal.movements import key_of
from ml_connector.connectors.shapes import Balances, SourceObject
from ml_connector.errors import Untranslatable

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ID_KEYS: Mapping[str, str] = {"dispute": "dispute_id"}
CREATED = "create_time"
CHANGED = "update_time"


def source_object(kind: str, row: Mapping[str, Any]) -> SourceObject:
    """A row as a record. Raises Untranslatable when it has no usable id: what cannot be named cannot be kept."""
    if kind == "transaction":
        info = part(row, "transaction_info")
        occurred = time_of(info, "transaction_initiation_date") or EPOCH
        changed = time_of(info, "transaction_updated_date")
        return SourceObject(kind, key_of(row), row, _stamp(changed), occurred)
    if kind == "invoice":
        detail = part(row, "detail")
        times = part(detail, "metadata")
        # The invoice's own day decides what is before go-live; it may be written long after.
        occurred = _day(detail.get("invoice_date")) or time_of(times, CREATED) or EPOCH
        return SourceObject(kind, id_of(kind, row), row, _stamp(time_of(times, "last_update_time")), occurred)
    occurred = time_of(row, CREATED) or EPOCH
    return SourceObject(kind, id_of(kind, row), row, _stamp(time_of(row, CHANGED)), occurred)


def balances_of(answer: Mapping[str, Any], *, asked: datetime) -> Balances:
    """What is available by currency.

    Raises Untranslatable; a currency of which PayPal states the total alone is left out.
    """
    body = Fields(answer)
    rows = ((row.text("currency"), row) for row in body.parts("balances"))
    held = {currency: row.money_or_none("available_balance", currency) for currency, row in rows}
    as_of = body.moment_or_none("as_of_time") or asked
    return Balances(min(as_of, asked), {currency: money for currency, money in held.items() if money is not None})


def id_of(kind: str, row: Mapping[str, Any]) -> str:
    """The id of a row."""
    found = row.get(ID_KEYS.get(kind, "id"))
    if type(found) is not str or not 0 < len(found) <= MAX_ID or not found.isprintable():
        raise Untranslatable(f"A {kind} in PayPal's answer has no id.", field=ID_KEYS.get(kind, "id"))
    return found


def part(row: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """A nested object, an empty one where there is none."""
    found = row.get(key)
    return found if isinstance(found, Mapping) else {}


def time_of(row: Mapping[str, Any], key: str) -> datetime | None:
    """A time of a row, None when it is absent or no time."""
    text = row.get(key)
    return moment_of(text) if type(text) is str else None


def _day(text: object) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(text[:10]), time(), UTC) if isinstance(text, str) else None
    except ValueError:
        return None


def _stamp(changed: datetime | None) -> str:
    """Text that sorts as the versions do; empty when PayPal gives nothing to sort by."""
    return changed.isoformat(timespec="microseconds") if changed is not None else ""
