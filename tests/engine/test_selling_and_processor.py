"""A sales order whose money a connected processor books: the shop puts that advance against the invoice."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ml_connector.engine import connecting, reviewing, rulebooks, ruling, setup
from ml_connector.engine.tracing import trace
from ml_connector.finance.rulebook import Terms
from ml_connector.store import cursors
from ml_connector.store.connection_rows import ConnectionRow
from ml_connector_sandbox.core.faults import Faulty
from ml_connector_sandbox.woocommerce import WooCommerce
from tests.engine.collecting_world import CollectingWorld
from tests.engine.register_world import RegisterWorld
from tests.engine.test_shop_and_processor import LEFT_TO_PAYPAL, buy
from tests.engine.test_shop_and_square import LEFT_TO_SQUARE, LISTS_LAG_S
from tests.engine.test_shop_and_square import buy as buy_by_card
from tests.engine.wallet_world import BALANCES, RECEIVABLE, WalletWorld
from tests.engine.world import SQUARE_URL

ADVANCES, SALES, VAT_25, STRIPE = "2420", "3001", "2611", "1583"
BY_ORDER: dict[str, Any] = {"order_document": "sales_order", "order_items": {"sales": "GOODS"}}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[WalletWorld]:
    """Books, a PayPal account, and a shop of which orders become sales orders and PayPal's money is left to it."""
    made = WalletWorld(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
    made.open_books()
    made.add_shop(**BY_ORDER, gateways_elsewhere=LEFT_TO_PAYPAL)
    made.ledger("set_item", number="GOODS", description="Goods", vat="25", account=SALES)
    made.look(seconds=60)
    yield made
    made.close()


@pytest.mark.parametrize("first", ["shop", "paypal"])
def test_a_processors_advance_is_put_against_the_invoice_that_people_make(world: WalletWorld, first: str) -> None:
    world.clock.advance(10)
    capture, order = buy(world)
    world.look(only=world.shop_id if first == "shop" else world.paypal_id, seconds=30, step=30)
    world.look(seconds=4_000)
    keys = world.keys()
    assert (keys[f"wc:ord:{order['id']}"], keys[f"pp:cap:{capture}"]) == ("done", "done")
    assert f"wc:pay:{order['id']}" not in keys
    assert world.balance(ADVANCES) == "-1000.00"
    number = world.ledger("invoice_sales_order", number="000001")["invoice"]
    world.look(seconds=8_000, step=400)
    assert world.keys()[f"wc:app:{order['id']}:{number}"] == "done"
    assert (world.balance(RECEIVABLE), world.balance(ADVANCES)) == ("0.00", "0.00")
    shown = world.at_paypal("truth")["balances"]["SEK"]["available"]
    assert world.balance(BALANCES["SEK"]) == shown
    assert f"pp:cap:{capture}" in str(trace(world.works, world.workspace, f"wc:ord:{order['id']}"))


def test_what_is_given_back_before_the_invoice_is_asked_about_on_both_sides_and_books_nothing(
    world: WalletWorld,
) -> None:
    world.clock.advance(10)
    capture, order = buy(world)
    world.look(seconds=4_000, step=200)
    world.at_paypal("refund", capture_id=capture)
    world.in_shop("refund", order_id=order["id"], amount="1000.00")
    world.look(seconds=8_000, step=400)
    assert "order-given-back" in world.items()
    assert len(world.items()) == 2
    assert len(world.ledger("sales_orders")) == 1
    assert (world.balance(ADVANCES), world.balance(SALES)) == ("-1000.00", "0")


def test_a_part_given_back_before_the_invoice_is_credited_and_paid_out_once_there_is_one(world: WalletWorld) -> None:
    world.clock.advance(10)
    capture, order = buy(world)
    world.look(seconds=4_000, step=200)
    world.at_paypal("refund", capture_id=capture, amount="250.00")
    world.in_shop("refund", order_id=order["id"], amount="250.00")
    world.look(seconds=4_000, step=400)
    assert (world.items(), world.balance(ADVANCES)) == ({}, "-1000.00")
    world.ledger("invoice_sales_order", number="000001")
    world.look(seconds=9_000, step=400)
    (asked,) = reviewing.open_items(world.works, world.workspace, code="refund-vat-mix")
    reviewing.resolve(world.works, world.workspace, asked.id, answer="approve", by="Ann")
    world.look(seconds=4_000, step=400)
    assert (world.items(), world.balance(RECEIVABLE), world.balance(ADVANCES)) == ({}, "0.00", "0.00")
    assert world.balance(BALANCES["SEK"]) == world.at_paypal("truth")["balances"]["SEK"]["available"]


@pytest.fixture
def tills(tmp_path: Path) -> Iterator[RegisterWorld]:
    """Books, a Square seller, and a shop of which orders become sales orders and Square's money is left to it."""
    made = RegisterWorld(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
    made.set_up()
    made.add_shop(**BY_ORDER, gateways_elsewhere=LEFT_TO_SQUARE)
    made.ledger("set_item", number="GOODS", description="Goods", vat="25", account=SALES)
    made.look(seconds=60)
    yield made
    made.close()


@pytest.mark.parametrize("first", ["shop", "square"])
def test_an_advance_through_square_is_put_against_the_invoice_once(tills: RegisterWorld, first: str) -> None:
    tills.clock.advance(10)
    payment, order = buy_by_card(tills)
    tills.clock.advance(LISTS_LAG_S)
    tills.look(only=tills.shop_id if first == "shop" else tills.square_id, seconds=30, step=30)
    tills.look(seconds=4_000)
    assert (tills.balance(ADVANCES), tills.balance(SALES)) == ("-125.00", "0.00")
    number = tills.ledger("invoice_sales_order", number="000001")["invoice"]
    tills.look(seconds=8_000, step=400)
    assert sorted(tills.keys()) == [f"sq:pay:{payment}", f"wc:app:{order['id']}:{number}", f"wc:ord:{order['id']}"]
    assert [tills.balance(one) for one in (RECEIVABLE, ADVANCES, SALES, VAT_25)] == [
        "0.00",
        "0.00",
        "-100.00",
        "-25.00",
    ]
    assert tills.items() == {}


class ChargingWorld(CollectingWorld):
    """A shop whose cards Stripe takes, and whose orders become sales orders."""

    def add_shop(self) -> None:
        """The shop and its route, which leaves Stripe's money to Stripe."""
        self.woo = Faulty(WooCommerce(seed=self.seed), seed=self.seed)
        shop = self.woo.control("seed_store", {"name": "Shop", "currency": "SEK"}, self.clock.now())
        keys = {name: shop[name] for name in ("consumer_key", "consumer_secret")}
        self.shop_id = connecting.connect(
            self.works, self.workspace, connector="woocommerce", code="wc", title="Shop", by="test",
            base_url=SQUARE_URL, credentials=keys, settings={},
        )  # fmt: skip
        terms = {
            **tomllib.loads(_shipped("woocommerce_terms.toml")),
            **BY_ORDER,
            "gateways_elsewhere": {"stripe": "st:ch"},
        }
        route_id = setup.add_route(
            self.works, company_id=self.company_id, flow="woocommerce_to_visma", source_id=self.shop_id, posting="on",
            terms=ruling.parse_terms(terms, base=Terms(code="wc")), by="test",
        )  # fmt: skip
        book = rulebooks.read(_shipped("woocommerce_rules.toml"), form="toml")
        kept = tuple(rule for rule in book.rules if "clearing" not in rule.roles)
        ruling.save_rules(self.works, route_id, replace(book, rules=kept), by="test")

    def _transport(self, connection: ConnectionRow) -> httpx2.BaseTransport:
        if connection.connector == "woocommerce":
            return httpx2.MockTransport(lambda request: self._answer(self.woo, request))
        return super()._transport(connection)

    def read(self, connection_id: str) -> None:
        """One source is read now."""
        with self.works.database.writing() as c:
            cursors.make_due(c, connection_id, now=self.works.now())
        self.run()
        self.pass_time(60, step=30)


@pytest.fixture
def charging(tmp_path: Path) -> Iterator[ChargingWorld]:
    """Books, a Stripe account with its way back, and the shop."""
    made = ChargingWorld(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
    made.open_books(collect="marked")
    made.open_the_way_back()
    made.add_shop()
    made.ledger("set_item", number="GOODS", description="Goods", vat="25", account=SALES)
    made.look(seconds=60)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("named", "first"), [("charge_id", "shop"), ("charge_id", "stripe"), ("payment_intent_id", "shop")]
)
def test_an_advance_through_stripe_is_put_against_the_invoice_once_however_the_shop_names_it(
    charging: ChargingWorld, named: str, first: str
) -> None:
    charging.clock.advance(10)
    paid = charging.at_stripe("charge", amount=12_500, currency="sek", fee=200)
    order = charging.woo.control(
        "order", {"lines": [{"price": "125.00", "tax": "25"}], "gateway": "stripe", "transaction_id": paid[named]},
        charging.clock.now(),
    )["order"]  # fmt: skip
    charging.clock.advance(10)
    charging.read(charging.shop_id if first == "shop" else charging.stripe_id)
    charging.look(seconds=4_000, step=400)
    assert charging.balance(ADVANCES) == "-125.00"
    number = charging.ledger("invoice_sales_order", number="000001")["invoice"]
    charging.look(seconds=9_000, step=600)
    keys = charging.keys()
    assert keys[f"wc:app:{order['id']}:{number}"] == keys[f"st:ch:{paid['charge_id']}"] == "done"
    assert not [key for key in keys if key.startswith("wc:pay:")]
    assert [charging.balance(one) for one in (RECEIVABLE, ADVANCES, SALES, VAT_25, STRIPE)] == [
        "0.00", "0.00", "-100.00", "-25.00", "123.00",
    ]  # fmt: skip
    assert charging.items() == {}


def test_an_advance_that_stripe_takes_back_after_it_was_applied_leaves_the_invoice_open_again(
    charging: ChargingWorld,
) -> None:
    charging.clock.advance(10)
    paid = charging.at_stripe("charge", amount=12_500, currency="sek")
    lines = [{"price": "125.00", "tax": "25"}]
    bought = {"lines": lines, "gateway": "stripe", "transaction_id": paid["charge_id"]}
    order = charging.woo.control("order", bought, charging.clock.now())["order"]
    charging.clock.advance(10)
    charging.read(charging.shop_id)
    charging.look(seconds=4_000, step=400)
    number = charging.ledger("invoice_sales_order", number="000001")["invoice"]
    charging.look(seconds=9_000, step=600)
    assert charging.open_amount(number) == 0
    charging.at_stripe("fail_late", charge_id=paid["charge_id"])
    charging.look(seconds=9_000, step=600)
    for item in reviewing.open_items(charging.works, charging.workspace):
        assert item.code == "correction"
        reviewing.resolve(charging.works, charging.workspace, item.id, answer="accept", by="Ann")
    charging.look(seconds=9_000, step=600)
    assert (charging.open_amount(number), charging.balance(ADVANCES), charging.balance(RECEIVABLE)) == (
        125.0, "0.00", "125.00"
    )  # fmt: skip
    keys = charging.keys()
    assert keys[f"wc:app:{order['id']}:{number}:rev"] == keys[f"st:ch:{paid['charge_id']}:rev"] == "done"
    assert not [key for key in keys if key.startswith("wc:app:") and not key.endswith(":rev")]
    assert "advance-left" in str(trace(charging.works, charging.workspace, f"wc:ord:{order['id']}"))
    again = charging.at_stripe("charge", amount=12_500, currency="sek")["charge_id"]
    charging.woo.control(
        "edit_order", {"order_id": order["id"], "change": {"transaction_id": again}}, charging.clock.now()
    )
    charging.clock.advance(10)
    charging.read(charging.shop_id)
    charging.look(seconds=9_000, step=600)
    assert (charging.open_amount(number), charging.balance(ADVANCES), charging.items()) == (0, "0.00", {})


def _shipped(name: str) -> str:
    return files("ml_connector.cli").joinpath(name).read_text(encoding="utf-8")
