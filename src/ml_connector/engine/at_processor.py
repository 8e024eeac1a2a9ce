"""What a processor's own records say of clearing: the money that it still holds, and what is not booked here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Literal, NamedTuple

from ml_connector.engine import gathering
from ml_connector.engine.books import Books, Road
from ml_connector.engine.ignoring import by_person
from ml_connector.engine.works import Works
from ml_connector.finance.documents import Capture, Movement, Payout, Refund, Sale
from ml_connector.finance.money import Money
from ml_connector.rules import clearing as rules
from ml_connector.store import records, trips

USUAL = timedelta(days=7)  # what waits longer is a finding: processors pay out within days

Place = tuple[str, str]
"""(account, currency) of a clearing account."""


Booked = Mapping[tuple[str, Place], int]
"""What the writes of a record (its trip) have put on an account, in minor units: reversals count."""


@dataclass(frozen=True, slots=True)
class OpenAmount:
    """Money that waits in clearing, and for what. `since`: the day it moved; None: it has no age."""

    key: str
    amount: Money
    why: str
    since: date | None = None

    def is_late(self, today: date) -> bool:
        """Whether it has waited longer than processors take."""
        return self.since is not None and today - self.since > USUAL


class Told(NamedTuple):
    """What the processor's records say of one account, and where the amount stands for us.

    `by`: what tells how money leaves the account: payouts, a balance that the processor keeps, or (a shop's payment
    method) nothing but the ledger.
    """

    account: str
    amount: OpenAmount
    here: Literal["waiting", "unbooked", "settled before"]
    by: Literal["payouts", "balance", "nothing"] = "payouts"


class _At(NamedTuple):
    """Where a record stands here."""

    trip_id: str
    state: str
    reason: str

    @property
    def why(self) -> str:
        return f"{self.state}: {self.reason}"

    def left(self, amount: Money, account: str, booked: Booked) -> Money | None:
        """What of this amount is not on the account yet; None: all of it is, or a person or another record saw to it.

        What is held for a correction, or waits for what the ledger makes of it, stands there all the same.
        """
        if self.state in ("posted", "ignored"):
            return None
        left = Money(amount.minor - booked.get((self.trip_id, (account, amount.currency)), 0), amount.currency)
        return left or None


@dataclass(frozen=True, slots=True)
class _Movement:
    """One movement of the processor's money, and where its record stands here."""

    source_id: str
    amount: Money
    at: _At
    day: date
    method: str | None = None  # a shop's payment method, which has a clearing of its own

    @property
    def never_ours(self) -> bool:
        """Left out by a rule: before go-live, or no money. What a person ignored was booked by hand."""
        return self.at.state == "ignored" and not by_person(self.at.reason)


@dataclass(slots=True)
class _Money:
    """Captures and refunds through the processor, payouts with their gross, and what failed payouts left.

    `settled`: ids that were paid out; `by_ours`: with what gross, by payouts that are booked here.
    """

    movements: list[_Movement] = field(default_factory=list)
    payouts: list[_Movement] = field(default_factory=list)
    returned: list[_Movement] = field(default_factory=list)
    settled: set[str] = field(default_factory=set)
    by_ours: dict[str, Money] = field(default_factory=dict)


def told(works: Works, books: Books, booked: Booked) -> Iterator[Told]:
    """What the processor's own records say: what it still holds, and what of that is not booked here."""
    for road in books.roads.values():
        documents = _documents(works, road)
        yield from _kept(books, road, documents, booked)
        money = _moved(road, documents)
        yield from _of_movements(books, road, money, booked)
        for one in (*money.payouts, *money.returned):
            account = rules.clearing_account(road.rulebooks[-1], one.amount.currency, books.chart)
            if account is None or one.at.state == "ignored":
                continue
            key, day = f"{road.terms.code}:{one.source_id}", one.day
            if one in money.returned:
                why = "its payout failed" if one.amount.minor > 0 else "paid out after it had failed"
                yield Told(account, OpenAmount(key, one.amount, why, day), "waiting")
            elif left := one.at.left(-one.amount, account, booked):
                yield Told(account, OpenAmount(key, left, one.at.why, day), "unbooked")


