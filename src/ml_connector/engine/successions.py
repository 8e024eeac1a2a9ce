"""Parties of a source that became another: who is planned again for it, what the audit trail says, who is traced."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ml_connector.engine.works import Works
from ml_connector.flows.flow import Flow
from ml_connector.flows.successions import BECAME
from ml_connector.store import records, trip_moves, trips
from ml_connector.store.audit import Entry
from ml_connector.store.connection_rows import ConnectionRow
from ml_connector.store.database import Connection
from ml_connector.store.records import Kept
from ml_connector.store.setups import RouteRow


def note(
    c: Connection, connection: ConnectionRow, routes: Sequence[tuple[RouteRow, Flow]], fresh: Sequence[Kept], *,
    actor: str, now: int
) -> list[Entry]:  # fmt: skip
    """What was just told of parties that became another: the trips of both are planned again, and the trail says so."""
    entries: dict[str, Entry] = {}
    for route, flow in routes:
        told, party = flow.merges or ("", "")
        pairs = [
            (one.reading.external_id, value)
            for one in fresh if one.reading.kind == told
            for name, value in one.reading.links if name == BECAME
        ]  # fmt: skip
        stored = records.by_names(c, connection.id, party, [id_ for pair in pairs for id_ in pair]) if pairs else {}
        of_parties = (trip for one in stored.values() for trip in trips.of_record(c, one.id))
        trip_moves.reopen(c, [trip.id for trip in of_parties if trip.route_id == route.id], now=now)
        for was, became in pairs:
            words = f"{party} {was} is {became} now"
            facts = {"kind": party, "was": was, "became": became, "notes": {was: words, became: words}}
            entries[was] = Entry(now, actor, "became another", connection.id, facts)
    return list(entries.values())


def family(works: Works, c: Connection, connections: Iterable[ConnectionRow], found: Sequence[str]) -> list[str]:
    """Ids of the records of all parties that became one of these, or that these became, and of what told it."""
    names = {one.external_id for one in records.by_ids(c, found).values()}
    family: list[str] = []
    for row in connections:
        kinds = {flow.merges for flow in works.flows.values() if flow.source == row.connector and flow.merges}
        for told, party in kinds:
            told_ids, ids = _all_told(c, row.id, told, names)
            family += [*told_ids, *(one.id for one in records.by_names(c, row.id, party, sorted(ids)).values())]
    return family


def _all_told(c: Connection, connection_id: str, told: str, names: set[str]) -> tuple[set[str], set[str]]:
    """The records that tell of these or of those told of with them, and the ids of the parties they name."""
    found: set[str] = set()
    named: set[str] = set()
    looking = names
    while looking:
        out = {one.id for one in records.by_names(c, connection_id, told, sorted(looking)).values()}
        out |= set(records.pointing(c, connection_id, BECAME, sorted(looking)))
        new = sorted(out - found)
        found |= out
        met = {one.external_id for one in records.by_ids(c, new).values()} | records.links_of(c, new, {BECAME})
        looking = met - named
        named |= met
    return found, named
