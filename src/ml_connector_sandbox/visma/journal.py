"""The general ledger: batches of lines, their life from Hold to Posted, and the index by last change."""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from ml_connector_sandbox.visma.chart import ZERO, Account, Subaccount

Day = date  # a field may be called `date` too
Key = tuple[str, str]  # module, batch number: numbers repeat between modules


@dataclass(slots=True)
class Line:
    """One line. `debit` and `credit` are in the batch's currency, `base_*` in the company's."""

    number: int
    account: Account
    sub: Subaccount
    debit: Decimal = ZERO
    credit: Decimal = ZERO
    base_debit: Decimal = ZERO
    base_credit: Decimal = ZERO
    reference: str = ""
    text: str = ""
    vat_code: str = ""
    vat_id: str = ""
    branch: str = "1"
    party: str = ""
    type: str = ""
    project: str = ""
    task: str = ""
    uom: str = ""
    quantity: Decimal = ZERO
    note: str = ""
    attachments: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Batch:
    """One voucher. Status: Hold, Balanced, Unposted, Posted."""

    module: str
    number: str
    status: str
    date: Day
    period: str
    ledger: str
    currency: str
    rate: Decimal
    branch: str
    description: str
    lines: list[Line]
    created: datetime
    modified: datetime
    stamp: int
    control_total: Decimal = ZERO
    create_vat: bool = False
    skip_vat_check: bool = False
    auto_reversing: bool = False
    reversing: bool = False
    original: str = ""
    transaction_code: str = ""
    attachments: list[str] = field(default_factory=list)

    @property
    def key(self) -> Key:
        """What identifies a batch."""
        return self.module, self.number

    def totals(self) -> tuple[Decimal, Decimal]:
        """Debit and credit in the batch's currency."""
        return sum((line.debit for line in self.lines), ZERO), sum((line.credit for line in self.lines), ZERO)

    def base_totals(self) -> tuple[Decimal, Decimal]:
        """Debit and credit in base currency."""
        return sum((line.base_debit for line in self.lines), ZERO), sum((line.base_credit for line in self.lines), ZERO)


class Ledger:
    """All batches of a company, found by key, by period and, sorted, by the time of their last change."""

    def __init__(self) -> None:
        self.batches: dict[Key, Batch] = {}
        self._periods: dict[str, dict[Key, Batch]] = {}
        self._changes: list[tuple[datetime, int, Batch]] = []
        self._ticket = 0
        self._latest: dict[Key, int] = {}  # the one change of each batch that still counts

    def add(self, batch: Batch) -> None:
        """Enter a batch under its key."""
        self.batches[batch.key] = batch
        self._periods.setdefault(batch.period, {})[batch.key] = batch
        self._note(batch)

    def changed(self, batch: Batch, now: datetime, stamp: int) -> None:
        """Tell that a batch was changed; its period may be another one now."""
        batch.modified, batch.stamp = now, stamp
        self._note(batch)

    def moved(self, batch: Batch, old_period: str) -> None:
        """Tell that a batch went from one period to another."""
        del self._periods[old_period][batch.key]
        self._periods.setdefault(batch.period, {})[batch.key] = batch

    def in_period(self, period: str) -> list[Batch]:
        """The batches of a period, oldest first."""
        return list(self._periods.get(period, {}).values())

    def changed_since(self, moment: datetime) -> list[Batch]:
        """The batches changed at or after that moment, least recently changed first."""
        start = bisect_left(self._changes, moment, key=lambda change: change[0])
        latest = self._latest
        return [batch for _, ticket, batch in self._changes[start:] if latest[batch.key] == ticket]

    def _note(self, batch: Batch) -> None:
        self._ticket += 1
        ticket = self._ticket
        self._latest[batch.key] = ticket
        entry = (batch.modified, ticket, batch)
        if not self._changes or self._changes[-1][0] <= batch.modified:
            self._changes.append(entry)
        else:
            insort(self._changes, entry, key=lambda change: change[:2])
        if len(self._changes) > 1000 and len(self._changes) > 3 * len(self.batches):
            self._changes = [change for change in self._changes if self._latest[change[2].key] == change[1]]
