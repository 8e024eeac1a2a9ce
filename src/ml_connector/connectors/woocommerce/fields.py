"""Strict readers of one field each: what WooCommerce wrote, or Untranslatable naming the field. Pure.

Absent, null and "" are the same to WooCommerce where a number or an id is expected. Amounts are text with any number of
decimals; plugins write some as JSON numbers, which are taken digit by digit, never through a float.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

from ml_connector.connectors import fields
from ml_connector.finance.money import CURRENCIES

MAX_AMOUNT = Decimal(10**12)  # in major units: more than any shop's books hold
MAX_ID_DIGITS = 20  # MySQL's BIGINT UNSIGNED
YEARS = range(1970, 2201)
ZERO = Decimal(0)

_NUMBER = re.compile(r"-?\d{1,13}(\.\d{1,20})?")
_DIGITS = re.compile(rf"\d{{1,{MAX_ID_DIGITS}}}")
_TAG = re.compile(r"<[a-zA-Z/!][^<>]{0,500}>")


def moment_of(text: object) -> datetime | None:
    """A `_gmt` time as aware UTC: WooCommerce writes no zone there and means UTC. None when it is no time at all."""
    if type(text) is not str or len(text) > 40:
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    if read.year not in YEARS:
        return None
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


def id_of(value: object) -> str | None:
    """A WordPress id as text: a whole number above zero, as number or digits. None for anything else."""
    if type(value) is int:
        return str(value) if 0 < value < 10**MAX_ID_DIGITS else None
    if type(value) is str and _DIGITS.fullmatch(value) and value.isascii():
        return str(int(value)) if int(value) else None
    return None


def number_of(value: object) -> Decimal | None:
    """A decimal number from text, int or Decimal; None for anything else, floats too."""
    if type(value) is str:
        text = value.strip()
        return Decimal(text) if text.isascii() and _NUMBER.fullmatch(text) else None
    if type(value) is int:
        return Decimal(value) if abs(value) < MAX_AMOUNT else None
    return value if isinstance(value, Decimal) and value.is_finite() and abs(value) < MAX_AMOUNT else None


def plain(text: str) -> str:
    """Shop text without markup: product names and labels hold entities and tags."""
    return " ".join(_TAG.sub(" ", html.unescape(text)).split())


class Fields(fields.Fields):
    """One JSON object of a payload of WooCommerce's."""

    __slots__ = ()

    system = "WooCommerce"

    def read_moment(self, value: object) -> datetime | None:
        return moment_of(value)

    def id_or_none(self, key: str) -> str | None:
        """An id; 0, "" and null say that there is none (a guest, a deleted product)."""
        value = self.node.get(key)
        if value is None or value == "" or (type(value) in (int, str) and str(value) == "0"):
            return None
        found = id_of(value)
        return self.fail(key, "is no id") if found is None else found

    def text(self, key: str) -> str:
        """A text, empty when absent; a number is its digits."""
        found = self.node.get(key)
        if type(found) is str and len(found) <= self.max_text and found.isprintable():
            return found  # nearly always
        if type(found) is int:
            return str(found) if abs(found) < MAX_AMOUNT else self.fail(key, "is no text")
        return super().text(key)

    def number(self, key: str) -> Decimal:
        """A number, 0 when absent or empty."""
        found = self.number_or_none(key)
        return ZERO if found is None else found

    def number_or_none(self, key: str) -> Decimal | None:
        """A number; None when absent, null or "" (WooCommerce's way to say nothing)."""
        value = self.node.get(key)
        if value is None or (type(value) is str and not value.strip()):
            return None
        found = number_of(value)
        return self.fail(key, "is no decimal number") if found is None else found

    def needed_number(self, key: str) -> Decimal:
        """A number that must be there."""
        found = self.number_or_none(key)
        return self.fail(key, "is missing") if found is None else found

    def currency(self, key: str) -> str:
        found = self.node.get(key)
        if type(found) is not str or found not in CURRENCIES:
            self.fail(key, "is no currency of ISO 4217")
        return found

    def part(self, key: str) -> Fields:
        """A nested object; an empty one when absent. PHP writes an empty object as an empty list."""
        return Fields({}, self.path(key), self.record) if self.node.get(key) == [] else super().part(key)

    def parts(self, key: str, *, most: int | None = None) -> Iterator[Fields]:
        """A list of objects; none when absent. PHP writes a list with holes in it as an object."""
        found = self.node.get(key)
        if type(found) is dict and all(type(name) is str and name.isdecimal() for name in found):
            whole = Fields({key: list(found.values())}, self.where, self.record)
            return whole.parts(key, most=most)
        return super().parts(key, most=most)
