"""Objects of one kind, newest first, with the indexes that list filters and look-ups need."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator

from ml_connector_sandbox.stripe.refusals import Json

Place = tuple[int, int, str]  # created, running number, id


class Shelf:
    """All objects of a kind. `fields` are indexed when an object is put in; they never change afterwards."""

    def __init__(self, fields: tuple[str, ...] = ()) -> None:
        self.rows: dict[str, Json] = {}
        self._places: list[Place] = []
        self._where: dict[str, Place] = {}
        self._fields = fields
        self._index: dict[tuple[str, str], list[Place]] = {}

    def put(self, row: Json, *, created: int, n: int) -> None:
        """Add an object. Oldest to newest costs nothing; one dated back is sorted in."""
        place = (created, n, row["id"])
        self.rows[row["id"]] = row
        self._where[row["id"]] = place
        _insert(self._places, place)
        for field in self._fields:
            value = _field(row, field)
            if isinstance(value, str):
                _insert(self._index.setdefault((field, value), []), place)

    def take(self, key: str) -> Json:
        """Remove an object for good."""
        place = self._where.pop(key)
        row = self.rows.pop(key)
        self._places.remove(place)
        for field in self._fields:
            value = _field(row, field)
            if isinstance(value, str):
                self._index[field, value].remove(place)
        return row

    def having(self, field: str, value: str) -> list[Json]:
        """The objects whose indexed field has this value, oldest first."""
        return [self.rows[key] for _, _, key in self._index.get((field, value), [])]

    def place(self, key: str) -> Place | None:
        """Where an object stands, for cursors."""
        return self._where.get(key)

    def walk(
        self, *, within: tuple[str, str] | None = None, lo: int = 0, hi: int = 1 << 62,
        before: Place | None = None, after: Place | None = None, forward: bool = False,
    ) -> Iterator[Json]:  # fmt: skip
        """Newest first: created in lo..hi, older than `before`, newer than `after`; `forward` turns it round."""
        places = self._places if within is None else self._index.get(within, [])
        start = bisect_left(places, (lo, -1, ""))
        stop = bisect_right(places, (hi, 1 << 62, ""))
        start = max(start, bisect_right(places, after)) if after else start
        stop = min(stop, bisect_left(places, before)) if before else stop
        for n in range(start, stop) if forward else range(stop - 1, start - 1, -1):
            yield self.rows[places[n][2]]

    def __len__(self) -> int:
        return len(self.rows)


def _insert(places: list[Place], place: Place) -> None:
    if not places or place > places[-1]:
        places.append(place)
    else:
        insort(places, place)


def _field(row: Json, field: str) -> object:
    value: object = row
    for part in field.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value
