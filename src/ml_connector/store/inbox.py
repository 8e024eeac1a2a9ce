"""The inbox: what webhooks said changed, until the thing they name was read after they came.

Writing goes through `inbox_writer`, one commit for many.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, literal_column, or_, select, union_all, update

from ml_connector.store.bulk import chunks
from ml_connector.store.ids import least_at
from ml_connector.store.states import move_many
from ml_connector.store.tables import Micros, notice


@dataclass(frozen=True, slots=True)
class OpenNotice:
    """A notice that waits for its thing to be read."""

    id: str
    kind: str
    external_id: str
    event_type: str | None
    received_at: Micros
    attempts: int


def open_notices(
    c: Connection, workspace_id: str, *, connection_id: str, now: Micros, limit: int = 500
) -> list[OpenNotice]:
    """Due open notices of a connection, oldest first. Note the ids before you read: later ones stay open."""
    columns = [notice.c[name] for name in OpenNotice.__slots__]
    query = select(*columns).where(
        notice.c.workspace_id == workspace_id,
        notice.c.connection_id == connection_id,
        _is_open(),
        notice.c.due_at <= now,
    )
    return [OpenNotice(*row) for row in c.execute(query.order_by(notice.c.due_at, notice.c.id).limit(limit))]


def notices_of(
    c: Connection, workspace_id: str, *, connection_id: str, kind: str, external_id: str, limit: int = 100
) -> list[dict[str, Any]]:
    """Every notice about one thing, oldest first, for the story of a record."""
    of_it = select(notice).where(
        notice.c.workspace_id == workspace_id,
        notice.c.connection_id == connection_id,
        notice.c.kind == kind,
        notice.c.external_id == external_id,
    )
    both = union_all(of_it.where(_is_open()), of_it.where(_is_closed())).subquery()  # each has its own index
    query = select(both).order_by(both.c.received_at, both.c.id).limit(limit)
    return [dict(row) for row in c.execute(query).mappings()]


def connections_with_due_notices(c: Connection, *, now: Micros, limit: int = 1_000) -> list[tuple[str, str]]:
    """(workspace, connection) of everything the ticker should fetch."""
    query = (
        select(notice.c.workspace_id, notice.c.connection_id)
        .where(_is_open(), notice.c.due_at <= now, notice.c.connection_id.is_not(None))
        .distinct()
        .limit(limit)
    )
    return [(row.workspace_id, row.connection_id) for row in c.execute(query)]


def unassigned_accounts(c: Connection, *, limit: int = 1_000) -> list[tuple[str, str | None]]:
    """(door, account) of open notices whose connection nobody knew when they came."""
    query = (
        select(notice.c.door_id, notice.c.account_ref)
        .where(_is_open(), notice.c.connection_id.is_(None))
        .group_by(notice.c.door_id, notice.c.account_ref)
        .limit(limit)
    )
    return [(row.door_id, row.account_ref) for row in c.execute(query)]


def assign(
    c: Connection, workspace_id: str, *, connection_id: str, door_id: str, account_ref: str | None, now: Micros
) -> int:
    """Give the open notices of an account to the connection that now exists for it; how many."""
    account = notice.c.account_ref.is_(None) if account_ref is None else notice.c.account_ref == account_ref
    statement = update(notice).where(notice.c.door_id == door_id, account, _is_open(), notice.c.connection_id.is_(None))
    return c.execute(statement.values(workspace_id=workspace_id, connection_id=connection_id, due_at=now)).rowcount


def mark_done(c: Connection, notice_ids: Sequence[str], *, now: Micros) -> int:
    """The things these notices name were read after they came and stored; how many were still open."""
    return move_many(c, notice, notice_ids, source="open", target="done", done_at=now)


def mark_dead(c: Connection, notice_ids: Sequence[str], *, reason: str, now: Micros) -> int:
    """Give these notices up: a week old, or of an account nobody knows. Polling still heals; a person is told."""
    return move_many(c, notice, notice_ids, source="open", target="dead", done_at=now, reason=reason)


def put_off(c: Connection, notice_ids: Sequence[str], *, until: Micros, reason: str) -> int:
    """Their things could not be read now: try again at `until`, one attempt more on the count."""
    return sum(
        c.execute(
            update(notice)
            .where(notice.c.id.in_(part), _is_open())
            .values(due_at=until, reason=reason, attempts=notice.c.attempts + 1)
        ).rowcount
        for part in chunks(notice_ids)
    )


def older_than(c: Connection, *, before: Micros, limit: int = 1_000) -> list[tuple[str, str | None, str]]:
    """(notice, connection, door) of open notices that came before `before`, to be given up."""
    query = select(notice.c.id, notice.c.connection_id, notice.c.door_id).where(
        _is_open(), notice.c.received_at < before
    )
    oldest = query.order_by(notice.c.received_at).limit(limit)  # by id SQLite would walk through all that ever came
    return [(row.id, row.connection_id, row.door_id) for row in c.execute(oldest)]


def came_since(c: Connection, door_id: str, after: Micros) -> bool:
    """Whether a door has taken anything in after this moment."""
    newer = select(notice.c.id).where(
        notice.c.id >= least_at(after), notice.c.door_id == door_id, notice.c.received_at > after
    )
    return c.execute(newer.limit(1)).first() is not None


def erase_bodies(c: Connection, *, before: Micros, limit: int = 5_000) -> int:
    """Empty the bodies of closed notices that came before `before`; ids stay, so a repeat is still known."""
    old = (
        select(notice.c.id).where(_is_closed(), notice.c.received_at < before, notice.c.body.is_not(None)).limit(limit)
    )
    return c.execute(update(notice).where(notice.c.id.in_(old)).values(body=None)).rowcount


def count_open(c: Connection, *, now: Micros) -> tuple[int, Micros | None]:
    """How many notices are open and due, and when the oldest came, for the metrics."""
    row = c.execute(
        select(func.count(), func.min(notice.c.received_at)).where(_is_open(), notice.c.due_at <= now)
    ).one()
    return row[0], row[1]


def by_event(c: Connection, workspace_id: str, event_id: str) -> list[dict[str, Any]]:
    """The notices of one event, by the vendor's id or ours, for the story of a record."""
    query = select(notice).where(
        notice.c.workspace_id == workspace_id, or_(notice.c.event_id == event_id, notice.c.id == event_id)
    )
    return [dict(row) for row in c.execute(query.order_by(notice.c.received_at, notice.c.id).limit(100)).mappings()]


def _is_open() -> ColumnElement[bool]:
    """As the index of open notices says it: SQLite does not see that a bound value is the same."""
    return notice.c.state == literal_column("'open'")


def _is_closed() -> ColumnElement[bool]:
    return notice.c.state != literal_column("'open'")
