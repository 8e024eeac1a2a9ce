"""Merges of customers: who became whom. No read of a customer tells it, only the events of the merge do.

A record of ours, one for each customer that is gone: `{"id", "became"}`. Its name in a delivery says all of it, so
that nothing need be asked: "{who}@{became whom}". Square makes a new customer and deletes the merged ones; both events
tell the same, and so does the Events API of what no webhook brought.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ml_connector.connectors.shapes import Absent, SourceObject
from ml_connector.connectors.square.fields import MAX_ID, Fields
from ml_connector.connectors.square.objects import EPOCH
from ml_connector.finance.documents import Succession

KIND = "succession"
PARTED = "@"


def named_in(event: Mapping[str, Any]) -> list[str]:
    """The names of all successions that an event of a customer tells."""
    found: Any = event
    for part in ("data", "object", "event_context", "merge"):
        found = found.get(part) if isinstance(found, dict) else None
    if not isinstance(found, dict):
        return []
    became, several = found.get("to_customer_id"), found.get("from_customer_ids")
    if not _is_id(became) or not isinstance(several, list):
        return []
    return [f"{one}{PARTED}{became}" for one in dict.fromkeys(filter(_is_id, several)) if one != became]


def fetch(names: Sequence[str]) -> list[SourceObject | Absent]:
    """One answer for each name. By the customer alone nobody can be asked."""
    found: list[SourceObject | Absent] = []
    for name in names:
        who, _, became = name.partition(PARTED)
        payload = {"id": who, "became": became}
        found.append(
            SourceObject(kind=KIND, external_id=who, payload=payload, stamp="", occurred_at=EPOCH)
            if became
            else Absent(KIND, name, "Square tells of a merge by its events alone.")
        )
    return found


def succession_of(told: Fields) -> Succession:
    """The succession of a record."""
    return Succession(told.id("id"), told.id("became"))


def _is_id(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_ID and value.isprintable() and PARTED not in value
