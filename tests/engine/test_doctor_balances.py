"""What PayPal says it holds against what was read: proven by the doctor, and told where rows are missing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_connector.engine import doctor
from tests.engine.wallet_world import WalletWorld

DAY_S = 86_400


@pytest.fixture
def world(tmp_path: Path) -> Iterator[WalletWorld]:
    found = WalletWorld(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
    found.open_books()
    yield found
    found.close()


def told(world: WalletWorld) -> dict[str, tuple[str, str]]:
    """(verdict, sentence) by currency."""
    items = doctor.examine(world.works, world.company_id)
    return {one.item[-3:]: (one.verdict, one.sentence) for one in items if one.item.startswith("balance of pp")}


def test_what_was_read_adds_up_to_what_paypal_holds(world: WalletWorld) -> None:
    world.pay("1000.00", fee="40.00")
    world.pay("100.00", currency="EUR", fee="4.00")
    world.look(seconds=300)
    found = told(world)
    assert {currency: verdict for currency, (verdict, _) in found.items()} == {"SEK": "ok", "EUR": "ok"}
    assert "moved by 960.00 SEK" in found["SEK"][1]
    assert "moved by 96.00 EUR" in found["EUR"][1]


def test_rows_that_the_report_does_not_show_yet_are_missed_in_words(world: WalletWorld) -> None:
    world.pay("1000.00", fee="40.00")
    world.look(seconds=300)
    world.at_paypal("knobs", late_share=1.0, late_s=2.0 * DAY_S)
    world.pay("500.00", fee="20.00")
    world.look(seconds=1_800, step=600)
    verdict, sentence = told(world)["SEK"]
    assert verdict == "wrong"
    assert "480.00 SEK is missing" in sentence
    world.pass_time(3 * DAY_S, step=7_200)
    assert told(world)["SEK"][0] == "ok"


def test_before_anything_was_read_nothing_is_said(world: WalletWorld) -> None:
    assert told(world) == {}
