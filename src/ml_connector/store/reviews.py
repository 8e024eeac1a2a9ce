"""The review queue: what waits for a person, and what people decided."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, func, or_, select, update

from ml_connector.store.bulk import chunks, upsert_ignore
from ml_connector.store.ids import Ids
from ml_connector.store.tables import Micros, planned_write, review_item


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """One question to a person. `subject` is the trip, submission or connection it is about."""

    id: str
    subject: str
    company_id: str | None
    connection_id: str | None
    trip_id: str | None
    code: str
    field: str
    sentence: str
    proposal: Mapping[str, Any]
    state: str
    decision: str | None
    decided_by: str | None
    created_at: Micros
    decided_at: Micros | None


def _item(row: Row[Any]) -> ReviewItem:
    return ReviewItem(
        row.id, row.subject, row.company_id, row.connection_id, row.trip_id, row.code, row.field, row.sentence,
        json.loads(row.proposal or "{}"), row.state, row.decision, row.decided_by, row.created_at, row.decided_at,
    )  # fmt: skip


def raise_items(c: Connection, items: Sequence[Mapping[str, Any]], *, workspace_id: str, ids: Ids, now: Micros) -> int:
    """Ask people: each with subject, company_id, connection_id, trip_id, code, field, sentence, proposal (a mapping).

    The same open question is asked once; one with another sentence or proposal takes its place. How many are new.
    """
    rows = [
        {
            **item,
            "proposal": json.dumps(item["proposal"], default=str),
            "id": ids.new(),
            "workspace_id": workspace_id,
            "state": "open",
            "created_at": now,
        }
        for item in items
    ]
    if rows:
        c.execute(
            _REPLACED,
            [
                {f"b_{name}": row[name] for name in ("subject", "code", "field", "sentence", "proposal")}
                | {"b_at": now}
                for row in rows
            ],
        )
    return upsert_ignore(c, review_item, rows)


_REPLACED = (
    update(review_item)
    .where(
        review_item.c.subject == bindparam("b_subject"),
        review_item.c.state == "open",
        review_item.c.code == bindparam("b_code"),
        review_item.c.field == bindparam("b_field"),
        or_(review_item.c.sentence != bindparam("b_sentence"), review_item.c.proposal != bindparam("b_proposal")),
    )
    .values(state="superseded", decided_at=bindparam("b_at"))
)


_SUPERSEDE = (
    update(review_item)
    .where(
        and_(
            review_item.c.subject == bindparam("b_subject"),
            review_item.c.state == "open",
            review_item.c.code == bindparam("b_code"),
            review_item.c.field == bindparam("b_field"),
        )
    )
    .values(state="superseded", decided_at=bindparam("b_at"))
)


def supersede(
    c: Connection, subjects: Sequence[str], *, now: Micros, keep: Mapping[str, set[tuple[str, str]]] | None = None
) -> int:
    """Open questions about these subjects no longer stand, except those that were asked again, by (code, field)."""
    kept = keep or {}
    rows = []
    for part in chunks(subjects):
        found = c.execute(
            select(review_item.c.subject, review_item.c.code, review_item.c.field).where(
                review_item.c.subject.in_(part), review_item.c.state == "open"
            )
        )
        rows += [
            {"b_subject": row.subject, "b_code": row.code, "b_field": row.field, "b_at": now}
            for row in found
            if (row.code, row.field) not in kept.get(row.subject, set())
        ]
    return c.execute(_SUPERSEDE, rows).rowcount if rows else 0


def open_items(
    c: Connection, workspace_id: str, *, company_id: str | None = None, code: str | None = None, limit: int = 500
) -> list[ReviewItem]:
    """What waits for a person, oldest first."""
    query = select(review_item).where(review_item.c.workspace_id == workspace_id, review_item.c.state == "open")
    if company_id:
        query = query.where(review_item.c.company_id == company_id)
    if code:
        query = query.where(review_item.c.code == code)
    return [_item(row) for row in c.execute(query.order_by(review_item.c.created_at, review_item.c.id).limit(limit))]


def by_id(c: Connection, workspace_id: str, item_id: str) -> ReviewItem | None:
    """One question by its id."""
    row = c.execute(
        select(review_item).where(review_item.c.workspace_id == workspace_id, review_item.c.id == item_id)
    ).one_or_none()
    return _item(row) if row else None


def of_trips(c: Connection, trip_ids: Sequence[str], *, state: str) -> dict[str, list[ReviewItem]]:
    """Items of these trips in one state."""
    found: dict[str, list[ReviewItem]] = {}
    for part in chunks(trip_ids):
        rows = c.execute(
            select(review_item)
            .where(review_item.c.trip_id.in_(part), review_item.c.state == state)
            .order_by(review_item.c.decided_at, review_item.c.id)
        )
        for row in rows:
            found.setdefault(row.trip_id, []).append(_item(row))
    return found


def asked_about(c: Connection, company_id: str, keys: Sequence[str], *, code: str) -> dict[str, int]:
    """How often a question of this code was asked about writes with these keys, answered or not."""
    found: dict[str, int] = {}
    for part in chunks(keys):
        theirs = select(planned_write.c.trip_id).where(
            planned_write.c.company_id == company_id, planned_write.c.key.in_(part)
        )
        rows = c.execute(
            select(review_item.c.field, func.count())
            .where(review_item.c.code == code, review_item.c.field.in_(part), review_item.c.trip_id.in_(theirs))
            .group_by(review_item.c.field)
        )
        found.update({row[0]: row[1] for row in rows})
    return found


def resolve(c: Connection, item_id: str, *, decision: str, decided_by: str, now: Micros) -> bool:
    """A person's word; False when it was decided already."""
    return (
        c.execute(
            update(review_item)
            .where(review_item.c.id == item_id, review_item.c.state == "open")
            .values(state="resolved", decision=decision, decided_by=decided_by, decided_at=now)
        ).rowcount
        == 1
    )


def remember(c: Connection, item_id: str, more: Mapping[str, Any]) -> None:
    """Keep something more with what was proposed."""
    kept = c.execute(select(review_item.c.proposal).where(review_item.c.id == item_id)).scalar_one()
    proposal = json.dumps({**json.loads(kept or "{}"), **more}, default=str)
    c.execute(update(review_item).where(review_item.c.id == item_id).values(proposal=proposal))


def lift(c: Connection, trip_ids: Sequence[str], *, decision: str, now: Micros) -> int:
    """Decisions about these trips that begin so do not count any more; how many. The audit trail keeps them."""
    return sum(
        c.execute(
            update(review_item)
            .where(
                review_item.c.trip_id.in_(part),
                review_item.c.state == "resolved",
                review_item.c.decision.startswith(decision, autoescape=True),
            )
            .values(state="superseded", decided_at=now)
        ).rowcount
        for part in chunks(trip_ids)
    )


def counts(c: Connection, workspace_id: str) -> dict[str, int]:
    """Open questions by code."""
    rows = c.execute(
        select(review_item.c.code, func.count())
        .where(review_item.c.workspace_id == workspace_id, review_item.c.state == "open")
        .group_by(review_item.c.code)
    )
    return {row[0]: row[1] for row in rows}
