"""The account's ledger: every row a report may show, in all its versions, and the balances they make.

A row changes after it was first seen (pending becomes success, a late fee appears): each change is a version with its
own update time, so that a report sees what was true when it was last refreshed.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from ml_connector_sandbox.paypal.refusals import Json

Order = Literal["updated", "initiated"]

# Money these codes move stays the merchant's: it only becomes unavailable or available again.
_RESERVE_CODES = frozenset({"T1105", "T1110", "T1111"})
_RESERVE_GROUPS = ("T15", "T21")
_MOVING = frozenset("SVFR")  # F and R are undocumented: seen on part-refunded sales and on withdrawals


def is_reserve(code: str) -> bool:
    """Whether rows of this event code move the available balance alone."""
    return code in _RESERVE_CODES or code.startswith(_RESERVE_GROUPS)


@dataclass(frozen=True, slots=True)
class Payer:
    """The other side of a payment."""

    account_id: str
    email: str
    given_name: str
    surname: str
    country: str


@dataclass(frozen=True, slots=True)
class Row:
    """One version of a report row. Amounts in minor units, signed from the merchant's side; `fee` None: absent."""

    transaction_id: str
    code: str
    status: str
    currency: str
    amount: int
    initiated: int
    updated: int
    fee: int | None = None
    reference: str = ""
    reference_type: str = "TXN"
    invoice_id: str = ""
    custom: str = ""
    subject: str = ""
    note: str = ""
    payer: Payer | None = None
    paypal_invoice_id: str = ""
    instrument: str = ""
    affects_balance: bool = True
    in_balance: bool = True  # False: a status V whose money went without a row of its own
    shown_from: int = 0  # a late row stays hidden from reports until then
    ending_total: int = 0
    ending_available: int = 0
    seq: int = 0
    version: int = 0

    @property
    def moves(self) -> bool:
        """Whether its money is in the balance."""
        return self.affects_balance and self.in_balance and self.status in _MOVING

    @property
    def net(self) -> int:
        """What it adds to the balance."""
        return self.amount + (self.fee or 0)


@dataclass(frozen=True, slots=True)
class Move:
    """Money that moved: `kept` is what stays the merchant's, `free` what is available."""

    at: int
    currency: str
    kept: int
    free: int


class Ledger:
    """All rows of one account."""

    def __init__(self) -> None:
        self.versions: list[list[Row]] = []
        self._orders: dict[Order, list[tuple[int, int, int]]] = {"updated": [], "initiated": []}
        self._by_id: dict[str, list[int]] = {}
        self._moves: list[Move] = []
        self._now: dict[str, list[int]] = {}  # currency -> [total, available]

    def post(self, row: Row) -> Row:
        """Add a row. Its money moves at its initiation, unless its status says it does not move yet."""
        return self._enter(replace(row, seq=len(self.versions), version=0), row.net if row.moves else 0, row.initiated)

    def post_without_fee(self, row: Row) -> Row:
        """Add a row whose fee has been charged but will be shown by a later version only."""
        moved = row.net if row.moves else 0
        return self._enter(replace(row, fee=None, seq=len(self.versions), version=0), moved, row.initiated)

    def change(self, row: Row, at: int, **changes: Any) -> Row:
        """A new version of a row, updated then. Money that starts or stops to count moves at that moment."""
        latest = self.latest(row)
        changed = replace(latest, updated=at, version=latest.version + 1, **changes)
        delta = (changed.net if changed.moves else 0) - (latest.net if latest.moves else 0)
        return self._enter(changed, delta, at)

    def show_fee(self, row: Row, at: int, fee: int) -> Row:
        """A new version that shows a fee charged before: no money moves."""
        latest = self.latest(row)
        return self._enter(replace(latest, updated=at, version=latest.version + 1, fee=fee), 0, at)

    def latest(self, row: Row) -> Row:
        """The newest version of a row."""
        return self.versions[row.seq][-1]

    def rows(self) -> Iterator[Row]:
        """The newest version of every row, in the order of posting."""
        return (versions[-1] for versions in self.versions)

    def of(self, transaction_id: str) -> list[Row]:
        """The newest versions of all rows with this id: there may be several."""
        return [self.versions[seq][-1] for seq in self._by_id.get(transaction_id, [])]

    def window(self, order: Order, start: int, end: int, *, seen_at: int) -> Iterator[Row]:
        """Rows whose time lies within [start, end], each as it was at `seen_at`, in the order of that time."""
        keys = self._orders[order]
        for i in range(bisect_left(keys, (start, -1, -1)), bisect_right(keys, (end, 2**62, 2**62))):
            _, seq, version = keys[i]
            row = self.versions[seq][version]
            if row.updated > seen_at or row.shown_from > seen_at:
                continue
            following = self.versions[seq][version + 1 :][:1]
            if following and following[0].updated <= seen_at:
                continue
            yield row

    def balances(self, at: int) -> dict[str, tuple[int, int]]:
        """Currency -> (total, available) at an instant. Every currency ever moved is there."""
        found: dict[str, tuple[int, int]] = {}
        for move in self._moves:
            total, available = found.get(move.currency, (0, 0))
            if move.at <= at:
                total, available = total + move.kept, available + move.free
            found[move.currency] = (total, available)
        return found

    def available(self, currency: str) -> int:
        """What may be withdrawn or paid out of now."""
        return self._now.get(currency, [0, 0])[1]

    def _enter(self, row: Row, moved: int, at: int) -> Row:
        now = self._now.setdefault(row.currency, [0, 0])
        if moved:
            kept = 0 if is_reserve(row.code) else moved
            now[0], now[1] = now[0] + kept, now[1] + moved
            self._moves.append(Move(at, row.currency, kept, moved))
        row = replace(row, ending_total=now[0], ending_available=now[1])
        if row.version == 0:
            self.versions.append([row])
            self._by_id.setdefault(row.transaction_id, []).append(row.seq)
        else:
            self.versions[row.seq].append(row)
        _insert(self._orders["updated"], (row.updated, row.seq, row.version))
        _insert(self._orders["initiated"], (row.initiated, row.seq, row.version))
        return row


def _insert(keys: list[tuple[int, int, int]], key: tuple[int, int, int]) -> None:
    if not keys or keys[-1] <= key:
        keys.append(key)
    else:
        insort(keys, key)


def money_totals(rows: Iterator[Row]) -> Json:
    """Sums of moving rows by currency and event code: {currency: {code: {"count", "amount", "fee"}}}."""
    sums: Json = {}
    for row in rows:
        if row.moves:
            cell = sums.setdefault(row.currency, {}).setdefault(row.code, {"count": 0, "amount": 0, "fee": 0})
            cell["count"] += 1
            cell["amount"] += row.amount
            cell["fee"] += row.fee or 0
    return sums
