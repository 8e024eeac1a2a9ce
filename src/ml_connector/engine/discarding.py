"""Drafts that are not what was planned: deleted where the target lets us, and their records held."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from ml_connector.connectors.shapes import Discards
from ml_connector.engine import ontheway
from ml_connector.engine.books import Books
from ml_connector.engine.purse import Purse
from ml_connector.engine.sending import content_of, context_of
from ml_connector.engine.works import Line, Works
from ml_connector.errors import ConnectorError
from ml_connector.store import reviews, submissions, trip_moves, write_moves, writes
from ml_connector.store.database import Connection
from ml_connector.store.leases import Lease
from ml_connector.store.submissions import Submission

NOT_AS_PLANNED = "not-as-planned"
log = structlog.get_logger(__name__)


def discard(
    works: Works, lease: Lease, books: Books, line: Line, writer: Discards, wrong: Sequence[tuple[Submission, str]], *,
    purse: Purse,
) -> Lease:  # fmt: skip
    """Delete drafts that are not what was planned, where the target lets us, and hold their records.

    A person has been asked already: a draft that cannot be deleted, or a process that ends here, leaves that question.
    """
    gone = []
    for one, told in wrong:
        try:
            writer.discard(one.kind, content_of(one), context_of(one))
            gone.append((one, told))
        except ConnectorError as fault:
            log.warning("draft.not_discarded", draft=one.number or one.key, fault=str(fault))
    purse.spent(len(wrong))
    with works.database.writing() as c:
        lease = ontheway.renew(works, c, lease)
        for one, told in gone:
            _hold_for(works, c, books, line, one, told=told)
    return lease


def _hold_for(works: Works, c: Connection, books: Books, line: Line, one: Submission, *, told: str) -> None:
    now = works.now()
    members = writes.of_submissions(c, [one.id]).get(one.id, [])
    submissions.move(c, [{"id": one.id, "due_at": None, "updated_at": now}], source="differs", target="cancelled")
    write_moves.unseal(c, one.id, now=now)
    trip_moves.hold(c, sorted({write.trip_id for write in members}), reason=NOT_AS_PLANNED, now=now)
    reviews.supersede(c, [one.id], now=now)
    items = [
        {
            "subject": write.trip_id,
            "company_id": books.company.id,
            "connection_id": line.connection.id,
            "trip_id": write.trip_id,
            "code": NOT_AS_PLANNED,
            "field": write.key,
            "sentence": f"The draft was not as planned, and is deleted. {told}. Mend what makes the difference "
            "(rounding, taxes or a balance there), then plan it again; or ignore the record.",
            "proposal": {},
        }
        for write in members
    ]
    reviews.raise_items(c, items, workspace_id=books.company.workspace_id, ids=works.ids, now=now)
    ontheway.note(works, c, books, "discarded", {"submission": one.key, "number": one.number, "because": told})
