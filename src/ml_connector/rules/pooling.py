"""Which writes share one voucher in the ledger, when a pool is sealed, and the list of records that goes with it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from ml_connector.finance.journal import JournalEntry, joined, summarised
from ml_connector.finance.kinds import KINDS
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Content
from ml_connector.finance.rulebook import Mode, Terms
from ml_connector.rules.days import day_bounds
from ml_connector.rules.texts import clipped

LATE_LIMIT = timedelta(hours=1)  # so long a pool of a day that is over waits for records that are still to be planned
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run a text that begins so


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """One source record inside a summary voucher."""

    key: str
    source_id: str
    day: date
    amount: Money
    accounts: tuple[str, ...]


def pool_of(terms: Terms, entry: JournalEntry, *, location: str | None, payout: str | None) -> str | None:
    """The pool an entry waits in; None when it is posted alone.

    A pool never mixes ledger, branch, currency, business day or VAT handling. Entries whose VAT is rounded by the
    source stay apart from exact ones, because the ledger's check of VAT can only be turned off for a whole voucher.
    """
    if terms.mode == "per_record" or (terms.mode == "per_payout" and payout is None):
        return None
    exact = "vat" if entry.vat_is_exact() else "rounded"
    vat = exact if entry.vat_transaction else "plain"
    days = str(entry.day) if entry.event_day is None else f"{entry.day}/{entry.event_day}"
    shared = {"batch": "", "daily": location or "", "per_payout": payout or ""}[terms.mode]
    parts = (terms.code, "pool", terms.mode, days, entry.currency, entry.branch or "", entry.ledger or "", vat, shared)
    return ":".join(parts).rstrip(":")


def merge(entries: Sequence[JournalEntry], mode: Mode, *, reference: str, text: str) -> JournalEntry:
    """The pooled entries as one voucher: every record's own lines in `batch`, one line a place in the summary modes.

    `reference` (at most 10 characters) marks the lines of a summary.
    """
    if mode in {"batch", "per_record"}:
        return joined(entries, text=clipped(text))
    return summarised(entries, text=clipped(text), reference=reference)


def evidence_row(key: str, entry: JournalEntry) -> EvidenceRow:
    """The line of the list for one record's entry."""
    accounts = tuple(sorted({posting.account for posting in entry.postings}))
    return EvidenceRow(key, key.rsplit(":", 1)[-1], entry.event_day or entry.day, entry.turnover, accounts)


def evidence(rows: Iterable[EvidenceRow]) -> bytes:
    """The list of source records as CSV (UTF-8, CRLF), the attachment of a summary voucher.

    The last line is the sum.
    """
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(("key", "source id", "day", "amount", "currency", "accounts"))
    sums: dict[str, int] = {}
    count = 0
    for row in rows:
        amount = row.amount
        cells = (
            row.key,
            row.source_id,
            row.day.isoformat(),
            str(amount.decimal()),
            amount.currency,
            " ".join(row.accounts),
        )
        table.writerow([_safe(cell) if place in {0, 1, 5} else cell for place, cell in enumerate(cells)])
        sums[amount.currency] = sums.get(amount.currency, 0) + amount.minor
        count += 1
    for currency, minor in sorted(sums.items()):
        table.writerow(("total", str(count), "", str(Money(minor, currency).decimal()), currency, ""))
    return out.getvalue().encode()


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


@dataclass(frozen=True, slots=True)
class PoolName:
    """What a pool's name says."""

    code: str
    mode: Mode
    day: date
    location: str | None
    size: int | None = None  # how many fill it; None: as many as the terms say
    is_parcel: bool = False  # rows out of the ledger; else entries into it
    kind: str = "journal"  # of its writes


def parcel_of(terms: Terms, kind: str, content: Content) -> str | None:
    """Where rows wait that share a call because of their kind; None for those that do not."""
    what = KINDS[kind]
    if what.parcel is None:
        return None
    apart = (str(getattr(content, name)) for name in what.apart)
    return ":".join((terms.code, "parcel", kind, *apart)).rstrip(":")


def named(pool: str) -> PoolName:
    """Read a name that `pool_of` or `parcel_of` made."""
    parts = pool.split(":")
    if parts[1] == "parcel":
        return PoolName(parts[0], "batch", date.min, None, KINDS[parts[2]].parcel, is_parcel=True, kind=parts[2])
    mode = next(mode for mode in ("batch", "daily", "per_payout") if mode == parts[2])
    day = date.fromisoformat(parts[3].rpartition("/")[2])
    return PoolName(parts[0], mode, day, parts[8] if mode == "daily" and len(parts) > 8 else None)


def closes_at(
    terms: Terms, pool: str, *, opened_at: datetime, planning: bool = False, asked_at: datetime | None = None
) -> datetime:
    """When a pool is sealed whatever its size: at its age, or when the day it sums has ended and its grace is over.

    A day that was over when its pool was opened (a backfill, a till that was offline) gathers for the age of a batch,
    and while more records are being planned for up to an hour: else each round of planning made a voucher. What a
    person asked to have sent after it was opened has no age to wait for once all is planned; a day is summed whole all
    the same.
    """
    name = named(pool)
    by_age = opened_at + timedelta(seconds=terms.batch_age_s)
    if name.mode == "daily":
        ends = day_bounds(name.day, terms, name.location)[1] + timedelta(minutes=terms.day_grace_minutes)
        if opened_at < ends:
            return ends
        by_age = opened_at + LATE_LIMIT if planning else by_age
    asked = asked_at is not None and opened_at <= asked_at and not planning
    return opened_at if asked else by_age
