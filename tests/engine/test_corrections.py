"""Records of several writes that are corrected or taken back: each reversal after what stands on it is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ml_connector.engine import replaying, ruling
from tests.databases import Databases, migrated
from tests.engine.crash_walk import killed_everywhere, step
from tests.engine.proofs import expect_settled, query, questions, states
from tests.engine.shop_world import RECEIVABLE, VAT_25, ShopWorld

VOID = "POST /v1/customerPayment/{number}/action/void"
REVERSE = "POST /v1/customerinvoice/{number}/action/reverseandapplytonote"
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


def expect_nothing(world: ShopWorld) -> None:
    """The ledger is as if nothing had ever been booked."""
    assert {account: world.balance(account) for account in ("1583", VAT_25, RECEIVABLE, "3001")} == dict.fromkeys(
        ("1583", VAT_25, RECEIVABLE, "3001"), 0
    )


def voids(world: ShopWorld) -> int:
    return sum(n for call, n in world.visma.calls.items() if call.endswith("/action/void"))


def test_a_paid_order_is_corrected_when_a_person_accepts(open_shop: Open) -> None:
    world = open_shop()
    order = world.order("125.00")
    world.look()
    expect_books(world, gross=12_500)
    world.reprice(order, "80.00")
    world.look()
    assert questions(world) == ["correction"]
    assert world.items("correction")[0].proposal["takes_back"] == [f"wc:pay:{order['id']}", f"wc:ord:{order['id']}"]
    expect_books(world, gross=12_500)
    world.answer("correction")
    world.look()
    expect_books(world, gross=10_000)
    assert world.trip(order)[1] == "posted"
    assert questions(world) == []
    expect_settled(world)


def test_a_correction_needs_no_word_where_the_route_says_so(open_shop: Open) -> None:
    world = open_shop(corrections="automatic")
    order = world.order("125.00")
    world.look()
    for net in ("80.00", "120.00", "100.00"):
        world.reprice(order, net)
        world.look()
        expect_books(world, gross=round(float(net) * 125))
    assert world.writes() == [
        (f"wc:ord:{order['id']}", 4, "done"),
        *((f"wc:ord:{order['id']}:rev{n}", int(n or 1), "done") for n in ("", "2", "3")),
        (f"wc:pay:{order['id']}", 4, "done"),
        *((f"wc:pay:{order['id']}:rev{n}", int(n or 1), "done") for n in ("", "2", "3")),
    ]
    expect_settled(world)


def test_an_accepted_correction_is_consent_to_the_plan_it_named(open_shop: Open) -> None:
    world = open_shop(posting="approve")
    order = world.order("125.00")
    world.look()
    world.answer("consent")
    world.look()
    expect_books(world, gross=12_500)
    world.reprice(order, "80.00")
    world.look()
    world.answer("correction")
    world.look()
    assert questions(world) == []
    expect_books(world, gross=10_000)
    expect_settled(world)


def test_an_order_set_back_to_what_is_posted_asks_no_more(open_shop: Open) -> None:
    world = open_shop()
    order = world.order("125.00")
    world.look()
    world.reprice(order, "80.00")
    world.look()
    world.reprice(order, "100.00")
    world.look()
    assert questions(world) == []
    assert world.trip(order)[1] == "posted"
    assert voids(world) == 0
    expect_settled(world)


def test_an_edit_while_a_correction_is_under_way_is_booked_after_it(open_shop: Open) -> None:
    world = open_shop(corrections="automatic")
    order = world.order("125.00")
    world.look()
    world.reprice(order, "80.00")
    edited: list[str] = []

    def again(call: str) -> None:
        if call.endswith("/action/void") and not edited:
            edited.append(call)
            world.reprice(order, "60.00")

    world.during = again
    world.look()
    world.during = None
    world.look()
    assert edited
    expect_books(world, gross=7_500)
    expect_settled(world)


def test_a_correction_keeps_the_day_of_what_it_corrects(open_shop: Open) -> None:
    world = open_shop(corrections="automatic")
    order = world.order("125.00")
    world.look()
    world.clock.advance(3 * 86_400)
    world.reprice(order, "80.00")
    world.look()
    dates = {one["date"] for one in world.books() if one["module"] == "AR"}
    assert dates == {"2026-03-10"}
    expect_settled(world)


def test_what_the_plan_names_no_more_is_taken_back(open_shop: Open) -> None:
    world = open_shop()
    order = world.order("125.00")
    world.look()
    ruling.save_terms(
        world.works, world.route_id, replace(world.terms, gateways_elsewhere={"stripe": "ledger"}), by="Ann"
    )
    replaying.replay_trips(world.works, world.workspace, [world.trip(order)[0]], by="Ann")
    world.look()
    assert questions(world) == ["correction"]
    assert "is not to be booked any more" in world.items("correction")[0].sentence
    world.answer("correction")
    world.look()
    assert world.writes() == [
        (f"wc:ord:{order['id']}", 1, "done"),
        (f"wc:pay:{order['id']}:rev", 1, "done"),
    ]
    assert (world.balance("1583"), world.balance(RECEIVABLE)) == (0, 12_500)
    assert world.trip(order)[1] == "posted"


def half_done(world: ShopWorld) -> dict[str, Any]:
    """An order whose invoice stands and whose payment the ledger refused."""
    refusal = world.fail("visma", "/v1/customerPayment", {"kind": "status", "status": 400}, times=None)
    order = world.order("125.00")
    world.look()
    world.visma.remove(refusal)
    assert world.trip(order)[1] == "held"
    assert world.balance(RECEIVABLE) == 12_500
    return order


def test_an_order_edited_half_way_is_corrected_as_far_as_it_went(open_shop: Open) -> None:
    world = open_shop()
    order = half_done(world)
    world.reprice(order, "80.00")
    world.look()
    assert questions(world) == ["correction"]
    world.answer("correction")
    world.look()
    expect_books(world, gross=10_000)
    expect_settled(world)


def test_an_order_stopped_half_way_goes_on_where_it_stopped(open_shop: Open) -> None:
    world = open_shop()
    order = half_done(world)
    world.answer("refused", "plan-again")
    world.look()
    expect_books(world, gross=12_500)
    assert [row for row in world.writes() if row[1] > 1] == [], f"{order['id']}: what is done is done"
    expect_settled(world)


def test_an_order_cancelled_half_way_is_not_forgotten(open_shop: Open) -> None:
    world = open_shop()
    order = half_done(world)
    world.set_status(order, "cancelled")
    world.look()
    assert world.trip(order)[1] == "held"
    assert questions(world) == ["order-canceled-but-paid"]


def test_a_record_stopped_half_way_can_be_taken_back(open_shop: Open) -> None:
    world = open_shop()
    order = half_done(world)
    assert replaying.undo(world.works, world.trip(order)[0], by="Ann") == [f"wc:ord:{order['id']}:rev"]
    world.look()
    assert world.trip(order)[1] == "reversed"
    expect_nothing(world)
    expect_settled(world)


def test_a_paid_order_is_taken_back_payment_first(open_shop: Open) -> None:
    world = open_shop()
    order = world.order("125.00")
    world.look()
    trip = world.trip(order)[0]
    keys = replaying.undo(world.works, trip, by="Ann")
    assert keys == [f"wc:pay:{order['id']}:rev", f"wc:ord:{order['id']}:rev"]
    world.look()
    assert world.trip(order)[1] == "reversed"
    expect_nothing(world)
    expect_settled(world)
    world.reprice(order, "80.00")
    world.look()
    assert world.trip(order)[1] == "reversed", "polls bring nothing back"
    replaying.replay_trips(world.works, world.workspace, [trip], by="Ann")
    world.look()
    expect_books(world, gross=10_000)
    expect_settled(world)


def test_an_order_with_a_customer_of_its_own_is_taken_back_and_the_customer_stays(open_shop: Open) -> None:
    world = open_shop()
    person = world.do("customer", email="kim@example.test", first_name="Kim", last_name="Ek")
    order = world.order("125.00", customer_id=person["customer_id"])
    world.look()
    assert world.visma.calls["POST /v1/customer"] == 1
    replaying.undo(world.works, world.trip(order)[0], by="Ann")
    world.look()
    expect_nothing(world)
    assert query(world, "SELECT count(*) FROM binding WHERE kind = 'customer'")[0][0] == 1
    expect_settled(world)


def test_a_refund_is_taken_back_by_a_debit_note_after_its_payment_is_voided(open_shop: Open) -> None:
    world = open_shop()
    order = world.order("125.00")
    world.look()
    world.do("refund", order_id=order["id"])
    world.look()
    expect_nothing(world)
    trip = query(world, "SELECT id FROM trip WHERE kind = 'refund'")[0][0]
    replaying.undo(world.works, trip, by="Ann")
    world.look()
    expect_books(world, gross=12_500)
    kinds = query(world, "SELECT kind FROM planned_write WHERE reverses_id IS NOT NULL ORDER BY kind")
    assert kinds == [("debit_note",), ("void_payment",)]
    assert states(world)[("refund", "reversed")] == 1


def test_a_correction_the_ledger_refuses_is_asked_once_and_mended_by_a_word(open_shop: Open) -> None:
    world = open_shop(corrections="automatic")
    order = world.order("125.00")
    world.look()
    refusal = world.fail("visma", VOID, {"kind": "status", "status": 400}, times=None)
    world.reprice(order, "80.00")
    world.look()
    assert voids(world) == 1, "what was refused is not sent again by itself"
    assert (world.trip(order)[1], questions(world)) == ("held", ["refused"])
    expect_books(world, gross=12_500)
    world.visma.remove(refusal)
    world.answer("refused", "plan-again")
    world.look()
    expect_books(world, gross=10_000)
    expect_settled(world)


def test_an_undo_the_ledger_refuses_half_way_is_held_and_can_be_said_again(open_shop: Open) -> None:
    world = open_shop()
    order = world.order("125.00")
    world.look()
    refusal = world.fail("visma", REVERSE, {"kind": "status", "status": 400}, times=None)
    trip = world.trip(order)[0]
    replaying.undo(world.works, trip, by="Ann")
    world.look()
    assert (world.trip(order)[1], questions(world)) == ("held", ["refused"])
    assert (world.balance("1583"), world.balance(RECEIVABLE)) == (0, 12_500)
    world.visma.remove(refusal)
    assert replaying.undo(world.works, trip, by="Ann") == [f"wc:ord:{order['id']}:rev"]
    world.look()
    assert world.trip(order)[1] == "reversed"
    expect_nothing(world)
    expect_settled(world)


@pytest.mark.slow
@pytest.mark.trials
@pytest.mark.parametrize("what", ["correction", "undo"])
def test_killed_anywhere_the_books_end_as_they_should(databases: Databases, tmp_path: Path, what: str) -> None:
    world = ShopWorld(databases.new(migrated), tmp_path)
    world.set_up(corrections="automatic")
    world.clock.advance(3 * 3600)
    order = world.order("125.00")
    world.look()
    if what == "correction":
        world.reprice(order, "80.00")
    else:
        replaying.undo(world.works, world.trip(order)[0], by="Ann")

    def came_to(life: ShopWorld, said: str) -> tuple[int, int]:
        expect_settled(life, said)
        return life.balance("1583"), life.balance(RECEIVABLE)

    each = step(19) if databases.dialect == "sqlite" else 2 * step(17)
    with closing(world):
        expected, tried = killed_everywhere(
            world, databases, play=lambda w: w.look(700), again=lambda w: w.look(1_500), came_to=came_to, each=each
        )
    assert expected == ((10_000, 0) if what == "correction" else (0, 0))
    assert tried > 1
