"""Charts: the ledger's set-up as read, in immutable versions by part."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select, update

from ml_connector.store.bulk import insert_many
from ml_connector.store.ids import Ids
from ml_connector.store.tables import Micros, chart

WHOLE = "whole"


@dataclass(frozen=True, slots=True)
class StoredChart:
    """One version; `body` is JSON text of the chart."""

    n: int
    read_at: Micros
    hash: str
    body: str


def newest(c: Connection, company_id: str) -> StoredChart | None:
    """The chart as last read."""
    row = c.execute(
        select(chart.c.n, chart.c.read_at, chart.c.hash, chart.c.body)
        .where(chart.c.company_id == company_id, chart.c.part == WHOLE)
        .order_by(chart.c.n.desc())
        .limit(1)
    ).one_or_none()
    return StoredChart(*row) if row else None


def read_at(c: Connection, company_id: str) -> Micros | None:
    """When the chart was last read."""
    query = select(func.max(chart.c.read_at)).where(chart.c.company_id == company_id, chart.c.part == WHOLE)
    found: Micros | None = c.execute(query).scalar_one()
    return found


def expire(c: Connection, company_id: str) -> None:
    """Read the chart anew before anything else is planned: the ledger has just refused what it should have taken."""
    c.execute(update(chart).where(chart.c.company_id == company_id, chart.c.part == WHOLE).values(read_at=0))


def keep(
    c: Connection, company_id: str, *, body: str, hash_text: str, at: Micros, workspace_id: str, ids: Ids
) -> tuple[int, bool]:
    """Store a reading; one that says the same only moves the time of the newest. (version, whether it is a new one)"""
    last = newest(c, company_id)
    if last is not None and last.hash == hash_text:
        c.execute(
            update(chart)
            .where(chart.c.company_id == company_id, chart.c.part == WHOLE, chart.c.n == last.n)
            .values(read_at=max(at, last.read_at))
        )
        return last.n, False
    n = last.n + 1 if last else 1
    insert_many(
        c,
        chart,
        [
            {
                "id": ids.new(),
                "workspace_id": workspace_id,
                "company_id": company_id,
                "part": WHOLE,
                "n": n,
                "read_at": at,
                "hash": hash_text,
                "body": body,
            }
        ],
    )
    return n, True
