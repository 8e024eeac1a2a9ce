"""Submissions and their attempts: what is sent to a target.

The intention before each call and what was learned after it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Row, Update, bindparam, func, or_, select, text, update

from ml_connector.store.bulk import chunks, insert_many, one_of, update_many
from ml_connector.store.ids import Ids
from ml_connector.store.states import refuse_missing_arrow
from ml_connector.store.tables import Micros, attempt, company, planned_write, submission, trip

# In the words of the index over targets: without them every submission is read.
_IS_DOCUMENT = text("submission.kind NOT IN ('customer', 'supplier')")
ACTIVE = ("ready", "creating", "unknown", "created", "checked", "releasing", "refused")


@dataclass(frozen=True, slots=True)
class Submission:
    """One document for one target. `content` is JSON text of what is sent."""

    id: str
    company_id: str
    target_id: str
    key: str
    token: str
    kind: str
    ordinal: int
    content: str
    state: str
    remote_id: str | None
    number: str | None
    etag: str | None
    observed: str | None
    job_id: str | None
    due_at: Micros | None
    fault: str | None
    created_at: Micros
    updated_at: Micros  # when it moved last


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call about a submission. `outcome` None: the intention, nobody has learned yet."""

    id: str
    submission_id: str
    call: str
    n: int
    started_at: Micros
    ended_at: Micros | None
    outcome: str | None
    fault: str | None


_COLUMNS = (
    submission.c.id,
    submission.c.company_id,
    submission.c.target_id,
    submission.c.key,
    submission.c.token,
    submission.c.kind,
    submission.c.ordinal,
    submission.c.content,
    submission.c.state,
    submission.c.remote_id,
    submission.c.number,
    submission.c.etag,
    submission.c.observed,
    submission.c.job_id,
    submission.c.due_at,
    submission.c.fault,
    submission.c.created_at,
    submission.c.updated_at,
)
_ATTEMPT = (
    attempt.c.id,
    attempt.c.submission_id,
    attempt.c.call,
    attempt.c.n,
    attempt.c.started_at,
    attempt.c.ended_at,
    attempt.c.outcome,
    attempt.c.fault,
)


def _submission(row: Row[*tuple[Any, ...]]) -> Submission:
    return Submission(*row[: len(_COLUMNS)])


