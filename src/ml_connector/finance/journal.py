"""Journal entries: balanced sets of postings. An unbalanced one cannot be built."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from ml_connector.finance.money import Money
from ml_connector.finance.refs import Ref

Dimensions = tuple[tuple[int, str], ...]
"""Segment values by segment id, sorted by id: ((1, "OSLO"), (2, "10"))."""


@dataclass(frozen=True, slots=True)
class Posting:
    """One line of a journal entry. `amount` positive is debit, negative is credit.

    `role` says why the line is there (clearing, sales, vat...), `source` names the record it books (its key),
    `reference` is the short mark (at most 12 characters) that ties a VAT line to its sales line and can be searched for
    in the ledger.
    """

    account: str
    amount: Money
    role: str
    source: str
    reference: str
    text: str = ""
    dimensions: Dimensions = ()
    vat_code: str | None = None  # the VAT category of the ledger
    vat_id: str | None = None  # the VAT id, only on the VAT line itself
    vat_rate: Decimal | None = None  # percent, on net and VAT lines

    def __post_init__(self) -> None:
        if not self.account:
            raise ValueError("a posting needs an account")
        if self.amount.minor == 0:
            raise ValueError("a posting of zero says nothing")
        if len(self.reference) > 12:
            raise ValueError(f"reference {self.reference!r} is longer than 12 characters")

    @property
    def debit(self) -> Money:
        return self.amount if self.amount.minor > 0 else Money(0, self.amount.currency)

    @property
    def credit(self) -> Money:
        return -self.amount if self.amount.minor < 0 else Money(0, self.amount.currency)


TRANSIT = "transit"


@dataclass(frozen=True, slots=True)
class Closing:
    """Money in transit is taken off at what the ledger worked out for another entry in base currency: `of` names it.

    What that leaves is currency gain or loss, on the account `to`.
    """

    of: Ref
    to: str
    dimensions: Dimensions = ()


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """A balanced set of postings of one business day and one currency.

    `vat_transaction`: lines carry VAT and must reach the VAT report. `branch` and `ledger` None: the company's own.
    `event_day`: the true business day, where a late policy booked the entry on another; None: `day` is the true day.
    `closes`: until it is sent, the posting on transit stands at what was exchanged; `closed` gives what is sent.
    """

    day: date
    currency: str
    postings: tuple[Posting, ...]
    text: str
    vat_transaction: bool = False
    branch: str | None = None
    ledger: str | None = None
    event_day: date | None = None
    closes: Closing | None = None
    identity: str | None = None  # which of the things that its source gave the same id it is of

    def __post_init__(self) -> None:
        if len(self.postings) < 2:
            raise ValueError("a journal entry has at least two postings")
        if any(posting.amount.currency != self.currency for posting in self.postings):
            raise ValueError(f"every posting of this entry must be in {self.currency}")
        off = sum(posting.amount.minor for posting in self.postings)
        if off:
            raise ValueError(f"debit and credit differ by {Money(off, self.currency)}")

    @property
    def turnover(self) -> Money:
        """The debit total (equal to the credit total)."""
        return Money(sum(p.amount.minor for p in self.postings if p.amount.minor > 0), self.currency)

    def balance_of(self, account: str) -> Money:
        """What this entry adds to one account (debit positive)."""
        return Money(sum(p.amount.minor for p in self.postings if p.account == account), self.currency)

    def vat_is_exact(self) -> bool:
        """Whether, per reference, every VAT line is its rate of its net lines to the minor unit.

        The ledger checks this.
        """
        nets: dict[tuple[str, str | None], int] = {}
        for posting in self.postings:
            if posting.vat_code is not None and posting.vat_id is None:
                mark = (posting.reference, posting.vat_code)
                nets[mark] = nets.get(mark, 0) + posting.amount.minor
        for posting in self.postings:
            if posting.vat_id is not None and posting.vat_rate is not None:
                base = nets.get((posting.reference, posting.vat_code), 0)
                if (base * posting.vat_rate / 100).quantize(Decimal(1), ROUND_HALF_UP) != posting.amount.minor:
                    return False
        return True


def mirrored(entry: JournalEntry, *, day: date, text: str) -> JournalEntry:
    """The entry that takes another back: same accounts, VAT and references, debit and credit exchanged."""
    turned = tuple(replace(posting, amount=-posting.amount) for posting in entry.postings)
    return replace(entry, postings=turned, day=day, text=text, event_day=None)


def closed(entry: JournalEntry, worth: Money) -> JournalEntry:
    """The entry as it is sent: transit at `worth`, what the ledger gave it in base currency, gain or loss beside it."""
    closes = entry.closes
    if closes is None:
        return entry
    lines, off = [], 0
    for posting in entry.postings:
        if posting.role == TRANSIT:
            amount = worth if posting.amount.minor > 0 else -worth
            off += posting.amount.minor - amount.minor
            lines.append(replace(posting, amount=amount))
        else:
            lines.append(posting)
    if off:
        told = "currency loss" if off > 0 else "currency gain"
        first = lines[0]
        lines.append(
            Posting(
                closes.to, Money(off, entry.currency), "currency_difference", first.source, first.reference, told,
                closes.dimensions,
            )
        )  # fmt: skip
    debits_first = sorted(lines, key=lambda posting: posting.amount.minor < 0)
    return replace(entry, postings=tuple(debits_first), closes=None)


def joined(entries: Iterable[JournalEntry], *, text: str) -> JournalEntry:
    """Several entries of one day, currency, branch and ledger as one voucher, every line kept.

    Raises ValueError when they differ in one of these, or in what is done with VAT.
    """
    parts = list(entries)
    first = parts[0]
    same = {(part.day, part.currency, part.branch, part.ledger, part.vat_transaction) for part in parts}
    if len(same) != 1:
        raise ValueError("a voucher never mixes day, currency, branch, ledger or VAT handling")
    return replace(first, postings=tuple(posting for part in parts for posting in part.postings), text=text)


def summarised(entries: Iterable[JournalEntry], *, text: str, reference: str) -> JournalEntry:
    """Several entries as one voucher with one line per account, dimension, VAT and side.

    Debit and credit are kept apart (a refund does not shrink a sale). Net and VAT lines of one VAT id share a
    reference.
    """
    parts = list(entries)
    whole = joined(parts, text=text)
    sums: dict[tuple[object, ...], list[Posting]] = {}
    for posting in whole.postings:
        side = posting.amount.minor > 0
        key = (posting.account, posting.dimensions, posting.vat_code, posting.vat_id, posting.role, side)
        sums.setdefault(key, []).append(posting)
    marks: dict[tuple[str | None, bool], str] = {}
    lines = []
    for group in sums.values():
        first = group[0]
        mark = marks.setdefault((first.vat_code, first.amount.minor > 0), f"{reference}{len(marks):02d}")
        amount = Money(sum(posting.amount.minor for posting in group), whole.currency)
        lines.append(
            replace(first, amount=amount, source=reference, reference=mark, text=f"{first.role} ({len(group)})")
        )
    return replace(whole, postings=tuple(lines))
