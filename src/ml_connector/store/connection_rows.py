"""Connections: a customer's access to one system each, active, paused or off."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, update

from ml_connector.errors import UsageError
from ml_connector.store.ids import Ids
from ml_connector.store.tables import Micros, connection


@dataclass(frozen=True, slots=True)
class ConnectionRow:
    """One customer's access to one system. `state`: active, paused (see reason), off."""

    id: str
    workspace_id: str
    connector: str
    code: str
    title: str
    account_ref: str | None
    base_url: str | None
    settings: Mapping[str, Any]
    state: str
    paused_until: Micros | None
    reason: str | None


def _connection(row: Any) -> ConnectionRow:
    return ConnectionRow(
        row.id,
        row.workspace_id,
        row.connector,
        row.code,
        row.title,
        row.account_ref,
        row.base_url,
        json.loads(row.settings),
        row.state,
        row.paused_until,
        row.reason,
    )


def add(
    c: Connection,
    *,
    workspace_id: str,
    connector: str,
    code: str,
    title: str,
    base_url: str | None,
    settings: Mapping[str, Any],
    ids: Ids,
    now: Micros,
    account_ref: str | None = None,
) -> str:
    """A new connection, active. Raises IntegrityError when the code is taken."""
    connection_id = ids.new()
    c.execute(
        insert(connection).values(
            id=connection_id,
            workspace_id=workspace_id,
            connector=connector,
            code=code,
            title=title,
            account_ref=account_ref,
            base_url=base_url,
            settings=json.dumps(dict(settings)),
            state="active",
            created_at=now,
        )
    )
    return connection_id


def change(c: Connection, connection_id: str, **values: Any) -> None:
    """Change account_ref, title, base_url, settings (a mapping), state, paused_until, reason."""
    if "settings" in values:
        values["settings"] = json.dumps(dict(values["settings"]))
    c.execute(update(connection).where(connection.c.id == connection_id).values(**values))


def get(c: Connection, connection_id: str) -> ConnectionRow | None:
    """A connection by its id."""
    row = c.execute(select(connection).where(connection.c.id == connection_id)).one_or_none()
    return _connection(row) if row else None


def known(c: Connection, connection_id: str) -> ConnectionRow:
    """A connection by its id. Raises UsageError where there is none."""
    found = get(c, connection_id)
    if found is None:
        raise UsageError("There is no such connection.", record=connection_id)
    return found


def by_code(c: Connection, workspace_id: str, code: str) -> ConnectionRow | None:
    """The connection of this code in a workspace."""
    row = c.execute(
        select(connection).where(connection.c.workspace_id == workspace_id, connection.c.code == code)
    ).one_or_none()
    return _connection(row) if row else None


def by_account(c: Connection, connector: str, account_ref: str) -> list[ConnectionRow]:
    """Connections of one system to one account of theirs, over all workspaces: for doors that serve many."""
    rows = c.execute(
        select(connection).where(connection.c.connector == connector, connection.c.account_ref == account_ref)
    )
    return [_connection(row) for row in rows]


def every(c: Connection, workspace_id: str | None = None) -> list[ConnectionRow]:
    """Every connection, of one workspace or of all."""
    query = select(connection).order_by(connection.c.id)
    if workspace_id is not None:
        query = query.where(connection.c.workspace_id == workspace_id)
    return [_connection(row) for row in c.execute(query)]


def pause(c: Connection, connection_id: str, *, reason: str, until: Micros | None) -> bool:
    """Stop calling for this connection (until: by itself; None: until a person repairs it).

    False: it was paused already.
    """
    return (
        c.execute(
            update(connection)
            .where(connection.c.id == connection_id, connection.c.state == "active")
            .values(state="paused", reason=reason, paused_until=until)
        ).rowcount
        == 1
    )


def resume_due(c: Connection, *, now: Micros) -> int:
    """Connections whose pause has ended are active again."""
    return c.execute(
        update(connection)
        .where(connection.c.state == "paused", connection.c.paused_until.is_not(None), connection.c.paused_until <= now)
        .values(state="active", reason=None, paused_until=None)
    ).rowcount
