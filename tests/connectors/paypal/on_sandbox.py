"""A reader and a writer wired to the pretend PayPal in process, all on one clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx2

from ml_connector.clock import HandClock
from ml_connector.connectors.http import Http, Reach
from ml_connector.connectors.paypal.certificates import CertificateProblem, CertificateStore
from ml_connector.connectors.paypal.checks import ping
from ml_connector.connectors.paypal.doorkeys import DoorKey
from ml_connector.connectors.paypal.reader import PayPalReader, open_reader
from ml_connector.connectors.paypal.subscriptions import watch
from ml_connector.connectors.paypal.translate import translate
from ml_connector.connectors.paypal.webhooks import PayPalWebhooks
from ml_connector.connectors.paypal.writer import PayPalWriter, open_writer
from ml_connector.connectors.shapes import Ping, SourceObject, Subscribed
from ml_connector.finance.documents import Movement
from ml_connector.vault.tokens import TokenCache
from ml_connector_sandbox.core.wire import Delivery, Request
from ml_connector_sandbox.paypal import PayPal

START = datetime(2026, 11, 20, 6, tzinfo=UTC)
BASE = "https://api-m.sandbox.paypal.com"
URL = "https://door.example/hooks/paypal/secret"
SETTINGS = {"requests_per_second": "1000"}


@dataclass
class Account:
    """A seeded merchant, its clock, and our rooms around it."""

    knobs: dict[str, Any] = field(default_factory=dict)
    merchant: dict[str, Any] = field(default_factory=dict)
    clock: HandClock = field(default_factory=lambda: HandClock(START))
    paypal: PayPal = field(default_factory=PayPal)

    def __post_init__(self) -> None:
        self.facts = self.do("seed_merchant", name="Nordic Shop", held=["EUR"], **self.merchant)
        self.do("knobs", duplicate_share=0.0, **self.knobs)
        self.http = Http(
            Reach(BASE, frozenset({"api-m.sandbox.paypal.com"})), transport=httpx2.MockTransport(self._answer)
        )
        self.tokens = TokenCache(self.clock)
        self.credentials = {
            "client_id": self.facts["client_id"],
            "client_secret": self.facts["client_secret"],
            "webhook_roots": self.do("certificates")["root"],
        }

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        url = request.url
        asked = Request(request.method, url.path, url.query.decode(), headers, request.read(), host=url.host)
        answer = self.paypal.answer(asked, self.clock.now())
        return httpx2.Response(answer.status, headers=list(answer.headers), content=answer.body)

    def do(self, verb: str, **arguments: Any) -> Any:
        return self.paypal.control(verb, arguments, self.clock.now())

    def reader(self) -> PayPalReader:
        """As after a restart: nothing remembered but the token."""
        return open_reader(self.http, self.credentials, SETTINGS, tokens=self.tokens, clock=self.clock)

    def writer(self) -> PayPalWriter:
        return open_writer(self.http, self.credentials, SETTINGS, tokens=self.tokens, clock=self.clock)

    def ping(self) -> Ping:
        return ping(self.http, self.credentials, SETTINGS, tokens=self.tokens, clock=self.clock)

    def watch(self) -> Subscribed:
        found = watch(self.http, self.credentials, URL, clock=self.clock)
        assert found is not None
        return found

    def webhooks(self) -> PayPalWebhooks:
        """A door whose certificates come from the pretend PayPal, at once."""
        return PayPalWebhooks(CertificateStore(self._certificate, run=lambda job: job()))

    def _certificate(self, url: str, door: DoorKey) -> bytes:
        if not door.allows(url):
            raise CertificateProblem(url)
        path = url.partition("paypal.com")[2]
        answer = self.paypal.answer(Request("GET", path, "", {}, b"", host="api.sandbox.paypal.com"), self.clock.now())
        if answer.status != 200:
            raise CertificateProblem(f"{url} answered {answer.status}")
        return answer.body

    def deliveries(self, ended: Callable[[Delivery], int] = lambda _one: 200) -> list[Delivery]:
        due = self.paypal.deliveries(self.clock.now())
        for one in due:
            self.paypal.delivered(one, ended(one), self.clock.now())
        return due

    @property
    def calls(self) -> dict[str, int]:
        return {name: count for name, count in self.http.meter.calls.items() if "oauth2" not in name}

    def poll(self, stream: str, position: str | None = None, **given: Any) -> tuple[list[SourceObject], str]:
        """All pages of one poll with what they name fetched, each page by a fresh reader."""
        found: list[SourceObject] = []
        for _ in range(500):
            reader = self.reader()
            page = reader.page(stream, position, now=self.clock.now(), **given)
            found += page.objects
            for one in page.named:
                found += [each for each in reader.fetch(one.kind, [one.external_id]) if isinstance(each, SourceObject)]
            position = page.position
            if not page.more:
                return found, position
        raise AssertionError("the poll does not end")

    def movements(self, **given: Any) -> list[Movement]:
        """Every row of the report as a document, each key once."""
        found, _ = self.poll("transactions", **given)
        made = {one.external_id: translate(one.kind, one.payload) for one in found}
        return [one for one in made.values() if isinstance(one, Movement)]

    def wait(self, **how: float) -> None:
        """Let time pass, minutes or hours or days."""
        seconds = how.get("minutes", 0) * 60 + how.get("hours", 0) * 3600 + how.get("days", 0) * 86_400
        self.clock.advance(seconds)
