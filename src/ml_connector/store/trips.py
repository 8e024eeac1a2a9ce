"""Trips: one source record on one route, from received to posted. Read here; `trip_moves` changes their state."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, select

from ml_connector.store.bulk import chunks
from ml_connector.store.tables import Micros, record, route, trip

DUE_STATES = ("received", "planned", "waiting")


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


def due(c: Connection, route_ids: Collection[str], *, now: Micros, limit: int) -> list[Trip]:
    """Trips to plan now, the most urgent first, then in the order things happened."""
    found: list[tuple[int, Micros, Trip]] = []
    for route_id in route_ids:
        for state in DUE_STATES:
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
        select(func.min(trip.c.due_at)).where(trip.c.route_id.in_(route_ids), trip.c.state.in_(DUE_STATES))
    ).scalar_one()
    return found


def by_ids(c: Connection, trip_ids: Sequence[str]) -> dict[str, Trip]:
    """Trips by id."""
    found = {}
    for part in chunks(trip_ids):
        for row in c.execute(select(*_COLUMNS).where(trip.c.id.in_(part))):
            found[row.id] = _trip(row)
    return found


def happened_after(c: Connection, trip_ids: Sequence[str], moment: Micros) -> set[str]:
    """Which of these trips are of records that happened later; of one without a time nobody knows."""
    found: set[str] = set()
    for part in chunks(trip_ids):
        found.update(c.execute(select(trip.c.id).where(trip.c.id.in_(part), trip.c.occurred_at > moment)).scalars())
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


def companies_due(c: Connection, *, now: Micros) -> list[str]:
    """Companies that have trips to plan now."""
    due_trip = select(trip.c.id).where(
        trip.c.route_id == route.c.id, trip.c.state.in_(DUE_STATES), trip.c.due_at <= now
    )
    return list(c.execute(select(route.c.company_id).where(due_trip.exists()).distinct()).scalars())


def companies_holding(c: Connection) -> list[str]:
    """Companies that have held trips."""
    held = select(trip.c.id).where(trip.c.route_id == route.c.id, trip.c.state == "held")
    return list(c.execute(select(route.c.company_id).where(held.exists()).distinct()).scalars())


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
