"""Readers of one field each: what Basware wrote, or Untranslatable naming the field. Pure.

Absent and null are the same; unknown fields and unknown words of a list are let through, as the contract asks.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from ml_connector.connectors import fields
from ml_connector.finance.money import CURRENCIES, Money, exponent

MAX_ROWS = 10_000
MOST = Decimal(10) ** 15
YEARS = range(1990, 2201)
NOISE = Decimal("0.000001")  # amounts are doubles there


def moment_of(value: object) -> datetime | None:
    """A time as aware UTC; one without a zone is taken as UTC. None when it is no time."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        read = datetime.fromisoformat(value)
    except ValueError:
        return None
    if read.year not in YEARS:
        return None
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)


class Fields(fields.Fields):
    """One JSON object of a document of Basware's."""

    __slots__ = ()

    system = "Basware"
    max_text = 4_000
    max_items = MAX_ROWS

    def read_moment(self, value: object) -> datetime | None:
        return moment_of(value)

    def needed(self, key: str) -> str:
        """A text that must be there."""
        return self.text(key).strip() or self.fail(key, "is missing")

    def number_or_none(self, key: str) -> Decimal | None:
        """A JSON number, exact as it was written."""
        found = self.node.get(key)
        if found is None:
            return None
        if type(found) is float:
            found = Decimal(repr(found))
        if type(found) not in (int, Decimal) or not Decimal(found).is_finite() or abs(found) > MOST:
            self.fail(key, "is no number")
        return Decimal(found)

    def whole_or_none(self, key: str) -> int | None:
        """A whole number."""
        found = self.number_or_none(key)
        if found is None:
            return None
        return int(found) if found == found.to_integral_value() else self.fail(key, "is no whole number")

    def money_or_none(self, key: str, currency: str) -> Money | None:
        """An amount: the noise of a double is cut, real digits beyond the currency's are refused."""
        found = self.number_or_none(key)
        if found is None:
            return None
        cut = round(found, exponent(currency))
        if abs(cut - found) > NOISE:
            self.fail(key, f"has more decimals than {currency} allows")
        return Money.of(cut, currency)

    def currency(self, key: str) -> str:
        """An ISO 4217 code that must be there."""
        found = self.needed(key)
        return found if found in CURRENCIES else self.fail(key, "is no currency of ISO 4217")

    def day_or_none(self, key: str) -> date | None:
        """A date: the part before the time as it is written, whatever zone stands behind it."""
        found = self.node.get(key)
        if found is None or found == "":
            return None
        try:
            day = date.fromisoformat(found[:10])
        except (TypeError, ValueError):
            self.fail(key, "is no date")
        return day if day.year in YEARS else self.fail(key, "is no date of these times")

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts."""
        found = self.node.get(key)
        if found is None:
            return ()
        if type(found) is not list or len(found) > MAX_ROWS or not all(type(one) is str for one in found):
            self.fail(key, "is no list of texts")
        return tuple(found)
