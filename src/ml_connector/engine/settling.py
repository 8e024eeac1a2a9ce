"""Settling: what was sent is looked for, read back, released and finished; nobody's word but the ledger's counts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ml_connector.connectors.shapes import Context, Created, Observed
from ml_connector.engine import finishing, sending
from ml_connector.engine.books import Books
from ml_connector.engine.purse import Purse
from ml_connector.engine.sending import Learned, content_of, context_of
from ml_connector.engine.works import Line, Works
from ml_connector.errors import ConnectorError, NotAuthorized, Transient
from ml_connector.finance.encoding import decode_content, expected
from ml_connector.finance.journal import JournalEntry
from ml_connector.finance.plan import Content, Expected
from ml_connector.rules import pooling
from ml_connector.store import audit, leases, reviews, submissions, writes
from ml_connector.store.audit import Entry
from ml_connector.store.database import Connection
from ml_connector.store.leases import Lease
from ml_connector.store.submissions import Attempt, Submission
from ml_connector.store.writes import Write

ROUND = 5_000  # submissions of one state looked at in a round: one listing serves them all
LOOK_AGAIN_US = 2_000_000  # the ledger works asynchronously: a document may show its new state a moment later
PENDING_LIMIT_US = 600_000_000  # after ten minutes a person is told
RELEASE_TRIES = 3


def settle_due(
    works: Works, lease: Lease, books: Books, line: Line, *, purse: Purse, pool: ThreadPoolExecutor, until: int
) -> tuple[Lease, int]:
    """One round over everything that is on its way. Returns the renewed lease and how much moved."""
    moved = 0
    for step in (_orphans, _probe, _jobs, _check):
        lease, count = step(works, lease, books, line, purse)
        moved += count
    lease, count = _release(works, lease, books, line, purse=purse, pool=pool, until=until)
    moved += count
    lease, count = _confirm(works, lease, books, line, purse)
    moved += count
    return lease, moved


# ------------------------------------------------------------------------------------------- after a crash


def _orphans(works: Works, lease: Lease, books: Books, _line: Line, _purse: Purse) -> tuple[Lease, int]:
    """Intentions whose worker died: nobody knows what came of the call, so it is looked for."""
    now = works.now()
    with works.database.reading() as c:
        lost = submissions.due(c, books.company.id, state="creating", now=now, limit=ROUND)
        attempts = submissions.open_attempts(c, [one.id for one in lost])
    if not lost:
        return lease, 0
    with works.database.writing() as c:
        lease = _renew(works, c, lease)
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
        _event(works, c, books, "orphaned", {"submissions": [one.key for one in lost]})
    return lease, len(lost)


def _first_probe(works: Works, attempt: Attempt) -> int:
    return max(works.now(), attempt.started_at + works.limits.probe_first_s * 1_000_000)


# ------------------------------------------------------------------------------------------- unknown outcomes


def _probe(works: Works, lease: Lease, books: Books, line: Line, purse: Purse) -> tuple[Lease, int]:
    """Look for our tokens: one hit is adopted, none twice means absent, several are a person's matter."""
    now = works.now()
    with works.database.reading() as c:
        lost = submissions.due(c, books.company.id, state="unknown", now=now, limit=ROUND)
        attempts = submissions.open_attempts(c, [one.id for one in lost])
        tried = submissions.attempts_of(c, [one.id for one in lost])
    if not lost:
        return lease, 0
    moved = 0
    for kind in sorted({one.kind for one in lost}):
        several = [one for one in lost if one.kind == kind]
        began = {one.id: attempts[one.id].started_at if one.id in attempts else one.created_at for one in several}
        hits, fault = _look(line, "find", kind, several, purse, began=began)
        with works.database.writing() as c:
            lease = _renew(works, c, lease)
            purse.settle(c)
            if fault is not None:
                _postpone(works, c, line, several, fault)
                continue
            for one in several:
                _judge_probe(
                    works, c, books, one, hits.get(one.token, []), began=began[one.id], tried=tried.get(one.id, [])
                )
            moved += len(several)
    return lease, moved


