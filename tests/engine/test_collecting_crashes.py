"""Both ways of the pair, killed before or after any call or commit on either database: sent once, booked once."""

from __future__ import annotations

from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ml_connector.engine import reviewing
from tests.databases import Databases, migrated
from tests.engine.collecting_world import FEES, RECEIVABLE, CollectingWorld
from tests.engine.crash_walk import killed_everywhere, step
from tests.engine.proofs import query
from tests.engine.test_collecting_back import STRIPE, stripe_shows

pytestmark = [pytest.mark.slow, pytest.mark.trials]


def play(world: CollectingWorld) -> None:
    """What was written goes out; one of the two is paid there and charged back; the other is paid at the bank."""
    for _ in range(3):
        world.look(seconds=400, step=40)
        happen(world)
    world.look(seconds=2_400, step=200)


def happen(world: CollectingWorld) -> None:
    """The next thing that happens outside, once."""
    there = {one["metadata"]["visma_invoice_no"]: one for one in world.there() if one["status"] != "draft"}
    charges = world.at_stripe("truth")["states"]["charge"]
    first, second = world.numbers  # type: ignore[attr-defined]
    if first in there and not charges:
        world.at_stripe("pay", invoice_id=there[first]["id"], fee=2_500)
    elif charges and not world.at_stripe("truth")["states"]["dispute"]:
        world.at_stripe("dispute", charge_id=next(iter(charges)), reason="fraudulent", fee=150_00)
    if second in there and there[second]["status"] == "open" and world.open_amount(second):
        world.pay_to_bank(second, world.open_amount(second))


def opened(url: str, folder: Path) -> CollectingWorld:
    world = CollectingWorld(url, folder)
    world.open_books()
    world.open_the_way_back()
    world.numbers = (world.invoice(1000), world.invoice(300))  # type: ignore[attr-defined]
    return world


def came_to(world: CollectingWorld, _said: str) -> dict[str, Any]:
    """What stands in the end on both sides."""
    first, second = world.numbers  # type: ignore[attr-defined]
    return {
        "there": sorted((one["metadata"]["visma_invoice_no"], one["status"]) for one in world.there()),
        "open": (world.open_amount(first), world.open_amount(second)),
        "clearing": Decimal(world.balance(STRIPE)) - stripe_shows(world),
        "accounts": [world.balance(account) for account in (STRIPE, FEES, RECEIVABLE, "1521", "6571")],
        "asked": [one.code for one in reviewing.open_items(world.works, world.workspace)],
        "writes": sorted(state for state in world.keys().values()),
        "open attempts": query(world, "SELECT call FROM attempt WHERE outcome IS NULL OR outcome = 'unknown'"),
    }


def test_killed_anywhere_both_sides_end_alike(databases: Databases, tmp_path: Path) -> None:
    each = step(67) if databases.dialect == "sqlite" else 3 * step(67)
    with closing(opened(databases.new(migrated), tmp_path)) as world:
        expected, tried = killed_everywhere(world, databases, play=play, again=play, came_to=came_to, each=each)
    assert expected["there"] == [(number, "paid") for number in world.numbers]  # type: ignore[attr-defined]
    assert (expected["open"], expected["clearing"], expected["asked"]) == ((0, 0), 0, [])
    assert tried > 1
