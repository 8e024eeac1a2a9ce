"""Parcels: rows of one kind that share a call, and what becomes of the rows that the target does not take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ml_connector.engine import grounds, sealing
from ml_connector.engine.books import Books
from ml_connector.engine.works import Line, Works
from ml_connector.store import audit, reviews, submissions, trip_moves, write_moves, writes
from ml_connector.store.audit import Entry
from ml_connector.store.database import Connection
from ml_connector.store.submissions import Submission
from ml_connector.store.writes import Write


def take_out(
    works: Works, c: Connection, books: Books, line: Line, one: Submission, *, refused: Mapping[str, str]
) -> None:
    """Hold the records of refused rows with the target's words; the rest of the parcel stands.

    The caller's transaction.

    Their writes are open again and leave the parcel, so that a record planned anew goes out in another.
    """
    members = [write for write in writes.of_submissions(c, [one.id]).get(one.id, []) if write.key in refused]
    if members:
        write_moves.unseal_these(c, [write.id for write in members], now=works.now())
        _hold(works, c, books, line, one, members=members, refused=refused)


def send_the_rest(
    works: Works, c: Connection, books: Books, line: Line, one: Submission, *, refused: Mapping[str, str]
) -> None:
    """Nothing of a parcel was taken because of these rows: their records are held, the others go out in another."""
    members = writes.of_submissions(c, [one.id]).get(one.id, [])
    row = {"id": one.id, "due_at": None, "updated_at": works.now()}
    submissions.move(c, [row], source="refused", target="cancelled")
    write_moves.unseal(c, one.id, now=works.now())
    bad = [write for write in members if write.key in refused]
    rest = [write for write in members if write.key not in refused]
    _hold(works, c, books, line, one, members=bad, refused=refused)
    sealing.seal_groups(works, c, books, [(rest[0].pool_key or rest[0].key, rest)], move_trips=False)


def _hold(
    works: Works, c: Connection, books: Books, line: Line, one: Submission, *, members: Sequence[Write],
    refused: Mapping[str, str],
) -> None:  # fmt: skip
    now = works.now()
    trip_moves.hold(c, sorted({write.trip_id for write in members}), reason=sealing.REFUSED, now=now)
    items = [
        {
            "subject": write.trip_id,
            "company_id": books.company.id,
            "connection_id": line.connection.id,
            "trip_id": write.trip_id,
            "code": sealing.REFUSED,
            "field": write.key,
            "sentence": f"{line.title} refused {write.key}: {refused[write.key]} Mend it, then replay the record.",
            "proposal": {},
        }
        for write in members
    ]
    reviews.raise_items(c, items, workspace_id=books.company.workspace_id, ids=works.ids, now=now)
    grounds.look_again(c, members, now=now)
    facts = {"parcel": one.key, "refused": [write.key for write in members]}
    entry = Entry(now, "system", "rows refused", books.company.id, facts)
    audit.append_many(
        c, chain=audit.company_chain(books.company.id), workspace_id=books.company.workspace_id, entries=[entry]
    )
