"""Planning: due trips become plans, questions to people, waiting or nothing.

Decides in memory, then stores it all at once.
"""

from __future__ import annotations

from collections.abc import Sequence

from ml_connector.clock import moment
from ml_connector.engine import correcting, gathering, look_ups, pausing, siblings
from ml_connector.engine.books import Books
from ml_connector.engine.correcting import Booked
from ml_connector.engine.gathering import Case
from ml_connector.engine.ignoring import ignoring_of
from ml_connector.engine.judging import judge
from ml_connector.engine.look_ups import Silent
from ml_connector.engine.outcomes import Outcomes
from ml_connector.engine.reviewing import decisions_of
from ml_connector.engine.works import Works
from ml_connector.errors import NotAuthorized, Transient
from ml_connector.finance.plan import Answer, Need
from ml_connector.store import configs, leases, records, reviews, trip_moves, trip_needs, trips
from ml_connector.store.database import Connection
from ml_connector.store.leases import Lease
from ml_connector.store.trips import Trip

SILENT_S = 30.0  # so long what goes to a system that does not answer is left alone


def plan_due(works: Works, lease: Lease, books: Books) -> tuple[Lease, int]:
    """Plan up to one round of due trips. Returns the renewed lease and how many were planned.

    Where terms, rules or posting have changed since `books` were opened nothing is: what that made due must not be
    planned by the old ones.
    """
    now = works.now()
    with works.database.reading() as c:
        found = trips.due(c, books.route_ids, now=now, limit=works.limits.trips_at_once)
        if not found or configs.set_up_mark(c, books.company.id) != books.mark:
            return lease, 0
        cases, stored = cases_of(works, c, books, found)
        answered = trip_needs.answers_of(c, [trip.id for trip in found if trip.state == "waiting"])
        gathered = gathering.gather(works, c, cases, known=not_there(answered), since=now)
    try:
        while look_ups.ask(works, gathered.unknown):
            with works.database.reading() as c:
                gathered = gathering.gather(works, c, cases, known=gathered.answers, since=now)
    except Silent as silent:
        if silent.connection_id == books.company.connection_id:
            raise silent.fault from None
        return _put_off(works, lease, books, silent), len(found)
    by_trip = {trip.id: trip for trip in found}
    judged = [
        judge(
            case,
            gathered,
            books=books,
            road=books.roads[by_trip[case.id].route_id],
            day_of=stored[by_trip[case.id].record_id].occurred_at,
        )
        for case in cases
    ]
    versions = {trip.id: stored[trip.record_id].n for trip in found}
    with works.database.writing() as c:
        lease = leases.renew(c, lease, now=works.now(), ttl_us=works.limits.lease_s * 1_000_000)
        Outcomes(works, c, books, by_trip, versions).store(judged)
        siblings.wake_waiting(c, books, [(by_trip[case.id], case.document) for case in cases], now=works.now())
    return lease, len(found)


def _put_off(works: Works, lease: Lease, books: Books, silent: Silent) -> Lease:
    """Another system than the ledger does not answer: what goes there waits, and nothing else does."""
    routes = [road.route.id for road in books.roads.values() if road.route.target_id == silent.connection_id]
    wait_s = SILENT_S
    if isinstance(silent.fault, Transient) and silent.fault.retry_after_s is not None:
        wait_s = max(wait_s, silent.fault.retry_after_s)
    now = works.now()
    with works.database.writing() as c:
        lease = leases.renew(c, lease, now=now, ttl_us=works.limits.lease_s * 1_000_000)
        if isinstance(silent.fault, NotAuthorized):
            pausing.pause(works, c, silent.connection_id, silent.fault)
        trip_moves.put_off(c, routes, until=now + int(wait_s * 1_000_000), now=now)
    return lease


def cases_of(
    works: Works, c: Connection, books: Books, found: Sequence[Trip]
) -> tuple[list[Case], dict[str, records.StoredRecord]]:
    """These trips ready to be planned: their documents, what people decided and what is posted; and their records."""
    stored = records.by_ids(c, [trip.record_id for trip in found])
    decided = reviews.of_trips(c, [trip.id for trip in found], state="resolved")
    booked = correcting.booked(c, [trip.id for trip in found if trip.planned_n is not None])
    cases = []
    for trip in found:
        road, record = books.roads[trip.route_id], stored[trip.record_id]
        document, fault = gathering.document_of(works, record, road.translate)
        mine = booked.get(trip.id, Booked())
        cases.append(
            Case(
                id=trip.id,
                document=document,
                fault=fault,
                flow=road.flow,
                terms=road.terms,
                source_id=road.source.id,
                target_id=road.route.target_id,
                translate=road.translate,
                decisions=decisions_of(decided.get(trip.id, [])),
                ignoring=ignoring_of(decided.get(trip.id, [])),
                n=record.n,
                posted=mine.contents,
                settled=mine.whole and trip.planned_n == record.n,
                rulebook=road.rulebook_on(moment(record.occurred_at or 0).date()),
            )
        )
    return cases, stored


def not_there(answered: Sequence[trip_needs.Answered]) -> dict[tuple[str, str], Answer]:
    """What was looked for by id at the source and is not there: an answer where the need is optional."""
    return {(one.connection_id, Need(one.kind, id=one.external_id).name): () for one in answered if not one.there}
