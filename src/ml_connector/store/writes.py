"""Planned writes: one effect of one record each, unique by key while they live."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, exists, func, or_, select, text, update
from sqlalchemy.orm import aliased

from ml_connector.store.bulk import chunks, insert_many, update_many
from ml_connector.store.states import move_many
from ml_connector.store.tables import Micros, company, planned_write, route, submission, trip, write_need
from ml_connector.store.trips import BEING_UNDONE

LIVE = ("open", "sealed", "done")
# In the words of the index that makes them unique: by the states in a list SQLite reads every write of the company.
_IS_LIVE = text("planned_write.state NOT IN ('dropped', 'reversed')")


def _by_key_alone(state: ColumnElement[str]) -> ColumnElement[str]:
    """A state that chooses no index. Told as a plain column beside a key, SQLite reads every write of that state: those
    that are done are in time all of them.
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


_COLUMNS = (
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


def _write(row: Row[*tuple[Any, ...]]) -> Write:
    return Write(*row[: len(_COLUMNS)])


def live(c: Connection, company_id: str, keys: Sequence[str]) -> dict[str, Write]:
    """The one live write of each key."""
    found = {}
    for part in chunks(keys):
        rows = c.execute(
            select(*_COLUMNS).where(planned_write.c.company_id == company_id, planned_write.c.key.in_(part), _IS_LIVE)
        )
        found.update({row.key: _write(row) for row in rows})
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


def add(c: Connection, rows: Sequence[Mapping[str, Any]], needs: Sequence[Mapping[str, Any]]) -> None:
    """New open writes and the keys each must wait for."""
    insert_many(c, planned_write, rows)
    insert_many(c, write_need, needs)


def drop_open(c: Connection, trip_ids: Sequence[str], *, now: Micros) -> None:
    """The open writes of trips that are planned again make room; reversals under way stay."""
    for part in chunks(trip_ids):
        c.execute(
            update(planned_write)
            .where(
                planned_write.c.trip_id.in_(part),
                planned_write.c.state == "open",
                planned_write.c.reverses_id.is_(None),
            )
            .values(state="dropped", updated_at=now)
        )


def drop(c: Connection, write_ids: Sequence[str], *, now: Micros) -> int:
    """These open writes are not sent after all; how many were still open."""
    return move_many(c, planned_write, write_ids, source="open", target="dropped", updated_at=now)


def open_reversals(c: Connection, trip_ids: Sequence[str]) -> list[Write]:
    """What is to be taken back of these trips and was not sealed yet."""
    found = []
    for part in chunks(trip_ids):
        rows = c.execute(
            select(*_COLUMNS).where(
                planned_write.c.trip_id.in_(part),
                planned_write.c.state == "open",
                planned_write.c.reverses_id.is_not(None),
            )
        )
        found += [_write(row) for row in rows]
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
            select(*_COLUMNS)
            .join(write_need, write_need.c.write_id == planned_write.c.id)
            .where(write_need.c.company_id == company_id, write_need.c.key.in_(part), planned_write.c.state.in_(LIVE))
        )
        found.update({row.id: _write(row) for row in rows})
    return list(found.values())


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
        query = select(*_COLUMNS).where(planned_write.c.trip_id.in_(part))
        if states is not None:
            query = query.where(planned_write.c.state.in_(states))
        found.extend(
            _write(row)
            for row in c.execute(
                query.order_by(planned_write.c.trip_id, planned_write.c.position, planned_write.c.revision)
            )
        )
    return found


def of_submissions(c: Connection, submission_ids: Sequence[str]) -> dict[str, list[Write]]:
    """Writes by the submission that carries them."""
    found: dict[str, list[Write]] = {}
    for part in chunks(submission_ids):
        rows = c.execute(select(*_COLUMNS).where(planned_write.c.submission_id.in_(part)).order_by(planned_write.c.id))
        for row in rows:
            found.setdefault(row.submission_id, []).append(_write(row))
    return found


def by_ids(c: Connection, ids: Sequence[str]) -> dict[str, Write]:
    """Planned writes by id."""
    found = {}
    for part in chunks(ids):
        found.update({row.id: _write(row) for row in c.execute(select(*_COLUMNS).where(planned_write.c.id.in_(part)))})
    return found


