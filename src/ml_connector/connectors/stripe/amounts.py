"""Stripe's minor units, which are not those of ISO 4217: one table, exact both ways, nothing rounded. Pure."""

from __future__ import annotations

from decimal import Decimal

from ml_connector.finance.money import CURRENCIES, Money

WHOLE = frozenset("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split())
HUNDREDFOLD = frozenset({"ISK", "UGX"})  # no decimals in use, yet counted in hundredths: 5 ISK is 500
THOUSANDTHS = frozenset("BHD JOD KWD OMR TND".split())  # the last digit must be 0; not every account may use them


def decimals_of(currency: str) -> int:
    """How many decimals Stripe counts a currency with."""
    return 0 if currency in WHOLE else 3 if currency in THOUSANDTHS else 2


def to_wire(amount: Money, *, thousandths: bool = False) -> int:
    """An amount as Stripe counts it. Raises ValueError where it cannot be said exactly.

    `thousandths`: the account may use currencies with three decimals.
    """
    currency = amount.currency
    if currency in THOUSANDTHS and not thousandths:
        raise ValueError(f"{currency} has three decimals, which must be allowed for this Stripe account first")
    scaled = amount.decimal().scaleb(decimals_of(currency))
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{amount} has more decimals than Stripe takes in {currency}")
    minor = int(scaled)
    if (currency in THOUSANDTHS and minor % 10) or (currency in HUNDREDFOLD and minor % 100):
        raise ValueError(f"{amount} has more decimals than Stripe takes in {currency}")
    return minor


def from_wire(minor: int, currency: str) -> Money:
    """An amount that Stripe counted, its currency in any case. Raises ValueError for what is none."""
    code = currency.upper()
    if code not in CURRENCIES:
        raise ValueError(f"{currency} is no currency of ISO 4217")
    return Money.of(Decimal(minor).scaleb(-decimals_of(code)), code)