def add(c: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """New submissions, ready to be sent."""
    insert_many(c, submission, rows)


def used_ordinals(c: Connection, company_id: str, bases: Sequence[str]) -> dict[str, int]:
    """The highest ordinal each base key has had: a submission's key is `{base}#{ordinal}`."""
    again: list[str] = []
    for part in chunks([f"{base}#1" for base in bases]):
        rows = c.execute(
            select(submission.c.key).where(submission.c.company_id == company_id, submission.c.key.in_(part))
        )
        again += [row.key.removesuffix("#1") for row in rows]
    found: dict[str, int] = {}
    for base in again:
        # '#' + 1 is '$': every key that begins with the base and a '#', by range, so that the index serves it.
        rows = c.execute(
            select(func.max(submission.c.ordinal)).where(
                submission.c.company_id == company_id, submission.c.key >= f"{base}#", submission.c.key < f"{base}$"
            )
        )
        found[base] = rows.scalar_one() or 1
    return found


def due(c: Connection, company_id: str, *, target_id: str, state: str, now: Micros, limit: int) -> list[Submission]:
    """Submissions to one target, in one state, whose time has come."""
    rows = c.execute(
        select(*_COLUMNS)
        .where(
            submission.c.company_id == company_id,
            submission.c.state == state,
            submission.c.due_at <= now,
            submission.c.target_id == target_id,
        )
        .order_by(submission.c.id)
        .limit(limit)
    )
    return [_submission(row) for row in rows]


def routes_under_way(c: Connection, route_ids: Collection[str]) -> set[str]:
    """Which of these routes have something on its way: what is sent of it may make more of it ready."""
    rows = c.execute(
        select(trip.c.route_id)
        .join(planned_write, planned_write.c.trip_id == trip.c.id)
        .join(submission, submission.c.id == planned_write.c.submission_id)
        .where(
            trip.c.route_id.in_(route_ids),
            planned_write.c.state == "sealed",
            submission.c.state.in_(ACTIVE),
            submission.c.due_at.is_not(None),
        )
        .distinct()
    )
    return {row.route_id for row in rows}


def next_due(c: Connection, company_id: str) -> Micros | None:
    """When the next unfinished submission wants attention."""
    found: Micros | None = c.execute(
        select(func.min(submission.c.due_at)).where(
            submission.c.company_id == company_id, submission.c.state.in_(ACTIVE), submission.c.due_at.is_not(None)
        )
    ).scalar_one()
    return found


def targets_due(c: Connection, company_id: str, *, now: Micros) -> set[str]:
    """Connections for which this company has unfinished submissions whose time has come."""
    rows = c.execute(
        select(submission.c.target_id)
        .where(submission.c.company_id == company_id, submission.c.state.in_(ACTIVE), submission.c.due_at <= now)
        .distinct()
    )
    return set(rows.scalars())


def companies_due(c: Connection, *, now: Micros) -> list[str]:
    """Companies with unfinished submissions whose time has come."""
    # By company and state, as the index is: what is done is millions of rows, what is on its way a few.
    due_one = select(submission.c.id).where(
        submission.c.company_id == company.c.id, submission.c.state.in_(ACTIVE), submission.c.due_at <= now
    )
    return list(c.execute(select(company.c.id).where(due_one.exists())).scalars())


def by_ids(c: Connection, ids: Sequence[str]) -> dict[str, Submission]:
    """Submissions by id."""
    found = {}
    for part in chunks(ids):
        found.update(
            {row.id: _submission(row) for row in c.execute(select(*_COLUMNS).where(submission.c.id.in_(part)))}
        )
    return found


def by_number(c: Connection, workspace_id: str, number: str) -> list[Submission]:
    """Submissions that became the document with this number, token or remote id in the target."""
    rows = c.execute(
        select(*_COLUMNS).where(
            submission.c.workspace_id == workspace_id,
            or_(submission.c.number == number, submission.c.remote_id == number, submission.c.token == number),
        )
    )
    return [_submission(row) for row in rows]


def numbers_of(c: Connection, target_id: str, kind: str, numbers: Sequence[str]) -> set[str]:
    """Which of these remote ids in a target are documents of this kind that we made; master data never."""
    found: set[str] = set()
    for part in chunks(numbers):
        rows = c.execute(
            select(submission.c.remote_id).where(
                submission.c.target_id == target_id,
                submission.c.kind == kind,
                submission.c.remote_id.in_(part),
                _IS_DOCUMENT,
            )
        )
        found.update(row[0] for row in rows)
    return found


def of_company(
    c: Connection, company_id: str, *, states: Collection[str], after: str = "", limit: int = 1_000
) -> list[Submission]:
    """Submissions of a company in pages by id."""
    rows = c.execute(
        select(*_COLUMNS)
        .where(submission.c.company_id == company_id, submission.c.state.in_(states), submission.c.id > after)
        .order_by(submission.c.id)
        .limit(limit)
    )
    return [_submission(row) for row in rows]


def move(c: Connection, rows: Sequence[Mapping[str, Any]], *, source: str | tuple[str, ...], target: str) -> int:
    """Move submissions along one arrow, each with its own values; how many were still in a source state.

    The values are `id` and any of remote_id, number, etag, observed, job_id, due_at, fault (the same ones in every
    row), `updated_at`.
    """
    if not rows:
        return 0
    sources = (source,) if isinstance(source, str) else source
    refuse_missing_arrow(submission, sources, target)
    names = tuple(name for name in rows[0] if name != "id")
    renamed = [(f"b_{name}", name) for name in ("id", *names)]
    return update_many(c, _moving(sources, target, names), [{to: row[name] for to, name in renamed} for row in rows])


@lru_cache(maxsize=64)
def _moving(sources: tuple[str, ...], target: str, names: tuple[str, ...]) -> Update:
    return (
        update(submission)
        .where(submission.c.id == bindparam("b_id"), one_of(submission.c.state, sources))
        .values(state=target, **{name: bindparam(f"b_{name}") for name in names})
    )


def postpone(c: Connection, ids: Sequence[str], *, until: Micros | None) -> None:
    """Look at these again later (None: only a person's word brings them back)."""
    for part in chunks(ids):
        c.execute(update(submission).where(submission.c.id.in_(part)).values(due_at=until))


def rename(c: Connection, submission_id: str, *, key: str, token: str, ordinal: int) -> None:
    """One that is looked for was found under the name of a later try."""
    c.execute(
        update(submission)
        .where(submission.c.id == submission_id, submission.c.state == "unknown")
        .values(key=key, token=token, ordinal=ordinal)
    )


# ------------------------------------------------------------------------------------------- attempts


def intend(
    c: Connection, submission_ids: Sequence[str], *, call: str, workspace_id: str, ids: Ids, now: Micros
) -> dict[str, str]:
    """Write the intention of one call for each submission; attempt id by submission.

    The database refuses this while an earlier attempt is open or its outcome unknown: a blind second call cannot be.
    """
    counts: dict[str, int] = {}
    for part in chunks(submission_ids):
        rows = c.execute(
            select(attempt.c.submission_id, func.max(attempt.c.n))
            .where(attempt.c.submission_id.in_(part), attempt.c.call == call)
            .group_by(attempt.c.submission_id)
        )
        counts.update({row[0]: row[1] for row in rows})
    made = {submission_id: ids.new() for submission_id in submission_ids}
    insert_many(
        c,
        attempt,
        [
            {
                "id": attempt_id,
                "workspace_id": workspace_id,
                "submission_id": submission_id,
                "call": call,
                "n": counts.get(submission_id, 0) + 1,
                "started_at": now,
            }
            for submission_id, attempt_id in made.items()
        ],
    )
    return made


_LEARN = (
    update(attempt)
    .where(attempt.c.id == bindparam("b_id"), attempt.c.outcome.is_(None))
    .values(outcome=bindparam("b_outcome"), ended_at=bindparam("b_at"), fault=bindparam("b_fault"))
)


def learn(c: Connection, outcomes: Sequence[tuple[str, str, str | None]], *, now: Micros) -> int:
    """(attempt, outcome, fault) each: what came of calls whose outcome was empty."""
    if not outcomes:
        return 0
    return update_many(c, _LEARN, [{"b_id": a, "b_outcome": o, "b_at": now, "b_fault": f} for a, o, f in outcomes])


_FOUND_OUT = (
    update(attempt)
    .where(attempt.c.submission_id == bindparam("b_submission"), attempt.c.outcome == "unknown")
    .values(outcome=bindparam("b_outcome"), ended_at=bindparam("b_at"))
)


def found_out(c: Connection, outcomes: Sequence[tuple[str, str]], *, now: Micros) -> int:
    """(submission, adopted or absent or accepted) each: what looking for an unknown attempt has shown."""
    if not outcomes:
        return 0
    return c.execute(_FOUND_OUT, [{"b_submission": s, "b_outcome": o, "b_at": now} for s, o in outcomes]).rowcount


def open_attempts(c: Connection, submission_ids: Sequence[str]) -> dict[str, Attempt]:
    """The one open or unknown attempt of each submission."""
    found = {}
    for part in chunks(submission_ids):
        rows = c.execute(
            select(*_ATTEMPT).where(
                attempt.c.submission_id.in_(part), or_(attempt.c.outcome.is_(None), attempt.c.outcome == "unknown")
            )
        )
        found.update({row.submission_id: Attempt(*row) for row in rows})
    return found


def attempts_of(c: Connection, submission_ids: Sequence[str]) -> dict[str, list[Attempt]]:
    """Every attempt of these submissions, in the order they began."""
    found: dict[str, list[Attempt]] = {}
    for part in chunks(submission_ids):
        rows = c.execute(select(*_ATTEMPT).where(attempt.c.submission_id.in_(part)).order_by(attempt.c.id))
        for row in rows:
            found.setdefault(row.submission_id, []).append(Attempt(*row))
    return found


def set_remote(
    c: Connection, submission_id: str, *, remote_id: str, number: str, etag: str | None, due_at: Micros
) -> bool:
    """The target's job has made the document: from now on it is addressed by its own id."""
    return (
        c.execute(
            update(submission)
            .where(submission.c.id == submission_id, submission.c.state == "created", submission.c.remote_id.is_(None))
            .values(remote_id=remote_id, number=number, etag=etag, due_at=due_at, updated_at=due_at)
        ).rowcount
        == 1
    )
