"""The audit trail: events that are only ever appended, each carrying the hash of the one before it.

A chain per company, per connection and one for the install. Append last in a transaction: the chain's head is locked
from there to the commit; a transaction that appends to two chains does so in the order of their names, or two of them
may wait for each other. Facts hold ids, hashes and amounts, never personal data: an event cannot be erased.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, Text, cast, select, update
from sqlalchemy import LargeBinary as Bytes

from ml_connector.store.bulk import insert_many, upsert_ignore
from ml_connector.store.tables import Micros, audit_event, audit_head

INSTALL = "install"
START = "0" * 64
_PAGE = 1_000


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


def latest_events(c: Connection, workspace_id: str, *, limit: int) -> list[Event]:
    """The newest events of a workspace, newest first."""
    query = select(audit_event).where(audit_event.c.workspace_id == workspace_id)
    query = query.order_by(audit_event.c.at.desc(), audit_event.c.seq.desc()).limit(limit)
    return [Event(**row) for row in c.execute(query).mappings()]


def stored_events(
    c: Connection, chain: str | None, *, workspace_id: str | None = None, since: Micros | None = None
) -> Iterator[Event]:
    """Events in the order of chain and number, exactly as stored; memory does not grow with their number."""
    query = select(*_as_stored(c, audit_event)).order_by(audit_event.c.chain, audit_event.c.seq)
    if chain is not None:
        query = query.where(audit_event.c.chain == chain)
    if workspace_id is not None:
        query = query.where(audit_event.c.workspace_id == workspace_id)
    if since is not None:
        query = query.where(audit_event.c.at >= since)
    for row in c.execute(query, execution_options={"yield_per": _PAGE}).mappings():
        yield Event(**{name: _decoded(value) for name, value in row.items()})


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
    return row | {"hash": hash_of(row)}


def canonical(facts: Mapping[str, Any]) -> str:
    """One text for one meaning: keys sorted, no spaces, integers and text only."""
    _refuse_floats(facts)
    return json.dumps(facts, sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False)


_EXACT = frozenset({str, int, bool, type(None)})


def _refuse_floats(value: object) -> None:
    if isinstance(value, float):
        raise TypeError("An audit fact is never a float: give minor units, or text.")
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if not isinstance(name, str):
                raise TypeError("An audit fact is named by text.")
            if type(inner) not in _EXACT:
                _refuse_floats(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            if type(inner) not in _EXACT:
                _refuse_floats(inner)


def hash_of(row: Mapping[str, Any]) -> str:
    """The hash of an event's columns, all but `hash` itself."""
    text = json.dumps(row, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _as_stored(c: Connection, table: Table) -> list[ColumnElement[Any]]:
    """SQLite lets any bytes into a text column and fails when it decodes them; read as bytes they are a wrong text."""
    if c.dialect.name != "sqlite":
        return list(table.c)
    return [cast(column, Bytes).label(column.name) if isinstance(column.type, Text) else column for column in table.c]


def _decoded(value: Any) -> Any:
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value
