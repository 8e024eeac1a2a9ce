"""The clearing statement and the census.

What the source says moved, what the ledger shows, and what explains the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ml_connector.connectors.shapes import Observed
from ml_connector.engine import gathering
from ml_connector.engine.books import Books, Road, open_books
from ml_connector.engine.comparing import content_of_write
from ml_connector.engine.ignoring import BY_PERSON
from ml_connector.engine.sending import content_of, context_of
from ml_connector.engine.works import Works, open_line
from ml_connector.finance.documents import Capture, Movement, Payout, Refund, Sale
from ml_connector.finance.invoices import CustomerPayment, Reversal
from ml_connector.finance.journal import JournalEntry
from ml_connector.finance.kinds import KINDS
from ml_connector.finance.money import Money
from ml_connector.rules import clearing as rules
from ml_connector.store import records, submissions, trips, writes
from ml_connector.store.submissions import Submission

PAGE = 2_000


@dataclass(frozen=True, slots=True)
class OpenAmount:
    """Money that waits in clearing, and for what."""

    key: str
    amount: Money
    why: str


@dataclass(slots=True)
class Statement:
    """One clearing account: the ledger's balance, what is not booked yet, what the processor holds, and the rest.

    ledger + unbooked = waiting at the processor; what is left over is unexplained.
    """

    account: str
    currency: str
    ledger_minor: int = 0
    entries: int = 0
    open_amounts: list[OpenAmount] = field(default_factory=list)
    unbooked_amounts: list[OpenAmount] = field(default_factory=list)

    @property
    def unbooked(self) -> Money:
        return Money(sum(one.amount.minor for one in self.unbooked_amounts), self.currency)

    @property
    def ledger(self) -> Money:
        return Money(self.ledger_minor, self.currency)

    @property
    def waiting(self) -> Money:
        return Money(sum(one.amount.minor for one in self.open_amounts), self.currency)

    @property
    def unexplained(self) -> Money:
        return self.ledger + self.unbooked - self.waiting


def posted(works: Works, company_id: str) -> Iterator[writes.Write]:
    """Every write in the ledger and every reversal of one, in pages."""
    after = ""
    while True:
        with works.database.reading() as c:
            page = writes.done_of_company(c, company_id, after=after, limit=PAGE)
        if not page:
            return
        for write, _key, _observed in page:
            yield write
        after = page[-1][0].id


def statements(works: Works, company_id: str) -> list[Statement]:
    """The clearing statement of each processor account.

    Ledger balance = money still at the processor, else unexplained.
    """
    books = open_books(works, company_id)
    found: dict[tuple[str, str], Statement] = {}
    for write in posted(works, company_id):
        content = content_of_write(write)
        if write.state == "reversed" and isinstance(content, CustomerPayment):
            continue  # voided: the ledger's own call has mirrored it, and no write of ours tells the mirror's lines
        for account, minor, currency in _clearing_lines(content, books):
            one = found.setdefault((account, currency), Statement(account, currency))
            one.ledger_minor += minor
            one.entries += 1
    for account, amount, booked in _at_processor(works, books):
        statement = found.setdefault((account, amount.amount.currency), Statement(account, amount.amount.currency))
        (statement.open_amounts if booked is None else statement.unbooked_amounts).append(amount)
    return sorted(found.values(), key=lambda one: (one.account, one.currency))


def _clearing_lines(content: Any, books: Books) -> Iterator[tuple[str, int, str]]:
    if isinstance(content, JournalEntry):
        for posting in content.postings:
            if posting.role == "clearing":
                yield posting.account, posting.amount.minor, posting.amount.currency
    elif isinstance(content, CustomerPayment):
        cash = books.chart.cash_accounts.get(content.cash_account)
        sign = -1 if content.kind == "refund" else 1
        yield (cash.account if cash else content.cash_account), sign * content.amount.minor, content.amount.currency


@dataclass(frozen=True, slots=True)
class _Movement:
    """One movement of the processor's money: where it stands in our house."""

    source_id: str
    amount: Money
    state: str
    reason: str
    method: str | None = None  # a shop's payment method, which has a clearing of its own


