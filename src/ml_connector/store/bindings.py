"""Bindings: our key of a party or document and its id on the other side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from ml_connector.store.bulk import chunks, upsert_ignore
from ml_connector.store.ids import Ids
from ml_connector.store.tables import Micros, binding


@dataclass(frozen=True, slots=True)
class Binding:
    """Our key and their id."""

    our_key: str
    kind: str
    remote_id: str
    etag: str | None
    how: str


def of_keys(c: Connection, connection_id: str, kind: str, keys: Sequence[str]) -> dict[str, Binding]:
    """What these keys are on the other side."""
    found = {}
    for part in chunks(keys):
        rows = c.execute(
            select(binding.c.our_key, binding.c.kind, binding.c.remote_id, binding.c.etag, binding.c.how).where(
                binding.c.connection_id == connection_id, binding.c.kind == kind, binding.c.our_key.in_(part)
            )
        )
        found.update({row.our_key: Binding(*row) for row in rows})
    return found


def bind(
    c: Connection,
    connection_id: str,
    kind: str,
    our_key: str,
    *,
    remote_id: str,
    how: str,
    workspace_id: str,
    ids: Ids,
    now: Micros,
    etag: str | None = None,
) -> None:
    """Remember, or change, what our key is on the other side. `how`: made, matched or decided by a person."""
    row = {
        "id": ids.new(),
        "workspace_id": workspace_id,
        "connection_id": connection_id,
        "kind": kind,
        "our_key": our_key,
        "remote_id": remote_id,
        "etag": etag,
        "how": how,
        "created_at": now,
        "updated_at": now,
    }
    if upsert_ignore(c, binding, [row]) == 0:
        c.execute(
            update(binding)
            .where(binding.c.connection_id == connection_id, binding.c.kind == kind, binding.c.our_key == our_key)
            .values(remote_id=remote_id, etag=etag, how=how, updated_at=now)
        )
