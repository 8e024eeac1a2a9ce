"""The audit trail: events that are only ever appended, each carrying the hash of the one before it.

A chain per company, per connection and one for the install. Append last in a transaction: the chain's head is locked
from there to the commit; a transaction that appends to two chains does so in the order of their names, or two of them
may wait for each other. Facts hold ids, hashes and amounts, never personal data: an event cannot be erased.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, Text, cast, select, update
from sqlalchemy import LargeBinary as Bytes

from ml_connector.store.bulk import insert_many, upsert_ignore
from ml_connector.store.tables import Micros, audit_event, audit_head

INSTALL = "install"
START = "0" * 64
_PAGE = 1_000
_MOST_BROKEN = 100


def company_chain(company_id: str) -> str:
    """The chain of a set of books."""
    return f"company:{company_id}"


def connection_chain(connection_id: str) -> str:
    """The chain of what was read through a connection: one event a page."""
    return f"connection:{connection_id}"


@dataclass(frozen=True, slots=True)
class Entry:
    """What happened: who did what to which subject, with the facts that prove it. `at` in microseconds UTC."""

    at: Micros
    actor: str
    verb: str
    subject: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    """An entry in its place in a chain, exactly as stored; `facts` is the text that was hashed."""

    chain: str
    seq: int
    workspace_id: str | None
    at: Micros
    actor: str
    verb: str
    subject: str
    facts: str
    prev_hash: str
    hash: str


@dataclass(frozen=True, slots=True)
class Head:
    """How far a chain has come. Exported daily to another place, heads show a cut tail or a chain written anew."""

    chain: str
    workspace_id: str | None
    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class Broken:
    """The first event of a chain that is not as it was written, and why."""

    chain: str
    seq: int
    reason: str


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """What a verification found; `broken` names the first broken event of each chain, at most a hundred."""

    events: int
    chains: int
    broken: tuple[Broken, ...]

    @property
    def ok(self) -> bool:
        return not self.broken


def append(
    c: Connection,
    *,
    chain: str,
    workspace_id: str | None,
    at: Micros,
    actor: str,
    verb: str,
    subject: str,
    facts: Mapping[str, Any],
) -> int:
    """Append one event; its number in the chain."""
    entry = Entry(at=at, actor=actor, verb=verb, subject=subject, facts=facts)
    return append_many(c, chain=chain, workspace_id=workspace_id, entries=[entry])


def append_many(c: Connection, *, chain: str, workspace_id: str | None, entries: Sequence[Entry]) -> int:
    """Append `entries` in order under one lock of the head; the number of the last (0 for an empty chain).

    Raises TypeError for facts that JSON cannot say exactly: a float, a Decimal, a date.
    """
    head = _lock_head(c, chain, workspace_id)
    seq, previous = head.seq, head.hash
    rows: list[dict[str, Any]] = []
    for entry in entries:
        seq += 1
        event = _event(chain, seq, workspace_id, entry, previous)
        previous = event["hash"]
        rows.append(event)
    insert_many(c, audit_event, rows)
    if rows:
        c.execute(update(audit_head).where(audit_head.c.chain == chain).values(seq=seq, hash=previous))
    return seq


def heads(c: Connection) -> list[Head]:
    """The head of every chain, to be exported to where this database's administrator cannot write."""
    rows = c.execute(select(*_as_stored(c, audit_head)).order_by(audit_head.c.chain)).mappings()
    return [Head(**{name: _decoded(value) for name, value in row.items()}) for row in rows]


def events_about(c: Connection, workspace_id: str, *, subject: str, limit: int = 500) -> list[Event]:
    """The events of one subject, oldest first."""
    query = select(audit_event).where(audit_event.c.workspace_id == workspace_id, audit_event.c.subject == subject)
    rows = c.execute(query.order_by(audit_event.c.at, audit_event.c.chain, audit_event.c.seq).limit(limit))
    return [Event(**row) for row in rows.mappings()]


def latest_events(
    c: Connection, workspace_id: str, *, before: Micros | None = None, chain: str | None = None, limit: int = 100
) -> list[Event]:
    """The newest events of a workspace, newest first, older than `before`: a page of the audit view."""
    query = select(audit_event).where(audit_event.c.workspace_id == workspace_id)
    if before is not None:
        query = query.where(audit_event.c.at < before)
    if chain is not None:
        query = query.where(audit_event.c.chain == chain)
    query = query.order_by(audit_event.c.at.desc(), audit_event.c.seq.desc()).limit(limit)
    return [Event(**row) for row in c.execute(query).mappings()]


def verify(c: Connection, chain: str | None = None, *, exported: Iterable[Head] = ()) -> VerifyResult:
    """Recompute every hash of one chain or all, compare with the heads here and with `exported` ones.

    Streams: memory does not grow with the trail.
    """
    wanted = [head for head in exported if chain in {None, head.chain}]
    stored = [head for head in heads(c) if chain in {None, head.chain}]
    return check(_stored_events(c, chain), heads=stored, exported=wanted)


