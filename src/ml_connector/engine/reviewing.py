"""The review queue: what waits for a person, and what a person's answer sets in motion.

Answers are kept, plans are made again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

from ml_connector.engine import choosing, grounds, placing, reversing, ruling
from ml_connector.engine.correcting import LEAVE
from ml_connector.engine.ignoring import ANY_VERSION, CHANGED, PREFIX
from ml_connector.engine.works import Works
from ml_connector.errors import Rejected, UsageError
from ml_connector.finance.rulebook import Rule
from ml_connector.store import (
    audit,
    connection_rows,
    reviews,
    setups,
    submissions,
    trip_moves,
    trips,
    write_moves,
    writes,
)
from ml_connector.store.audit import Entry
from ml_connector.store.database import Connection
from ml_connector.store.reviews import ReviewItem

MOST_SHOWN = 500  # questions at a time
IGNORE = "ignore"
ACCEPT = "accept"
DECISION = "<your decision>"
_SET = frozenset(one.name for one in fields(Rule)) - {"id", "roles", "when", "note"}  # what a rule gives
USE = "use:"  # the proposed rule, with this value instead of the one that was guessed


def open_items(
    works: Works, workspace_id: str, *, company_id: str | None = None, code: str | None = None, limit: int = MOST_SHOWN
) -> list[ReviewItem]:
    """What waits for a person, oldest first."""
    with works.database.reading() as c:
        return reviews.open_items(c, workspace_id, company_id=company_id, code=code, limit=limit)


def show(works: Works, workspace_id: str, item_id: str) -> ReviewItem:
    """One question. Raises UsageError when there is none of this id."""
    with works.database.reading() as c:
        item = reviews.by_id(c, workspace_id, item_id)
    if item is None:
        raise UsageError("There is no review item of this id.", record=item_id, fix="See `ml-connector review list`.")
    return item


def answers_to(item: ReviewItem) -> tuple[str, ...]:
    """What may be answered to a question."""
    answers: dict[str, tuple[str, ...]] = {
        "consent": (ACCEPT, IGNORE),
        "correction": (ACCEPT, IGNORE),
        CHANGED: (ACCEPT, IGNORE),
        "differs": ("check-again", "cancel"),
        "release-refused": ("release-again", "cancel"),
        "unposted": ("release-again", "cancel"),
        "draft-missing": ("check-again", "cancel"),
        "job-failed": ("check-again", "send-again", "cancel"),
        "several-found": ("number:<the one that counts>",),
        "twice-unknown": ("send-again", "cancel"),
        "file-missing": ("check-again", "cancel"),
        "file-unsure": ("arrived", "send-again", "cancel"),
        "kept-otherwise": ("check-again", "send-again", "leave-it"),
        "mapping-missing": (ACCEPT, f"{USE}<the value to use>", "plan-again", IGNORE),
        "connection-paused": ("resume",),
        "notices-given-up": (ACCEPT,),
        "not-posted": (ACCEPT,),
    }
    if placed := placing.answers_to(item):
        return (*placed, "plan-again", IGNORE)
    if chosen := choosing.answers_to(item):
        return (*chosen, "plan-again", IGNORE)
    return answers.get(item.code, (ACCEPT, DECISION, "plan-again", IGNORE))


def decided(item: ReviewItem) -> str:
    """A person's answer in words: a plan or a change that was accepted is kept as the hash of what was shown."""
    kept = item.decision or ""
    if kept.startswith(LEAVE):
        return f"left as it is: {kept.removeprefix(LEAVE).partition(':')[2]}"
    shown = kept in (item.proposal.get("plan_hash"), item.proposal.get("change"))
    return f"{ACCEPT}, as it was shown" if kept and shown else kept


