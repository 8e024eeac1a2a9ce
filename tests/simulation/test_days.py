"""Whole lives of a shop by seed: whatever broke on the way, at the end the books tell what happened, once.

More of them: SIMULATION_SEEDS=1000 (how many) and SIMULATION_FIRST=0 (where to begin). A failing seed is in the test's
name and replays by it.
"""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path

import pytest

from tests.databases import Databases, migrated
from tests.engine.proofs import expect_settled, query, turnover
from tests.simulation.days import Life

FIRST = int(os.environ.get("SIMULATION_FIRST", "1"))
SEEDS = int(os.environ.get("SIMULATION_SEEDS", "20"))

pytestmark = [pytest.mark.slow, pytest.mark.trials]


@pytest.mark.parametrize("seed", range(FIRST, FIRST + SEEDS))
def test_a_life(seed: int, tmp_path: Path) -> None:
    expect_a_life(seed, f"sqlite:///{tmp_path / 'main.db'}", tmp_path)


@pytest.mark.parametrize("seed", range(FIRST, FIRST + max(1, SEEDS // 5)))
def test_a_life_on_postgresql(seed: int, postgres_databases: Databases, tmp_path: Path) -> None:
    url = postgres_databases.new(migrated)
    expect_a_life(seed, url, tmp_path)
    postgres_databases.remove(url)


def expect_a_life(seed: int, url: str, folder: Path) -> None:
    """A life that ends with everything told, once."""
    life = Life(seed, url, folder)
    try:
        life.live()
        expect_settled(life.world, strays=True, waiting=life.mode == "per_payout")
        expect_truth(life)
    except BaseException as fault:
        fault.add_note("\n".join([f"seed {seed}, {life.mode}", *life.story]))
        raise
    finally:
        life.world.close()


def expect_truth(life: Life) -> None:
    """The processor's own sums and ours agree, where everything could be booked."""
    held = query(life.world, "SELECT kind, state, reason FROM trip WHERE state IN ('held', 'waiting')")
    if held:
        return
    truth = life.world.do("truth")["days"]
    ours = turnover(life.world)
    by_account: dict[str, int] = {}
    for (_, account), cents in ours.items():
        by_account[account] = by_account.get(account, 0) + cents
    assert by_account.get("6570", 0) == sum(row["fees"] for row in truth)
    # Square counts an invoice when it is paid, the ledger when it is issued; Square rounds each line half to even.
    unpaid = sum(round(Decimal(gross) / 5) for gross in life.bills.values())
    assert by_account.get("2611", 0) == vat_of(truth, "25") - unpaid
    assert by_account.get("2621", 0) == vat_of(truth, "12")
    assert -by_account.get("2820", 0) == sum(row["tips"] - row["refund_tips"] for row in truth)
    cash = sum(row["means"].get("cash", 0) - row["refund_means"].get("cash", 0) for row in truth)
    assert by_account.get("1910", 0) == cash


def vat_of(truth: list[dict[str, dict[str, int]]], rate: str) -> int:
    """What stands on the account of output VAT: a credit, so negative."""
    return sum(row["refund_vat"].get(rate, 0) - row["vat"].get(rate, 0) for row in truth)
