"""What goes wrong with real shops: down for a night, a page instead of JSON, moved, a refund deleted, currencies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ml_connector.engine import connecting, doorkeeping, reviewing, ruling
from ml_connector.engine.door_rows import doors_of
from ml_connector.errors import NotAuthorized
from ml_connector.finance.rulebook import Rule, When
from ml_connector.store import cursors
from ml_connector.store.inbox_writer import InboxWriter
from tests.engine.proofs import query
from tests.engine.shop_world import CLEARING, RECEIVABLE, ShopWorld

Open = Callable[..., ShopWorld]
NIGHT_S = 11 * 3_600
HOUR_S = 3_600


@pytest.fixture
def open_world(tmp_path: Path) -> Iterator[Open]:
    opened: list[ShopWorld] = []

    def make(**terms: Any) -> ShopWorld:
        world = ShopWorld(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
        opened.append(world)
        world.set_up(**terms)
        return world

    yield make
    for world in opened:
        world.close()


def trouble(world: ShopWorld, **knobs: Any) -> None:
    world.do("knobs", **knobs)


def why_not_read(world: ShopWorld) -> str:
    """What the reading of orders says of itself; empty while all is well."""
    with world.works.database.reading() as c:
        found = cursors.get(c, world.shop_id, "orders")
        state = connecting.find_connection(world.works, world.workspace, "wc")
    return (found.reason if found else "") or state.reason or ""


def asked(world: ShopWorld) -> list[str]:
    """Every open question, but that of the connection that was paused."""
    return [one.sentence for one in reviewing.open_items(world.works, world.workspace) if one.trip_id]


def expect_each_once(world: ShopWorld, orders: list[dict[str, Any]]) -> None:
    done = {key: state for key, _, state in world.writes()}
    for order in orders:
        assert done[f"wc:ord:{order['id']}"] == "done"
        assert done[f"wc:pay:{order['id']}"] == "done"
    assert len(done) == 2 * len(orders)
    assert world.balance(RECEIVABLE) == 0
    assert asked(world) == []


@pytest.mark.parametrize(
    "knobs",
    [
        {"page_instead": "maintenance"},
        {"page_instead": "coming_soon"},
        {"page_instead": "firewall"},
        {"php_notice": True},
        {"redirect_to": "https://elsewhere.example"},
    ],
    ids=["503 with a page", "200 with a page", "403 with a page", "notices before the JSON", "moved"],
)
def test_a_shop_down_for_a_night_loses_and_doubles_nothing(open_world: Open, knobs: dict[str, Any]) -> None:
    world = open_world()
    world.look()
    before = [world.order("125.00")]
    world.look()
    trouble(world, **knobs)
    during = [world.order("250.00"), world.order("80.00", gateway="cod")]
    world.pass_time(NIGHT_S, step=HOUR_S)
    assert why_not_read(world)
    assert world.trip(before[0])[1] == "posted"
    trouble(world, page_instead="", php_notice=False, redirect_to="")
    connecting.ping(world.works, world.shop_id)  # a person looks, where the connection was paused
    world.pass_time(2 * HOUR_S, step=HOUR_S / 4)
    assert why_not_read(world) == ""
    expect_each_once(world, [*before, *during])


def test_a_refund_deleted_in_the_shop_is_found_by_polling_and_asked_about(open_world: Open) -> None:
    world = open_world()
    order = world.order("125.00")
    world.look()
    refund = world.do("refund", order_id=order["id"], gateway=True)
    world.look()
    assert world.balance(CLEARING["stripe"]) == 0
    world.do("delete_refund", order_id=order["id"], refund_id=refund["refund_id"])
    world.pass_time(26 * HOUR_S, step=HOUR_S)
    (sentence,) = asked(world)
    assert str(refund["refund_id"]) in sentence
    assert "it was deleted for good" in sentence
    assert world.balance(CLEARING["stripe"]) == 0  # what is booked stays until somebody says otherwise


def test_a_rule_by_category_asks_the_shop_for_the_product_once_and_only_where_a_rule_asks(open_world: Open) -> None:
    world = open_world()
    product = world.shop["products"]["25"]
    world.do("categories", product_id=product, names=["Kaffe"])
    lines = [{"price": "125.00", "tax": "25", "product_id": product}]
    for _ in range(2):
        world.do("order", lines=lines, gateway="stripe")
        world.look()
    assert (world.balance("3001"), products_asked(world)) == (-20_000, 0)
    coffee = Rule("coffee", ("sales",), When(category=("Kaffe",)), account="3004", vat_code="25")
    book = ruling.rules_now(world.works, world.route_id)
    ruling.save_rules(world.works, world.route_id, replace(book, rules=(coffee, *book.rules)), by="Ann")
    for _ in range(2):
        world.do("order", lines=lines, gateway="stripe")
        world.look()
    assert (world.balance("3001"), world.balance("3004"), products_asked(world)) == (-20_000, -20_000, 1)
    world.pass_time(25 * HOUR_S, step=HOUR_S)
    assert products_asked(world) == 2  # what is held is read again once a day
    assert asked(world) == []


def products_asked(world: ShopWorld) -> int:
    """Calls to the shop's products."""
    return sum(count for name, count in world.woo.calls.items() if "products" in name)


