"""Amounts as the pretend PayPal keeps them: whole minor units inside, strings with PayPal's own decimals outside."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from ml_connector_sandbox.paypal.refusals import Json, unprocessable

# PayPal's currencies and their decimals. HUF and TWD are whole units here although ISO gives them two.
WHOLE_UNITS = frozenset({"HUF", "JPY", "TWD"})
CURRENCIES = WHOLE_UNITS | frozenset(
    "AUD BRL CAD CHF CNY CZK DKK EUR GBP HKD ILS MXN MYR NOK NZD PHP PLN SEK SGD THB USD".split()
)
_SYNTAX = re.compile(r"-?(?:\d+|\d*\.\d+)")  # the pattern of every `money.value` in PayPal's files

# How many Swedish kronor one unit costs, for conversions nobody gave a rate for. Invented, and fixed on purpose.
_KRONOR = {
    "AUD": "6.90", "BRL": "1.85", "CAD": "7.60", "CHF": "11.90", "CNY": "1.45", "CZK": "0.46", "DKK": "1.52",
    "EUR": "11.30", "GBP": "13.20", "HKD": "1.35", "HUF": "0.029", "ILS": "2.85", "JPY": "0.070", "MXN": "0.56",
    "MYR": "2.35", "NOK": "0.98", "NZD": "6.30", "PHP": "0.18", "PLN": "2.65", "SEK": "1", "SGD": "7.80",
    "THB": "0.30", "TWD": "0.33", "USD": "10.50",
}  # fmt: skip


def decimals(currency: str) -> int:
    """0 or 2."""
    return 0 if currency in WHOLE_UNITS else 2


def text(amount: int, currency: str) -> str:
    """Minor units as PayPal writes them: `1250.00`, `1250` for whole-unit currencies."""
    return str(Decimal(amount).scaleb(-decimals(currency)))


def wire(amount: int, currency: str) -> Json:
    """A PayPal money."""
    return {"currency_code": currency, "value": text(amount, currency)}


def minor(value: str, currency: str) -> int:
    """A decimal text as minor units. ValueError: no number, more decimals than the currency has, or no currency."""
    if currency not in CURRENCIES:
        raise ValueError(f"{currency} is no PayPal currency: use one of {', '.join(sorted(CURRENCIES))}.")
    if len(value) > 32 or not _SYNTAX.fullmatch(value):
        raise ValueError(f"{value!r} is no amount: write a string such as '1250.00'.")
    scaled = Decimal(value).scaleb(decimals(currency))
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{value} has more decimals than {currency} knows.")
    return int(scaled)


def percent_of(amount: int, percent: str | Decimal) -> int:
    """A share of an amount, half a unit up (away from zero)."""
    return half_up(Decimal(amount) * Decimal(percent) / 100)


def half_up(value: Decimal) -> int:
    """The nearest whole unit, halves away from zero."""
    return int(value.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def convert(amount: int, rate: Decimal, *, source: str, target: str) -> int:
    """An amount in another currency, rounded half up to its unit. `rate`: target units for one source unit."""
    return half_up(Decimal(amount).scaleb(-decimals(source)) * rate * Decimal(10) ** decimals(target))


def usual_rate(source: str, target: str) -> Decimal:
    """The built-in rate between two currencies, eight decimals."""
    return (Decimal(_KRONOR[source]) / Decimal(_KRONOR[target])).quantize(Decimal("0.00000001"))


def asked(money: Any, field: str) -> tuple[int, str]:
    """The amount of a payments request: above zero, in the decimals of its currency. Refused with PayPal's issues."""
    currency, value = str(money.get("currency_code")), str(money.get("value"))
    if currency not in CURRENCIES:
        raise unprocessable(
            "INVALID_CURRENCY_CODE", "Currency code is invalid or is not supported.",
            field=f"{field}/currency_code", value=currency,
        )  # fmt: skip
    try:
        amount = minor(value, currency)
    except ValueError:
        whole = currency in WHOLE_UNITS
        issue = "DECIMALS_NOT_SUPPORTED" if whole else "DECIMAL_PRECISION"
        text_ = "Currency does not support decimals." if whole else "At most two decimal places are allowed."
        raise unprocessable(issue, text_, field=f"{field}/value", value=value) from None
    if amount <= 0:
        raise unprocessable(
            "CANNOT_BE_ZERO_OR_NEGATIVE", "Must be greater than zero.", field=f"{field}/value", value=value
        )
    return amount, currency
