"""Where objects stand: by id, and in order of their times per location, so that a page costs the page and no scan."""

from __future__ import annotations

import heapq
import json
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Sequence
from typing import Any, Literal, Protocol

Key = tuple[int, str]
Field = Literal["created", "updated", "closed"]
FIELDS: tuple[Field, ...] = ("created", "updated", "closed")
EVERYWHERE = ""  # the index of all locations together

FIRST: Key = (-(2**62), "")
LAST: Key = (2**62, "")


def dumps(content: Any) -> str:
    """Compact JSON, the form of every answer and webhook."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


class Row(Protocol):
    """One object as lists and single reads see it."""

    @property
    def id(self) -> str: ...
    @property
    def location(self) -> str: ...
    @property
    def created(self) -> int: ...
    @property
    def updated(self) -> int: ...
    @property
    def closed(self) -> int | None: ...
    @property
    def body(self) -> dict[str, Any]: ...
    def text(self) -> str: ...


class Stored:
    """An object kept as its JSON body. Change `body` only between `Shelf.changing` and its end."""

    __slots__ = ("_text", "body", "closed", "created", "id", "location", "updated")

    def __init__(self, body: dict[str, Any], location: str, created: int, *, updated: int | None = None) -> None:
        self.id: str = body["id"]
        self.body = body
        self.location = location
        self.created = created
        self.updated = created if updated is None else updated
        self.closed: int | None = None
        self._text: str | None = None

    def text(self) -> str:
        """The body as JSON, remembered until it changes."""
        if self._text is None:
            self._text = dumps(self.body)
        return self._text

    def forget_text(self) -> None:
        """To be called after each change of the body."""
        self._text = None


class Source(Protocol):
    """Rows that are computed from a rule instead of kept (bulk trade)."""

    def get(self, key: str) -> Row | None:
        """The row of this id, if it is one of these, already visible and not taken over."""
        ...

    def keys(self, field: Field, location: str, lo: Key, hi: Key, *, descending: bool) -> Iterator[Key]:
        """Keys within [lo, hi], in order."""
        ...

    def take(self, key: str) -> Stored:
        """Hand the row over for good, because it is about to change."""
        ...

    def count(self) -> int:
        """How many rows are visible now."""
        ...


class Shelf:
    """All objects of one kind of one merchant."""

    def __init__(self) -> None:
        self.rows: dict[str, Stored] = {}
        self.sources: list[Source] = []
        self._index: dict[tuple[Field, str], list[Key]] = {}

    def put(self, row: Stored) -> Stored:
        """Add a new object."""
        self.rows[row.id] = row
        for field in FIELDS:
            self._enter(row, field)
        return row

    def get(self, key: str) -> Row | None:
        """The object of this id, kept or computed."""
        row = self.rows.get(key)
        if row is not None:
            return row
        return next((found for source in self.sources if (found := source.get(key))), None)

    def own(self, key: str) -> Stored | None:
        """The object of this id, kept from now on, so that it may change."""
        row = self.rows.get(key)
        if row is not None:
            return row
        for source in self.sources:
            if source.get(key):
                return self.put(source.take(key))
        return None

    def changed(self, row: Stored, updated: int, *, closed: int | None = None) -> None:
        """Move the row to its new place after its body was changed."""
        self._leave(row, "updated")
        row.updated = updated
        self._enter(row, "updated")
        if closed is not None:
            self._leave(row, "closed")
            row.closed = closed
            self._enter(row, "closed")
        row.forget_text()

    def remove(self, row: Stored) -> None:
        """Delete an object."""
        for field in FIELDS:
            self._leave(row, field)
        del self.rows[row.id]

    def walk(
        self, field: Field, locations: Sequence[str], *, lo: Key = FIRST, hi: Key = LAST, descending: bool = False
    ) -> Iterator[Row]:
        """Rows with a key of `field` within [lo, hi], in order, of all these locations together."""
        walks: list[Iterator[Key]] = []
        for location in locations:
            walks.append(self._keys(field, location, lo, hi, descending=descending))
            walks.extend(source.keys(field, location, lo, hi, descending=descending) for source in self.sources)
        merged = walks[0] if len(walks) == 1 else heapq.merge(*walks, reverse=descending)
        for _, key in merged:
            row = self.get(key)
            if row is not None:
                yield row

    def count(self) -> int:
        """How many objects there are, computed ones included."""
        return len(self.rows) + sum(source.count() for source in self.sources)

    def _keys(self, field: Field, location: str, lo: Key, hi: Key, *, descending: bool) -> Iterator[Key]:
        index = self._index.get((field, location), [])
        left, right = bisect_left(index, lo), bisect_right(index, hi)
        return iter(index[i] for i in (range(right - 1, left - 1, -1) if descending else range(left, right)))

    def _enter(self, row: Stored, field: Field) -> None:
        at = getattr(row, field)
        if at is not None:
            for location in (row.location, EVERYWHERE) if row.location else (EVERYWHERE,):
                insort(self._index.setdefault((field, location), []), (at, row.id))

    def _leave(self, row: Stored, field: Field) -> None:
        at = getattr(row, field)
        if at is not None:
            for location in (row.location, EVERYWHERE) if row.location else (EVERYWHERE,):
                index = self._index[(field, location)]
                index.pop(bisect_left(index, (at, row.id)))