def resolve(works: Works, workspace_id: str, item_id: str, *, answer: str, by: str) -> str:
    """Carry out a person's answer; what it set in motion, in words.

    The answer and its audit event share a transaction. Raises UsageError for a question that is not open any more, and
    for an answer that it does not take.
    """
    item = show(works, workspace_id, item_id)
    if item.state != "open":
        raise UsageError(f"This question is {item.state} already.", record=item_id)
    _check_answer(item, answer)
    proposed_rule = item.proposal.get("rule") if item.code == "mapping-missing" else None
    if proposed_rule and (answer == ACCEPT or answer.startswith(USE)):
        return _accept_rule(works, item, by=by, value=answer[len(USE) :].strip() if answer != ACCEPT else None)
    if (told := placing.answered(works, item, answer=answer, by=by)) is not None:
        _close(works, item, answer=answer, by=by)
        return told
    with works.database.writing() as c:
        told = _resolve(works, c, item, answer=answer, by=by)
        for other in choosing.keep(works, c, item, answer=answer):
            _resolve(works, c, other, answer=answer, by=by)
    return told


def _resolve(works: Works, c: Connection, item: ReviewItem, *, answer: str, by: str) -> str:
    told, decision = _carry_out(works, c, item, answer=answer)
    _last_word(works, c, item, decision=decision)
    if not reviews.resolve(c, item.id, decision=decision, decided_by=by, now=works.now()):
        raise UsageError("Somebody else answered at the same moment.", record=item.id)
    _note(works, c, item, answer=answer, by=by)
    return told


def _check_answer(item: ReviewItem, answer: str) -> None:
    """A slip of the pen must not be taken for a yes. Raises UsageError."""
    able = answers_to(item)
    words = {one.partition(":")[0] for one in able if one == IGNORE or ":" in one}
    if DECISION not in able and answer not in able and answer.partition(":")[0] not in words:
        raise UsageError(f"{answer!r} is no answer to this question.", record=item.id, fix=f"Answer {', '.join(able)}.")


def resolve_all(
    works: Works, workspace_id: str, *, company_id: str | None, code: str, answer: str, by: str,
    told: Callable[[int], object] = lambda _n: None, at_once: int = MOST_SHOWN,
) -> tuple[int, dict[str, str]]:  # fmt: skip
    """Answer every open question of one kind alike: how many were answered, and why the others were not, by id.

    What is asked while this runs is answered too, unless it is a question about something new that was refused.
    """
    answered, refused = 0, dict[str, str]()
    while True:
        found = [
            one
            for one in open_items(works, workspace_id, company_id=company_id, code=code, limit=at_once + len(refused))
            if one.id not in refused
        ]
        for one in found:
            try:
                resolve(works, workspace_id, one.id, answer=answer, by=by)
                answered += 1
            except (UsageError, Rejected) as problem:
                refused[one.id] = problem.what
            told(answered + len(refused))
        if not found:
            return answered, refused


def _last_word(works: Works, c: Connection, item: ReviewItem, *, decision: str) -> None:
    """Who answers a question about a record otherwise than by ignoring it does not ignore it any more.

    A question that names a plan has shown that plan.
    """
    if item.trip_id is None:
        return
    if not decision.startswith(PREFIX):
        reviews.lift(c, [item.trip_id], decision=PREFIX, now=works.now())
    elif "plan_hash" in item.proposal:
        reviews.remember(c, item.id, {"shown": [ANY_VERSION, item.proposal["plan_hash"]]})


