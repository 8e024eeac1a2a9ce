"""Trips change their state: they start, are planned, become due again, are posted or held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, case, or_, select, update

from ml_connector.store.bulk import chunks, insert_many, one_of, update_many
from ml_connector.store.ids import Ids
from ml_connector.store.states import refuse_missing_arrow
from ml_connector.store.tables import Micros, record, trip
from ml_connector.store.trip_undo import BEING_UNDONE
from ml_connector.store.trips import DUE_STATES

BACKFILL_PRIORITY = 900
LIVE_PRIORITY = 100
_ON_THE_WAY = ("posting", "planned")  # planned: made again while its last write was on its way


def start(
    c: Connection,
    wanted: Sequence[tuple[str, str, str, Micros]],
    *,
    workspace_id: str,
    ids: Ids,
    now: Micros,
    priority: int,
) -> int:
    """Give records a trip on a route: (route, record, kind, occurred_at) each. Known trips become due again.

    A trip at rest (posted, ignored, held) goes back to `received`; one that is posting is only marked due and is
    looked at again when it has finished; a reversed one stays as it is until a person opens it. Returns how many are
    new.
    """
    existing: dict[tuple[str, str], tuple[str, str]] = {}
    for part in chunks([one[1] for one in wanted]):
        rows = c.execute(
            select(trip.c.route_id, trip.c.record_id, trip.c.id, trip.c.state).where(trip.c.record_id.in_(part))
        )
        existing.update({(row.route_id, row.record_id): (row.id, row.state) for row in rows})
    fresh = [one for one in wanted if (one[0], one[1]) not in existing]
    insert_many(
        c,
        trip,
        [
            {
                "id": ids.new(),
                "workspace_id": workspace_id,
                "route_id": route_id,
                "record_id": record_id,
                "kind": kind,
                "state": "received",
                "priority": priority,
                "occurred_at": occurred_at,
                "due_at": now,
                "created_at": now,
                "updated_at": now,
            }
            for route_id, record_id, kind, occurred_at in fresh
        ],
    )
    known = {existing[one[0], one[1]] for one in wanted if (one[0], one[1]) in existing}
    reopen(c, [trip_id for trip_id, state in known if state != "reversed"], now=now)
    return len(fresh)


def reopen(c: Connection, trip_ids: Sequence[str], *, now: Micros) -> int:
    """Have trips looked at again: at rest -> received; waiting, planned or posting -> due. How many were touched.

    One that is being taken back stays: it ends `reversed`.
    """
    touched = 0
    refuse_missing_arrow(trip, ("posted", "ignored", "held", "waiting"), "received")
    for part in chunks(trip_ids):
        touched += c.execute(
            update(trip)
            .where(trip.c.id.in_(part), trip.c.state.in_(("planned", "posting", "received")))
            .values(due_at=now)
        ).rowcount
        touched += c.execute(
            update(trip)
            .where(
                trip.c.id.in_(part),
                trip.c.state.in_(("posted", "ignored", "held", "waiting")),
                or_(trip.c.state != "posted", trip.c.reason.is_(None), trip.c.reason != BEING_UNDONE),
            )
            .values(state="received", due_at=now, updated_at=now, reason=None)
        ).rowcount
    return touched


_UNCHANGED = trip.c.due_at == bindparam("b_was")
_PLANNED = {
    (target, sources): update(trip)
    .where(trip.c.id == bindparam("b_id"), one_of(trip.c.state, sources))
    .values(
        # Something arrived while this was being planned: it stays due, and nothing of it is sealed before.
        state=target if target in DUE_STATES else case((_UNCHANGED, target), else_="received"),
        planned_n=bindparam("b_n"),
        plan=bindparam("b_plan"),
        plan_hash=bindparam("b_hash"),
        rulebook_n=bindparam("b_rulebook"),
        chart_n=bindparam("b_chart"),
        reason=bindparam("b_reason"),
        due_at=case((_UNCHANGED, bindparam("b_due")), else_=trip.c.due_at),
        updated_at=bindparam("b_at"),
    )
    for target in ("planned", "waiting", "held", "ignored", "posted")
    for sources in (DUE_STATES,)
}


def settle_plan(c: Connection, target: str, rows: Sequence[Mapping[str, Any]]) -> int:
    """Move due trips to what planning decided.

    Rows: b_id, b_n, b_plan, b_hash, b_rulebook, b_chart, b_reason, b_due, b_at, and b_was: when it was due as it was
    read.
    """
    if not rows:
        return 0
    return update_many(c, _PLANNED[target, DUE_STATES], rows)


def look_now(c: Connection, trip_ids: Sequence[str], *, now: Micros) -> None:
    """Waiting trips among these are due."""
    for part in chunks(trip_ids):
        c.execute(update(trip).where(trip.c.id.in_(part), trip.c.state == "waiting").values(due_at=now))


def put_off(c: Connection, route_ids: Sequence[str], *, until: Micros, now: Micros) -> None:
    """What is due on these routes is due later."""
    for part in chunks(route_ids):
        due = (trip.c.route_id.in_(part), trip.c.state.in_(DUE_STATES))
        c.execute(update(trip).where(*due, trip.c.due_at <= now).values(due_at=until))


def look_again_at(c: Connection, trip_ids: Sequence[str], *, at: Micros) -> None:
    """Planned trips among these are planned again then; until then nothing of them is sent."""
    for part in chunks(trip_ids):
        c.execute(update(trip).where(trip.c.id.in_(part), trip.c.state == "planned").values(due_at=at))


def approve(c: Connection, trip_id: str, *, plan_hash: str, now: Micros) -> bool:
    """A person's consent to this very plan; False when the plan has changed since."""
    return (
        c.execute(
            update(trip)
            .where(trip.c.id == trip_id, trip.c.state == "planned", trip.c.plan_hash == plan_hash)
            .values(approved_hash=plan_hash, due_at=now, updated_at=now)
        ).rowcount
        == 1
    )


