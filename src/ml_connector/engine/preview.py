"""Dry run and what-if: the very same planning code, stopping before anything is stored or sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ml_connector.engine import asked_for, gathering, look_ups
from ml_connector.engine.books import Books, by_rules, open_books
from ml_connector.engine.gathering import Case, Gathered
from ml_connector.engine.ignoring import plan_hash
from ml_connector.engine.judging import Judged, Stands, judge
from ml_connector.engine.planning import cases_of
from ml_connector.engine.works import Works
from ml_connector.errors import UsageError
from ml_connector.finance.encoding import encode_finding, encode_write
from ml_connector.finance.plan import Hold, Ignore, Plan, Wait
from ml_connector.finance.rulebook import Rulebook
from ml_connector.store import connection_rows, setups, trips
from ml_connector.store.trips import Trip


@dataclass(frozen=True, slots=True)
class Previewed:
    """What would become of one record.

    `plan_hash` is the promise: posted, it has the same hash, or it says what changed.
    """

    trip_id: str
    kind: str
    external_id: str
    outcome: str  # planned, ignored, held, waiting
    plan_hash: str | None
    writes: tuple[Mapping[str, Any], ...]
    findings: tuple[Mapping[str, Any], ...]
    reason: str


def dry_run(
    works: Works, company_id: str, *, trip_ids: Sequence[str] | None = None, states: tuple[str, ...] | None = None,
    since: int | None = None, until: int | None = None, limit: int = 1_000
) -> list[Previewed]:  # fmt: skip
    """Plan records without storing anything. What is looked up in the ledger is remembered, nothing else."""
    books = open_books(works, company_id)
    with works.database.reading() as c:
        found = _chosen(c, books, trip_ids=trip_ids, states=states, since=since, until=until, limit=limit)
    return _judge(works, books, found)


def undecided(works: Works, company_id: str, found: Sequence[Previewed]) -> list[str]:
    """What of these documents the ledger alone decides: a promise of ours leaves that open. A sentence each."""
    with works.database.reading() as c:
        company = setups.get_company(c, company_id)
        ledger = connection_rows.get(c, company.connection_id) if company else None
    if ledger is None:
        return []
    told = works.system(ledger.connector).connector
    kinds = sorted({str(write["kind"]) for one in found for write in one.writes} & told.decides.keys())
    return [f"{kind.replace('_', ' ').capitalize()}: {told.title} decides {told.decides[kind]}." for kind in kinds]


def what_if(
    works: Works, company_id: str, route_id: str, book: Rulebook, *, limit: int = 5_000
) -> list[tuple[Previewed, Previewed]]:
    """What a change of the rules would have done to past records: (now, then) for each that differs."""
    books = open_books(works, company_id)
    road = books.roads[route_id]
    roads = {**books.roads, route_id: by_rules(road, (book,))}
    then_books = Books(books.company, roads, books.chart, books.chart_n, books.chart_read_at)
    with works.database.reading() as c:
        found = trips.of_route(c, route_id, limit=limit)
    pairs = zip(_judge(works, books, found), _judge(works, then_books, found), strict=True)
    return [(now, then) for now, then in pairs if (now.outcome, now.plan_hash) != (then.outcome, then.plan_hash)]


def _chosen(
    c: Any, books: Books, *, trip_ids: Sequence[str] | None, states: tuple[str, ...] | None, since: int | None,
    until: int | None, limit: int
) -> list[Trip]:  # fmt: skip
    if trip_ids is not None:
        known = trips.by_ids(c, trip_ids)
        if missing := [one for one in trip_ids if one not in known]:
            raise UsageError("There is no such record.", record=", ".join(missing))
        return [known[one] for one in trip_ids]
    found: list[Trip] = []
    for route_id in books.route_ids:
        found += trips.of_route(c, route_id, states=states, since=since, until=until, limit=limit)
    return found[:limit]


def _judge(works: Works, books: Books, found: Sequence[Trip]) -> list[Previewed]:
    began = works.now()
    with works.database.reading() as c:
        cases, stored = cases_of(works, c, books, found)
        gathered = gathering.gather(works, c, cases, since=began)
    if _read_what_has_no_trip(works, cases, gathered):
        with works.database.reading() as c:
            gathered = gathering.gather(works, c, cases, known=gathered.answers, since=began)
    try:
        while look_ups.ask(works, gathered.unknown):
            with works.database.reading() as c:
                gathered = gathering.gather(works, c, cases, known=gathered.answers, since=began)
    except look_ups.Silent as silent:
        raise silent.fault from None
    answers = []
    for trip, case in zip(found, cases, strict=True):
        record = stored[trip.record_id]
        judged = judge(case, gathered, books=books, road=books.roads[trip.route_id], day_of=record.occurred_at)
        answers.append(_previewed(trip, record.external_id, judged))
    return answers


def _read_what_has_no_trip(works: Works, cases: Sequence[Case], gathered: Gathered) -> bool:
    """What only rules ask for (the catalogue's articles) is read here and kept: reading it makes no trip."""
    missing: dict[str, dict[str, set[str]]] = {}
    for case in cases:
        for need in gathered.missing.get(case.id, ()):
            if need.system == "source" and need.id is not None and need.kind not in case.flow.kinds:
                missing.setdefault(case.source_id, {}).setdefault(need.kind, set()).add(need.id)
    for connection_id, ids in missing.items():
        asked_for.read_for_preview(works, connection_id, {kind: sorted(names) for kind, names in ids.items()})
    return bool(missing)


def _previewed(trip: Trip, external_id: str, judged: Judged) -> Previewed:
    match judged.verdict:
        case Plan() as plan:
            written = tuple(encode_write(write) for write in plan.writes)
            warnings = tuple(encode_finding(finding) for finding in plan.findings)
            rest = plan.rest.reason if plan.rest is not None else ""
            return Previewed(trip.id, trip.kind, external_id, "planned", plan_hash(plan), written, warnings, rest)
        case Hold(findings):
            told = tuple(encode_finding(finding) for finding in findings)
            asked, why = judged.behind, "; ".join(f.code for f in findings)
            wanted = plan_hash(asked) if asked is not None else None
            written = tuple(encode_write(write) for write in asked.writes) if asked is not None else ()
            return Previewed(trip.id, trip.kind, external_id, "held", wanted, written, told, why)
        case Ignore(reason):
            return Previewed(trip.id, trip.kind, external_id, "ignored", None, (), (), reason)
        case Stands():
            return Previewed(trip.id, trip.kind, external_id, "planned", trip.plan_hash, (), (), "posted already")
        case Wait(reason):
            return Previewed(trip.id, trip.kind, external_id, "waiting", None, (), (), reason)
