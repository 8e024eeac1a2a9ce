"""How many calls a round of sending makes."""

from __future__ import annotations

import pytest

from ml_connector.engine.sending import stride


def test_a_quick_ledger_gets_long_rounds_up_to_a_limit() -> None:
    assert stride(32, 0.04) == 200


def test_a_ledger_of_human_speed_gets_what_two_seconds_take() -> None:
    assert stride(32, 1.0) == 64


def test_a_slow_ledger_never_gets_rounds_shorter_than_the_first() -> None:
    assert stride(32, 30.0) == 32


@pytest.mark.parametrize("calls", [1, 32, 200])
def test_a_clock_that_stands_still_divides_nothing_by_zero(calls: int) -> None:
    assert 32 <= stride(calls, 0.0) <= 200
