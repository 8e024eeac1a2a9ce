"""Siblings: other connections of a company that tell of the same economic event.

Such as a shop and the processor that its buyers pay with.

A flow names the records of others that it asks for (`Flow.siblings`) and by which link they meet. The answer is what
those records are booked as; one that arrives later has whoever asked look again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ml_connector.clock import micros
from ml_connector.engine.books import Books, route_terms
from ml_connector.engine.works import Works
from ml_connector.finance.documents import Document
from ml_connector.finance.encoding import decode_content
from ml_connector.finance.plan import Content, Elsewhere, Need
from ml_connector.finance.rulebook import Terms
from ml_connector.flows.flow import IDENTITY, OWN_ID, Flow
from ml_connector.store import connection_rows, cursors, records, setups, trip_moves, trips, writes
from ml_connector.store.connection_rows import ConnectionRow
from ml_connector.store.database import Connection
from ml_connector.store.records import Kept, StoredRecord
from ml_connector.store.setups import RouteRow
from ml_connector.store.trips import Trip

Link = tuple[str, str]
UNREAD = "unread"  # the state of a sibling that may hold something newer than we have read
_CARDS = frozenset({"customer", "supplier"})


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: a road, by its source, target and flow; `code` begins its keys."""

    source_id: str
    target_id: str
    flow: Flow
    code: str


@dataclass(frozen=True, slots=True)
class _Sibling:
    route: RouteRow
    connection: ConnectionRow
    flow: Flow
    leaves_money: bool  # its terms say that the asker books the money of some of its records


def answer(works: Works, c: Connection, asker: Asker, needs: Sequence[Need]) -> dict[str, tuple[Elsewhere, ...]]:
    """What siblings made of the records that were asked for, by need name; every need is answered.

    A sibling that leaves money to the asker and was not read since counts as unread: its record may still come.
    """
    others = _siblings(works, c, asker)
    if not others:
        return {need.name: () for need in needs}
    answers: dict[str, list[Elsewhere]] = {need.name: [] for need in needs}
    alike: dict[tuple[str, str], list[tuple[Need, str]]] = {}
    for need in needs:
        if need.link is not None:
            alike.setdefault((need.kind, need.link[0]), []).append((need, need.link[1]))
    for sibling in others:
        for (kind, name), several in alike.items():
            if kind not in sibling.flow.kinds:
                continue
            pointing = records.by_links(c, sibling.connection.id, kind, name, [value for _, value in several])
            for need, value in several:
                stored = pointing.get(value, [])
                answers[need.name] += [_made_of(c, sibling, record) for record in stored]
                stream = None if stored or not sibling.leaves_money else _unread(works, c, sibling, need)
                if stream is not None:
                    said = f"{need.kind}s of {sibling.connection.code}"
                    where = (sibling.connection.id, stream)
                    answers[need.name].append(Elsewhere(said, UNREAD, "not read since", {}, where))
    return {name: tuple(found) for name, found in answers.items()}


def wake(works: Works, c: Connection, routes: Iterable[tuple[RouteRow, Flow]], fresh: Sequence[Kept]) -> int:
    """Records of one connection are new: trips of others that ask for them look again. How many were touched."""
    own = list(routes)
    links = [(one.reading.kind, link) for one in fresh for link in one.reading.links]
    sources = {route.source_id for route, _ in own}
    touched = 0
    for company_id in {route.company_id for route, _ in own} if links else ():
        for other in setups.routes(c, company_id=company_id):
            if other.source_id not in sources:
                asking = _asking(c, other, works.flows[other.flow], links)
                touched += trip_moves.reopen(c, asking, now=works.now())
    return touched


def wake_waiting(c: Connection, books: Books, planned: Sequence[tuple[Trip, Document | None]], *, now: int) -> None:
    """Records were planned: what waits at other connections for what they are booked as looks again."""
    asking = [road for road in books.roads.values() if road.flow.siblings]
    if not asking or len(books.roads) < 2:
        return
    links: dict[str, list[tuple[str, Link]]] = {}
    for trip, document in planned:
        if document is not None:
            found = books.roads[trip.route_id].flow.links(document)
            links.setdefault(trip.route_id, []).extend((trip.kind, link) for link in found)
    for road in asking:
        others = [one for route_id, several in links.items() if route_id != road.route.id for one in several]
        trip_moves.look_now(c, _asking(c, road.route, road.flow, others), now=now)


def _asking(c: Connection, route: RouteRow, flow: Flow, links: Sequence[tuple[str, Link]]) -> list[str]:
    """Trips of a route whose flow asks for records of these kinds with these links."""
    found: list[str] = []
    for kind, theirs, ours in flow.siblings:
        values = sorted({value for of, (name, value) in links if (of, name) == (kind, theirs)})
        if values:
            found += trips.of_records(c, route.id, own_records(c, route.source_id, flow, ours, values))
    return found


def own_records(c: Connection, source_id: str, flow: Flow, ours: str, values: Sequence[str]) -> list[str]:
    """Ids of a source's records that a sibling's link leads to: by a link of theirs, or by their own id."""
    if ours != OWN_ID:
        return records.pointing(c, source_id, ours, values)
    named = (records.by_names(c, source_id, kind, values) for kind in flow.kinds)
    return [record.id for several in named for record in several.values()]


def _siblings(works: Works, c: Connection, asker: Asker) -> list[_Sibling]:
    own = [one for one in setups.routes(c, source_id=asker.source_id) if one.target_id == asker.target_id]
    found = []
    for company_id in {one.company_id for one in own if one.flow == asker.flow.name}:
        for route in setups.routes(c, company_id=company_id):
            connection = connection_rows.get(c, route.source_id)
            if route.source_id == asker.source_id or connection is None:
                continue
            leaves = _leaves_money(route_terms(c, route), asker.code)
            found.append(_Sibling(route, connection, works.flows[route.flow], leaves))
    return found


def _leaves_money(terms: Terms, code: str) -> bool:
    return any(owner.partition(":")[0] == code for owner in terms.gateways_elsewhere.values())


def _made_of(c: Connection, sibling: _Sibling, record: StoredRecord) -> Elsewhere:
    """What stands or will stand in the ledger for a record of a sibling."""
    trip = next((one for one in trips.of_record(c, record.id) if one.route_id == sibling.route.id), None)
    named = f"{record.kind} {record.external_id} of {sibling.connection.code}"
    if trip is None:
        return Elsewhere(named, "ignored", "no trip", {})
    live = writes.of_trips(c, [trip.id], states=writes.LIVE)
    contents: Mapping[str, Content] = {
        one.key: decode_content(one.kind, json.loads(one.content)["content"])
        for one in live if one.reverses_id is None and one.kind not in _CARDS
    }  # fmt: skip
    if contents and len(records.links_of(c, [record.id], {IDENTITY})) > 1:
        return Elsewhere(named, "held", "its id was given out twice, and one of the two is booked", {})
    return Elsewhere(named, trip.state, trip.reason or "", contents)


def _unread(works: Works, c: Connection, sibling: _Sibling, need: Need) -> str | None:
    """The stream that brings this kind, where it was not read to its end after the moment in question."""
    streams = [one for one in works.system(sibling.connection.connector).connector.streams if need.kind in one.kinds]
    if not streams or need.since is None:
        return None
    main = min(streams, key=lambda one: one.every_s)
    read_at = cursors.finished_at(c, sibling.connection.id, main.name)
    return None if read_at is not None and read_at >= micros(need.since) else main.name
