"""Replay and undo: planning again from what is stored, and taking back what was posted."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from ml_connector.engine.books import Books, open_books
from ml_connector.engine.reversing import reversal_row
from ml_connector.engine.works import Works
from ml_connector.errors import Rejected, UsageError
from ml_connector.finance.plan import Finding
from ml_connector.store import audit, setups, trips, writes
from ml_connector.store.audit import Entry
from ml_connector.store.trips import Trip


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many trips are planned again."""

    trips: int


def replay_trips(works: Works, workspace_id: str, trip_ids: list[str], *, by: str) -> Replayed:
    """Plan these records again from their stored version under today's rules. Equal content is skipped when it is
    posted.
    """
    with works.database.writing() as c:
        found = trips.by_ids(c, trip_ids)
        for trip_id, trip in found.items():
            if trip.state == "reversed":
                trips.open_reversed(c, trip_id, now=works.now())
        touched = trips.reopen(c, [one for one in found if found[one].state != "reversed"], now=works.now())
        entry = Entry(works.now(), by, "replayed", workspace_id, {"trips": sorted(found)})
        audit.append_many(c, chain=audit.INSTALL, workspace_id=None, entries=[entry])
    return Replayed(touched + sum(trip.state == "reversed" for trip in found.values()))


def replay_range(
    works: Works, company_id: str, *, since: int | None, until: int | None, states: tuple[str, ...] | None, by: str
) -> Replayed:
    """Plan again every record of a company that happened in a time range (microseconds); reversed ones stay as they
    are.
    """
    with works.database.reading() as c:
        found: list[Trip] = []
        for route in setups.routes(c, company_id=company_id):
            found += trips.of_route(c, route.id, states=states, since=since, until=until)
    wanted = [trip.id for trip in found if trip.state != "reversed"]
    touched = 0
    for start in range(0, len(wanted), 2_000):
        with works.database.writing() as c:
            touched += trips.reopen(c, wanted[start : start + 2_000], now=works.now())
    with works.database.writing() as c:
        facts = {"since": since, "until": until, "states": list(states or ()), "trips": touched}
        entry = Entry(works.now(), by, "replayed", company_id, facts)
        company = setups.get_company(c, company_id)
        audit.append_many(
            c,
            chain=audit.company_chain(company_id),
            workspace_id=company.workspace_id if company else None,
            entries=[entry],
        )
    return Replayed(touched)


def undo(works: Works, trip_id: str, *, by: str) -> list[str]:
    """Take back everything posted for one record: the keys whose reversal is on its way. Nothing is deleted."""
    with works.database.reading() as c:
        found = trips.by_ids(c, [trip_id]).get(trip_id)
        route = setups.get_route(c, found.route_id) if found else None
    if found is None or route is None:
        raise UsageError("There is no such record.", record=trip_id)
    if found.state != "posted":
        raise UsageError(f"Only a posted record can be taken back; this one is {found.state}.", record=trip_id)
    books = open_books(works, route.company_id)
    with works.database.writing() as c:
        done = [write for write in writes.of_trips(c, [trip_id], states=("done",)) if write.reverses_id is None]
        if not done:
            raise UsageError("This record shares its posting with another; undo that one.", record=trip_id)
        rows = [_row(works, write, books, trip_id) for write in reversed(done)]
        live = writes.live(c, books.company.id, [str(row["key"]) for row in rows])
        fresh = [row for row in rows if row["key"] not in live]
        needs = [
            {
                "write_id": later["id"],
                "key": earlier["key"],
                "workspace_id": books.company.workspace_id,
                "company_id": books.company.id,
            }
            for earlier, later in pairwise(fresh)
        ]
        if not trips.start_undo(c, trip_id, now=works.now()):
            raise UsageError("The record moved meanwhile; try again.", record=trip_id)
        # Whoever shares what is taken back goes with it, or would bring it back at the next reading.
        for other in trips.sharing(c, books.route_ids, [write.key for write in done]):
            if other != trip_id and not writes.of_trips(c, [other], states=("open", "sealed", "done")):
                trips.start_undo(c, other, now=works.now())
        writes.add(c, fresh, needs)
        entry = Entry(works.now(), by, "undo", trip_id, {"keys": [str(row["key"]) for row in rows]})
        audit.append_many(
            c, chain=audit.company_chain(books.company.id), workspace_id=books.company.workspace_id, entries=[entry]
        )
    return [str(row["key"]) for row in rows]


def _row(works: Works, write: writes.Write, books: Books, trip_id: str) -> dict[str, object]:
    row = reversal_row(works, write, books, trip_id=trip_id, now=works.now())
    if isinstance(row, Finding):
        raise Rejected(row.sentence, record=write.key)
    return row