def standing(c: Connection, target_id: str, key: str) -> Write | None:
    """The write of this key that stands in a target as a document of its own."""
    companies = select(route.c.company_id).where(route.c.target_id == target_id)
    row = c.execute(
        select(*_COLUMNS)
        .join(submission, submission.c.id == planned_write.c.submission_id)
        .where(
            planned_write.c.company_id.in_(companies),
            planned_write.c.key == key,
            _by_key_alone(planned_write.c.state) == "done",
            planned_write.c.pool_key.is_(None),
            submission.c.target_id == target_id,
        )
    ).first()
    return _write(row) if row is not None else None


def made_as(c: Connection, target_id: str, kind: str, remote_ids: Sequence[str]) -> list[Write]:
    """What became one of these documents of a target."""
    rows = c.execute(
        select(*_COLUMNS)
        .join(submission, submission.c.id == planned_write.c.submission_id)
        .where(submission.c.target_id == target_id, submission.c.kind == kind, submission.c.remote_id.in_(remote_ids))
        .order_by(planned_write.c.id)
    )
    return [_write(row) for row in rows]


def beginning(c: Connection, connection_id: str, prefix: str) -> list[Write]:
    """Live writes whose key begins so, of the companies that this connection serves."""
    serving = or_(route.c.source_id == connection_id, route.c.target_id == connection_id)
    key = planned_write.c.key
    # SQLite walks an index by GLOB; its LIKE takes capitals and small letters for the same, and reads everything.
    pattern = re.sub(r"([*?\[])", r"[\1]", prefix)
    begins = key.op("GLOB")(f"{pattern}*") if c.dialect.name == "sqlite" else key.startswith(prefix, autoescape=True)
    rows = c.execute(
        select(*_COLUMNS)
        .where(planned_write.c.company_id.in_(select(route.c.company_id).where(serving)), begins, _IS_LIVE)
        .order_by(planned_write.c.id)
    )
    return [_write(row) for row in rows]


def on_its_way(c: Connection, target_id: str, key: str) -> bool:
    """Whether a write of this key is planned or sent to a target, and does not stand there yet."""
    companies = select(route.c.company_id).where(route.c.target_id == target_id)
    row = c.execute(
        select(planned_write.c.id).where(
            planned_write.c.company_id.in_(companies),
            planned_write.c.key == key,
            planned_write.c.target_id == target_id,
            _by_key_alone(planned_write.c.state).in_(("open", "sealed")),
        )
    ).first()
    return row is not None


def by_key(c: Connection, company_id: str, key: str) -> list[Write]:
    """Every revision and reversal under one key."""
    rows = c.execute(
        select(*_COLUMNS)
        .where(planned_write.c.company_id == company_id, planned_write.c.key == key)
        .order_by(planned_write.c.revision, planned_write.c.id)
    )
    return [_write(row) for row in rows]


_need_done = aliased(planned_write)
_taking_back = aliased(planned_write)
_UNMET = exists().where(
    write_need.c.write_id == planned_write.c.id,
    ~exists().where(
        # Of the row next to it: SQLAlchemy would not tie a farther one to this query, and read every write instead.
        _need_done.c.company_id == write_need.c.company_id,
        _need_done.c.key == write_need.c.key,
        _by_key_alone(_need_done.c.state) == "done",
        # What is about to be taken back serves nobody: a payment put against it would keep it from being reversed.
        ~exists().where(
            _taking_back.c.company_id == _need_done.c.company_id,
            _taking_back.c.reverses_id == _need_done.c.id,
            _taking_back.c.state.in_(("open", "sealed")),
        ),
    ),
)
_MAY_BE_SENT = or_(
    planned_write.c.reverses_id.is_not(None),
    and_(
        trip.c.state.in_(("planned", "posting", "posted")),
        # Made due since (a newer version, other rules, another chart): it is planned again first.
        or_(trip.c.state != "planned", trip.c.due_at.is_(None)),
        or_(
            route.c.posting == "on",
            and_(route.c.posting == "approve", trip.c.approved_hash == trip.c.plan_hash),
        ),
    ),
)


