"""Sales orders and their advances, killed before or after any call or commit: made once, applied once."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ml_connector.engine import clearing, reviewing
from tests.databases import Databases, migrated
from tests.engine.crash_walk import killed_everywhere, step
from tests.engine.proofs import query
from tests.engine.shop_world import CLEARING, RECEIVABLE
from tests.engine.test_selling import ADVANCES, SellingWorld

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
    sold, statuses = there.get(first["number"]), world.do("truth")["statuses"]
    if sold is not None and not sold["invoices"]:
        world.ledger("invoice_sales_order", number=sold["number"])
    elif sold is not None and "refunded" not in statuses:
        world.do("refund", order_id=second["id"], by_status=True)


def opened(url: str, folder: Path) -> SellingWorld:
    world = SellingWorld(url, folder)
    world.sell_by_order(corrections="automatic")
    world.bought = (world.order("125.00"), world.order("250.00"))  # type: ignore[attr-defined]
    return world


def came_to(world: SellingWorld, _said: str) -> dict[str, Any]:
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


def test_killed_anywhere_each_order_is_made_once_and_its_advance_applied_once(
    databases: Databases, tmp_path: Path
) -> None:
    each = step(41) if databases.dialect == "sqlite" else 3 * step(41)
    with closing(opened(databases.new(migrated), tmp_path)) as world:
        expected, tried = killed_everywhere(world, databases, play=play, again=play, came_to=came_to, each=each)
    assert [one[1] for one in expected["orders"]] == ["Completed"]
    assert expected["balances"] == [0, 0, 12_500, -10_000]
    assert (expected["unexplained"], expected["asked"]) == ([0] * len(expected["unexplained"]), [])
    assert tried > 1
