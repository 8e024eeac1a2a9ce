"""After a lost answer: look for our token before anything is sent again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ml_connector.connectors.shapes import Created, Observed
from ml_connector.engine import ontheway, restoring, sending
from ml_connector.engine.books import Books
from ml_connector.engine.purse import Purse
from ml_connector.engine.works import Line, Works
from ml_connector.errors import Conflict, ConnectorError, NotAuthorized, Transient
from ml_connector.store import submissions
from ml_connector.store.database import Connection
from ml_connector.store.leases import Lease
from ml_connector.store.submissions import Attempt, Submission

CONFLICT_TRIES = 5


def find_orphans(works: Works, lease: Lease, books: Books, line: Line, _purse: Purse) -> tuple[Lease, int]:
    """Intentions whose worker died: nobody knows what came of the call, so it is looked for."""
    now = works.now()
    with works.database.reading() as c:
        lost = sending.due_on(works, c, books, line, state="creating", limit=ontheway.ROUND)
        attempts = submissions.open_attempts(c, [one.id for one in lost])
    if not lost:
        return lease, 0
    with works.database.writing() as c:
        lease = ontheway.renew(works, c, lease)
        known = [(one, attempts[one.id]) for one in lost if one.id in attempts]
        submissions.learn(
            c,
            [
                (attempt.id, "unknown", "The worker ended during the call.")
                for _, attempt in known
                if attempt.outcome is None
            ],
            now=now,
        )
        submissions.move(
            c,
            [{"id": one.id, "due_at": _first_probe(works, attempt), "updated_at": now} for one, attempt in known],
            source="creating",
            target="unknown",
        )
        # No open attempt: the transaction that wrote "creating" writes the attempt too, so this one was never sent.
        submissions.move(
            c,
            [{"id": one.id, "due_at": now, "updated_at": now} for one in lost if one.id not in attempts],
            source="creating",
            target="ready",
        )
        ontheway.note(works, c, books, "orphaned", {"submissions": [one.key for one in lost]})
    return lease, len(lost)


def _first_probe(works: Works, attempt: Attempt) -> int:
    return max(works.now(), attempt.started_at + works.limits.probe_first_s * 1_000_000)


def probe(works: Works, lease: Lease, books: Books, line: Line, purse: Purse) -> tuple[Lease, int]:
    """Look for our tokens: one hit is adopted, none twice means absent, several are a person's matter."""
    with works.database.reading() as c:
        lost = sending.due_on(works, c, books, line, state="unknown", limit=ontheway.ROUND)
        attempts = submissions.open_attempts(c, [one.id for one in lost])
        tried = submissions.attempts_of(c, [one.id for one in lost])
    if not lost:
        return lease, 0
    moved = 0
    for kind in sorted({one.kind for one in lost}):
        several = [one for one in lost if one.kind == kind]
        began = {one.id: attempts[one.id].started_at if one.id in attempts else one.created_at for one in several}
        doubtful = [one for one in several if restoring.is_doubt(one, began=began[one.id])]
        later = {one.id: restoring.tries(one) for one in doubtful}
        asked = [*several, *(each for tries in later.values() for each in tries)]
        hits, fault = ontheway.look(line, "find", kind, asked, purse, began=began)
        with works.database.writing() as c:
            lease = ontheway.renew(works, c, lease)
            purse.settle(c)
            if fault is not None:
                ontheway.postpone(works, c, books, line, several, fault=fault)
                continue
            for each in several:
                one = _named_as_found(c, each, later.get(each.id, ()), hits)
                found = hits.get(one.token, [])
                _judge_probe(works, c, books, line, one, hits=found, began=began[one.id], tried=tried.get(one.id, []))
            moved += len(several)
    return lease, moved


def _named_as_found(
    c: Connection, one: Submission, tries: Sequence[Submission], hits: Mapping[str, Sequence[Observed]]
) -> Submission:
    """The submission under the name of a later try of it, where only that is there."""
    found = next((each for each in (one, *tries) if hits.get(each.token)), one)
    if found is not one:
        submissions.rename(c, one.id, key=found.key, token=found.token, ordinal=found.ordinal)
    return found


