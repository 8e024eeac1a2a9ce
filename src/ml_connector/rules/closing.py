"""Which day an event is booked on when its own period is closed, or its VAT is already reported."""

from __future__ import annotations

from datetime import date, timedelta

from ml_connector.finance.chart import Chart, Period
from ml_connector.finance.plan import Finding
from ml_connector.finance.rulebook import Terms

GENERAL = frozenset({"general_ledger"})
CASH = frozenset({"general_ledger", "cash_management"})
CUSTOMER = frozenset({"general_ledger", "customer_ledger"})
CUSTOMER_CASH = frozenset({"general_ledger", "customer_ledger", "cash_management"})
SUPPLIER = frozenset({"general_ledger", "supplier_ledger"})
"""The sub-ledgers that must be open in the period, by kind of document."""


def is_open(period: Period, ledgers: frozenset[str]) -> bool:
    """Whether a document that touches these sub-ledgers can be booked in the period."""
    return period.active and not (ledgers & period.closed)


def booking_day(
    day: date, *, ledgers: frozenset[str], vat: bool, terms: Terms, chart: Chart, record: str
) -> tuple[date, Finding | None]:
    """The day to book on, and what stands against it.

    Reported VAT is always held: no policy may slip VAT into a return that went out, nor into the next one unseen.
    """
    if vat and terms.vat_reported_until is not None and day <= terms.vat_reported_until:
        return day, Finding(
            "vat-reported",
            f"VAT is reported up to {terms.vat_reported_until} and {record} of {day} carries VAT. "
            "Decide with your accountant in which return it belongs, then ignore it here or change the reported date.",
            "day",
        )
    period = chart.period_of(day)
    if period is not None and is_open(period, ledgers):
        return day, None
    if terms.late == "next_open":
        later = next_open(day, ledgers=ledgers, chart=chart)
        if later is not None:
            return later, None
    return day, closed_finding(day, period, ledgers=ledgers, record=record)


def day_to_take_back(
    day: date, *, ledgers: frozenset[str], vat_reported_until: date | None, chart: Chart
) -> date | None:
    """The day on which what was booked on `day` is taken back.

    The same where its period is open, else the first of the next open one. `vat_reported_until`, for what carries VAT:
    a return that went out is never changed, the next one is.
    """
    if vat_reported_until is not None and day <= vat_reported_until:
        day = vat_reported_until + timedelta(days=1)
    period = chart.period_of(day)
    return day if period is not None and is_open(period, ledgers) else next_open(day, ledgers=ledgers, chart=chart)


def next_open(day: date, *, ledgers: frozenset[str], chart: Chart) -> date | None:
    """The first day of the next period after `day` that is open to these sub-ledgers."""
    later = [period.starts_on for period in chart.periods if period.starts_on > day and is_open(period, ledgers)]
    return min(later, default=None)


def closed_finding(day: date, period: Period | None, *, ledgers: frozenset[str], record: str) -> Finding:
    """Why a record of this day cannot be booked in its period."""
    if period is None:
        return Finding(
            "period-missing",
            f"The ledger has no financial period for {day}, the day of {record}. Create the year in Visma, then plan "
            "again.",
            "day",
        )
    if not period.active:
        why = "is not active"
    else:
        closed = ", ".join(sorted(name.replace("_", " ") for name in ledgers & period.closed))
        why = f"is closed in {closed}"
    return Finding(
        "period-closed",
        f"Period {period.id} {why}, and {record} is of {day}. Open the period, or set late items to the next open "
        "period.",
        "day",
        {"late": "next_open"},
    )
