"""How far a stream has been read, as text that survives a restart: times and ids of our own, never a vendor's cursor.

A *lane* is one listing that is walked by time: a location's payments, its offline payments, all refunds. `mark`:
every row up to then was given. While a window is being read, `at` is how far and `seen` the ids given at exactly that
moment. A *round* reads all lanes up to the same `until`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ml_connector.connectors.positions import taking_apart
from ml_connector.connectors.square.fields import moment_of

VERSION = 1


@dataclass(frozen=True, slots=True)
class Lane:
    """One listing by time. `again`: a second reading by creation time, which ends with its window."""

    mark: datetime
    at: datetime | None = None
    seen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Position:
    """All lanes of a stream. `until` is the end of the round under way; `night` the day of the last nightly reading.

    `known`, `watched` and `due` belong to payouts: what was given of the last days, which are not final, which are to
    be read again. `walked` counts the rows given of a full walk under way at `place`.
    """

    lanes: Mapping[str, Lane] = field(default_factory=dict)
    until: datetime | None = None
    night: str = ""
    known: Mapping[str, str] = field(default_factory=dict)
    watched: Mapping[str, str] = field(default_factory=dict)
    due: tuple[str, ...] = ()
    place: str = ""
    walked: int = 0


def dump(position: Position) -> str:
    """The position as text."""
    written: dict[str, Any] = {"v": VERSION}
    if position.lanes:
        written["lanes"] = {name: _lane_out(lane) for name, lane in sorted(position.lanes.items())}
    if position.until is not None:
        written["until"] = position.until.isoformat()
    for name in ("night", "known", "watched", "due", "place", "walked"):
        if value := getattr(position, name):
            written[name] = value
    return json.dumps(written, separators=(",", ":"), ensure_ascii=False)


def load(text: str | None) -> Position:
    """The position in a text, an empty one for None. Raises UsageError when it is no position of ours."""
    if text is None:
        return Position()
    with taking_apart("Square"):
        read = json.loads(text)
        if read["v"] != VERSION:
            raise ValueError("version")
        return Position(
            lanes={str(name): _lane_in(lane) for name, lane in read.get("lanes", {}).items()},
            until=_time(read["until"]) if "until" in read else None,
            night=str(read.get("night", "")),
            known={str(key): str(value) for key, value in read.get("known", {}).items()},
            watched={str(key): str(value) for key, value in read.get("watched", {}).items()},
            due=tuple(str(one) for one in read.get("due", ())),
            place=str(read.get("place", "")),
            walked=int(read.get("walked", 0)),
        )


def _lane_out(lane: Lane) -> list[Any]:
    if lane.at is None:
        return [lane.mark.isoformat()]
    return [lane.mark.isoformat(), lane.at.isoformat(), list(lane.seen)]


def _lane_in(read: Any) -> Lane:
    if len(read) == 1:
        return Lane(_time(read[0]))
    return Lane(_time(read[0]), _time(read[1]), tuple(str(one) for one in read[2]))


def _time(text: str) -> datetime:
    found = moment_of(text)
    if found is None:
        raise ValueError(text)
    return found
