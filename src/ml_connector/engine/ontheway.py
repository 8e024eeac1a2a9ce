"""What is on its way to the ledger: one listing for many documents, and what is told of them meanwhile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ml_connector.connectors.shapes import Context, Sent
from ml_connector.engine import pausing
from ml_connector.engine.books import Books
from ml_connector.engine.purse import Purse
from ml_connector.engine.sending import content_of, context_of
from ml_connector.engine.works import Line, Works
from ml_connector.errors import ConnectorError, NotAuthorized, Rejected, Transient
from ml_connector.store import audit, leases, reviews, submissions, writes
from ml_connector.store.audit import Entry
from ml_connector.store.database import Connection
from ml_connector.store.leases import Lease
from ml_connector.store.submissions import Submission

ROUND = 5_000  # submissions of one state looked at in a round: one listing serves them all
PENDING_LIMIT_US = 600_000_000  # after ten minutes a person is told


def look(
    line: Line,
    how: str,
    kind: str,
    several: Sequence[Submission],
    purse: Purse,
    *,
    began: Mapping[str, int] | None = None,
    files: Mapping[str, str] | None = None,
) -> tuple[Any, ConnectorError | None]:
    """One listing for many: find by tokens, or observe by remote ids. `files`: by submission, which it must carry."""
    pairs: list[tuple[Sent, Context]] = [
        (
            content_of(one),
            replace(context_of(one, started_at=(began or {}).get(one.id)), file=(files or {}).get(one.id, "")),
        )
        for one in several
    ]
    before = sum(line.http.meter.calls.values())
    try:
        answer = line.writer.find(kind, pairs) if how == "find" else line.writer.observe(kind, pairs)
        return answer, None
    except ConnectorError as fault:
        return {}, fault
    finally:
        purse.spent(sum(line.http.meter.calls.values()) - before)


def postpone(
    works: Works, c: Connection, books: Books, line: Line, several: Sequence[Submission], *, fault: ConnectorError
) -> None:
    """The target could not be read: these wait. A refusal of rights pauses the connection, any other asks a person."""
    if isinstance(fault, Rejected):
        for one in several:
            sentence = (
                f"{line.title} does not let {one.number or one.key} be read or completed: {fault.what} {fault.fix}"
            )
            ask(works, c, books, one, "draft-missing", sentence, {"answers": ["check-again", "cancel"]})
        submissions.postpone(c, [one.id for one in several], until=None)
        return
    wait_s = 15.0
    if isinstance(fault, Transient) and fault.retry_after_s is not None:
        wait_s = fault.retry_after_s
    submissions.postpone(c, [one.id for one in several], until=works.now() + int(wait_s * 1_000_000))
    if isinstance(fault, NotAuthorized):
        pausing.pause(works, c, line.connection.id, fault)


def renew(works: Works, c: Connection, lease: Lease) -> Lease:
    """Hold the company for longer, first in each transaction. Raises LeaseLost."""
    return leases.renew(c, lease, now=works.now(), ttl_us=works.limits.lease_s * 1_000_000)


def ask(
    works: Works, c: Connection, books: Books, one: Submission, code: str, sentence: str, proposal: Mapping[str, Any]
) -> None:
    """A question to a person about one submission; it names the record where there is only one."""
    members = writes.of_submissions(c, [one.id]).get(one.id, [])
    item = {
        "subject": one.id,
        "company_id": books.company.id,
        "connection_id": one.target_id,
        "trip_id": members[0].trip_id if len(members) == 1 else None,
        "code": code,
        "field": one.key,
        "sentence": sentence,
        "proposal": {**proposal, "submission": one.id},
    }
    reviews.raise_items(c, [item], workspace_id=books.company.workspace_id, ids=works.ids, now=works.now())


def note(works: Works, c: Connection, books: Books, verb: str, facts: Mapping[str, Any]) -> None:
    """An audit event in the company's chain. The caller's transaction."""
    entry = Entry(works.now(), "system", verb, books.company.id, facts)
    audit.append_many(
        c, chain=audit.company_chain(books.company.id), workspace_id=books.company.workspace_id, entries=[entry]
    )
