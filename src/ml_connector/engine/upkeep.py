"""Upkeep: tokens renewed in good time, subscriptions watched, dead notices told.

And whether the ledger's set-up was mended.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import structlog

from ml_connector.clock import micros
from ml_connector.connectors.shapes import System
from ml_connector.engine import books, doorkeeping, noting, pausing, safekeeping
from ml_connector.engine.door_rows import whose
from ml_connector.engine.works import Works, open_line
from ml_connector.errors import ConnectorError, NotAuthorized, Transient
from ml_connector.store import connection_rows, cursors, inbox, leases, reviews, setups, trips, webhook_doors
from ml_connector.store.connection_rows import ConnectionRow
from ml_connector.store.database import Connection
from ml_connector.store.setups import CompanyRow
from ml_connector.store.webhook_doors import DoorRow

STREAM = "upkeep"  # its cursor says when a connection is looked after next
EVERY_US = 3_600_000_000
AFTER_FAILURE_US = 900_000_000
ALERT_BEFORE = timedelta(days=7)
INBOX = "inbox"
NOTICE_LIFE_US = 7 * 86_400_000_000

log = structlog.get_logger(__name__)


def due(works: Works) -> list[str]:
    """Connections to look after now, and the inbox when it holds notices of accounts nobody knows."""
    now = works.now()
    with works.database.inbox_reading() as c:
        lost = bool(inbox.unassigned_accounts(c, limit=1)) or bool(
            inbox.older_than(c, before=now - NOTICE_LIFE_US, limit=1)
        )
    with works.database.reading() as c:
        found = [INBOX] if lost and leases.holder_of(c, name=INBOX, now=now) is None else []
        ledgers = {company.connection_id for company in _companies_holding(c)}
        marks = cursors.positions(c, STREAM)
        for connection in connection_rows.every(c):
            looked_after = connection.id in ledgers or _looked_after(works.system(connection.connector))
            if connection.state != "active" or not looked_after:
                continue
            if int(marks.get(connection.id) or 0) <= now:
                found.append(connection.id)
    return found


def _companies_holding(c: Connection) -> list[CompanyRow]:
    """Companies with held records: what holds them may be mended in the ledger, and no work of theirs would show it."""
    holding = set(trips.companies_holding(c))
    return [company for company in setups.companies(c) if company.id in holding] if holding else []


def look_at_charts(works: Works, connection: ConnectionRow) -> None:
    """Read the set-up of a ledger that holds records up; when it has changed, they are planned again."""
    with works.database.reading() as c:
        held_up = [company.id for company in _companies_holding(c) if company.connection_id == connection.id]
    for company_id in held_up:
        books.fresh_chart(works, company_id)


def _looked_after(system: System) -> bool:
    return system.refresh is not None or system.watch is not None


def run(works: Works, connection_id: str) -> bool:
    """Look after one connection. True when something was done."""
    if connection_id == INBOX:
        return look_after_inbox(works)
    with works.database.writing() as c:
        connection_rows.resume_due(c, now=works.now())
    with works.database.reading() as c:
        connection = connection_rows.get(c, connection_id)
    if connection is None:
        return False
    done, next_at = False, works.now() + EVERY_US
    try:
        done = refresh_credentials(works, connection) or _watched(works, connection)
        look_at_charts(works, connection)
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
        safekeeping.store_credentials(works, c, connection.workspace_id, connection.id, fresh)
        noting.note(
            works,
            c,
            verb="credentials renewed",
            subject=connection.id,
            by="system",
            workspace_id=connection.workspace_id,
            facts={"expires_at": fresh.get("expires_at", "")},
        )
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


def _watched(works: Works, connection: ConnectionRow) -> bool:
    """Look after the webhooks. A key that may not do so is no reason to stop: a person is told, and polling reads all.

    Raises Transient: then it is tried sooner.
    """
    subject = f"{connection.id}:webhooks"
    try:
        changed = watch_subscriptions(works, connection)
    except Transient:
        raise
    except ConnectorError as fault:
        item: dict[str, Any] = {
            "subject": subject, "company_id": None, "connection_id": connection.id, "trip_id": None,
            "code": "webhooks-unwatched", "field": "", "proposal": {},
            "sentence": f"The webhooks of {connection.title} ({connection.code}) could not be set up or looked after: "
            f"{fault.what} {fault.fix} Until then everything is read by polling, a little later.",
        }  # fmt: skip
        with works.database.writing() as c:
            reviews.raise_items(c, [item], workspace_id=connection.workspace_id, ids=works.ids, now=works.now())
        return False
    with works.database.writing() as c:
        reviews.supersede(c, [subject], now=works.now())
    return changed


def watch_subscriptions(works: Works, connection: ConnectionRow) -> bool:
    """Register, repair and learn the key of this connection's webhook subscription, where the token allows it."""
    line = open_line(works, connection.id)
    if line.system.watch is None:
        return False
    changed = False
    with works.database.reading() as c:
        doors = webhook_doors.every(c, connection_id=connection.id)
    for one in doors:
        found = line.system.watch(line.http, line.credentials, str(one.settings.get("url", "")), clock=works.clock)
        if found is None:
            continue
        changed = changed or bool(found.changes)
        doorkeeping.learn_door_key(works, one.id, found.signature_key, changes=found.changes)
        if found.changes:
            log.warning("subscription.changed", connection=connection.code, changes=list(found.changes))
            with works.database.writing() as c:  # what rang while nobody listened is read now
                cursors.make_due(c, connection.id, now=works.now())
    return changed