def sealable(c: Connection, company_id: str, *, pool: str | None, limit: int) -> list[Write]:
    """Open writes of one pool (None: those that stand alone) whose route posts (or whose plan a person approved) and
    whose needed keys are done, in the order things happened.
    """
    rows = c.execute(
        select(*_COLUMNS)
        .join(trip, trip.c.id == planned_write.c.trip_id)
        .join(route, route.c.id == trip.c.route_id)
        .where(
            planned_write.c.company_id == company_id,
            planned_write.c.state == "open",
            planned_write.c.pool_key.is_(None) if pool is None else planned_write.c.pool_key == pool,
            _MAY_BE_SENT,
            ~_UNMET,
        )
        .order_by(trip.c.priority, trip.c.occurred_at, planned_write.c.id)
        .limit(limit)
    )
    return [_write(row) for row in rows]


_SEAL = (
    update(planned_write)
    .where(planned_write.c.id == bindparam("b_id"), planned_write.c.state == "open")
    .values(state="sealed", submission_id=bindparam("b_submission"), updated_at=bindparam("b_at"))
)


def seal(c: Connection, pairs: Sequence[tuple[str, str]], *, now: Micros) -> int:
    """Give open writes to submissions: (write, submission) each. How many were still open."""
    if not pairs:
        return 0
    return update_many(c, _SEAL, [{"b_id": w, "b_submission": s, "b_at": now} for w, s in pairs])


_DONE = (
    update(planned_write)
    .where(planned_write.c.submission_id == bindparam("b_submission"), planned_write.c.state == "sealed")
    .values(state="done", remote_id=bindparam("b_remote"), number=bindparam("b_number"), updated_at=bindparam("b_at"))
)


def finish(c: Connection, done: Sequence[tuple[str, str, str]], *, now: Micros) -> int:
    """(submission, remote id, number) each: their sealed writes are in the ledger."""
    if not done:
        return 0
    rows = [{"b_submission": s, "b_remote": r, "b_number": n, "b_at": now} for s, r, n in done]
    return update_many(c, _DONE, rows)


def unseal(c: Connection, submission_id: str, *, now: Micros) -> int:
    """The submission was cancelled: its writes are open again."""
    return c.execute(
        update(planned_write)
        .where(planned_write.c.submission_id == submission_id, planned_write.c.state == "sealed")
        .values(state="open", submission_id=None, updated_at=now)
    ).rowcount


def unseal_these(c: Connection, write_ids: Sequence[str], *, now: Micros) -> int:
    """The target took the rest of their parcel and not these: they are open again."""
    touched = 0
    for part in chunks(write_ids):
        touched += c.execute(
            update(planned_write)
            .where(planned_write.c.id.in_(part), planned_write.c.state == "sealed")
            .values(state="open", submission_id=None, updated_at=now)
        ).rowcount
    return touched


def reverse(c: Connection, write_ids: Sequence[str], *, now: Micros) -> int:
    """Their reversals are done."""
    touched = 0
    for part in chunks(write_ids):
        touched += c.execute(
            update(planned_write)
            .where(planned_write.c.id.in_(part), planned_write.c.state == "done")
            .values(state="reversed", updated_at=now)
        ).rowcount
    return touched


def unfinished_trips(c: Connection, trip_ids: Sequence[str]) -> set[str]:
    """Which of these trips still have open or sealed writes."""
    found: set[str] = set()
    for part in chunks(trip_ids):
        rows = c.execute(
            select(planned_write.c.trip_id)
            .where(planned_write.c.trip_id.in_(part), planned_write.c.state.in_(("open", "sealed")))
            .distinct()
        )
        found.update(row.trip_id for row in rows)
    return found


def done_of_company(
    c: Connection, company_id: str, *, after: str = "", limit: int = 2_000
) -> list[tuple[Write, str | None, str | None]]:
    """Writes in the ledger in pages by id, each with its submission's key and what was read back."""
    rows = c.execute(
        select(*_COLUMNS, submission.c.key, submission.c.observed)
        .outerjoin(submission, submission.c.id == planned_write.c.submission_id)
        .where(
            planned_write.c.company_id == company_id,
            planned_write.c.state.in_(("done", "reversed")),
            planned_write.c.id > after,
        )
        .order_by(planned_write.c.id)
        .limit(limit)
    )
    return [(_write(row), row[-2], row[-1]) for row in rows]


