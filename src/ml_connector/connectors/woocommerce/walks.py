"""Walking a listing by time so that nothing is lost although the shop pages by offset over rows that move.

Each page is asked for anew from our own watermark. The filters are strictly exclusive and know whole seconds, so we ask
from one second before; rows of the very second that were given already are left out. A reading begins ten minutes
before the mark, because transactions end late, replicas lag and clocks step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ml_connector.connectors.woocommerce.client import PER_PAGE, Row, gmt
from ml_connector.connectors.woocommerce.fields import id_of, moment_of
from ml_connector.connectors.woocommerce.positions import Lane
from ml_connector.errors import Rejected, Transient

OVERLAP = timedelta(minutes=10)
SECOND = timedelta(seconds=1)
# A shop that ignores the filter gives rows from any time; one that ignores `dates_are_gmt` is off by its zone.
WIDEST_ZONE = timedelta(hours=15)
MAX_PAGES = 40  # of one second, or of a list that is not sorted as asked

List = Callable[[dict[str, str]], list[Row]]
"""Parameters -> one page of rows; how many a page holds is told by `per_page`."""


@dataclass(frozen=True, slots=True)
class Filter:
    """By which time a listing is filtered and sorted, and where that time stands in a row."""

    after: str
    before: str
    orderby: str
    stamp: str


MODIFIED = Filter("modified_after", "modified_before", "modified", "date_modified_gmt")
CREATED = Filter("after", "before", "date", "date_created_gmt")


@dataclass(slots=True)
class Walk:
    """One reading under way: the second it has come to, and what was given at it."""

    at: datetime
    seen: set[str]
    rows: list[Row] = field(default_factory=list)

    def take(self, row: Row, moment: datetime) -> None:
        """Take a row that was not given yet."""
        name = str(row.get("id"))
        if moment < self.at or (moment == self.at and name in self.seen):
            return
        if moment > self.at:
            self.at, self.seen = moment, set()
        self.seen.add(name)
        self.rows.append(row)


def advance(
    lane: Lane, ask: List, by: Filter, *, start: datetime, now: datetime, pages: int, per_page: int = PER_PAGE
) -> tuple[list[Row], Lane, bool]:
    """Read on for at most `pages` pages: the new rows, the lane as it then stands, whether there is more.

    Raises Rejected for a shop that does not know the filter, Transient for rows without a time.
    """
    begin = start if lane.mark is None else lane.mark - OVERLAP
    walk = Walk((lane.at or begin).replace(microsecond=0), set(lane.seen))
    for _ in range(pages):
        asked = walk.at - SECOND
        page = ask(_params(by, asked, per_page=per_page))
        moments = [_moment(row, by, asked) for row in page]
        before = walk.at
        if moments == sorted(moments):
            for row, moment in zip(page, moments, strict=True):
                walk.take(row, moment)
        else:
            # an old shop sorts by its local time: out of order in the hour that summer time ends, so take it whole
            _unsorted(walk, ask, by, asked=asked, first=page, per_page=per_page)
            return walk.rows, _ended(lane, walk, begin=begin, now=now), False
        if len(page) < per_page:
            return walk.rows, _ended(lane, walk, begin=begin, now=now), False
        if walk.at == before and moments[-1] == before:
            _crowded(walk, ask, by, per_page=per_page)
    return walk.rows, Lane(lane.mark, walk.at, tuple(sorted(walk.seen))), True


def _params(by: Filter, after: datetime, *, per_page: int) -> dict[str, str]:
    return {
        by.after: gmt(after),
        "dates_are_gmt": "true",
        "orderby": by.orderby,
        "order": "asc",
        "per_page": str(per_page),
    }


def _ended(lane: Lane, walk: Walk, *, begin: datetime, now: datetime) -> Lane:
    """The mark never goes back, nor beyond our own now: a stamp from the future must not hide what comes before."""
    reached = min(walk.at, now.replace(microsecond=0)) if walk.rows else begin
    return Lane(max(reached, lane.mark) if lane.mark is not None else reached)


def _crowded(walk: Walk, ask: List, by: Filter, *, per_page: int) -> None:
    """More rows of one second than a page holds (a bulk edit): the order among them is open, so they are read by id."""
    params = {
        **_params(by, walk.at - SECOND, per_page=per_page),
        by.before: gmt(walk.at + SECOND),
        "orderby": "id",
    }
    for number in range(1, MAX_PAGES + 1):
        page = ask({**params, "page": str(number)})
        for row in page:
            if row.get(by.stamp) is not None and moment_of(row[by.stamp]) == walk.at:
                walk.take(row, walk.at)
        if len(page) < per_page:
            walk.at, walk.seen = walk.at + SECOND, set()
            return
    raise Rejected(f"More than {MAX_PAGES * per_page} rows of the shop carry one second ({walk.at.isoformat()}).")


def _unsorted(walk: Walk, ask: List, by: Filter, *, asked: datetime, first: list[Row], per_page: int) -> None:
    rows, page = list(first), first
    for number in range(2, MAX_PAGES + 1):
        if len(page) < per_page:
            break
        page = ask({**_params(by, asked, per_page=per_page), "page": str(number)})
        rows += page
    else:
        raise Rejected(f"The shop does not sort by {by.orderby} as asked.", fix="Update WooCommerce.")
    unique = {str(row.get("id")): row for row in rows}
    for row in sorted(unique.values(), key=lambda one: _moment(one, by, asked)):
        walk.take(row, _moment(row, by, asked))


def _moment(row: Row, by: Filter, asked: datetime) -> datetime:
    found = moment_of(row.get(by.stamp))
    if found is None or id_of(row.get("id")) is None:
        raise Transient(f"A row of the shop's list has no id or no {by.stamp}.", record=str(row.get("id"))[:40])
    if found < asked - WIDEST_ZONE:
        raise Rejected(
            f"The shop does not know the filter {by.after}: it gives rows of {found.isoformat()}.",
            fix="Update WooCommerce to 5.8 or newer.",
        )
    return found.replace(microsecond=0)
