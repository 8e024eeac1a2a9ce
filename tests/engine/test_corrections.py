"""Records of several writes that are corrected or taken back: each reversal after what stands on it is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.proofs import expect_settled, questions
from tests.engine.shop_world import RECEIVABLE, VAT_25, ShopWorld

Open = Callable[..., ShopWorld]


@pytest.fixture
def open_shop(database_url: str, inbox_url: str, tmp_path: Path) -> Iterator[Open]:
    """A web shop with a company, on SQLite and on PostgreSQL."""
    opened: list[ShopWorld] = []

    def make(**terms: Any) -> ShopWorld:
        world = ShopWorld(database_url, tmp_path, inbox_url=inbox_url)
        world.set_up(**terms)
        world.clock.advance(3 * 3600)
        opened.append(world)
        return world

    yield make
    for world in opened:
        world.close()


def expect_books(world: ShopWorld, *, gross: int, gateway: str = "1583") -> None:
    """The ledger says what the shop says: sold, taxed, paid, and nobody owes anything."""
    assert world.balance(gateway) == gross
    assert world.balance(VAT_25) == -gross // 5
    assert world.balance(RECEIVABLE) == 0


def test_a_paid_order_is_corrected_when_a_person_accepts(open_shop: Open) -> None:
    world = open_shop()
    order = world.order("125.00")
    world.look()
    assert world.trip(order)[1] == "posted"
    expect_books(world, gross=12_500)
    world.reprice(order, "80.00")
    world.look()
    assert questions(world) == ["correction"]
    expect_books(world, gross=12_500)
    world.answer("correction")
    world.look()
    expect_books(world, gross=10_000)
    assert world.trip(order)[1] == "posted"
    expect_settled(world)