def _judge_probe(
    works: Works,
    c: Connection,
    books: Books,
    line: Line,
    one: Submission,
    *,
    hits: Sequence[Observed],
    began: int,
    tried: Sequence[Attempt],
) -> None:
    now = works.now()
    if len(hits) == 1:
        hit = hits[0]
        submissions.found_out(c, [(one.id, "adopted")], now=now)
        row = {
            "id": one.id,
            "remote_id": hit.remote_id,
            "number": hit.number,
            "etag": hit.etag,
            "due_at": now,
            "updated_at": now,
        }
        submissions.move(c, [row], source="unknown", target="created")
        ontheway.note(works, c, books, "adopted", {"submission": one.key, "number": hit.number})
        return
    if len(hits) > 1:
        numbers = ", ".join(hit.number for hit in hits)
        ontheway.ask(
            works,
            c,
            books,
            one,
            "several-found",
            f"{one.key} stands in {line.title} more than once: {numbers}. Reverse the surplus there, "
            "then say which one counts.",
            {"numbers": [hit.number for hit in hits]},
        )
        submissions.postpone(c, [one.id], until=None)
        return
    last = began + works.limits.probe_last_s * 1_000_000
    if now < last:
        submissions.postpone(c, [one.id], until=last)
        return
    if any(attempt.outcome == "absent" and attempt.started_at >= one.created_at for attempt in tried):
        ontheway.ask(
            works,
            c,
            books,
            one,
            "twice-unknown",
            f"{one.key} was sent twice without an answer and is not in {line.title}. Look there, then "
            "choose: send again or ignore.",
            {"send": "again"},
        )
        submissions.postpone(c, [one.id], until=None)
        return
    submissions.found_out(c, [(one.id, "absent")], now=now)
    submissions.move(c, [{"id": one.id, "due_at": now, "updated_at": now}], source="unknown", target="ready")
    ontheway.note(works, c, books, "absent", {"submission": one.key})


def _tries(c: Connection, one: Submission) -> int:
    return len(submissions.attempts_of(c, [one.id]).get(one.id, ()))


def ask_jobs(works: Works, lease: Lease, books: Books, line: Line, purse: Purse) -> tuple[Lease, int]:
    """Documents the target is still making: ask its job what became of it."""
    with works.database.reading() as c:
        made = sending.due_on(works, c, books, line, state="created", limit=ontheway.ROUND)
    waiting = [one for one in made if one.remote_id is None and one.job_id]
    if not waiting:
        return lease, 0
    jobs: Any = line.writer
    answers: list[tuple[Submission, Created | None, ConnectorError | None]] = []
    for one in waiting:
        try:
            answers.append((one, jobs.job(one.job_id, kind=one.kind, content=sending.content_of(one)), None))
        except ConnectorError as refused:
            answers.append((one, None, refused))
    purse.spent(len(waiting))
    with works.database.writing() as c:
        lease = ontheway.renew(works, c, lease)
        for one, created, fault in answers:
            _judge_job(works, c, books, line, one, created=created, fault=fault)
    return lease, sum(created is not None for _, created, _ in answers)


def _judge_job(
    works: Works,
    c: Connection,
    books: Books,
    line: Line,
    one: Submission,
    *,
    created: Created | None,
    fault: ConnectorError | None,
) -> None:
    now = works.now()
    if created is not None and created.remote_id:
        submissions.set_remote(
            c, one.id, remote_id=created.remote_id, number=created.number, etag=created.etag, due_at=now
        )
    elif isinstance(fault, Conflict) and _tries(c, one) < CONFLICT_TRIES:
        # Somebody changed the record between our reading and the job: it surely did nothing, and is asked for anew.
        row = {"id": one.id, "job_id": None, "due_at": now + works.limits.look_again_us, "updated_at": now}
        submissions.move(c, [row], source="created", target="ready")
        ontheway.note(works, c, books, "changed meanwhile", {"submission": one.key})
    elif isinstance(fault, NotAuthorized):
        ontheway.postpone(works, c, books, line, [one], fault=fault)
    elif now - one.updated_at > ontheway.PENDING_LIMIT_US or (fault is not None and not isinstance(fault, Transient)):
        said = fault.what if fault else "it did not end within ten minutes"
        ontheway.ask(
            works,
            c,
            books,
            one,
            "job-failed",
            f"{line.title}'s job for {one.key} failed: {said.rstrip('.')}. Look there, then decide.",
            {},
        )
        submissions.postpone(c, [one.id], until=None)
    else:
        submissions.postpone(c, [one.id], until=now + works.limits.look_again_us)
