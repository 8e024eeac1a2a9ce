"""Reads Visma as a source: streams by last change, records by number, what points to them, and files.

A position is the vendor's own clock, never ours: the newest `lastModifiedDateTime` that a whole sweep showed. Each
sweep begins two hours before it; what comes twice is recognised by its content.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ml_connector.connectors.shapes import Absent, Page, SourceObject
from ml_connector.connectors.visma import files, purchase_reading
from ml_connector.connectors.visma.client import PAGE_SIZE, VismaClient, is_last, segment, total_of
from ml_connector.connectors.visma.lookback import OVERLAP, stamp
from ml_connector.connectors.visma.observed import Row, text
from ml_connector.connectors.visma.purchase_reading import LISTS
from ml_connector.connectors.visma.records import NUMBERED, TIMES, Kind, kind_of, source_object
from ml_connector.errors import UsageError

PARTIES = frozenset({"customer", "supplier"})  # what many documents name, and one list shows whole
FEW = 4  # below this many, records are asked for one by one
NOT_LISTED = "Visma's list does not show it."
A_DAY = timedelta(days=1)  # more than the zones that a shown time and a filter's could be apart
SWEEPS = 3  # a sweep whose total changed while it ran begins anew, so often


@dataclass(frozen=True, slots=True)
class _Position:
    """Where a stream is: `since` and `newest` on the vendor's clock, and the next `page` of the sweep.

    Also its `total` at the beginning, and how often it began anew.
    """

    since: str = ""
    newest: str = ""
    page: int = 1
    total: int | None = None
    again: int = 0

    def text(self) -> str:
        return json.dumps([self.since, self.newest, self.page, self.total, self.again])

    @classmethod
    def of(cls, position: str) -> _Position:
        return cls(*json.loads(position))


class VismaReader:
    """Reads one company. Every call is bounded by a page."""

    def __init__(self, client: VismaClient) -> None:
        self.client = client

    def page(self, stream: str, position: str | None, *, now: datetime, backfill_from: datetime | None = None) -> Page:
        """One page of what changed. Only the vendor's clock counts; ours tells when a list is read whole again."""
        if stream in LISTS:
            return purchase_reading.page(self.client, stream, position, now=now)
        kind = kind_of(stream)
        began = "" if kind.whole else _naive(backfill_from)
        here = _Position.of(position) if position else _Position(since=began)
        params = {**dict(kind.params), "pageNumber": str(here.page), "pageSize": str(PAGE_SIZE)}
        if here.since:
            asked = datetime.fromisoformat(here.since) - OVERLAP
            params |= {"lastModifiedDateTime": stamp(asked), "lastModifiedDateTimeCondition": ">="}
        else:
            params |= dict(kind.first)
        rows = self.client.rows(kind.path, operation=f"GET {kind.path}", params=params)
        objects = tuple(source_object(stream, kind, row) for row in rows)
        following, more = _next(here, rows)
        return Page(objects, (), following.text(), more)

    def fetch(
        self, kind: str, external_ids: Sequence[str], *, since: datetime | None = None
    ) -> list[SourceObject | Absent]:
        """The present state of records: one listing, or a call for each.

        One listing where it is known since when they changed, or where a whole list of parties takes fewer calls.
        """
        if kind in LISTS:
            return purchase_reading.fetch(self.client, kind, external_ids)
        what, found = kind_of(kind), {}
        if since is not None and len(external_ids) >= FEW:
            params = {"lastModifiedDateTime": stamp(since.astimezone(UTC).replace(tzinfo=None) - OVERLAP)}
            params |= {**dict(what.params), "lastModifiedDateTimeCondition": ">="}
            rows = self.client.listed(what.path, params, operation=f"GET {what.path}")
            found = {one.external_id: one for row in rows for one in [source_object(kind, what, row)]}
        elif kind in PARTIES and len(external_ids) >= FEW:
            found = self._among_all(kind, what, len(set(external_ids)))
        return [found.get(name) or self._one(kind, what, name, told=since is not None) for name in external_ids]

    def find(self, kind: str, link: tuple[str, str], *, location: str | None) -> list[SourceObject]:
        """The documents of a party: link ("customer" or "supplier", number). The receipts of an ("order", number).

        The payments of an ("invoice", number) to a supplier. Filters that are ignored are noticed: rows are compared.
        """
        del location
        what, (name, value) = kind_of(kind), link
        filtered = dict(what.links).get(name) or (what.party if what.party and name == what.party else "")
        if not filtered:
            raise UsageError(f"Visma's {kind} cannot be found by {name}.", record=value)
        rows = self.client.listed(what.path, {**dict(what.params), filtered: value}, operation=f"GET {what.path}")
        return [source_object(kind, what, row) for row in rows if _points(row, filtered, value)]

    def referring(self, kind: str, reference: str) -> list[SourceObject]:
        """The documents on which a person or a shop wrote this reference of the customer's; rows are compared here."""
        what = kind_of(kind)
        if not reference:
            return []
        params = {**dict(what.params), "customerRefNumber": reference}
        first = next(self.client.pages(what.path, params, operation=f"GET {what.path}"), [])
        return [source_object(kind, what, row) for row in first if text(row.get("customerRefNumber")) == reference]

    def walk(self, kind: str, *, location: str | None, since: datetime) -> list[SourceObject]:
        """Every record of a kind changed since then, in one listing."""
        del location
        if kind in LISTS:
            return purchase_reading.walk(self.client, kind)
        what = kind_of(kind)
        params = {"lastModifiedDateTime": stamp(since.astimezone(UTC).replace(tzinfo=None) - OVERLAP)}
        params |= {**dict(what.params), "lastModifiedDateTimeCondition": ">="}
        rows = self.client.listed(what.path, params, operation=f"GET {what.path}")
        return [source_object(kind, what, row) for row in rows]

    def attachment(self, kind: str, external_id: str, file_id: str) -> bytes:
        """A file that the ledger keeps on a record, whole. One call; raises Rejected for one that is too large."""
        return files.read(self.client, file_id, record=f"{kind} {external_id}")

    def _among_all(self, kind: str, what: Kind, wanted: int) -> dict[str, SourceObject]:
        """Every record of a kind by its id; only the first page where the list takes more calls than are `wanted`."""
        found: dict[str, SourceObject] = {}
        for rows in self.client.pages(what.path, dict(what.params), operation=f"GET {what.path}"):
            found |= {one.external_id: one for row in rows for one in [source_object(kind, what, row)]}
            total = total_of(rows)
            if total is None or total > wanted * len(rows):
                break
        return found

    def _one(self, kind: str, what: Kind, name: str, *, told: bool) -> SourceObject | Absent:
        of, number = what.parts(name)
        if what.alone == NUMBERED:
            return self._listed(kind, what, name, {"paymentNbr": number, "paymentType": of})
        parts = [of, number] if of and not what.plain else [number]
        path = what.path + "".join(f"/{segment(part)}" for part in parts)
        found = self.client.row(path, operation=f"GET {what.path}/{{id}}")
        if found is None:
            return Absent(kind, name, "Visma answers 404: there is no such record.")
        one = source_object(kind, what, found[0])
        # Another type may have the same number, and the path has no type. An event that told of a bare number meant
        # what the path shows; what is needed by its number alone is an order.
        if what.plain and one.external_id != name and not told:
            found_by = (self._listed(kind, what, name, {"orderType": one}) for one in ([of] if of else what.plain))
            return next((one for one in found_by if isinstance(one, SourceObject)), Absent(kind, name, NOT_LISTED))
        asked = _asked(what, found[0])
        return self._listed(kind, what, name, asked) if asked else one

    def _listed(self, kind: str, what: Kind, name: str, asked: Mapping[str, str]) -> SourceObject | Absent:
        """One record as the list shows it: a record has the same shape however it was read."""
        asked = {**asked, **{f"{one}Condition": ">=" for one in asked if one in TIMES}}
        for rows in self.client.pages(what.path, {**dict(what.params), **asked}, operation=f"GET {what.path}"):
            for row in rows:
                one = source_object(kind, what, row)
                if one.external_id == name:
                    return one
        return Absent(kind, name, NOT_LISTED)