def _judge_probe(
    works: Works,
    c: Connection,
    books: Books,
    one: Submission,
    hits: Sequence[Observed],
    *,
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
        _event(works, c, books, "adopted", {"submission": one.key, "number": hit.number})
        return
    if len(hits) > 1:
        numbers = ", ".join(hit.number for hit in hits)
        _ask(
            works,
            c,
            books,
            one,
            "several-found",
            f"{one.key} stands in Visma more than once: {numbers}. Reverse the surplus there, "
            "then say which one counts.",
            {"numbers": [hit.number for hit in hits]},
        )
        submissions.postpone(c, [one.id], until=None)
        return
    last = began + works.limits.probe_last_s * 1_000_000
    if now < last:
        submissions.postpone(c, [one.id], until=last)
        return
    if any(attempt.outcome == "absent" for attempt in tried):
        _ask(
            works,
            c,
            books,
            one,
            "twice-unknown",
            f"{one.key} was sent twice without an answer and is not in Visma. Look there, then "
            "choose: send again or ignore.",
            {"send": "again"},
        )
        submissions.postpone(c, [one.id], until=None)
        return
    submissions.found_out(c, [(one.id, "absent")], now=now)
    submissions.move(c, [{"id": one.id, "due_at": now, "updated_at": now}], source="unknown", target="ready")
    _event(works, c, books, "absent", {"submission": one.key})


# ------------------------------------------------------------------------------------------- background jobs


def _jobs(works: Works, lease: Lease, books: Books, line: Line, purse: Purse) -> tuple[Lease, int]:
    """Documents the target is still making: ask its job what became of it."""
    now = works.now()
    with works.database.reading() as c:
        made = submissions.due(c, books.company.id, state="created", now=now, limit=ROUND)
    waiting = [one for one in made if one.remote_id is None and one.job_id]
    if not waiting:
        return lease, 0
    jobs: Any = line.writer
    answers: list[tuple[Submission, Created | None, ConnectorError | None]] = []
    for one in waiting:
        try:
            answers.append((one, jobs.job(one.job_id), None))
        except ConnectorError as refused:
            answers.append((one, None, refused))
    purse.spent(len(waiting))
    with works.database.writing() as c:
        lease = _renew(works, c, lease)
        for one, created, fault in answers:
            _judge_job(works, c, books, one, created, fault)
    return lease, sum(created is not None for _, created, _ in answers)


def _judge_job(
    works: Works, c: Connection, books: Books, one: Submission, created: Created | None, fault: ConnectorError | None
) -> None:
    now = works.now()
    if created is not None and created.remote_id:
        submissions.set_remote(
            c, one.id, remote_id=created.remote_id, number=created.number, etag=created.etag, due_at=now
        )
    elif now - one.created_at > PENDING_LIMIT_US or (fault is not None and not isinstance(fault, Transient)):
        said = fault.what if fault else "it did not end within ten minutes"
        _ask(
            works,
            c,
            books,
            one,
            "job-failed",
            f"Visma's job for {one.key} failed: {said}. Look in Visma, then decide.",
            {},
        )
        submissions.postpone(c, [one.id], until=None)
    else:
        submissions.postpone(c, [one.id], until=now + LOOK_AGAIN_US)


# ------------------------------------------------------------------------------------------- reading back


def _check(works: Works, lease: Lease, books: Books, line: Line, purse: Purse) -> tuple[Lease, int]:
    """Read drafts back and compare them with what was planned; only then may they be released."""
    now = works.now()
    with works.database.reading() as c:
        made = [
            one for one in submissions.due(c, books.company.id, state="created", now=now, limit=ROUND) if one.remote_id
        ]
        members = writes.of_submissions(c, [one.id for one in made])
    if not made:
        return lease, 0
    moved = 0
    for kind in sorted({one.kind for one in made}):
        several = [one for one in made if one.kind == kind]
        fault = _attach_evidence(line, several, members, purse)
        seen: Mapping[str, Observed] = {}
        if fault is None and sending.needs_release(kind):
            seen, fault = _look(line, "observe", kind, several, purse)
        with works.database.writing() as c:
            lease = _renew(works, c, lease)
            purse.settle(c)
            if fault is not None:
                _postpone(works, c, line, several, fault)
                continue
            moved += _judge_drafts(works, c, books, several, seen)
    return lease, moved


def _attach_evidence(
    line: Line, several: Sequence[Submission], members: Mapping[str, Sequence[Write]], purse: Purse
) -> ConnectorError | None:
    """A voucher of many records carries their list. Sent again under the same name after a crash, it is one
    attachment.
    """
    for one in several:
        carried = members.get(one.id, ())
        if one.kind != "journal" or len(carried) < 2:
            continue
        rows = [
            pooling.evidence_row(write.key, entry)
            for write in carried
            if isinstance(entry := content_of_write(write), JournalEntry)
        ]
        try:
            line.writer.attach(
                one.kind, context_of(one), file_name=f"records-{one.token}.csv", body=pooling.evidence(rows)
            )
            purse.spent(1)
        except ConnectorError as fault:
            return fault
    return None


def content_of_write(write: Write) -> Content:
    """The content a write books."""
    return decode_content(write.kind, json.loads(write.content)["content"])


def _judge_drafts(
    works: Works, c: Connection, books: Books, several: Sequence[Submission], seen: Mapping[str, Observed]
) -> int:
    now = works.now()
    checked, done = [], []
    for one in several:
        if not sending.needs_release(one.kind):
            done.append((one, None))
            continue
        shown = seen.get(one.remote_id or "")
        if shown is None or shown.state == "gone":
            _not_shown(works, c, books, one)
            continue
        differences = differences_of(expected(content_of(one)), shown, token=one.token)
        if differences:
            _differs(works, c, books, one, shown, differences)
        else:
            checked.append((one, shown))
    submissions.move(c, [_seen_row(one, shown, now) for one, shown in checked], source="created", target="checked")
    if done:
        submissions.move(
            c, [{"id": one.id, "due_at": now, "updated_at": now} for one, _ in done], source="created", target="checked"
        )
        finishing.finish(works, c, books, [(one, None) for one, _ in done], source="checked")
    already = [(one, shown) for one, shown in checked if shown.state == "released"]
    if already:
        finishing.finish(works, c, books, already, source="checked")
    return len(checked) + len(done)


def _seen_row(one: Submission, shown: Observed, now: int) -> dict[str, Any]:
    return {"id": one.id, "etag": shown.etag, "number": shown.number, "due_at": now, "updated_at": now}


def _not_shown(works: Works, c: Connection, books: Books, one: Submission) -> None:
    now = works.now()
    if now - one.created_at > PENDING_LIMIT_US:
        _ask(
            works,
            c,
            books,
            one,
            "draft-missing",
            f"Visma accepted {one.key} as {one.number} and does not show it. Look for it in Visma, then decide.",
            {},
        )
        submissions.postpone(c, [one.id], until=None)
        return
    submissions.postpone(c, [one.id], until=now + LOOK_AGAIN_US)


def differences_of(planned: Expected | None, shown: Observed, *, token: str) -> list[str]:
    """In words, how the draft differs from the plan; empty when it is what was sent."""
    if planned is None:
        return []
    found = []
    if planned.total != shown.total:
        found.append(f"total {shown.total} instead of {planned.total} (minor units)")
    if planned.currency != shown.currency:
        found.append(f"currency {shown.currency} instead of {planned.currency}")
    if planned.vat is not None and shown.vat is not None and planned.vat != shown.vat:
        found.append(f"VAT {shown.vat} instead of {planned.vat} (minor units)")
    if planned.day is not None and shown.day is not None and planned.day.isoformat() != shown.day:
        found.append(f"date {shown.day} instead of {planned.day}")
    if not any(token in text for text in shown.tokens):
        found.append("our reference is not on it")
    return found


def _differs(
    works: Works, c: Connection, books: Books, one: Submission, shown: Observed, differences: Sequence[str]
) -> None:
    now = works.now()
    row = {"id": one.id, "observed": finishing.observed_text(shown), "due_at": None, "updated_at": now}
    submissions.move(c, [row], source="created", target="differs")
    told = "; ".join(differences)
    sentence = (
        f"{shown.number} in Visma differs from what was planned for {one.key}: {told}. "
        "Correct the draft there and say check again, or cancel it."
    )
    _ask(works, c, books, one, "differs", sentence, {"number": shown.number, "answers": ["check-again", "cancel"]})


# ------------------------------------------------------------------------------------------- releasing


def _release(
    works: Works, lease: Lease, books: Books, line: Line, *, purse: Purse, pool: ThreadPoolExecutor, until: int
) -> tuple[Lease, int]:
    """Release the drafts that were checked: the one remote number we hold, so it is never ambiguous."""
    finished: list[tuple[Submission, str, Learned]] = []
    sent = 0
    while True:
        with works.database.writing() as c:
            lease = _renew(works, c, lease)
            stop = _learn_releases(works, c, books, finished)
            purse.settle(c)
            room = 0 if stop or works.now() >= until else purse.take(c, works.limits.sends_at_once)
            ready = submissions.due(c, books.company.id, state="checked", now=works.now(), limit=room) if room else []
            attempts = _intend_release(works, c, books, ready) if ready else {}
        if not ready:
            return lease, sent
        jobs = [_releasing(line, one) for one in ready]
        learned = sending.in_threads(works, lease, jobs, pool=pool)
        purse.spent(len(ready))
        sent += len(ready)
        finished = [(one, attempts[one.id], what) for one, what in zip(ready, learned, strict=True)]


def _releasing(line: Line, one: Submission) -> Any:
    def call() -> None:
        line.writer.release(one.kind, content_of(one), context_of(one))

    return call


def _intend_release(works: Works, c: Connection, books: Books, ready: Sequence[Submission]) -> dict[str, str]:
    now = works.now()
    rows = [{"id": one.id, "due_at": now + LOOK_AGAIN_US, "updated_at": now} for one in ready]
    submissions.move(c, rows, source="checked", target="releasing")
    return submissions.intend(
        c, [one.id for one in ready], call="release", workspace_id=books.company.workspace_id, ids=works.ids, now=now
    )


def _learn_releases(
    works: Works, c: Connection, books: Books, finished: Sequence[tuple[Submission, str, Learned]]
) -> bool:
    if not finished:
        return False
    now = works.now()
    submissions.learn(
        c,
        [(attempt, what.outcome, str(what.fault)[:1_000] if what.fault else None) for _, attempt, what in finished],
        now=now,
    )
    looked_at = [one.id for one, _, what in finished if what.outcome in ("accepted", "unknown")]
    submissions.postpone(c, looked_at, until=now)
    back = [(one, what) for one, _, what in finished if what.outcome in ("refused", "not_sent")]
    rows = [
        {
            "id": one.id,
            "fault": str(what.fault)[:1_000],
            "due_at": None if what.outcome == "refused" else now + 5 * LOOK_AGAIN_US,
            "updated_at": now,
        }
        for one, what in back
    ]
    submissions.move(c, rows, source="releasing", target="checked")
    for one, what in back:
        if what.outcome == "refused" and what.fault is not None:
            sentence = (
                f"Visma keeps {one.number} ({one.key}) as a draft: {what.fault.what} Mend it and say "
                "release again, or cancel it."
            )
            _ask(
                works,
                c,
                books,
                one,
                "release-refused",
                sentence,
                {"number": one.number, "answers": ["release-again", "cancel"]},
            )
    _event(
        works, c, books, "released", {"releases": [[one.key, one.number, what.outcome] for one, _, what in finished]}
    )
    return sending.pause_if_needed(
        works, c, books.company.connection_id, [what for _, what in back if what.outcome == "not_sent"]
    )


def _confirm(works: Works, lease: Lease, books: Books, line: Line, purse: Purse) -> tuple[Lease, int]:
    """Read back what was released; what stands in the ledger is finished."""
    now = works.now()
    with works.database.reading() as c:
        on_the_way = submissions.due(c, books.company.id, state="releasing", now=now, limit=ROUND)
        attempts = submissions.attempts_of(c, [one.id for one in on_the_way])
    if not on_the_way:
        return lease, 0
    moved = 0
    for kind in sorted({one.kind for one in on_the_way}):
        several = [one for one in on_the_way if one.kind == kind]
        seen, fault = _look(line, "observe", kind, several, purse)
        with works.database.writing() as c:
            lease = _renew(works, c, lease)
            purse.settle(c)
            if fault is not None:
                _postpone(works, c, line, several, fault)
                continue
            standing = [(one, seen[one.remote_id or ""]) for one in several if _stands(seen, one)]
            submissions.learn(
                c,
                [
                    (a.id, "accepted", None)
                    for one, _ in standing
                    for a in attempts.get(one.id, [])
                    if a.outcome is None
                ],
                now=now,
            )
            submissions.found_out(
                c,
                [
                    (one.id, "accepted")
                    for one, _ in standing
                    if any(a.outcome == "unknown" for a in attempts.get(one.id, []))
                ],
                now=now,
            )
            finishing.finish(works, c, books, standing, source="releasing")
            done = {one.id for one, _ in standing}
            for one in several:
                if one.id not in done:
                    _not_released(works, c, books, one, seen.get(one.remote_id or ""), attempts.get(one.id, []))
            moved += len(standing)
    return lease, moved


def _stands(seen: Mapping[str, Observed], one: Submission) -> bool:
    shown = seen.get(one.remote_id or "")
    return shown is not None and shown.state == "released"


def _not_released(
    works: Works, c: Connection, books: Books, one: Submission, shown: Observed | None, attempts: Sequence[Attempt]
) -> None:
    """Still a draft, or on its way: look again; after a minute release again; after three tries ask a person."""
    now = works.now()
    releases = [attempt for attempt in attempts if attempt.call == "release"]
    last = releases[-1] if releases else None
    waited = now - last.started_at if last else 0
    if waited < 60_000_000 or (shown is not None and shown.state == "pending" and waited < PENDING_LIMIT_US):
        submissions.postpone(c, [one.id], until=now + LOOK_AGAIN_US)
        return
    submissions.learn(c, [(a.id, "unknown", None) for a in releases if a.outcome is None], now=now)
    submissions.found_out(c, [(one.id, "absent")], now=now)
    again = shown is not None and shown.state == "draft" and len(releases) < RELEASE_TRIES
    submissions.move(
        c, [{"id": one.id, "due_at": now if again else None, "updated_at": now}], source="releasing", target="checked"
    )
    if not again:
        status = shown.status if shown else "not shown"
        _ask(
            works,
            c,
            books,
            one,
            "unposted",
            f"{one.number} ({one.key}) stays {status} in Visma after its release. Post it there, "
            "then say release again.",
            {"number": one.number, "answers": ["release-again", "cancel"]},
        )


# ------------------------------------------------------------------------------------------- shared


def _look(
    line: Line,
    how: str,
    kind: str,
    several: Sequence[Submission],
    purse: Purse,
    *,
    began: Mapping[str, int] | None = None,
) -> tuple[Any, ConnectorError | None]:
    """One listing for many: find by tokens, or observe by remote ids."""
    pairs: list[tuple[Content, Context]] = [
        (content_of(one), context_of(one, started_at=(began or {}).get(one.id))) for one in several
    ]
    before = sum(line.http.meter.calls.values())
    try:
        answer = line.writer.find(kind, pairs) if how == "find" else line.writer.observe(kind, pairs)
        return answer, None
    except ConnectorError as fault:
        return {}, fault
    finally:
        purse.spent(sum(line.http.meter.calls.values()) - before)


def _postpone(works: Works, c: Connection, line: Line, several: Sequence[Submission], fault: ConnectorError) -> None:
    """The target could not be read: these wait; a refusal of rights pauses the connection."""
    wait_s = 15.0
    if isinstance(fault, Transient) and fault.retry_after_s is not None:
        wait_s = fault.retry_after_s
    submissions.postpone(c, [one.id for one in several], until=works.now() + int(wait_s * 1_000_000))
    if isinstance(fault, NotAuthorized):
        sending.pause_if_needed(works, c, line.connection.id, [Learned("not_sent", fault=fault)])


def _renew(works: Works, c: Connection, lease: Lease) -> Lease:
    return leases.renew(c, lease, now=works.now(), ttl_us=works.limits.lease_s * 1_000_000)


def _ask(
    works: Works, c: Connection, books: Books, one: Submission, code: str, sentence: str, proposal: Mapping[str, Any]
) -> None:
    members = writes.of_submissions(c, [one.id]).get(one.id, [])
    item = {
        "subject": one.id,
        "company_id": books.company.id,
        "connection_id": books.company.connection_id,
        "trip_id": members[0].trip_id if len(members) == 1 else None,
        "code": code,
        "field": one.key,
        "sentence": sentence,
        "proposal": {**proposal, "submission": one.id},
    }
    reviews.raise_items(c, [item], workspace_id=books.company.workspace_id, ids=works.ids, now=works.now())


def _event(works: Works, c: Connection, books: Books, verb: str, facts: Mapping[str, Any]) -> None:
    entry = Entry(works.now(), "system", verb, books.company.id, facts)
    audit.append_many(
        c, chain=audit.company_chain(books.company.id), workspace_id=books.company.workspace_id, entries=[entry]
    )
