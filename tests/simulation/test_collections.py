"""Lives of a seller by seed: whatever broke on the way, ledger and Stripe say the same in the end, and once."""

from __future__ import annotations

import os
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from ml_connector.engine import clearing, reviewing
from ml_connector.store import audit_proof
from tests.databases import Databases, migrated
from tests.engine.proofs import query, states
from tests.engine.test_collecting_back import STRIPE, stripe_shows
from tests.simulation.collections import Collections

FIRST = int(os.environ.get("SIMULATION_FIRST", "1"))
SEEDS = int(os.environ.get("SIMULATION_SEEDS", "10"))

pytestmark = [pytest.mark.slow, pytest.mark.trials]


@pytest.mark.parametrize("seed", range(FIRST, FIRST + SEEDS))
def test_a_life_of_collecting(seed: int, tmp_path: Path) -> None:
    expect_a_life(seed, f"sqlite:///{tmp_path / 'main.db'}", tmp_path)


@pytest.mark.parametrize("seed", range(FIRST, FIRST + max(1, SEEDS // 5)))
def test_a_life_of_collecting_on_postgresql(seed: int, postgres_databases: Databases, tmp_path: Path) -> None:
    url = postgres_databases.new(migrated)
    expect_a_life(seed, url, tmp_path)
    postgres_databases.remove(url)


def expect_a_life(seed: int, url: str, folder: Path) -> None:
    """A life that ends with everything told, once."""
    life = Collections(seed, url, folder)
    try:
        life.live()
        expect_rest(life)
        expect_the_same_on_both_sides(life)
    except BaseException as fault:
        fault.add_note("\n".join([f"seed {seed}", *life.story]))
        raise
    finally:
        life.world.close()


def expect_rest(life: Collections) -> None:
    """Nothing is on its way, nobody is asked, and the audit chain is whole."""
    world = life.world
    asked = [(one.code, one.sentence) for one in reviewing.open_items(world.works, world.workspace)]
    assert asked == []
    assert {state for _, state in states(world)} <= {"posted", "ignored"}, states(world)
    assert query(world, "SELECT call, outcome FROM attempt WHERE outcome IS NULL OR outcome = 'unknown'") == []
    assert query(world, "SELECT key, state FROM submission WHERE state NOT IN ('done', 'cancelled')") == []
    for one in clearing.statements(world.works, world.company_id):
        assert one.unexplained.minor == 0, one
    with world.database.reading() as c:
        assert audit_proof.verify(c).ok


def expect_the_same_on_both_sides(life: Collections) -> None:
    """Each invoice is there once, as much is open of it as in the ledger, and clearing is what Stripe shows."""
    world = life.world
    there = {one["metadata"]["visma_invoice_no"]: one for one in world.there()}
    assert Counter(one["metadata"]["visma_invoice_no"] for one in world.there()).total() == len(there)
    assert "draft" not in {one["status"] for one in there.values()}
    for number, invoice in there.items():
        left = 0 if invoice["status"] == "void" else invoice["amount_remaining"]
        assert world.open_amount(number) * 100 == pytest.approx(left), (number, invoice["status"])
    assert set(life.fresh) <= set(there), "what nobody touched went out"
    assert Decimal(world.balance(STRIPE)) == stripe_shows(world)
