"""A shop that sells in several currencies: each in its own clearing, closed to the cent, or held in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ml_connector.engine import replaying, reviewing
from ml_connector.finance.rulebook import Rule, When
from tests.engine.shop_world import CLEARING, RECEIVABLE, VAT_25, ShopWorld

Open = Callable[..., ShopWorld]
EUR, JPY, EUR_BANK = "1595", "1596", "1597"
GUESTS = {"SE:SEK": "10000", "SE:EUR": "10004", "SE:JPY": "10005"}
ZERO = Decimal(0)
DAY_S = 86_400


def _cash(number: str, currency: str) -> dict[str, Any]:
    return {"number": number, "description": number, "type": "Asset", "currency": currency, "cash": True}


def _guests(number: str, currency: str) -> dict[str, str]:
    return {"number": number, "name": f"Guests in {currency}", "zone": "SE", "currency": currency, "terms": "0"}


def _waits(id_: str, method: str, currency: str, account: str) -> Rule:
    when = When(method=(method,), currency=(currency,))
    return Rule(id_, ("clearing",), when, account=account, cash_account=account, payment_method="CARD")


BOOKS = {
    "accounts": [_cash(EUR, "EUR"), _cash(JPY, "JPY"), _cash(EUR_BANK, "EUR")],
    "customers": [_guests("10004", "EUR"), _guests("10005", "JPY")],
}
RULES = (
    _waits("stripe-eur", "stripe", "EUR", EUR),
    _waits("stripe-jpy", "stripe", "JPY", JPY),
    _waits("bacs-eur", "bacs", "EUR", EUR_BANK),
)


@pytest.fixture
def open_shop(tmp_path: Path) -> Iterator[Open]:
    opened: list[ShopWorld] = []

    def make(**given: Any) -> ShopWorld:
        world = ShopWorld(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
        opened.append(world)
        world.set_up(**{"books": BOOKS, "rules": RULES, "collective_customers": GUESTS, **given})
        return world

    yield make
    for world in opened:
        world.close()


def left(world: ShopWorld, account: str) -> dict[str, Decimal]:
    """What stands on an account by currency, less what is zero."""
    found = world.ledger("balances")["accounts"].get(account, {})
    return {currency: Decimal(text) for currency, text in found.items() if Decimal(text)}


def in_base(world: ShopWorld, account: str) -> Decimal:
    return Decimal(world.ledger("balances")["base"].get(account, "0"))


def asked(world: ShopWorld) -> list[tuple[str, str]]:
    """(code, sentence) of every open question."""
    return [(one.code, one.sentence) for one in reviewing.open_items(world.works, world.workspace)]


def states(world: ShopWorld, *orders: dict[str, Any]) -> set[str]:
    return {world.trip(order)[1] for order in orders}


def test_each_currency_is_invoiced_paid_and_kept_apart(open_shop: Open) -> None:
    world = open_shop()
    home, abroad = world.order("1250.00"), world.order("125.00", currency="EUR")
    world.look()
    assert states(world, home, abroad) == {"posted"}
    assert left(world, CLEARING["stripe"]) == {"SEK": Decimal(1250)}
    assert left(world, EUR) == {"EUR": Decimal(125)}
    assert left(world, VAT_25) == {"SEK": Decimal(-250), "EUR": Decimal(-25)}
    assert left(world, RECEIVABLE) == {}
    assert in_base(world, EUR) == Decimal("1412.50")  # 125.00 at 11.30
    assert in_base(world, RECEIVABLE) == ZERO


def test_what_is_given_back_whole_empties_its_own_clearing(open_shop: Open) -> None:
    world = open_shop()
    home, abroad = world.order("1250.00"), world.order("125.00", currency="EUR")
    world.look()
    world.do("refund", order_id=abroad["id"], lines=[{"index": 0, "quantity": 1}], gateway=True)
    world.look()
    assert states(world, home, abroad) == {"posted"}
    assert left(world, EUR) == {}
    assert left(world, RECEIVABLE) == {}
    assert left(world, VAT_25) == {"SEK": Decimal(-250)}
    assert left(world, CLEARING["stripe"]) == {"SEK": Decimal(1250)}
    assert Decimal(world.ledger("balances")["total"]) == ZERO


def test_a_rate_that_moved_until_the_buyer_paid_is_the_ledgers_gain(open_shop: Open) -> None:
    world = open_shop()
    order = world.order("125.00", currency="EUR", gateway="bacs")
    world.look()
    world.ledger("set_rate", currency="EUR", rate="11.50")
    world.do("pay", order_id=order["id"])
    world.look(DAY_S, step=7_200)
    assert states(world, order) == {"posted"}
    assert left(world, EUR_BANK) == {"EUR": Decimal(125)}
    assert left(world, RECEIVABLE) == {}
    assert in_base(world, RECEIVABLE) == ZERO


def test_a_shop_in_yen_has_no_decimals_anywhere(open_shop: Open) -> None:
    world = open_shop(shop={"currency": "JPY", "decimals": 0})
    sold, given = world.order("1250"), world.order("4999")
    world.look()
    assert states(world, sold, given) == {"posted"}
    assert left(world, JPY) == {"JPY": Decimal(6249)}
    assert left(world, VAT_25) == {"JPY": Decimal(-1250)}
    world.do("refund", order_id=given["id"], lines=[{"index": 0, "quantity": 1}], gateway=True)
    world.look()
    assert left(world, JPY) == {"JPY": Decimal(1250)}
    assert left(world, RECEIVABLE) == {}
    documents = [one for one in world.books() if one["currency"] == "JPY"]
    assert all(Decimal(line["debit"]) % 1 == 0 for one in documents for line in one["lines"])


def test_orders_of_a_currency_without_a_rate_are_held_in_words_until_it_is_there(open_shop: Open) -> None:
    world = open_shop()
    world.ledger("set_rate", currency="EUR")
    home, abroad = world.order("1250.00"), world.order("125.00", currency="EUR")
    world.look()
    assert states(world, home) == {"posted"}
    trip, state, _ = world.trip(abroad)
    assert state == "held"
    ((_, sentence),) = asked(world)
    assert "EUR" in sentence
    assert "rate" in sentence.lower()
    assert left(world, EUR) == {}
    world.ledger("set_rate", currency="EUR", rate="11.30", **{"from": "2026-01-01"})
    replaying.replay_trips(world.works, world.workspace, [trip], by="Ann")
    world.look()
    assert states(world, abroad) == {"posted"}
    assert left(world, EUR) == {"EUR": Decimal(125)}
    assert left(world, RECEIVABLE) == {}


@pytest.mark.parametrize(
    ("currency", "given", "code"),
    [
        ("EUR", {"rules": ()}, "cash-account-currency"),
        ("EUR", {"collective_customers": {"SE:SEK": "10000"}}, "collective-customer-missing"),
        ("CHF", {"collective_customers": {**GUESTS, "SE:CHF": "10004"}}, "collective-customer-unfit"),
    ],
    ids=["no clearing account", "no collective customer", "a currency the ledger does not keep"],
)
def test_what_the_books_lack_for_a_currency_is_said_and_nothing_is_sent(
    open_shop: Open, currency: str, given: dict[str, Any], code: str
) -> None:
    world = open_shop(**given)
    order = world.order("125.00", currency=currency)
    world.look()
    assert states(world, order) == {"held"}
    assert world.writes() == []
    assert code in {found for found, _ in asked(world)}
    assert all(currency in sentence for _, sentence in asked(world))
