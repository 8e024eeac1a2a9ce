"""Invoices that people call paid, void or lost in Stripe's dashboard: asked, not booked, ended by what Visma shows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_connector.engine import reviewing
from tests.engine.collecting_world import CollectingWorld
from tests.engine.test_collecting_back import collected

PAID = "paid-outside-stripe"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[CollectingWorld]:
    made = CollectingWorld(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
    made.open_books()
    made.open_the_way_back()
    yield made
    made.close()


def settle(world: CollectingWorld, answer: str) -> None:
    (item,) = reviewing.open_items(world.works, world.workspace)
    reviewing.resolve(world.works, world.workspace, item.id, answer=answer, by="anna")


@pytest.mark.parametrize("row", [False, True])
def test_one_marked_paid_is_asked_and_ends_when_the_bank_payment_is_entered(world: CollectingWorld, row: bool) -> None:
    world.at_stripe("knobs", out_of_band_row=row)
    number, there = collected(world)
    world.in_stripe(f"/v1/invoices/{there}/pay", "paid_out_of_band=true")
    world.look()
    assert list(world.items()) == [PAID]
    assert f"Invoice {number}" in world.items()[PAID]
    assert "1,250.00 SEK" in world.items()[PAID]
    assert world.open_amount(number) == 1250  # no money was posted
    paid = world.pay_to_bank(number, 1250)
    world.look()
    assert world.items() == {}
    assert "this is its payment" in str(world.trips()[f"customerPayment Payment/{paid}"][1])
    assert "settled in Visma" in str(world.trips()[f"invoice {there}"][1])
    assert not [key for key in world.keys() if ":chg:" in key]  # noqa: SIM118


@pytest.mark.parametrize("answer", ["accept", "ignore"])
def test_a_person_may_end_it_too(world: CollectingWorld, answer: str) -> None:
    number, there = collected(world)
    world.in_stripe(f"/v1/invoices/{there}/pay", "paid_out_of_band=true")
    world.look()
    settle(world, answer)
    world.look()
    assert world.items() == {}
    assert world.open_amount(number) == 1250
    world.pay_to_bank(number, 1250)
    world.look()
    assert world.items() == {}


@pytest.mark.parametrize(
    ("act", "code"), [("void", "voided-in-stripe"), ("mark_uncollectible", "uncollectible-in-stripe")]
)
def test_one_voided_or_given_up_is_asked_and_ends_when_it_is_credited(
    world: CollectingWorld, act: str, code: str
) -> None:
    number, there = collected(world)
    world.in_stripe(f"/v1/invoices/{there}/{act}", "")
    world.look()
    assert list(world.items()) == [code]
    assert "Stripe's dashboard" in world.items()[code]
    world.credit(number)
    world.look()
    assert code not in world.items()


def test_what_we_told_ourselves_is_never_asked(world: CollectingWorld) -> None:
    number, _ = collected(world)
    world.pay_to_bank(number, 1250)
    world.look()
    assert world.there()[0]["status"] == "paid"
    voided = world.invoice(300)
    world.look()
    world.credit(voided)
    world.look()
    assert {one["status"] for one in world.there()} == {"paid", "void"}
    world.look(seconds=1_200, step=100)
    assert world.items() == {}
