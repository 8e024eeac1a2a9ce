"""A reader wired to the pretend shop in process, both on one clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx2

from ml_connector.clock import HandClock
from ml_connector.connectors.shapes import Page, SourceObject
from ml_connector.connectors.woocommerce import addresses
from ml_connector.connectors.woocommerce.reader import WooReader, open_reader
from ml_connector_sandbox.core.wire import Delivery, Request
from ml_connector_sandbox.woocommerce import WooCommerce

START = datetime(2026, 1, 31, 12, tzinfo=UTC)


@dataclass
class Shop:
    """A seeded shop, its clock and a reader of it. Plain http unless `tls`. `calls` counts by operation."""

    base: str = "http://127.0.0.1:8099/butikk"
    tls: bool = False
    knobs: dict[str, Any] = field(default_factory=dict)
    store: dict[str, Any] = field(default_factory=dict)
    clock: HandClock = field(default_factory=lambda: HandClock(START))
    woo: WooCommerce = field(default_factory=WooCommerce)

    def __post_init__(self) -> None:
        if self.tls:
            self.base = "https://shop.example/butikk"
        self.facts = self.do("seed_store", name="Butik", path="/butikk", home=self.base, **self.store)
        self.do("knobs", tls=self.tls, **self.knobs)
        allowed = frozenset({"http://127.0.0.1:8099"})
        self.http = addresses.open_http(self.base, {}, allowed=allowed, transport=httpx2.MockTransport(self._answer))
        self.credentials = {
            "consumer_key": self.facts["consumer_key"],
            "consumer_secret": self.facts["consumer_secret"],
        }
        self.reader = self.fresh_reader()

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        url = request.url
        host = url.netloc.decode()
        asked = Request(request.method, url.path, url.query.decode(), headers, request.read(), host=host)
        answer = self.woo.answer(asked, self.clock.now())
        return httpx2.Response(answer.status, headers=list(answer.headers), content=answer.body)

    def fresh_reader(self, **settings: str) -> WooReader:
        """As after a restart: nothing remembered."""
        return open_reader(self.http, self.credentials, settings, clock=self.clock)

    def do(self, verb: str, **arguments: Any) -> Any:
        return self.woo.control(verb, arguments, self.clock.now())

    def order(self, **arguments: Any) -> str:
        return str(self.do("order", **arguments)["order_id"])

    @property
    def calls(self) -> dict[str, int]:
        return self.http.meter.calls

    def poll(self, stream: str, position: str | None = None, **given: Any) -> tuple[list[SourceObject], str]:
        """All pages of one poll with what they name; each page by a fresh reader."""
        found: list[SourceObject] = []
        for _ in range(300):
            reader = self.fresh_reader()
            page: Page = reader.page(stream, position, now=self.clock.now(), **given)
            found += page.objects
            for one in page.named:
                found += [o for o in reader.fetch(one.kind, [one.external_id]) if isinstance(o, SourceObject)]
            position = page.position
            if not page.more:
                return found, position
        raise AssertionError("the poll does not end")

    def deliveries(self, seconds: float = 60) -> list[Delivery]:
        """What the shop sends until then."""
        self.clock.advance(seconds)
        found: list[Delivery] = []
        while some := self.woo.deliveries(self.clock.now()):
            found += some
            self.clock.advance(1)
        return found

    def answered(self, delivery: Delivery, status: int) -> None:
        self.woo.delivered(delivery, status, self.clock.now())
