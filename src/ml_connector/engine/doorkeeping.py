"""Webhook doors: opened for a connection, the keys that vendors sign with, and what a door refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from ml_connector.engine import door as doors
from ml_connector.engine.noting import note
from ml_connector.engine.safekeeping import seal_field
from ml_connector.engine.works import Works, open_secret
from ml_connector.errors import StorageUnavailable, UsageError
from ml_connector.store import (
    connection_rows,
    inbox,
    sealed_secrets,
    webhook_doors,
)

log = structlog.get_logger(__name__)

_REFUSED = "refused"
_LONGEST = 300
_PATIENCE_US = 600_000_000  # vendors send again after minutes


@dataclass(frozen=True, slots=True)
class Refusal:
    """The last delivery that a door refused or put off, and that nothing was taken in after. Times in microseconds.

    `since`: when it refused the first one after which nothing was taken.
    """

    door_id: str
    at: int
    since: int
    put_off: bool
    said: str

    def is_trouble(self, now: int) -> bool:
        """What is put off comes again, and is taken then; that it has not been for a while means something."""
        return not self.put_off or now - self.since > _PATIENCE_US


def keep_refusal(works: Works, door_id: str, said: str, *, put_off: bool) -> None:
    """Remember that a door refused a delivery just now, and why, for whoever asks what is wrong with it."""
    now = works.now()
    if not put_off:
        log.warning("webhook.refused", door=door_id, said=said)
    try:
        with works.database.reading() as c:
            row = next((one for one in webhook_doors.every(c) if one.id == door_id), None)
        if row is None:
            return
        before = _untaken(works, [row])
        since = before[0].since if before else now
        kept = {"at": now, "since": since, "put_off": put_off, "said": said[:_LONGEST]}
        with works.database.writing() as c:
            webhook_doors.change(c, door_id, {**row.settings, _REFUSED: kept})
    except StorageUnavailable as fault:  # the sender was answered, and the log has it
        log.warning("webhook.refusal_not_kept", door=door_id, fault=str(fault))


def refusals(works: Works, connection_id: str) -> list[Refusal]:
    """Of each door of a connection what it refused last, unless it has taken something in since."""
    with works.database.reading() as c:
        return _untaken(works, webhook_doors.every(c, connection_id=connection_id))


def _untaken(works: Works, rows: Sequence[webhook_doors.DoorRow]) -> list[Refusal]:
    told = [Refusal(row.id, **row.settings[_REFUSED]) for row in rows if _REFUSED in row.settings]
    with works.database.inbox_reading() as c:
        return [one for one in told if not inbox.came_since(c, one.door_id, one.at)]


def open_door(
    works: Works, *, connection_id: str, public_url: str, signature_key: str | None, by: str
) -> tuple[str, str]:
    """A webhook address for one connection: (door id, the exact URL to register). The key may follow later.

    Raises UsageError without such a connection.
    """
    secret_part = doors.new_path_secret()
    with works.database.writing() as c:
        connection = connection_rows.known(c, connection_id)
        url = doors.door_url(public_url, connection.connector, secret_part)
        door_id = webhook_doors.add(
            c,
            workspace_id=connection.workspace_id,
            connection_id=connection_id,
            connector=connection.connector,
            path_hash=doors.path_hash(secret_part),
            settings={"url": url},
            ids=works.ids,
            now=works.now(),
        )
        if signature_key:
            seal_field(works, c, connection.workspace_id, ("door", door_id), doors.KEY_FIELD, signature_key)
        note(
            works,
            c,
            verb="door opened",
            subject=door_id,
            by=by,
            workspace_id=connection.workspace_id,
            facts={"connection": connection.code},
        )
    return door_id, url


def learn_door_key(works: Works, door_id: str, key: str, *, changes: Sequence[str]) -> None:
    """The key the vendor says it signs with: kept when it is new, beside the older one for a day."""
    with works.database.reading() as c:
        sealed = [
            one for one in sealed_secrets.in_use(c, "door", door_id, now=works.now()) if one.field == doors.KEY_FIELD
        ]
    known = {open_secret(works, one).reveal() for one in sealed}
    if key not in known:
        set_door_key(works, door_id, key, by="system")
    if changes:
        with works.database.writing() as c:
            note(
                works,
                c,
                verb="subscription watched",
                subject=door_id,
                by="system",
                workspace_id=None,
                facts={"changes": list(changes)},
            )


def set_door_key(works: Works, door_id: str, key: str, *, by: str, grace_s: int = 86_400) -> None:
    """A new signature key; the old one is accepted for the grace period, as vendors retry what they signed before.

    Raises UsageError without such a door.
    """
    with works.database.writing() as c:
        row = next((one for one in webhook_doors.every(c) if one.id == door_id), None)
        if row is None:
            raise UsageError("There is no such door.", record=door_id)
        seal_field(
            works,
            c,
            row.workspace_id,
            ("door", door_id),
            doors.KEY_FIELD,
            key,
            older_until=works.now() + grace_s * 1_000_000,
        )
        note(
            works,
            c,
            verb="door key set",
            subject=door_id,
            by=by,
            workspace_id=row.workspace_id,
            facts={"grace_s": grace_s},
        )
