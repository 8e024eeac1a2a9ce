"""Instants as the pretend Square keeps them: integer microseconds since 1970, UTC; RFC 3339 on the wire."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from ml_connector_sandbox.core.instants import instant, micros, stamp_ms
from ml_connector_sandbox.square.faults import bad

_RFC3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})")


def stamp(us: int) -> str:
    """Millisecond RFC 3339, the form of payments, refunds and orders."""
    return stamp_ms(us)


def parse(text: str, field: str) -> int:
    """An RFC 3339 text with a zone as microseconds (more digits are cut). Refused with INVALID_TIME otherwise."""
    if _RFC3339.fullmatch(text):
        cut = re.sub(r"(\.\d{6})\d+", r"\1", text.upper())
        try:
            return micros(datetime.fromisoformat(cut))
        except ValueError:
            pass
    raise bad("INVALID_TIME", f"`{text}` is not an RFC 3339 timestamp with a time zone.", field=field)


def local_day(us: int, zone: str) -> date:
    """The calendar day at a place."""
    return instant(us).astimezone(ZoneInfo(zone)).date()


def local_micros(day: date, clock: time, zone: str) -> int:
    """A wall-clock time of a place as microseconds."""
    return micros(datetime.combine(day, clock, ZoneInfo(zone)).astimezone(UTC))
