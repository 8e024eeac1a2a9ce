"""Reading: streams by poll, what notices name by fetch. Main database first, notices done second."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from ml_connector.clock import micros, moment
from ml_connector.connectors.shapes import Compares, SourceObject
from ml_connector.engine import arriving, asked_for, pausing, upkeep, walks
from ml_connector.engine.around import read_around
from ml_connector.engine.works import Works, open_line
from ml_connector.errors import ConnectorError, NotAuthorized, Transient, UsageError
from ml_connector.rules.retrying import reading_wait_s
from ml_connector.store import connection_rows, cursors, inbox, records, reviews, setups, trip_needs
from ml_connector.store.connection_rows import ConnectionRow
from ml_connector.store.cursors import Cursor
from ml_connector.store.trip_moves import BACKFILL_PRIORITY, LIVE_PRIORITY
from ml_connector.store.trip_needs import OpenNeed

FOLLOWED_FOR_US = 30_000_000  # a backlog or a rush reads what it follows once in a while, not for each page
NOTICE_LIFE_US = 7 * 86_400_000_000
_NEEDS_AT_ONCE = 2_000


@dataclass(slots=True)
class Read:
    """What one reading brought. `error` in words when it could not be made."""

    objects: int = 0
    notices: int = 0
    more: bool = False
    error: str | None = None


def poll(works: Works, connection_id: str, stream: str) -> Read:
    """Read the next page of one stream: rows and cursor in one transaction. Killed anywhere, the page is read again."""
    with works.database.reading() as c:
        cursor = cursors.get(c, connection_id, stream)
        connection = connection_rows.get(c, connection_id)
    if cursor is None or connection is None:
        raise UsageError("There is no such stream.", record=f"{connection_id}/{stream}")
    if connection.state != "active":
        return Read(error=connection.reason or connection.state)
    try:
        if _follow(works, connection, _kinds_of(works, connection, stream)):
            return Read(more=True)
        return _poll(works, connection, cursor)
    except ConnectorError as fault:
        if isinstance(fault, NotAuthorized) and upkeep.recover(works, connection):
            return Read(error=str(fault), more=True)
        _note_failure(works, connection, cursor, fault)
        return Read(error=str(fault))


def _poll(works: Works, connection: ConnectionRow, cursor: Cursor) -> Read:
    line = open_line(works, connection.id)
    began = works.now()
    name, _, backfill = cursor.stream.partition("@")
    start = datetime.fromisoformat(backfill) if backfill else _go_live(works, connection)
    if isinstance(line.reader, Compares):
        line.reader.compare_with(partial(_held, works, connection.id))
    page = line.reader.page(name, cursor.position, now=works.clock.now(), backfill_from=start)
    objects = list(page.objects)
    if page.named:
        by_kind: dict[str, list[str]] = {}
        for one in page.named:
            by_kind.setdefault(one.kind, []).append(one.external_id)
        for kind, ids in by_kind.items():
            objects += arriving.split(line.reader.fetch(kind, ids))[0]
    with works.database.reading() as c:
        wanted = arriving.wanted_by(works, c, connection)
    brought = arriving.translated(works, wanted, objects)
    readings = arriving.readings_of(brought, source="poll", read_at=began)
    extra, walked = read_around(works, line, wanted, brought)
    spec = next((one for one in line.system.connector.streams if one.name == name), None)
    every_us = int(connection.settings.get(f"every_s.{name}", spec.every_s if spec else 300)) * 1_000_000
    due = began if page.more else (cursors.NEVER if backfill else began + every_us)
    with works.database.writing() as c:
        arriving.keep(
            works, c, wanted, [*extra, *readings], actor="poll",
            priority=BACKFILL_PRIORITY if backfill else LIVE_PRIORITY, facts={"stream": cursor.stream},
        )  # fmt: skip
        walks.mark(works, c, connection, walked)
        cursors.advance(c, cursor.id, was=cursor.position, position=page.position, due_at=due, now=works.now())
        if not page.more:  # payments at other connections may wait to hear that nothing here names them
            trip_needs.wake_for(c, connection.id, trip_needs.READING, [cursor.stream], now=works.now())
    return Read(len(objects), more=page.more)


def _kinds_of(works: Works, connection: ConnectionRow, stream: str) -> frozenset[str]:
    name = stream.partition("@")[0]
    streams = works.system(connection.connector).connector.streams
    return frozenset(kind for one in streams if one.name == name for kind in one.kinds)


def _follow(works: Works, connection: ConnectionRow, kinds: Collection[str]) -> bool:
    """Read what has changed of the records that plans of these kinds look at; True while pages of it are left.

    An invoice is judged by its customer as that stood when the invoice was read: a mark set a minute before counts.
    """
    before = works.now() - FOLLOWED_FOR_US
    with works.database.reading() as c:
        flows = [works.flows[route.flow] for route in setups.routes(c, source_id=connection.id)]
        wanted = {kind for flow in flows if set(kinds) & set(flow.kinds) for kind in flow.follows}
        streams = [one.name for one in works.system(connection.connector).connector.streams if wanted & set(one.kinds)]
        stale = [one for one in streams if (cursors.finished_at(c, connection.id, one) or 0) < before]
        found = [cursor for one in stale if (cursor := cursors.get(c, connection.id, one)) is not None]
    return any(_poll(works, connection, cursor).more for cursor in found)


def _held(works: Works, connection_id: str, kind: str, since: datetime) -> list[str]:
    with works.database.reading() as c:
        return records.names_since(c, connection_id, kind, micros(since))


def _go_live(works: Works, connection: ConnectionRow) -> datetime | None:
    """Reading for the first time begins a little before the earliest go-live of the companies that use this source."""
    with works.database.reading() as c:
        companies = [setups.get_company(c, route.company_id) for route in setups.routes(c, source_id=connection.id)]
    days = [company.go_live for company in companies if company and company.go_live]
    if not days:
        return None
    return datetime.combine(min(days), datetime.min.time(), tzinfo=works.clock.now().tzinfo) - timedelta(days=4)


def _note_failure(works: Works, connection: ConnectionRow, cursor: Cursor, fault: ConnectorError) -> None:
    now = works.now()
    wait_s = reading_wait_s(cursor.failures, asked_s=_asked_s(fault))
    with works.database.writing() as c:
        cursors.fail(c, cursor.id, reason=str(fault)[:500], due_at=now + int(wait_s * 1_000_000), now=now)
        if isinstance(fault, NotAuthorized):
            pausing.pause(works, c, connection.id, fault)


# ------------------------------------------------------------------------------------------- notices


def fetch(works: Works, connection_id: str) -> Read:
    """Read what open notices name and what trips need. Killed anywhere, the notices are still open."""
    with works.database.reading() as c:
        connection = connection_rows.known(c, connection_id)
    if connection.state != "active":
        return Read(error=connection.reason or connection.state)
    with works.database.inbox_reading() as c:
        notices = inbox.open_notices(
            c, connection.workspace_id, connection_id=connection_id, now=works.now(), limit=works.limits.notices_at_once
        )
    with works.database.reading() as c:
        needs = trip_needs.to_look_for(c, connection_id, now=works.now(), limit=_NEEDS_AT_ONCE)
    read = Read()
    try:
        if _follow(works, connection, {one.kind for one in notices}):
            return Read(more=True)
        _fetch_notices(works, connection, notices, read)
        if needs:
            read.objects += asked_for.read_for_trips(works, connection, needs)
    except ConnectorError as fault:
        read.error = str(fault)
        if isinstance(fault, NotAuthorized) and upkeep.recover(works, connection):
            read.more = True
            return read
        _put_off(works, connection, notices, needs, fault)
    read.more = len(notices) == works.limits.notices_at_once
    return read


def _fetch_notices(works: Works, connection: ConnectionRow, notices: Sequence[inbox.OpenNotice], read: Read) -> None:
    """The ids were noted before the first GET: a notice that arrives during it stays open and is read again."""
    if not notices:
        return
    line = open_line(works, connection.id)
    began = works.now()
    since = moment(min(one.received_at for one in notices)) - timedelta(minutes=10)
    named: dict[str, dict[str, None]] = {}
    for one in notices:
        named.setdefault(one.kind, {})[one.external_id] = None
    objects: list[SourceObject] = []
    for kind, ids in named.items():
        there, _gone = arriving.split(line.reader.fetch(kind, list(ids), since=since))
        objects += there
    with works.database.reading() as c:
        wanted = arriving.wanted_by(works, c, connection)
    brought = arriving.translated(works, wanted, objects)
    readings = arriving.readings_of(brought, source="webhook", read_at=began)
    extra, walked = read_around(works, line, wanted, brought)
    done = [one.id for one in notices]
    with works.database.writing() as c:
        arriving.keep(
            works, c, wanted, [*extra, *readings], actor="webhook", priority=LIVE_PRIORITY, facts={"notices": len(done)}
        )
        walks.mark(works, c, connection, walked)
    with works.database.inbox_writing() as c:
        read.notices += inbox.mark_done(c, done, now=works.now())
    read.objects += len(objects)


def _put_off(
    works: Works,
    connection: ConnectionRow,
    notices: Sequence[inbox.OpenNotice],
    needs: Sequence[OpenNeed],
    fault: ConnectorError,
) -> None:
    now = works.now()
    attempts = max((one.attempts for one in notices), default=0)
    until = now + int(reading_wait_s(attempts, asked_s=_asked_s(fault)) * 1_000_000)
    dead = [one.id for one in notices if now - one.received_at > NOTICE_LIFE_US]
    with works.database.writing() as c:
        trip_needs.ask_again(c, [need.id for need in needs], at=until)
        if isinstance(fault, NotAuthorized):
            pausing.pause(works, c, connection.id, fault)
        if dead:
            item: dict[str, Any] = {
                "subject": connection.id, "company_id": None, "connection_id": connection.id, "trip_id": None,
                "code": "notices-given-up", "field": "", "proposal": {"notices": len(dead)},
                "sentence": (
                    f"{len(dead)} webhook notices of {connection.title} could not be read for a week:"
                    f" {fault.what} Polling heals the gap when the connection works again."
                ),
            }  # fmt: skip
            reviews.raise_items(c, [item], workspace_id=connection.workspace_id, ids=works.ids, now=now)
    with works.database.inbox_writing() as c:
        inbox.mark_dead(c, dead, reason=str(fault)[:300], now=now)
        inbox.put_off(c, [one.id for one in notices], until=until, reason=str(fault)[:300])


def _asked_s(fault: ConnectorError) -> float | None:
    return fault.retry_after_s if isinstance(fault, Transient) else None
