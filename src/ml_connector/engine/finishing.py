"""Finishing: a document stands in the ledger; its records are posted, who waited for it goes on."""

from __future__ import annotations

from collections.abc import Sequence

from ml_connector import jsontext
from ml_connector.connectors.shapes import Observed
from ml_connector.engine.books import Books
from ml_connector.engine.works import Works
from ml_connector.store import (
    audit,
    bindings,
    charts,
    reviews,
    submissions,
    trip_moves,
    trip_needs,
    trip_undo,
    unsent,
    write_moves,
    writes,
)
from ml_connector.store.audit import Entry
from ml_connector.store.database import Connection
from ml_connector.store.submissions import Submission
from ml_connector.store.writes import Carried

PARTIES = frozenset({"customer", "supplier"})
OF_THE_CHART = frozenset({"dimension_value"})  # what is made of these is seen when the chart is read anew
LOOKED_UP = frozenset({"supplier_invoice", "ledger_coding"})  # a second one of the same number must find the first


def finish(
    works: Works, c: Connection, books: Books, standing: Sequence[tuple[Submission, Observed | None]], *, source: str
) -> None:
    """Submissions whose document stands in the target, with what was read back (None: master data).

    The caller's transaction.
    """
    if not standing:
        return
    now = works.now()
    members = writes.carried_by(c, [one.id for one, _ in standing])
    submissions.move(
        c,
        [
            {
                "id": one.id,
                "number": (shown.number if shown else one.number) or one.remote_id,
                "etag": shown.etag if shown else one.etag,
                "observed": observed_text(shown) if shown else None,
                "fault": None,
                "due_at": None,
                "updated_at": now,
            }
            for one, shown in standing
        ],
        source=source,
        target="done",
    )
    write_moves.finish(
        c,
        [
            (one.id, one.remote_id or "", (shown.number if shown else one.number) or one.remote_id or "")
            for one, shown in standing
        ],
        now=now,
    )
    done = [write for one, _ in standing for write in members.get(one.id, [])]
    _undo_originals(c, done, now=now)
    _bind_parties(works, c, books, standing, members)
    if any(one.kind in OF_THE_CHART for one, _ in standing):
        charts.expire(c, books.company.id)
    _finish_trips(works, c, books, done)
    facts = [
        [
            one.key,
            one.kind,
            (shown.number if shown else one.number) or one.remote_id,
            [write.key for write in members.get(one.id, [])],
        ]
        for one, shown in standing
    ]
    entries = [
        Entry(now, "system", "posted", books.company.id, {"documents": facts}),
        *_noted(books, standing, now=now),
    ]
    audit.append_many(
        c, chain=audit.company_chain(books.company.id), workspace_id=books.company.workspace_id, entries=entries
    )


def _noted(books: Books, standing: Sequence[tuple[Submission, Observed | None]], *, now: int) -> list[Entry]:
    """What the target said of rows that it took all the same: warnings, and which other version it took instead."""
    said = {key: words for _, shown in standing if shown for key, words in dict(shown.facts.get("notes") or {}).items()}
    return [Entry(now, "system", "noted", books.company.id, {"notes": said})] if said else []


def observed_text(shown: Observed) -> str:
    """What was read back, as it is kept with the submission."""
    return jsontext.canonical(
        {
            "number": shown.number,
            "status": shown.status,
            "currency": shown.currency,
            "total": shown.total,
            "vat": shown.vat,
            "day": shown.day,
            "base_total": shown.base_total,
            **({"facts": dict(shown.facts)} if shown.facts else {}),
        }
    )


def _undo_originals(c: Connection, done: Sequence[Carried], *, now: int) -> None:
    """A reversal that is done makes its original `reversed`."""
    write_moves.reverse(c, [write.reverses_id for write in done if write.reverses_id], now=now)


def _bind_parties(
    works: Works,
    c: Connection,
    books: Books,
    standing: Sequence[tuple[Submission, Observed | None]],
    members: dict[str, list[Carried]],
) -> None:
    parties = [(one, members[one.id][0]) for one, _ in standing if one.kind in PARTIES and members.get(one.id)]
    for one, write in parties:
        bindings.bind(
            c,
            one.target_id,
            one.kind,
            write.key,
            remote_id=one.number or one.remote_id or "",
            how="made",
            workspace_id=books.company.workspace_id,
            ids=works.ids,
            now=works.now(),
        )
    if parties or any(one.kind in LOOKED_UP for one, _ in standing):
        works.parties.forget()


def _finish_trips(works: Works, c: Connection, books: Books, done: Sequence[Carried]) -> None:
    now = works.now()
    touched = sorted({write.trip_id for write in done})
    unfinished = unsent.unfinished_trips(c, touched)
    ended = [trip_id for trip_id in touched if trip_id not in unfinished]
    reversed_ones = {write.trip_id for write in done if write.reverses_id is not None}
    trip_moves.finish_posting(c, ended, now=now)
    if reversed_ones:
        originals = writes.by_ids(c, [write.reverses_id for write in done if write.reverses_id])
        with_it = trip_undo.sharing(c, books.route_ids, sorted({write.key for write in originals.values()}))
        under_way = unsent.unfinished_trips(c, with_it)
        trip_undo.finish(c, sorted({*(reversed_ones & set(ended)), *with_it} - under_way), now=now)
    reviews.supersede(c, ended, now=now)
    sources = {road.source.id for road in books.roads.values()}
    keys = [write.key for write in done]
    for source_id in sources:
        if trip_needs.anybody_waits(c, source_id):
            trip_needs.wake_for(c, source_id, "write", keys, now=now)
            trip_moves.reopen(c, trip_needs.unfinished(c, source_id, ended), now=now)