def check(
    events: Iterable[Event], *, heads: Iterable[Head] | None = None, exported: Iterable[Head] = ()
) -> VerifyResult:
    """Verify `events`, each chain's in the order of their numbers: from the database or from an export.

    `heads`, where given, are the last events there must be, of exactly these chains; `exported` must lie on the chains.
    """
    found: dict[str, Broken] = {}
    ends = None if heads is None else {head.chain: head for head in heads}
    expected: dict[str, dict[int, str]] = {}
    for head in exported:
        expected.setdefault(head.chain, {})[head.seq] = head.hash
    last: dict[str, tuple[int, str]] = {}
    count = 0
    for event in events:
        count += 1
        seq, previous = last.get(event.chain, (0, START))
        reason = _fault(event, seq=seq + 1, previous=previous, expected=expected.get(event.chain, {}))
        if reason:
            found.setdefault(event.chain, Broken(event.chain, seq + 1, reason))
        last[event.chain] = (seq + 1 if reason else event.seq, event.hash)
    for broken in _ends_that_differ(last, ends, expected):
        found.setdefault(broken.chain, broken)
    return VerifyResult(events=count, chains=len(last), broken=tuple(found.values())[:_MOST_BROKEN])


def export(
    c: Connection, workspace_id: str | None = None, *, chain: str | None = None, since: Micros | None = None
) -> Iterator[str]:
    """Events as JSON lines, chain by chain: of one workspace, one chain or all. `read_export` reads them back.

    An export with `since` does not begin at number 1 and cannot be verified by itself.
    """
    for event in _stored_events(c, chain, workspace_id=workspace_id, since=since):
        yield json.dumps(
            {name: getattr(event, name) for name in Event.__slots__}, ensure_ascii=True, separators=(",", ":")
        )


def read_export(lines: Iterable[str]) -> Iterator[Event]:
    """The events of an export, to be given to `check` far away from the database."""
    for line in lines:
        if line.strip():
            yield Event(**json.loads(line))


def _lock_head(c: Connection, chain: str, workspace_id: str | None) -> Head:
    query = select(audit_head).where(audit_head.c.chain == chain).with_for_update()  # SQLite: BEGIN IMMEDIATE did
    row = c.execute(query).one_or_none()
    if row is None:
        start = {"chain": chain, "workspace_id": workspace_id, "seq": 0, "hash": START}
        upsert_ignore(c, audit_head, [start])
        row = c.execute(query).one()
    return Head(row.chain, row.workspace_id, row.seq, row.hash)


def _event(chain: str, seq: int, workspace_id: str | None, entry: Entry, previous: str) -> dict[str, Any]:
    row: dict[str, Any] = {
        "chain": chain,
        "seq": seq,
        "workspace_id": workspace_id,
        "at": entry.at,
        "actor": entry.actor,
        "verb": entry.verb,
        "subject": entry.subject,
        "facts": canonical(entry.facts),
        "prev_hash": previous,
    }
    return row | {"hash": _hash(row)}


def canonical(facts: Mapping[str, Any]) -> str:
    """One text for one meaning: keys sorted, no spaces, integers and text only."""
    _refuse_floats(facts)
    return json.dumps(facts, sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False)


def _refuse_floats(value: object) -> None:
    if isinstance(value, float):
        raise TypeError("An audit fact is never a float: give minor units, or text.")
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if not isinstance(name, str):
                raise TypeError("An audit fact is named by text.")
            _refuse_floats(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            _refuse_floats(inner)


def _hash(row: Mapping[str, Any]) -> str:
    text = json.dumps(row, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _fault(event: Event, *, seq: int, previous: str, expected: Mapping[int, str]) -> str | None:
    if event.seq != seq:
        return "an event is missing or out of its place"
    if event.prev_hash != previous:
        return "it does not follow the event before it"
    row = {name: getattr(event, name) for name in Event.__slots__ if name != "hash"}
    if _hash(row) != event.hash:
        return "its content is not what was written"
    if expected.get(seq, event.hash) != event.hash:
        return "it is not the event whose head was exported"
    return None


def _ends_that_differ(
    last: Mapping[str, tuple[int, str]], ends: Mapping[str, Head] | None, expected: Mapping[str, Mapping[int, str]]
) -> Iterator[Broken]:
    for chain, marks in expected.items():
        seq = last.get(chain, (0, START))[0]
        if marks and max(marks) > seq:
            yield Broken(chain, seq + 1, f"the tail is cut: an exported head tells of {max(marks)} events")
    if ends is None:
        return
    for chain in sorted(last.keys() | ends.keys()):
        head = ends.get(chain)
        seq, last_hash = last.get(chain, (0, START))
        if head is None:
            yield Broken(chain, seq, "the chain has no head")
        elif (head.seq, head.hash) != (seq, last_hash):
            yield Broken(chain, seq, "the head tells of another last event")


def _stored_events(
    c: Connection, chain: str | None, *, workspace_id: str | None = None, since: Micros | None = None
) -> Iterator[Event]:
    query = select(*_as_stored(c, audit_event)).order_by(audit_event.c.chain, audit_event.c.seq)
    if chain is not None:
        query = query.where(audit_event.c.chain == chain)
    if workspace_id is not None:
        query = query.where(audit_event.c.workspace_id == workspace_id)
    if since is not None:
        query = query.where(audit_event.c.at >= since)
    for row in c.execute(query, execution_options={"yield_per": _PAGE}).mappings():
        yield Event(**{name: _decoded(value) for name, value in row.items()})


def _as_stored(c: Connection, table: Table) -> list[ColumnElement[Any]]:
    """SQLite lets any bytes into a text column and fails when it decodes them; read as bytes they are a wrong text."""
    if c.dialect.name != "sqlite":
        return list(table.c)
    return [cast(column, Bytes).label(column.name) if isinstance(column.type, Text) else column for column in table.c]


def _decoded(value: Any) -> Any:
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value
