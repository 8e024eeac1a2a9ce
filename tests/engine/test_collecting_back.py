"""What became at Stripe of the ledger's invoices, back in the ledger: once each, and clearing is Stripe's balance."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from ml_connector.engine import reviewing
from tests.databases import Databases
from tests.engine.collecting_world import BANK, CLEARING, FEES, CollectingWorld
from tests.engine.crash_walk import killed_everywhere, step

STRIPE = CLEARING["SEK"]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[CollectingWorld]:
    made = CollectingWorld(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
    made.open_books()
    made.open_the_way_back()
    yield made
    made.close()


def collected(world: CollectingWorld, net: int = 1000) -> tuple[str, str]:
    """(the ledger's number, Stripe's id) of an invoice that is sent."""
    number = world.invoice(net)
    world.look(seconds=120)
    return number, next(one["id"] for one in world.there() if one["metadata"]["visma_invoice_no"] == number)


def stripe_shows(world: CollectingWorld) -> Decimal:
    """What Stripe says stands on its account, not paid out yet."""
    found = world.at_stripe("truth")["not_paid_out"]
    return Decimal(found.get("sek", {}).get("net", 0)) / 100


def clear(world: CollectingWorld) -> bool:
    return Decimal(world.balance(STRIPE)) == stripe_shows(world)


def test_an_invoice_paid_there_is_paid_in_the_ledger_with_its_fee_and_not_told_to_stripe_again(
    world: CollectingWorld,
) -> None:
    number, there = collected(world)
    world.at_stripe("pay", invoice_id=there, fee=2_500)
    world.look(seconds=2_000, step=100)
    assert world.open_amount(number) == 0
    assert (world.balance(STRIPE), world.balance(FEES)) == ("1225.00", "25.00")
    assert clear(world)
    assert world.items() == {}
    assert [state for name, (state, _) in world.trips().items() if name.startswith("customerPayment")] == ["ignored"]


def test_an_invoice_paid_in_two_parts_has_two_payments(world: CollectingWorld) -> None:
    number, there = collected(world)
    world.at_stripe("pay", invoice_id=there, amount=50_000)
    world.look(seconds=1_200, step=100)
    assert world.open_amount(number) == 750
    world.at_stripe("pay", invoice_id=there)
    world.look(seconds=1_200, step=100)
    assert world.open_amount(number) == 0
    assert sum(key.startswith("st:inpay:") for key in sorted(world.keys())) == 2
    assert clear(world)


def test_a_refund_waits_for_nobody_and_clearing_stays_what_stripe_shows(world: CollectingWorld) -> None:
    _, there = collected(world)
    paid = world.at_stripe("pay", invoice_id=there)
    world.look(seconds=1_200, step=100)
    world.at_stripe("refund", charge_id=paid["charge_id"])
    world.look(seconds=4_000, step=200)
    for item in reviewing.open_items(world.works, world.workspace):
        assert item.code in {"refund-vat-proposed", "vat-proposed", "refund-unassigned"}, item.sentence
        reviewing.resolve(world.works, world.workspace, item.id, answer="accept", by="anna")
    world.look(seconds=2_000, step=200)
    assert clear(world)


def test_a_dispute_takes_the_money_flags_the_invoice_and_a_win_brings_it_back(world: CollectingWorld) -> None:
    number, there = collected(world)
    paid = world.at_stripe("pay", invoice_id=there)
    world.look(seconds=1_200, step=100)
    opened = world.at_stripe("dispute", charge_id=paid["charge_id"], reason="fraudulent")
    world.look(seconds=4_000, step=200)
    assert clear(world)
    assert world.balance("1521") == "1250.00"
    shown = world.ledger("by_hand", method="GET", path=f"/v1/customerinvoice/{number}")["body"]
    assert "fraudulent" in str(shown.get("note"))
    world.at_stripe("dispute", dispute_id=opened["dispute_id"], outcome="won")
    world.look(seconds=4_000, step=200)
    assert clear(world)
    assert Decimal(world.balance("1521")) == 0


def test_a_payout_goes_to_the_bank(world: CollectingWorld) -> None:
    _, there = collected(world)
    world.at_stripe("pay", invoice_id=there, fee=2_500)
    world.look(seconds=1_200, step=100)
    world.at_stripe("payout", pending=True)
    world.look(seconds=8_000, step=400)
    assert (world.balance(STRIPE), world.balance(BANK)) == ("0.00", "1225.00")


def test_a_whole_day_at_stripe_ends_with_what_stripe_shows(world: CollectingWorld) -> None:
    played = world.at_stripe("play_day", date=world.clock.now().date().isoformat(), seed=3)
    world.clock.advance(20 * 3_600)
    world.look(seconds=20_000, step=1_000)
    for _ in range(3):
        for item in reviewing.open_items(world.works, world.workspace):
            reviewing.resolve(world.works, world.workspace, item.id, answer="accept", by="anna")
        world.look(seconds=4_000, step=400)
    assert played["expected"]
    assert clear(world), (world.items(), world.balance(STRIPE), stripe_shows(world))
    posting = {name: told for name, told in world.trips().items() if told[0] not in ("posted", "ignored")}
    assert posting == {}


@pytest.mark.slow
@pytest.mark.trials
def test_killed_anywhere_a_payment_is_booked_once(world: CollectingWorld, sqlite_databases: Databases) -> None:
    number, there = collected(world)
    world.at_stripe("pay", invoice_id=there, fee=2_500)
    expected, _ = killed_everywhere(
        world, sqlite_databases, each=step(7),
        play=lambda life: life.look(seconds=100), again=lambda life: life.look(seconds=2_400, step=60),
        came_to=lambda life, _said: (
            life.open_amount(number), life.balance(STRIPE), life.balance(FEES), life.items()
        ),
    )  # fmt: skip
    assert expected == (0, "1225.00", "25.00", {})
