"""What reads a system: records as they are read, the reader, and what some readers do besides."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from ml_connector.finance.documents import Document
from ml_connector.finance.money import Money

Payload = Mapping[str, Any]
"""The JSON object of one record, as the vendor gave it; numbers with decimals are Decimal."""


@dataclass(frozen=True, slots=True)
class Named:
    """A record of the source by name only: it is to be fetched."""

    kind: str
    external_id: str


@dataclass(frozen=True, slots=True)
class SourceObject:
    """A record of the source as read: its payload untouched.

    `stamp` orders versions (the vendor's version or update time as sortable text; empty: by time of reading).
    `occurred_at` is the business moment used for priority and go-live.
    """

    kind: str
    external_id: str
    payload: Payload
    stamp: str
    occurred_at: datetime
    location: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a stream.

    `position` goes into the cursor together with what was stored; `more` asks for the next at once.

    `position` is text of the reader's own; it must survive a restart and never rest on a vendor cursor that expires.
    """

    objects: tuple[SourceObject, ...]
    named: tuple[Named, ...]
    position: str
    more: bool


@dataclass(frozen=True, slots=True)
class Absent:
    """The source says: there is no such record (any more)."""

    kind: str
    external_id: str
    why: str


class Reader(Protocol):
    """Reads one connection. Each method is bounded: pages, body sizes, time."""

    def page(self, stream: str, position: str | None, *, now: datetime, backfill_from: datetime | None = None) -> Page:
        """The next page of a stream after `position` (None: from the beginning, or from `backfill_from`)."""
        ...

    def fetch(
        self, kind: str, external_ids: Sequence[str], *, since: datetime | None = None
    ) -> list[SourceObject | Absent]:
        """The present state of these records, in as few calls as the vendor allows.

        `since` is a hint: all of them changed after this moment, so that a reader may list instead of asking one
        by one.
        """
        ...

    def find(self, kind: str, link: tuple[str, str], *, location: str | None) -> list[SourceObject]:
        """Records of this kind that point to something (an invoice by its order).

        A walk where the vendor has no filter.
        """
        ...

    def walk(self, kind: str, *, location: str | None, since: datetime) -> list[SourceObject]:
        """Every record of this kind at a location that may point to something newer than `since`, in one bounded walk.

        The engine remembers when it began: "nothing points there" is then an answer for everything older.
        """
        ...


@runtime_checkable
class ReadsFiles(Protocol):
    """A reader that also brings the files which the system keeps on its records. Not every reader does."""

    def attachment(self, kind: str, external_id: str, file_id: str) -> bytes:
        """The bytes of a file of this record, whole. Bounded by a size; from the system's own address only.

        Raises NotFound when it was taken away, Rejected when it is too large, Transient when it did not arrive.
        """
        ...


@runtime_checkable
class TellsHowFar(Protocol):
    """A reader whose positions say how far they are."""

    def reached(self, stream: str, position: str) -> datetime | None:
        """Everything older was given; None for a stream that is not read in order of time."""
        ...


@dataclass(frozen=True, slots=True)
class Balances:
    """What a processor says it holds for us to use, by currency, at a moment it knows everything of."""

    as_of: datetime
    available: Mapping[str, Money]


@runtime_checkable
class StatesBalances(Protocol):
    """A reader of a processor that states its own balance."""

    def balances(self, at: datetime) -> Balances:
        """As it stood then, or at the latest moment before that the processor knows."""
        ...


Held = Callable[[str, datetime], Collection[str]]
"""(kind, since) -> ids of that kind, made since, that we hold."""


@runtime_checkable
class Compares(Protocol):
    """A reader that compares what a source lists with what we hold of it, to find what vanished without a word."""

    def compare_with(self, held: Held) -> None:
        """Asked before a page is read."""
        ...


Translate = Callable[[str, Payload], Document]
"""(kind, payload) -> canonical document. Raises Untranslatable naming the field."""
