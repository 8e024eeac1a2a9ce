"""A small world of one company with tills and a web shop whose buyers' cards Square takes."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2

from ml_connector.engine import connecting, reviewing, rulebooks, ruling, setup
from ml_connector.finance.rulebook import Terms
from ml_connector.store import cursors
from ml_connector.store.connection_rows import ConnectionRow
from ml_connector_sandbox.core.faults import Faulty
from ml_connector_sandbox.woocommerce import WooCommerce
from tests.engine.told_world import ToldWorld, brought
from tests.engine.world import SQUARE_URL

CLEARING, SUSPENSE, RECEIVABLE, SALES, VAT_25 = "1580", "1799", "1510", "3001", "2611"
GUESTS = {"SE:EUR": "10000"}


class RegisterWorld(ToldWorld):
    """Pretend Visma, Square and web shop. Everything is read by polling."""

    def __init__(self, database_url: str, folder: Path, *, seed: int = 1) -> None:
        super().__init__(database_url, folder, seed=seed)
        self.woo = Faulty(WooCommerce(seed=seed), seed=seed)

    def add_shop(self, **terms: Any) -> None:
        """A web shop whose orders are invoiced in the same books as what the tills sell."""
        gateways = {"square_credit_card": ["Kort", True, True]}
        shop = self.woo.control("seed_store", {"name": "Shop", "currency": "EUR", "gateways": gateways},
                                self.clock.now())  # fmt: skip
        self.shop_id = connecting.connect(
            self.works, self.workspace, connector="woocommerce", code="wc", title="Shop", by="test",
            base_url=SQUARE_URL, settings={},
            credentials={name: shop[name] for name in ("consumer_key", "consumer_secret")},
        )  # fmt: skip
        shipped = tomllib.loads(brought("woocommerce_terms.toml"))
        given = {**shipped, "collective_customers": GUESTS, **terms}
        self.shop_route_id = setup.add_route(
            self.works, company_id=self.company_id, flow="woocommerce_to_visma", source_id=self.shop_id, posting="on",
            terms=ruling.parse_terms(given, base=Terms(code="wc")), by="test",
        )  # fmt: skip
        book = rulebooks.read(brought("woocommerce_rules.toml"), form="toml")
        kept = tuple(rule for rule in book.rules if "clearing" not in rule.roles)  # all its money is Square's to book
        ruling.save_rules(self.works, self.shop_route_id, replace(book, rules=kept), by="test")

    def _transport(self, connection: ConnectionRow) -> httpx2.BaseTransport:
        vendor = {"visma": self.visma, "square": self.square, "woocommerce": self.woo}[connection.connector]
        return httpx2.MockTransport(lambda request: self._answer(vendor, request))

    def in_shop(self, verb: str, **arguments: Any) -> Any:
        return self.woo.control(verb, arguments, self.clock.now())

    def look(self, *, only: str | None = None, seconds: float = 900, step: float = 150) -> None:
        """Both sources (or one) are read now; time passes until everything has come to rest."""
        for connection_id in [only] if only else [self.square_id, self.shop_id]:
            with self.works.database.writing() as c:
                cursors.make_due(c, connection_id, now=self.works.now())
        self.run()
        self.pass_time(seconds, step=step)

    def balance(self, account: str) -> str:
        """Debit less credit of an account, as the pretend ledger has it."""
        found = self.ledger("balances")["accounts"].get(account, {})
        return f"{Decimal(found.get('EUR', '0')):.2f}"

    def answer(self, word: str) -> None:
        """A person answers everything that is asked."""
        for item in reviewing.open_items(self.works, self.workspace):
            reviewing.resolve(self.works, self.workspace, item.id, answer=word, by="Ann")
