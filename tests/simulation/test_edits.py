"""Whole lives of a shop whose orders change after they were booked: the books end as the last word of the shop."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.engine.proofs import expect_settled, query
from tests.engine.shop_world import RECEIVABLE, VAT_25
from tests.simulation.edits import Edits
from tests.simulation.test_days import FIRST

SEEDS = int(os.environ.get("SIMULATION_SEEDS", "12"))

pytestmark = [pytest.mark.slow, pytest.mark.trials]


@pytest.mark.parametrize("seed", range(FIRST, FIRST + SEEDS))
def test_a_life_of_changes(seed: int, tmp_path: Path) -> None:
    life = Edits(seed, f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
    try:
        life.live()
        expect_settled(life.world, strays=True)
        expect_the_last_word(life)
    except BaseException as fault:
        fault.add_note("\n".join([f"seed {seed}, {life.corrections}", *life.story]))
        raise
    finally:
        life.world.close()


def expect_the_last_word(life: Edits) -> None:
    """Each order that stands is booked as it is now, and one that was taken back not at all."""
    known = life.trips()
    assert known.keys() == life.gross.keys(), "every order was read"
    held = query(
        life.world, "SELECT kind, state, reason FROM trip WHERE state NOT IN ('posted', 'reversed', 'ignored')"
    )
    assert held == []
    standing = sum(gross for number, gross in life.gross.items() if known[number][1] == "posted")
    assert life.world.balance("1583") == standing
    assert life.world.balance(VAT_25) == -standing // 5
    assert life.world.balance(RECEIVABLE) == 0
