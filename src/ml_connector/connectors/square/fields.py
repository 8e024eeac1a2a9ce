"""Strict readers of one field each: what Square wrote, or Untranslatable naming the field. Pure.

Absent and null are the same to Square. A wrong type is never turned into a right one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import lru_cache

from ml_connector.connectors import fields
from ml_connector.finance.money import CURRENCIES, Money

# Decimals of the smallest unit in which Square states amounts, for the currencies it settles in. They are those of
# ISO 4217, which Square names as its rule for all others, so minor units pass unchanged; a test compares this table
# with finance.money.
EXPONENTS: Mapping[str, int] = {"AUD": 2, "CAD": 2, "EUR": 2, "GBP": 2, "JPY": 0, "USD": 2}

MAX_MINOR = 10**15  # more than any shop's books hold; a larger number is a broken record
MAX_ID = 300  # Square's longest documented id is 255 characters
# Square's payout example carries 1970; beyond these a date cannot be moved between time zones
YEARS = range(1970, 2201)

_LOOSE = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)[T ](?P<time>\d\d:\d\d:)(?P<second>\d\d)(?P<part>\.\d+)? ?"
    r"(?P<zone>Z|[+-]\d\d:?\d\d)?(?: UTC)?(?: M=[+-][\d.]+)?"
)


@lru_cache(maxsize=4096)  # a record says the same time several times, and each is asked for more than once
def moment_of(text: str) -> datetime | None:
    """A Square timestamp as aware UTC.

    RFC 3339 with 0 to 9 digits; no zone means UTC; also Go's ` +0000 UTC m=+1.5` form.

    None when it is no time at all.
    """
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        loose = _LOOSE.fullmatch(text.upper()) if len(text) <= 80 else None
        if loose is None:
            return None
        second = min(int(loose["second"]), 59)  # a leap second is booked with the second before it
        try:
            read = datetime.fromisoformat(
                f"{loose['day']}T{loose['time']}{second:02}{(loose['part'] or '')[:7]}{loose['zone'] or 'Z'}"
            )
        except ValueError:
            return None
    if read.year not in YEARS:
        return None
    if read.tzinfo is UTC:
        return read
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


class Fields(fields.Fields):
    """One JSON object of a payload of Square's."""

    __slots__ = ()

    system = "Square"
    max_id = MAX_ID
    time_form = "time in RFC 3339"

    def read_moment(self, value: object) -> datetime | None:
        return moment_of(value) if type(value) is str else None

    def whole(self, key: str) -> int:
        """A whole number, 0 when absent."""
        found = self.node.get(key)
        if found is None:
            return 0
        if type(found) is not int or abs(found) > MAX_MINOR:
            self.fail(key, "is no whole number of a sensible size")
        return found

    def day_or_none(self, key: str) -> date | None:
        found = self.node.get(key)
        if found is None or found == "":
            return None
        try:
            return date.fromisoformat(found)
        except (TypeError, ValueError):
            self.fail(key, "is no date (YYYY-MM-DD)")

    def money(self, key: str, currency: str | None = None, *, negative: bool = False) -> Money:
        """An amount that must be there, of this currency if one is given, below zero only where Square documents it."""
        found = self.money_or_none(key, currency, negative=negative)
        return self.fail(key, "is missing") if found is None else found

    def money_or_none(self, key: str, currency: str | None = None, *, negative: bool = False) -> Money | None:
        found = self.node.get(key)
        if found is None:
            return None
        if type(found) is not dict:
            self.fail(key, "is no amount of money")
        amount = found.get("amount")
        # payouts: the schema says one, the examples the other
        code = found.get("currency") or found.get("currency_code")
        if type(amount) is not int:
            self.fail(f"{key}.amount", "is no whole number of minor units")
        if not -MAX_MINOR <= amount <= MAX_MINOR:
            self.fail(f"{key}.amount", "is beyond any sensible amount")
        if amount < 0 and not negative:
            self.fail(f"{key}.amount", "is below zero")
        if type(code) is not str or code not in CURRENCIES:
            self.fail(f"{key}.currency", "is no currency of ISO 4217")
        if currency is not None and code != currency:
            self.fail(f"{key}.currency", f"is {code} where the record is in {currency}")
        return Money(amount, code)

    def minor(self, key: str, currency: str, *, negative: bool = False) -> int:
        """The minor units of an amount in this currency; 0 when absent."""
        found = self.money_or_none(key, currency, negative=negative)
        return 0 if found is None else found.minor
