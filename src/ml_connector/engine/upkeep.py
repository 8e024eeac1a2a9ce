"""Upkeep: tokens renewed in good time, subscriptions watched, dead notices told, pauses ended."""

from __future__ import annotations

from datetime import datetime, timedelta

from ml_connector.clock import micros
from ml_connector.connectors.shapes import System
from ml_connector.engine import pausing, setup
from ml_connector.engine.works import Works, open_line
from ml_connector.errors import ConnectorError, NotAuthorized, Transient
from ml_connector.store import cursors, leases, reviews, setups
from ml_connector.store.setups import ConnectionRow

STREAM = "upkeep"  # its cursor says when a connection is looked after next
EVERY_US = 3_600_000_000
AFTER_FAILURE_US = 900_000_000
ALERT_BEFORE = timedelta(days=7)


def due(works: Works) -> list[str]:
    """Connections to look after now."""
    now = works.now()
    with works.database.reading() as c:
        found = []
        for connection in setups.connections(c):
            if connection.state != "active" or not _looked_after(works.system(connection.connector)):
                continue
            mark = cursors.get(c, connection.id, STREAM)
            if mark is None or int(mark.position or 0) <= now:
                found.append(connection.id)
    return found


def _looked_after(system: System) -> bool:
    return system.refresh is not None or system.watch is not None


def run(works: Works, connection_id: str) -> bool:
    """Look after one connection. True when something was done."""
    with works.database.writing() as c:
        setups.resume_due(c, now=works.now())
    with works.database.reading() as c:
        connection = setups.get_connection(c, connection_id)
    if connection is None:
        return False
    done, next_at = False, works.now() + EVERY_US
    try:
        done = refresh_credentials(works, connection) or watch_subscriptions(works, connection)
    except ConnectorError as fault:
        next_at = works.now() + AFTER_FAILURE_US
        _tell(works, connection, fault)
    with works.database.writing() as c:
        cursors.mark(
            c,
            connection_id,
            STREAM,
            position=str(next_at),
            workspace_id=connection.workspace_id,
            ids=works.ids,
            now=works.now(),
        )
    return done


def refresh_credentials(works: Works, connection: ConnectionRow, *, at_once: bool = False) -> bool:
    """Renew credentials that expire, in good time (or at once). True when they were renewed."""
    line = open_line(works, connection.id)
    system = line.system
    expires = line.credentials.get("expires_at")
    if system.refresh is None or system.refresh_due is None or not expires:
        return False
    expires_at = datetime.fromisoformat(expires)
    obtained = line.credentials.get("obtained_at")
    obtained_at = datetime.fromisoformat(obtained) if obtained else expires_at - timedelta(days=30)
    now = works.clock.now()
    if not at_once and not system.refresh_due(expires_at, obtained_at, now):
        return False
    if not _alone(works, connection):
        return False
    fresh = {**system.refresh(line.http, line.credentials, clock=works.clock), "obtained_at": now.isoformat()}
    with works.database.writing() as c:
        setup.store_credentials(works, c, connection.workspace_id, connection.id, fresh)
        setup.note(
            works, c, verb="credentials renewed", subject=connection.id, by="system", workspace_id=connection.workspace_id,
            facts={"expires_at": fresh.get("expires_at", "")},
        )  # fmt: skip
    return True


def _alone(works: Works, connection: ConnectionRow) -> bool:
    """One renewal a minute and connection over all processes: a refresh token may work only once."""
    with works.database.writing() as c:
        held = leases.acquire(
            c,
            connection.workspace_id,
            name=f"renew:{connection.id}",
            holder=works.holder,
            now=works.now(),
            ttl_us=60_000_000,
        )
    return held is not None


def recover(works: Works, connection: ConnectionRow) -> bool:
    """After a refusal of the access token: renew it once. True when it was renewed and the work may be tried again."""
    try:
        return refresh_credentials(works, connection, at_once=True)
    except ConnectorError:
        return False


def watch_subscriptions(works: Works, connection: ConnectionRow) -> bool:
    """Register, repair and learn the key of this connection's webhook subscription, where the token allows it."""
    line = open_line(works, connection.id)
    if line.system.watch is None:
        return False
    changed = False
    with works.database.reading() as c:
        doors = setups.doors(c, connection_id=connection.id)
    for one in doors:
        found = line.system.watch(line.http, line.credentials, str(one.settings.get("url", "")), clock=works.clock)
        if found is None:
            continue
        changed = changed or bool(found.changes)
        setup.learn_door_key(works, one.id, found.signature_key, changes=found.changes)
    return changed


def _tell(works: Works, connection: ConnectionRow, fault: ConnectorError) -> None:
    """A refusal pauses the connection; anything else is told when the token's end comes near."""
    with works.database.writing() as c:
        if isinstance(fault, NotAuthorized):
            pausing.pause(works, c, connection.id, fault)
            return
        expires = open_line(works, connection.id).credentials.get("expires_at")
        near = expires is not None and micros(
            datetime.fromisoformat(expires)
        ) - works.now() < ALERT_BEFORE // timedelta(microseconds=1)
        if near or not isinstance(fault, Transient):
            item = {
                "subject": connection.id, "company_id": None, "connection_id": connection.id, "trip_id": None,
                "code": "token-expiring", "field": "", "proposal": {"expires_at": expires or ""},
                "sentence": f"The access token of {connection.title} could not be renewed: {fault.what} {fault.fix}",
            }  # fmt: skip
            reviews.raise_items(c, [item], workspace_id=connection.workspace_id, ids=works.ids, now=works.now())