def _accept_rule(works: Works, item: ReviewItem, *, by: str, value: str | None) -> str:
    """Add the proposed rule to the route's rulebook, with a person's `value` where one is given.

    The trips it holds are planned again.
    """
    if item.trip_id is None:
        raise UsageError("The question names no record.", record=item.id)
    name = str(item.proposal["field"])
    if value is not None and name not in _SET:
        raise UsageError(
            f"The proposed rule is whole: no {name.replace('_', ' ')} is missing in it.", record=item.id,
            fix=f"Answer `{ACCEPT}`, or add a rule of your own.",
        )  # fmt: skip
    value = str(item.proposal.get(name, "")) if value is None else value
    if not value and name in _SET:  # a proposal about a condition is whole as it is
        raise UsageError(
            f"Nothing like it is mapped yet, so no {name.replace('_', ' ')} could be proposed.", record=item.id,
            fix=f"Answer `{USE}` and the one to use, such as `{USE}3010`.",
        )  # fmt: skip
    with works.database.reading() as c:
        trip = trips.by_ids(c, [item.trip_id])[item.trip_id]
    version = ruling.add_rule(
        works, trip.route_id, str(item.proposal["rule"]), by=by, values={name: value} if value else None
    )
    answer = ACCEPT if value == item.proposal.get(name, "") else f"{USE}{value}"
    _close(works, item, answer=answer, by=by)
    return f"The rule is saved as version {version}; what it held is planned again."


def _close(works: Works, item: ReviewItem, *, answer: str, by: str) -> None:
    """The question is answered: what was saved for it has made its records due already."""
    with works.database.writing() as c:
        _last_word(works, c, item, decision=answer)
        reviews.resolve(c, item.id, decision=answer, decided_by=by, now=works.now())
        _note(works, c, item, answer=answer, by=by)


def _carry_out(works: Works, c: Connection, item: ReviewItem, *, answer: str) -> tuple[str, str]:
    """(what happens now, the decision to keep)."""
    now = works.now()
    if item.code == "connection-paused":
        connection_rows.change(c, item.subject, state="active", reason=None, paused_until=None)
        return "The connection is active again.", answer
    submission_id = item.proposal.get("submission")
    if submission_id:
        return _about_submission(works, c, item, str(submission_id), answer=answer), answer
    if item.trip_id is None:
        return "Noted.", answer
    if answer == IGNORE or answer.startswith(f"{IGNORE}:"):
        trip_moves.reopen(c, [item.trip_id], now=now)
        reason = answer.partition(":")[2].strip() or "no reason given"
        if "change" in item.proposal:
            told = "What is posted stays as it is; another change of the record is asked about again."
            return told, f"{LEAVE}{item.proposal['change']}:{reason}"
        return (
            "The record is ignored as it is; it is asked about again when it changes what matters.",
            f"{PREFIX}{reason}",
        )
    if item.code == "consent":
        plan_hash = str(item.proposal.get("plan_hash", ""))
        if not trip_moves.approve(c, item.trip_id, plan_hash=plan_hash, now=now):
            raise UsageError("The plan has changed since; look at the new one.", record=item.id)
        return "Approved; it is posted with the next drain.", plan_hash
    trip_moves.reopen(c, [item.trip_id], now=now)
    decision = str(item.proposal.get("accept", "approved")) if answer == ACCEPT else answer
    return "The record is planned again.", decision


def _about_submission(works: Works, c: Connection, item: ReviewItem, submission_id: str, *, answer: str) -> str:
    now = works.now()
    found = submissions.by_ids(c, [submission_id]).get(submission_id)
    if found is None:
        raise UsageError("The submission is gone.", record=submission_id)
    row: dict[str, Any] = {"id": submission_id, "due_at": now, "updated_at": now}
    if answer == "check-again":
        if found.state == "differs":
            submissions.move(c, [row], source="differs", target="created")
        submissions.postpone(c, [submission_id], until=now)
        return f"{found.number or found.key} is read back again."
    if answer == "release-again":
        submissions.postpone(c, [submission_id], until=now)
        return f"{found.number} is released again."
    if item.code == "kept-otherwise" and found.state == "created" and answer in ("send-again", "leave-it"):
        return _about_what_is_kept(c, found, again=answer == "send-again", now=now)
    if item.code == "file-unsure" and found.state == "created" and answer in ("arrived", "send-again"):
        return _about_file(c, found, arrived=answer == "arrived", now=now)
    if answer == "send-again" and found.state == "unknown":
        submissions.found_out(c, [(submission_id, "absent")], now=now)
        submissions.move(c, [row], source="unknown", target="ready")
        return f"{found.key} is sent once more."
    if answer.startswith("number:") and found.state == "unknown":
        number = answer.partition(":")[2].strip()
        submissions.found_out(c, [(submission_id, "adopted")], now=now)
        submissions.move(c, [{**row, "remote_id": number, "number": number}], source="unknown", target="created")
        return f"{number} is the one that counts; it is read back now."
    if answer == "cancel":
        return _cancel(works, c, found)
    raise UsageError(
        f"{answer} is no answer to {item.code}.", record=item.id, fix=f"Answer one of: {', '.join(answers_to(item))}."
    )


