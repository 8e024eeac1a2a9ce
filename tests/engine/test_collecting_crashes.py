"""Both ways of the pair, killed before or after any call or commit on either database: sent once, booked once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ml_connector.engine import reviewing
from tests.databases import Databases
from tests.engine.collecting_world import FEES, RECEIVABLE, CollectingWorld
from tests.engine.proofs import query
from tests.engine.test_collecting_back import STRIPE, stripe_shows
from tests.engine.world import Killed

STEP = int(os.environ.get("CRASH_STEP", "67"))  # 1: every point; a prime keeps the chosen points spread over all kinds

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
    folder.mkdir(parents=True, exist_ok=True)
    world = CollectingWorld(url, folder)
    world.open_books()
    world.open_the_way_back()
    world.numbers = (world.invoice(1000), world.invoice(300))  # type: ignore[attr-defined]
    return world


def killed_at(world: CollectingWorld, point: int) -> str | None:
    """Play, die at this point, start again and play on. What it died in; None when the play ended before."""
    seen, died = 0, None

    def reached(moment: str, what: str) -> bool:
        nonlocal seen, died
        seen += 1
        if seen == point:
            died = f"{moment} {what}"
        return seen == point

    world.kill_when = reached
    try:
        play(world)
    except Killed:
        world.restart()
        play(world)
    world.kill_when = None
    return died


def came_to(world: CollectingWorld) -> dict[str, Any]:
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


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[Path]:
    return iter(tmp_path / str(n) for n in range(10_000))


def test_killed_anywhere_both_sides_end_alike(databases: Databases, folders: Iterator[Path]) -> None:
    url = databases.new()
    world = opened(url, next(folders))
    play(world)
    expected = came_to(world)
    assert expected["there"] == [(number, "paid") for number in world.numbers]  # type: ignore[attr-defined]
    assert (expected["open"], expected["clearing"], expected["asked"]) == ((0, 0), 0, [])
    world.close()
    step = STEP if databases.dialect == "sqlite" else 3 * STEP
    tried, point = 0, step // 2 + 1
    while True:
        url = databases.new()
        world = opened(url, next(folders))
        died = killed_at(world, point)
        if died is not None:
            assert came_to(world) == expected, f"killed at point {point}, {died}"
        world.close()
        databases.remove(url)
        if died is None:
            break
        tried, point = tried + 1, point + step
    assert tried > 1
