"""Instants as the pretend Basware keeps them: integer microseconds since 1970, UTC; ISO 8601 on the wire."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

from ml_connector_sandbox.core.instants import micros, stamp_ms

_DAY_ALONE = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})?")


def stamp(us: int) -> str:
    """`2026-02-03T10:00:05.123Z`, the form of lastUpdated."""
    return stamp_ms(us)


def is_date(text: str) -> bool:
    """Whether a text is a day, or a moment with or without a zone."""
    if not _DAY_ALONE.fullmatch(text) and not _MOMENT.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(_six_digits(text))
    except ValueError:
        return False
    return True


def normal_date(text: str) -> str:
    """How a date comes back: a bare day gets a midnight without a zone."""
    return f"{text}T00:00:00" if _DAY_ALONE.fullmatch(text) else text


def day(text: str) -> date:
    """The calendar day as written, whatever the zone."""
    return date.fromisoformat(text[:10])


def read(text: str) -> int:
    """A date filter as microseconds; without a zone it is UTC. ValueError when it is no date."""
    if not is_date(text):
        raise ValueError(f"{text!r} is no date-time such as 2026-02-03T10:00:00Z.")
    moment = datetime.fromisoformat(_six_digits(text))
    return micros(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _six_digits(text: str) -> str:
    return re.sub(r"\.(\d+)", lambda found: "." + found[1][:6].ljust(6, "0"), text)
