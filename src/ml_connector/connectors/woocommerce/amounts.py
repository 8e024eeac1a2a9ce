"""Exact shares of decimal amounts: rounded to the currency once, so that the parts make the stated whole. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal

from ml_connector.finance.money import exponent

ONE = Decimal(1)


def scaled(amount: Decimal, currency: str) -> Decimal:
    """Major units as (unrounded) minor units."""
    return amount.scaleb(exponent(currency))


def rounded(minor: Decimal) -> int:
    """The nearest whole minor unit; a half goes away from zero, as PHP rounds."""
    return int(minor.quantize(ONE, rounding=ROUND_HALF_UP))


def apportion(amounts: Sequence[Decimal], target: int) -> list[int]:
    """Whole minor units for amounts that carry more decimals, so that they sum to `target` where rounding alone can.

    Only amounts with a fraction move, by less than one unit, the largest fractions up first. Where that cannot reach
    the target each is rounded by itself: the difference is then not one of rounding, and stays to be told.
    """
    floors = [int(amount.to_integral_value(rounding=ROUND_FLOOR)) for amount in amounts]
    rests = [(amount - floor, place) for place, (amount, floor) in enumerate(zip(amounts, floors, strict=True))]
    movable = sorted((rest for rest in rests if rest[0]), key=lambda rest: (-rest[0], rest[1]))
    missing = target - sum(floors)
    if not 0 <= missing <= len(movable):
        return [rounded(amount) for amount in amounts]
    for _, place in movable[:missing]:
        floors[place] += 1
    return floors
