"""Strict readers of one field each: what PayPal wrote, or Untranslatable naming the field. Pure.

Absent and null are the same to PayPal. A wrong type is never turned into a right one: an amount is text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, NoReturn

from ml_connector.errors import Untranslatable
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
MAX_TEXT = 10_000
MAX_ITEMS = 1_000  # an invoice has at most 100 lines, 100 payments and 100 refunds
MAX_VALUE = 32  # characters of an amount
YEARS = range(1998, 2201)  # PayPal's own; beyond these a date cannot be moved between time zones

_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_AMOUNT = re.compile(r"-?(\d{1,15}(\.\d{0,9})?|\.\d{1,9})")
_DECIMAL = re.compile(r"-?\d{1,12}(\.\d{1,18})?")


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


class Fields:
    """One JSON object of a payload, `where` it stands ("items[0]"; empty: the top) and whose it is."""

    __slots__ = ("node", "record", "where")

    def __init__(self, node: object, where: str = "", record: str | None = None) -> None:
        self.where = where
        self.record = record
        if not isinstance(node, Mapping):
            path = where or "(payload)"
            raise Untranslatable(f"{where or 'The payload'} is no JSON object.", field=path, record=record)
        self.node: Mapping[str, Any] = node

    def path(self, key: str) -> str:
        """The dotted path of a field of this object."""
        return f"{self.where}.{key}" if self.where else key

    def fail(self, key: str, what: str) -> NoReturn:
        """Raise Untranslatable: the field `what` ("is no text")."""
        path = self.path(key)
        raise Untranslatable(f"PayPal's field {path} {what}.", field=path, record=self.record)

    def id(self, key: str) -> str:
        """An id that must be there. Opaque: PayPal's own patterns for them do not hold."""
        found = self.id_or_none(key)
        return self.fail(key, "is missing") if found is None else found

    def id_or_none(self, key: str) -> str | None:
        found = self.node.get(key)
        if found is None or found == "":
            return None
        if type(found) is not str or len(found) > MAX_ID or not found.isprintable():
            self.fail(key, f"is no id (printable text up to {MAX_ID} characters)")
        return found

    def text(self, key: str) -> str:
        """A text, empty when absent; characters no database takes become spaces."""
        found = self.node.get(key)
        if found is None:
            return ""
        if type(found) is not str or len(found) > MAX_TEXT:
            self.fail(key, f"is no text of up to {MAX_TEXT} characters")
        return found if found.isprintable() else _UNPRINTABLE.sub(" ", found)

    def flag(self, key: str) -> bool:
        found = self.node.get(key)
        if found is not None and type(found) is not bool:
            self.fail(key, "is neither true nor false")
        return bool(found)

    def decimal_or_none(self, key: str) -> Decimal | None:
        """A number that PayPal writes as text ("7.25")."""
        found = self.node.get(key)
        if found is None or found == "":
            return None
        read = _decimal(found) if type(found) is str else None
        return self.fail(key, "is no decimal number in text form") if read is None else read

    def moment(self, key: str) -> datetime:
        """A time that must be there."""
        found = self.moment_or_none(key)
        return self.fail(key, "is missing") if found is None else found

    def moment_or_none(self, key: str) -> datetime | None:
        found = self.node.get(key)
        if found is None or found == "":
            return None
        read = moment_of(found) if type(found) is str else None
        return self.fail(key, "is no time in RFC 3339 with a zone") if read is None else read

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

    def part(self, key: str) -> Fields:
        """A nested object; an absent one is empty, so that what it must hold is missed by its own path."""
        found = self.node.get(key)
        return Fields({} if found is None else found, self.path(key), self.record)

    def part_or_none(self, key: str) -> Fields | None:
        """A nested object."""
        found = self.node.get(key)
        return None if found is None else Fields(found, self.path(key), self.record)

    def parts(self, key: str) -> Iterator[Fields]:
        """A list of objects; none when absent or empty."""
        found = self.node.get(key)
        if found is None:
            return
        if type(found) is not list or len(found) > MAX_ITEMS:
            self.fail(key, f"is no list of up to {MAX_ITEMS} objects")
        where = self.path(key)
        for place, one in enumerate(found):
            yield Fields(one, f"{where}[{place}]", self.record)


@lru_cache(maxsize=4096)
def _decimal(text: str) -> Decimal | None:
    return Decimal(text) if _DECIMAL.fullmatch(text) else None
