"""How many calls a connection may still make in its window: one row, shared by every process.

The vendor counts per company and client and says so in headers; until it speaks we assume a number. A unit takes a
block of calls at once and gives back what it did not use; a crash loses its block until the window ends, never more
calls than allowed. Within a window `left` only falls, but for what is given back, and never rises above the lowest
number heard.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select, update

from ml_connector.store.bulk import upsert_ignore
from ml_connector.store.tables import Micros, budget

WINDOW_US = 3_600_000_000  # Visma's fixed window: one hour
ASSUMED_LIMIT = 500  # calls an hour until headers speak: the smallest limit Visma has ever named
PEOPLE_SHARE = 0.10  # kept for people who look something up while a backfill runs
# The header gives whole seconds to the window's end, and the answer travelled: ends this close are the same window.
SAME_WINDOW_US = 60_000_000


@dataclass(frozen=True, slots=True)
class Block:
    """Calls that a unit may make before `window_ends_at`."""

    connection_id: str
    calls: int
    window_ends_at: Micros


@dataclass(frozen=True, slots=True)
class Standing:
    """What is left of a window."""

    call_limit: int
    calls_left: int
    window_ends_at: Micros
    heard: bool


def take(
    c: Connection, workspace_id: str, *, connection_id: str, calls: int, now: Micros, for_a_person: bool = False
) -> Block | None:
    """Take up to `calls` from the window; None where nothing but the people's reserve is left.

    Work leaves a tenth of the limit untouched; `for_a_person` may use it, down to none left.
    """
    row = _locked(c, workspace_id, connection_id, now)
    reserve = 0 if for_a_person else math.ceil(row.call_limit * PEOPLE_SHARE)
    granted = min(calls, row.calls_left - reserve)
    if granted <= 0:
        return None
    taken = c.execute(
        update(budget)
        .where(budget.c.connection_id == connection_id, budget.c.calls_left >= granted + reserve)
        .values(calls_left=budget.c.calls_left - granted)
    ).rowcount
    return Block(connection_id, granted, row.window_ends_at) if taken == 1 else None


def give_back(c: Connection, block: Block, *, unused: int) -> None:
    """Return what a block did not use; of no effect once its window is over."""
    row = c.execute(
        select(budget)
        .where(budget.c.connection_id == block.connection_id, budget.c.window_ends_at == block.window_ends_at)
        .with_for_update()
    ).one_or_none()
    if row is None or unused <= 0:
        return
    ceiling = row.call_limit if row.heard_left is None else row.heard_left
    left = max(row.calls_left, min(row.calls_left + min(unused, block.calls), ceiling))
    c.execute(update(budget).where(budget.c.connection_id == block.connection_id).values(calls_left=left))


def hear(
    c: Connection,
    workspace_id: str,
    *,
    connection_id: str,
    limit: int,
    remaining: int,
    window_ends_at: Micros,
    now: Micros,
) -> None:
    """Take in what the headers of one answer say. A late answer of a window that is over changes nothing."""
    row = _locked(c, workspace_id, connection_id, now)
    if window_ends_at <= now:
        return
    if row.heard_left is None:
        # Our own number was a guess: what was taken stays taken, from the true limit.
        taken = row.call_limit - row.calls_left
        values = _window(limit, min(remaining, limit - taken), remaining, window_ends_at)
    elif window_ends_at > row.window_ends_at + SAME_WINDOW_US:
        values = _window(limit, remaining, remaining, window_ends_at)
    elif window_ends_at < row.window_ends_at - SAME_WINDOW_US:
        return
    else:
        lowest = min(row.heard_left, remaining)
        values = _window(limit, min(row.calls_left, lowest), lowest, row.window_ends_at)
    c.execute(update(budget).where(budget.c.connection_id == connection_id).values(**values))


def exhausted(c: Connection, *, now: Micros) -> set[str]:
    """Connections whose window has nothing left but the people's reserve."""
    rows = c.execute(select(budget).where(budget.c.window_ends_at > now))
    return {row.connection_id for row in rows if row.calls_left <= math.ceil(row.call_limit * PEOPLE_SHARE)}


def standing(c: Connection, workspace_id: str, *, connection_id: str) -> Standing | None:
    """What is left, for people to see; None before the first call."""
    row = c.execute(
        select(budget).where(budget.c.workspace_id == workspace_id, budget.c.connection_id == connection_id)
    ).one_or_none()
    if row is None:
        return None
    return Standing(row.call_limit, row.calls_left, row.window_ends_at, row.heard_left is not None)


def _window(limit: int, left: int, heard: int | None, ends_at: Micros) -> dict[str, Any]:
    return {"call_limit": limit, "calls_left": max(left, 0), "heard_left": heard, "window_ends_at": ends_at}


def _locked(c: Connection, workspace_id: str, connection_id: str, now: Micros) -> Row[Any]:
    """The row of a connection, made if there is none, opened anew if its window is over, locked to the commit."""
    query = select(budget).where(budget.c.connection_id == connection_id).with_for_update()
    row = c.execute(query).one_or_none()
    if row is None:
        first = _window(ASSUMED_LIMIT, ASSUMED_LIMIT, None, now + WINDOW_US)
        upsert_ignore(c, budget, [{"connection_id": connection_id, "workspace_id": workspace_id, **first}])
        return c.execute(query).one()
    if now < row.window_ends_at:
        return row
    # Until this window's headers speak, its end is a guess, so it counts as unheard again.
    fresh = _window(row.call_limit, row.call_limit, None, now + WINDOW_US)
    c.execute(update(budget).where(budget.c.connection_id == connection_id).values(**fresh))
    return c.execute(query).one()
