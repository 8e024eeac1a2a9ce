"""Money that PayPal changes: the ledger says what the foreign half is worth, and the pair closes exactly on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from ml_connector.engine import replaying
from tests.databases import Databases
from tests.engine.crash_walk import killed_everywhere, step
from tests.engine.proofs import in_ledger, query
from tests.engine.wallet_world import BALANCES, CURRENCY, RECEIVABLE, TRANSIT, WalletWorld

Open = Callable[[], WalletWorld]
RATES = (
    {"currency": "EUR", "from": "2026-03-10", "rate": "11.30"},
    {"currency": "EUR", "from": "2026-03-11", "rate": "11.50"},
    {"currency": "EUR", "from": "2026-03-12", "rate": "11.40"},
)


@pytest.fixture
def open_world(database_url: str, inbox_url: str, tmp_path: Path) -> Iterator[Open]:
    """Books in SEK whose rate of the euro is 11.30, 11.50 and 11.40 on three days, and a PayPal account."""
    opened: list[WalletWorld] = []

    def make() -> WalletWorld:
        world = WalletWorld(database_url, tmp_path, inbox_url=inbox_url)
        opened.append(world)
        world.open_books(rates=RATES)
        world.look(seconds=60)
        return world

    yield make
    for world in opened:
        world.close()


def in_base(world: WalletWorld, account: str) -> Decimal:
    """Debit less credit of an account in SEK, as the pretend ledger keeps it."""
    return Decimal(world.ledger("balances")["base"].get(account, "0"))


def next_day(world: WalletWorld) -> None:
    world.clock.advance(24 * 3600)


def invoiced_and_paid(world: WalletWorld) -> None:
    """EUR 100.00 invoiced at 11.30 and paid through PayPal at 11.50, without a fee."""
    made = world.at_paypal("invoice", currency="EUR", items=[{"name": "Consulting", "price": "80.00", "tax": "25"}])
    world.look()
    next_day(world)
    world.at_paypal("invoice_pay", invoice_id=made["invoice_id"], fee="0.00")
    world.look()
    next_day(world)


def convert(world: WalletWorld) -> None:
    """PayPal changes the EUR 100.00 into SEK 1,131.00."""
    world.at_paypal("conversion", source="EUR", amount="100.00", target="SEK", received="1131.00")


def expect_closed(world: WalletWorld) -> None:
    """Transit is empty in base currency, and gains and losses are what the three rates make of 100 euros."""
    assert world.items() == {}
    assert in_base(world, TRANSIT) == 0
    assert in_base(world, CURRENCY) == 9
    assert world.balance(BALANCES["SEK"]) == "1131.00"
    assert world.balance(BALANCES["EUR"], "EUR") == "0.00"
    assert in_base(world, BALANCES["EUR"]) == 10  # what the ledger's revaluation clears
    assert world.balance(RECEIVABLE, "EUR") == "0.00"
    ((done,),) = query(world, "SELECT count(*) FROM submission WHERE state = 'done' AND kind <> 'customer'")
    assert len(in_ledger(world)) == done + 1  # the gain of 20.00 on the payment, which the ledger books by itself


def test_the_worked_example_of_three_rates_closes_to_the_cent(open_world: Open) -> None:
    world = open_world()
    invoiced_and_paid(world)
    convert(world)
    world.look()
    expect_closed(world)
    sek = [one for one in world.books() if one["currency"] == "SEK" and "Conversion" in one["description"]]
    lines = {line["account"]: (line["debit"], line["credit"]) for line in sek[0]["lines"]}
    assert {account: int(Decimal(debit) - Decimal(credit)) for account, (debit, credit) in lines.items()} == {
        BALANCES["SEK"]: 1131, CURRENCY: 9, TRANSIT: -1140,
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.trials
def test_killed_anywhere_the_pair_still_closes(open_world: Open, databases: Databases) -> None:
    world = open_world()
    invoiced_and_paid(world)
    convert(world)
    each = step(11) if databases.dialect == "sqlite" else 3 * step(11)
    killed_everywhere(
        world, databases, play=WalletWorld.look, again=WalletWorld.look, each=each,
        came_to=lambda life, _said: expect_closed(life),
    )  # fmt: skip


def test_a_conversion_that_is_undone_leaves_nothing_in_transit(open_world: Open) -> None:
    world = open_world()
    invoiced_and_paid(world)
    convert(world)
    world.look()
    (trip,) = query(
        world, "SELECT DISTINCT t.id FROM trip t JOIN planned_write w ON w.trip_id = t.id WHERE w.key LIKE '%T0201%'"
    )[0]
    replaying.undo(world.works, trip, by="Ann")
    world.look()
    assert in_base(world, TRANSIT) == 0
    assert in_base(world, CURRENCY) == 0
    assert world.balance(BALANCES["SEK"]) == "0.00"
