"""Tracing: from any id that a person may hold to the whole story of a record, on both sides, in the order of time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ml_connector.engine import siblings, successions
from ml_connector.engine.reviewing import decided
from ml_connector.engine.works import Works
from ml_connector.errors import UsageError
from ml_connector.flows.flow import OWN_ID
from ml_connector.store import audit, connection_rows, inbox, records, reviews, setups, submissions, trips, writes
from ml_connector.store.connection_rows import ConnectionRow
from ml_connector.store.database import Connection
from ml_connector.store.reviews import ReviewItem
from ml_connector.store.submissions import Attempt, Submission
from ml_connector.store.trips import Trip
from ml_connector.store.writes import Write

MOST_EVENTS = 500  # audit events shown for one record
MOST_TRIPS = 50  # records shown where an id names many, as the number of a summary voucher does
_KEY_PARTS = (
    "sale",
    "ref",
    "ord",
    "inv",
    "po",
    "cus",
    "ven",
    "dp",
    "cap",
    "txn",
    "pay",
)  # {code}:{part}:{id}, design section 4
_ORDINAL = re.compile(r"(/\d+)?(#\d+)?$")  # a submission's key is a write's key with a revision and an ordinal


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened, at `at` (microseconds), told in words and in facts."""

    at: int
    what: str
    told: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Story:
    """One source record with everything that came of it."""

    connection: str
    kind: str
    external_id: str
    record_id: str
    versions: tuple[Mapping[str, Any], ...]
    trips: tuple[Trip, ...]
    writes: tuple[Write, ...]
    submissions: tuple[Submission, ...]
    attempts: tuple[Attempt, ...]
    questions: tuple[ReviewItem, ...]
    notices: tuple[Mapping[str, Any], ...]
    moments: tuple[Moment, ...]


def trace(works: Works, workspace_id: str, name: str) -> list[Story]:
    """The stories behind an id: a source id, a key, a number or token of the ledger, an event, or an id of ours.

    Raises UsageError when nothing of this workspace has it.
    """
    with works.database.reading() as c:
        connections = connection_rows.every(c, workspace_id)
        found = _records(works, c, workspace_id, connections, name)
    if not found:
        with works.database.inbox_reading() as c:
            rung = inbox.by_event(c, workspace_id, name)
        with works.database.reading() as c:
            found = [one for ring in rung for one in _by_name(works, c, connections, ring["external_id"], ring["kind"])]
    with works.database.reading() as c:
        found += successions.family(works, c, connections, found)
        found += _of_the_same_event(works, c, connections, found)
    if not found:
        raise UsageError(
            "Nothing here has this id.",
            record=name,
            fix="Check it, and that it was read: `ml-connector read` reads now.",
        )
    by_id = {one.id: one for one in connections}
    return [_story(works, workspace_id, by_id, record_id) for record_id in dict.fromkeys(found)][:MOST_TRIPS]


# ------------------------------------------------------------------------------------------- from an id to records


def _records(
    works: Works, c: Connection, workspace_id: str, connections: Sequence[ConnectionRow], name: str
) -> list[str]:
    """Ids of the records that this id names or that stand behind it."""
    companies = [one.id for one in setups.companies(c, workspace_id)]
    routes = {one.id for one in setups.routes(c, workspace_id=workspace_id)}
    touched: list[str] = [one.trip_id for one in _writes(c, workspace_id, companies, connections, name)]
    touched += [trip.id for trip in trips.by_ids(c, [name]).values() if trip.route_id in routes]
    item = reviews.by_id(c, workspace_id, name)
    touched += [item.trip_id] if item is not None and item.trip_id else []
    behind = trips.by_ids(c, list(dict.fromkeys(touched)))
    found = [trip.record_id for trip in behind.values()]
    found += [one for one in records.by_ids(c, [name]) if _is_ours(c, one, connections)]
    return found + _by_name(works, c, connections, name)


