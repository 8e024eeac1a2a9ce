"""The drain: for one company, under its lease, plan, seal, send and settle whatever is due, for less than a minute."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ml_connector.engine import pausing, planning, pools, sealing, sending, settling, timetables
from ml_connector.engine.books import Books, open_books
from ml_connector.engine.purse import Purse
from ml_connector.engine.works import Line, Works, open_line
from ml_connector.errors import LeaseLost, NotAuthorized, Transient
from ml_connector.store import connection_rows, leases, setups, submissions, trips
from ml_connector.store.leases import Lease

PLAN_ROUNDS = 10  # plan this often before sending: one listing then reads back many more documents


@dataclass(frozen=True, slots=True)
class Drained:
    """What one drain did. `due_at` is when the next work of this company is due (None: nothing waits for time)."""

    planned: int = 0
    sealed: int = 0
    sent: int = 0
    settled: int = 0
    due_at: int | None = None
    busy: bool = False  # another worker holds the company
    paused: str | None = None
    failed: str | None = None  # the target could not be read; everything is as it was

    @property
    def worked(self) -> bool:
        return bool(self.planned or self.sealed or self.sent or self.settled)


def drain(works: Works, company_id: str, *, stop: Callable[[], bool] = lambda: False) -> Drained:
    """Do what is due for one company. Safe to run at any time, any number of times, and to be killed at any point."""
    with works.database.reading() as c:
        company = setups.known_company(c, company_id)
        target = connection_rows.known(c, company.connection_id)
    if target.state != "active":
        return Drained(paused=target.reason or target.state)
    holder = f"{works.holder}/{works.ids.new()}"
    ttl_us = works.limits.lease_s * 1_000_000
    with works.database.writing() as c:
        lease = leases.acquire(
            c, company.workspace_id, name=f"company:{company_id}", holder=holder, now=works.now(), ttl_us=ttl_us
        )
    if lease is None:
        return Drained(busy=True)
    try:
        if timetables.idle(works, company_id):
            return Drained()
        return _under_lease(works, lease, company_id, stop=stop)
    except NotAuthorized as fault:
        with works.database.writing() as c:
            pausing.pause(works, c, target.id, fault)
        return Drained(paused=str(fault))
    except Transient as fault:
        return Drained(failed=str(fault))
    except LeaseLost:
        return Drained(busy=True)
    finally:
        with works.database.writing() as c:
            leases.release(c, lease)


def _under_lease(works: Works, lease: Lease, company_id: str, *, stop: Callable[[], bool]) -> Drained:
    books = open_books(works, company_id)
    until = works.now() + works.limits.unit_s * 1_000_000
    purses: dict[str, Purse] = {}
    total = Drained()
    with ThreadPoolExecutor(works.limits.calls_at_once, thread_name_prefix="call") as pool:
        while works.now() < until and not stop():
            lease, done = _round(works, lease, books, purses, pool=pool, until=until)
            total = Drained(
                total.planned + done.planned,
                total.sealed + done.sealed,
                total.sent + done.sent,
                total.settled + done.settled,
            )
            if not done.worked:
                timetables.rest(works, company_id)
                break
    with works.database.writing() as c:
        leases.renew(c, lease, now=works.now(), ttl_us=works.limits.lease_s * 1_000_000)
        for purse in purses.values():
            purse.settle(c)
            purse.close(c)
    return Drained(total.planned, total.sealed, total.sent, total.settled, due_at=next_due(works, books))


def _round(
    works: Works, lease: Lease, books: Books, purses: dict[str, Purse], *, pool: ThreadPoolExecutor, until: int
) -> tuple[Lease, Drained]:
    """One pass: planning first, so that a full batch can be sealed; settling last, so that nothing stays half done."""
    planned = 0
    for _ in range(PLAN_ROUNDS):
        lease, count = planning.plan_due(works, lease, books)
        planned += count
        if count < works.limits.trips_at_once or works.now() >= until:
            break
    lease, sealed = sealing.seal_due(works, lease, books)
    sent = settled = 0
    for line in _lines_due(works, books):
        purse = purses.setdefault(line.connection.id, Purse(works, line))
        lease, count = sending.send_ready(works, lease, books, line, purse=purse, pool=pool, until=until)
        sent += count
        lease, count = settling.settle_due(works, lease, books, line, purse=purse, pool=pool, until=until)
        settled += count
    return lease, Drained(planned, sealed, sent, settled)


def _lines_due(works: Works, books: Books) -> list[Line]:
    """Lines to the systems for which something is due, the ledger first; a paused one is left alone."""
    with works.database.reading() as c:
        due = submissions.targets_due(c, books.company.id, now=works.now())
        active = {one for one in due if (row := connection_rows.get(c, one)) is not None and row.state == "active"}
    ledger = books.company.connection_id
    return [open_line(works, one) for one in sorted(active, key=lambda one: (one != ledger, one))]


def next_due(works: Works, books: Books) -> int | None:
    """When this company has work again: a trip to look at, a submission to settle, a pool to close."""
    with works.database.reading() as c:
        times = [trips.next_due(c, books.route_ids), submissions.next_due(c, books.company.id)]
        gates = timetables.gates(works, c, books.company.id)
        open_pools = pools.sendable(works, c, books, gates=gates)
    times += [pools.closes_at(books, pool, oldest=oldest) for pool, (_, oldest) in open_pools.items()]
    known = [time for time in times if time is not None]
    return min(known) if known else None
