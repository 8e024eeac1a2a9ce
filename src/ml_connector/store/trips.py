"""Trips: one source record on one route, from received to posted. And what a trip still needs to know."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, case, delete, func, or_, select, update

from ml_connector.store.bulk import chunks, insert_many, one_of, update_many
from ml_connector.store.ids import Ids
from ml_connector.store.states import refuse_missing_arrow
from ml_connector.store.tables import Micros, link, record, route, trip, trip_need

BACKFILL_PRIORITY = 900
LIVE_PRIORITY = 100
BEING_UNDONE = "being taken back"
# Reasons for which a record is held that waits all the same: what it waited for may come after all.
NOT_MET, WAITED = "need-not-met", "waited-too-long"
READING = "reading"  # a need for the next whole reading of a connection's stream, which is its external id
_ONLY_WOKEN = ("write", READING)  # kinds of needs that nobody looks for: whoever meets them wakes the trips
_DUE_STATES = ("received", "planned", "waiting")


@dataclass(frozen=True, slots=True)
class Trip:
    """A trip as the planner needs it."""

    id: str
    route_id: str
    record_id: str
    kind: str
    state: str
    planned_n: int | None
    plan: str | None
    plan_hash: str | None
    approved_hash: str | None
    reason: str | None
    due_at: Micros | None
    created_at: Micros


@dataclass(frozen=True, slots=True)
class OpenNeed:
    """Something a trip waits to know."""

    id: str
    trip_id: str
    connection_id: str
    kind: str
    external_id: str | None
    fields: Mapping[str, Any]
    asked_at: Micros


_COLUMNS = (
    trip.c.id,
    trip.c.route_id,
    trip.c.record_id,
    trip.c.kind,
    trip.c.state,
    trip.c.planned_n,
    trip.c.plan,
    trip.c.plan_hash,
    trip.c.approved_hash,
    trip.c.reason,
    trip.c.due_at,
    trip.c.created_at,
)


def _trip(row: Row[*tuple[Any, ...]]) -> Trip:
    return Trip(*row[: len(_COLUMNS)])


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


def due(c: Connection, route_ids: Collection[str], *, now: Micros, limit: int) -> list[Trip]:
    """Trips to plan now, the most urgent first, then in the order things happened."""
    found: list[tuple[int, Micros, Trip]] = []
    for route_id in route_ids:
        for state in _DUE_STATES:
            # `received` is read in the order of its index; the other states mostly hold trips that are not due.
            order = (trip.c.priority, trip.c.occurred_at) if state == "received" else (trip.c.due_at,)
            rows = c.execute(
                select(*_COLUMNS, trip.c.priority, trip.c.occurred_at)
                .where(trip.c.route_id == route_id, trip.c.state == state, trip.c.due_at <= now)
                .order_by(*order)
                .limit(limit)
            )
            found += [(row.priority, row.occurred_at or 0, _trip(row)) for row in rows]
    found.sort(key=lambda one: (one[0], one[1], one[2].id))
    return [one[2] for one in found[:limit]]


def next_due(c: Connection, route_ids: Collection[str]) -> Micros | None:
    """When the next trip of these routes is to be planned."""
    found: Micros | None = c.execute(
        select(func.min(trip.c.due_at)).where(trip.c.route_id.in_(route_ids), trip.c.state.in_(_DUE_STATES))
    ).scalar_one()
    return found


_UNCHANGED = trip.c.due_at == bindparam("b_was")
_PLANNED = {
    (target, sources): update(trip)
    .where(trip.c.id == bindparam("b_id"), one_of(trip.c.state, sources))
    .values(
        # Something arrived while this was being planned: it stays due, and nothing of it is sealed before.
        state=target if target in _DUE_STATES else case((_UNCHANGED, target), else_="received"),
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
    for sources in (_DUE_STATES,)
}


def settle_plan(c: Connection, target: str, rows: Sequence[Mapping[str, Any]]) -> int:
    """Move due trips to what planning decided. Rows: b_id, b_n, b_plan, b_hash, b_rulebook, b_chart, b_reason, b_due,
    b_at, and b_was: when it was due as it was read.
    """
    if not rows:
        return 0
    return update_many(c, _PLANNED[target, _DUE_STATES], rows)


def by_ids(c: Connection, trip_ids: Sequence[str]) -> dict[str, Trip]:
    """Trips by id."""
    found = {}
    for part in chunks(trip_ids):
        for row in c.execute(select(*_COLUMNS).where(trip.c.id.in_(part))):
            found[row.id] = _trip(row)
    return found


def of_record(c: Connection, record_id: str) -> list[Trip]:
    """The trips of one record, one per route."""
    return [_trip(row) for row in c.execute(select(*_COLUMNS).where(trip.c.record_id == record_id).order_by(trip.c.id))]


def of_records(c: Connection, route_id: str, record_ids: Sequence[str]) -> list[str]:
    """Ids of the trips of these records on one route, less those that were taken back by a person's word."""
    found: list[str] = []
    for part in chunks(record_ids):
        rows = c.execute(
            select(trip.c.id).where(trip.c.record_id.in_(part), trip.c.route_id == route_id, trip.c.state != "reversed")
        )
        found += [row[0] for row in rows]
    return found


