"""A sales order whose money a connected processor books: the shop puts that advance against the invoice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_connector.engine.tracing import trace
from tests.engine.test_shop_and_processor import LEFT_TO_PAYPAL, buy
from tests.engine.wallet_world import BALANCES, RECEIVABLE, WalletWorld

ADVANCES = "2420"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[WalletWorld]:
    """Books, a PayPal account, and a shop of which orders become sales orders and PayPal's money is left to it."""
    made = WalletWorld(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
    made.open_books()
    made.add_shop(
        order_document="sales_order", order_items={"sales": "GOODS"}, gateways_elsewhere=LEFT_TO_PAYPAL,
    )  # fmt: skip
    made.ledger("set_item", number="GOODS", description="Goods", vat="25", account="3001")
    made.look(seconds=60)
    yield made
    made.close()


@pytest.mark.parametrize("first", ["shop", "paypal"])
def test_a_processors_advance_is_put_against_the_invoice_that_people_make(world: WalletWorld, first: str) -> None:
    world.clock.advance(10)
    capture, order = buy(world)
    world.look(only=world.shop_id if first == "shop" else world.paypal_id, seconds=30, step=30)
    world.look(seconds=4_000)
    keys = world.keys()
    assert (keys[f"wc:ord:{order['id']}"], keys[f"pp:cap:{capture}"]) == ("done", "done")
    assert f"wc:pay:{order['id']}" not in keys
    assert world.balance(ADVANCES) == "-1000.00"
    number = world.ledger("invoice_sales_order", number="000001")["invoice"]
    world.look(seconds=8_000, step=400)
    assert world.keys()[f"wc:app:{order['id']}:{number}"] == "done"
    assert (world.balance(RECEIVABLE), world.balance(ADVANCES)) == ("0.00", "0.00")
    shown = world.at_paypal("truth")["balances"]["SEK"]["available"]
    assert world.balance(BALANCES["SEK"]) == shown
    assert f"pp:cap:{capture}" in str(trace(world.works, world.workspace, f"wc:ord:{order['id']}"))


def test_what_is_given_back_before_the_invoice_is_asked_about_on_both_sides_and_books_nothing(
    world: WalletWorld,
) -> None:
    world.clock.advance(10)
    capture, order = buy(world)
    world.look(seconds=4_000, step=200)
    world.at_paypal("refund", capture_id=capture)
    world.in_shop("refund", order_id=order["id"], amount="1000.00")
    world.look(seconds=8_000, step=400)
    assert "order-given-back" in world.items()
    assert len(world.items()) == 2
    assert len(world.ledger("sales_orders")) == 1
    assert (world.balance(ADVANCES), world.balance("3001")) == ("-1000.00", "0")