def posts(c: Connection, company_id: str) -> bool:
    """Whether any route of this company posts at all."""
    query = select(route.c.id).where(route.c.company_id == company_id, route.c.posting != "off").limit(1)
    return c.execute(query).first() is not None


def pool_ages(
    c: Connection, company_id: str, *, sendable: Collection[str] | None = None
) -> dict[str, tuple[int, Micros]]:
    """Open pooled writes by pool: how many and when the oldest was planned.

    `sendable` asks for these pools alone and leaves out what is of held records or of routes that do not post; that
    reads their trips, all else reads an index.
    """
    if sendable is not None and not sendable:
        return {}
    query = (
        select(planned_write.c.pool_key, func.count(), func.min(planned_write.c.created_at))
        .where(
            planned_write.c.company_id == company_id,
            planned_write.c.state == "open",
            planned_write.c.pool_key.is_not(None),
        )
        .group_by(planned_write.c.pool_key)
    )
    if sendable is not None:
        query = query.where(planned_write.c.pool_key.in_(sendable))
        query = query.join(trip, trip.c.id == planned_write.c.trip_id).join(route, route.c.id == trip.c.route_id)
        query = query.where(_MAY_BE_SENT)
    return {row[0]: (row[1], row[2]) for row in c.execute(query)}


def open_pools(
    c: Connection, *, sendable: Collection[tuple[str, str]] | None = None
) -> dict[tuple[str, str], tuple[int, Micros]]:
    """As `pool_ages` for every company that posts, by company and pool: one query for all."""
    if sendable is not None and not sendable:
        return {}
    query = (
        select(planned_write.c.company_id, planned_write.c.pool_key, func.count(), func.min(planned_write.c.created_at))
        .where(planned_write.c.state == "open", planned_write.c.pool_key.is_not(None))
        .group_by(planned_write.c.company_id, planned_write.c.pool_key)
    )
    if sendable is None:
        # By the companies' ids in a list: else SQLite walks the index of every write there is.
        posting = select(route.c.company_id).where(route.c.posting != "off")
        rows = c.execute(query.where(planned_write.c.company_id.in_(posting)))
        return {(row[0], row[1]): (row[2], row[3]) for row in rows}
    query = query.join(trip, trip.c.id == planned_write.c.trip_id).join(route, route.c.id == trip.c.route_id)
    found = {}
    for part in chunks(sorted(sendable)):
        wanted = query.where(planned_write.c.company_id.in_({one for one, _ in part}), _MAY_BE_SENT)
        rows = c.execute(wanted.where(planned_write.c.pool_key.in_({pool for _, pool in part})))
        found.update({(row[0], row[1]): (row[2], row[3]) for row in rows if (row[0], row[1]) in sendable})
    return found


def companies_with_unsent(c: Connection) -> list[str]:
    """Companies where something may be sealed at once: what a worker left that ended between planning and sealing."""
    waiting = (
        select(planned_write.c.id)
        .join(trip, trip.c.id == planned_write.c.trip_id)
        .join(route, route.c.id == trip.c.route_id)
        .where(
            planned_write.c.company_id == company.c.id,
            planned_write.c.state == "open",
            planned_write.c.pool_key.is_(None),
            _MAY_BE_SENT,
            ~_UNMET,
        )
        .exists()
    )
    posting = select(route.c.id).where(route.c.company_id == company.c.id, route.c.posting != "off").exists()
    return list(c.execute(select(company.c.id).where(posting, waiting)).scalars())


def companies_with_reversals(c: Connection) -> list[str]:
    """Companies where something is to be taken back."""
    rows = c.execute(
        select(planned_write.c.company_id)
        .where(planned_write.c.reverses_id.is_not(None), planned_write.c.state == "open")
        .distinct()
    )
    return [row.company_id for row in rows]
