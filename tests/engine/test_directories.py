"""Parties are looked up one by one until that has cost as much as reading them all; then they are read, once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from ml_connector.engine.works import FIRST_GUESS, Parties
from ml_connector.finance.plan import Found
from tests.engine.wallet_world import WalletWorld

LEDGER = ("V1", "customer")
MINUTE = 60_000_000


class Book:
    """A directory of two pages."""

    calls = 2

    def look_up(self, fields: Mapping[str, str]) -> list[Found]:
        return []


def test_nothing_is_read_whole_before_look_ups_have_cost_as_much() -> None:
    parties = Parties()
    asked = [parties.wants_whole(LEDGER, 1, now=n) for n in range(FIRST_GUESS + 1)]
    assert asked == [False] * FIRST_GUESS + [True]


def test_a_directory_is_kept_as_long_as_a_chart_may_be_old_and_then_costs_what_it_cost() -> None:
    parties, book = Parties(max_age_s=600), Book()
    parties.keep(LEDGER, book, now=0)
    assert parties.directory(LEDGER, now=9 * MINUTE) is book
    assert parties.directory(LEDGER, now=11 * MINUTE) is None
    assert [parties.wants_whole(LEDGER, 1, now=11 * MINUTE) for _ in range(3)] == [False, False, True]


def test_what_was_spent_long_ago_does_not_count() -> None:
    parties = Parties(max_age_s=600)
    asked = [parties.wants_whole(LEDGER, 1, now=n * 11 * MINUTE) for n in range(10)]
    assert not any(asked)


def test_a_ledger_too_large_to_be_read_whole_is_never_asked_again() -> None:
    parties = Parties()
    parties.keep(LEDGER, None, now=0)
    assert not any(parties.wants_whole(LEDGER, 100, now=0) for _ in range(50))


def test_a_party_that_was_made_ends_a_directory() -> None:
    parties = Parties()
    parties.keep(LEDGER, Book(), now=0)
    parties.forget()
    assert parties.directory(LEDGER, now=0) is None


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
