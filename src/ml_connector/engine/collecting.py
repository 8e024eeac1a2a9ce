"""On demand: a record of the ledger goes out because a person asks for it by its number."""

from __future__ import annotations

from collections.abc import Sequence

from ml_connector.engine import arriving
from ml_connector.engine.works import Works, open_line
from ml_connector.errors import NotFound, UsageError
from ml_connector.store import audit, connection_rows, reviews, setups, trip_moves, trips
from ml_connector.store.audit import Entry
from ml_connector.store.database import Connection
from ml_connector.store.setups import RouteRow
from ml_connector.store.trip_moves import LIVE_PRIORITY


def ask_for(works: Works, route_id: str, numbers: Sequence[str], *, by: str) -> list[str]:
    """Read these records now and plan them as asked for by a person; their trips.

    Raises UsageError where the route sends nothing on demand, NotFound where the ledger has no such record.
    """
    with works.database.reading() as c:
        route = setups.get_route(c, route_id)
        source = connection_rows.get(c, route.source_id) if route else None
    demand = works.flows[route.flow].on_demand if route else None
    if route is None or source is None or demand is None:
        raise UsageError("This route sends nothing on demand.", record=route_id, fix="Name one with --route.")
    kind, decision = demand
    began = works.now()
    there, gone = arriving.split(open_line(works, source.id).reader.fetch(kind, list(numbers)))
    if gone:
        raise NotFound(f"{source.title} has no such {kind}.", record=", ".join(one.external_id for one in gone))
    with works.database.reading() as c:
        wanted = arriving.wanted_by(works, c, source)
    readings = arriving.readings_of(arriving.translated(works, wanted, there), source="lookup", read_at=began)
    with works.database.writing() as c:
        kept = arriving.keep(works, c, wanted, readings, actor=by, priority=LIVE_PRIORITY, facts={"asked for": kind})
        found = [trip for one in kept for trip in trips.of_record(c, one.record_id) if trip.route_id == route.id]
        _decide(works, c, route, [trip.id for trip in found], code=decision, by=by)
        trip_moves.reopen(c, [trip.id for trip in found], now=works.now())
    return [trip.id for trip in found]


def _decide(works: Works, c: Connection, route: RouteRow, trip_ids: Sequence[str], *, code: str, by: str) -> None:
    """A person's word on records that nobody asked about: kept like the answer to a question."""
    known = reviews.of_trips(c, trip_ids, state="resolved")
    fresh = [one for one in trip_ids if all(item.code != code for item in known.get(one, []))]
    items = [
        {
            "subject": trip_id,
            "company_id": route.company_id,
            "connection_id": route.source_id,
            "trip_id": trip_id,
            "code": code,
            "field": "",
            "sentence": "A person asked for this record.",
            "proposal": {},
        }
        for trip_id in fresh
    ]
    now = works.now()
    reviews.raise_items(c, items, workspace_id=route.workspace_id, ids=works.ids, now=now)
    for several in reviews.of_trips(c, fresh, state="open").values():
        for item in several:
            if item.code == code:
                reviews.resolve(c, item.id, decision="approved", decided_by=by, now=now)
    entry = Entry(now, by, "asked for", route.company_id, {"trips": fresh})
    audit.append_many(c, chain=audit.company_chain(route.company_id), workspace_id=route.workspace_id, entries=[entry])
