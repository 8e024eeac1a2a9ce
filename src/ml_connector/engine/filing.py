"""Filing: the file of the source that goes with a document is read there and put where the draft was told to take it.

The same file put to the same address again does no harm, so a lost answer is repeated there. An address that ended
before any call could have brought it is asked for anew; after one of which nobody knows, a person says what arrived.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ml_connector.connectors.shapes import ReadsFiles
from ml_connector.engine import ontheway, pausing, sending
from ml_connector.engine.books import Books
from ml_connector.engine.purse import Purse
from ml_connector.engine.sending import Learned, content_of, context_of
from ml_connector.engine.works import Line, Works, open_line
from ml_connector.errors import Conflict, ConnectorError, NotAuthorized, Transient, UsageError
from ml_connector.finance.kinds import KINDS
from ml_connector.store import records, submissions, trips, writes
from ml_connector.store.database import Connection
from ml_connector.store.leases import Lease
from ml_connector.store.submissions import Attempt, Submission

CALL = "attach"
AT_ONCE = 16  # files of some megabytes each, one after another, well within a lease
AGAIN_US = 30_000_000  # a lost answer: soon enough for an address that lives minutes
UNSURE, MISSING = "file-unsure", "file-missing"


@dataclass(frozen=True, slots=True)
class _Carried:
    """A draft, whose record the file belongs to, and the call about it of which nobody knows yet."""

    one: Submission
    connection_id: str
    kind: str
    external_id: str
    open: Attempt | None


def without_file(c: Connection, several: Sequence[Submission]) -> list[Submission]:
    """Those of these drafts whose content names a file that was not brought yet."""
    named = [one for one in several if KINDS[one.kind].file and content_of(one).file]
    attempts = submissions.attempts_of(c, [one.id for one in named])
    return [one for one in named if not _is_brought(attempts.get(one.id, []))]


def _is_brought(attempts: Sequence[Attempt]) -> bool:
    """Since the draft was made last: an address that is asked for anew wants the file anew."""
    brought = False
    for attempt in attempts:
        brought = False if attempt.call == "create" else brought
        brought |= attempt.call == CALL and attempt.outcome == "accepted"
    return brought


def bring(works: Works, lease: Lease, books: Books, line: Line, purse: Purse) -> tuple[Lease, int]:
    """Bring the files of what was made. One intention, one call and one outcome each."""
    with works.database.reading() as c:
        made = sending.due_on(works, c, books, line, state="created", limit=ontheway.ROUND)
        lacking = without_file(c, [one for one in made if one.remote_id])[:AT_ONCE]
        carried = _carried(c, books, lacking)
    moved = 0
    for each in carried:
        lease, went = _bring(works, lease, books, line, each, purse=purse)
        moved += went
    return lease, moved


def _carried(c: Connection, books: Books, several: Sequence[Submission]) -> list[_Carried]:
    members = writes.of_submissions(c, [one.id for one in several])
    known = trips.by_ids(c, [write.trip_id for group in members.values() for write in group])
    stored = records.by_ids(c, [trip.record_id for trip in known.values()])
    attempts = submissions.open_attempts(c, [one.id for one in several])
    found = []
    for one in several:
        trip = known[members[one.id][0].trip_id]
        record, road = stored[trip.record_id], books.roads[trip.route_id]
        found.append(_Carried(one, road.source.id, record.kind, record.external_id, attempts.get(one.id)))
    return found


def _bring(works: Works, lease: Lease, books: Books, line: Line, each: _Carried, *, purse: Purse) -> tuple[Lease, bool]:
    one = each.one
    body = _read(works, each)
    if isinstance(body, ConnectorError):
        with works.database.writing() as c:
            lease = ontheway.renew(works, c, lease)
            _not_read(works, c, books, line, each, fault=body)
        return lease, False
    with works.database.writing() as c:
        lease = ontheway.renew(works, c, lease)
        attempt_id = each.open.id if each.open else _intend(works, c, books, one)
    learned = sending.call_safely(lambda: _attach(line, one, body))
    purse.spent(1)
    with works.database.writing() as c:
        lease = ontheway.renew(works, c, lease)
        purse.settle(c)
        _learn(works, c, books, line, each, attempt_id=attempt_id, learned=learned)
    return lease, learned.outcome == "accepted" or isinstance(learned.fault, Conflict)


def _read(works: Works, each: _Carried) -> bytes | ConnectorError:
    """The file, or why it cannot be read. One call on the source's own budget."""
    source = open_line(works, each.connection_id)
    reader = source.reader
    purse = Purse(works, source)
    with works.database.writing() as c:
        if not purse.take(c, 1):
            return Transient(f"{source.title}'s calls are used up for now.", record=each.external_id)
    try:
        if not isinstance(reader, ReadsFiles):
            return UsageError(f"{source.title} gives no files.", record=each.external_id)
        return reader.attachment(each.kind, each.external_id, content_of(each.one).file)
    except ConnectorError as fault:
        return fault
    finally:
        purse.spent(1)
        with works.database.writing() as c:
            purse.settle(c)
            purse.close(c)


