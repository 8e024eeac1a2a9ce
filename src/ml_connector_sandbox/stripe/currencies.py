"""Currencies as Stripe counts them: API minor units, odd ones, smallest and largest charge, made-up rates."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from ml_connector_sandbox.stripe.refusals import bad

_ZERO = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf"
_TWO = (
    "aed aud bgn brl cad chf czk dkk eur gbp hkd huf ils inr isk mad mxn myr nok nzd pen pln ron rsd sar sek sgd thb "
    "try twd ugx usd zar"
)
_THREE = "bhd jod kwd omr tnd"
DECIMALS = dict.fromkeys(_ZERO.split(), 0) | dict.fromkeys(_TWO.split(), 2) | dict.fromkeys(_THREE.split(), 3)
WHOLE_UNITS = {"isk", "ugx"}  # sent with two decimals that must be 00
WHOLE_PAYOUTS = {"huf", "twd"}
MINIMUMS = {
    "usd": 50, "eur": 50, "gbp": 30, "nok": 300, "sek": 300, "dkk": 250, "chf": 50, "pln": 200, "czk": 1500,
    "huf": 17500, "jpy": 50, "cad": 50, "aud": 50, "ron": 200, "mxn": 1000, "sgd": 50, "hkd": 400, "nzd": 50,
}  # fmt: skip
LARGEST = 99_999_999

# Units of EUR for one major unit; invented on purpose, so that nobody takes them for real rates.
_IN_EUR = {
    "eur": "1", "sek": "0.09", "nok": "0.085", "dkk": "0.134", "usd": "0.92", "gbp": "1.17", "chf": "1.05",
    "jpy": "0.006", "isk": "0.0067", "ugx": "0.00024", "huf": "0.0025", "kwd": "3", "pln": "0.23", "czk": "0.04",
}  # fmt: skip


def currency_of(text: str, *, param: str = "currency") -> str:
    """A known currency in lower case. Refused otherwise."""
    code = text.lower()
    if code not in DECIMALS:
        raise bad(
            f"Invalid currency: {text}. Stripe currently supports these: {', '.join(sorted(DECIMALS))}", param=param
        )
    return code


def check_amount(amount: int, currency: str, *, param: str = "amount") -> int:
    """The amount, if the currency can have it: whole units for ISK and UGX, tens for three decimals."""
    step = 100 if currency in WHOLE_UNITS else 10 if DECIMALS[currency] == 3 else 1
    if amount % step:
        text = f"Invalid amount {amount}: amounts in {currency.upper()} must be evenly divisible by {step}."
        raise bad(text, code="parameter_invalid_integer", param=param)
    return amount


def smallest(currency: str) -> int:
    """The smallest amount that can be charged."""
    return MINIMUMS.get(currency, 50 if DECIMALS[currency] != 3 else 500)


def usual_rate(source: str, target: str) -> Decimal:
    """Target per source in API amounts (`amount x rate = amount`), to six decimals."""
    ratio = Decimal(_IN_EUR.get(source, "0.5")) / Decimal(_IN_EUR.get(target, "0.5"))
    scaled = ratio * Decimal(10) ** (DECIMALS[target] - DECIMALS[source])
    return scaled.quantize(Decimal("0.000001"), ROUND_HALF_UP)


def times(amount: int, factor: Decimal) -> int:
    """An amount times a factor, rounded half up away from zero."""
    return int((amount * factor).quantize(Decimal(1), ROUND_HALF_UP))