def look_now(c: Connection, trip_ids: Sequence[str], *, now: Micros) -> None:
    """Waiting trips among these are due."""
    for part in chunks(trip_ids):
        c.execute(update(trip).where(trip.c.id.in_(part), trip.c.state == "waiting").values(due_at=now))


def of_route(
    c: Connection,
    route_id: str,
    *,
    states: Collection[str] | None = None,
    since: Micros | None = None,
    until: Micros | None = None,
    limit: int = 100_000,
) -> list[Trip]:
    """Trips of a route by state and by when their records happened."""
    query = select(*_COLUMNS).where(trip.c.route_id == route_id)
    if states is not None:
        query = query.where(trip.c.state.in_(states))
    if since is not None:
        query = query.where(trip.c.occurred_at >= since)
    if until is not None:
        query = query.where(trip.c.occurred_at < until)
    return [_trip(row) for row in c.execute(query.order_by(trip.c.occurred_at, trip.c.id).limit(limit))]


def counts(c: Connection, route_ids: Collection[str]) -> dict[tuple[str, str], int]:
    """How many trips by (kind, state)."""
    rows = c.execute(
        select(trip.c.kind, trip.c.state, func.count())
        .where(trip.c.route_id.in_(route_ids))
        .group_by(trip.c.kind, trip.c.state)
    )
    return {(kind, state): number for kind, state, number in rows}


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


# ------------------------------------------------------------------------------------------- needs


def ask(c: Connection, needs: Sequence[Mapping[str, Any]], *, workspace_id: str, ids: Ids, now: Micros) -> None:
    """Write down what trips wait for, instead of what they waited for before. Each: trip_id, connection_id, kind,
    external_id, fields; and due_at where it is not to be looked for at once (None: never, it only wakes).
    """
    for part in chunks(sorted({need["trip_id"] for need in needs})):
        c.execute(delete(trip_need).where(trip_need.c.trip_id.in_(part)))
    insert_many(
        c,
        trip_need,
        [
            {
                "id": ids.new(),
                "workspace_id": workspace_id,
                "trip_id": need["trip_id"],
                "connection_id": need["connection_id"],
                "kind": need["kind"],
                "external_id": need["external_id"],
                "fields": json.dumps(need["fields"], sort_keys=True),
                "asked_at": now,
                "due_at": need.get("due_at", now),
            }
            for need in needs
        ],
    )


def forget_needs(c: Connection, trip_ids: Sequence[str]) -> None:
    """These trips wait for nothing any more: nobody looks for what they once needed."""
    for part in chunks(trip_ids):
        c.execute(delete(trip_need).where(trip_need.c.trip_id.in_(part)))


def open_needs(c: Connection, connection_id: str, *, now: Micros, limit: int) -> list[OpenNeed]:
    """Unanswered needs of one connection that are to be looked for now."""
    rows = c.execute(
        select(trip_need)
        .where(
            trip_need.c.connection_id == connection_id,
            trip_need.c.answered_at.is_(None),
            trip_need.c.due_at <= now,
            trip_need.c.kind.not_in(_ONLY_WOKEN),
        )
        .order_by(trip_need.c.due_at)
        .limit(limit)
    )
    return [
        OpenNeed(
            row.id,
            row.trip_id,
            row.connection_id,
            row.kind,
            row.external_id,
            json.loads(row.fields or "{}"),
            row.asked_at,
        )
        for row in rows
    ]


def answer(c: Connection, need_ids: Sequence[str], *, found: str | None, now: Micros) -> None:
    """An answer to needs (JSON text; null: not there), and their trips are due."""
    for part in chunks(need_ids):
        c.execute(update(trip_need).where(trip_need.c.id.in_(part)).values(answer=found or "null", answered_at=now))
        _wake(c, select(trip_need.c.trip_id).where(trip_need.c.id.in_(part)), now=now)


