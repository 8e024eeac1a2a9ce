"""Doors as they stand in the database, their keys opened."""

from __future__ import annotations

from dataclasses import dataclass

from ml_connector.engine.door import KEY_FIELD, Doors, OpenDoor, path_hash
from ml_connector.engine.works import Works, open_secret
from ml_connector.store import setups


@dataclass(frozen=True, slots=True)
class DoorRows:
    """A `Lookup` in the rows. What it returns holds signature keys."""

    works: Works

    def door(self, path_secret: str) -> OpenDoor | None:
        works = self.works
        with works.database.reading() as c:
            row = setups.door_by_path(c, path_hash(path_secret))
            sealed = setups.secrets(c, "door", row.id, now=works.now()) if row else []
        if row is None:
            return None
        system = works.system(row.connector)
        if system.webhooks is None:
            return None
        keys = tuple(open_secret(works, one).reveal() for one in sealed if one.field == KEY_FIELD)
        for key in keys:
            works.conceal(key)
        url = str(row.settings.get("url", ""))
        return OpenDoor(
            row.id, row.connector, row.workspace_id, row.connection_id, url, keys, system.webhooks,
            system.webhook_body_bytes,
        )  # fmt: skip

    def account(self, door: OpenDoor, account_ref: str) -> tuple[str, str] | None:
        with self.works.database.reading() as c:
            rows = setups.connections_by_account(c, door.connector, account_ref)
            if door.workspace_id is not None:
                rows = [row for row in rows if row.workspace_id == door.workspace_id]
            if not rows and door.connection_id is not None:
                own = setups.get_connection(c, door.connection_id)
                rows = [own] if own is not None and own.account_ref is None else []  # whose it is, no ping has told yet
        return (rows[0].workspace_id, rows[0].id) if rows else None


def doors_of(works: Works) -> Doors:
    """The doors of a process that has the database."""
    return Doors(DoorRows(works), works.clock, works.ids)
