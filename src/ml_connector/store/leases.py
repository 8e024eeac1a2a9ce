"""Leases (one worker at a time) and executors (which processes are alive).

A lease is held by holder *and* fence: whoever takes it over raises the fence, so a paused worker that wakes up finds
row count 0 and stops. Every transaction of a unit begins with `renew`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import Connection, delete, select, update

from ml_connector.errors import LeaseLost
from ml_connector.store.bulk import upsert_ignore
from ml_connector.store.tables import Micros, executor, lease


@dataclass(frozen=True, slots=True)
class Lease:
    """A right to work, until `expires_at`."""

    name: str
    holder: str
    fence: int
    expires_at: Micros


def acquire(
    c: Connection, workspace_id: str | None, *, name: str, holder: str, now: Micros, ttl_us: int
) -> Lease | None:
    """Take the lease `name` if nobody holds it or its time is over; None where another holds it.

    `holder` is new for each run of a unit: the same worker asking twice is two holders.
    """
    expires_at = now + ttl_us
    taken = c.execute(
        update(lease)
        .where(lease.c.name == name, lease.c.expires_at <= now)
        .values(workspace_id=workspace_id, holder=holder, fence=lease.c.fence + 1, expires_at=expires_at)
        .returning(lease.c.fence)
    ).scalar_one_or_none()
    if taken is not None:
        return Lease(name, holder, taken, expires_at)
    row = {"name": name, "workspace_id": workspace_id, "holder": holder, "fence": 1, "expires_at": expires_at}
    return Lease(name, holder, 1, expires_at) if upsert_ignore(c, lease, [row]) == 1 else None


def renew(c: Connection, held: Lease, *, now: Micros, ttl_us: int) -> Lease:
    """Hold it longer, as the first statement of a transaction. Raises LeaseLost where another has taken it over.

    A lease whose time is over but that nobody took is still ours: the fence did not move.
    """
    expires_at = now + ttl_us
    count = c.execute(
        update(lease)
        .where(lease.c.name == held.name, lease.c.holder == held.holder, lease.c.fence == held.fence)
        .values(expires_at=expires_at)
    ).rowcount
    if count != 1:
        raise LeaseLost("Another worker has taken the lease over.", record=held.name)
    return replace(held, expires_at=expires_at)


def release(c: Connection, held: Lease) -> bool:
    """Let the next one in; False where it was no longer ours. The fence stays, so it never repeats."""
    count = c.execute(
        update(lease)
        .where(lease.c.name == held.name, lease.c.holder == held.holder, lease.c.fence == held.fence)
        .values(expires_at=0)
    ).rowcount
    return count == 1


def holder_of(c: Connection, *, name: str, now: Micros) -> Lease | None:
    """Who holds the lease at `now`, for people to see."""
    row = c.execute(select(lease).where(lease.c.name == name, lease.c.expires_at > now)).one_or_none()
    return Lease(row.name, row.holder, row.fence, row.expires_at) if row else None


def beat(c: Connection, *, executor_id: str, version: str, now: Micros) -> None:
    """Say that a process is alive."""
    changed = c.execute(
        update(executor).where(executor.c.id == executor_id).values(heartbeat_at=now, version=version)
    ).rowcount
    if changed == 0:
        upsert_ignore(
            c,
            executor,
            [{"id": executor_id, "workspace_id": None, "heartbeat_at": now, "started_at": now, "version": version}],
        )


def silent_executors(c: Connection, *, before: Micros) -> list[str]:
    """Processes whose last beat is older than `before`: their work may be taken over."""
    return list(c.execute(select(executor.c.id).where(executor.c.heartbeat_at < before).order_by("id")).scalars())


def executors(c: Connection) -> list[tuple[str, str, Micros]]:
    """Every known process: id, version, last beat."""
    rows = c.execute(select(executor.c.id, executor.c.version, executor.c.heartbeat_at).order_by(executor.c.id))
    return [(row.id, row.version, row.heartbeat_at) for row in rows]


def forget_executor(c: Connection, *, executor_id: str) -> None:
    """A process ended, or its work was taken over."""
    c.execute(delete(executor).where(executor.c.id == executor_id))
