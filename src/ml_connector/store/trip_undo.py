"""A trip's way back: what a person has taken back, what stays after all, and what is opened again."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence

from sqlalchemy import Connection, or_, select, update

from ml_connector.store.bulk import chunks
from ml_connector.store.states import refuse_missing_arrow
from ml_connector.store.tables import Micros, route, trip

BEING_UNDONE = "being taken back"


def sharing(c: Connection, route_ids: Collection[str], keys: Collection[str]) -> list[str]:
    """Posted trips whose plan names any of these writes, their own or another record's."""
    named = or_(*(trip.c.plan.contains(json.dumps(key), autoescape=True) for key in keys))
    query = select(trip.c.id).where(trip.c.route_id.in_(route_ids), trip.c.state == "posted", named)
    return list(c.execute(query).scalars()) if keys else []


def sharing_in_company(c: Connection, company_id: str, keys: Collection[str]) -> list[str]:
    """As `sharing`, over all routes of a company."""
    own = list(c.execute(select(route.c.id).where(route.c.company_id == company_id)).scalars())
    return sharing(c, own, keys)


def begin(c: Connection, trip_id: str, *, now: Micros) -> bool:
    """Mark a trip as being taken back: a posted one, or one that is held or waits half done; False for any other."""
    refuse_missing_arrow(trip, ("held", "waiting"), "posted")
    return (
        c.execute(
            update(trip)
            .where(trip.c.id == trip_id, trip.c.state.in_(("posted", "held", "waiting")))
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


def stop(c: Connection, trip_ids: Sequence[str], *, now: Micros) -> None:
    """These were to be taken back with another record, which stays: they are planned again."""
    for part in chunks(trip_ids):
        c.execute(
            update(trip)
            .where(trip.c.id.in_(part), trip.c.state == "posted", trip.c.reason == BEING_UNDONE)
            .values(state="received", reason=None, due_at=now, updated_at=now)
        )


def finish(c: Connection, trip_ids: Sequence[str], *, now: Micros) -> int:
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
