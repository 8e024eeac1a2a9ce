"""Walking a listing by time so that nothing is lost: our own watermark instead of the vendor's cursor.

Each page is asked for anew from the watermark, the ids seen at that very moment left out. A vendor cursor is followed
only to get past rows that are known already, inside one call. Rows that change while we walk move behind the window's
end and are met by the next round.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ml_connector.connectors.square.client import MAX_PAGES, Row, Rows
from ml_connector.connectors.square.faults import CursorLost
from ml_connector.connectors.square.objects import time_of
from ml_connector.connectors.square.positions import Lane
from ml_connector.errors import Rejected, Transient

OVERLAP = timedelta(minutes=10)  # lists lag by seconds, customers by a minute; and clocks differ
LAG = timedelta(seconds=60)
GRAIN = timedelta(milliseconds=1)  # Square shows milliseconds and may keep more: a window begins one earlier

Ask = Callable[[datetime, str | None], Rows]
"""(begin, cursor) -> one page of the rows from `begin` to the window's end, oldest first."""


@dataclass(slots=True)
class Walk:
    """One lane's window being read: rows given so far, and how far that is."""

    at: datetime
    seen: set[str]
    rows: list[Row] = field(default_factory=list)
    full: bool = False  # it had to stop inside a page


def advance(
    lane: Lane,
    ask: Ask,
    *,
    until: datetime,
    begin: datetime,
    stamp: str,
    room: int,
    key: str = "id",
    wanted: Callable[[Row], bool] = lambda _row: True,
) -> tuple[list[Row], Lane]:
    """Read on in [begin, until] by the time field `stamp` until `room` wanted rows are there or the window ends.

    Gives the wanted rows and the lane as it then stands; at the window's end its mark is `until`. Raises Transient
    when Square does not sort as asked, Rejected when more rows carry one moment than can be passed.
    """
    walk = Walk(at=lane.at or begin, seen=set(lane.seen))
    cursor: str | None = None
    lost = 0
    for _ in range(MAX_PAGES):
        try:
            page, cursor = ask(walk.at - GRAIN, cursor)
        except CursorLost:
            lost += 1
            if lost > 2:
                raise Transient("Square forgot a page cursor three times in a row.") from None
            cursor = None
            continue
        moved = _take(walk, page, until=until, stamp=stamp, room=room, key=key, wanted=wanted)
        if cursor is None and not walk.full:
            return walk.rows, Lane(until)
        if walk.full or len(walk.rows) >= room:
            return walk.rows, Lane(lane.mark, walk.at, tuple(sorted(walk.seen)))
        if moved:
            cursor = None  # ask anew from the watermark: keyset, not the vendor's place in a list that changes
    raise Rejected(f"More than {MAX_PAGES} pages of Square carry one {stamp} ({walk.at.isoformat()}).")


def _take(
    walk: Walk,
    page: list[Row],
    *,
    until: datetime,
    stamp: str,
    room: int,
    key: str,
    wanted: Callable[[Row], bool],
) -> bool:
    """Take the new rows of a page; whether the watermark moved."""
    moved = False
    last: datetime | None = None
    for row in page:
        moment = _moment(row, stamp)
        if moment > until:  # its body is fresher than the list it stands in: give it, but do not measure by it
            if row.get(key) not in walk.seen:
                walk.seen.add(str(row.get(key)))
                walk.rows += [row] if wanted(row) else []
            continue
        if last is not None and moment < last:
            raise Transient(f"Square did not sort a list by {stamp} as asked.", record=str(row.get(key)))
        last = moment
        name = str(row.get(key))
        if moment < walk.at or name in walk.seen:
            continue
        if len(walk.rows) >= room:
            walk.full = True
            return moved
        if moment > walk.at:
            walk.at, walk.seen, moved = moment, set(), True
        walk.seen.add(name)
        walk.rows += [row] if wanted(row) else []
    return moved


def _moment(row: Mapping[str, Any], stamp: str) -> datetime:
    found = time_of(row, stamp)
    if found is None:
        raise Transient(f"A row of Square's list has no {stamp}.", record=str(row.get("id")))
    return found