def _of_movements(books: Books, road: Road, money: _Money, booked: Booked) -> Iterator[Told]:
    ours = {one.source_id for one in money.movements if not one.never_ours}
    for one in money.movements:
        account = rules.clearing_account(road.rulebooks[-1], one.amount.currency, books.chart, method=one.method)
        if account is None or one.never_ours:
            continue
        key, day = f"{road.terms.code}:{one.source_id}", one.day
        by: Literal["payouts", "nothing"] = "payouts" if one.method is None else "nothing"
        if one.source_id not in money.settled:
            age = day if by == "payouts" else None
            yield Told(account, OpenAmount(key, one.amount, "not paid out yet", age), "waiting", by)
        if left := one.at.left(one.amount, account, booked):
            yield Told(account, OpenAmount(key, left, one.at.why, day), "unbooked", by)
    for source_id, gross in money.by_ours.items():
        account = rules.clearing_account(road.rulebooks[-1], gross.currency, books.chart)
        if source_id not in ours and account is not None:
            yield Told(account, OpenAmount(source_id, gross, ""), "settled before")


def _kept(books: Books, road: Road, documents: Sequence[tuple[Any, _At]], booked: Booked) -> Iterator[Told]:
    """A processor that keeps a balance: its own rows add up to it, and each one that is not booked is named."""
    rows = [(one, at) for one, at in documents if isinstance(one, Movement)]
    sums: dict[Place, int] = {}
    for row, at in rows:
        moved = rules.kept(row, road.terms)
        account = rules.clearing_account(road.rulebooks[-1], moved.currency, books.chart) if moved else None
        if account is None or not moved:
            continue
        sums[account, moved.currency] = sums.get((account, moved.currency), 0) + moved.minor
        if left := at.left(moved, account, booked):
            amount = OpenAmount(f"{road.terms.code}:{row.id}", left, at.why, row.occurred_at.date())
            yield Told(account, amount, "unbooked", "balance")
    for (account, currency), minor in sums.items():
        amount = OpenAmount(f"{road.terms.code}:balance", Money(minor, currency), "in the balance")
        yield Told(account, amount, "waiting", "balance")


def _documents(works: Works, road: Road) -> list[tuple[Any, _At]]:
    """Records that move money, each with where it stands here."""
    with works.database.reading() as c:
        found = trips.of_route(c, road.route.id)
        stored = records.by_ids(c, [trip.record_id for trip in found])
    documents: list[tuple[Any, _At]] = []
    for trip in found:
        record = stored[trip.record_id]
        if record.payload is not None and record.kind in road.flow.moves:
            document, _ = gathering.document_of(works, record, road.translate)
            if document is not None:  # what cannot be read is held with a question of its own
                documents.append((document, _At(trip.id, trip.state, trip.reason or "")))
    return documents


def _moved(road: Road, documents: Sequence[tuple[Any, _At]]) -> _Money:
    money = _Money()
    means = {document.id: document.means for document, _ in documents if isinstance(document, Capture)}
    unpaid = {one.id for one, _ in documents if isinstance(one, Sale) and not one.tenders}
    for document, at in documents:
        if isinstance(document, Sale) or (isinstance(document, Refund) and document.payment_method):
            money.movements += _in_shop(document, at, road, unpaid)
        elif isinstance(document, Capture) and document.state == "completed" and rules.enters_clearing(document.means):
            money.movements.append(_Movement(document.id, document.total, at, document.occurred_at.date()))
        elif isinstance(document, Refund) and document.state == "completed":
            # A refund that does not say where its money went goes back the way the payment came.
            if rules.enters_clearing(document.means or means.get(document.payment_id or "", "card")):
                money.movements.append(_Movement(document.id, -document.amount, at, document.occurred_at.date()))
        elif isinstance(document, Payout):
            _paid_out(money, document, at)
    return money


def _paid_out(money: _Money, payout: Payout, at: _At) -> None:
    currency, day = payout.amount.currency, payout.created_at.date()
    gross = Money(sum(entry.net.minor + entry.fee.minor for entry in payout.entries), currency)
    failed = payout.amount if payout.state == "failed" else Money(0, currency)
    one = _Movement(payout.id, gross - failed, at, day)
    money.payouts.append(one)
    carried = rules.settled_by(payout)
    money.settled |= carried.keys()
    if not one.never_ours:
        money.by_ours.update(carried)
    for back in rules.came_back(payout):
        twin = next((one for one in money.returned if one.amount == Money(-back, currency)), None)
        if twin is None:
            money.returned.append(_Movement(payout.id, Money(back, currency), at, day))
        else:
            money.returned.remove(twin)  # what failed was paid out anew


def _in_shop(document: Sale | Refund, at: _At, road: Road, unpaid: set[str]) -> list[_Movement]:
    """What an order or a refund moved in its payment method's clearing; a refund of an unpaid order moved nothing."""
    moved = rules.shop_money(document, road.terms)
    if moved is None or (isinstance(document, Refund) and document.sale_id in unpaid):
        return []
    moment = document.occurred_at if isinstance(document, Refund) else document.created_at
    return [_Movement(document.id, moved, at, moment.date(), method=document.payment_method)]
