"""The census: every record counted by state, and each document of ours looked up in the ledger by its token."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ml_connector.connectors.shapes import Observed
from ml_connector.engine.books import open_books
from ml_connector.engine.sending import content_of, context_of
from ml_connector.engine.works import Works, open_line
from ml_connector.finance.invoices import Reversal
from ml_connector.finance.kinds import KINDS
from ml_connector.store import submissions, trips, writes
from ml_connector.store.submissions import Submission


@dataclass(slots=True)
class Census:
    """Records counted by kind and state, and documents of ours looked for in the ledger."""

    records: dict[str, dict[str, int]] = field(default_factory=dict)
    documents: int = 0
    missing: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    stray_drafts: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not (self.missing or self.twice)


def census(works: Works, company_id: str) -> Census:
    """Count everything and look up every document of ours in the ledger by its token."""
    books = open_books(works, company_id)
    answer = Census()
    with works.database.reading() as c:
        for (kind, state), number in sorted(trips.counts(c, books.route_ids).items()):
            answer.records.setdefault(kind, {})[state] = number
    for page in _submission_pages(works, company_id):
        voided = _taken_back(works, page)
        alike: dict[tuple[str, str], list[Submission]] = {}
        for one in page:
            alike.setdefault((one.target_id, one.kind), []).append(one)
        for (target_id, kind), several in alike.items():
            if not KINDS[kind].released:
                continue
            writer = open_line(works, target_id).writer
            seen = writer.find(kind, [(content_of(one), context_of(one)) for one in several])
            for one in several:
                _count(answer, one, seen.get(one.token, []), voided=one.id in voided)
    return answer


def _taken_back(works: Works, page: Sequence[Submission]) -> set[str]:
    """Documents that carry only what was taken back: a voided payment is shown, but not as one in the books."""
    with works.database.reading() as c:
        members = writes.of_submissions(c, [one.id for one in page])
    return {one for one, several in members.items() if all(write.state == "reversed" for write in several)}


def _count(answer: Census, one: Submission, seen: Sequence[Observed], *, voided: bool) -> None:
    """A twin counts as one only in the books; a draft of ours that nobody will release is a stray."""
    booked = [shown.number for shown in seen if shown.state == "released" or (voided and shown.state == "gone")]
    if one.state == "done":
        answer.documents += 1
        if one.number not in booked and not (voided and KINDS[one.kind].deleted):
            answer.missing.append(f"{one.key} ({one.number})")
        if len(booked) > 1:
            answer.twice.append(f"{one.key}: {', '.join(booked)}")
    elif booked and not isinstance(content_of(one), Reversal):  # those carry no mark: the next try's would be found
        answer.twice.append(f"{one.key} ({one.state}): {', '.join(booked)}")
    answer.stray_drafts += [f"{shown.number} ({one.key}, {one.state})" for shown in seen if shown.state == "draft"]


def _submission_pages(works: Works, company_id: str) -> Iterator[list[Submission]]:
    after = ""
    while True:
        with works.database.reading() as c:
            page = submissions.of_company(
                c, company_id, states=("done", "cancelled", "differs"), after=after, limit=500
            )
        if not page:
            return
        yield page
        after = page[-1].id
