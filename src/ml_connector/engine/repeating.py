"""What is the same thing again when it is sent again: seen in the target as it was put, put once more, then asked.

Files and words on documents of the ledger are such: a file goes by its name, words by their mark.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ml_connector.connectors.shapes import Observed
from ml_connector.engine import finishing, ontheway
from ml_connector.engine.books import Books
from ml_connector.engine.works import Line, Works
from ml_connector.store import reviews, submissions, writes
from ml_connector.store.database import Connection
from ml_connector.store.submissions import Attempt, Submission

PUT_MOST = 2  # so often before a person is asked
CODE, LEAVE_IT = "kept-otherwise", "leave-it"


def judge(
    works: Works, c: Connection, books: Books, line: Line, several: Sequence[Submission], *,
    seen: Mapping[str, Observed],
) -> int:  # fmt: skip
    """Those that show as they were put are done, and those that a person leaves as they are; how many.

    The caller's transaction.
    """
    now = works.now()
    off = {one.id: _off(seen.get(one.remote_id or "")) for one in several}
    asked = [one for one in several if off[one.id]]
    left = _left(c, asked)
    right = [(one, seen.get(one.remote_id or "")) for one in several if not off[one.id] or one.id in left]
    rows = [{"id": one.id, "due_at": now, "updated_at": now} for one, _ in right]
    submissions.move(c, rows, source="created", target="checked")
    finishing.finish(works, c, books, right, source="checked")
    tried = submissions.attempts_of(c, [one.id for one in asked if one.id not in left])
    for one in asked:
        if one.id not in left:
            _put_again(works, c, books, line, one, off=off[one.id], tried=tried.get(one.id, []))
    return len(right)


def _off(shown: Observed | None) -> str:
    """What is not as it was put, in words; empty where all is."""
    if shown is None or shown.state == "gone":
        return "it is not there"
    return "; ".join(shown.facts.get("differences", ()))


def _left(c: Connection, several: Sequence[Submission]) -> set[str]:
    """Those that a person has said may stay as they are."""
    members = writes.of_submissions(c, [one.id for one in several])
    decided = reviews.of_trips(c, [write.trip_id for group in members.values() for write in group], state="resolved")
    items = [item for group in decided.values() for item in group if item.code == CODE]
    return {item.subject for item in items if item.decision == LEAVE_IT}


def _put_again(
    works: Works, c: Connection, books: Books, line: Line, one: Submission, *, off: str, tried: Sequence[Attempt]
) -> None:
    now = works.now()
    if now - one.updated_at < works.limits.look_again_us:
        submissions.postpone(c, [one.id], until=now + works.limits.look_again_us)
        return
    if sum(attempt.call == "create" and attempt.outcome == "accepted" for attempt in tried) < PUT_MOST:
        row = {"id": one.id, "due_at": now, "updated_at": now}
        submissions.move(c, [row], source="created", target="ready")
        ontheway.note(works, c, books, "put again", {"submission": one.key, "because": off})
        return
    submissions.postpone(c, [one.id], until=None)
    sentence = (
        f"{line.title} took {one.key} for {one.number or one.remote_id} twice, and does not show it as it was sent: "
        f"{off}. Look there: mend it and say check again, have it sent again, or leave it as it is."
    )
    ontheway.ask(works, c, books, one, CODE, sentence, {"answers": ["check-again", "send-again", LEAVE_IT]})
