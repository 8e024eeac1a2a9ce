"""Units: what may run, what is due now, and running one.

Plain functions over rows; the durable engine only decides when and where.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ml_connector.engine import draining, pools, reading, timetables, upkeep
from ml_connector.engine.draining import Drained
from ml_connector.engine.reading import Read
from ml_connector.engine.works import Works
from ml_connector.store import budget, connection_rows, cursors, inbox, setups, submissions, trip_needs, trips, unsent

UnitKind = Literal["poll", "fetch", "drain", "upkeep"]


@dataclass(frozen=True, slots=True, order=True)
class Unit:
    """Something that may run: a kind of work on one connection, stream or company. Idempotent, under a minute."""

    kind: UnitKind
    subject: str
    stream: str = ""

    @property
    def name(self) -> str:
        return ":".join(part for part in (self.kind, self.subject, self.stream) if part)


@dataclass(frozen=True, slots=True)
class Ran:
    """What running a unit did. `more`: the same unit has work left right now."""

    unit: Unit
    worked: bool
    more: bool
    error: str | None = None


def due_units(works: Works) -> list[Unit]:
    """Everything that has work now, from the state of our own rows. Losing every queue costs nothing but this look."""
    now = works.now()
    found: list[Unit] = []
    with works.database.inbox_reading() as c:
        ringing = {connection_id for _, connection_id in inbox.connections_with_due_notices(c, now=now)}
    with works.database.reading() as c:
        active = {one.id for one in connection_rows.every(c) if one.state == "active"}
        found += [Unit("poll", one.connection_id, one.stream) for one in cursors.due(c, now=now)]
        needing = ringing | set(trip_needs.connections_with_needs(c, now=now))
        found += [Unit("fetch", one) for one in sorted(needing & active)]
        companies = set(trips.companies_due(c, now=now)) | set(submissions.companies_due(c, now=now))
        gates = timetables.gates(works, c)
        companies |= set(unsent.companies_with_reversals(c, gates=gates)) | set(
            unsent.companies_with_any(c, gates=gates)
        )
        companies |= timetables.companies_running(c, gates)
        targets = {one.id: one.connection_id for one in setups.companies(c)}
        companies |= pools.companies_due(works, c, gates=gates)
        able = active - budget.exhausted(c, now=now)
        found += [Unit("drain", one) for one in sorted(companies) if targets.get(one) in able]
    found += [Unit("upkeep", subject) for subject in upkeep.due(works)]
    return found


def run_unit(works: Works, unit: Unit, *, stop: Callable[[], bool] = lambda: False) -> Ran:
    """Run one unit to its end."""
    if unit.kind == "drain":
        drained = draining.drain(works, unit.subject, stop=stop)
        return Ran(unit, drained.worked, _more(works, drained), drained.paused or drained.failed)
    if unit.kind == "upkeep":
        return Ran(unit, upkeep.run(works, unit.subject), False)
    read: Read = (
        reading.fetch(works, unit.subject) if unit.kind == "fetch" else reading.poll(works, unit.subject, unit.stream)
    )
    return Ran(unit, bool(read.objects or read.notices), read.more, read.error)


def _more(works: Works, drained: Drained) -> bool:
    return drained.worked and drained.due_at is not None and drained.due_at <= works.now() and drained.paused is None


def run_all_due(works: Works, *, most: int = 10_000, only: Callable[[Unit], bool] = bool) -> list[Ran]:
    """Run due units one after another until nothing is due: what commands, tests and simulations use."""
    ran: list[Ran] = []
    while len(ran) < most:
        waiting = [unit for unit in due_units(works) if only(unit)]
        round_ran = [run_unit(works, unit) for unit in waiting]
        ran += round_ran
        if not any(one.worked or one.more for one in round_ran):
            return ran
    return ran
