"""From what a recipe made to a verdict: held, pooled, too old, at a place nobody has mapped."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from ml_connector.finance.journal import JournalEntry
from ml_connector.finance.plan import Finding, Hold, Ignore, Plan, PlannedWrite, Related, Verdict
from ml_connector.finance.rulebook import Terms
from ml_connector.flows import square_needs as need
from ml_connector.rules.bookkeeping import Books
from ml_connector.rules.days import business_day
from ml_connector.rules.findings import blocking, location_unmapped
from ml_connector.rules.pooling import pool_of
from ml_connector.rules.texts import begun


def verdict(made: Plan) -> Verdict:
    """Held when anything blocks, ignored when nothing is of value, else the plan."""
    stops = blocking(made.findings)
    if stops:
        return Hold(stops)
    return made if made.writes else Ignore("nothing of value is in it")


def pooled(made: Plan, books: Books, *, location: str | None, payout: str | None) -> Verdict:
    """Anonymous sales and refunds may share a voucher; everything else is posted alone."""
    if blocking(made.findings) or books.terms.mode == "per_record":
        return verdict(made)
    writes = tuple(_in_pool(write, books.terms, location=location, payout=payout) for write in made.writes)
    return verdict(Plan(writes, made.findings))


def before_go_live(moment: datetime, location: str | None, terms: Terms) -> Ignore | None:
    """Ignored, when it happened before the day from which we book."""
    if not need.before_go_live(moment, location, terms):
        return None
    return Ignore(too_old(business_day(moment, terms, location), terms))


def unmapped(location: str | None, terms: Terms) -> Finding | None:
    """The finding for a place nobody has mapped yet."""
    return location_unmapped(location) if location and location not in terms.locations else None


def booked_day(key: str, related: Related) -> date | None:
    """The day under which this very write was booked before."""
    content = related.posted.get(key)
    day = getattr(content, "event_day", None) or getattr(content, "day", None)
    return day if isinstance(day, date) else None


def too_old(day: date, terms: Terms) -> str:
    """Why something from before go-live is not booked."""
    return f"it is of {day}, before the go-live day {terms.go_live}"


def no_order(record: str) -> Finding:
    """Nothing tells what was sold."""
    return Finding(
        "order-missing",
        f"{begun(record)} names no order, so its lines and VAT are unknown. Book it by hand and ignore it here.",
        "order",
    )


def _in_pool(write: PlannedWrite, terms: Terms, *, location: str | None, payout: str | None) -> PlannedWrite:
    if not isinstance(write.content, JournalEntry):
        return write
    return replace(write, pool=pool_of(terms, write.content, location=location, payout=payout))
