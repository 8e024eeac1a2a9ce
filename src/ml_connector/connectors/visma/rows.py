"""Strict reading of one row of the ledger's answers: a field that is not what it should be is named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, NoReturn

from ml_connector.connectors.visma import observed
from ml_connector.connectors.visma.observed import text
from ml_connector.errors import Untranslatable
from ml_connector.finance.journal import Dimensions
from ml_connector.finance.money import CURRENCIES, Money, exponent

Row = Mapping[str, Any]


def dimensions(sub: Any) -> Dimensions:
    """The segments of a subaccount, by id."""
    if not isinstance(sub, Mapping):
        return ()
    found = []
    for one in rows_of(sub, "segments"):
        value = text(one.get("segmentValue")).strip()
        if value and whole_of(one, "segmentId"):
            found.append((number_of(one, "segmentId"), value))
    return tuple(sorted(found))


def inner(row: Row, name: str) -> Row:
    """An object inside a row; empty where there is none."""
    found = row.get(name)
    return found if isinstance(found, Mapping) else {}


def rows_of(row: Row, name: str) -> Iterator[Row]:
    """The rows inside a row; none where the field is missing."""
    found = row.get(name)
    if found is not None and not isinstance(found, list):
        fail(name, "is no list")
    for one in found or ():
        if not isinstance(one, Mapping):
            fail(name, "holds something that is no object")
        yield one


def given(row: Row, name: str) -> str:
    """A text that must be there, without the blanks around it."""
    return text(row.get(name)).strip() or fail(name, "is missing")


def currency_of(row: Row, name: str) -> str:
    """A currency of ISO 4217, written as itself or as an object with its id."""
    code = text(row.get(name))
    return code if code in CURRENCIES else fail(name, "is no currency of ISO 4217")


def day_of(row: Row, name: str) -> date | None:
    """The day of a date-time; None where there is none."""
    found = observed.day(row.get(name))
    try:
        read = date.fromisoformat(found) if found else None
    except ValueError:
        fail(name, "is no date")
    return read if read is None or read.year > 1900 else None  # an empty date comes as a very early one


def changed_at(row: Row) -> datetime | None:
    """The last change, as if it were UTC: the zone is not documented."""
    found = row.get("lastModifiedDateTime")
    try:
        read = datetime.fromisoformat(found) if isinstance(found, str) else None
        return None if read is None else read.replace(tzinfo=read.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def decimal_of(row: Row, name: str) -> Decimal:
    """A number, 0 where it is missing; as text too, never rounded."""
    found = row.get(name)
    if found is None:
        return Decimal(0)
    if isinstance(found, bool) or not isinstance(found, int | float | Decimal | str):
        fail(name, "is no number")
    try:
        read = Decimal(repr(found)) if isinstance(found, float) else Decimal(found)
    except InvalidOperation:
        fail(name, "is no number")
    return read if read.is_finite() and abs(read) < Decimal(10) ** 15 else fail(name, "is no usable number")


def money(amount: Decimal, currency: str) -> Money:
    """Half a minor unit and less is the noise of a double."""
    return Money(int(amount.scaleb(exponent(currency)).to_integral_value(ROUND_HALF_UP)), currency)


def number_of(row: Row, name: str) -> int:
    """A whole number that must be there."""
    found = whole_of(row, name)
    return fail(name, "is no whole number") if found is None else found


def whole_of(row: Row, name: str) -> int | None:
    """A whole number, as text too; None where it is something else."""
    found = row.get(name)
    if isinstance(found, str) and found.strip().isdecimal():
        found = int(found)
    return found if type(found) is int else None


def fail(name: str, what: str) -> NoReturn:
    """Raise Untranslatable naming the field."""
    raise Untranslatable(f"Visma's field {name} {what}.", field=name)