def ask_again(c: Connection, need_ids: Sequence[str], *, at: Micros) -> None:
    """Not found yet: look again later."""
    for part in chunks(need_ids):
        c.execute(update(trip_need).where(trip_need.c.id.in_(part)).values(due_at=at))


@dataclass(frozen=True, slots=True)
class Answered:
    """A need by id that was looked for; `there`: it was found."""

    trip_id: str
    connection_id: str
    kind: str
    external_id: str
    there: bool


def answers_of(c: Connection, trip_ids: Sequence[str]) -> list[Answered]:
    """Answered needs by id of these trips."""
    found = []
    for part in chunks(trip_ids):
        rows = c.execute(
            select(trip_need).where(
                trip_need.c.trip_id.in_(part),
                trip_need.c.answered_at.is_not(None),
                trip_need.c.kind.not_in(_ONLY_WOKEN),
            )
        )
        found += [
            Answered(row.trip_id, row.connection_id, row.kind, row.external_id, row.answer not in (None, "null"))
            for row in rows
            if row.external_id and not row.external_id.startswith("link:")
        ]
    return found


def wake_for(c: Connection, connection_id: str, kind: str, external_ids: Sequence[str], *, now: Micros) -> int:
    """Records (keys, kind `write`; streams, kind `reading`) are there now: trips that waited for them are due."""
    woken = 0
    for part in chunks(external_ids):
        ids_wanted = [
            row.id
            for row in c.execute(
                select(trip_need.c.id).where(
                    trip_need.c.connection_id == connection_id,
                    trip_need.c.kind == kind,
                    trip_need.c.external_id.in_(part),
                    trip_need.c.answered_at.is_(None),
                )
            )
        ]
        if ids_wanted:
            answer(c, ids_wanted, found='"there"', now=now)
            woken += len(ids_wanted)
    return woken


def waiting_for(c: Connection, connection_id: str, kind: str, external_ids: Sequence[str]) -> set[str]:
    """Ids of the trips that wait for any of these, or are held because of it."""
    found: set[str] = set()
    for part in chunks(external_ids):
        rows = c.execute(
            select(trip_need.c.trip_id).where(
                trip_need.c.connection_id == connection_id,
                trip_need.c.kind == kind,
                trip_need.c.external_id.in_(part),
                trip_need.c.answered_at.is_(None),
            )
        )
        found.update(row.trip_id for row in rows)
    return found


def _wake(c: Connection, trips: Any, *, now: Micros) -> None:
    """What waits for something is due, and what was held because it did not come in time."""
    c.execute(
        update(trip)
        .where(trip.c.id.in_(trips), trip.c.state == "waiting", or_(trip.c.due_at.is_(None), trip.c.due_at > now))
        .values(due_at=now)
    )
    _wake_held(c, trips, now=now)


def _wake_held(c: Connection, trips: Any, *, now: Micros) -> int:
    return c.execute(
        update(trip)
        .where(trip.c.id.in_(trips), trip.c.state == "held", trip.c.reason.in_((NOT_MET, WAITED)))
        .values(state="received", due_at=now, updated_at=now, reason=None)
    ).rowcount


def companies_due(c: Connection, *, now: Micros) -> list[str]:
    """Companies that have trips to plan now."""
    due_trip = select(trip.c.id).where(
        trip.c.route_id == route.c.id, trip.c.state.in_(_DUE_STATES), trip.c.due_at <= now
    )
    return list(c.execute(select(route.c.company_id).where(due_trip.exists()).distinct()).scalars())


def companies_holding(c: Connection) -> list[str]:
    """Companies that have held trips."""
    held = select(trip.c.id).where(trip.c.route_id == route.c.id, trip.c.state == "held")
    return list(c.execute(select(route.c.company_id).where(held.exists()).distinct()).scalars())


def connections_with_needs(c: Connection, *, now: Micros) -> list[str]:
    """Connections whose records trips wait for."""
    rows = c.execute(
        select(trip_need.c.connection_id)
        .where(trip_need.c.answered_at.is_(None), trip_need.c.due_at <= now, trip_need.c.kind.not_in(_ONLY_WOKEN))
        .distinct()
    )
    return [row.connection_id for row in rows]


