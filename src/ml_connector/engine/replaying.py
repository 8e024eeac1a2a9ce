"""Replay and undo: planning again from what is stored, and taking back what was posted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ml_connector.engine import correcting, reversing
from ml_connector.engine.books import Books, open_books
from ml_connector.engine.ignoring import PREFIX
from ml_connector.engine.works import Works
from ml_connector.errors import Rejected, UsageError
from ml_connector.store import audit, reviews, setups, trip_moves, trip_undo, trips, write_moves, writes
from ml_connector.store.audit import Entry
from ml_connector.store.database import Connection
from ml_connector.store.trips import Trip
from ml_connector.store.writes import Write


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many trips are planned again."""

    trips: int


def replay_trips(works: Works, workspace_id: str, trip_ids: list[str], *, by: str) -> Replayed:
    """Plan these records again from their stored version under today's rules.

    Equal content is skipped when it is posted. What a person ignored or took back is opened again: it was named.
    """
    with works.database.writing() as c:
        found = trips.by_ids(c, trip_ids)
        lifted = reviews.lift(c, sorted(found), decision=PREFIX, now=works.now())
        for trip_id, trip in found.items():
            if trip.state == "reversed":
                trip_undo.open_reversed(c, trip_id, now=works.now())
        touched = trip_moves.reopen(c, [one for one in found if found[one].state != "reversed"], now=works.now())
        facts = {"trips": sorted(found), **({"ignored_before": lifted} if lifted else {})}
        entry = Entry(works.now(), by, "replayed", workspace_id, facts)
        audit.append_many(c, chain=audit.INSTALL, workspace_id=None, entries=[entry])
    return Replayed(touched + sum(trip.state == "reversed" for trip in found.values()))


def replay_range(
    works: Works, company_id: str, *, since: int | None, until: int | None, states: tuple[str, ...] | None, by: str,
    told: Callable[[int, int], object] = lambda _done, _of: None,
) -> Replayed:  # fmt: skip
    """Plan again every record of a company that happened in a time range (microseconds).

    Reversed ones stay as they are. `told` hears how many of how many are done.
    """
    with works.database.reading() as c:
        found: list[Trip] = []
        for route in setups.routes(c, company_id=company_id):
            found += trips.of_route(c, route.id, states=states, since=since, until=until)
    wanted = [trip.id for trip in found if trip.state != "reversed"]
    touched = 0
    for start in range(0, len(wanted), 2_000):
        with works.database.writing() as c:
            touched += trip_moves.reopen(c, wanted[start : start + 2_000], now=works.now())
        told(min(start + 2_000, len(wanted)), len(wanted))
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
    """Take back everything booked for one record, and what is put against it: the keys whose reversal is on its way.

    Nothing is deleted. Records whose documents are put against these (the payments of an invoice) are taken back whole,
    and who shares what is taken back goes with it. A record that is held half done can be taken back as well. Raises
    UsageError for what was not posted or moved meanwhile, Rejected where something cannot be taken back.
    """
    with works.database.reading() as c:
        found = trips.by_ids(c, [trip_id]).get(trip_id)
        route = setups.get_route(c, found.route_id) if found else None
    if found is None or route is None:
        raise UsageError("There is no such record.", record=trip_id)
    if found.state not in ("posted", "held", "waiting") or found.reason == trip_undo.BEING_UNDONE:
        told = "being taken back already" if found.reason == trip_undo.BEING_UNDONE else found.state
        raise UsageError(f"Only a posted record can be taken back; this one is {told}.", record=trip_id)
    books = open_books(works, route.company_id)
    with works.database.writing() as c:
        several = _standing(c, [trip_id])
        if not several and found.state == "waiting":
            raise UsageError("Only a posted record can be taken back; this one is waiting.", record=trip_id)
        if not several:
            raise UsageError(
                "This record shares its posting with another, or has none.", record=trip_id, fix="Undo that one; what "
                "was made for a place is set inactive by `ml-connector places close`.",
            )  # fmt: skip
        several = _whole_records(c, books, several)
        undone = sorted({write.trip_id for write in several})
        made = reversing.reversals_of(works, c, books, several, purpose=reversing.UNDOING, of_trips=undone)
        if not isinstance(made, reversing.Reversals):
            raise Rejected(" ".join(finding.sentence for finding in made), record=made[0].field)
        write_moves.drop_open(c, undone, now=works.now())
        for one in undone:
            if not trip_undo.begin(c, one, now=works.now()):
                raise UsageError("A record that goes with it moved meanwhile; try again.", record=one)
        # Whoever shares what is taken back goes with it, or would bring it back at the next reading.
        for other in trip_undo.sharing(c, books.route_ids, [write.key for write in several]):
            if other not in undone and not writes.of_trips(c, [other], states=("open", "sealed", "done")):
                trip_undo.begin(c, other, now=works.now())
        write_moves.add(c, made.rows, made.needs)
        reviews.supersede(c, undone, now=works.now())
        entries = [Entry(works.now(), by, "undo", one, {"keys": list(made.keys), "named": trip_id}) for one in undone]
        audit.append_many(
            c, chain=audit.company_chain(books.company.id), workspace_id=books.company.workspace_id, entries=entries
        )
    return list(made.keys)


def _standing(c: Connection, trip_ids: list[str]) -> list[Write]:
    """What these records have in the books; parties stay. Raises UsageError while something is on its way."""
    found = correcting.in_books(c, trip_ids)
    sealed = [write for mine in found.values() for write in mine.sealed]
    if sealed:
        raise UsageError(
            f"{sealed[0].key} is on its way to the ledger; try again when it is there.", record=trip_ids[0]
        )
    return [write for mine in found.values() for write in mine.standing]


def _whole_records(c: Connection, books: Books, several: list[Write]) -> list[Write]:
    """These and all that must go with them: what is put against them, and whatever else its records have booked."""
    known = {write.id: write for write in several}
    while True:
        grown = {write.id: write for write in reversing.with_dependents(c, books.company.id, list(known.values()))}
        others = sorted({write.trip_id for write in grown.values()})
        grown.update({write.id: write for write in _standing(c, others)})
        if len(grown) == len(known):
            return list(known.values())
        known = grown
