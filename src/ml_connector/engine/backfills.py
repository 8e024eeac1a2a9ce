"""Readings of the past, each with cursors of its own beside the usual reading: begun here, and how far they came."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ml_connector.connectors.shapes import TellsHowFar
from ml_connector.engine.works import Works, open_line
from ml_connector.errors import ConnectorError
from ml_connector.store import connection_rows, cursors
from ml_connector.store.cursors import Cursor


@dataclass(frozen=True, slots=True)
class Backfill:
    """One stream read from `since`. `reached`: everything older was given; None: it is not read in order of time.

    `share`: how much of the time up to now that is, 0 to 1. `reason`: why it does not go on, in words.
    """

    stream: str
    since: datetime
    reached: datetime | None
    share: float | None
    done: bool
    reason: str | None = None


def start(works: Works, connection_id: str, *, since: datetime) -> list[str]:
    """Read a connection's past from `since` with its own cursors at low priority; live reading goes on."""
    with works.database.writing() as c:
        connection = connection_rows.known(c, connection_id)
        names = [f"{one.name}@{since.isoformat()}" for one in works.system(connection.connector).connector.streams]
        for name in names:
            cursors.ensure(
                c, connection_id, name, workspace_id=connection.workspace_id,
                ids=works.ids, now=works.now(), due_at=works.now(),
            )  # fmt: skip
    return names


def of_connection(works: Works, connection_id: str) -> list[Backfill]:
    """The backfills of a connection, ended ones too, in the order of their streams."""
    with works.database.reading() as c:
        own = [one for one in cursors.of_connection(c, connection_id) if _since(one) is not None]
    return [_told(works, connection_id, one) for one in own]


def _told(works: Works, connection_id: str, cursor: Cursor) -> Backfill:
    name, since = cursor.stream.partition("@")[0], _since(cursor) or works.clock.now()
    done = cursor.due_at >= cursors.NEVER
    now = works.clock.now()
    reached = now if done else _reached(works, connection_id, name, cursor.position)
    share = None if reached is None else min(1.0, max(0.0, (reached - since) / max(now - since, now.resolution)))
    return Backfill(name, since, reached, share, done, cursor.reason)


def _since(cursor: Cursor) -> datetime | None:
    """From when a cursor reads the past; None for the usual reading."""
    _, sign, since = cursor.stream.partition("@")
    return datetime.fromisoformat(since) if sign else None


def _reached(works: Works, connection_id: str, name: str, position: str | None) -> datetime | None:
    if position is None:
        return None
    try:
        reader = open_line(works, connection_id).reader
        return reader.reached(name, position) if isinstance(reader, TellsHowFar) else None
    except ConnectorError:  # the connection says elsewhere what is wrong with it
        return None