def test_orders_in_another_currency_wait_in_that_currencys_clearing_or_are_held(open_world: Open) -> None:
    world = open_world(collective_customers={"SE:SEK": "10000", "EU:SEK": "10003"})
    order = world.order("125.00", currency="EUR")
    world.look()
    _, state, reason = world.trip(order)
    assert state == "held"
    assert reason
    assert [key for key, _, _ in world.writes()] == []
    assert all("EUR" in sentence for sentence in asked(world))


def test_webhooks_that_the_shop_gave_up_are_made_anew_and_polling_takes_over_and_says_so(open_world: Open) -> None:
    world = open_world()
    doorkeeping.open_door(
        world.works, connection_id=world.shop_id, public_url="https://books.example.test", signature_key=None, by="Ann"
    )
    world.pass_time(2 * HOUR_S, step=HOUR_S)
    assert {one["status"] for one in health(world)} == {"active"}
    orders = []
    for _ in range(8):
        orders.append(world.order("125.00"))
        world.clock.advance(30)
        for one in world.woo.deliveries(world.clock.now()):
            world.woo.delivered(one, 500, world.clock.now())
    assert "disabled" in {one["status"] for one in health(world)}
    world.pass_time(2 * HOUR_S, step=HOUR_S)
    assert {one["status"] for one in health(world)} == {"active"}
    said = query(world, "SELECT facts FROM audit_event WHERE verb = 'subscription watched' ORDER BY at")
    assert "was disabled by the shop after failed deliveries: made anew; polling reads the gap" in said[-1][0]
    expect_each_once(world, orders)


@pytest.mark.parametrize("road", ["poll", "webhook"])
def test_a_shop_put_back_from_a_copy_gives_an_id_out_again_and_nothing_of_the_old_order_is_touched(
    open_world: Open, road: str
) -> None:
    world = open_world(corrections="automatic")
    _, url = doorkeeping.open_door(
        world.works, connection_id=world.shop_id, public_url="https://books.example.test", signature_key=None, by="Ann"
    )
    world.pass_time(HOUR_S, step=HOUR_S)
    first = world.order("125.00")
    world.look()
    before = world.writes(live=False)
    world.do("put_back", order_id=first["id"])
    again = world.order("125.00", transaction_id="ch_again")  # the same day, buyer and amount
    assert (again["id"], again["order_key"] == first["order_key"]) == (first["id"], False)
    if road == "webhook":
        world.clock.advance(10)
        assert deliver(world, url) > 0
        world.pass_time(20, step=10)  # too soon for a poll
    else:
        world.look()
    assert world.trip(again)[1:] == ("held", "order-id-used-again")
    world.do("refund", order_id=again["id"], amount="125.00")
    world.look()
    assert world.writes(live=False) == before
    assert len(world.items("order-id-used-again")) == 2
    world.answer("order-id-used-again", "ignore: entered by hand")
    world.look()
    assert world.writes(live=False) == before


def deliver(world: ShopWorld, url: str) -> int:
    """Every webhook that is due, through our door; how many were kept."""
    doors = doors_of(world.works)
    door = doors.find(url.rsplit("/", 1)[1])
    assert door is not None
    writer = InboxWriter(world.database)
    writer.start()
    kept = 0
    for one in world.woo.deliveries(world.clock.now()):
        headers = {name.lower(): value for name, value in one.headers}
        for notice in doors.receive(door, one.body, headers) or []:
            kept += writer.submit(notice).result(timeout=10) == "stored"
        world.woo.delivered(one, 200, world.clock.now())
    writer.stop()
    return kept


def health(world: ShopWorld) -> list[dict[str, Any]]:
    """The shop's webhooks."""
    found: list[dict[str, Any]] = world.woo.control("webhook_health", {}, world.clock.now())
    return found


def test_an_order_that_was_merely_opened_and_saved_again_changes_nothing(open_world: Open) -> None:
    world = open_world()
    order = world.order("125.00")
    world.look()
    before = [(key, n) for key, n, _ in world.writes(live=False)]
    posts = sum(count for name, count in world.visma.calls.items() if name.startswith("POST /v"))
    for _ in range(3):
        world.clock.advance(60)
        world.do("edit_order", order_id=order["id"], change={"customer_note": order["customer_note"]})
        world.look()
    ((versions,),) = query(world, "SELECT max(n) FROM version")
    assert versions == 4, "each saving is a newer state of the order"
    assert world.trip(order)[1] == "posted"
    assert [(key, n) for key, n, _ in world.writes(live=False)] == before
    assert sum(count for name, count in world.visma.calls.items() if name.startswith("POST /v")) == posts
    assert asked(world) == []


def test_a_wrong_key_is_not_taken_for_a_new_one_where_the_shop_itself_answers(open_world: Open) -> None:
    world = open_world()
    with pytest.raises(NotAuthorized, match="Nothing was changed"):
        connecting.renew(
            world.works, world.workspace, code="wc", credentials={"consumer_secret": "cs_wrong"}, settings={},
            base_url=None, by="Ann",
        )  # fmt: skip
    assert connecting.ping(world.works, world.shop_id).ok, "the old one still serves"
