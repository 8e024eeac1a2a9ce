"""What the doctor says of a processor that states its own balance: what we read of it must add up to how it moved."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from ml_connector.clock import micros
from ml_connector.connectors.shapes import Balances, StatesBalances, TellsHowFar
from ml_connector.engine import gathering
from ml_connector.engine.books import Books, Road
from ml_connector.engine.works import Works, open_line
from ml_connector.errors import ConnectorError
from ml_connector.finance.documents import Movement
from ml_connector.finance.money import Money
from ml_connector.rules import clearing
from ml_connector.rules.days import day_bounds
from ml_connector.store import cursors, records, trips

WEEK = timedelta(days=7)
MOST_A_WEEK = 1_000_000


class Told(NamedTuple):
    """One line of the diagnosis."""

    item: str
    verdict: Literal["ok", "wrong", "asked"]
    sentence: str
    fix: str = ""


def examine(works: Works, books: Books) -> Iterator[Told]:
    """Two calls for each source that states balances; nothing for others, or before anything was read."""
    for road in books.roads.values():
        reader = open_line(works, road.source.id).reader
        if isinstance(reader, StatesBalances):
            try:
                yield from _proven(works, road, reader)
            except ConnectorError as fault:
                yield Told(f"balance of {road.source.code}", "asked", f"It was not told: {fault.what}", fault.fix)


def _proven(works: Works, road: Road, reader: StatesBalances) -> Iterator[Told]:
    read_to = _read_to(works, road, reader)
    if read_to is None or road.terms.go_live is None:
        return
    began = day_bounds(road.terms.go_live, road.terms, None)[0]
    opened, stands = reader.balances(began), reader.balances(read_to)
    moved = _moved(works, road, since=began, until=min(read_to, stands.as_of))
    for currency, now in sorted(stands.available.items()):
        before = opened.available.get(currency, Money.zero(currency))
        read = Money(moved.get(currency, 0), currency)
        yield _told(road, stands, read, now - before, currency=currency)


def _told(road: Road, stands: Balances, read: Money, stated: Money, *, currency: str) -> Told:
    item = f"balance of {road.source.code} in {currency}"
    since = f"between {road.terms.go_live} and {stands.as_of:%Y-%m-%d %H:%M} UTC"
    if read == stated:
        return Told(item, "ok", f"It moved by {stated} {since}, and so do the records that were read.")
    return Told(
        item, "wrong",
        f"It moved by {stated} {since}; the records that were read make {read}: {stated - read} is missing.",
        "Rows may come days late: look again tomorrow. If it stays, read them again with `ml-connector read --since`; "
        "a payment from before go-live that was completed after it stays a difference.",
    )  # fmt: skip


def _read_to(works: Works, road: Road, reader: StatesBalances) -> datetime | None:
    """Up to when every stream that tells it was read."""
    if not isinstance(reader, TellsHowFar):
        return None
    streams = {one.name for one in works.system(road.source.connector).connector.streams}
    with works.database.reading() as c:
        own = [one for one in cursors.of_connection(c, road.source.id) if one.position and one.stream in streams]
    marks = [mark for one in own if (mark := reader.reached(one.stream, one.position or ""))]
    return min(marks, default=None)


def _moved(works: Works, road: Road, *, since: datetime, until: datetime) -> dict[str, int]:
    """Minor units by currency that the rows of this road moved; a week at a time, as there may be millions."""
    sums: dict[str, int] = {}
    while since <= until:
        for row in _rows(works, road, since=since, until=since + WEEK):
            moved = clearing.kept(row, road.terms) if row.updated_at <= until else None
            if moved is not None:
                sums[moved.currency] = sums.get(moved.currency, 0) + moved.minor
        since += WEEK
    return sums


def _rows(works: Works, road: Road, *, since: datetime, until: datetime) -> Iterator[Movement]:
    with works.database.reading() as c:
        found = trips.of_route(c, road.route.id, since=micros(since), until=micros(until), limit=MOST_A_WEEK)
        stored = records.by_ids(c, [trip.record_id for trip in found])
    for record in stored.values():
        if record.payload is None or record.kind not in road.flow.moves:
            continue
        document, _ = gathering.document_of(works, record, road.translate)
        if isinstance(document, Movement):
            yield document
