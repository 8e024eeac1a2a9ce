"""Sales orders and their advances, killed before or after any call or commit: made once, applied once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ml_connector.engine import clearing, reviewing
from tests.databases import Databases
from tests.engine.proofs import query
from tests.engine.shop_world import CLEARING, RECEIVABLE
from tests.engine.test_selling import ADVANCES, SellingWorld
from tests.engine.world import Killed

STEP = int(os.environ.get("CRASH_STEP", "41"))  # 1: every point; a prime keeps the chosen points spread over all kinds

pytestmark = [pytest.mark.slow, pytest.mark.trials]


def play(world: SellingWorld) -> None:
    """Two orders are paid; one is invoiced by a person, the other is given back before that."""
    for _ in range(3):
        world.look(900, step=150)
        happen(world)
    world.look(7_200, step=600)


def happen(world: SellingWorld) -> None:
    """The next thing that happens outside, once."""
    first, second = world.bought  # type: ignore[attr-defined]
    there = {one["order"]: one for one in world.orders()}
    sold, given = there.get(first["number"]), world.given  # type: ignore[attr-defined]
    if sold is not None and not sold["invoices"]:
        world.ledger("invoice_sales_order", number=sold["number"])
    elif sold is not None and not given:
        world.do("refund", order_id=second["id"], by_status=True)
        given.append(second["id"])


def opened(url: str, folder: Path) -> SellingWorld:
    folder.mkdir(parents=True, exist_ok=True)
    world = SellingWorld(url, folder)
    world.sell_by_order(corrections="automatic")
    world.bought = (world.order("125.00"), world.order("250.00"))  # type: ignore[attr-defined]
    world.given = []  # type: ignore[attr-defined]
    return world


def killed_at(world: SellingWorld, point: int) -> str | None:
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


def came_to(world: SellingWorld) -> dict[str, Any]:
    """What stands in the end on both sides."""
    return {
        "orders": [(one["order"], one["status"], one["total"]) for one in world.orders()],
        "balances": [world.balance(one) for one in (RECEIVABLE, ADVANCES, CLEARING["stripe"], "3001")],
        "unexplained": [one.unexplained.minor for one in clearing.statements(world.works, world.company_id)],
        "asked": [one.code for one in reviewing.open_items(world.works, world.workspace)],
        "writes": sorted((key, state) for key, _, state in world.writes(live=False)),
        "trips": sorted(query(world, "SELECT kind, state FROM trip")),
        "open attempts": query(world, "SELECT call FROM attempt WHERE outcome IS NULL OR outcome = 'unknown'"),
    }


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[Path]:
    return iter(tmp_path / str(n) for n in range(10_000))


def test_killed_anywhere_each_order_is_made_once_and_its_advance_applied_once(
    databases: Databases, folders: Iterator[Path]
) -> None:
    url = databases.new()
    world = opened(url, next(folders))
    play(world)
    expected = came_to(world)
    assert [one[1] for one in expected["orders"]] == ["Completed"]
    assert expected["balances"] == [0, 0, 12_500, -10_000]
    assert (expected["unexplained"], expected["asked"]) == ([0] * len(expected["unexplained"]), [])
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
