"""How far a stream has been read, as text that survives a restart: times and ids, never a page number of the shop.

`mark`: every row up to then was given. While a reading is under way `at` is how far, and `seen` the rows given at that
very second. `walked` counts the rows given of a full walk. `known` are the ids that a count has met, by kind; `found`
and `gone` belong to a count under way.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ml_connector.connectors.positions import taking_apart
from ml_connector.connectors.woocommerce.fields import moment_of

VERSION = 1


@dataclass(frozen=True, slots=True)
class Lane:
    """One listing that is read by time."""

    mark: datetime | None = None
    at: datetime | None = None
    seen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Count:
    """The counting of one kind. `known` holds everything that was created after `since` when it was last counted.

    Under way: `found` everything created after `since` now, `old` those of it that the next count leaves out because
    they were created before `until`, `gone` those of `known` that are not there and are still to be looked at.
    """

    known: frozenset[str] = frozenset()
    since: datetime | None = None
    until: datetime | None = None
    found: frozenset[str] = frozenset()
    old: frozenset[str] = frozenset()
    walked: int = 0
    gone: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Position:
    """The whole position of a stream."""

    lane: Lane = field(default_factory=Lane)
    walked: int = 0
    counts: Mapping[str, Count] = field(default_factory=dict)
    counting: str = ""


def dump(position: Position) -> str:
    """The position as text."""
    written: dict[str, Any] = {"v": VERSION}
    if position.lane != Lane():
        lane = position.lane
        written["lane"] = [_out(lane.mark), _out(lane.at), list(lane.seen)]
    if position.walked:
        written["walked"] = position.walked
    if position.counts:
        written["counts"] = {kind: _count_out(count) for kind, count in sorted(position.counts.items())}
    if position.counting:
        written["counting"] = position.counting
    return json.dumps(written, separators=(",", ":"))


def load(text: str | None) -> Position:
    """The position in a text, an empty one for None. Raises UsageError when it is no position of ours."""
    if text is None:
        return Position()
    with taking_apart("WooCommerce"):
        read = json.loads(text)
        if read["v"] != VERSION:
            raise ValueError("version")
        mark, at, seen = read.get("lane", (None, None, ()))
        return Position(
            lane=Lane(_in(mark), _in(at), tuple(str(one) for one in seen)),
            walked=int(read.get("walked", 0)),
            counts={str(kind): _count_in(count) for kind, count in read.get("counts", {}).items()},
            counting=str(read.get("counting", "")),
        )


def _count_out(count: Count) -> list[Any]:
    """Ids as text of their differences: a month of a busy shop stays a few kilobytes."""
    times = [_out(count.since), _out(count.until)]
    under_way = [_packed(count.found), _packed(count.old), count.walked, list(count.gone)]
    return [_packed(count.known), *times, *under_way]


def _count_in(read: Any) -> Count:
    known, since, until, found, old, walked, gone = read
    return Count(
        known=_unpacked(known),
        since=_in(since),
        until=_in(until),
        found=_unpacked(found),
        old=_unpacked(old),
        walked=int(walked),
        gone=tuple(str(one) for one in gone),
    )


def _packed(ids: Iterable[str]) -> str:
    """Ids "727" and "727:731" (order and refund) as sorted differences of the last number."""
    before, parts = 0, []
    for last, first in sorted((int(one.rpartition(":")[2]), one.rpartition(":")[0]) for one in ids):
        parts.append(f"{last - before}" + (f":{first}" if first else ""))
        before = last
    return " ".join(parts)


def _unpacked(text: str) -> frozenset[str]:
    before, found = 0, []
    for part in str(text).split():
        step, _, first = part.partition(":")
        before += int(step)
        found.append(f"{first}:{before}" if first else str(before))
    return frozenset(found)


def _out(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _in(text: str | None) -> datetime | None:
    if text is None:
        return None
    found = moment_of(text)
    if found is None:
        raise ValueError(text)
    return found
