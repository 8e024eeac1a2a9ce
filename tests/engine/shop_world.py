"""A small world whose source is a web shop: orders that are invoiced and paid, edited, cancelled and given back."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import httpx2

from ml_connector.engine import connecting, reviewing, rulebooks, ruling, setup
from ml_connector.finance.rulebook import Rule, Terms
from ml_connector.store.connection_rows import ConnectionRow
from ml_connector_sandbox.core.faults import Faulty
from ml_connector_sandbox.woocommerce import WooCommerce
from tests.engine.proofs import query
from tests.engine.told_world import brought
from tests.engine.world import GO_LIVE, SQUARE_URL, VISMA_URL, World

SHOP_URL = SQUARE_URL
CLEARING = {"stripe": "1583", "ppcp-gateway": "1584", "klarna_payments": "1586", "cod": "1587", "bacs": "1588"}
RECEIVABLE, VAT_25 = "1510", "2611"


class ShopWorld(World):
    """Pretend Visma and a pretend web shop. All is read by polling; `look` waits until a change has been read."""

    def set_up(
        self, *, mode: Any = "per_record", posting: str = "on", books: Mapping[str, Any] | None = None,
        shop: Mapping[str, Any] | None = None, rules: tuple[Rule, ...] = (), **terms: Any,
    ) -> None:  # fmt: skip
        """A company with a clearing account for each payment method, a shop, the route and the shipped rules.

        `books` and `shop`: what else the pretend vendors begin with; `rules` go before the shipped ones.
        """
        now = self.clock.now()
        accounts = [
            {"number": number, "description": number, "type": "Asset", "currency": "base", "cash": True}
            for number in CLEARING.values()
        ]
        self.woo = Faulty(WooCommerce(seed=self.seed), seed=self.seed)
        begun = {"base_currency": "SEK", **(books or {})}
        begun["accounts"] = [*accounts, *begun.get("accounts", ())]
        self.company = self.visma.control("seed_company", begun, now)
        self.shop = self.woo.control("seed_store", {"name": "Shop", "currency": "SEK", **(shop or {})}, now)
        self.workspace = setup.init(self.works)
        self.visma_id = connecting.connect(
            self.works, self.workspace, connector="visma", code="vn", title="Visma", by="test", base_url=VISMA_URL,
            credentials={key: self.company[key] for key in ("client_id", "client_secret", "tenant_id")},
            settings={"token_url": f"{VISMA_URL}/connect/token"},
        )  # fmt: skip
        self.shop_id = connecting.connect(
            self.works, self.workspace, connector="woocommerce", code="wc", title="Shop", by="test", base_url=SHOP_URL,
            credentials={name: self.shop[name] for name in ("consumer_key", "consumer_secret")}, settings={},
        )  # fmt: skip
        self.company_id = setup.add_company(
            self.works, self.workspace, connection_id=self.visma_id, name="Shop AB", time_zone="Europe/Stockholm",
            go_live=GO_LIVE, by="test",
        )  # fmt: skip
        shipped = tomllib.loads(brought("woocommerce_terms.toml"))
        self.terms = ruling.parse_terms({**shipped, "mode": mode, **terms}, base=Terms(code="wc"))
        self.route_id = setup.add_route(
            self.works, company_id=self.company_id, flow="woocommerce_to_visma", source_id=self.shop_id,
            terms=self.terms, posting=posting, by="test",
        )  # fmt: skip
        book = rulebooks.read(brought("woocommerce_rules.toml"), form="toml")
        book = replace(book, rules=(*rules, *book.rules))
        self.saved = ruling.save_rules(self.works, self.route_id, book, by="test")

    def _transport(self, connection: ConnectionRow) -> httpx2.BaseTransport:
        vendor = self.visma if connection.connector == "visma" else self.woo
        return httpx2.MockTransport(lambda request: self._answer(vendor, request))

    # ------------------------------------------------------------------------------------------ the shop

    def do(self, verb: str, **arguments: Any) -> dict[str, Any]:
        """Something that happens in the shop."""
        return dict(self.woo.control(verb, arguments, self.clock.now()))

    def order(self, price: str = "125.00", *, gateway: str = "stripe", **more: Any) -> dict[str, Any]:
        """One order of one thing at 25 % VAT, its price with VAT."""
        lines = [{"price": price, "tax": "25"}]
        return dict(self.do("order", lines=lines, gateway=gateway, **more)["order"])

    def reprice(self, order: dict[str, Any], net: str) -> None:
        """A clerk changes the price of the order's first line; `net` of VAT."""
        line = order["line_items"][0]
        change = {"line_items": [{"id": line["id"], "total": net, "subtotal": net}]}
        self.do("edit_order", order_id=order["id"], change=change)

    def set_status(self, order: dict[str, Any], status: str) -> None:
        """A clerk changes the status of an order."""
        self.do("edit_order", order_id=order["id"], change={"status": status})

    def look(self, seconds: float = 1_200, *, step: float = 120) -> None:
        """Time passes: what changed is read, planned, sent and read back."""
        self.pass_time(seconds, step=step)

    # ------------------------------------------------------------------------------------------ what came of it

    def balance(self, account: str) -> int:
        """Debit less credit in minor units."""
        found = self.ledger("balances")["accounts"].get(account, {})
        return sum(round(100 * float(text)) for text in found.values())

    def trip(self, order: dict[str, Any]) -> tuple[str, str, str | None]:
        """(id, state, reason) of the order's trip."""
        rows = query(
            self,
            "SELECT t.id, t.state, t.reason FROM trip t JOIN record r ON r.id = t.record_id "
            "WHERE r.kind = 'order' AND r.external_id = :id",
            id=str(order["id"]),
        )
        return rows[0]  # type: ignore[no-any-return]

    def writes(self, *, live: bool = True) -> list[tuple[str, int, str]]:
        """(key, revision, state) of planned writes; dropped ones never, reversed ones unless only `live` are asked."""
        gone = "('dropped', 'reversed')" if live else "('dropped')"
        return query(
            self, f"SELECT key, revision, state FROM planned_write WHERE state NOT IN {gone} ORDER BY key, revision"
        )

    def items(self, code: str) -> list[Any]:
        """Open questions of one code."""
        return list(reviewing.open_items(self.works, self.workspace, code=code))

    def answer(self, code: str, word: str = "accept") -> None:
        """A person answers every question of this code."""
        for item in self.items(code):
            reviewing.resolve(self.works, self.workspace, item.id, answer=word, by="Ann")
