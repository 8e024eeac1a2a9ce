"""Releasing what was compared, and reading back that it stands in the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ml_connector.connectors.shapes import Observed
from ml_connector.engine import finishing, ontheway, sending
from ml_connector.engine.books import Books
from ml_connector.engine.purse import Purse
from ml_connector.engine.sending import Learned, content_of, context_of
from ml_connector.engine.works import Line, Works
from ml_connector.errors import Conflict
from ml_connector.store import reviews, submissions
from ml_connector.store.database import Connection
from ml_connector.store.leases import Lease
from ml_connector.store.submissions import Attempt, Submission

RELEASE_TRIES = 3
POSTED_WITHIN_US = 30_000_000
NOT_POSTED = "not-posted"
HOUR_US = 3_600_000_000


def release_checked(
    works: Works, lease: Lease, books: Books, line: Line, *, purse: Purse, pool: ThreadPoolExecutor, until: int
) -> tuple[Lease, int]:
    """Release the drafts that were checked: the one remote number we hold, so it is never ambiguous."""
    finished: list[tuple[Submission, str, Learned]] = []
    sent, most = 0, works.limits.sends_at_once
    while True:
        with works.database.writing() as c:
            lease = ontheway.renew(works, c, lease)
            stop = _learn_releases(works, c, books, line, finished)
            purse.settle(c)
            room = 0 if stop or works.now() >= until else purse.take(c, most)
            ready = sending.due_on(works, c, books, line, state="checked", limit=room) if room else []
            attempts = _intend_release(works, c, books, ready) if ready else {}
        if not ready:
            return lease, sent
        jobs = [_releasing(line, one) for one in ready]
        began_s = works.clock.monotonic()
        learned = sending.in_threads(works, lease, jobs, pool=pool)
        most = sending.stride(len(ready), works.clock.monotonic() - began_s)
        purse.spent(len(ready))
        sent += len(ready)
        finished = [(one, attempts[one.id], what) for one, what in zip(ready, learned, strict=True)]


def _releasing(line: Line, one: Submission) -> Any:
    def call() -> None:
        line.writer.release(one.kind, content_of(one), context_of(one))

    return call


def _intend_release(works: Works, c: Connection, books: Books, ready: Sequence[Submission]) -> dict[str, str]:
    now = works.now()
    rows = [{"id": one.id, "due_at": now + works.limits.look_again_us, "updated_at": now} for one in ready]
    submissions.move(c, rows, source="checked", target="releasing")
    return submissions.intend(
        c, [one.id for one in ready], call="release", workspace_id=books.company.workspace_id, ids=works.ids, now=now
    )


def _learn_releases(
    works: Works, c: Connection, books: Books, line: Line, finished: Sequence[tuple[Submission, str, Learned]]
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
    anew = _changed_meanwhile(c, finished, now=now)
    rows = [{"id": one, "due_at": now + works.limits.look_again_us, "updated_at": now} for one in sorted(anew)]
    submissions.move(c, rows, source="releasing", target="created")
    back = [(one, what) for one, _, what in finished if what.outcome in ("refused", "not_sent") and one.id not in anew]
    rows = [
        {
            "id": one.id,
            "fault": str(what.fault)[:1_000],
            "due_at": None if what.outcome == "refused" else now + sending.wait_us(what.fault),
            "updated_at": now,
        }
        for one, what in back
    ]
    submissions.move(c, rows, source="releasing", target="checked")
    for one, what in back:
        if what.outcome == "refused" and what.fault is not None:
            sentence = (
                f"{line.title} keeps {one.number} ({one.key}) as a draft: {what.fault.what} Mend it and say "
                "release again, or cancel it."
            )
            ontheway.ask(
                works,
                c,
                books,
                one,
                "release-refused",
                sentence,
                {"number": one.number, "answers": ["release-again", "cancel"]},
            )
    ontheway.note(
        works, c, books, "released", {"releases": [[one.key, one.number, what.outcome] for one, _, what in finished]}
    )
    return sending.pause_if_needed(
        works, c, line.connection.id, [what for _, what in back if what.outcome == "not_sent"]
    )


def _changed_meanwhile(
    c: Connection, finished: Sequence[tuple[Submission, str, Learned]], *, now: int
) -> frozenset[str]:
    """Drafts that somebody changed after they were compared: they are compared anew, a few times in an hour."""
    changed = [one.id for one, _, what in finished if isinstance(what.fault, Conflict)]
    tries = submissions.attempts_of(c, changed) if changed else {}
    return frozenset(
        one
        for one in changed
        if sum(a.call == "release" and now - a.started_at < HOUR_US for a in tries.get(one, ())) <= RELEASE_TRIES
    )


def confirm_released(works: Works, lease: Lease, books: Books, line: Line, purse: Purse) -> tuple[Lease, int]:
    """Read back what was released; what stands in the ledger is finished."""
    now = works.now()
    with works.database.reading() as c:
        on_the_way = sending.due_on(works, c, books, line, state="releasing", limit=ontheway.ROUND)
        attempts = submissions.attempts_of(c, [one.id for one in on_the_way])
    if not on_the_way:
        return lease, 0
    moved = 0
    for kind in sorted({one.kind for one in on_the_way}):
        several = [one for one in on_the_way if one.kind == kind]
        seen, fault = ontheway.look(line, "observe", kind, several, purse)
        with works.database.writing() as c:
            lease = ontheway.renew(works, c, lease)
            purse.settle(c)
            if fault is not None:
                ontheway.postpone(works, c, books, line, several, fault=fault)
                continue
            standing = [
                (one, seen[one.remote_id or ""]) for one in several if _stands(seen, one, attempts.get(one.id, []), now)
            ]
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
            _tell_unposted(works, c, books, line, [shown for _, shown in standing])
            done = {one.id for one, _ in standing}
            for one in several:
                if one.id not in done:
                    shown = seen.get(one.remote_id or "")
                    _not_released(works, c, books, line, one, shown=shown, attempts=attempts.get(one.id, []))
            moved += len(standing)
    return lease, moved


def _stands(seen: Mapping[str, Observed], one: Submission, attempts: Sequence[Attempt], now: int) -> bool:
    """Released; one that is not posted yet is given a moment, as a ledger that posts by itself may need one."""
    shown = seen.get(one.remote_id or "")
    if shown is None or shown.state != "released":
        return False
    last = max((attempt.started_at for attempt in attempts if attempt.call == "release"), default=0)
    return not shown.facts.get("unposted") or now - last >= POSTED_WITHIN_US


def _tell_unposted(works: Works, c: Connection, books: Books, line: Line, standing: Sequence[Observed]) -> None:
    """Nothing of ours can post what is released: a person is told, once for all of them."""
    if not any(shown.facts.get("unposted") for shown in standing):
        return
    sentence = (
        f"{line.title} releases documents and does not post them, so they stand in no report yet. Post them there, let "
        "it post by itself on release (the doctor names where), then accept this."
    )
    company = books.company
    item: dict[str, Any] = {
        "subject": company.id, "company_id": company.id, "connection_id": line.connection.id, "trip_id": None,
        "code": NOT_POSTED, "field": "", "sentence": sentence, "proposal": {},
    }  # fmt: skip
    reviews.raise_items(c, [item], workspace_id=company.workspace_id, ids=works.ids, now=works.now())


def _not_released(
    works: Works,
    c: Connection,
    books: Books,
    line: Line,
    one: Submission,
    *,
    shown: Observed | None,
    attempts: Sequence[Attempt],
) -> None:
    """Still a draft, or on its way: look again; after a minute release again; after three tries ask a person."""
    now = works.now()
    releases = [attempt for attempt in attempts if attempt.call == "release"]
    last = releases[-1] if releases else None
    waited = now - last.started_at if last else 0
    if waited < 60_000_000 or (shown is not None and shown.state == "pending" and waited < ontheway.PENDING_LIMIT_US):
        submissions.postpone(c, [one.id], until=now + works.limits.look_again_us)
        return
    submissions.learn(c, [(a.id, "unknown", None) for a in releases if a.outcome is None], now=now)
    submissions.found_out(c, [(one.id, "absent")], now=now)
    again = shown is not None and shown.state == "draft" and len(releases) < RELEASE_TRIES
    submissions.move(
        c, [{"id": one.id, "due_at": now if again else None, "updated_at": now}], source="releasing", target="checked"
    )
    if not again:
        status = shown.status if shown else "not shown"
        ontheway.ask(
            works,
            c,
            books,
            one,
            "unposted",
            f"{one.number} ({one.key}) stays {status} in {line.title} after its release. Post it there, "
            "then say release again.",
            {"number": one.number, "answers": ["release-again", "cancel"]},
        )
