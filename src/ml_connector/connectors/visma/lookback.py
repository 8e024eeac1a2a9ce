"""Listings of what changed since a moment: how far back to ask, whole answers only, batches put together again.

The zone of `lastModifiedDateTime` is not documented, so a first listing reaches two hours further back than our own
clock says. What it shows teaches the difference between the two clocks, and later listings ask for minutes instead of
hours. A document that such a short listing does not show is looked for in the long one: the shortcut saves calls, it
decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ml_connector.connectors.visma.client import VismaClient, total_of
from ml_connector.connectors.visma.kinds import Place
from ml_connector.connectors.visma.observed import text
from ml_connector.errors import Transient

Row = Mapping[str, Any]

OVERLAP = timedelta(hours=2)  # covers CET and CEST against UTC, and the hour that comes twice in autumn
MARGIN = timedelta(minutes=5)  # a slow request is stamped when it began and seen up to four minutes later
READINGS = 3


class Lookback:
    """What is known of the vendor's clock. One attribute, replaced whole: threads may share it."""

    def __init__(self) -> None:
        self._ahead: timedelta | None = None  # their modification time less our starting time, the least seen

    def wide(self, started_at: datetime) -> datetime:
        """A moment of their clock that surely lies before our `started_at`."""
        return _naive(started_at) - OVERLAP

    def tight(self, started_at: datetime) -> datetime | None:
        """The same, minutes before instead of hours; None while nothing was learned."""
        ahead = self._ahead
        if ahead is None:
            return None
        return max(_naive(started_at) + ahead - MARGIN, self.wide(started_at))

    def learn(self, started_at: datetime, modified: str) -> None:
        """A document that we began to make then was last changed then, by their clock."""
        try:
            seen = datetime.fromisoformat(modified).replace(tzinfo=None) - _naive(started_at)
        except ValueError:
            return
        if self._ahead is None or seen < self._ahead:
            self._ahead = seen

    def forget(self) -> None:
        """Their clock went back (autumn), or the shortcut misled: ask widely again."""
        self._ahead = None


def changed_since(
    client: VismaClient, place: Place, since: datetime, extra: Mapping[str, str] | None = None
) -> list[list[Row]]:
    """Every document changed at or after a moment of the vendor's clock; each as the rows it came in."""
    params = {**dict(place.base_filter), **(extra or {}), "lastModifiedDateTime": stamp(since)}
    if place.needs_condition:
        params["lastModifiedDateTimeCondition"] = ">="
    return whole(client, place, params)


def whole(client: VismaClient, place: Place, params: Mapping[str, str]) -> list[list[Row]]:
    """A listing that lost nothing: pages shift when others write meanwhile, so it is read again when rows are missing.

    Two readings that agree are believed even if the vendor's total says otherwise.
    """
    before: dict[object, set[object]] | None = None
    for _ in range(READINGS):
        pages = client.whole(place.read, params, operation=f"GET {place.read}", count=units, parse=place.parse_list)
        rows = [row for page in pages for row in page]
        total = total_of(pages[-1]) if pages else None
        if total is None or (len(pages) == 1 and units(rows) >= total):
            return grouped(rows)
        keys = _all_units(rows)
        if sum(map(len, keys.values())) >= total or keys == before:
            return grouped(rows)
        before = keys
    raise Transient(f"GET {place.read} shows other rows each time it is read.", record=place.read)


def grouped(rows: Iterable[Row]) -> list[list[Row]]:
    """Rows by document: a batch may be cut by a page's end, and a document may come twice when pages shift."""
    found: dict[object, list[Row]] = {}
    for row in rows:
        found.setdefault(_key(row), []).append(row)
    return list(found.values())


def units(rows: Iterable[Row]) -> int:
    """How many of the vendor's units these rows are: journal lists count lines."""
    return sum(len(lines) if (lines := row.get("journalTransactionLines")) is not None else 1 for row in rows)


def stamp(moment: datetime) -> str:
    """A moment of the vendor's clock as its filters want it."""
    return moment.replace(microsecond=0).isoformat()


def _all_units(rows: Iterable[Row]) -> dict[object, set[object]]:
    """The vendor's units by document: its lines by their numbers, or the one that it is."""
    found: dict[object, set[object]] = {}
    for row in rows:
        lines = row.get("journalTransactionLines")
        found.setdefault(_key(row), set()).update([None] if lines is None else [one.get("lineNumber") for one in lines])
    return found


def _key(row: Row) -> tuple[str, str]:
    kind = row.get("module") or row.get("type") or row.get("documentType")
    number = (
        row.get("batchNumber")
        or row.get("referenceNumber")
        or row.get("refNbr")
        or row.get("number")
        or row.get("orderNbr")
    )
    return text(kind), text(number)


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
