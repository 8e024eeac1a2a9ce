"""From what a recipe made to a verdict, for every pair: held, pooled, or too old to be booked."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from ml_connector.finance.journal import JournalEntry
from ml_connector.finance.plan import Hold, Ignore, Plan, PlannedWrite, Related, Verdict
from ml_connector.finance.rulebook import Terms
from ml_connector.rules.bookkeeping import Books
from ml_connector.rules.days import business_day
from ml_connector.rules.findings import blocking
from ml_connector.rules.pooling import pool_of


def verdict(made: Plan) -> Verdict:
    """Held when anything blocks, ignored when nothing is of value, else the plan."""
    stops = blocking(made.findings)
    if stops:
        return Hold(stops)
    return made if made.writes else Ignore("nothing of value is in it")


def pooled(made: Plan, books: Books, *, location: str | None, payout: str | None) -> Verdict:
    """Anonymous sales and refunds may share a voucher, and fees; every document of a customer is posted alone."""
    if blocking(made.findings) or books.terms.mode == "per_record":
        return verdict(made)
    writes = tuple(_in_pool(write, books.terms, location=location, payout=payout) for write in made.writes)
    return verdict(Plan(writes, made.findings))


def is_before_go_live(moment: datetime, location: str | None, terms: Terms) -> bool:
    """Whether something happened before the day from which we book."""
    return terms.go_live is not None and business_day(moment, terms, location) < terms.go_live


def before_go_live(moment: datetime, location: str | None, terms: Terms) -> Ignore | None:
    """Ignored, when it happened before the day from which we book."""
    if not is_before_go_live(moment, location, terms):
        return None
    return Ignore(too_old(business_day(moment, terms, location), terms))


def too_old(day: date, terms: Terms) -> str:
    """Why something from before go-live is not booked."""
    return f"it is of {day}, before the go-live day {terms.go_live}"


def booked_day(key: str, related: Related) -> date | None:
    """The day under which this very write was booked before."""
    content = related.posted.get(key)
    day = getattr(content, "event_day", None) or getattr(content, "day", None)
    return day if isinstance(day, date) else None


def _in_pool(write: PlannedWrite, terms: Terms, *, location: str | None, payout: str | None) -> PlannedWrite:
    if not isinstance(write.content, JournalEntry):
        return write
    return replace(write, pool=pool_of(terms, write.content, location=location, payout=payout))
