"""Reading: streams by poll, notices by fetch, needs by look-up. Main database first, notices done second."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from ml_connector.clock import micros, moment
from ml_connector.connectors.shapes import Compares, SourceObject
from ml_connector.engine import arriving, gathering, pausing, upkeep
from ml_connector.engine.arriving import Brought, Wanted
from ml_connector.engine.books import needing_terms
from ml_connector.engine.gathering import Case
from ml_connector.engine.works import Line, Works, open_line
from ml_connector.errors import ConnectorError, NotAuthorized, Transient, UsageError
from ml_connector.finance.documents import Document
from ml_connector.finance.plan import Answer, need_name
from ml_connector.store import connection_rows, cursors, inbox, records, reviews, setups, trip_needs
from ml_connector.store.connection_rows import ConnectionRow
from ml_connector.store.cursors import Cursor
from ml_connector.store.database import Connection
from ml_connector.store.records import Reading
from ml_connector.store.trip_moves import BACKFILL_PRIORITY, LIVE_PRIORITY
from ml_connector.store.trip_needs import OpenNeed

NEED_ROUNDS = 4
ASK_AGAIN_US = 300_000_000  # a thing that is not there yet is looked for every five minutes
FOLLOWED_FOR_US = 30_000_000  # a backlog or a rush reads what it follows once in a while, not for each page
NOTICE_LIFE_US = 7 * 86_400_000_000
_NEEDS_AT_ONCE = 2_000


@dataclass(slots=True)
class Read:
    """What one reading brought. `error` in words when it could not be made."""

    objects: int = 0
    fresh: int = 0
    trips: int = 0
    notices: int = 0
    more: bool = False
    error: str | None = None
    streams: dict[str, int] = field(default_factory=dict)


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
    extra, walks = _needed(works, line, wanted, brought)
    spec = next((one for one in line.system.connector.streams if one.name == name), None)
    every_us = int(connection.settings.get(f"every_s.{name}", spec.every_s if spec else 300)) * 1_000_000
    due = began if page.more else (cursors.NEVER if backfill else began + every_us)
    with works.database.writing() as c:
        arrival = arriving.keep(
            works, c, wanted, [*extra, *readings], actor="poll",
            priority=BACKFILL_PRIORITY if backfill else LIVE_PRIORITY, facts={"stream": cursor.stream},
        )  # fmt: skip
        _mark_walks(works, c, connection, walks)
        cursors.advance(c, cursor.id, was=cursor.position, position=page.position, due_at=due, now=works.now())
        if not page.more:  # payments at other connections may wait to hear that nothing here names them
            trip_needs.wake_for(c, connection.id, trip_needs.READING, [cursor.stream], now=works.now())
    return Read(len(objects), arrival.fresh, arrival.trips, more=page.more)


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
    wait_s = min(900.0, 5.0 * 2 ** min(cursor.failures, 8))
    if isinstance(fault, Transient) and fault.retry_after_s is not None:
        wait_s = max(wait_s if cursor.failures else 0.0, fault.retry_after_s)
    with works.database.writing() as c:
        cursors.fail(c, cursor.id, reason=str(fault)[:500], due_at=now + int(wait_s * 1_000_000), now=now)
        if isinstance(fault, NotAuthorized):
            pausing.pause(works, c, connection.id, fault)


# ------------------------------------------------------------------------------------------- notices


def fetch(works: Works, connection_id: str) -> Read:
    """Read what open notices name and what trips need. Killed anywhere, the notices are still open."""
    with works.database.reading() as c:
        connection = connection_rows.get(c, connection_id)
    if connection is None:
        raise UsageError("There is no such connection.", record=connection_id)
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
        _fetch_needs(works, connection, needs, read)
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
    extra, walks = _needed(works, line, wanted, brought)
    done = [one.id for one in notices]
    with works.database.writing() as c:
        arrival = arriving.keep(
            works, c, wanted, [*extra, *readings], actor="webhook", priority=LIVE_PRIORITY, facts={"notices": len(done)}
        )
        _mark_walks(works, c, connection, walks)
    with works.database.inbox_writing() as c:
        read.notices += inbox.mark_done(c, done, now=works.now())
    read.objects += len(objects)
    read.fresh += arrival.fresh
    read.trips += arrival.trips


def _put_off(
    works: Works,
    connection: ConnectionRow,
    notices: Sequence[inbox.OpenNotice],
    needs: Sequence[OpenNeed],
    fault: ConnectorError,
) -> None:
    now = works.now()
    attempts = max((one.attempts for one in notices), default=0)
    wait_s = min(900.0, 5.0 * 2 ** min(attempts, 8))
    if isinstance(fault, Transient) and fault.retry_after_s is not None:
        wait_s = max(wait_s if attempts else 0.0, fault.retry_after_s)
    until = now + int(wait_s * 1_000_000)
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


# ------------------------------------------------------------------------------------------- needs


def _needed(
    works: Works, line: Line, wanted: Wanted, brought: Sequence[Brought]
) -> tuple[list[Reading], dict[tuple[str, str | None], int]]:
    """What these objects will need to be planned, read at once: fewer rounds later, fewer calls in all."""
    if wanted.translate is None or not wanted.routes:
        return [], {}
    around = _Around(works, wanted)
    around.add(brought)
    began = works.now()
    # What cannot be read now is no reason to lose what was: the trips ask for the rest, and tell what is wrong.
    with suppress(ConnectorError):
        _read_around(works, line, wanted, around)
    return arriving.readings_of(around.extra, source="lookup", read_at=began), around.walks


def _read_around(works: Works, line: Line, wanted: Wanted, around: _Around) -> None:
    for _ in range(NEED_ROUNDS):
        ids, links = around.missing()
        if not ids and not links:
            return
        for kind, names in ids.items():
            there, _gone = arriving.split(line.reader.fetch(kind, names))
            around.asked |= {(kind, name) for name in names}
            around.add(arriving.translated(works, wanted, there), extra=True)
        for (kind, location), since in links.items():
            walked_at = works.now()
            found = line.reader.walk(kind, location=location, since=moment(since))
            around.walks[kind, location] = walked_at
            around.add(arriving.translated(works, wanted, found), extra=True)


class _Around:
    """What is known around objects that were just read, before anything is stored."""

    def __init__(self, works: Works, wanted: Wanted) -> None:
        self._works, self._wanted = works, wanted
        self._have: set[tuple[str, str]] = set()
        self._known: dict[tuple[str, str], Answer] = {}
        self._cases: list[Case] = []
        with works.database.reading() as c:
            self._terms = {route.id: needing_terms(c, route) for route, _ in wanted.routes}
        self.asked: set[tuple[str, str]] = set()
        self.extra: list[Brought] = []
        self.walks: dict[tuple[str, str | None], int] = {}

    def add(self, brought: Sequence[Brought], *, extra: bool = False) -> None:
        """Objects to plan for, or `extra` ones that only answer."""
        for one in brought:
            name = (one.object.kind, one.object.external_id)
            if name in self._have:
                continue
            self._have.add(name)
            if extra:
                self.extra.append(one)
            if one.document is not None:
                self._answers(one.document, one)
                self._plans(one.document, one)

    def _answers(self, document: Document, one: Brought) -> None:
        source = self._wanted.connection.id
        self._known[source, need_name(one.object.kind, one.object.external_id)] = (document,)
        for link in one.links:
            self._known[source, need_name(one.object.kind, link)] = (document,)

    def _plans(self, document: Document, one: Brought) -> None:
        translate = self._wanted.translate
        if translate is None:
            return
        for route, flow in self._wanted.routes:
            if one.object.kind in flow.kinds:
                name = f"{route.id}/{one.object.kind}/{one.object.external_id}"
                source, target = self._wanted.connection.id, route.target_id
                self._cases.append(Case(name, document, None, flow, self._terms[route.id], source, target, translate))

    def missing(self) -> tuple[dict[str, list[str]], dict[tuple[str, str | None], int]]:
        """Ids, and walks by (kind, location) with how far back, that the plans will ask for and nobody knows yet."""
        ids: dict[str, set[str]] = {}
        links: dict[tuple[str, str | None], int] = {}
        with self._works.database.reading() as c:
            found = gathering.gather(self._works, c, self._cases, known=self._known)
        # Whose needs are met asks nothing more: answers only grow while we read.
        self._cases = [case for case in self._cases if found.missing.get(case.id)]
        for needs in found.missing.values():
            for need in needs:
                if need.system == "target":
                    continue
                if need.id is not None and (need.kind, need.id) not in self.asked:
                    ids.setdefault(need.kind, set()).add(need.id)
                elif need.link is not None and need.optional and (need.kind, need.location) not in self.walks:
                    since = micros(need.since or self._works.clock.now())
                    key = (need.kind, need.location)
                    links[key] = min(links.get(key, since), since)
        return {kind: sorted(names) for kind, names in ids.items()}, links


def read_beside(works: Works, connection_id: str, ids: Mapping[str, Sequence[str]]) -> None:
    """Read and keep these records of a source now, by kind: for who only wants to see what would be planned.

    What cannot be read now is told as what the record waits for.
    """
    with works.database.reading() as c:
        connection = connection_rows.get(c, connection_id)
        wanted = arriving.wanted_by(works, c, connection) if connection is not None else None
    if wanted is None:
        raise UsageError("There is no such connection.", record=connection_id)
    began = works.now()
    objects: list[SourceObject] = []
    with suppress(ConnectorError):
        reader = open_line(works, connection_id).reader
        for kind, names in ids.items():
            objects += arriving.split(reader.fetch(kind, sorted(names)))[0]
    if objects:
        readings = arriving.readings_of(arriving.translated(works, wanted, objects), source="lookup", read_at=began)
        with works.database.writing() as c:
            arriving.keep(works, c, wanted, readings, actor="look-up", priority=LIVE_PRIORITY)


def _fetch_needs(works: Works, connection: ConnectionRow, needs: Sequence[OpenNeed], read: Read) -> None:
    """What waiting trips asked for by name; walks for those who asked "does anything point here"."""
    if not needs:
        return
    line = open_line(works, connection.id)
    began = works.now()
    objects: list[SourceObject] = []
    by_kind: dict[str, list[str]] = {}
    walks: dict[tuple[str, str | None], int] = {}
    for need in needs:
        if need.external_id and not _by_link(need):
            by_kind.setdefault(need.kind, []).append(need.external_id)
        elif need.external_id and need.fields.get("optional"):
            walks[need.kind, need.fields.get("location")] = works.now()
    for kind, names in by_kind.items():
        objects += arriving.split(line.reader.fetch(kind, sorted(set(names))))[0]
    oldest = moment(min(need.asked_at for need in needs)) - timedelta(days=31)
    for kind, location in walks:
        objects += line.reader.walk(kind, location=location, since=oldest)
    with works.database.reading() as c:
        wanted = arriving.wanted_by(works, c, connection)
    readings = arriving.readings_of(arriving.translated(works, wanted, objects), source="lookup", read_at=began)
    there = {(one.kind, one.external_id) for one in objects}
    walked = [need.id for need in needs if _by_link(need) and (need.kind, need.fields.get("location")) in walks]
    found = [need.id for need in needs if (need.kind, need.external_id or "") in there]
    gone = [
        need.id for need in needs if need.fields.get("optional") and not _by_link(need) and need.id not in set(found)
    ]
    still = [need.id for need in needs if need.id not in {*found, *walked, *gone}]
    with works.database.writing() as c:
        arrival = arriving.keep(
            works, c, wanted, readings, actor="look-up", priority=LIVE_PRIORITY, facts={"needs": len(needs)}
        )
        _mark_walks(works, c, connection, walks)
        trip_needs.answer(c, [*found, *walked], found='"there"', now=works.now())
        trip_needs.answer(c, gone, found=None, now=works.now())
        trip_needs.ask_again(c, still, at=works.now() + ASK_AGAIN_US)
    read.objects += len(objects)
    read.fresh += arrival.fresh
    read.trips += arrival.trips


def _by_link(need: OpenNeed) -> bool:
    return (need.external_id or "").startswith("link:")


def _mark_walks(
    works: Works, c: Connection, connection: ConnectionRow, walks: Mapping[tuple[str, str | None], int]
) -> None:
    for (kind, location), began in walks.items():
        cursors.mark(
            c, connection.id, gathering.walk_stream(kind, location), position=str(began),
            workspace_id=connection.workspace_id, ids=works.ids, now=works.now(),
        )  # fmt: skip


def start_backfill(works: Works, connection_id: str, *, since: datetime) -> list[str]:
    """Read a connection's past from `since` with its own cursors at low priority; live reading goes on."""
    with works.database.writing() as c:
        connection = connection_rows.get(c, connection_id)
        if connection is None:
            raise UsageError("There is no such connection.", record=connection_id)
        names = [f"{one.name}@{since.isoformat()}" for one in works.system(connection.connector).connector.streams]
        for name in names:
            cursors.ensure(
                c,
                connection_id,
                name,
                workspace_id=connection.workspace_id,
                ids=works.ids,
                now=works.now(),
                due_at=works.now(),
            )
    return names