def finish_posting(c: Connection, trip_ids: Sequence[str], *, now: Micros) -> int:
    """All writes of these trips are done: posted; those whose record changed meanwhile are planned again."""
    done = 0
    for part in chunks(trip_ids):
        done += c.execute(
            update(trip)
            .where(trip.c.id.in_(part), trip.c.state.in_(_ON_THE_WAY), trip.c.due_at.is_(None))
            .values(state="posted", reason=None, updated_at=now)
        ).rowcount
        again = [
            row.id for row in c.execute(select(trip.c.id).where(trip.c.id.in_(part), trip.c.state.in_(_ON_THE_WAY)))
        ]
        for some in chunks(again):
            c.execute(update(trip).where(trip.c.id.in_(some)).values(state="posted", reason=None, updated_at=now))
            c.execute(update(trip).where(trip.c.id.in_(some)).values(state="received", due_at=now))
    return done


def hold(c: Connection, trip_ids: Sequence[str], *, reason: str, now: Micros) -> int:
    """A person gave up what was on its way: the records wait for a word."""
    touched = 0
    for part in chunks(trip_ids):
        touched += c.execute(
            update(trip)
            .where(trip.c.id.in_(part), trip.c.state.in_(("planned", "posting", "waiting")))
            .values(state="held", reason=reason, due_at=None, updated_at=now)
        ).rowcount
    return touched


def due_again(c: Connection, route_id: str, *, now: Micros, states: Sequence[str]) -> int:
    """Rules, terms or the chart have changed: trips of a route in these states are planned again."""
    return c.execute(
        update(trip)
        .where(trip.c.route_id == route_id, trip.c.state.in_(states))
        .values(
            due_at=now,
            state=case((trip.c.state == "held", "received"), else_=trip.c.state),
        )
    ).rowcount


def start_for_kind(
    c: Connection, route_id: str, connection_id: str, kind: str, *, workspace_id: str, ids: Ids, now: Micros
) -> int:
    """A new route: records of this kind that were read before get their trip."""
    has = select(trip.c.id).where(trip.c.route_id == route_id, trip.c.record_id == record.c.id).exists()
    rows = c.execute(
        select(record.c.id, record.c.occurred_at).where(
            record.c.connection_id == connection_id, record.c.kind == kind, ~has
        )
    )
    wanted = [(route_id, row.id, kind, row.occurred_at or now) for row in rows]
    return start(c, wanted, workspace_id=workspace_id, ids=ids, now=now, priority=LIVE_PRIORITY)
