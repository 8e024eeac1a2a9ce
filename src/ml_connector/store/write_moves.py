"""Planned writes change their state: planned, given to a submission, in the ledger, taken back or dropped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, update

from ml_connector.store.bulk import chunks, insert_many, update_many
from ml_connector.store.states import move_many
from ml_connector.store.tables import Micros, planned_write, write_need


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
