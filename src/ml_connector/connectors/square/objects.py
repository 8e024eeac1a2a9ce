"""Rows of Square as source records: which id, which stamp, when it happened. The payload stays untouched."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ml_connector.connectors.shapes import SourceObject
from ml_connector.connectors.square.fields import MAX_ID, moment_of
from ml_connector.errors import Untranslatable

# Where Square counts versions they order better than times (a payout's updated_at may say 1970). Orders made at a
# till have none, payments and refunds only opaque ones.
VERSIONED = frozenset({"payout", "invoice", "customer", "vendor", "dispute"})
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BUSINESS_TIMES: Mapping[str, tuple[str, ...]] = {
    "order": ("closed_at", "created_at"),
    "dispute": ("created_at", "reported_at"),
}


def source_object(kind: str, row: Mapping[str, Any]) -> SourceObject:
    """A row as a record. Raises Untranslatable when it has no usable id: what cannot be named cannot be kept."""
    head = row["payout"] if kind == "payout" else row
    external_id = id_of(kind, head)
    return SourceObject(
        kind=kind,
        external_id=external_id,
        payload=row,
        stamp=_stamp(kind, head),
        occurred_at=_occurred_at(kind, head),
        location=_location(kind, head),
    )


def id_of(kind: str, row: Mapping[str, Any]) -> str:
    """The id of a row."""
    found = row.get("id") or (row.get("dispute_id") if kind == "dispute" else None)
    if type(found) is not str or not 0 < len(found) <= MAX_ID or not found.isprintable():
        raise Untranslatable(f"A {kind} in Square's list has no id.", field="id")
    return found


def time_of(row: Mapping[str, Any], key: str) -> datetime | None:
    """A time of a row, None when it is absent or no time."""
    text = row.get(key)
    return moment_of(text) if type(text) is str else None


def _stamp(kind: str, row: Mapping[str, Any]) -> str:
    """Text that sorts as the versions do; empty when Square gives nothing to sort by."""
    version = row.get("version")
    if kind in VERSIONED and type(version) is int and version >= 0:
        return f"{version:012}"
    changed = time_of(row, "updated_at")
    return changed.isoformat(timespec="microseconds") if changed is not None else ""


def _occurred_at(kind: str, row: Mapping[str, Any]) -> datetime:
    offline = row.get("offline_payment_details")
    if kind == "payment" and isinstance(offline, dict) and (taken := time_of(offline, "client_created_at")) is not None:
        return taken
    for key in BUSINESS_TIMES.get(kind, ("created_at",)):
        if (found := time_of(row, key)) is not None:
            return found
    return time_of(row, "updated_at") or EPOCH


def _location(kind: str, row: Mapping[str, Any]) -> str | None:
    found = row.get("id" if kind == "location" else "location_id")
    return found if type(found) is str and found else None
