"""Pools: which writes that share a voucher or a call are to be sealed now, of one company or of all."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ml_connector.clock import micros, moment
from ml_connector.engine.books import Books, Road, terms_of
from ml_connector.engine.works import Works
from ml_connector.finance.rulebook import Mode, Terms
from ml_connector.rules import pooling
from ml_connector.store import configs, connection_rows, inbox, setups, trips, unsent
from ml_connector.store.bulk import chunks
from ml_connector.store.database import Connection
from ml_connector.store.setups import RouteRow
from ml_connector.store.unsent import Gates
from ml_connector.store.writes import Write

POOL_AT_ONCE = 20_000  # the writes of one round of a pool; the rest follows in the next
# After so many full parts for each pool that is open, what is left of a rush need not wait for its age: the vouchers of
# the rests are a fifth more calls at most.
RUSH = 5
Age = tuple[int, int]
"""How many writes a pool holds, and when the oldest was planned."""


def closing(
    works: Works, c: Connection, books: Books, *, gates: Gates = unsent.ALL_OPEN
) -> list[tuple[str, list[Write]]]:
    """Pools, or full parts of them, whose time has come: (pool, its writes in the order they happened).

    A run of a timetable waits for no age: what is there is all there will be.
    """
    found: list[tuple[str, list[Write]]] = []
    now = works.now()
    planning = _planning(c, books, now=now)
    open_pools = sendable(works, c, books, gates=gates)
    on = {road.terms.code for route_id, road in books.roads.items() if gates.get(route_id) is not None}
    ends = not planning and _ends_a_rush(works, books, open_pools)
    for pool, (count, oldest) in open_pools.items():
        size = _size(books, pool)
        due = closes_at(books, pool, oldest=oldest, planning=planning) <= now or (ends and size is not None)
        due = due or (not planning and mode_of(pool) != "daily" and whose(pool)[0] in on)
        if not due and (size is None or count < size):
            continue
        members = unsent.sealable(c, books.company.id, pool=pool, limit=POOL_AT_ONCE, gates=gates)
        parts = [list(part) for part in chunks(members, size or POOL_AT_ONCE)]
        found += [(pool, part) for part in parts if due or len(part) == size]
        books.filled[pool] = books.filled.get(pool, 0) + sum(len(part) == size for part in parts)
    return found


def sendable(works: Works, c: Connection, books: Books, *, gates: Gates = unsent.ALL_OPEN) -> dict[str, Age]:
    """Open pools of a company.

    Only those that seem full or old are looked at for what may really be sent: the others are not closed now anyway.
    """
    if not unsent.posts(c, books.company.id, gates=gates):
        return {}
    now = works.now()
    shut = {_road(books, route_id) for route_id, until in gates.items() if until is None}
    ages = {pool: age for pool, age in unsent.pool_ages(c, books.company.id).items() if whose(pool) not in shut}
    near = {
        pool
        for pool, (count, oldest) in ages.items()
        if closes_at(books, pool, oldest=oldest) <= now or ((size := _size(books, pool)) is not None and count >= size)
    }
    later = {pool: age for pool, age in ages.items() if pool not in near}
    return {**later, **unsent.pool_ages(c, books.company.id, sendable=near, gates=gates)}


def companies_due(works: Works, c: Connection, *, gates: Gates = unsent.ALL_OPEN) -> set[str]:
    """Companies of which a pool is to be closed now; a few queries, however many companies there are."""
    ages = unsent.open_pools(c, gates=gates)
    if not ages:
        return set()
    terms = terms_by_code(c, {company_id for company_id, _ in ages}, but=[one for one in gates if gates[one] is None])
    near = _closed(works, ages, terms)
    return {company_id for company_id, _ in _closed(works, unsent.open_pools(c, sendable=near, gates=gates), terms)}


def _closed(
    works: Works, ages: Mapping[tuple[str, str], Age], terms: Mapping[tuple[str, str, bool], ToClose]
) -> set[tuple[str, str]]:
    now = works.now()
    return {
        (company_id, pool)
        for (company_id, pool), (_, oldest) in ages.items()
        if (known := terms.get((company_id, *whose(pool)))) is not None and known.closes_at(pool, oldest=oldest) <= now
    }


@dataclass(frozen=True, slots=True)
class ToClose:
    """What says when the pools of a route are closed."""

    route: RouteRow
    terms: Terms

    def closes_at(self, pool: str, *, oldest: int, planning: bool = False) -> int:
        """When a pool is closed, in microseconds. `planning`: records that may belong to it are still being planned."""
        asked_at = moment(self.route.asked_at) if self.route.asked_at is not None else None
        return micros(
            pooling.closes_at(self.terms, pool, opened_at=moment(oldest), planning=planning, asked_at=asked_at)
        )


def terms_by_code(
    c: Connection, company_ids: set[str], *, but: Collection[str] = ()
) -> dict[tuple[str, str, bool], ToClose]:
    """When pools of the routes of these companies close, by company and whose pools they are (`whose`)."""
    codes = {one.id: one.code for one in connection_rows.every(c)}
    ledgers = {one.id: one.connection_id for one in setups.companies(c)}
    routes = [route for route in setups.routes(c) if route.company_id in company_ids and route.id not in but]
    saved = configs.newest_of(c, "route", [route.id for route in routes])
    found = {}
    for route in routes:
        ledger_id = ledgers[route.company_id]
        code = codes[route.beside(ledger_id)]
        terms = terms_of(saved.get(route.id), code=code)
        found[route.company_id, code, route.source_id == ledger_id] = ToClose(route, terms)
    return found


def whose(pool: str) -> tuple[str, bool]:
    """The road a pool belongs to: the code of the system beside the ledger, and whether it leads out of the ledger."""
    name = pooling.named(pool)
    return name.code, name.is_parcel


def _road(books: Books, route_id: str) -> tuple[str, bool]:
    """The road of a route, as `whose` names it."""
    road = books.roads[route_id]
    return road.terms.code, road.route.source_id == books.company.connection_id


def _planning(c: Connection, books: Books, *, now: int) -> bool:
    """Whether records of the company are still to be planned."""
    due_at = trips.next_due(c, books.route_ids)
    return due_at is not None and due_at <= now


def _ends_a_rush(works: Works, books: Books, open_pools: Mapping[str, Age]) -> bool:
    """Whether these are the last parts of many: no webhook of the company's sources waits to be read.

    One stays open until what it names is kept.
    """
    sized = {pool: size for pool in open_pools if (size := _size(books, pool)) is not None}
    full = sum(books.filled.values()) + sum(open_pools[pool][0] // size for pool, size in sized.items())
    if not sized or full < RUSH * len(sized):
        return False
    with works.database.inbox_reading() as c:
        ringing = {connection_id for _, connection_id in inbox.connections_with_due_notices(c, now=works.now())}
    return not ringing & {road.source.id for road in books.roads.values()}


def closes_at(books: Books, pool: str, *, oldest: int, planning: bool = False) -> int:
    """When a pool is closed, in microseconds. `planning`: records that may belong to it are still being planned."""
    road = _road_of_pool(books, pool)
    return ToClose(road.route, road.terms).closes_at(pool, oldest=oldest, planning=planning)


def mode_of(pool: str) -> Mode:
    """The posting mode a pool was made under; it stays even when the route's mode changes."""
    return pooling.named(pool).mode


def _size(books: Books, pool: str) -> int | None:
    """How many writes fill a pool; None where only its time closes it."""
    name = pooling.named(pool)
    return name.size or (_road_of_pool(books, pool).terms.batch_size if name.mode == "batch" else None)


def _road_of_pool(books: Books, pool: str) -> Road:
    """The road that a pool belongs to. A road into the ledger may answer for rows that go back to its source."""
    code, outward = whose(pool)
    roads = [road for road in books.roads.values() if road.terms.code == code]
    ledger_id = books.company.connection_id
    return max(roads, key=lambda road: (road.route.source_id == ledger_id) == outward)
