"""Fees of customers' payments share a day's voucher, while each payment is a document of its own; one can be undone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_connector.engine import replaying
from tests.engine.proofs import query
from tests.engine.wallet_world import BALANCES, RECEIVABLE, WalletWorld


@pytest.fixture
def world(tmp_path: Path) -> Iterator[WalletWorld]:
    found = WalletWorld(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
    found.open_books(mode="daily", batch_age_s=1)
    yield found
    found.close()


def paid_invoices(world: WalletWorld, count: int) -> list[str]:
    """Invoices of 1,250.00 paid through PayPal with a fee of 40.00 each; the keys of the payments."""
    keys = []
    for n in range(count):
        sent = world.at_paypal("invoice", number=f"B{n}")
        paid = world.at_paypal("invoice_pay", invoice_id=sent["invoice_id"], fee="40.00")
        keys.append(f"pp:cap:{paid['capture_id']}")
    world.look(seconds=3 * 86_400, step=3_600)
    return keys


def test_the_fees_of_a_day_are_one_voucher(world: WalletWorld) -> None:
    keys = paid_invoices(world, 3)
    states = world.keys()
    assert {states[key] for key in keys} == {"done"}
    assert {states[f"{key}:fee"] for key in keys} == {"done"}
    vouchers = query(world, "SELECT DISTINCT submission_id FROM planned_write WHERE kind = 'journal'")
    assert len(vouchers) == 1
    assert len(query(world, "SELECT DISTINCT submission_id FROM planned_write WHERE kind = 'customer_payment'")) == 3
    assert world.balance("6570") == "120.00"
    assert world.balance(BALANCES["SEK"]) == "3630.00"
    assert world.balance(RECEIVABLE) == "0.00"


def test_one_payment_is_taken_back_with_its_own_fee_alone(world: WalletWorld) -> None:
    first, *_ = paid_invoices(world, 3)
    ((trip,),) = query(world, "SELECT trip_id FROM planned_write WHERE key = :key", key=first)
    assert sorted(replaying.undo(world.works, trip, by="Ann")) == [f"{first}:fee:rev", f"{first}:rev"]
    world.look(seconds=3 * 86_400, step=3_600)
    assert world.balance("6570") == "80.00"
    assert world.balance(BALANCES["SEK"]) == "2420.00"
    assert world.balance(RECEIVABLE) == "1250.00"
