"""The clearing statement: what the ledger shows on an account, what the processor still holds, and the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from ml_connector.connectors.shapes import ShowsAccounts
from ml_connector.engine import at_processor
from ml_connector.engine.at_processor import OpenAmount, Place
from ml_connector.engine.books import Books, open_books
from ml_connector.engine.comparing import content_of_write
from ml_connector.engine.works import Works, open_line
from ml_connector.finance.invoices import CustomerPayment
from ml_connector.finance.journal import JournalEntry
from ml_connector.finance.ledger import AccountLine
from ml_connector.finance.money import Money
from ml_connector.store import writes

PAGE = 2_000
BEFORE = "before go-live"


@dataclass(slots=True)
class Statement:
    """One clearing account: the ledger's own balance, what is not booked yet, what the processor holds, and the rest.

    ledger + unbooked = waiting at the processor; what is left over is unexplained. `others`: what of the balance stands
    on documents that are not ours, since go-live; `in_base`: the balance in base currency, where that is another.
    """

    account: str
    currency: str
    ledger_minor: int = 0
    booked_minor: int = 0
    entries: int = 0
    open_amounts: list[OpenAmount] = field(default_factory=list)
    unbooked_amounts: list[OpenAmount] = field(default_factory=list)
    others: list[OpenAmount] = field(default_factory=list)
    in_base: Money | None = None

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

    @property
    def residue(self) -> Money | None:
        """What an account that is empty in its own currency keeps in base currency: changes of the rate."""
        return self.in_base if self.in_base and not self.ledger_minor else None

    def overdue(self, today: date) -> list[OpenAmount]:
        """What has waited longer than processors take, each once."""
        late = {one.key: one for one in (*self.unbooked_amounts, *self.open_amounts) if one.is_late(today)}
        return list(late.values())


def statements(works: Works, company_id: str) -> list[Statement]:
    """The clearing statement of each processor account, by the ledger's own lines: a call a thousand of them."""
    books = open_books(works, company_id)
    found, ours, booked = _booked(works, books)
    settled: Counter[Place] = Counter()
    told_by: dict[Place, set[str]] = {}
    for told in at_processor.told(works, books, booked):
        place = (told.account, told.amount.amount.currency)
        one = found.setdefault(place, Statement(*place))
        told_by.setdefault(place, set()).add(told.by)
        if told.here == "settled before":
            settled[place] += told.amount.amount.minor
        else:
            (one.unbooked_amounts if told.here == "unbooked" else one.open_amounts).append(told.amount)
    brought = _read_ledger(works, books, found, ours)
    for place, one in found.items():
        if left := left_of(brought.get(place, 0), settled[place]):
            since = books.company.go_live if "payouts" in told_by.get(place, ()) else None
            one.open_amounts.append(
                OpenAmount(BEFORE, Money(left, place[1]), "brought forward, not paid out yet", since)
            )
        if told_by.get(place) == {"nothing"}:
            one.open_amounts += one.others  # only the ledger tells how its money leaves
    return sorted(found.values(), key=lambda one: (one.account, one.currency))


def left_of(brought: int, settled: int) -> int:
    """What is left of a balance brought forward: payouts of what we never saw settle it, and nothing beyond it."""
    return brought - (max(0, min(settled, brought)) if brought > 0 else min(0, max(settled, brought)))


def _booked(works: Works, books: Books) -> tuple[dict[Place, Statement], set[str], Counter[tuple[str, Place]]]:
    """What we have put on each clearing account, the numbers of all our documents, and what each record put there."""
    found: dict[Place, Statement] = {}
    by_record: Counter[tuple[str, Place]] = Counter()
    numbers: set[str] = set()
    for write in _posted(works, books.company.id):
        numbers |= {write.number} if write.number else set()
        content = content_of_write(write)
        if write.state == "reversed" and isinstance(content, CustomerPayment):
            continue  # voided: the ledger's own call has mirrored it, and no write of ours tells the mirror's lines
        for account, minor, currency in _clearing_lines(content, books):
            one = found.setdefault((account, currency), Statement(account, currency))
            one.booked_minor += minor
            one.entries += 1
            by_record[write.trip_id, (account, currency)] += minor
    return found, numbers, by_record


def _posted(works: Works, company_id: str) -> Iterator[writes.Write]:
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


def _clearing_lines(content: Any, books: Books) -> Iterator[tuple[str, int, str]]:
    if isinstance(content, JournalEntry):
        for posting in content.postings:
            if posting.role == "clearing":
                yield posting.account, posting.amount.minor, posting.amount.currency
    elif isinstance(content, CustomerPayment):
        cash = books.chart.cash_accounts.get(content.cash_account)
        sign = -1 if content.kind == "refund" else 1
        yield (cash.account if cash else content.cash_account), sign * content.amount.minor, content.amount.currency


def _read_ledger(
    works: Works, books: Books, found: Mapping[Place, Statement], ours: Collection[str]
) -> dict[Place, int]:
    """What the ledger shows on each account, into its statement; and what of it is from before go-live."""
    writer = open_line(works, books.company.connection_id).writer
    base, go_live = books.chart.base_currency, books.company.go_live
    brought: dict[Place, int] = {}
    for account in sorted({account for account, _ in found}):
        here = [one for place, one in found.items() if place[0] == account]
        if not isinstance(writer, ShowsAccounts):
            for one in here:
                one.ledger_minor = one.booked_minor
            continue
        for one in here:
            one.entries, one.in_base = 0, Money(0, base) if base and one.currency != base else None
        for line in writer.account_lines(account, chart=books.chart):
            for one in here:
                minor = _take(one, line, base=base, ours=ours, go_live=go_live)
                place = (account, one.currency)
                brought[place] = brought.get(place, 0) + minor
    return brought


def _take(one: Statement, line: AccountLine, *, base: str | None, ours: Collection[str], go_live: date | None) -> int:
    """A line of the ledger into a statement; what of it is from before go-live, in minor units."""
    minor = line.on(one.currency, base=base)
    if one.in_base is not None:
        one.in_base += Money(line.base_minor, one.in_base.currency)
    if not minor:
        return 0
    one.ledger_minor += minor
    one.entries += 1
    if line.document in ours:
        return 0
    if go_live is not None and line.day < go_live:
        return minor
    one.others.append(OpenAmount(line.document, Money(minor, one.currency), f"booked by others: {line.text}", line.day))
    return 0
