"""A record whose writes need another record's waits for that one in words, and goes on when it is booked or decided."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import text

from ml_connector.engine import replaying, reviewing, ruling
from ml_connector.finance.rulebook import Rule, When
from tests.databases import Databases
from tests.engine.crash_walk import killed_everywhere, step
from tests.engine.proofs import expect_settled, query
from tests.engine.wallet_world import BALANCES, RECEIVABLE, WalletWorld

Open = Callable[..., WalletWorld]
UNMAPPED = ("sales-25",)


@pytest.fixture
def open_world(database_url: str, inbox_url: str, tmp_path: Path) -> Iterator[Open]:
    """A company with a PayPal account, on SQLite and on PostgreSQL; rules left out hold the invoices they are for."""
    opened: list[WalletWorld] = []

    def make(*, without: tuple[str, ...] = UNMAPPED, posting: str = "on") -> WalletWorld:
        world = WalletWorld(database_url, tmp_path, inbox_url=inbox_url)
        opened.append(world)
        world.open_books(without=without, posting=posting)
        world.look(seconds=60)
        return world

    yield make
    for world in opened:
        world.close()


def bill(world: WalletWorld) -> tuple[str, str]:
    """An invoice of 1,250.00 that is paid through PayPal: (invoice id, capture id)."""
    made = world.at_paypal("invoice", number="10042")
    world.clock.advance(60)
    paid = world.at_paypal("invoice_pay", invoice_id=made["invoice_id"])
    return made["invoice_id"], paid["capture_id"]


def payment(world: WalletWorld) -> tuple[str, str | None]:
    """(state, reason) of the only payment's trip."""
    (found,) = world.trips().values()
    return found


def expect_waiting(world: WalletWorld, invoice: str, why: str = "mapping-missing") -> None:
    """The payment names what it waits for, and why that is not there."""
    state, reason = payment(world)
    assert state == "waiting"
    assert reason is not None
    assert f"pp:inv:{invoice}" in reason
    assert f", which is held: {why}" in reason


def map_sales(world: WalletWorld) -> None:
    """A person adds the rule that the invoice needs."""
    book = ruling.rules_now(world.works, world.route_id)
    rule = Rule("sales-now", ("sales",), When(vat_rate=(Decimal(25),)), account="3001", vat_code="25")
    ruling.save_rules(world.works, world.route_id, replace(book, rules=(*book.rules, rule)), by="Ann")


def expect_paid(world: WalletWorld, said: str = "") -> None:
    """Invoice and payment are booked once, nobody owes anything, and clearing is what PayPal shows."""
    assert payment(world)[0] == "posted", said
    assert world.items() == {}
    assert world.balance("3001") == "-1000.00"
    assert world.balance(RECEIVABLE) == "0.00"
    assert world.balance(BALANCES["SEK"]) == world.at_paypal("truth")["balances"]["SEK"]["available"]
    expect_settled(world)


def test_a_payment_waits_for_an_invoice_that_is_held_and_says_so(open_world: Open) -> None:
    world = open_world()
    invoice, capture = bill(world)
    world.look()
    expect_waiting(world, invoice)
    assert set(world.items()) == {"mapping-missing"}
    live = world.keys()
    assert f"pp:cap:{capture}" not in live
    assert world.balance(BALANCES["SEK"]) == "0"


def test_it_is_posted_when_the_invoice_is(open_world: Open) -> None:
    world = open_world()
    bill(world)
    world.look()
    map_sales(world)
    world.look()
    expect_paid(world)


def test_an_invoice_that_a_person_ignores_makes_the_payment_a_question(open_world: Open) -> None:
    world = open_world()
    invoice, capture = bill(world)
    world.look()
    (item,) = reviewing.open_items(world.works, world.workspace)
    reviewing.resolve(world.works, world.workspace, item.id, answer="ignore: billed twice", by="Ann")
    world.look()
    assert set(world.items()) == {"need-ignored"}
    told = world.items()["need-ignored"]
    assert told.startswith(f"pp:cap:{capture} needs pp:inv:{invoice}, whose record is ignored")
    assert "billed twice" in told


def test_what_was_ignored_and_is_planned_again_brings_its_payment_back(open_world: Open) -> None:
    world = open_world()
    invoice, _ = bill(world)
    world.look()
    (item,) = reviewing.open_items(world.works, world.workspace)
    reviewing.resolve(world.works, world.workspace, item.id, answer="ignore: billed twice", by="Ann")
    world.look()
    with world.works.database.writing() as c:
        c.execute(text("UPDATE review_item SET decision = 'plan-again' WHERE id = :id"), {"id": item.id})
    map_sales(world)
    (trip,) = query(
        world, "SELECT t.id FROM trip t JOIN record r ON r.id = t.record_id WHERE r.external_id = :i", i=invoice
    )[0]
    replaying.replay_trips(world.works, world.workspace, [trip], by="Ann")
    world.look()
    expect_paid(world)


def test_a_payment_planned_before_its_invoice_was_held_stops_with_it(open_world: Open) -> None:
    world = open_world(without=(), posting="approve")
    invoice, capture = bill(world)
    world.look()
    assert world.keys()[f"pp:cap:{capture}"] == "open"
    book = ruling.rules_now(world.works, world.route_id)
    kept = tuple(rule for rule in book.rules if rule.id not in UNMAPPED)
    ruling.save_rules(world.works, world.route_id, replace(book, rules=kept), by="Ann")
    world.look()
    expect_waiting(world, invoice)
    assert set(world.items()) == {"mapping-missing"}


def test_a_payment_whose_invoice_visma_refuses_waits_for_it(open_world: Open) -> None:
    world = open_world(without=())
    world.visma.add({"match": {"path": "/v2/customerinvoice"}, "effect": {"kind": "status", "status": 400}, "times": 1})
    invoice, _ = bill(world)
    world.look()
    expect_waiting(world, invoice, why="refused")
    (trip,) = query(
        world, "SELECT t.id FROM trip t JOIN record r ON r.id = t.record_id WHERE r.external_id = :i", i=invoice
    )[0]
    replaying.replay_trips(world.works, world.workspace, [trip], by="Ann")
    world.look()
    expect_paid(world)


def test_an_invoice_that_a_person_took_back_is_asked_about(open_world: Open) -> None:
    world = open_world(without=())
    made = world.at_paypal("invoice", number="10042")
    world.look()
    (trip,) = query(
        world,
        "SELECT t.id FROM trip t JOIN record r ON r.id = t.record_id WHERE r.external_id = :i",
        i=made["invoice_id"],
    )[0]
    replaying.undo(world.works, trip, by="Ann")
    world.look()
    world.at_paypal("invoice_pay", invoice_id=made["invoice_id"])
    world.look()
    assert set(world.items()) == {"taken-back"}


@pytest.mark.slow
@pytest.mark.trials
def test_killed_anywhere_between_hold_and_release_both_are_booked_once(open_world: Open, databases: Databases) -> None:
    world = open_world()
    bill(world)

    def play(life: WalletWorld) -> None:
        life.look()
        map_sales(life)
        life.look()

    each = step(13) if databases.dialect == "sqlite" else 3 * step(13)
    killed_everywhere(world, databases, play=play, again=play, came_to=expect_paid, each=each)