def _about_file(c: Connection, found: submissions.Submission, *, arrived: bool, now: int) -> str:
    """Whether a file of which nobody knew had arrived: then its draft goes on, else it is made anew."""
    submissions.found_out(c, [(found.id, "accepted" if arrived else "absent")], now=now)
    if arrived:
        submissions.postpone(c, [found.id], until=now)
        return f"The file of {found.key} counts as brought."
    submissions.move(c, [{"id": found.id, "due_at": now, "updated_at": now}], source="created", target="ready")
    return f"{found.key} is sent once more, with its file."


def _about_what_is_kept(c: Connection, found: submissions.Submission, *, again: bool, now: int) -> str:
    """What the target shows otherwise than it was put: put once more, or good as it is."""
    if again:
        submissions.move(c, [{"id": found.id, "due_at": now, "updated_at": now}], source="created", target="ready")
        return f"{found.key} is sent once more."
    submissions.postpone(c, [found.id], until=now)
    return f"{found.number or found.key} stays as it is, and counts as done."


def _cancel(works: Works, c: Connection, found: submissions.Submission) -> str:
    """Give a draft up: it stays in Visma as a draft and is listed.

    Its records are planned again when a person says so.
    """
    now = works.now()
    row = {"id": found.id, "due_at": None, "updated_at": now}
    if found.state == "created":
        submissions.found_out(c, [(found.id, "absent")], now=now)
        submissions.move(c, [row], source="created", target="differs")
    if found.state not in ("created", "differs", "checked"):
        raise UsageError(f"What is {found.state} cannot be cancelled.", record=found.key)
    submissions.move(c, [row], source=("differs", "checked"), target="cancelled")
    members = writes.of_submissions(c, [found.id]).get(found.id, [])
    write_moves.unseal(c, found.id, now=now)
    trip_moves.hold(
        c, sorted({write.trip_id for write in members if not write.reverses_id}), reason="cancelled", now=now
    )
    grounds.look_again(c, [write for write in members if not write.reverses_id], now=now)
    for write in members:
        if write.reverses_id:
            reversing.give_up(c, write, reason="cancelled", now=now)
    return (
        f"{found.number or found.key} is given up; delete or keep the draft in Visma. Its records are"
        " held: plan them again with `ml-connector replay`."
    )


def _note(works: Works, c: Connection, item: ReviewItem, *, answer: str, by: str) -> None:
    chain = audit.company_chain(item.company_id) if item.company_id else audit.INSTALL
    entry = Entry(
        works.now(), by, "decided", item.subject, {"item": item.id, "code": item.code, "answer": answer[:200]}
    )
    audit.append_many(c, chain=chain, workspace_id=item_workspace(c, item), entries=[entry])


def item_workspace(c: Connection, item: ReviewItem) -> str | None:
    """The workspace of a question, through its company or connection."""
    if item.company_id:
        company = setups.get_company(c, item.company_id)
        return company.workspace_id if company else None
    connection = connection_rows.get(c, item.connection_id) if item.connection_id else None
    return connection.workspace_id if connection else None


def decisions_of(items: Sequence[ReviewItem]) -> dict[str, str]:
    """What people decided about one trip, by code; that it is ignored is no answer to the question."""
    found: dict[str, str] = {}
    for item in items:
        decision = item.decision or ""
        if not decision.startswith(PREFIX):
            found[item.code] = decision
    return found
