"""A small world whose source is a PayPal account, alone or beside the web shop whose buyers pay with it."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2

from ml_connector.engine import connecting, rulebooks, ruling, setup
from ml_connector.finance.rulebook import Terms
from ml_connector.store import cursors
from ml_connector.store.connection_rows import ConnectionRow
from ml_connector_sandbox.core.faults import Faulty
from ml_connector_sandbox.paypal import PayPal
from ml_connector_sandbox.woocommerce import WooCommerce
from tests.engine.told_world import ToldWorld, brought
from tests.engine.world import GO_LIVE, SQUARE_URL, VISMA_URL

BALANCES = {"SEK": "1591", "EUR": "1592", "USD": "1593", "JPY": "1594"}
GATEWAYS = {"stripe": "1583", "ppcp-gateway": "1584", "klarna_payments": "1586", "cod": "1587", "bacs": "1588"}
TRANSIT, SUSPENSE, RECEIVABLE, CURRENCY = "1690", "1799", "1510", "7960"


class WalletWorld(ToldWorld):
    """Pretend Visma, PayPal and web shop. Everything is read by polling; PayPal's report does not lag."""

    def __init__(self, database_url: str, folder: Path, *, inbox_url: str | None = None, seed: int = 1) -> None:
        super().__init__(database_url, folder, inbox_url=inbox_url, seed=seed)
        self.paypal = Faulty(PayPal(seed=seed), seed=seed)
        self.woo = Faulty(WooCommerce(seed=seed), seed=seed)

    def open_books(
        self,
        *,
        posting: str = "on",
        without: tuple[str, ...] = (),
        rates: tuple[dict[str, str], ...] = (),
        **terms: Any,
    ) -> None:
        """A company in SEK with the shipped rules (less those named `without`), a PayPal account with SEK and EUR.

        `rates`: {currency, from, rate} that the ledger has beside its own.
        """
        now = self.clock.now()
        accounts = [_cash(number, currency) for currency, number in BALANCES.items()]
        accounts += [_cash(number, "base") for number in GATEWAYS.values()]
        books = {"base_currency": "SEK", "accounts": accounts, "rates": list(rates)}
        self.company = self.visma.control("seed_company", books, now)
        self.seller = self.paypal.control("seed_merchant", {"name": "Seller", "currency": "SEK", "held": ["EUR"]}, now)
        self.paypal.control("knobs", {"report_lag_s": 0.0}, now)
        self.workspace = setup.init(self.works)
        self.visma_id = self._connect("visma", "vn", VISMA_URL, {
            key: self.company[key] for key in ("client_id", "client_secret", "tenant_id")
        }, token_url=f"{VISMA_URL}/connect/token")  # fmt: skip
        self.company_id = setup.add_company(
            self.works, self.workspace, connection_id=self.visma_id, name="Seller AB", time_zone="Europe/Stockholm",
            go_live=GO_LIVE, by="test",
        )  # fmt: skip
        self.paypal_id = self._connect("paypal", "pp", SQUARE_URL, {
            key: self.seller[key] for key in ("client_id", "client_secret")
        }, requests_per_second="1000")  # fmt: skip
        self.route_id = self._route("paypal", "pp", self.paypal_id, posting=posting, without=without, terms=terms)

    def add_shop(self, *, posting: str = "on", **terms: Any) -> None:
        """A web shop whose orders are invoiced in the same books."""
        shop = self.woo.control("seed_store", {"name": "Shop", "currency": "SEK"}, self.clock.now())
        keys = {name: shop[name] for name in ("consumer_key", "consumer_secret")}
        self.shop_id = self._connect("woocommerce", "wc", SQUARE_URL, keys)
        self.shop_route_id = self._route("woocommerce", "wc", self.shop_id, posting=posting, without=(), terms=terms)

    def _connect(self, connector: str, code: str, url: str, credentials: dict[str, str], **settings: str) -> str:
        return connecting.connect(
            self.works, self.workspace, connector=connector, code=code, title=code, by="test", base_url=url,
            credentials=credentials, settings=settings,
        )  # fmt: skip

    def _route(
        self, source: str, code: str, source_id: str, *, posting: str, without: tuple[str, ...], terms: dict[str, Any]
    ) -> str:
        shipped = tomllib.loads(brought(f"{source}_terms.toml"))
        route_id = setup.add_route(
            self.works, company_id=self.company_id, flow=f"{source}_to_visma", source_id=source_id, posting=posting,
            terms=ruling.parse_terms({**shipped, **terms}, base=Terms(code=code)), by="test",
        )  # fmt: skip
        book = rulebooks.read(brought(f"{source}_rules.toml"), form="toml")
        kept = replace(book, rules=tuple(rule for rule in book.rules if rule.id not in without))
        ruling.save_rules(self.works, route_id, kept, by="test")
        return route_id

    def _transport(self, connection: ConnectionRow) -> httpx2.BaseTransport:
        vendor = {"visma": self.visma, "paypal": self.paypal, "woocommerce": self.woo}[connection.connector]
        return httpx2.MockTransport(lambda request: self._answer(vendor, request))

    # ------------------------------------------------------------------------------------------ what happens

    def pay(self, gross: str = "1000.00", currency: str = "SEK", **more: Any) -> dict[str, Any]:
        """Somebody pays through PayPal."""
        return dict(self.at_paypal("capture", gross=gross, currency=currency, **more))

    def at_paypal(self, verb: str, **arguments: Any) -> Any:
        return self.paypal.control(verb, arguments, self.clock.now())

    def in_shop(self, verb: str, **arguments: Any) -> Any:
        return self.woo.control(verb, arguments, self.clock.now())

    def look(self, *, only: str | None = None, seconds: float = 900, step: float = 60) -> None:
        """Both sources (or one, by its connection) are read now; time passes until everything has come to rest."""
        for connection_id in [only] if only else [self.paypal_id, getattr(self, "shop_id", None)]:
            if connection_id is not None:
                with self.works.database.writing() as c:
                    cursors.make_due(c, connection_id, now=self.works.now())
        self.run()
        self.pass_time(seconds, step=step)

    # ------------------------------------------------------------------------------------------ what came of it

    def balance(self, account: str, currency: str | None = None) -> str:
        """Debit less credit in a currency (the account's only one), as the pretend ledger has it."""
        found = self.ledger("balances")["accounts"].get(account, {})
        return str(found.get(currency or next(iter(found), ""), "0"))

    def trips(self, kind: str | None = "transaction") -> dict[str, tuple[str, str | None]]:
        return super().trips(kind)


def _cash(number: str, currency: str) -> dict[str, Any]:
    return {"number": number, "description": number, "type": "Asset", "currency": currency, "cash": True}
