"""Parties are looked up one by one until that has cost as much as reading them all; then they are read, once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from ml_connector.engine.works import FIRST_GUESS, Parties
from ml_connector.finance.plan import Found
from tests.engine.wallet_world import WalletWorld

LEDGER = ("V1", "customer")
MINUTE, DAY = 60_000_000, 86_400_000_000


class Book:
    """A directory of two pages."""

    calls = 2

    def look_up(self, fields: Mapping[str, str]) -> list[Found]:
        return []


def test_nothing_is_read_whole_before_look_ups_have_cost_as_much() -> None:
    parties = Parties()
    asked = [parties.worth(LEDGER, 1, now=n) for n in range(FIRST_GUESS + 1)]
    assert asked == [None] * FIRST_GUESS + [FIRST_GUESS + 1]


def test_a_price_that_one_call_told_is_what_look_ups_must_have_cost() -> None:
    parties = Parties()
    parties.keep(LEDGER, 50, now=0)
    assert parties.worth(LEDGER, 40, now=0) is None
    assert parties.worth(LEDGER, 9, now=MINUTE) is None
    assert parties.worth(LEDGER, 2, now=2 * MINUTE) == 51


def test_a_directory_is_fresh_as_long_as_a_chart_may_be_and_then_only_what_changed_is_read_for_a_day() -> None:
    parties, book = Parties(max_age_s=600), Book()
    parties.keep(LEDGER, book, now=0)
    assert parties.directory(LEDGER, now=9 * MINUTE) is book
    assert parties.directory(LEDGER, now=11 * MINUTE) is None
    assert parties.read_before(LEDGER, now=11 * MINUTE) is book
    again = Book()
    parties.keep(LEDGER, again, now=DAY)
    assert parties.directory(LEDGER, now=DAY) is again
    assert parties.read_before(LEDGER, now=DAY + MINUTE) is None  # read whole again, a day after the first time


def test_what_was_spent_long_ago_does_not_count() -> None:
    parties = Parties()
    asked = [parties.worth(LEDGER, 1, now=n * (DAY + MINUTE)) for n in range(10)]
    assert asked == [None] * 10


def test_a_ledger_too_large_to_be_read_whole_is_never_asked_again() -> None:
    parties = Parties()
    parties.keep(LEDGER, None, now=0)
    assert {parties.worth(LEDGER, 100, now=0) for _ in range(50)} == {None}


def test_after_a_party_was_made_what_changed_is_read() -> None:
    parties, book = Parties(), Book()
    parties.keep(LEDGER, book, now=0)
    parties.forget()
    assert parties.directory(LEDGER, now=0) is None
    assert parties.read_before(LEDGER, now=0) is book


@pytest.fixture
def world(tmp_path: Path) -> Iterator[WalletWorld]:
    found = WalletWorld(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
    found.open_books()
    yield found
    found.close()


def test_many_payers_cost_one_reading_of_the_ledgers_customers(world: WalletWorld) -> None:
    calls: list[str] = []
    world.during = calls.append
    for payer in range(8):
        world.pay("100.00", payer=payer)
    world.look()
    assert {state for state, _ in world.trips().values()} == {"posted"}
    assert calls.count("GET /v1/customer") == 1


def test_a_day_of_payers_costs_one_reading_and_then_what_changed(world: WalletWorld) -> None:
    calls: list[str] = []
    world.during = calls.append
    for hour in range(4):
        for payer in range(6):
            world.pay("100.00", payer=payer, email=f"payer{hour}-{payer}@example.test")
        world.look(seconds=3_600, step=600)
    assert {state for state, _ in world.trips().values()} == {"posted"}
    assert calls.count("GET /v1/customer") <= 4
