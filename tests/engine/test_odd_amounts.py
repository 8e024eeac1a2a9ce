"""Amounts that make no sense, as they would come from Square: each record comes to rest with a reason, unbooked."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.proofs import expect_settled, query, questions
from tests.engine.world import World


@pytest.mark.parametrize(
    ("amount", "currency", "sentence"),
    [
        (12_500, "XQQ", "is no currency of ISO 4217"),
        (12_500, "eur", "is no currency of ISO 4217"),
        (12_500, None, "is no currency of ISO 4217"),
        (-12_500, "EUR", "is below zero"),
        (10**30, "EUR", "is beyond any sensible amount"),
        (125.5, "EUR", "is no whole number of minor units"),
        ("12500", "EUR", "is no whole number of minor units"),
        (None, "EUR", ""),
    ],
)
def test_a_payment_of_an_odd_amount_is_held_and_another_one_is_booked(
    tmp_path: Path, amount: object, currency: object, sentence: str
) -> None:
    world = World(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
    world.set_up()
    world.clock.advance(3 * 3600)
    world.sell()
    money = {"amount": amount, "currency": currency}
    world.tamper("payments", amount_money=money, total_money=money, approved_money=money)
    world.sell(lines=[{"amount": 8_000, "tax": "25"}])
    world.clock.advance(300)
    world.run()
    world.pass_time(600, step=120)
    assert sorted(query(world, "SELECT state FROM trip WHERE kind = 'payment'")) == [("held",), ("posted",)]
    assert questions(world) == ["untranslatable"]
    (told,) = query(world, "SELECT sentence FROM review_item")[0]
    assert sentence in told
    assert "amount_money" in told
    assert len(world.books()) == 1
    expect_settled(world)
    world.close()


def test_a_payment_of_nothing_is_ignored_with_the_reason(tmp_path: Path) -> None:
    world = World(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
    world.set_up()
    world.clock.advance(3 * 3600)
    world.sell(lines=[{"amount": 0, "tax": "25"}])
    world.clock.advance(300)
    world.run()
    world.pass_time(600, step=120)
    assert query(world, "SELECT state, reason FROM trip WHERE kind = 'payment'") == [
        ("ignored", "nothing of value is in it")
    ]
    assert world.books() == []
    world.close()
