"""The sweep: what no unit does by itself. At start and every few minutes, by the leader; safe to run at any time.

Due work needs no sweep, since each tick derives it anew from our rows, and notices that nobody owns are upkeep's. Left
are pauses that end, old bodies, and leases of a dead process.
"""

from __future__ import annotations

from dataclasses import dataclass

from ml_connector.engine.works import Works
from ml_connector.store import connection_rows, inbox, leases, setups

BODIES_KEPT_US = 30 * 86_400_000_000


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep changed."""

    resumed: int = 0
    erased: int = 0


def sweep(works: Works) -> Swept:
    """Put right what time has left behind."""
    with works.database.writing() as c:
        resumed = connection_rows.resume_due(c, now=works.now())
    with works.database.inbox_writing() as c:
        erased = inbox.erase_bodies(c, before=works.now() - BODIES_KEPT_US)
    return Swept(resumed, erased)


def release_leases(works: Works) -> int:
    """End every company's lease; how many were held. Only for who knows that no other process works here."""
    released = 0
    with works.database.writing() as c:
        for company in setups.companies(c):
            held = leases.holder_of(c, name=f"company:{company.id}", now=works.now())
            released += bool(held and leases.release(c, held))
    return released
