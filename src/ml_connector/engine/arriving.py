"""What was read becomes records, versions and trips: one way in for webhook, poll, look-up and backfill."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ml_connector.clock import micros
from ml_connector.connectors.shapes import Absent, SourceObject, Translate
from ml_connector.engine import siblings, successions
from ml_connector.engine.works import Works
from ml_connector.errors import Untranslatable
from ml_connector.finance.documents import Document
from ml_connector.flows.flow import Flow
from ml_connector.store import audit, records, setups, trip_moves, trip_needs
from ml_connector.store.audit import Entry
from ml_connector.store.connection_rows import ConnectionRow
from ml_connector.store.database import Connection
from ml_connector.store.records import Kept, Reading
from ml_connector.store.setups import RouteRow


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which kinds of a connection get a trip on which routes, and how links are found."""

    connection: ConnectionRow
    routes: tuple[tuple[RouteRow, Flow], ...]
    translate: Translate | None


def wanted_by(works: Works, c: Connection, connection: ConnectionRow) -> Wanted:
    """The routes that read from this connection."""
    found = setups.routes(c, source_id=connection.id)
    return Wanted(
        connection,
        tuple((route, works.flows[route.flow]) for route in found),
        works.system(connection.connector).translate,
    )


@dataclass(frozen=True, slots=True)
class Brought:
    """An object just read and its document; None where it cannot be read as one (planning says so in a review item)."""

    object: SourceObject
    text: str  # of its payload, as it is kept
    hash: str
    document: Document | None
    links: tuple[tuple[str, str], ...]


def translated(works: Works, wanted: Wanted, objects: Sequence[SourceObject]) -> list[Brought]:
    """Read each object as a document, once."""
    found = []
    for one in objects:
        text = records.payload_text(one.payload)
        name = records.payload_hash(text)
        document = _document_of(works, wanted.translate, one, name)
        links = {link for _, flow in wanted.routes for link in flow.links(document)} if document is not None else set()
        found.append(Brought(one, text, name, document, tuple(sorted(links))))
    return found


def readings_of(brought: Sequence[Brought], *, source: str, read_at: int) -> list[Reading]:
    """Objects as the store keeps them, with what each points to."""
    readings = []
    for each in brought:
        one = each.object
        readings.append(
            Reading(
                kind=one.kind,
                external_id=one.external_id,
                payload=each.text,
                hash=each.hash,
                stamp=one.stamp,
                read_at=read_at,
                occurred_at=micros(one.occurred_at),
                location=one.location,
                source=source,
                links=each.links,
            )
        )
    return readings


def _document_of(works: Works, translate: Translate | None, one: SourceObject, payload_hash: str) -> Document | None:
    if translate is None:
        return None
    try:
        return works.documents.of((translate, one.kind, payload_hash), lambda: translate(one.kind, one.payload))
    except Untranslatable:
        return None


def keep(
    works: Works, c: Connection, wanted: Wanted, readings: Sequence[Reading], *, actor: str, priority: int,
    facts: Mapping[str, object] | None = None
) -> list[Kept]:  # fmt: skip
    """Store readings, give them trips, wake who waited for them; one audit event for all. The caller's transaction."""
    if not readings:
        return []
    connection = wanted.connection
    now = works.now()
    kept = records.keep(
        c, readings, workspace_id=connection.workspace_id, connection_id=connection.id, ids=works.ids, now=now
    )
    fresh = [one for one in kept if one.fresh]
    starts = [
        (route.id, one.record_id, one.reading.kind, one.reading.occurred_at)
        for route, flow in wanted.routes
        for one in fresh
        if one.reading.kind in flow.kinds
    ]
    trip_moves.start(c, starts, workspace_id=connection.workspace_id, ids=works.ids, now=now, priority=priority)
    _wake(c, wanted, fresh, now=now)
    siblings.wake(works, c, wanted.routes, fresh)
    if fresh:
        versions = [[one.reading.kind, one.reading.external_id, one.n, one.reading.hash[:16]] for one in fresh]
        entry = Entry(now, actor, "read", connection.id, {**(facts or {}), "versions": versions})
        told = successions.note(c, connection, wanted.routes, fresh, actor=actor, now=now)
        audit.append_many(
            c, chain=audit.connection_chain(connection.id), workspace_id=connection.workspace_id, entries=[entry, *told]
        )
    return kept


def _wake(c: Connection, wanted: Wanted, fresh: Sequence[Kept], *, now: int) -> None:
    """What waited goes on; what is held looks again where a record that it follows or looked at was changed."""
    connection_id = wanted.connection.id
    followed = {kind for _, flow in wanted.routes for kind in flow.follows}
    watched = {kind for _, flow in wanted.routes for kind in flow.watches}
    changed: dict[str, list[str]] = {}
    for one in fresh:
        if not one.first:
            changed.setdefault(one.reading.kind, []).append(one.reading.external_id)
    for kind, names in changed.items():
        trip_needs.wake_pointing(c, connection_id, kind, names, now=now, held=kind in followed)
    by_kind: dict[str, list[str]] = {}
    for one in fresh:
        by_kind.setdefault(one.reading.kind, []).append(one.reading.external_id)
        for name, value in one.reading.links:
            by_kind[one.reading.kind].append(link_name(name, value))
    if not trip_needs.anybody_waits(c, connection_id):
        return
    for kind, names in by_kind.items():
        trip_needs.wake_for(c, connection_id, kind, names, now=now)
        if kind in watched:
            trip_needs.wake_watching(c, connection_id, kind, names, now=now)


def link_name(name: str, value: str) -> str:
    """How a need for "whatever points to this" is written down."""
    return f"link:{name}={value}"


def split(answers: Sequence[SourceObject | Absent]) -> tuple[list[SourceObject], list[Absent]]:
    """What is there and what is not."""
    there = [one for one in answers if isinstance(one, SourceObject)]
    return there, [one for one in answers if isinstance(one, Absent)]
