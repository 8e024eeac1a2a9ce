"""Strict readers of one field each: what Stripe wrote, or Untranslatable naming the field. Pure.

Absent and null are the same to Stripe. A wrong type is never turned into a right one: amounts and times are integers.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal

from ml_connector.connectors import fields
from ml_connector.connectors.stripe.amounts import from_wire
from ml_connector.finance.money import Money

MAX_ID = 255
MAX_MINOR = 10**14
EARLIEST, LATEST = 946_684_800, 7_258_118_400  # 2000 to 2200: other times are no times of this business


def moment_of(seconds: object) -> datetime | None:
    """A time as Stripe writes it, as aware UTC; None when it is none."""
    if type(seconds) is not int or not EARLIEST <= seconds <= LATEST:
        return None
    return datetime.fromtimestamp(seconds, UTC)


def id_in(value: object) -> str | None:
    """An id, bare or of the whole object where it was expanded; None when it is none."""
    found = value.get("id") if isinstance(value, Mapping) else value
    return found if type(found) is str and 0 < len(found) <= MAX_ID and found.isprintable() else None


class Fields(fields.Fields):
    """One JSON object of a payload of Stripe's."""

    __slots__ = ()

    system = "Stripe"
    max_id = MAX_ID
    max_items = 1_000
    time_form = "time in seconds"

    def read_moment(self, value: object) -> datetime | None:
        return moment_of(value)

    def moment_or_none(self, key: str) -> datetime | None:
        """A time; 0 is none."""
        found = self.node.get(key)
        return None if type(found) is int and found == 0 else super().moment_or_none(key)

    def id_or_none(self, key: str) -> str | None:
        value = self.node.get(key)
        if value is None or value == "":
            return None
        return id_in(value) or self.fail(key, f"is no id (printable text up to {MAX_ID} characters)")

    def whole_or_none(self, key: str) -> int | None:
        """A whole number, within what an amount can be."""
        found = self.node.get(key)
        if found is None:
            return None
        if type(found) is not int or abs(found) > MAX_MINOR:
            self.fail(key, "is no whole number")
        return found

    def rate_or_none(self, key: str) -> Decimal | None:
        """A number with decimals; it was read as Decimal, never as a float."""
        found = self.node.get(key)
        if found is None:
            return None
        if type(found) is int:
            return Decimal(found)
        if not isinstance(found, Decimal) or not found.is_finite():
            self.fail(key, "is no number")
        return found

    def day_or_none(self, key: str) -> date | None:
        """The date of a time, in UTC: Stripe writes dates as midnight there."""
        found = self.moment_or_none(key)
        return None if found is None else found.date()

    def currency(self, key: str = "currency") -> str:
        """The currency of this object, in capitals."""
        text = self.text(key)
        try:
            return from_wire(0, text).currency
        except ValueError:
            self.fail(key, f"is {text[:10] or 'missing'}, no currency that we know")

    def money(self, key: str, currency: str) -> Money:
        """An amount that must be there, in this currency."""
        found = self.money_or_none(key, currency)
        return self.fail(key, "is missing") if found is None else found

    def money_or_none(self, key: str, currency: str) -> Money | None:
        minor = self.whole_or_none(key)
        if minor is None:
            return None
        try:
            return from_wire(minor, currency)
        except ValueError as wrong:
            self.fail(key, f"cannot be an amount: {wrong}")

    def positive(self, key: str, currency: str) -> Money:
        """An amount that must be there and not below zero."""
        found = self.money(key, currency)
        if found.minor < 0:
            self.fail(key, "is below zero")
        return found

    def expanded(self, key: str) -> Fields | None:
        """A nested object where it was expanded; None where its id stands alone, or nothing."""
        found = self.node.get(key)
        return Fields(found, self.path(key), self.record) if isinstance(found, Mapping) else None

    def marks(self, key: str = "metadata") -> dict[str, str]:
        """What the seller's systems wrote on the object; values that are no texts are left out."""
        found = self.node.get(key)
        if found is None:
            return {}
        if not isinstance(found, Mapping):
            self.fail(key, "is no JSON object")
        return {
            str(name): fields.UNPRINTABLE.sub(" ", value)[:500]
            for name, value in found.items()
            if type(value) is str and value
        }
