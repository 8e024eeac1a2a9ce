"""When routes post: their timetables, what was asked for on demand, and up to when the last run has come to rest."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, or_, select, update

from ml_connector.store.tables import Micros, company, route


@dataclass(frozen=True, slots=True)
class RouteRuns:
    """A route with a timetable. `rested_for`: everything that arrived until then has had its run."""

    route_id: str
    workspace_id: str
    company_id: str
    posting: str
    time_zone: str
    times: str
    asked_at: Micros | None
    rested_for: Micros | None


def timed(c: Connection, company_id: str | None = None) -> list[RouteRuns]:
    """Routes that have a timetable, of one company or of all."""
    query = (
        select(route, company.c.time_zone)
        .join(company, company.c.id == route.c.company_id)
        .where(route.c.times.is_not(None))
        .order_by(route.c.id)
    )
    if company_id is not None:
        query = query.where(route.c.company_id == company_id)
    return [
        RouteRuns(
            row.id, row.workspace_id, row.company_id, row.posting, row.time_zone, row.times, row.run_asked_at,
            row.rested_for,
        )
        for row in c.execute(query)
    ]  # fmt: skip


def set_times(c: Connection, route_id: str, times: str | None, *, now: Micros) -> None:
    """A timetable, or none. What was asked for before is over."""
    c.execute(update(route).where(route.c.id == route_id).values(times=times, run_asked_at=None, rested_for=now))


def ask(c: Connection, route_id: str, *, now: Micros) -> None:
    """A person asks for a run."""
    c.execute(update(route).where(route.c.id == route_id).values(run_asked_at=now))


def rest(c: Connection, route_id: str, until: Micros) -> None:
    """The run of what arrived until then is over; one that was over before stays."""
    earlier = or_(route.c.rested_for.is_(None), route.c.rested_for < until)
    c.execute(update(route).where(route.c.id == route_id, earlier).values(rested_for=until))