def with_external_ids(c: Connection, trip_ids: Sequence[str]) -> dict[str, tuple[str, str, str]]:
    """(kind, external id, connection) of the records of these trips."""
    found = {}
    for part in chunks(trip_ids):
        rows = c.execute(
            select(trip.c.id, record.c.kind, record.c.external_id, record.c.connection_id)
            .join(record, record.c.id == trip.c.record_id)
            .where(trip.c.id.in_(part))
        )
        for row in rows:
            found[row.id] = (row.kind, row.external_id, row.connection_id)
    return found


def anybody_waits(c: Connection, connection_id: str) -> bool:
    """Whether any trip waits for something of this connection."""
    query = (
        select(trip_need.c.id)
        .where(trip_need.c.connection_id == connection_id, trip_need.c.answered_at.is_(None))
        .limit(1)
    )
    return c.execute(query).first() is not None


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


def sharing(c: Connection, route_ids: Collection[str], keys: Collection[str]) -> list[str]:
    """Posted trips whose plan names any of these writes, their own or another record's."""
    named = or_(*(trip.c.plan.contains(json.dumps(key), autoescape=True) for key in keys))
    query = select(trip.c.id).where(trip.c.route_id.in_(route_ids), trip.c.state == "posted", named)
    return list(c.execute(query).scalars()) if keys else []


def sharing_in_company(c: Connection, company_id: str, keys: Collection[str]) -> list[str]:
    """As `sharing`, over all routes of a company."""
    own = list(c.execute(select(route.c.id).where(route.c.company_id == company_id)).scalars())
    return sharing(c, own, keys)


def start_undo(c: Connection, trip_id: str, *, now: Micros) -> bool:
    """Mark a trip as being taken back: a posted one, or one that is held half done; False when it is neither."""
    refuse_missing_arrow(trip, ("held",), "posted")
    return (
        c.execute(
            update(trip)
            .where(trip.c.id == trip_id, trip.c.state.in_(("posted", "held")))
            .values(state="posted", reason=BEING_UNDONE, due_at=None, updated_at=now)
        ).rowcount
        == 1
    )


def stop_taking_back(c: Connection, trip_ids: Sequence[str], *, reason: str, now: Micros) -> None:
    """What was to be taken back of these stays: they wait for a person's word."""
    refuse_missing_arrow(trip, ("received", "planned", "waiting", "posted"), "held")
    for part in chunks(trip_ids):
        c.execute(
            update(trip)
            .where(trip.c.id.in_(part), trip.c.state.in_(("received", "planned", "waiting", "posted")))
            .values(state="held", reason=reason, due_at=None, updated_at=now)
        )


def stop_undo(c: Connection, trip_ids: Sequence[str], *, now: Micros) -> None:
    """These were to be taken back with another record, which stays: they are planned again."""
    for part in chunks(trip_ids):
        c.execute(
            update(trip)
            .where(trip.c.id.in_(part), trip.c.state == "posted", trip.c.reason == BEING_UNDONE)
            .values(state="received", reason=None, due_at=now, updated_at=now)
        )


def finish_undo(c: Connection, trip_ids: Sequence[str], *, now: Micros) -> int:
    """Every write of these trips was taken back by a person's word: reversed."""
    done = 0
    for part in chunks(trip_ids):
        done += c.execute(
            update(trip)
            .where(trip.c.id.in_(part), trip.c.state == "posted", trip.c.reason == BEING_UNDONE)
            .values(state="reversed", reason="taken back", updated_at=now)
        ).rowcount
    return done


def open_reversed(c: Connection, trip_id: str, *, now: Micros) -> bool:
    """A person opens a reversed trip by name."""
    return (
        c.execute(
            update(trip)
            .where(trip.c.id == trip_id, trip.c.state == "reversed")
            .values(state="received", due_at=now, reason=None)
        ).rowcount
        == 1
    )


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


def wake_pointing(c: Connection, connection_id: str, kind: str, external_ids: Sequence[str], *, now: Micros) -> int:
    """Records of this kind have changed: waiting trips whose records point to them are due."""
    woken = 0
    for part in chunks(external_ids):
        pointing = select(link.c.record_id).where(
            link.c.connection_id == connection_id, link.c.name == kind, link.c.value.in_(part)
        )
        woken += c.execute(
            update(trip).where(trip.c.record_id.in_(pointing), trip.c.state == "waiting").values(due_at=now)
        ).rowcount
        woken += _wake_held(c, select(trip.c.id).where(trip.c.record_id.in_(pointing)), now=now)
    return woken
