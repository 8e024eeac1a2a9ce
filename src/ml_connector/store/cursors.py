"""Cursors: how far each stream of a connection has been read, and when it is to be read again."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, select, true, update

from ml_connector.store.bulk import upsert_ignore
from ml_connector.store.ids import Ids
from ml_connector.store.tables import Micros, connection, cursor


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far one stream has been read."""

    id: str
    workspace_id: str
    connection_id: str
    stream: str
    position: str | None
    due_at: Micros
    failures: int
    reason: str | None


def _cursor(row: object) -> Cursor:
    return Cursor(*row)  # type: ignore[misc]  # the columns below, in order


_COLUMNS = (
    cursor.c.id,
    cursor.c.workspace_id,
    cursor.c.connection_id,
    cursor.c.stream,
    cursor.c.position,
    cursor.c.due_at,
    cursor.c.failures,
    cursor.c.reason,
)
NEVER = 2**62  # a walk's mark is a cursor that no ticker picks up


def ensure(
    c: Connection, connection_id: str, stream: str, *, workspace_id: str, ids: Ids, now: Micros, due_at: Micros
) -> None:
    """Have a cursor for this stream."""
    row = {
        "id": ids.new(),
        "workspace_id": workspace_id,
        "connection_id": connection_id,
        "stream": stream,
        "due_at": due_at,
        "updated_at": now,
    }
    upsert_ignore(c, cursor, [row])


def get(c: Connection, connection_id: str, stream: str) -> Cursor | None:
    """The cursor of one stream."""
    row = c.execute(
        select(*_COLUMNS).where(cursor.c.connection_id == connection_id, cursor.c.stream == stream)
    ).one_or_none()
    return _cursor(row) if row else None


def positions(c: Connection, stream: str) -> dict[str, str | None]:
    """How far this stream has been read on every connection that has it."""
    rows = c.execute(select(cursor.c.connection_id, cursor.c.position).where(cursor.c.stream == stream))
    return {row.connection_id: row.position for row in rows}


def finished_at(c: Connection, connection_id: str, stream: str) -> Micros | None:
    """When a stream was last read to its end; None while pages are left or its reading fails."""
    found: Micros | None = c.execute(
        select(cursor.c.updated_at).where(
            cursor.c.connection_id == connection_id,
            cursor.c.stream == stream,
            cursor.c.due_at > cursor.c.updated_at,
            cursor.c.failures == 0,
            cursor.c.position.is_not(None),
        )
    ).scalar_one_or_none()
    return found


def of_connection(c: Connection, connection_id: str) -> list[Cursor]:
    """Every cursor of a connection, walks' marks too."""
    rows = c.execute(select(*_COLUMNS).where(cursor.c.connection_id == connection_id).order_by(cursor.c.stream))
    return [_cursor(row) for row in rows]


def due(c: Connection, *, now: Micros, connection_id: str | None = None, limit: int = 1_000) -> list[Cursor]:
    """Cursors to be read now, of connections that are not paused."""
    query = (
        select(*_COLUMNS)
        .join(connection, connection.c.id == cursor.c.connection_id)
        .where(cursor.c.due_at <= now, connection.c.state == "active")
    )
    if connection_id:
        query = query.where(cursor.c.connection_id == connection_id)
    return [_cursor(row) for row in c.execute(query.order_by(cursor.c.due_at, cursor.c.id).limit(limit))]


def advance(
    c: Connection, cursor_id: str, *, was: str | None, position: str | None, due_at: Micros, now: Micros
) -> bool:
    """Move a cursor on; False when another reader was first."""
    same = cursor.c.position.is_(None) if was is None else cursor.c.position == was
    return (
        c.execute(
            update(cursor)
            .where(cursor.c.id == cursor_id, same)
            .values(position=position, due_at=due_at, failures=0, reason=None, updated_at=now)
        ).rowcount
        == 1
    )


def fail(c: Connection, cursor_id: str, *, reason: str, due_at: Micros, now: Micros) -> None:
    """A reading failed: try again at `due_at`; the position stays."""
    c.execute(
        update(cursor)
        .where(cursor.c.id == cursor_id)
        .values(failures=cursor.c.failures + 1, reason=reason, due_at=due_at, updated_at=now)
    )


def make_due(c: Connection, connection_id: str, *, now: Micros, streams: tuple[str, ...] | None = None) -> int:
    """Read now instead of later."""
    query = update(cursor).where(
        cursor.c.connection_id == connection_id, cursor.c.due_at > now, cursor.c.due_at < NEVER
    )
    if streams:
        query = query.where(cursor.c.stream.in_(streams))
    return c.execute(query.values(due_at=now)).rowcount


def mark(
    c: Connection, connection_id: str, stream: str, *, position: str, workspace_id: str, ids: Ids, now: Micros
) -> None:
    """Note when a walk was made; marks are never due."""
    ensure(c, connection_id, stream, workspace_id=workspace_id, ids=ids, now=now, due_at=NEVER)
    c.execute(
        update(cursor)
        .where(cursor.c.connection_id == connection_id, cursor.c.stream == stream)
        .values(position=position, updated_at=now)
    )


def start_all(c: Connection, connection_id: str, *, now: Micros, only: Collection[str] | None = None) -> int:
    """Begin reading every stream (or `only` these) of a connection that has not begun yet; walks' marks stay marks."""
    named = true() if only is None else cursor.c.stream.in_(sorted(only))
    return c.execute(
        update(cursor)
        .where(
            cursor.c.connection_id == connection_id,
            cursor.c.due_at == NEVER,
            cursor.c.position.is_(None),
            cursor.c.stream.not_like("walk:%"),
            named,
        )
        .values(due_at=now)
    ).rowcount
