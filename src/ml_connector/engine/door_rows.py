"""Doors as they stand in the database, their keys opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from ml_connector.engine.door import KEY_FIELD, Doors, OpenDoor, path_hash, with_opinion
from ml_connector.engine.works import Works, open_line, open_secret
from ml_connector.errors import ConnectorError
from ml_connector.store import connection_rows, sealed_secrets, webhook_doors
from ml_connector.store.connection_rows import ConnectionRow
from ml_connector.store.database import Connection

log = structlog.get_logger(__name__)


def whose(c: Connection, connector: str, workspace_id: str | None, account_ref: str) -> ConnectionRow | None:
    """The connection an account at a door belongs to: of the door's workspace, else the only one anywhere.

    None where several workspaces have the account and the door is nobody's: what rings would tell one customer of
    another's work. All of them read it by polling.
    """
    rows = connection_rows.by_account(c, connector, account_ref)
    rows = [row for row in rows if workspace_id in (None, row.workspace_id)]
    return rows[0] if len(rows) == 1 else None


@dataclass(frozen=True, slots=True)
class DoorRows:
    """A `Lookup` in the rows. What it returns holds signature keys."""

    works: Works

    def door(self, path_secret: str) -> OpenDoor | None:
        works = self.works
        with works.database.reading() as c:
            row = webhook_doors.by_path(c, path_hash(path_secret))
            sealed = sealed_secrets.in_use(c, "door", row.id, now=works.now()) if row else []
        if row is None:
            return None
        system = works.system(row.connector)
        if system.webhooks is None:
            return None
        keys = tuple(open_secret(works, one).reveal() for one in sealed if one.field == KEY_FIELD)
        for key in keys:
            works.conceal(key)
        url = str(row.settings.get("url", ""))
        webhooks = with_opinion(self, system.webhooks, row.connection_id)
        return OpenDoor(
            row.id, row.connector, row.workspace_id, row.connection_id, url, keys, webhooks, system.webhook_body_bytes
        )

    def account(self, door: OpenDoor, account_ref: str) -> tuple[str, str] | None:
        with self.works.database.reading() as c:
            found = whose(c, door.connector, door.workspace_id, account_ref)
            if found is None and door.connection_id is not None:
                own = connection_rows.get(c, door.connection_id)
                # Whose it is, no ping has told yet.
                found = own if own is not None and own.account_ref is None else None
        return (found.workspace_id, found.id) if found else None

    def vouch(self, connection_id: str, key: str, headers: Mapping[str, str], body: bytes) -> bool:
        """A vendor that cannot be asked has said nothing: the delivery is put off again."""
        try:
            line = open_line(self.works, connection_id)
            asked = line.system.vouch
            return asked is not None and asked(line.reader, key, headers, body)
        except ConnectorError as fault:
            log.warning("webhook.not_vouched_for", fault=str(fault), connection=connection_id)
            return False


def doors_of(works: Works) -> Doors:
    """The doors of a process that has the database."""
    return Doors(DoorRows(works), works.clock, works.ids)
