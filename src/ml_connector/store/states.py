"""The states of a notice, trip, planned write, submission, attempt and review item, and the only ways between them.

A state moves by a conditional UPDATE whose row count is checked: two workers can try, one succeeds. A lease has no
state column; its arrow is the conditional UPDATE in `leases`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Connection, Table, or_, update

from ml_connector.store import tables
from ml_connector.store.bulk import chunks

State: TypeAlias = str | None  # None: an attempt whose outcome nobody has learned

_PLANS_AGAIN = {"planned", "waiting", "held", "ignored"}

ARROWS: dict[Table, dict[State, frozenset[State]]] = {
    tables.notice: {
        "open": frozenset({"done", "dead"}),
        "done": frozenset(),
        "dead": frozenset(),
    },
    tables.trip: {
        "received": frozenset(_PLANS_AGAIN | {"posted"}),
        # Planning again may answer the same. `posted` at once: every write of the new plan is already in the ledger.
        "planned": frozenset(_PLANS_AGAIN | {"received", "posting", "posted"}),
        "posting": frozenset({"posted", "waiting", "held"}),
        "waiting": frozenset(_PLANS_AGAIN | {"received", "posting", "posted"}),
        "held": frozenset(_PLANS_AGAIN | {"received", "posting", "posted"}),  # posted: what is done is taken back
        "posted": frozenset({"received", "reversed", "held"}),  # newer version or replay; undo, and its refusal
        "ignored": frozenset({"received"}),  # newer version or replay
        "reversed": frozenset({"received"}),  # a person only
    },
    tables.planned_write: {
        "open": frozenset({"sealed", "dropped"}),
        "sealed": frozenset({"done", "open"}),  # open: its submission was cancelled
        "done": frozenset({"reversed"}),
        "reversed": frozenset(),
        "dropped": frozenset(),
    },
    tables.submission: {
        "ready": frozenset({"creating", "cancelled"}),  # cancelled: nothing was sent, the chart says no
        "creating": frozenset({"created", "ready", "unknown", "refused"}),  # ready: surely not sent
        "unknown": frozenset({"created", "ready"}),  # adopted; absent
        "created": frozenset({"checked", "differs", "ready"}),  # ready: its way in closed before anything was brought
        "differs": frozenset({"created", "cancelled"}),  # created: a person corrected the draft, it is checked again
        "checked": frozenset({"releasing", "done", "cancelled"}),  # done: the target knows no release
        # checked: the release was refused, the draft stays ours; created: it was changed since, and is compared anew
        "releasing": frozenset({"done", "checked", "created"}),
        "refused": frozenset({"cancelled"}),
        "done": frozenset(),
        "cancelled": frozenset(),
    },
    tables.attempt: {
        None: frozenset({"accepted", "refused", "not_sent", "unknown"}),
        "unknown": frozenset({"adopted", "absent", "accepted"}),  # accepted: a release, read by its one remote id
        "accepted": frozenset(),
        "refused": frozenset(),
        "not_sent": frozenset(),
        "adopted": frozenset(),
        "absent": frozenset(),
    },
    tables.review_item: {
        "open": frozenset({"resolved", "superseded"}),
        "resolved": frozenset(),
        "superseded": frozenset(),
    },
}
_STATE_COLUMN = {tables.attempt: "outcome"}


def move(
    c: Connection, table: Table, row_id: str, *, source: State | Collection[State], target: State, **values: Any
) -> bool:
    """Move one row from `source` (one state or several) to `target`, setting `values` with it.

    False: the row is in none of the source states (another worker was first) and nothing was changed.
    Raises ValueError where an arrow from any source to the target does not exist.
    """
    return move_many(c, table, [row_id], source=source, target=target, **values) == 1


def move_many(
    c: Connection,
    table: Table,
    ids: Sequence[str],
    *,
    source: State | Collection[State],
    target: State,
    **values: Any,
) -> int:
    """As `move` for many rows; how many moved. Who needs all or none compares with `len(ids)` and raises."""
    sources = _sources(source)
    refuse_missing_arrow(table, sources, target)
    return _update(c, table, ids, states=sources, values={state_column(table): target, **values})


def keep(c: Connection, table: Table, row_id: str, *, state: State | Collection[State], **values: Any) -> bool:
    """Set `values` on a row only while it is in `state`; False where it is not."""
    return _update(c, table, [row_id], states=_sources(state), values=values) == 1


def refuse_missing_arrow(table: Table, sources: Collection[State], target: State) -> None:
    """Raise ValueError unless an arrow leads from each of `sources` to `target`."""
    arrows = ARROWS[table]
    for source in sources:
        if target not in arrows.get(source, frozenset()):
            raise ValueError(f"A {table.name} never goes from {source} to {target}.")


def state_column(table: Table) -> str:
    """The name of the column that holds the state: `state`, and `outcome` for an attempt."""
    return _STATE_COLUMN.get(table, "state")


def _sources(source: State | Collection[State]) -> Collection[State]:
    return [source] if source is None or isinstance(source, str) else source


def _update(
    c: Connection, table: Table, ids: Sequence[str], *, states: Collection[State], values: dict[str, Any]
) -> int:
    changed = 0
    for part in chunks(ids):
        which = table.c.id == part[0] if len(part) == 1 else table.c.id.in_(part)
        changed += c.execute(update(table).where(which, _in_states(table, states)).values(values)).rowcount
    return changed


def _in_states(table: Table, states: Collection[State]) -> ColumnElement[bool]:
    column = table.c[state_column(table)]
    named = [state for state in states if state is not None]
    if None not in states:
        return column.in_(named)
    return or_(column.is_(None), column.in_(named)) if named else column.is_(None)
