"""Killed before or after any call or commit and started again: every record stands in the ledger exactly once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ml_connector.finance.rulebook import Mode
from tests.databases import Databases
from tests.engine.proofs import expect_settled, lines_in_ledger
from tests.engine.world import Killed, World

STEP = int(os.environ.get("CRASH_STEP", "37"))  # 1: every point; a prime keeps the chosen points spread over all kinds

pytestmark = [pytest.mark.slow, pytest.mark.trials]


def open_shop(url: str, folder: Path, mode: Mode) -> World:
    """A shop that has sold for cash and card, given back, sent an invoice and been paid out, none of it read yet."""
    folder.mkdir(parents=True, exist_ok=True)
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


def killed_at(world: World, point: int) -> str | None:
    """Play, die at this point, start again and play on. What it died in; None when the play ended before."""
    seen = 0
    died = None

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


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[Path]:
    return iter(tmp_path / str(n) for n in range(10_000))


@pytest.mark.parametrize("mode", ["per_record", "batch"])
def test_killed_anywhere_everything_is_in_the_ledger_once(
    mode: Mode, databases: Databases, folders: Iterator[Path]
) -> None:
    url = databases.new()
    world = open_shop(url, next(folders), mode)
    play(world)
    expected: Any = lines_in_ledger(world)
    expect_settled(world)
    world.close()
    databases.remove(url)
    step = STEP if databases.dialect == "sqlite" else 3 * STEP
    point = step // 2 + 1
    tried = 0
    while True:
        url = databases.new()
        world = open_shop(url, next(folders), mode)
        died = killed_at(world, point)
        if died is not None:
            expect_settled(world, f"killed at point {point}, {died}")
            assert lines_in_ledger(world) == expected, f"killed at point {point}, {died}"
        world.close()
        databases.remove(url)
        if died is None:
            break
        tried += 1
        point += step
    assert tried > 2
