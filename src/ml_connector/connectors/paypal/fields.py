"""Strict readers of one field each: what PayPal wrote, or Untranslatable naming the field. Pure.

Absent and null are the same to PayPal. A wrong type is never turned into a right one: an amount is text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal

from ml_connector.connectors import fields
from ml_connector.finance.money import Money

# Decimals of PayPal's currencies, from its own currency reference: HUF and TWD are whole there, unlike in ISO 4217.
# A currency outside this table (ISK, all with three decimals) is none of PayPal's: the record is held.
EXPONENTS: Mapping[str, int] = {
    **dict.fromkeys("HUF JPY TWD".split(), 0),
    **dict.fromkeys(
        "AUD BRL CAD CHF CNY CZK DKK EUR GBP HKD ILS INR MXN MYR NOK NZD PHP PLN SEK SGD THB USD".split(), 2
    ),
}

MAX_ID = 300
MAX_VALUE = 32  # characters of an amount
YEARS = range(1998, 2201)  # PayPal's own; beyond these a date cannot be moved between time zones

_AMOUNT = re.compile(r"-?(\d{1,15}(\.\d{0,9})?|\.\d{1,9})")


def moment_of(text: str) -> datetime | None:
    """A time as PayPal writes it, as aware UTC: `Z`, `+00:00` and `+0000`, with or without parts of a second.

    None when it is no time, or one without a zone: the report's may be in the account's own zone, so none is assumed.
    """
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    if read.tzinfo is None or read.year not in YEARS:
        return None
    return read.astimezone(UTC)


def money_of(value: str, currency: str) -> Money | None:
    """A value in PayPal's decimals ("10", "10.5", "10.50"); None when it has more digits than the currency allows."""
    if currency not in EXPONENTS or len(value) > MAX_VALUE or not _AMOUNT.fullmatch(value):
        return None
    amount = Decimal(value)
    if amount != round(amount, EXPONENTS[currency]):
        return None
    return Money.of(amount, currency)


class Fields(fields.Fields):
    """One JSON object of a payload of PayPal's."""

    __slots__ = ()

    system = "PayPal"
    max_id = MAX_ID
    max_decimals = 18
    max_items = 1_000  # an invoice has at most 100 lines, 100 payments and 100 refunds
    time_form = "time in RFC 3339 with a zone"

    def read_moment(self, value: object) -> datetime | None:
        return moment_of(value) if type(value) is str else None

    def day_or_none(self, key: str) -> date | None:
        """A date; PayPal shows some as `2026-11-20Z` or with a time behind, which is cut."""
        found = self.node.get(key)
        if found is None or found == "":
            return None
        try:
            day = date.fromisoformat(found[:10])
        except (TypeError, ValueError, AttributeError):
            self.fail(key, "is no date (YYYY-MM-DD)")
        if day.year not in YEARS:
            self.fail(key, "is no date of this century")
        return day

    def money(self, key: str, currency: str | None = None) -> Money:
        """An amount that must be there, of this currency if one is given."""
        found = self.money_or_none(key, currency)
        return self.fail(key, "is missing") if found is None else found

    def money_or_none(self, key: str, currency: str | None = None) -> Money | None:
        """`{"currency_code": ..., "value": "..."}`; may be below zero."""
        found = self.node.get(key)
        if found is None:
            return None
        if not isinstance(found, Mapping):
            self.fail(key, "is no amount of money")
        return Fields(found, self.path(key), self.record).own_money(currency)

    def own_money(self, currency: str | None = None) -> Money:
        """The amount that this very object is."""
        code, value = self.node.get("currency_code"), self.node.get("value")
        if type(code) is not str or code not in EXPONENTS:
            self.fail("currency_code", "is no currency of PayPal")
        if currency is not None and code != currency:
            self.fail("currency_code", f"is {code} where everything else is {currency}")
        read = money_of(value, code) if type(value) is str else None
        if read is None:
            self.fail("value", f"is no amount of {code} in text form with {EXPONENTS[code]} decimals")
        return read

    def positive(self, key: str, currency: str | None = None) -> Money:
        """An amount that must be there and not below zero."""
        found = self.money(key, currency)
        if found.minor < 0:
            self.fail(key, "is below zero")
        return found

    def minor(self, key: str, currency: str) -> int:
        """The minor units of an amount in this currency; 0 when absent."""
        found = self.money_or_none(key, currency)
        return 0 if found is None else found.minor