def _not_read(works: Works, c: Connection, books: Books, line: Line, each: _Carried, *, fault: ConnectorError) -> None:
    """The source does not give the file now, or never will: then a person decides what goes instead."""
    one = each.one
    if isinstance(fault, NotAuthorized):
        pausing.pause(works, c, each.connection_id, fault)
        submissions.postpone(c, [one.id], until=works.now() + AGAIN_US)
        return
    if isinstance(fault, Transient):
        ontheway.postpone(works, c, books, line, [one], fault=fault)
        return
    sentence = (
        f"The file {content_of(one).file_name} of {one.key} cannot be read: {fault.what} {fault.fix} Then say "
        "check again; or cancel it and replay the record, so that it goes as it is now."
    )
    ontheway.ask(works, c, books, one, MISSING, sentence, {"answers": ["check-again", "cancel"]})
    submissions.postpone(c, [one.id], until=None)


def _intend(works: Works, c: Connection, books: Books, one: Submission) -> str:
    workspace_id, now = books.company.workspace_id, works.now()
    return submissions.intend(c, [one.id], call=CALL, workspace_id=workspace_id, ids=works.ids, now=now)[one.id]


def _attach(line: Line, one: Submission, body: bytes) -> None:
    line.writer.attach(one.kind, context_of(one), file_name=content_of(one).file_name, body=body)


def _learn(
    works: Works, c: Connection, books: Books, line: Line, each: _Carried, *, attempt_id: str, learned: Learned
) -> None:
    one, now = each.one, works.now()
    fault = learned.fault
    if learned.outcome != "accepted" and each.open is not None:
        _still_unsure(works, c, books, line, each, learned=learned)
        return
    submissions.learn(c, [(attempt_id, learned.outcome, str(fault)[:1_000] if fault else None)], now=now)
    submissions.found_out(c, [(one.id, "accepted")] if learned.outcome == "accepted" else [], now=now)
    if learned.outcome == "accepted":
        ontheway.note(works, c, books, "file brought", {"submission": one.key, "file": content_of(one).file_name})
    elif isinstance(fault, Conflict):
        submissions.move(c, [{"id": one.id, "due_at": now, "updated_at": now}], source="created", target="ready")
    elif learned.outcome == "unknown":
        submissions.postpone(c, [one.id], until=now + AGAIN_US)
    elif fault is not None:
        ontheway.postpone(works, c, books, line, [one], fault=fault)


def _still_unsure(works: Works, c: Connection, books: Books, line: Line, each: _Carried, *, learned: Learned) -> None:
    """A call of which nobody knows was repeated, and tells nothing either."""
    one, now = each.one, works.now()
    submissions.learn(c, [(each.open.id, "unknown", str(learned.fault)[:1_000])] if each.open else [], now=now)
    if learned.outcome in ("unknown", "not_sent"):
        submissions.postpone(c, [one.id], until=now + sending.wait_us(learned.fault))
        return
    sentence = (
        f"Whether the file of {one.key} arrived in {line.title} as {one.remote_id} is not known, and its address "
        "serves no longer. Look for it there, then answer `arrived`, or `send-again` to hand it on anew."
    )
    ontheway.ask(works, c, books, one, UNSURE, sentence, {"answers": ["arrived", "send-again", "cancel"]})
    submissions.postpone(c, [one.id], until=None)
