"""Webhook addresses, each found by the hash of its path."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, update

from ml_connector.store.ids import Ids
from ml_connector.store.tables import Micros, door


@dataclass(frozen=True, slots=True)
class DoorRow:
    """A webhook address. `connection_id` None: the account in the verified body chooses the connection."""

    id: str
    workspace_id: str | None
    connection_id: str | None
    connector: str
    settings: Mapping[str, Any]


def add(
    c: Connection,
    *,
    workspace_id: str | None,
    connection_id: str | None,
    connector: str,
    path_hash: str,
    settings: Mapping[str, Any],
    ids: Ids,
    now: Micros,
) -> str:
    """A new webhook address, kept by the hash of its path; its id."""
    door_id = ids.new()
    c.execute(
        insert(door).values(
            id=door_id,
            workspace_id=workspace_id,
            connection_id=connection_id,
            connector=connector,
            path_hash=path_hash,
            settings=json.dumps(dict(settings)),
            created_at=now,
        )
    )
    return door_id


def _door(row: Any) -> DoorRow:
    return DoorRow(row.id, row.workspace_id, row.connection_id, row.connector, json.loads(row.settings))


def by_path(c: Connection, path_hash: str) -> DoorRow | None:
    """The door whose path has this hash."""
    row = c.execute(select(door).where(door.c.path_hash == path_hash)).one_or_none()
    return _door(row) if row else None


def every(c: Connection, *, connection_id: str | None = None) -> list[DoorRow]:
    """Every door, or those of one connection."""
    query = select(door).order_by(door.c.id)
    if connection_id is not None:
        query = query.where(door.c.connection_id == connection_id)
    return [_door(row) for row in c.execute(query)]


def change(c: Connection, door_id: str, settings: Mapping[str, Any]) -> None:
    """Change a door's settings."""
    c.execute(update(door).where(door.c.id == door_id).values(settings=json.dumps(dict(settings))))