def _writes(
    c: Connection, workspace_id: str, companies: Sequence[str], connections: Sequence[ConnectionRow], name: str
) -> list[Write]:
    sent = submissions.by_number(c, workspace_id, name)
    sent += [one for one in submissions.by_ids(c, [name]).values() if one.company_id in companies]
    found = [write for several in writes.of_submissions(c, [one.id for one in sent]).values() for write in several]
    found += [one for one in writes.by_ids(c, [name]).values() if one.company_id in companies]
    plain = _ORDINAL.sub("", name)
    keys = {name, plain, re.sub(r":rev\d*$", "", plain)}
    keys |= {f"{one.code}:{part}:{name}" for one in connections for part in _KEY_PARTS}
    for company_id in companies:
        for key in sorted(keys):
            found += writes.by_key(c, company_id, key)
    for one in connections:  # what people did in the ledger to an invoice, told back to it
        found += writes.beginning(c, one.id, f"{one.code}:adj:{name}:")
    return found


def _by_name(
    works: Works, c: Connection, connections: Sequence[ConnectionRow], external_id: str, kind: str | None = None
) -> list[str]:
    found = []
    for connection in connections:
        kinds = works.system(connection.connector).connector.reads if kind is None else (kind,)
        for one in kinds:
            found += [record.id for record in records.by_names(c, connection.id, one, [external_id]).values()]
    return found


def _of_the_same_event(
    works: Works, c: Connection, connections: Sequence[ConnectionRow], found: Sequence[str]
) -> list[str]:
    """Records of other systems that tell of the same economic event: an order's payment, a payment's order."""
    known = list(dict.fromkeys(found))
    names = {name for flow in works.flows.values() for _, theirs, ours in flow.siblings for name in (theirs, ours)}
    by_own_id = [flow for flow in works.flows.values() if any(ours == OWN_ID for _, _, ours in flow.siblings)]
    sources = {flow.source: flow for flow in by_own_id}
    values = records.links_of(c, known, names) | {
        one.external_id for one in records.by_ids(c, known).values()
        if any(one.kind in flow.kinds for flow in by_own_id)
    }  # fmt: skip
    met = []
    for row in connections:
        for name in sorted(names - {OWN_ID}):
            met += records.pointing(c, row.id, name, sorted(values))
        if row.connector in sources:
            met += siblings.own_records(c, row.id, sources[row.connector], OWN_ID, sorted(values))
    return met


def _is_ours(c: Connection, record_id: str, connections: Sequence[ConnectionRow]) -> bool:
    """Whether a record is one of this workspace: records know only their connection."""
    stored = records.by_ids(c, [record_id]).get(record_id)
    if stored is None:
        return False
    return any(records.known_names(c, one.id, stored.kind, [stored.external_id]) for one in connections)


# ------------------------------------------------------------------------------------------- from a record to its story


def _story(works: Works, workspace_id: str, connections: Mapping[str, ConnectionRow], record_id: str) -> Story:
    with works.database.reading() as c:
        stored = records.by_ids(c, [record_id])[record_id]
        owner = _owner(c, connections, stored.kind, stored.external_id)
        versions = records.versions_of(c, record_id)
        own = trips.of_record(c, record_id)
        made = _writes_of(c, own)
        sent = list(submissions.by_ids(c, sorted({one.submission_id for one in made if one.submission_id})).values())
        tried = [one for several in submissions.attempts_of(c, [one.id for one in sent]).values() for one in several]
        questions = _questions(c, own)
    with works.database.inbox_reading() as c:
        rung = inbox.notices_of(
            c, workspace_id, connection_id=owner.id, kind=stored.kind, external_id=stored.external_id
        )
    with works.database.reading() as c:
        events = _events(
            c, owner, own, made, sent=sent, stored=stored, since=min((v["read_at"] for v in versions), default=0)
        )
    moments = [
        *_of_notices(rung),
        *_of_versions(versions),
        *_of_questions(questions),
        *_of_attempts(sent, tried),
        *events,
    ]
    return Story(
        owner.code, stored.kind, stored.external_id, record_id, tuple(versions), tuple(own), tuple(made), tuple(sent),
        tuple(tried), tuple(questions), tuple(rung), tuple(sorted(moments, key=lambda one: one.at)),
    )  # fmt: skip


def _owner(c: Connection, connections: Mapping[str, ConnectionRow], kind: str, external_id: str) -> ConnectionRow:
    for connection in connections.values():
        if records.known_names(c, connection.id, kind, [external_id]):
            return connection
    raise UsageError("This record belongs to another workspace.", record=external_id)


