"""What vanished without a word: a month of orders and a quarter of refunds counted once a day.

Deleting a refund, or an order for good, rings no webhook and touches nothing; trashed orders leave every list. So the
ids met before are compared with those listed now: one that is missing is fetched. What the count meets for the first
time is named to be read, which heals whatever webhooks and polling missed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ml_connector.connectors.shapes import Absent, Held, Named, Page, SourceObject
from ml_connector.connectors.woocommerce.client import PER_PAGE, Row, gmt
from ml_connector.connectors.woocommerce.fields import id_of, moment_of
from ml_connector.connectors.woocommerce.objects import gone_object
from ml_connector.connectors.woocommerce.positions import Count, Position, dump, load
from ml_connector.connectors.woocommerce.sales import STATES

BACK: Mapping[str, timedelta] = {"order": timedelta(days=31), "refund": timedelta(days=92)}
PATHS: Mapping[str, str] = {"order": "/orders", "refund": "/refunds"}
FIELDS = "id,parent_id,status,date_created_gmt"
SLACK = 20  # rows listed twice where a count is taken up again: some may have been removed in front
LISTINGS = 10  # calls of one page of ours
GONE_AT_ONCE = 25  # vanished ones looked at in one page of ours
MAX_KNOWN = 50_000
FRESH_AT_ONCE = 500  # newest first: the rest is read by the streams
UNBOOKED = frozenset({"draft", "canceled"})

List = Callable[[str, dict[str, str]], list[Row] | None]
"""(path, parameters) -> one page of rows; None where the shop has no such list."""
Fetch = Callable[[str, Sequence[str]], list[SourceObject | Absent]]


def nothing_held(kind: str, since: datetime) -> tuple[str, ...]:
    """We hold nothing of the shop yet."""
    del kind, since
    return ()


@dataclass(frozen=True, slots=True)
class Counting:
    """One shop's counting."""

    ask: List
    fetch: Fetch
    held: Held

    def page(self, text: str | None, *, now: datetime) -> Page:
        """The next page: some listings, or a look at some that vanished. `more` until both kinds are done."""
        position = load(text)
        kind = position.counting or "order"
        count = position.counts.get(kind, Count())
        if count.until is None:
            count = replace(count, until=now - BACK[kind], found=frozenset(), old=frozenset(), walked=0, gone=())
        if count.gone:
            return self._look(position, kind, count, now=now)
        return self._list(position, kind, count, now=now)

    def _list(self, position: Position, kind: str, count: Count, *, now: datetime) -> Page:
        found, old, walked = set(count.found), set(count.old), count.walked
        until = count.until or now
        for _ in range(LISTINGS):
            begin = max(0, walked - SLACK)
            rows = self.ask(PATHS[kind], _params(count.since or until, begin))
            if rows is None:
                return _next(position, kind, Count())
            met = dict(_ids(kind, rows))
            found |= met.keys()
            old |= {one for one, created in met.items() if created <= until}
            if len(rows) < PER_PAGE:
                listed = replace(count, found=frozenset(found), old=frozenset(old))
                return self._compared(position, kind, listed, now=now)
            walked = begin + len(rows)
        count = replace(count, found=frozenset(found), old=frozenset(old), walked=walked)
        return Page((), (), dump(_with(position, kind, count)), more=True)

    def _compared(self, position: Position, kind: str, count: Count, *, now: datetime) -> Page:
        """All is listed: name what is new, look at what vanished."""
        met = count.known | self._held_between(kind, count)
        count = replace(count, gone=tuple(sorted(met - count.found, key=_order)))
        page = self._look(position, kind, count, now=now)
        fresh = sorted(count.found - count.known, key=_order)[-FRESH_AT_ONCE:] if count.since is not None else []
        return Page(page.objects, tuple(Named(kind, one) for one in fresh), page.position, page.more)

    def _held_between(self, kind: str, count: Count) -> set[str]:
        """The refunds of this window that we hold: one made after the last count and gone by now was never counted.

        Orders are left out: those in the trash or cancelled, of which we hold many, are listed by none.
        """
        if kind != "refund" or count.since is None:
            return set()
        return {one for one in self.held(kind, count.since) if one.count(":") == 1}

    def _look(self, position: Position, kind: str, count: Count, *, now: datetime) -> Page:
        some, rest = count.gone[:GONE_AT_ONCE], count.gone[GONE_AT_ONCE:]
        answers = self.fetch(kind, some) if some else []
        objects = tuple(
            gone_object(kind, one.external_id, now=now) if isinstance(one, Absent) else one for one in answers
        )
        if rest:
            after = _with(position, kind, replace(count, gone=rest))
            return Page(objects, (), dump(after), more=True)
        newest = frozenset(sorted(count.found - count.old, key=_order)[-MAX_KNOWN:])
        done = _next(position, kind, Count(known=newest, since=count.until))
        return Page(objects, (), done.position, done.more)


def _next(position: Position, kind: str, count: Count) -> Page:
    """One kind is done with `count` to remember; on to the other, or the end."""
    after = {"order": "refund", "refund": ""}[kind]
    counts = {**position.counts, kind: count}
    return Page((), (), dump(Position(counts=counts, counting=after)), more=bool(after))


def _with(position: Position, kind: str, count: Count) -> Position:
    return Position(counts={**position.counts, kind: count}, counting=kind)


def _params(after: datetime, offset: int) -> dict[str, str]:
    return {
        "after": gmt(after),
        "dates_are_gmt": "true",
        "orderby": "id",
        "order": "asc",
        "per_page": str(PER_PAGE),
        "offset": str(offset),
        "_fields": FIELDS,
    }


def _ids(kind: str, rows: Sequence[Row]) -> Iterator[tuple[str, datetime]]:
    """External id and creation of each row. Drafts and cancelled orders are not counted: nothing is booked for them."""
    for row in rows:
        id_, parent, created = id_of(row.get("id")), id_of(row.get("parent_id")), moment_of(row.get("date_created_gmt"))
        if id_ is None or created is None:
            continue
        if kind == "refund":
            if parent is not None:
                yield f"{parent}:{id_}", created
        elif STATES.get(str(row.get("status")), "open") not in UNBOOKED:
            yield id_, created


def _order(external_id: str) -> tuple[int, str]:
    return int(external_id.rpartition(":")[2]), external_id
