"""When routes post: which of them may send now, what is asked for on demand, and when a run has come to rest.

A route without a timetable costs nothing here. With one, its run is *on* from an hour of the timetable (or from the
moment a person asked) until everything that was there by then and could be sent is done; what comes later waits for
the next. What is under way is always finished, whatever the hour.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from ml_connector.clock import micros
from ml_connector.engine.works import Works
from ml_connector.errors import UsageError
from ml_connector.rules import timetable
from ml_connector.rules.timetable import Timetable
from ml_connector.store import audit, route_runs, setups, submissions, trips, unsent
from ml_connector.store.audit import Entry
from ml_connector.store.database import Connection
from ml_connector.store.route_runs import RouteRuns
from ml_connector.store.unsent import Gates


@dataclass(frozen=True, slots=True)
class Posts:
    """When a route posts, in words; microseconds: when its next run begins.

    `is_on`: a run is on, or it posts at once.
    """

    route_id: str
    flow: str
    posting: str
    times: str
    is_on: bool
    next_at: int | None
    ready: int  # writes planned and not sent yet


def gates(works: Works, c: Connection, company_id: str | None = None) -> Gates:
    """Up to when what arrived may be sent now, by route; None: nothing may. Routes that are not named may send all."""
    found: dict[str, int | None] = {}
    now = works.clock.now()
    for one in route_runs.timed(c, company_id):
        until = _until(one, now)
        if until is None or one.posting == "off":
            found[one.route_id] = None
        elif until < micros(now):
            found[one.route_id] = until if until > (one.rested_for or 0) else None
    return found


def companies_running(c: Connection, known: Gates) -> set[str]:
    """Companies of which a run is on: a drain sends what is ready, and notes when it has come to rest."""
    on = {route_id for route_id, until in known.items() if until is not None}
    return {one.company_id for one in route_runs.timed(c) if one.route_id in on} if on else set()


def idle(works: Works, company_id: str) -> bool:
    """End the runs of a company that has nothing to do at all. True: it had runs on, and there is nothing to do."""
    with works.database.reading() as c:
        on = {route_id for route_id, until in gates(works, c, company_id).items() if until is not None}
        if not on or on & unsent.ready(c, company_id).keys():
            return False
        routes = [one.id for one in setups.routes(c, company_id=company_id)]
        times = (trips.next_due(c, routes), submissions.next_due(c, company_id))
        if any(due is not None and due <= works.now() for due in times):
            return False
    rest(works, company_id)
    return True


def rest(works: Works, company_id: str) -> None:
    """Nothing more could be sent: runs of which nothing is under way are over."""
    with works.database.reading() as c:
        on = {route_id: until for route_id, until in gates(works, c, company_id).items() if until is not None}
        moving = submissions.routes_under_way(c, list(on)) if on else set()
    ended = {route_id: until for route_id, until in on.items() if route_id not in moving}
    if ended:
        with works.database.writing() as c:
            for route_id, until in ended.items():
                route_runs.rest(c, route_id, until)


def read(at: Sequence[str], *, every_s: int | None, quiet: Sequence[str]) -> Timetable:
    """A timetable as people write it: hours `02:00`, spans `22:00-06:00`. Raises UsageError."""
    try:
        return timetable.timetable_of(tuple(at), every_s=every_s, quiet=tuple(quiet))
    except ValueError as fault:
        raise UsageError(f"That is no timetable: {fault}.", fix="Such as --at 02:00 --quiet 22:00-06:00.") from None


def set_times(works: Works, route_id: str, table: Timetable | None, *, by: str) -> None:
    """From now on a route posts at these times; None: at once. The first run is the next, not the last that was.

    Raises UsageError without such a route.
    """
    with works.database.writing() as c:
        row = setups.known_route(c, route_id)
        route_runs.set_times(c, route_id, _text(table) if table is not None else None, now=works.now())
        told = timetable.said(table) if table is not None else "at once"
        entry = Entry(works.now(), by, "posting times set", route_id, {"times": told})
        audit.append_many(c, chain=audit.company_chain(row.company_id), workspace_id=row.workspace_id, entries=[entry])


def ask_now(works: Works, company_id: str, *, by: str) -> None:
    """A person wants to have sent now what is there, whatever the hour."""
    with works.database.writing() as c:
        asked = [one for one in route_runs.timed(c, company_id) if one.posting != "off"]
        for one in asked:
            route_runs.ask(c, one.route_id, now=works.now())
        if asked:
            facts = {"routes": [one.route_id for one in asked]}
            entry = Entry(works.now(), by, "posting asked for", company_id, facts)
            audit.append_many(
                c, chain=audit.company_chain(company_id), workspace_id=asked[0].workspace_id, entries=[entry]
            )


def of_company(works: Works, company_id: str) -> list[Posts]:
    """When each route of a company posts."""
    with works.database.reading() as c:
        timed = {one.route_id: one for one in route_runs.timed(c, company_id)}
        open_now = gates(works, c, company_id)
        rows = setups.routes(c, company_id=company_id)
        ready = unsent.ready(c, company_id)
    found = []
    for row in rows:
        one = timed.get(row.id)
        table = _table(one.times) if one else None
        now = works.clock.now()
        following = timetable.next_run(table, now, ZoneInfo(one.time_zone)) if table and one else None
        is_on = row.posting != "off" and open_now.get(row.id, 0) is not None
        found.append(
            Posts(
                row.id, row.flow, row.posting, timetable.said(table) if table else "at once", is_on,
                micros(following) if following is not None and following > now else None,
                ready.get(row.id, 0),
            )
        )  # fmt: skip
    return found


def _until(one: RouteRuns, now: datetime) -> int | None:
    """Up to when what arrived is part of the last run, the timetable's or one that was asked for."""
    begun = timetable.run_at(_table(one.times), now, ZoneInfo(one.time_zone))
    asked = one.asked_at if one.asked_at is not None and one.asked_at > (one.rested_for or 0) else None
    return max((at for at in (micros(begun) if begun else None, asked) if at is not None), default=None)


def _text(table: Timetable) -> str:
    return json.dumps(
        {
            "at": [f"{one:%H:%M}" for one in table.at],
            "every_s": table.every_s,
            "quiet": [[f"{one:%H:%M}" for one in span] for span in table.quiet],
        },
        sort_keys=True,
    )


@lru_cache(maxsize=256)
def _table(text: str) -> Timetable:
    """Read with every look for work, and hardly ever changed."""
    kept: Mapping[str, Any] = json.loads(text)
    quiet = tuple((time.fromisoformat(begins), time.fromisoformat(ends)) for begins, ends in kept["quiet"])
    return Timetable(tuple(time.fromisoformat(one) for one in kept["at"]), kept["every_s"], quiet)
