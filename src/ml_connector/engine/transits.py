"""Transits: a journal takes off transit what the ledger gave another one in base currency, when it is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from ml_connector.engine import contents
from ml_connector.engine.books import Books
from ml_connector.finance.journal import JournalEntry, closed
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Content, Parcel
from ml_connector.finance.refs import Ref
from ml_connector.store.writes import Write

WORTH = "base_debit"
"""The fact about a document that was read back which says its debit total in base currency, as decimal text."""


def filled(content: Content | Parcel, known: Mapping[Ref, str]) -> Content | Parcel:
    """The entry with what it closes; as it was planned where the ledger has not said what that is worth."""
    if not isinstance(content, JournalEntry) or content.closes is None:
        return content
    worth = known.get(content.closes.of)
    if not worth:
        return replace(content, closes=None)
    return closed(content, Money.of(Decimal(worth), content.currency))


def left_open(
    books: Books, groups: Sequence[tuple[str, Sequence[Write]]], known: Mapping[Ref, str]
) -> list[dict[str, Any]]:
    """Questions about journals whose transit cannot be closed, because the ledger has not said what it is worth."""
    found = []
    for write in (one for _, members in groups for one in members if '"base_total"' in one.content):
        content = contents.of_write(write)
        if isinstance(content, JournalEntry) and content.closes is not None and not known.get(content.closes.of):
            found.append(_item(write, books))
    return found


def _item(write: Write, books: Books) -> dict[str, Any]:
    return {
        "subject": write.id,
        "company_id": books.company.id,
        "connection_id": write.target_id,
        "trip_id": write.trip_id,
        "code": "transit-residue",
        "field": write.key,
        "sentence": f"{write.key} went through money in transit, and the ledger did not say what its other half is "
        "worth in base currency. Post what is left on transit as currency gain or loss, then accept.",
        "proposal": {},
    }
