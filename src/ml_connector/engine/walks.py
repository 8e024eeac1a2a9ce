"""Walks: when every record of a kind at a location was last read, so that "nothing points there" is an answer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TypeAlias

from ml_connector.clock import micros
from ml_connector.engine.works import Works
from ml_connector.store import cursors
from ml_connector.store.connection_rows import ConnectionRow
from ml_connector.store.database import Connection

Place: TypeAlias = tuple[str, str | None]
"""A kind of record and the location it is read at; None: where the source knows no locations."""

BACK = timedelta(days=31)
"""How far back a walk looks where nothing says how far."""


def reach(since: datetime | None, *, now: datetime) -> int:
    """From when on all must have been read, in microseconds, for a need that is about what came after `since`.

    A day that is still to come, as of an order that people date ahead, tells nothing of that.
    """
    if since is None:
        return micros(now)
    return micros(since if since <= now else now - BACK)


def walked_at(c: Connection, connection_id: str, place: Place) -> int:
    """When the last walk there began, in microseconds; -1: it never was walked."""
    mark = cursors.get(c, connection_id, _stream(place))
    return int(mark.position) if mark and mark.position else -1


def mark(works: Works, c: Connection, connection: ConnectionRow, walks: Mapping[Place, int]) -> None:
    """Remember when each of these walks began. What it found is stored in the same transaction."""
    for place, began in walks.items():
        cursors.mark(
            c, connection.id, _stream(place), position=str(began),
            workspace_id=connection.workspace_id, ids=works.ids, now=works.now(),
        )  # fmt: skip


def _stream(place: Place) -> str:
    kind, location = place
    return f"walk:{kind}:{location or ''}"
