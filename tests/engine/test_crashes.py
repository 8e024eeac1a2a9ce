"""Killed before or after any call or commit and started again: every record stands in the ledger exactly once."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ml_connector.finance.rulebook import Mode
from tests.databases import Databases, migrated
from tests.engine.crash_walk import killed_everywhere, step
from tests.engine.proofs import expect_settled, lines_in_ledger
from tests.engine.world import World

pytestmark = [pytest.mark.slow, pytest.mark.trials]


def open_shop(url: str, folder: Path, mode: Mode) -> World:
    """A shop that has sold for cash and card, given back, sent an invoice and been paid out, none of it read yet."""
    world = World(url, folder)
    world.set_up(mode=mode, batch_size=2, batch_age_s=120)
    world.clock.advance(3 * 3600)
    sale = world.sell(tip=1000)
    world.clock.advance(20)
    world.sell(lines=[{"amount": 5000, "tax": "25"}], tenders=[{"means": "cash", "amount": 2000}, {"means": "card"}])
    world.sell(lines=[{"amount": 3000, "tax": "12"}])
    world.do("refund", payment_id=sale["payment_ids"][0], lines=[{"index": 0, "quantity": "1"}])
    bill = world.do(
        "invoice", customer={"given_name": "Ann", "email_address": "a@shop.example"},
        lines=[{"amount": 9900, "tax": "25"}], due_date="2026-04-10",
    )  # fmt: skip
    world.do("invoice_pay", invoice_id=bill["invoice_id"])
    world.clock.advance(60)
    world.do("payout")
    world.clock.advance(60)
    return world


def play(world: World) -> None:
    """Time passes until all is posted."""
    for _ in range(4):
        world.run()
        world.clock.advance(150)
    for _ in range(3):
        world.clock.advance(400)
        world.run()


def came_to(world: World, said: str) -> Counter[tuple[Any, ...]]:
    """What stands in the ledger, once everything is proven."""
    expect_settled(world, said)
    return lines_in_ledger(world)


@pytest.mark.parametrize("mode", ["per_record", "batch"])
def test_killed_anywhere_everything_is_in_the_ledger_once(mode: Mode, databases: Databases, tmp_path: Path) -> None:
    each = step(37) if databases.dialect == "sqlite" else 3 * step(37)
    with closing(open_shop(databases.new(migrated), tmp_path, mode)) as world:
        _, tried = killed_everywhere(world, databases, play=play, again=play, came_to=came_to, each=each)
    assert tried > 2
