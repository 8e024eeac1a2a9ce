"""The sweep: what no unit does by itself. At start and every few minutes, by the leader; safe to run at any time.

Due work needs no sweep, since each tick derives it anew from our rows. Left are: pauses that end, notices of accounts
that were unknown when they came, notices given up after a week, old bodies, and leases of a dead process.
"""

from __future__ import annotations

from dataclasses import dataclass

from ml_connector.engine.reading import NOTICE_LIFE_US
from ml_connector.engine.works import Works
from ml_connector.store import inbox, leases, reviews, setups
from ml_connector.store.setups import DoorRow

BODIES_KEPT_US = 30 * 86_400_000_000
UNKNOWN_TOLD_AFTER_US = 600_000_000  # a connection is often made minutes after its first webhook


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep changed."""

    resumed: int = 0
    assigned: int = 0
    dead: int = 0
    told: int = 0
    erased: int = 0


def sweep(works: Works) -> Swept:
    """Put right what time or another process has left behind."""
    with works.database.writing() as c:
        resumed = setups.resume_due(c, now=works.now())
    with works.database.reading() as c:
        doors = {one.id: one for one in setups.doors(c)}
    assigned, told = _assign(works, doors)
    dead = _give_up(works, doors)
    with works.database.inbox_writing() as c:
        erased = inbox.erase_bodies(c, before=works.now() - BODIES_KEPT_US)
    return Swept(resumed, assigned, dead, told, erased)


def release_leases(works: Works) -> int:
    """End every company's lease; how many were held. Only for who knows that no other process works here."""
    released = 0
    with works.database.writing() as c:
        for company in setups.companies(c):
            held = leases.holder_of(c, name=f"company:{company.id}", now=works.now())
            released += bool(held and leases.release(c, held))
    return released


def _assign(works: Works, doors: dict[str, DoorRow]) -> tuple[int, int]:
    """Notices whose account has a connection by now go to it; a person is told of accounts that nobody connected."""
    with works.database.inbox_reading() as c:
        waiting = inbox.unassigned_accounts(c)
        old = {door_id for _, _, door_id in inbox.older_than(c, before=works.now() - UNKNOWN_TOLD_AFTER_US)}
    assigned = told = 0
    for door_id, account in waiting:
        door = doors.get(door_id)
        found = _connection_for(works, door, account) if door else None
        if found is not None:
            with works.database.inbox_writing() as c:
                assigned += inbox.assign(
                    c, found[0], connection_id=found[1], door_id=door_id, account_ref=account, now=works.now()
                )
        elif door is not None and door_id in old:
            told += _tell(works, door, account, "account-unknown", _unknown(door, account))
    return assigned, told


def _connection_for(works: Works, door: DoorRow, account: str | None) -> tuple[str, str] | None:
    if account is None:
        return (door.workspace_id, door.connection_id) if door.workspace_id and door.connection_id else None
    with works.database.reading() as c:
        rows = setups.connections_by_account(c, door.connector, account)
    rows = [row for row in rows if door.workspace_id in (None, row.workspace_id)]
    return (rows[0].workspace_id, rows[0].id) if rows else None


def _give_up(works: Works, doors: dict[str, DoorRow]) -> int:
    with works.database.inbox_reading() as c:
        old = inbox.older_than(c, before=works.now() - NOTICE_LIFE_US)
    if not old:
        return 0
    for door in {doors[door_id].id: doors[door_id] for _, _, door_id in old if door_id in doors}.values():
        count = sum(1 for _, _, door_id in old if door_id == door.id)
        _tell(works, door, None, "notices-given-up", _week_old(door, count))
    with works.database.inbox_writing() as c:
        return inbox.mark_dead(c, [one for one, _, _ in old], reason="a week old", now=works.now())


def _unknown(door: DoorRow, account: str | None) -> str:
    return (
        f"Webhooks of {door.connector} arrive for the account {account}, which no connection has. "
        f"Connect it, or end the subscription at {door.connector}."
    )


def _week_old(door: DoorRow, count: int) -> str:
    return (
        f"{count} webhook notices of {door.connector} waited for a week and were given up. "
        "Repair the connection; polling then reads what they named."
    )


def _tell(works: Works, door: DoorRow, account: str | None, code: str, sentence: str) -> int:
    item = {
        "subject": door.connection_id or door.id, "company_id": None, "connection_id": door.connection_id,
        "trip_id": None, "code": code, "field": account or "", "proposal": {"door": door.id}, "sentence": sentence,
    }  # fmt: skip
    with works.database.writing() as c:
        workspace_id = door.workspace_id or setups.ensure_workspace(c, name=setups.DEFAULT_WORKSPACE, now=works.now())
        return reviews.raise_items(c, [item], workspace_id=workspace_id, ids=works.ids, now=works.now())