def look_after_inbox(works: Works) -> bool:
    """Give notices to connections that exist by now, tell of accounts nobody knows, give up what is a week old."""
    now = works.now()
    with works.database.writing() as c:
        if leases.acquire(c, None, name=INBOX, holder=works.holder, now=now, ttl_us=60_000_000) is None:
            return False
    with works.database.inbox_reading() as c:
        waiting = inbox.unassigned_accounts(c)
        old = inbox.older_than(c, before=now - NOTICE_LIFE_US)
    done = False
    for door_id, account_ref in waiting:
        done = _assign(works, door_id, account_ref) or done
    if old:
        with works.database.inbox_writing() as c:
            inbox.mark_dead(c, [one[0] for one in old], reason="a week old", now=now)
    return done or bool(old)


def _assign(works: Works, door_id: str, account_ref: str | None) -> bool:
    with works.database.writing() as c:
        door = next((one for one in webhook_doors.every(c) if one.id == door_id), None)
        if door is None or account_ref is None:
            return False
        found = whose(c, door.connector, door.workspace_id, account_ref)
        if found is None:
            _tell_unknown(works, c, door, account_ref)
            return False
    with works.database.inbox_writing() as c:
        inbox.assign(
            c, found.workspace_id, connection_id=found.id, door_id=door_id, account_ref=account_ref, now=works.now()
        )
    return True


def _tell_unknown(works: Works, c: Connection, door: DoorRow, account_ref: str) -> None:
    """Ask whose account rings. A door of no workspace has nobody to ask: that is for who runs the install."""
    if door.workspace_id is None:
        log.warning("inbox.account_of_nobody", door=door.id, connector=door.connector)
        return
    item: dict[str, Any] = {
        "subject": door.id,
        "company_id": None,
        "connection_id": door.connection_id,
        "trip_id": None,
        "code": "account-unknown",
        "field": account_ref,
        "proposal": {},
        "sentence": f"Webhooks arrive for {door.connector} account {account_ref}, which no connection has. "
        "Connect it, or run `ml-connector ping` so that a connection learns its account;"
        " the notices wait a week.",
    }
    reviews.raise_items(c, [item], workspace_id=door.workspace_id, ids=works.ids, now=works.now())


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
                "subject": connection.id,
                "company_id": None,
                "connection_id": connection.id,
                "trip_id": None,
                "code": "token-expiring",
                "field": "",
                "proposal": {"expires_at": expires or ""},
                "sentence": f"The access token of {connection.title} could not be renewed: {fault.what} {fault.fix}",
            }
            reviews.raise_items(c, [item], workspace_id=connection.workspace_id, ids=works.ids, now=works.now())
