"""A payment through PayPal is planned from its row, and read by itself only where the row lacks something."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.engine.wallet_world import WalletWorld


@pytest.fixture
def world(tmp_path: Path) -> Iterator[WalletWorld]:
    found = WalletWorld(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
    found.open_books()
    yield found
    found.close()


def read_singly(world: WalletWorld) -> int:
    """How many captures were read, each by a call of its own."""
    return sum(n for name, n in world.paypal.calls.items() if name.startswith("GET /v2/payments/captures"))


def test_many_payments_cost_no_call_each(world: WalletWorld) -> None:
    for payer in range(20):
        world.pay("100.00", payer=payer)
    before = sum(world.paypal.calls.values())
    world.look(seconds=120)
    assert {state for state, _ in world.trips().values()} == {"posted"}
    assert read_singly(world) == 0
    assert sum(world.paypal.calls.values()) - before < 10


def test_a_fee_that_the_report_shows_late_is_read_from_the_payment_and_booked_once(world: WalletWorld) -> None:
    world.at_paypal("knobs", fee_late_s=7200.0)
    paid = world.pay("1000.00")
    world.look(seconds=300)
    assert read_singly(world) == 1
    fee = world.balance("6570")
    assert Decimal(fee) > 0
    world.at_paypal("knobs", fee_late_s=0.0)
    world.pass_time(3 * 3600, step=600)
    world.look(seconds=300)
    assert read_singly(world) == 1
    assert world.balance("6570") == fee
    assert world.keys()[f"pp:cap:{paid['capture_id']}"] == "done"
