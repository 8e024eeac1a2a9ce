"""Money is exact."""

from __future__ import annotations

from decimal import Decimal

import iso4217
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.finance.money import CURRENCIES, Money, exponent, total

NO_MONEY = frozenset(
    "BOV CHE CHW CLF COU MXV USN UYI UYW XAD XAG XAU XBA XBB XBC XBD XDR XPD XPT XSU XTS XUA XXX".split()
)
"""Funds, bond units, metals and test codes of the standard: nothing that a shop takes."""
RETIRED = frozenset({"BGN"})
"""No longer issued, still on older records: Bulgaria took the euro in 2026."""


def test_the_table_of_currencies_equals_iso_4217() -> None:
    theirs = {one.code: one.exponent for one in iso4217.Currency}
    assert set(theirs) - NO_MONEY == CURRENCIES - RETIRED
    assert {code: exponent(code) for code in CURRENCIES & set(theirs)} == {
        code: theirs[code] for code in CURRENCIES & set(theirs)
    }


@pytest.mark.parametrize(
    ("text", "currency", "minor"), [("1.23", "EUR", 123), ("-0.01", "SEK", -1), ("5", "JPY", 5), ("1.234", "KWD", 1234)]
)
def test_a_decimal_becomes_minor_units_of_its_currency(text: str, currency: str, minor: int) -> None:
    money = Money.of(text, currency)
    assert money == Money(minor, currency)
    assert money.decimal() == Decimal(text)


@pytest.mark.parametrize(("text", "currency"), [("1.234", "EUR"), ("0.5", "JPY"), ("NaN", "EUR"), ("Infinity", "EUR")])
def test_more_decimals_than_the_currency_has_are_refused(text: str, currency: str) -> None:
    with pytest.raises(ValueError, match="decimals"):
        Money.of(text, currency)


def test_money_of_two_currencies_never_meets() -> None:
    euro, krona = Money(1, "EUR"), Money(1, "SEK")
    for together in (lambda: euro + krona, lambda: euro - krona, lambda: euro < krona, lambda: total([krona], "EUR")):
        with pytest.raises(ValueError, match="cannot be put together"):
            together()


@pytest.mark.parametrize("wrong", [1.0, True, "1", None])
def test_a_float_is_never_money(wrong: object) -> None:
    with pytest.raises(ValueError, match="whole number"):
        Money(wrong, "EUR")  # type: ignore[arg-type]


def test_a_word_is_not_a_currency() -> None:
    with pytest.raises(ValueError, match="ISO 4217"):
        Money(1, "EURO")


@given(st.integers(-(10**12), 10**12), st.lists(st.integers(0, 10**6), min_size=1, max_size=12))
def test_splitting_loses_nothing_and_is_fair(minor: int, weights: list[int]) -> None:
    parts = Money(minor, "EUR").split(weights)
    assert total(parts, "EUR") == Money(minor, "EUR")
    whole = sum(weights)
    for part, weight in zip(parts, weights, strict=True):
        assert not whole or abs(part.minor * whole - minor * weight) < whole


def test_negative_or_missing_weights_are_refused() -> None:
    for weights in ([], [1, -1]):
        with pytest.raises(ValueError, match="weights"):
            Money(1, "EUR").split(weights)


def test_money_compares_and_reads_well() -> None:
    assert sorted([Money(3, "EUR"), Money(1, "EUR")]) == [Money(1, "EUR"), Money(3, "EUR")]
    assert abs(-Money(5, "EUR")) == Money(5, "EUR")
    assert not Money.zero("EUR")
    assert str(Money(123456789, "EUR")) == "1,234,567.89 EUR"
