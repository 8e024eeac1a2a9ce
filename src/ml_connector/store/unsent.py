"""Writes not sent yet: which may go now, which collect in pools, and whose they are."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select
from sqlalchemy.orm import aliased

from ml_connector.store.bulk import chunks
from ml_connector.store.tables import Micros, company, planned_write, route, trip, write_need
from ml_connector.store.writes import COLUMNS, Write, by_key_alone, write_of


def open_reversals(c: Connection, trip_ids: Sequence[str]) -> list[Write]:
    """What is to be taken back of these trips and was not sealed yet."""
    found = []
    for part in chunks(trip_ids):
        rows = c.execute(
            select(*COLUMNS).where(
                planned_write.c.trip_id.in_(part),
                planned_write.c.state == "open",
                planned_write.c.reverses_id.is_not(None),
            )
        )
        found += [write_of(row) for row in rows]
    return found


_need_done = aliased(planned_write)
_taking_back = aliased(planned_write)
UNMET = exists().where(
    write_need.c.write_id == planned_write.c.id,
    ~exists().where(
        # Of the row next to it: SQLAlchemy would not tie a farther one to this query, and read every write instead.
        _need_done.c.company_id == write_need.c.company_id,
        _need_done.c.key == write_need.c.key,
        by_key_alone(_need_done.c.state) == "done",
        # What is about to be taken back serves nobody: a payment put against it would keep it from being reversed.
        ~exists().where(
            _taking_back.c.company_id == _need_done.c.company_id,
            _taking_back.c.reverses_id == _need_done.c.id,
            _taking_back.c.state.in_(("open", "sealed")),
        ),
    ),
)
_MAY_BE_SENT = or_(
    planned_write.c.reverses_id.is_not(None),
    and_(
        trip.c.state.in_(("planned", "posting", "posted")),
        # Made due since (a newer version, other rules, another chart): it is planned again first.
        or_(trip.c.state != "planned", trip.c.due_at.is_(None)),
        or_(
            route.c.posting == "on",
            and_(route.c.posting == "approve", trip.c.approved_hash == trip.c.plan_hash),
        ),
    ),
)
Gates = Mapping[str, Micros | None]
"""Routes that post at times of their own: up to when what arrived may be sent now; None: nothing may."""
ALL_OPEN: Gates = {}
# A person takes something back: that waits for no hour.
_UNDO = planned_write.c.content.contains('"purpose":"undo"')


def _may_be_sent(gates: Gates) -> ColumnElement[bool]:
    if not gates:
        return _MAY_BE_SENT
    on = [and_(route.c.id == one, trip.c.created_at <= until) for one, until in gates.items() if until is not None]
    return and_(_MAY_BE_SENT, or_(route.c.id.not_in(gates), *on, and_(planned_write.c.reverses_id.is_not(None), _UNDO)))


def _may_post(gates: Gates) -> ColumnElement[bool]:
    """Routes of which anything may be sent at all."""
    closed = [one for one, until in gates.items() if until is None]
    return and_(route.c.posting != "off", route.c.id.not_in(closed)) if closed else route.c.posting != "off"


def sealable(c: Connection, company_id: str, *, pool: str | None, limit: int, gates: Gates = ALL_OPEN) -> list[Write]:
    """Open writes of one pool (None: those that stand alone), in the order things happened.

    Of routes that post (or whose plan a person approved), and whose needed keys are done.
    """
    rows = c.execute(
        select(*COLUMNS)
        .join(trip, trip.c.id == planned_write.c.trip_id)
        .join(route, route.c.id == trip.c.route_id)
        .where(
            planned_write.c.company_id == company_id,
            planned_write.c.state == "open",
            planned_write.c.pool_key.is_(None) if pool is None else planned_write.c.pool_key == pool,
            _may_be_sent(gates),
            ~UNMET,
        )
        .order_by(trip.c.priority, trip.c.occurred_at, planned_write.c.id)
        .limit(limit)
    )
    return [write_of(row) for row in rows]


def unfinished_trips(c: Connection, trip_ids: Sequence[str]) -> set[str]:
    """Which of these trips still have open or sealed writes."""
    found: set[str] = set()
    for part in chunks(trip_ids):
        rows = c.execute(
            select(planned_write.c.trip_id)
            .where(planned_write.c.trip_id.in_(part), planned_write.c.state.in_(("open", "sealed")))
            .distinct()
        )
        found.update(row.trip_id for row in rows)
    return found


def ready(c: Connection, company_id: str) -> dict[str, int]:
    """How many open writes of each route could be sent at any hour."""
    rows = c.execute(
        select(trip.c.route_id, func.count())
        .select_from(planned_write)
        .join(trip, trip.c.id == planned_write.c.trip_id)
        .join(route, route.c.id == trip.c.route_id)
        .where(planned_write.c.company_id == company_id, planned_write.c.state == "open", _MAY_BE_SENT)
        .group_by(trip.c.route_id)
    )
    return {row[0]: row[1] for row in rows}


def posts(c: Connection, company_id: str, *, gates: Gates = ALL_OPEN) -> bool:
    """Whether any route of this company posts at all."""
    query = select(route.c.id).where(route.c.company_id == company_id, _may_post(gates)).limit(1)
    return c.execute(query).first() is not None


def pool_ages(
    c: Connection, company_id: str, *, sendable: Collection[str] | None = None, gates: Gates = ALL_OPEN,
    grounded: bool = False,
) -> dict[str, tuple[int, Micros]]:  # fmt: skip
    """Open pooled writes by pool: how many and when the oldest was planned.

    `sendable` asks for these pools alone and leaves out what is of held records or of routes that do not post; that
    reads their trips, all else reads an index. `grounded` leaves out what needs another write that is not done, too.
    """
    if sendable is not None and not sendable:
        return {}
    query = (
        select(planned_write.c.pool_key, func.count(), func.min(planned_write.c.created_at))
        .where(
            planned_write.c.company_id == company_id,
            planned_write.c.state == "open",
            planned_write.c.pool_key.is_not(None),
        )
        .group_by(planned_write.c.pool_key)
    )
    if sendable is not None:
        query = query.where(planned_write.c.pool_key.in_(sendable))
        query = query.join(trip, trip.c.id == planned_write.c.trip_id).join(route, route.c.id == trip.c.route_id)
        query = query.where(_may_be_sent(gates))
    if grounded:
        query = query.where(~UNMET)
    return {row[0]: (row[1], row[2]) for row in c.execute(query)}


def open_pools(
    c: Connection, *, sendable: Collection[tuple[str, str]] | None = None, gates: Gates = ALL_OPEN
) -> dict[tuple[str, str], tuple[int, Micros]]:
    """As `pool_ages` for every company that posts, by company and pool: one query for all."""
    if sendable is not None and not sendable:
        return {}
    query = (
        select(planned_write.c.company_id, planned_write.c.pool_key, func.count(), func.min(planned_write.c.created_at))
        .where(planned_write.c.state == "open", planned_write.c.pool_key.is_not(None))
        .group_by(planned_write.c.company_id, planned_write.c.pool_key)
    )
    if sendable is None:
        # By the companies' ids in a list: else SQLite walks the index of every write there is.
        posting = select(route.c.company_id).where(_may_post(gates))
        rows = c.execute(query.where(planned_write.c.company_id.in_(posting)))
        return {(row[0], row[1]): (row[2], row[3]) for row in rows}
    query = query.join(trip, trip.c.id == planned_write.c.trip_id).join(route, route.c.id == trip.c.route_id)
    found = {}
    for part in chunks(sorted(sendable)):
        wanted = query.where(planned_write.c.company_id.in_({one for one, _ in part}), _may_be_sent(gates))
        rows = c.execute(wanted.where(planned_write.c.pool_key.in_({pool for _, pool in part})))
        found.update({(row[0], row[1]): (row[2], row[3]) for row in rows if (row[0], row[1]) in sendable})
    return found


def companies_with_any(c: Connection, *, gates: Gates = ALL_OPEN) -> list[str]:
    """Companies where something may be sealed at once: what a worker left that ended between planning and sealing."""
    waiting = (
        select(planned_write.c.id)
        .join(trip, trip.c.id == planned_write.c.trip_id)
        .join(route, route.c.id == trip.c.route_id)
        .where(
            planned_write.c.company_id == company.c.id,
            planned_write.c.state == "open",
            planned_write.c.pool_key.is_(None),
            _may_be_sent(gates),
            ~UNMET,
        )
        .exists()
    )
    posting = select(route.c.id).where(route.c.company_id == company.c.id, _may_post(gates)).exists()
    return list(c.execute(select(company.c.id).where(posting, waiting)).scalars())


def companies_with_reversals(c: Connection, *, gates: Gates = ALL_OPEN) -> list[str]:
    """Companies where something is to be taken back."""
    query = select(planned_write.c.company_id).where(
        planned_write.c.reverses_id.is_not(None), planned_write.c.state == "open"
    )
    if gates:
        query = query.join(trip, trip.c.id == planned_write.c.trip_id).join(route, route.c.id == trip.c.route_id)
        query = query.where(_may_be_sent(gates))
    return [row.company_id for row in c.execute(query.distinct())]
