"""What trips wait for: asked, looked for, answered, and who is woken by the answer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, or_, select, true, update

from ml_connector.store.bulk import chunks, insert_many
from ml_connector.store.ids import Ids
from ml_connector.store.tables import Micros, link, trip, trip_need

# Reasons for which a record is held that waits all the same: what it waited for may come after all.
NOT_MET, WAITED = "need-not-met", "waited-too-long"
READING = "reading"  # a need for the next whole reading of a connection's stream, which is its external id
REST = "rest"  # a need of more than was planned: the trip is looked at again when all of that stands
WATCHED = "watched"  # a need of nothing: the trip is planned again when the record of this name (`watched`) changes
# Kinds of needs that nobody looks for: whoever meets them wakes the trips.
_ONLY_WOKEN = ("write", READING, REST, WATCHED)


@dataclass(frozen=True, slots=True)
class OpenNeed:
    """Something a trip waits to know."""

    id: str
    trip_id: str
    connection_id: str
    kind: str
    external_id: str | None
    fields: Mapping[str, Any]
    asked_at: Micros


def ask(c: Connection, needs: Sequence[Mapping[str, Any]], *, workspace_id: str, ids: Ids, now: Micros) -> None:
    """Write down what trips wait for, instead of what they waited for before.

    Each: trip_id, connection_id, kind, external_id, fields; and due_at where it is not to be looked for at once (None:
    never, it only wakes).
    """
    for part in chunks(sorted({need["trip_id"] for need in needs})):
        c.execute(delete(trip_need).where(trip_need.c.trip_id.in_(part)))
    insert_many(
        c,
        trip_need,
        [
            {
                "id": ids.new(),
                "workspace_id": workspace_id,
                "trip_id": need["trip_id"],
                "connection_id": need["connection_id"],
                "kind": need["kind"],
                "external_id": need["external_id"],
                "fields": json.dumps(need["fields"], sort_keys=True),
                "asked_at": now,
                "due_at": need.get("due_at", now),
            }
            for need in needs
        ],
    )


def forget(c: Connection, trip_ids: Sequence[str]) -> None:
    """These trips wait for nothing any more: nobody looks for what they once needed."""
    for part in chunks(trip_ids):
        c.execute(delete(trip_need).where(trip_need.c.trip_id.in_(part)))


def to_look_for(c: Connection, connection_id: str, *, now: Micros, limit: int) -> list[OpenNeed]:
    """Unanswered needs of one connection that are to be looked for now."""
    rows = c.execute(
        select(trip_need)
        .where(
            trip_need.c.connection_id == connection_id,
            trip_need.c.answered_at.is_(None),
            trip_need.c.due_at <= now,
            trip_need.c.kind.not_in(_ONLY_WOKEN),
        )
        .order_by(trip_need.c.due_at)
        .limit(limit)
    )
    return [
        OpenNeed(
            row.id,
            row.trip_id,
            row.connection_id,
            row.kind,
            row.external_id,
            json.loads(row.fields or "{}"),
            row.asked_at,
        )
        for row in rows
    ]


def answer(c: Connection, need_ids: Sequence[str], *, found: str | None, now: Micros) -> None:
    """An answer to needs (JSON text; null: not there), and their trips are due."""
    for part in chunks(need_ids):
        c.execute(update(trip_need).where(trip_need.c.id.in_(part)).values(answer=found or "null", answered_at=now))
        _wake(c, select(trip_need.c.trip_id).where(trip_need.c.id.in_(part)), now=now)


def ask_again(c: Connection, need_ids: Sequence[str], *, at: Micros) -> None:
    """Not found yet: look again later."""
    for part in chunks(need_ids):
        c.execute(update(trip_need).where(trip_need.c.id.in_(part)).values(due_at=at))


@dataclass(frozen=True, slots=True)
class Answered:
    """A need by id that was looked for; `there`: it was found."""

    trip_id: str
    connection_id: str
    kind: str
    external_id: str
    there: bool


def answers_of(c: Connection, trip_ids: Sequence[str]) -> list[Answered]:
    """Answered needs by id of these trips."""
    found = []
    for part in chunks(trip_ids):
        rows = c.execute(
            select(trip_need).where(
                trip_need.c.trip_id.in_(part),
                trip_need.c.answered_at.is_not(None),
                trip_need.c.kind.not_in(_ONLY_WOKEN),
            )
        )
        found += [
            Answered(row.trip_id, row.connection_id, row.kind, row.external_id, row.answer not in (None, "null"))
            for row in rows
            if row.external_id and not row.external_id.startswith("link:")
        ]
    return found


def wake_for(c: Connection, connection_id: str, kind: str, external_ids: Sequence[str], *, now: Micros) -> int:
    """Records (keys, kind `write`; streams, kind `reading`) are there now: trips that waited for them are due."""
    woken = 0
    for part in chunks(external_ids):
        ids_wanted = [
            row.id
            for row in c.execute(
                select(trip_need.c.id).where(
                    trip_need.c.connection_id == connection_id,
                    trip_need.c.kind == kind,
                    trip_need.c.external_id.in_(part),
                    trip_need.c.answered_at.is_(None),
                )
            )
        ]
        if ids_wanted:
            answer(c, ids_wanted, found='"there"', now=now)
            woken += len(ids_wanted)
    return woken


def waiting_for(c: Connection, connection_id: str, kind: str, external_ids: Sequence[str]) -> set[str]:
    """Ids of the trips that wait for any of these, or are held because of it."""
    found: set[str] = set()
    for part in chunks(external_ids):
        rows = c.execute(
            select(trip_need.c.trip_id).where(
                trip_need.c.connection_id == connection_id,
                trip_need.c.kind == kind,
                trip_need.c.external_id.in_(part),
                trip_need.c.answered_at.is_(None),
            )
        )
        found.update(row.trip_id for row in rows)
    return found


def watched(kind: str, external_id: str) -> str:
    """The name under which a record that a plan looked at is watched."""
    return f"{kind}:{external_id}"


def wake_watching(c: Connection, connection_id: str, kind: str, external_ids: Sequence[str], *, now: Micros) -> None:
    """These were changed: what waits and looked at them is due, and so is what is held, whatever for."""
    for part in chunks([watched(kind, one) for one in external_ids]):
        watching = select(trip_need.c.trip_id).where(
            trip_need.c.connection_id == connection_id, trip_need.c.kind == WATCHED, trip_need.c.external_id.in_(part)
        )
        c.execute(update(trip).where(trip.c.id.in_(watching), trip.c.state == "waiting").values(due_at=now))
        _wake_held(c, watching, now=now, whatever=True)


def unfinished(c: Connection, connection_id: str, trip_ids: Sequence[str]) -> list[str]:
    """Which of these trips know that they are not all that is to be written."""
    return sorted(waiting_for(c, connection_id, REST, trip_ids))


def _wake(c: Connection, trips: Any, *, now: Micros) -> None:
    """What waits for something is due, and what was held because it did not come in time."""
    c.execute(
        update(trip)
        .where(trip.c.id.in_(trips), trip.c.state == "waiting", or_(trip.c.due_at.is_(None), trip.c.due_at > now))
        .values(due_at=now)
    )
    _wake_held(c, trips, now=now)


def _wake_held(c: Connection, trips: Any, *, now: Micros, whatever: bool = False) -> int:
    reasons = true() if whatever else trip.c.reason.in_((NOT_MET, WAITED))
    return c.execute(
        update(trip)
        .where(trip.c.id.in_(trips), trip.c.state == "held", reasons)
        .values(state="received", due_at=now, updated_at=now, reason=None)
    ).rowcount


def connections_with_needs(c: Connection, *, now: Micros) -> list[str]:
    """Connections whose records trips wait for."""
    rows = c.execute(
        select(trip_need.c.connection_id)
        .where(trip_need.c.answered_at.is_(None), trip_need.c.due_at <= now, trip_need.c.kind.not_in(_ONLY_WOKEN))
        .distinct()
    )
    return [row.connection_id for row in rows]


def anybody_waits(c: Connection, connection_id: str) -> bool:
    """Whether any trip waits for something of this connection."""
    query = (
        select(trip_need.c.id)
        .where(trip_need.c.connection_id == connection_id, trip_need.c.answered_at.is_(None))
        .limit(1)
    )
    return c.execute(query).first() is not None


def wake_pointing(
    c: Connection, connection_id: str, kind: str, external_ids: Sequence[str], *, now: Micros, held: bool = False
) -> int:
    """Records of this kind have changed: waiting trips whose records point to them are due; also what is `held`."""
    woken = 0
    for part in chunks(external_ids):
        pointing = select(link.c.record_id).where(
            link.c.connection_id == connection_id, link.c.name == kind, link.c.value.in_(part)
        )
        woken += c.execute(
            update(trip).where(trip.c.record_id.in_(pointing), trip.c.state == "waiting").values(due_at=now)
        ).rowcount
        woken += _wake_held(c, select(trip.c.id).where(trip.c.record_id.in_(pointing)), now=now, whatever=held)
    return woken
