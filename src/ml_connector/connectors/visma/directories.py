"""Every customer or supplier of the ledger at once, kept small: by what identifies each, with what a look-up answers.

Read whole for a call a thousand; after that only what changed since, by the vendor's own clock. A party that was
deleted, or whose contact alone was changed, is seen when it is read whole again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from ml_connector.connectors.visma.client import PAGE_SIZE, VismaClient, total_of
from ml_connector.connectors.visma.lookback import OVERLAP, stamp
from ml_connector.connectors.visma.observed import Row, text
from ml_connector.connectors.visma.parties import FILTERS, KINDS, bare, found_in
from ml_connector.finance.plan import Found

MOST_PAGES = 100  # 100,000 parties are some 60 MB; more are looked up one by one
READINGS = 2
_REGISTERED = ("org_number", "vat_number")
_FACTS = (*_REGISTERED, "vat_zone", "terms", "internal_id")

Packed: TypeAlias = "dict[str, bytes]"
"""What is kept of each party, by the ledger's own id: a new number leaves that as it is."""
Index: TypeAlias = "dict[int, str | tuple[str, ...]]"
"""Ids by the hash of a mark; what it finds is compared."""


class Directory:
    """Parties of one kind as they stood. Once read never changed: `with_changes` makes another."""

    def __init__(self, kind: str, packed: Packed | None = None, by: Index | None = None, *, newest: str = "") -> None:
        self.calls = 1
        self._kind = kind
        self._newest = newest  # when the latest change was made, by the vendor's clock
        self._packed = packed or {}
        self._by = by or {}

    def __len__(self) -> int:
        return len(self._packed)

    def look_up(self, fields: Mapping[str, str]) -> list[Found]:
        """As `parties.look_up`."""
        for name in ("number", *FILTERS):
            wanted = fields.get(name, "").strip()
            if not wanted or (self._kind == "supplier" and name == "email"):
                continue
            mark = _mark(name, wanted)
            kept = [one for one in map(self._kept, self._ids(mark)) if mark in one.marks()]
            if kept:
                return [one.found for one in kept]
        return []

    def with_changes(self, rows: Iterable[Row], *, calls: int) -> Directory:
        """The same with these parties as they are now."""
        after = Directory(self._kind, dict(self._packed), dict(self._by), newest=self._newest)
        after.take(rows, calls=calls)
        return after

    def take(self, rows: Iterable[Row], *, calls: int) -> None:
        """Put these parties in while it is being read."""
        self.calls = calls
        for row in rows:
            self._take(row)

    def changed_since(self) -> str:
        """What to ask the vendor's clock for; empty where it told no time."""
        return stamp(datetime.fromisoformat(self._newest) - OVERLAP) if self._newest else ""

    def _take(self, row: Row) -> None:
        id_ = text(row.get("internalId")) or text(row.get("number"))
        for mark in self._kept(id_).marks() if id_ in self._packed else ():
            self._forget(mark, id_)
        kept = _Kept(found_in(row), tuple(_mails(row)))
        for mark in kept.marks():
            self._remember(mark, id_)
        self._packed[id_] = kept.packed()
        self._newest = max(self._newest, _clock(text(row.get("lastModifiedDateTime"))))

    def _kept(self, id_: str) -> _Kept:
        return _unpacked(self._packed[id_])

    def _ids(self, mark: str) -> tuple[str, ...]:
        found = self._by.get(hash(mark), ())
        return (found,) if isinstance(found, str) else found

    def _remember(self, mark: str, id_: str) -> None:
        others = self._ids(mark)
        self._by[hash(mark)] = (*others, id_) if others else id_

    def _forget(self, mark: str, id_: str) -> None:
        others = tuple(one for one in self._ids(mark) if one != id_)
        if others:
            self._by[hash(mark)] = others if len(others) > 1 else others[0]
        else:
            self._by.pop(hash(mark), None)


def read(client: VismaClient, kind: str, *, before: object, most_calls: int) -> Directory | int | None:
    """All parties of a kind: what changed since `before`, else all of them.

    An int: how many calls that takes, where it is more than `most_calls` (one call told so). None: there is no such
    directory, or more parties than are kept.
    """
    if kind not in KINDS:
        return None
    if isinstance(before, Directory):
        if since := before.changed_since():
            params = {"lastModifiedDateTime": since, "lastModifiedDateTimeCondition": ">="}
            pages = list(client.pages(f"/v1/{kind}", params, operation=f"GET /v1/{kind}"))
            return before.with_changes((row for page in pages for row in page), calls=max(1, len(pages)))
        most_calls = MOST_PAGES
    for _ in range(READINGS):
        made = _whole(client, kind, most_calls=most_calls)
        if made is not None:
            return made if isinstance(made, Directory) or made <= MOST_PAGES else None
    return None


def _whole(client: VismaClient, kind: str, *, most_calls: int) -> Directory | int | None:
    """None where parties were missing: pages shift when one is deleted meanwhile."""
    made, total = Directory(kind), None
    for calls, rows in enumerate(client.pages(f"/v1/{kind}", {}, operation=f"GET /v1/{kind}"), start=1):
        total = total_of(rows)
        pages = calls if total is None else -(-total // PAGE_SIZE)
        if pages > min(most_calls, MOST_PAGES):
            return pages
        made.take(rows, calls=calls)
    return made if total is None or len(made) >= total else None


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is kept of a party: a look-up's answer, and by which addresses it is found."""

    found: Found
    mails: tuple[str, ...]

    def marks(self) -> set[str]:
        """By what it is found, as `_mark` spells it."""
        named = [("number", self.found.number), *((name, self.found.facts.get(name, "")) for name in _REGISTERED)]
        named += [("email", mail) for mail in self.mails]
        return {_mark(name, value.strip()) for name, value in named if value.strip()}

    def packed(self) -> bytes:
        """A tenth of the ledger's own row."""
        found = self.found
        facts = [found.facts.get(name, "") for name in _FACTS]
        kept = [found.number, found.name, found.status, found.currency, facts, self.mails]
        return json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _unpacked(packed: bytes) -> _Kept:
    number, name, status, currency, facts, mails = json.loads(packed.decode("utf-8", "surrogatepass"))
    said = {name: value for name, value in zip(_FACTS, facts, strict=True) if value}
    return _Kept(Found(number, name, status, currency=currency, facts=said), tuple(mails))


def _mails(row: Row) -> Iterator[str]:
    for contact in (row.get("mainContact"), row.get("invoiceContact")):
        if isinstance(contact, Mapping):
            yield text(contact.get("email"))


def _mark(name: str, value: str) -> str:
    if name in _REGISTERED:
        value = bare(value)
    return f"{name}:{value.casefold() if name == 'email' else value}"


def _clock(written: str) -> str:
    """A time of the vendor's clock that can be asked for again, else nothing."""
    try:
        return datetime.fromisoformat(written).replace(tzinfo=None).isoformat()
    except ValueError:
        return ""
