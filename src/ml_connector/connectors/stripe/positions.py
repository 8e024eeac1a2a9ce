"""How far a stream has been read, as text that survives a restart: times of our own asking, and digests.

`after` is an id, not a cursor that expires; where Stripe does not take it any more the round begins anew.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass

from ml_connector.connectors.positions import taking_apart

FORM = 1


@dataclass(frozen=True, slots=True)
class Position:
    """One stream.

    `mark`: everything created before was given. `begin`..`until` is the round under way, `after` the last id of it that
    was given; `until` 0 between rounds. `day`: of the last deep round. `known` and `found` hold digests of what was
    named in the round before and in this one. Times in seconds.
    """

    mark: int = 0
    begin: int = 0
    until: int = 0
    after: str = ""
    day: str = ""
    known: tuple[str, ...] = ()
    found: tuple[str, ...] = ()


_DEFAULT = Position()


def dump(position: Position) -> str:
    """The position as text; what is as always is left out."""
    written: dict[str, object] = {"v": FORM}
    for field in dataclasses.fields(Position):
        value = getattr(position, field.name)
        if value != getattr(_DEFAULT, field.name):
            written[field.name] = value
    return json.dumps(written, separators=(",", ":"))


def load(text: str | None) -> Position:
    """The position in a text, an empty one for None. Raises UsageError when it is no position of ours."""
    if text is None:
        return Position()
    with taking_apart("Stripe"):
        read = json.loads(text)
        if read.pop("v") != FORM:
            raise ValueError("version")
        for name in read.keys() & {"known", "found"}:
            read[name] = tuple(str(one) for one in read[name])
        position = Position(**read)
        if not all(type(value) is int for value in (position.mark, position.begin, position.until)):
            raise ValueError("times")
        if type(position.after) is not str or type(position.day) is not str:
            raise ValueError("texts")
        return position
