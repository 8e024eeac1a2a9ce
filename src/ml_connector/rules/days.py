"""On which business day something happened, and when a business day begins and ends.

The day is that of the location's clock, else the company's, shifted by the close-of-day offset (a bar that closes at
three in the morning books the night on the day before). A day has 23 or 25 hours when clocks change: never add 24.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from ml_connector.finance.rulebook import LocationTerms, Terms

_PLAIN = LocationTerms()


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def is_zone(name: str) -> bool:
    """Whether there is a time zone of this name."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def zone_of(terms: Terms, location: str | None) -> ZoneInfo:
    """The location's time zone, else the company's."""
    here = terms.locations.get(location or "", _PLAIN)
    return _zone(here.time_zone or terms.time_zone)


def business_day(moment: datetime, terms: Terms, location: str | None) -> date:
    """The business day on which `moment` (aware) falls at this location."""
    here = terms.locations.get(location or "", _PLAIN)
    return _day(moment, here.time_zone or terms.time_zone, here.close_of_day_minutes)


@lru_cache(maxsize=4_096)  # each record's moment is asked for five times until it is planned
def _day(moment: datetime, time_zone: str, close_of_day_minutes: int) -> date:
    local = moment.astimezone(_zone(time_zone))
    # The wall clock is shifted, not the instant: three in the morning is three in the morning on a DST day too.
    return (local.replace(tzinfo=None) - timedelta(minutes=close_of_day_minutes)).date()


def day_bounds(day: date, terms: Terms, location: str | None) -> tuple[datetime, datetime]:
    """When a business day begins and ends (aware UTC, end excluded)."""
    return _opens(day, terms, location), _opens(day + timedelta(days=1), terms, location)


def _opens(day: date, terms: Terms, location: str | None) -> datetime:
    here = terms.locations.get(location or "", _PLAIN)
    wall = datetime.combine(day, time()) + timedelta(minutes=here.close_of_day_minutes)
    return wall.replace(tzinfo=zone_of(terms, location)).astimezone(UTC)
