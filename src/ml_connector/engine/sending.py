"""Sending: intention before effect, then the call, then what was learned. Nothing is sent twice without looking."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ml_connector.clock import moment
from ml_connector.connectors.shapes import Context, Created, Sent
from ml_connector.engine import contents, parcels, pausing, sealing
from ml_connector.engine.books import Books
from ml_connector.engine.purse import Purse
from ml_connector.engine.works import Line, Works
from ml_connector.errors import (
    Conflict,
    ConnectorError,
    NotAuthorized,
    RateLimited,
    Rejected,
    Transient,
    UnknownOutcome,
)
from ml_connector.finance.kinds import KINDS
from ml_connector.rules import retrying
from ml_connector.store import audit, charts, leases, reviews, submissions, writes
from ml_connector.store.audit import Entry
from ml_connector.store.database import Connection
from ml_connector.store.leases import Lease
from ml_connector.store.submissions import Submission

_ROUND_S, _ROUND_LEAST, _ROUND_MOST = 2.0, 32, 200
_RESTS = 5  # looks that a first look at what a target works on is worth waiting
_ORPHANED_AFTER_US = 50_000_000  # a call's time-out and a margin: an intention older than this has lost its worker


@dataclass(frozen=True, slots=True)
class Learned:
    """What came of one call: accepted, refused (surely not done), not_sent (surely not done), unknown (look first)."""

    outcome: str
    created: Created | None = None
    fault: ConnectorError | None = None


def context_of(one: Submission, *, started_at: int | None = None) -> Context:
    """What a call about a submission must know."""
    return Context(
        token=one.token,
        key=one.key,
        remote_id=one.remote_id or "",
        etag=one.etag,
        started_at=moment(started_at or one.created_at),
        ordinal=one.ordinal,
    )


def content_of(one: Submission) -> Sent:
    """What the submission sends."""
    return contents.of_submission(one)


def call_safely(call: Callable[[], Created | None]) -> Learned:
    """Make one call and put what happened into the four outcomes."""
    try:
        return Learned("accepted", created=call())
    except UnknownOutcome as fault:
        return Learned("unknown", fault=fault)
    except (NotAuthorized, Transient) as fault:
        return Learned("not_sent", fault=fault)
    except (Rejected, Conflict) as fault:
        return Learned("refused", fault=fault)
    except ConnectorError as fault:
        # Anything else was raised before a byte left (a refused host, an unfilled reference).
        return Learned("refused", fault=fault)


def in_threads(
    works: Works, lease: Lease, jobs: Sequence[Callable[[], Created | None]], *, pool: ThreadPoolExecutor
) -> list[Learned]:
    """Make independent calls, a few at once; none starts so late that it could outlive the lease."""
    last_start = lease.expires_at - works.limits.call_timeout_s * 1_000_000

    def one(call: Callable[[], Created | None]) -> Learned:
        if works.now() > last_start:
            return Learned("not_sent", fault=Transient("The lease is about to end."))
        return call_safely(call)

    if len(jobs) == 1:
        return [one(jobs[0])]
    return list(pool.map(one, jobs))


def stride(calls: int, seconds: float) -> int:
    """How many calls the next round makes: what the last round's pace does in two seconds.

    Each round costs a transaction, so a quick ledger gets long rounds; each call of a round has to be looked for after
    a crash, and must begin well before the lease ends, so a slow one gets short rounds.
    """
    return max(_ROUND_LEAST, min(_ROUND_MOST, int(calls * _ROUND_S / max(seconds, 0.001))))


def send_ready(
    works: Works, lease: Lease, books: Books, line: Line, *, purse: Purse, pool: ThreadPoolExecutor, until: int
) -> tuple[Lease, int]:
    """Create what is ready in the target. Learn of one round and intend of the next share a transaction."""
    finished: list[tuple[Submission, str, Learned]] = []
    sent, most = 0, works.limits.sends_at_once
    while True:
        with works.database.writing() as c:
            lease = leases.renew(c, lease, now=works.now(), ttl_us=works.limits.lease_s * 1_000_000)
            stop = _learn_creates(works, c, books, line, finished)
            purse.settle(c)
            room = 0 if stop or works.now() >= until else purse.take(c, most)
            ready = due_on(works, c, books, line, state="ready", limit=room) if room else []
            attempts = (
                _intend(works, c, books, ready, call="create", source="ready", target="creating") if ready else {}
            )
        if not ready:
            return lease, sent
        began_s = works.clock.monotonic()
        learned = in_threads(works, lease, [_create(line, one) for one in ready], pool=pool)
        most = stride(len(ready), works.clock.monotonic() - began_s)
        purse.spent(len(ready))
        sent += len(ready)
        finished = [(one, attempts[one.id], what) for one, what in zip(ready, learned, strict=True)]


def _create(line: Line, one: Submission) -> Callable[[], Created | None]:
    return lambda: line.writer.create(one.kind, content_of(one), context_of(one))


def _intend(
    works: Works, c: Connection, books: Books, several: Sequence[Submission], *, call: str, source: str, target: str
) -> dict[str, str]:
    """Write the intention of one call for each; attempt by submission."""
    now = works.now()
    moved = submissions.move(
        c,
        [{"id": one.id, "due_at": now + _ORPHANED_AFTER_US, "updated_at": now} for one in several],
        source=source,
        target=target,
    )
    if moved != len(several):
        raise Conflict("A submission changed hands while it was being sent.", record=books.company.id)
    return submissions.intend(
        c, [one.id for one in several], call=call, workspace_id=books.company.workspace_id, ids=works.ids, now=now
    )


def _learn_creates(
    works: Works, c: Connection, books: Books, line: Line, finished: Sequence[tuple[Submission, str, Learned]]
) -> bool:
    """Commit what was learned; True when nothing more may be sent now (connection paused, limit reached)."""
    if not finished:
        return False
    now = works.now()
    submissions.learn(c, [(attempt, what.outcome, _words(what)) for _, attempt, what in finished], now=now)
    made = [(one, what.created) for one, _, what in finished if what.outcome == "accepted" and what.created]
    rows = [_created_row(one, created, now, look_us=works.limits.look_again_us) for one, created in made]
    submissions.move(c, rows, source="creating", target="created")
    unknown = [one for one, _, what in finished if what.outcome == "unknown"]
    submissions.move(
        c,
        [{"id": one.id, "due_at": now + works.limits.probe_first_s * 1_000_000, "updated_at": now} for one in unknown],
        source="creating",
        target="unknown",
    )
    not_sent = [(one, what) for one, _, what in finished if what.outcome == "not_sent"]
    submissions.move(c, [_again_row(one, what, now) for one, what in not_sent], source="creating", target="ready")
    refused = [(one, what) for one, _, what in finished if what.outcome == "refused"]
    submissions.move(
        c,
        [{"id": one.id, "fault": _words(what), "due_at": None, "updated_at": now} for one, what in refused],
        source="creating",
        target="refused",
    )
    for one, what in refused:
        refuse(works, c, books, line, one, fault=what.fault)
    facts = [
        [one.key, one.token, what.outcome, what.created.number if what.created else ""] for one, _, what in finished
    ]
    entry = Entry(now, "system", "sent", books.company.id, {"creates": facts})
    audit.append_many(
        c, chain=audit.company_chain(books.company.id), workspace_id=books.company.workspace_id, entries=[entry]
    )
    return pause_if_needed(works, c, line.connection.id, [what for _, what in not_sent])


def _created_row(one: Submission, created: Created, now: int, *, look_us: int) -> dict[str, Any]:
    return {
        "id": one.id,
        "remote_id": created.remote_id or None,
        "number": created.number or None,
        "etag": created.etag,
        "job_id": created.job_id,
        "due_at": now + (_RESTS * look_us if KINDS[one.kind].rests else 0),
        "updated_at": now,
    }


def _again_row(one: Submission, what: Learned, now: int) -> dict[str, Any]:
    return {"id": one.id, "fault": _words(what), "due_at": now + wait_us(what.fault), "updated_at": now}


def wait_us(fault: ConnectorError | None) -> int:
    """How long a call that was surely not made waits: at least as long as the target asked for."""
    asked_s = fault.retry_after_s if isinstance(fault, Transient) else None
    return int(retrying.sending_wait_s(asked_s=asked_s) * 1_000_000)


def _words(what: Learned) -> str | None:
    return str(what.fault)[:1_000] if what.fault else None


def refuse(
    works: Works, c: Connection, books: Books, line: Line, one: Submission, *, fault: ConnectorError | None
) -> None:
    """The target said no: a batch is split, a single record is held with the target's own words.

    The chart is read anew.
    """
    if line.connection.id == books.company.connection_id:
        charts.expire(c, books.company.id)
    members = writes.of_submissions(c, [one.id]).get(one.id, [])
    named = fault.rows if isinstance(fault, Rejected) else {}
    if named and any(write.key not in named for write in members):
        parcels.send_the_rest(works, c, books, line, one, refused=named)
        return
    if len(members) > 1:
        sealing.split_in_halves(works, c, books, one.id, members)
        return
    if not members:
        return
    member = members[0]
    what = fault.what if fault else "It gave no reason."
    items = [
        {
            "subject": trip_id,
            "company_id": books.company.id,
            "connection_id": line.connection.id,
            "trip_id": trip_id,
            "code": "refused",
            "field": member.key,
            "sentence": f"{line.title} refused {member.key}: {what} {fault.fix if fault else ''}".strip(),
            "proposal": {},
        }
        for trip_id in sealing.hold_alone(works, c, one.id, member, reason="refused")
    ]
    reviews.raise_items(c, items, workspace_id=books.company.workspace_id, ids=works.ids, now=works.now())


def pause_if_needed(works: Works, c: Connection, connection_id: str, learned: Sequence[Learned]) -> bool:
    """Stop the round after a refusal of rights (pause until a person repairs it) or a used-up limit."""
    stop = False
    for what in learned:
        if isinstance(what.fault, NotAuthorized):
            pausing.pause(works, c, connection_id, what.fault)
            stop = True
        elif isinstance(what.fault, RateLimited):
            stop = True
    return stop or len(learned) >= works.limits.calls_at_once


def due_on(works: Works, c: Connection, books: Books, line: Line, *, state: str, limit: int) -> list[Submission]:
    """What of this company is due in one state on this line."""
    return submissions.due(c, books.company.id, target_id=line.connection.id, state=state, now=works.now(), limit=limit)