def _asked(what: Kind, row: Row) -> dict[str, str]:
    """The filters by which the list shows this very record; empty where its path shows all of it."""
    asked = {}
    for name, field in what.alone:
        said = text(row.get(field))
        if name == "lastModifiedDateTime" and said:
            shown = _clock(said)
            said = stamp(datetime.fromisoformat(shown) - A_DAY) if shown else ""
        if said:
            asked[name] = said
    return asked if what.alone and asked.get(what.alone[0][0]) else {}


def _points(row: Row, filtered: str, value: str) -> bool:
    """Whether a row or one of its lines says this."""
    if filtered == "poOrderNbr":
        return any(text(line.get(filtered)) == value for line in _lines(row, "lines"))
    if filtered == "invoiceRefNbr":
        return any(text(line.get(filtered)) == value for line in _lines(row, "paymentLines"))
    return text(row.get(filtered)) == value


def _lines(row: Row, name: str) -> list[Row]:
    found = row.get(name)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def _next(here: _Position, rows: Sequence[Row]) -> tuple[_Position, bool]:
    """The next position, and whether the sweep goes on. A total that changed means that rows moved between pages."""
    newest = max([here.newest, *(_clock(text(row.get("lastModifiedDateTime"))) for row in rows)])
    total = total_of(list(rows))
    first_total = total if here.page == 1 else here.total
    seen = (here.page - 1) * PAGE_SIZE + len(rows)
    ended = not rows or is_last(list(rows), units=len(rows), seen=seen, first=here.page)
    if not ended:
        return _Position(here.since, newest, here.page + 1, first_total, here.again), True
    moved = here.page > 1 and total is not None and total != first_total
    if moved and here.again + 1 < SWEEPS:
        return _Position(here.since, newest, 1, None, here.again + 1), True
    return _Position(since=max(here.since, newest)), False


def _naive(at: datetime | None) -> str:
    return "" if at is None else at.astimezone(UTC).replace(tzinfo=None).isoformat()


def _clock(written: str) -> str:
    """A time of the vendor's clock if it can be asked for again, else nothing."""
    try:
        return datetime.fromisoformat(written).replace(tzinfo=None).isoformat()
    except ValueError:
        return ""