def _writes_of(c: Connection, own: Sequence[Trip]) -> list[Write]:
    """Writes of these trips, and those of others that they share by key."""
    made = writes.of_trips(c, [trip.id for trip in own])
    known = {one.id for one in made}
    for trip in own:
        route = setups.get_route(c, trip.route_id)
        if route is None or not trip.plan:
            continue
        for key in json.loads(trip.plan)["keys"]:
            shared = [one for one in writes.by_key(c, route.company_id, key) if one.id not in known]
            made += shared
            known |= {one.id for one in shared}
    return made


def _questions(c: Connection, own: Sequence[Trip]) -> list[ReviewItem]:
    ids = [trip.id for trip in own]
    return [
        item
        for state in ("open", "resolved", "superseded")
        for several in reviews.of_trips(c, ids, state=state).values()
        for item in several
    ]


def _of_notices(rung: Iterable[Mapping[str, Any]]) -> Iterator[Moment]:
    for one in rung:
        told = f"webhook {one['event_type'] or ''} {one['event_id'] or ''}".strip()
        yield Moment(one["received_at"], "notice", told, {"event_id": one["event_id"], "state": one["state"]})


def _of_versions(versions: Iterable[Mapping[str, Any]]) -> Iterator[Moment]:
    for one in versions:
        told = f"version {one['n']} read by {one['source']}"
        yield Moment(one["read_at"], "read", told, {"n": one["n"], "stamp": one["stamp"], "hash": one["hash"]})


def _of_questions(questions: Iterable[ReviewItem]) -> Iterator[Moment]:
    for one in questions:
        yield Moment(one.created_at, "question", one.sentence, {"item": one.id, "code": one.code, "state": one.state})
        if one.decided_at is not None and one.decided_by:
            yield Moment(one.decided_at, "decision", f"{one.decided_by}: {decided(one)}", {"item": one.id})


def _of_attempts(sent: Iterable[Submission], tried: Sequence[Attempt]) -> Iterator[Moment]:
    names = {one.id: one for one in sent}
    for one in tried:
        about = names[one.submission_id]
        facts = {"submission": about.key, "token": about.token, "fault": one.fault}
        yield Moment(one.started_at, "intention", f"{one.call} {about.key}, attempt {one.n}", facts)
        if one.ended_at is not None:
            told = f"{one.call} {about.key}: {one.outcome}" + (f", {about.number}" if about.number else "")
            yield Moment(one.ended_at, "outcome", told, {**facts, "outcome": one.outcome})


def _events(
    c: Connection, owner: ConnectionRow, own: Sequence[Trip], made: Sequence[Write], *, sent: Sequence[Submission],
    stored: records.StoredRecord, since: int
) -> list[Moment]:  # fmt: skip
    """Audit events that name the record, its trips, keys or tokens."""
    names = {stored.external_id, *(one.id for one in own), *(one.key for one in made), *(one.token for one in sent)}
    marks = [json.dumps(name) for name in sorted(names)]
    companies = {route.company_id for trip in own if (route := setups.get_route(c, trip.route_id))}
    chains = [audit.connection_chain(owner.id), *(audit.company_chain(one) for one in sorted(companies)), audit.INSTALL]
    found: list[Moment] = []
    for chain in chains:
        for event in audit.stored_events(c, chain, since=since - 1):
            about = event.subject in names or any(mark in event.facts for mark in marks)
            if about and len(found) < MOST_EVENTS:
                facts = {"chain": event.chain, "seq": event.seq, "hash": event.hash, "actor": event.actor}
                said = [words for key, words in _notes(event.facts).items() if key in names]
                told = ": ".join((event.verb, *said[:1]))
                found.append(Moment(event.at, "audit", f"{told} (event {event.seq} of {event.chain})", facts))
    return found


def _notes(facts: str) -> dict[str, str]:
    """What a target said, by key, of what it took all the same."""
    found = json.loads(facts) if '"notes"' in facts else None
    notes = found.get("notes") if isinstance(found, dict) else None
    return {key: str(words) for key, words in notes.items()} if isinstance(notes, dict) else {}
