"""A shop whose cards Square takes, both connected: one economic event, told by two systems, booked once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ml_connector.engine import replaying
from ml_connector.engine.tracing import trace
from ml_connector.errors import UsageError
from tests.engine.register_world import CLEARING, RECEIVABLE, SALES, SUSPENSE, VAT_25, RegisterWorld

Open = Callable[..., RegisterWorld]
LISTS_LAG_S = 70  # what Square lists is asked for when it is a minute old
LEFT_TO_SQUARE = {"square_credit_card": "sq:pay"}


@pytest.fixture
def open_world(tmp_path: Path) -> Iterator[Open]:
    """Books, a Square seller and a shop that leaves the money of its cards to Square."""
    opened: list[RegisterWorld] = []

    def make(**terms: Any) -> RegisterWorld:
        world = RegisterWorld(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
        opened.append(world)
        world.set_up()
        world.add_shop(**{"gateways_elsewhere": LEFT_TO_SQUARE, **terms})
        world.look(seconds=60)
        return world

    yield make
    for world in opened:
        world.close()


def buy(world: RegisterWorld, *, paid: int = 12_500, transaction: str | None = None) -> tuple[str, dict[str, Any]]:
    """Somebody buys for 125.00 and pays by card through Square: (payment id, the shop's order)."""
    lines = [{"amount": paid, "tax": "25"}]
    (payment,) = world.sell(lines=lines, tenders=[{"means": "card", "online": True}])["payment_ids"]
    named = payment if transaction is None else transaction
    answer = world.in_shop(
        "order", lines=[{"price": "125.00", "tax": "25"}], gateway="square_credit_card", transaction_id=named
    )
    return payment, dict(answer["order"])


def expect_booked_once(world: RegisterWorld, payment: str, order: dict[str, Any]) -> None:
    keys = world.keys()
    assert keys[f"wc:ord:{order['id']}"] == "done"
    assert keys[f"sq:pay:{payment}"] == "done"
    assert not [key for key in keys if key.startswith(("sq:sale:", "wc:pay:")) and not key.endswith(":rev")]
    assert world.balance(SALES) == "-100.00"
    assert world.balance(VAT_25) == "-25.00"
    assert world.balance(CLEARING) == "125.00"
    assert world.balance(RECEIVABLE) == "0.00"
    assert world.balance(SUSPENSE) == "0.00"
    assert world.items() == {}


@pytest.mark.parametrize("document", ["invoice", "journal"])
@pytest.mark.parametrize("first", ["shop", "square"])
def test_an_order_paid_through_square_is_revenue_once_whichever_comes_first(
    open_world: Open, first: str, document: str
) -> None:
    world = open_world(order_document=document)
    world.clock.advance(10)
    payment, order = buy(world)
    world.clock.advance(LISTS_LAG_S)
    world.look(only=world.shop_id if first == "shop" else world.square_id, seconds=30, step=30)
    if first == "square":
        assert world.trips("payment")[payment] == ("waiting", "orders of wc: unread, not read since")
    world.look(seconds=1_000)
    expect_booked_once(world, payment, order)


def test_a_payment_that_waits_for_an_unread_shop_is_looked_at_when_its_reading_ends(open_world: Open) -> None:
    world = open_world()
    world.clock.advance(10)
    (payment,) = world.sell(tenders=[{"means": "card", "online": True}])["payment_ids"]
    world.clock.advance(LISTS_LAG_S)
    world.look(only=world.square_id, seconds=30, step=30)
    assert world.trips("payment")[payment][0] == "waiting"
    world.look(only=world.shop_id, seconds=5, step=5)  # nothing new is in the shop
    assert world.trips("payment")[payment][0] != "waiting"
    world.pass_time(60)
    assert world.balance(SALES) == "-100.00"
    assert [key for key, state in world.keys().items() if key.startswith("sq:sale:") and state == "done"]


def test_a_sale_at_the_till_waits_for_no_shop(open_world: Open) -> None:
    world = open_world()
    world.clock.advance(600)
    (payment,) = world.sell()["payment_ids"]
    world.clock.advance(LISTS_LAG_S)
    world.look(only=world.square_id, seconds=60)
    assert world.trips("payment")[payment][0] == "posted"


def test_an_order_that_names_its_payment_late_takes_it_back_from_sales(open_world: Open) -> None:
    world = open_world()
    payment, order = buy(world, transaction="")
    world.look()
    assert world.balance(SALES) == "-200.00"  # the shop's order, and a sale in Square
    world.in_shop("edit_order", order_id=order["id"], change={"transaction_id": payment})
    world.look()
    assert "correction" in world.items()
    world.answer("accept")
    world.look()
    expect_booked_once(world, payment, order)


def test_a_refund_is_credited_by_the_shop_and_paid_out_by_square(open_world: Open) -> None:
    world = open_world()
    payment, order = buy(world)
    world.look()
    (refund,) = world.do("refund", payment_id=payment, amount=2_500)["refund_ids"]
    world.look(only=world.square_id)
    assert world.items().keys() == {"refund-credit-note"}
    world.in_shop("refund", order_id=order["id"], amount="25.00", gateway=True)
    world.look()
    assert world.items().keys() == {"refund-vat-mix"}  # the shop's question; Square's refund waits for its answer
    world.answer("approve")
    world.look()
    assert world.items() == {}
    assert world.keys()[f"sq:ref:{refund}"] == "done"
    assert world.balance(SALES) == "-80.00"
    assert world.balance(CLEARING) == "100.00"
    assert world.balance(RECEIVABLE) == "0.00"


def test_a_refund_of_a_sales_transaction_leaves_by_suspense(open_world: Open) -> None:
    world = open_world(order_document="journal")
    payment, order = buy(world)
    world.look()
    world.do("refund", payment_id=payment, amount=12_500)
    world.in_shop("refund", order_id=order["id"], gateway=True)
    world.look()
    assert world.items() == {}
    for account in (SALES, VAT_25, CLEARING, SUSPENSE):
        assert world.balance(account) == "0.00", account


def test_unequal_amounts_are_held(open_world: Open) -> None:
    world = open_world()
    payment, order = buy(world, paid=12_000)
    world.look()
    assert set(world.items()) == {"second-road-differs"}
    assert "120.00 EUR" in world.items()["second-road-differs"]
    assert world.keys().get(f"sq:pay:{payment}") is None
    assert world.keys()[f"wc:ord:{order['id']}"] == "done"


def test_an_order_of_square_that_is_only_partly_a_shops_is_held(open_world: Open) -> None:
    world = open_world()
    sold = world.sell(
        lines=[{"amount": 20_000, "tax": "25"}],
        tenders=[{"means": "card", "online": True, "amount": 12_500}, {"means": "card", "online": True}],
    )
    lines = [{"price": "125.00", "tax": "25"}]
    world.in_shop("order", lines=lines, gateway="square_credit_card", transaction_id=sold["payment_ids"][0])
    world.look()
    assert set(world.items()) == {"second-road-differs"}
    assert world.balance(SALES) == "-100.00"  # the shop's; the rest waits for a person
    assert world.balance(CLEARING) == "125.00"


def test_one_timeline_shows_both_sides_whichever_id_is_asked_for(open_world: Open) -> None:
    world = open_world()
    payment, order = buy(world)
    world.look()
    for name in (payment, str(order["id"]), f"sq:pay:{payment}", f"wc:ord:{order['id']}"):
        told = {(one.connection, one.kind) for one in trace(world.works, world.workspace, name)}
        assert told >= {("wc", "order"), ("sq", "payment")}, name
    with pytest.raises(UsageError):
        trace(world.works, world.workspace, "no-such-id")


def test_replaying_everything_of_both_changes_nothing(open_world: Open) -> None:
    world = open_world()
    payment, order = buy(world)
    world.look()
    before = world.books()
    replaying.replay_range(world.works, world.company_id, since=None, until=None, states=None, by="test")
    world.look()
    assert world.books() == before
    expect_booked_once(world, payment, order)
