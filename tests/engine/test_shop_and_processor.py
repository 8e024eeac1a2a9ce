"""A shop whose buyers pay through PayPal, both connected: one economic event, told by two systems, booked once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ml_connector.engine import replaying, reviewing
from ml_connector.engine.tracing import trace
from ml_connector.store import connection_rows
from tests.engine.wallet_world import BALANCES, GATEWAYS, RECEIVABLE, SUSPENSE, WalletWorld

Open = Callable[..., WalletWorld]
LEFT_TO_PAYPAL = {"ppcp-gateway": "pp:cap"}


@pytest.fixture
def open_world(tmp_path: Path) -> Iterator[Open]:
    """Books, a PayPal account and a shop that leaves PayPal's money to it."""
    opened: list[WalletWorld] = []

    def make(**terms: Any) -> WalletWorld:
        world = WalletWorld(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
        opened.append(world)
        world.open_books()
        world.add_shop(**{"gateways_elsewhere": LEFT_TO_PAYPAL, **terms})
        world.look(seconds=60)
        return world

    yield make
    for world in opened:
        world.close()


def buy(world: WalletWorld, paid: str = "1000.00", *, transaction: str | None = None) -> tuple[str, dict[str, Any]]:
    """Somebody buys for 1,000.00 and pays through PayPal: (capture id, the order)."""
    sale = world.pay(paid, payer=1)
    named = sale["capture_id"] if transaction is None else transaction
    lines = [{"price": "1000.00", "tax": "25"}]
    answer = world.in_shop("order", lines=lines, gateway="ppcp-gateway", transaction_id=named)
    return sale["capture_id"], dict(answer["order"])


def expect_booked_once(world: WalletWorld, capture: str, order: dict[str, Any]) -> None:
    keys = world.keys()
    assert keys[f"wc:ord:{order['id']}"] == "done"
    assert keys[f"pp:cap:{capture}"] == "done"
    assert f"wc:pay:{order['id']}" not in keys
    assert world.balance("3001") == "-800.00"
    assert world.balance(RECEIVABLE) == "0.00"
    assert world.balance(SUSPENSE) == "0"
    assert world.balance(GATEWAYS["ppcp-gateway"]) == "0"
    shown = world.at_paypal("truth")["balances"]["SEK"]["available"]
    assert world.balance(BALANCES["SEK"]) == shown


@pytest.mark.parametrize("first", ["shop", "paypal"])
def test_an_order_is_invoiced_by_the_shop_and_paid_by_paypal_whichever_comes_first(
    open_world: Open, first: str
) -> None:
    world = open_world()
    world.clock.advance(10)
    capture, order = buy(world)
    world.look(only=world.shop_id if first == "shop" else world.paypal_id, seconds=30, step=30)
    if first == "paypal":
        ((state, reason),) = world.trips().values()
        assert (state, reason) == ("waiting", "orders of wc: unread, not read since")
    world.look(seconds=4_000)
    expect_booked_once(world, capture, order)
    assert world.items() == {}


def test_a_payment_for_an_order_whose_id_was_given_out_again_is_not_put_against_the_old_one(open_world: Open) -> None:
    world = open_world()
    world.clock.advance(10)
    capture, order = buy(world)
    world.look(seconds=4_000)
    before = world.keys()
    world.in_shop("put_back", order_id=order["id"])
    _, again = buy(world)  # of the same amount, by the same buyer, on the same day
    assert again["id"] == order["id"]
    world.look(seconds=4_000)
    assert world.keys() == before
    assert before[f"pp:cap:{capture}"] == "done"
    assert (
        "waiting",
        f"order {order['id']} of wc: held, its id was given out twice, and one of the two is booked",
    ) in (world.trips().values())
    assert list(world.items()) == ["order-id-used-again"]


def test_an_order_that_names_its_payment_late_takes_it_back_from_anonymous_sales(open_world: Open) -> None:
    world = open_world()
    capture, order = buy(world, transaction="")
    world.clock.advance(60)
    world.look()
    assert world.balance("3001") == "-1600.00"  # the shop's order, and an anonymous sale
    world.in_shop("edit_order", order_id=order["id"], change={"transaction_id": capture})
    world.look()
    assert "correction" in world.items()
    for item in reviewing.open_items(world.works, world.workspace, code="correction"):
        reviewing.resolve(world.works, world.workspace, item.id, answer="accept", by="Ann")
    world.look()
    expect_booked_once(world, capture, order)


def test_a_refund_is_credited_by_the_shop_and_paid_out_by_paypal(open_world: Open) -> None:
    world = open_world()
    capture, order = buy(world)
    world.look()
    back = world.at_paypal("refund", capture_id=capture, amount="250.00")
    world.look(only=world.paypal_id)
    assert world.items().keys() == {"refund-credit-note"}
    world.in_shop("refund", order_id=order["id"], amount="250.00", gateway=True)
    world.look()
    assert world.items().keys() == {"refund-vat-mix"}  # the shop's question now; PayPal's waits for its answer
    for item in reviewing.open_items(world.works, world.workspace):
        reviewing.resolve(world.works, world.workspace, item.id, answer="approve", by="Ann")
    world.look()
    assert world.items() == {}
    keys = world.keys()
    assert keys[f"pp:ref:{back['refund_id']}"] == "done"
    assert [key for key in keys if key.startswith("wc:ref:")]
    assert world.balance(RECEIVABLE) == "0.00"
    assert world.balance("3001") == "-600.00"
    assert world.balance(BALANCES["SEK"]) == world.at_paypal("truth")["balances"]["SEK"]["available"]


def test_unequal_amounts_are_held(open_world: Open) -> None:
    world = open_world()
    capture, order = buy(world, paid="990.00")
    world.look()
    assert set(world.items()) == {"second-road-differs"}
    assert "990.00 SEK" in world.items()["second-road-differs"]
    keys = world.keys()
    assert f"pp:cap:{capture}" not in keys
    assert keys[f"wc:ord:{order['id']}"] == "done"


def test_a_shop_that_books_paypals_money_itself_is_told_so(open_world: Open) -> None:
    world = open_world(gateways_elsewhere={})
    buy(world)
    world.look(only=world.shop_id)
    world.look()
    assert set(world.items()) == {"payment-booked-by-shop"}
    assert world.balance(BALANCES["SEK"]) == "0"


def test_a_paused_shop_does_not_stop_payments_that_no_shop_leaves_to_paypal(open_world: Open) -> None:
    world = open_world(gateways_elsewhere={"stripe": "st:ch"})
    with world.works.database.writing() as c:
        connection_rows.pause(c, world.shop_id, reason="test", until=None)
    world.clock.advance(600)
    world.pay("500.00", payer=1)
    world.look()
    assert [state for state, _ in world.trips().values()] == ["posted"]


def test_one_timeline_shows_both_sides_whichever_id_is_asked_for(open_world: Open) -> None:
    world = open_world()
    capture, order = buy(world)
    world.look()
    for name in (capture, str(order["id"]), f"pp:cap:{capture}", f"wc:ord:{order['id']}"):
        told = {(one.connection, one.kind) for one in trace(world.works, world.workspace, name)}
        assert told >= {("wc", "order"), ("pp", "transaction")}, name


def test_replaying_everything_of_both_changes_nothing(open_world: Open) -> None:
    world = open_world()
    capture, order = buy(world)
    world.look()
    before = world.books()
    replaying.replay_range(world.works, world.company_id, since=None, until=None, states=None, by="test")
    world.look()
    assert world.books() == before
    expect_booked_once(world, capture, order)
