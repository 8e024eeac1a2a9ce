"""Streams that are read by time: rounds over lanes, overlap, offline payments twice, and the nightly second reading."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from ml_connector.connectors.shapes import Page, SourceObject
from ml_connector.connectors.square.client import FAR_BACK, Query, Row, Rows, SquareClient
from ml_connector.connectors.square.objects import source_object
from ml_connector.connectors.square.positions import Lane, Position, dump, load
from ml_connector.connectors.square.walks import LAG, OVERLAP, advance

ROOM = 500  # records of one page of ours: one transaction of the store
LANES_AT_ONCE = 25  # listings of one page of ours, so that many quiet locations cost one page and few seconds
AGAIN = timedelta(days=4)  # late offline sales come up to 72 hours after their own date
EVERYWHERE = "*"
OFFLINE, TWICE = "offline", "again"

Listing = Callable[[SquareClient, Query], Rows]


@dataclass(frozen=True, slots=True)
class Timed:
    """A stream read by time: its kind, how to list it, over which lanes.

    `together`: how many locations one call may name; 0: the listing has no locations. `flavors`: each location is
    walked once for each. `nightly`: read the last four days again by creation, once a day. `sorted_by` differs from
    updated_at where the vendor filters changes but sorts by creation.
    """

    kind: str
    listing: Listing
    together: int
    flavors: tuple[str, ...] = ("",)
    nightly: bool = True
    sorted_by: Literal["updated_at", "created_at"] = "updated_at"


TIMED: Mapping[str, Timed] = {
    # Whether payments taken offline are hidden by default is not documented: walked without and with the filter.
    "payments": Timed("payment", SquareClient.payments, together=1, flavors=("", OFFLINE)),
    "refunds": Timed("refund", SquareClient.refunds, together=0),
    "orders": Timed("order", SquareClient.orders, together=10),
    "customers": Timed("customer", SquareClient.customers, together=0, nightly=False, sorted_by="created_at"),
}


def next_page(
    client: SquareClient,
    stream: Timed,
    text: str | None,
    *,
    now: datetime,
    start: datetime,
    places: Callable[[], Sequence[str]],
) -> Page:
    """The next rows of a stream.

    `start` is where new lanes begin, `places` names all locations and is asked once a round.
    """
    position = load(text)
    if position.until is None:
        position = _round(stream, position, now=now, start=start, places=places)
    found: dict[str, SourceObject] = {}
    lanes = dict(position.lanes)
    until = position.until or now
    for _ in range(LANES_AT_ONCE):
        group = _group(stream, lanes, until)
        if not group or len(found) >= ROOM:
            break
        rows, lane = _read(client, stream, lanes[group[0]], names=group, until=until, room=ROOM - len(found))
        for row in rows:
            one = source_object(stream.kind, row)
            found[one.external_id] = one  # met in two lanes: the later reading counts
        lanes |= dict.fromkeys(group, lane)
    open_lanes = _group(stream, lanes, until)
    if not open_lanes:
        lanes = {name: lane for name, lane in lanes.items() if not name.endswith(TWICE)}
        position = replace(position, until=None, night=until.date().isoformat())
    return Page(tuple(found.values()), (), dump(replace(position, lanes=lanes)), more=bool(open_lanes))


def _round(
    stream: Timed, position: Position, *, now: datetime, start: datetime, places: Callable[[], Sequence[str]]
) -> Position:
    """A new round up to a minute ago: new locations get their lanes, a new day its second reading."""
    until = (now - LAG).replace(microsecond=(now - LAG).microsecond // 1000 * 1000)
    names = [EVERYWHERE] if stream.together == 0 else sorted(places())
    wanted = [f"{name}+{flavor}" if flavor else name for name in names for flavor in stream.flavors]
    lanes = {name: lane for name, lane in position.lanes.items() if name in wanted}
    lanes |= {name: Lane(min(start, until)) for name in wanted if name not in lanes}
    if stream.nightly and position.night and position.night != until.date().isoformat():
        lanes |= {f"{name}+{TWICE}": Lane(until - AGAIN, until - AGAIN) for name in wanted}
    return replace(position, lanes=lanes, until=until)


def _group(stream: Timed, lanes: Mapping[str, Lane], until: datetime) -> list[str]:
    """The next lanes to read: one, or as many locations as one call may name and that stand at the same place."""
    waiting = [name for name, lane in lanes.items() if lane.mark < until]
    if not waiting:
        return []
    first = waiting[0]
    alike = [name for name in waiting if lanes[name] == lanes[first] and _traits(name) == _traits(first)]
    return alike[: max(1, stream.together)]


def _read(
    client: SquareClient, stream: Timed, lane: Lane, *, names: Sequence[str], until: datetime, room: int
) -> tuple[list[Row], Lane]:
    traits = _traits(names[0])
    locations = tuple(name.partition("+")[0] for name in names) if stream.together else ()
    field: Literal["updated_at", "created_at"] = "created_at" if TWICE in traits else stream.sorted_by
    since = lane.mark - OVERLAP
    changes_apart = stream.sorted_by == "created_at"

    def ask(begin: datetime, cursor: str | None) -> Rows:
        query = Query(
            field=field,
            begin=begin,
            end=until,
            locations=locations,
            offline=OFFLINE in traits,
            also_updated_since=since if changes_apart else None,
            cursor=cursor,
        )
        return stream.listing(client, query)

    return advance(lane, ask, until=until, begin=FAR_BACK if changes_apart else since, stamp=field, room=room)


def _traits(name: str) -> tuple[str, ...]:
    return tuple(name.split("+")[1:])