def _at_processor(works: Works, books: Books) -> Iterator[tuple[str, OpenAmount, str | None]]:
    """What the processor's own records say, by account.

    (account, amount, None) is still held there, (account, amount, state) not booked here.
    """
    for road in books.roads.values():
        documents = _documents(works, road)
        yield from _kept(books, road, documents)
        movements, payouts, returned, settled = _movements(road, documents)
        for one in movements:
            account = rules.clearing_account(road.rulebooks[-1], one.amount.currency, books.chart, method=one.method)
            if account is None or one.state == "ignored":
                continue
            key = f"{road.terms.code}:{one.source_id}"
            if one.source_id not in settled:
                yield account, OpenAmount(key, one.amount, "not paid out yet"), None
            if one.state != "posted":
                yield account, OpenAmount(key, one.amount, f"{one.state}: {one.reason}"), one.state
        for one in returned:
            account = rules.clearing_account(road.rulebooks[-1], one.amount.currency, books.chart)
            if account is not None and one.state != "ignored":
                why = "its payout failed" if one.amount.minor > 0 else "paid out after it had failed"
                yield account, OpenAmount(f"{road.terms.code}:{one.source_id}", one.amount, why), None
        for one in payouts:
            account = rules.clearing_account(road.rulebooks[-1], one.amount.currency, books.chart)
            if account is not None and one.state not in ("posted", "ignored"):
                yield (
                    account,
                    OpenAmount(f"{road.terms.code}:{one.source_id}", -one.amount, f"{one.state}: {one.reason}"),
                    one.state,
                )


def _kept(
    books: Books, road: Road, documents: Sequence[tuple[Any, tuple[str, str]]]
) -> Iterator[tuple[str, OpenAmount, str | None]]:
    """A processor that keeps a balance: its own rows add up to it, and each one that is not booked is named."""
    rows = [(one, told) for one, told in documents if isinstance(one, Movement)]
    sums: dict[tuple[str, str], int] = {}
    for row, (state, reason) in rows:
        moved = rules.kept(row, road.terms)
        if not moved or (state == "ignored" and reason.startswith(BY_PERSON)):
            continue
        account = rules.clearing_account(road.rulebooks[-1], moved.currency, books.chart)
        if account is None:
            continue
        sums[account, moved.currency] = sums.get((account, moved.currency), 0) + moved.minor
        if state not in ("posted", "ignored"):  # ignored by a rule: another record books it
            yield account, OpenAmount(f"{road.terms.code}:{row.id}", moved, f"{state}: {reason}"), state
    for (account, currency), minor in sums.items():
        yield account, OpenAmount(f"{road.terms.code}:balance", Money(minor, currency), "in the balance"), None


def _documents(works: Works, road: Road) -> list[tuple[Any, tuple[str, str]]]:
    """Records that move money, each with its (state, reason) here."""
    with works.database.reading() as c:
        found = trips.of_route(c, road.route.id)
        stored = records.by_ids(c, [trip.record_id for trip in found])
    documents: list[tuple[Any, tuple[str, str]]] = []
    for trip in found:
        record = stored[trip.record_id]
        if record.payload is not None and record.kind in road.flow.moves:
            document, _ = gathering.document_of(works, record, road.translate)
            if document is not None:  # what cannot be read is held with a question of its own
                documents.append((document, (trip.state, trip.reason or "")))
    return documents


def _movements(
    road: Road, documents: Sequence[tuple[Any, tuple[str, str]]]
) -> tuple[list[_Movement], list[_Movement], list[_Movement], set[str]]:
    """(captures and refunds through the processor, payouts with their gross, what failed payouts left, ids settled)."""
    movements: list[_Movement] = []
    payouts: list[_Movement] = []
    returned: list[_Movement] = []
    settled: set[str] = set()
    means = {document.id: document.means for document, _ in documents if isinstance(document, Capture)}
    unpaid = {one.id for one, _ in documents if isinstance(one, Sale) and not one.tenders}
    for document, told in documents:
        if isinstance(document, Sale) or (isinstance(document, Refund) and document.payment_method):
            movements += _in_shop(document, told, road, unpaid)
        elif isinstance(document, Capture) and document.state == "completed" and rules.enters_clearing(document.means):
            movements.append(_Movement(document.id, document.total, *told))
        elif isinstance(document, Refund) and document.state == "completed":
            # A refund that does not say where its money went goes back the way the payment came.
            if rules.enters_clearing(document.means or means.get(document.payment_id or "", "card")):
                movements.append(_Movement(document.id, -document.amount, *told))
        elif isinstance(document, Payout):
            settled.update(rules.settled_by(document))
            gross = Money(
                sum(entry.net.minor + entry.fee.minor for entry in document.entries), document.amount.currency
            )
            failed = document.amount if document.state == "failed" else Money(0, document.amount.currency)
            payouts.append(_Movement(document.id, gross - failed, *told))
            back = rules.came_back(document)
            if back:
                returned.append(_Movement(document.id, Money(back, document.amount.currency), *told))
    return movements, payouts, returned, settled


def _in_shop(document: Sale | Refund, told: tuple[str, str], road: Road, unpaid: set[str]) -> list[_Movement]:
    """What an order or a refund moved in its payment method's clearing; a refund of an unpaid order moved nothing."""
    moved = rules.shop_money(document, road.terms)
    if moved is None or (isinstance(document, Refund) and document.sale_id in unpaid):
        return []
    return [_Movement(document.id, moved, *told, method=document.payment_method)]


# ------------------------------------------------------------------------------------------- census


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
