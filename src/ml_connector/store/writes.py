"""Planned writes: one effect of one record each, unique by key while they live. Here they are found."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, or_, select, text

from ml_connector.store.bulk import chunks
from ml_connector.store.tables import Micros, planned_write, route, submission, trip, write_need
from ml_connector.store.trip_undo import BEING_UNDONE

LIVE = ("open", "sealed", "done")
# In the words of the index that makes them unique: by the states in a list SQLite reads every write of the company.
_IS_LIVE = text("planned_write.state NOT IN ('dropped', 'reversed')")


def by_key_alone(state: ColumnElement[str]) -> ColumnElement[str]:
    """A state that chooses no index.

    Told as a plain column beside a key, SQLite reads every write of that state: those that are done are in time all of
    them.
    """
    return state.concat("")


@dataclass(frozen=True, slots=True)
class Write:
    """A planned write as stored. `content` is JSON text: the content itself and why each choice was made."""

    id: str
    company_id: str
    trip_id: str
    key: str
    revision: int
    kind: str
    content: str
    hash: str
    pool_key: str | None
    submission_id: str | None
    state: str
    reverses_id: str | None
    remote_id: str | None
    number: str | None
    created_at: Micros
    target_id: str  # the connection it goes to


COLUMNS = (
    planned_write.c.id,
    planned_write.c.company_id,
    planned_write.c.trip_id,
    planned_write.c.key,
    planned_write.c.revision,
    planned_write.c.kind,
    planned_write.c.content,
    planned_write.c.hash,
    planned_write.c.pool_key,
    planned_write.c.submission_id,
    planned_write.c.state,
    planned_write.c.reverses_id,
    planned_write.c.remote_id,
    planned_write.c.number,
    planned_write.c.created_at,
    planned_write.c.target_id,
)


def write_of(row: Row[*tuple[Any, ...]]) -> Write:
    """A write of a row that begins with `COLUMNS`."""
    return Write(*row[: len(COLUMNS)])


def live(c: Connection, company_id: str, keys: Sequence[str]) -> dict[str, Write]:
    """The one live write of each key."""
    found = {}
    for part in chunks(keys):
        rows = c.execute(
            select(*COLUMNS).where(planned_write.c.company_id == company_id, planned_write.c.key.in_(part), _IS_LIVE)
        )
        found.update({row.key: write_of(row) for row in rows})
    return found


def last_revisions(c: Connection, company_id: str, keys: Sequence[str]) -> dict[str, int]:
    """The highest revision used for each key (dropped ones do not count)."""
    found = {}
    for part in chunks(keys):
        rows = c.execute(
            select(planned_write.c.key, func.max(planned_write.c.revision))
            .where(
                planned_write.c.company_id == company_id,
                planned_write.c.key.in_(part),
                planned_write.c.state != "dropped",
            )
            .group_by(planned_write.c.key)
        )
        found.update({row[0]: row[1] for row in rows})
    return found


def needs_of(c: Connection, write_ids: Sequence[str]) -> dict[str, set[str]]:
    """The keys that each of these writes needs; writes without needs are left out."""
    found: dict[str, set[str]] = {}
    for part in chunks(write_ids):
        for row in c.execute(select(write_need.c.write_id, write_need.c.key).where(write_need.c.write_id.in_(part))):
            found.setdefault(row.write_id, set()).add(row.key)
    return found


def needing(c: Connection, company_id: str, keys: Sequence[str]) -> list[Write]:
    """Live writes, reversals too, that need any of these keys."""
    found = {}
    for part in chunks(keys):
        rows = c.execute(
            select(*COLUMNS)
            .join(write_need, write_need.c.write_id == planned_write.c.id)
            .where(write_need.c.company_id == company_id, write_need.c.key.in_(part), planned_write.c.state.in_(LIVE))
        )
        found.update({row.id: write_of(row) for row in rows})
    return list(found.values())


def put_against(c: Connection, connection_id: str, key: str) -> list[Write]:
    """Live writes that need this key, reversals left out, of the companies that a connection serves."""
    rows = c.execute(
        select(*COLUMNS)
        .join(write_need, write_need.c.write_id == planned_write.c.id)
        .where(write_need.c.company_id.in_(_served(connection_id)), write_need.c.key == key, _IS_LIVE)
        .where(planned_write.c.reverses_id.is_(None))
        .order_by(planned_write.c.id)
    )
    return [write_of(row) for row in rows]


def undone(c: Connection, company_id: str, keys: Sequence[str]) -> dict[str, str]:
    """Keys that a person took back and nobody booked since, each with the trip that had booked it."""
    found = {}
    for part in chunks(keys):
        rows = c.execute(
            select(planned_write.c.key, planned_write.c.state, planned_write.c.trip_id, trip.c.state, trip.c.reason)
            .join(trip, trip.c.id == planned_write.c.trip_id)
            .where(
                planned_write.c.company_id == company_id,
                planned_write.c.key.in_(part),
                planned_write.c.state != "dropped",
            )
            .order_by(planned_write.c.revision)
        )
        newest = {row[0]: row for row in rows}
        for key, (_, state, trip_id, trip_state, reason) in newest.items():
            if state == "reversed" and (trip_state == "reversed" or reason == BEING_UNDONE):
                found[key] = trip_id
    return found


def of_trips(c: Connection, trip_ids: Sequence[str], *, states: Collection[str] | None = None) -> list[Write]:
    """Writes of these trips in plan order."""
    found: list[Write] = []
    for part in chunks(trip_ids):
        query = select(*COLUMNS).where(planned_write.c.trip_id.in_(part))
        if states is not None:
            query = query.where(planned_write.c.state.in_(states))
        found.extend(
            write_of(row)
            for row in c.execute(
                query.order_by(planned_write.c.trip_id, planned_write.c.position, planned_write.c.revision)
            )
        )
    return found


def of_submissions(c: Connection, submission_ids: Sequence[str]) -> dict[str, list[Write]]:
    """Writes by the submission that carries them."""
    found: dict[str, list[Write]] = {}
    for part in chunks(submission_ids):
        rows = c.execute(select(*COLUMNS).where(planned_write.c.submission_id.in_(part)).order_by(planned_write.c.id))
        for row in rows:
            found.setdefault(row.submission_id, []).append(write_of(row))
    return found


@dataclass(frozen=True, slots=True)
class Carried:
    """What must be known of a write when the document that carries it stands."""

    key: str
    trip_id: str
    reverses_id: str | None


def carried_by(c: Connection, submission_ids: Sequence[str]) -> dict[str, list[Carried]]:
    """Writes by the submission that carries them, without their contents."""
    columns = [planned_write.c.submission_id, *(planned_write.c[name] for name in Carried.__slots__)]
    found: dict[str, list[Carried]] = {}
    for part in chunks(submission_ids):
        of_them = select(*columns).where(planned_write.c.submission_id.in_(part)).order_by(planned_write.c.id)
        for submission_id, *known in c.execute(of_them):
            found.setdefault(submission_id, []).append(Carried(*known))
    return found


def by_ids(c: Connection, ids: Sequence[str]) -> dict[str, Write]:
    """Planned writes by id."""
    found = {}
    for part in chunks(ids):
        found.update({row.id: write_of(row) for row in c.execute(select(*COLUMNS).where(planned_write.c.id.in_(part)))})
    return found


def standing(c: Connection, target_id: str, key: str) -> Write | None:
    """The write of this key that stands in a target as a document of its own."""
    companies = select(route.c.company_id).where(route.c.target_id == target_id)
    row = c.execute(
        select(*COLUMNS)
        .join(submission, submission.c.id == planned_write.c.submission_id)
        .where(
            planned_write.c.company_id.in_(companies),
            planned_write.c.key == key,
            by_key_alone(planned_write.c.state) == "done",
            planned_write.c.pool_key.is_(None),
            submission.c.target_id == target_id,
        )
    ).first()
    return write_of(row) if row is not None else None


def made_as(c: Connection, target_id: str, kind: str, remote_ids: Sequence[str]) -> list[Write]:
    """What became one of these documents of a target."""
    rows = c.execute(
        select(*COLUMNS)
        .join(submission, submission.c.id == planned_write.c.submission_id)
        .where(submission.c.target_id == target_id, submission.c.kind == kind, submission.c.remote_id.in_(remote_ids))
        .order_by(planned_write.c.id)
    )
    return [write_of(row) for row in rows]


def beginning(c: Connection, connection_id: str, prefix: str) -> list[Write]:
    """Live writes whose key begins so, of the companies that this connection serves."""
    key = planned_write.c.key
    # SQLite walks an index by GLOB; its LIKE takes capitals and small letters for the same, and reads everything.
    pattern = re.sub(r"([*?\[])", r"[\1]", prefix)
    begins = key.op("GLOB")(f"{pattern}*") if c.dialect.name == "sqlite" else key.startswith(prefix, autoescape=True)
    rows = c.execute(
        select(*COLUMNS)
        .where(planned_write.c.company_id.in_(_served(connection_id)), begins, _IS_LIVE)
        .order_by(planned_write.c.id)
    )
    return [write_of(row) for row in rows]


def _served(connection_id: str) -> Select[tuple[str]]:
    """Ids of the companies that a connection serves."""
    return select(route.c.company_id).where(or_(route.c.source_id == connection_id, route.c.target_id == connection_id))


def on_its_way(c: Connection, target_id: str, key: str) -> bool:
    """Whether a write of this key is planned or sent to a target, and does not stand there yet."""
    companies = select(route.c.company_id).where(route.c.target_id == target_id)
    row = c.execute(
        select(planned_write.c.id).where(
            planned_write.c.company_id.in_(companies),
            planned_write.c.key == key,
            planned_write.c.target_id == target_id,
            by_key_alone(planned_write.c.state).in_(("open", "sealed")),
        )
    ).first()
    return row is not None


def by_key(c: Connection, company_id: str, key: str) -> list[Write]:
    """Every revision and reversal under one key."""
    rows = c.execute(
        select(*COLUMNS)
        .where(planned_write.c.company_id == company_id, planned_write.c.key == key)
        .order_by(planned_write.c.revision, planned_write.c.id)
    )
    return [write_of(row) for row in rows]


def done_of_company(
    c: Connection, company_id: str, *, after: str = "", limit: int = 2_000
) -> list[tuple[Write, str | None, str | None]]:
    """Writes in the ledger in pages by id, each with its submission's key and what was read back."""
    rows = c.execute(
        select(*COLUMNS, submission.c.key, submission.c.observed)
        .outerjoin(submission, submission.c.id == planned_write.c.submission_id)
        .where(
            planned_write.c.company_id == company_id,
            planned_write.c.state.in_(("done", "reversed")),
            planned_write.c.id > after,
        )
        .order_by(planned_write.c.id)
        .limit(limit)
    )
    return [(write_of(row), row[-2], row[-1]) for row in rows]
