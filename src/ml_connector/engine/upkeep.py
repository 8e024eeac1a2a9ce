"""Upkeep: tokens renewed in good time, subscriptions watched, dead notices told, pauses ended."""

from __future__ import annotations

from datetime import datetime, timedelta

from ml_connector.clock import micros
from ml_connector.engine import reading, setup
from ml_connector.engine.works import Works, open_line
from ml_connector.errors import ConnectorError, NotAuthorized, Transient
from ml_connector.store import cursors, reviews, setups
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
            if connection.state != "active" or works.system(connection.connector).refresh_due is None:
                continue
            mark = cursors.get(c, connection.id, STREAM)
            if mark is None or int(mark.position or 0) <= now:
                found.append(connection.id)
    return found


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
        done = refresh_credentials(works, connection)
    except ConnectorError as fault:
        next_at = works.now() + AFTER_FAILURE_US
        _tell(works, connection, fault)
    with works.database.writing() as c:
        cursors.mark(
            c, connection_id, STREAM, position=str(next_at), workspace_id=connection.workspace_id, ids=works.ids, now=works.now()
        )
    return done


def refresh_credentials(works: Works, connection: ConnectionRow) -> bool:
    """Renew credentials that expire, in good time. True when they were renewed."""
    line = open_line(works, connection.id)
    system = line.system
    expires = line.credentials.get("expires_at")
    if system.refresh is None or system.refresh_due is None or not expires:
        return False
    expires_at = datetime.fromisoformat(expires)
    obtained = line.credentials.get("obtained_at")
    obtained_at = datetime.fromisoformat(obtained) if obtained else expires_at - timedelta(days=30)
    now = works.clock.now()
    if not system.refresh_due(expires_at, obtained_at, now):
        return False
    fresh = dict(system.refresh(line.http, line.credentials, clock=works.clock))
    fresh["obtained_at"] = now.isoformat()
    with works.database.writing() as c:
        setup.store_credentials(works, c, connection.workspace_id, connection.id, fresh)
        setup.note(
            works, c, verb="credentials renewed", subject=connection.id, by="system", workspace_id=connection.workspace_id,
            facts={"expires_at": fresh.get("expires_at", "")},
        )  # fmt: skip
    return True


def _tell(works: Works, connection: ConnectionRow, fault: ConnectorError) -> None:
    """A refusal pauses the connection; anything else is told when the token's end comes near."""
    with works.database.writing() as c:
        if isinstance(fault, NotAuthorized):
            reading.pause(works, c, connection, fault)
            return
        line = open_line_or_none(works, connection)
        expires = line.get("expires_at") if line else None
        near = expires is not None and micros(datetime.fromisoformat(expires)) - works.now() < ALERT_BEFORE // timedelta(microseconds=1)
        if near or not isinstance(fault, Transient):
            item = {
                "subject": connection.id, "company_id": None, "connection_id": connection.id, "trip_id": None,
                "code": "token-expiring", "field": "", "proposal": {"expires_at": expires or ""},
                "sentence": f"The access token of {connection.title} could not be renewed: {fault.what} {fault.fix}",
            }  # fmt: skip
            reviews.raise_items(c, [item], workspace_id=connection.workspace_id, ids=works.ids, now=works.now())


def open_line_or_none(works: Works, connection: ConnectionRow) -> dict[str, str] | None:
    """The credentials of a connection as a mapping; None when they cannot be opened."""
    try:
        return dict(open_line(works, connection.id).credentials)
    except ConnectorError:
        return None
