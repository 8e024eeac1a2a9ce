"""Instants as the pretend PayPal keeps them: integer microseconds since 1970, UTC; RFC 3339 on the wire."""

from __future__ import annotations

import re
from datetime import datetime

from ml_connector_sandbox.core.instants import micros, stamp_s
from ml_connector_sandbox.paypal.refusals import bad

# Seconds and zone are required, fractions are not: the pattern of every date_time in PayPal's files.
_RFC3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})")


def stamp(us: int) -> str:
    """Whole-second RFC 3339, the form of nearly everything."""
    return stamp_s(us)


def read(text: str) -> int:
    """An RFC 3339 text with seconds and zone as microseconds. ValueError otherwise."""
    if not _RFC3339.fullmatch(text):
        raise ValueError(f"{text!r} is no RFC 3339 time with seconds and zone, such as 2026-11-20T10:15:28Z.")
    return micros(datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text.upper())))


def parse(text: str, field: str, *, location: str = "query") -> int:
    """As `read`, refused with INVALID_PARAMETER_SYNTAX."""
    try:
        return read(text)
    except ValueError:
        what = "The value does not conform to the expected syntax of an Internet date and time."
        raise bad("INVALID_PARAMETER_SYNTAX", what, field=field, value=text, location=location) from None
