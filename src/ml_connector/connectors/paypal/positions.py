"""How far a stream has been read, as text that survives a restart: times, page numbers and digests of our own.

`known` and `found` hold short digests of what was named in the round before and in this one: there is no filter for
changes, so a list row that looks as before names nothing to read again.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from datetime import datetime

from ml_connector.connectors.paypal.fields import moment_of
from ml_connector.connectors.positions import taking_apart

VERSION = 1
MAX_SPAN_S = 30 * 86_400  # a report's window is at most 31 days


@dataclass(frozen=True, slots=True)
class Position:
    """One stream. `mark`: everything up to then was given. `until` is the end of the round under way, None between.

    The report: `begin`..`end` is the window being read, of which `page` is next; `seen` and `digest` tell what of it
    was given, `total` what PayPal counted, `before` what its last whole reading gave; `span_s` how long windows may
    be; `day` the last deep reading. Lists: `step` is the query, `page` its next page.
    """

    mark: datetime | None = None
    until: datetime | None = None
    begin: datetime | None = None
    end: datetime | None = None
    page: int = 1
    seen: int = 0
    digest: int = 0
    total: int | None = None
    before: str = ""
    span_s: int = MAX_SPAN_S
    day: str = ""
    deep: bool = False
    step: int = 0
    known: tuple[str, ...] = ()
    found: tuple[str, ...] = ()


_TIMES = frozenset({"mark", "until", "begin", "end"})
_LISTS = frozenset({"known", "found"})
_DEFAULT = Position()


def dump(position: Position) -> str:
    """The position as text; what is as always is left out."""
    written: dict[str, object] = {"v": VERSION}
    for field in dataclasses.fields(Position):
        value = getattr(position, field.name)
        if value != getattr(_DEFAULT, field.name):
            written[field.name] = value.isoformat() if field.name in _TIMES else value
    return json.dumps(written, separators=(",", ":"))


def load(text: str | None) -> Position:
    """The position in a text, an empty one for None. Raises UsageError when it is no position of ours."""
    if text is None:
        return Position()
    with taking_apart("PayPal"):
        read = json.loads(text)
        if read.pop("v") != VERSION:
            raise ValueError("version")
        for name in read.keys() & _TIMES:
            read[name] = _time(read[name])
        for name in read.keys() & _LISTS:
            read[name] = tuple(str(one) for one in read[name])
        position = Position(**read)
        if not all(type(value) is int for value in (position.page, position.seen, position.digest, position.span_s)):
            raise ValueError("numbers")
        return position


def _time(text: str) -> datetime:
    found = moment_of(text)
    if found is None:
        raise ValueError(text)
    return found
