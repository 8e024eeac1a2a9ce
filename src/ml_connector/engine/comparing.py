"""Reading drafts back and comparing them with what was planned; only then may they be released."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ml_connector.connectors.shapes import Discards, Observed
from ml_connector.engine import contents, discarding, filing, finishing, ontheway, parcels, repeating, sending
from ml_connector.engine.books import Books
from ml_connector.engine.purse import Purse
from ml_connector.engine.sending import content_of, context_of
from ml_connector.engine.works import Line, Works
from ml_connector.errors import ConnectorError
from ml_connector.finance.encoding import expected
from ml_connector.finance.journal import JournalEntry
from ml_connector.finance.kinds import KINDS
from ml_connector.finance.plan import Content, Expected
from ml_connector.rules import pooling
from ml_connector.store import submissions, writes
from ml_connector.store.database import Connection
from ml_connector.store.leases import Lease
from ml_connector.store.submissions import Submission
from ml_connector.store.writes import Write


def check_drafts(
    works: Works, lease: Lease, books: Books, line: Line, *, purse: Purse, pool: ThreadPoolExecutor
) -> tuple[Lease, int]:
    """Read drafts back and compare them with what was planned; only then may they be released."""
    with works.database.reading() as c:
        made = [
            one for one in sending.due_on(works, c, books, line, state="created", limit=ontheway.ROUND) if one.remote_id
        ]
        lacking = {one.id for one in filing.without_file(c, made)}
        made = [one for one in made if one.id not in lacking]
        members = writes.of_submissions(c, [one.id for one in made])
    if not made:
        return lease, 0
    moved = 0
    for kind in sorted({one.kind for one in made}):
        several = [one for one in made if one.kind == kind]
        files = _evidence_of(several, members)
        fault = _attach_evidence(line, [one for one in several if one.id in files], members, purse=purse, pool=pool)
        seen: Mapping[str, Observed] = {}
        if fault is None and KINDS[kind].read_back:
            seen, fault = ontheway.look(line, "observe", kind, several, purse, files=files)
        with works.database.writing() as c:
            lease = ontheway.renew(works, c, lease)
            purse.settle(c)
            if fault is not None:
                ontheway.postpone(works, c, books, line, several, fault=fault)
                continue
            if KINDS[kind].repeated:
                moved += repeating.judge(works, c, books, line, several, seen=seen)
                continue
            count, wrong = _judge_drafts(works, c, books, line, several, seen=seen, files=files)
            moved += count
        if wrong and KINDS[kind].released and isinstance(line.writer, Discards):
            lease = discarding.discard(works, lease, books, line, line.writer, wrong, purse=purse)
    return lease, moved


def _evidence_of(several: Sequence[Submission], members: Mapping[str, Sequence[Write]]) -> dict[str, str]:
    """The file that each voucher of many records must carry, by submission."""
    carrying = [one for one in several if one.kind == "journal" and len(members.get(one.id, ())) > 1]
    return {one.id: f"records-{one.token}.csv" for one in carrying}


def _attach_evidence(
    line: Line, carrying: Sequence[Submission], members: Mapping[str, Sequence[Write]], *, purse: Purse,
    pool: ThreadPoolExecutor
) -> ConnectorError | None:  # fmt: skip
    """A voucher of many records carries their list.

    Sent again under the same name after a crash, it is one attachment. A few are sent at once, and none after one was
    not taken: that fault.
    """
    faults: list[ConnectorError] = []

    def attach(one: Submission) -> int:
        if faults:
            return 0
        rows = [
            pooling.evidence_row(write.key, entry)
            for write in members[one.id]
            if isinstance(entry := content_of_write(write), JournalEntry)
        ]
        name = _evidence_of([one], members)[one.id]
        try:
            line.writer.attach(one.kind, context_of(one), file_name=name, body=pooling.evidence(rows))
        except ConnectorError as fault:
            faults.append(fault)
        return 1

    purse.spent(sum(pool.map(attach, carrying)))
    return faults[0] if faults else None


def content_of_write(write: Write) -> Content:
    """The content a write books."""
    return contents.of_write(write)


def _judge_drafts(
    works: Works,
    c: Connection,
    books: Books,
    line: Line,
    several: Sequence[Submission],
    *,
    seen: Mapping[str, Observed],
    files: Mapping[str, str],
) -> tuple[int, list[tuple[Submission, str]]]:
    """How many go on, and the drafts that differ with how, in words."""
    now = works.now()
    checked, done, wrong = [], [], []
    for one in several:
        if not KINDS[one.kind].read_back:
            done.append((one, None))
            continue
        shown = seen.get(one.remote_id or "")
        if shown is None or shown.state == "gone":
            _not_shown(works, c, books, line, one)
            continue
        if (name := _lacks(shown, files.get(one.id))) and now - one.updated_at < works.limits.look_again_us:
            submissions.postpone(c, [one.id], until=now + works.limits.look_again_us)  # it is attached once more then
            continue
        if shown.state == "pending" and not KINDS[one.kind].released:
            _look_again(works, c, books, line, one)
            continue
        if shown.refused:
            parcels.take_out(works, c, books, line, one, refused=shown.refused)
        differences = differences_of(expected(content_of(one)), shown, token=one.token)
        differences += [f"the list of its records ({name}) is not attached"] if name else []
        differences += shown.facts.get("differences", ())
        if differences:
            _differs(works, c, books, line, one, shown=shown, differences=differences)
            wrong.append((one, f"{shown.number or one.key} in {line.title}: {'; '.join(differences)}"))
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
    return len(checked) + len(done), wrong


def _seen_row(one: Submission, shown: Observed, now: int) -> dict[str, Any]:
    return {"id": one.id, "etag": shown.etag, "number": shown.number, "due_at": now, "updated_at": now}


def _lacks(shown: Observed, name: str | None) -> str:
    """The file that a document should carry and does not show; empty where nothing tells."""
    names = shown.facts.get("files")
    return name if name is not None and names is not None and name not in names else ""


def _not_shown(works: Works, c: Connection, books: Books, line: Line, one: Submission) -> None:
    now = works.now()
    if now - one.updated_at > ontheway.PENDING_LIMIT_US:
        ontheway.ask(
            works,
            c,
            books,
            one,
            "draft-missing",
            f"{line.title} accepted {one.key} as {one.number} and does not show it. Look for it there, then decide.",
            {},
        )
        submissions.postpone(c, [one.id], until=None)
        return
    submissions.postpone(c, [one.id], until=now + works.limits.look_again_us)


LOOKS_S = (10, 30, 60, 120, 300, 600, 1_800)  # a target that works for itself is asked ever more seldom
LONGEST_S = 86_400  # and after a day a person is told


def _look_again(works: Works, c: Connection, books: Books, line: Line, one: Submission) -> None:
    """The target is still at it: look again, later each time."""
    now = works.now()
    age_s = (now - one.updated_at) // 1_000_000
    if age_s > LONGEST_S:
        sentence = f"{line.title} has not said for a day what became of {one.key}. Look there, then decide."
        ontheway.ask(works, c, books, one, "draft-missing", sentence, {"answers": ["check-again", "cancel"]})
        submissions.postpone(c, [one.id], until=None)
        return
    waits = next((wait for wait in LOOKS_S if age_s < 2 * wait), LOOKS_S[-1])
    submissions.postpone(c, [one.id], until=now + waits * 1_000_000)


def differences_of(planned: Expected | None, shown: Observed, *, token: str) -> list[str]:
    """In words, how the draft differs from the plan; empty when it is what was sent."""
    if planned is None:
        return []
    found = []
    if abs(planned.total - shown.total) > planned.tolerance:
        found.append(f"total {shown.total} instead of {planned.total} (minor units)")
    if planned.currency != shown.currency:
        found.append(f"currency {shown.currency} instead of {planned.currency}")
    if planned.vat is not None and shown.vat is not None and abs(planned.vat - shown.vat) > planned.tolerance:
        found.append(f"VAT {shown.vat} instead of {planned.vat} (minor units)")
    if planned.day is not None and shown.day is not None and planned.day.isoformat() != shown.day:
        found.append(f"date {shown.day} instead of {planned.day}")
    if not any(token in text for text in shown.tokens):
        found.append("our reference is not on it")
    return found


def _differs(
    works: Works,
    c: Connection,
    books: Books,
    line: Line,
    one: Submission,
    *,
    shown: Observed,
    differences: Sequence[str],
) -> None:
    now = works.now()
    row = {"id": one.id, "observed": finishing.observed_text(shown), "due_at": None, "updated_at": now}
    submissions.move(c, [row], source="created", target="differs")
    told = "; ".join(differences)
    sentence = (
        f"{shown.number} in {line.title} differs from what was planned for {one.key}: {told}. "
        "Correct the draft there and say check again, or cancel it."
    )
    ontheway.ask(
        works, c, books, one, "differs", sentence, {"number": shown.number, "answers": ["check-again", "cancel"]}
    )
