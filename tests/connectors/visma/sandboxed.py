"""The pretend Visma in this process, behind the connector's own transport and on the test's clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx2

from ml_connector.clock import HandClock
from ml_connector.connectors.http import Http, Meter, Reach
from ml_connector.connectors.shapes import Ping
from ml_connector.connectors.visma import CONNECTOR, open_reader, open_writer, ping
from ml_connector.connectors.visma.reader import VismaReader
from ml_connector.connectors.visma.writer import VismaWriter
from ml_connector.vault.tokens import TokenCache
from ml_connector_sandbox.core.faults import Faulty
from ml_connector_sandbox.core.wire import Request
from ml_connector_sandbox.visma import Visma

BASE = "http://127.0.0.1:9"
START = datetime(2026, 5, 20, 9, 0, tzinfo=UTC)


@dataclass
class Sandbox:
    """One seeded company, its vendor, and the clock both sides live by."""

    clock: HandClock = field(default_factory=lambda: HandClock(START))
    vendor: Faulty = field(default_factory=lambda: Faulty(Visma(seed=7), seed=7))
    meter: Meter = field(default_factory=Meter)
    company: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.company:
            self.company = self.control("seed_company")

    def control(self, verb: str, **arguments: Any) -> Any:
        return self.vendor.control(verb, arguments, self.clock.now())

    def transport(self, request: httpx2.Request) -> httpx2.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        asked = Request(
            request.method,
            request.url.path,
            request.url.query.decode(),
            headers,
            request.content,
            request.url.netloc.decode(),
        )
        self.clock.advance(0.05)
        answer = self.vendor.answer(asked, self.clock.now())
        if answer.cut:
            raise httpx2.ReadError("cut", request=request)
        return httpx2.Response(answer.status, content=answer.body, headers=list(answer.headers))

    def _open(self, credentials: Mapping[str, str]) -> tuple[Http, dict[str, str]]:
        reach = Reach(BASE, frozenset(CONNECTOR.hosts), frozenset({BASE}))
        own = {name: self.company[name] for name in ("client_id", "client_secret", "tenant_id")}
        return Http(reach, transport=httpx2.MockTransport(self.transport), meter=self.meter), {**own, **credentials}

    def writer(self, settings: Mapping[str, str] | None = None, **credentials: str) -> VismaWriter:
        http, own = self._open(credentials)
        given = {"base_url": BASE, **(settings or {})}
        return open_writer(http, own, given, tokens=TokenCache(self.clock), clock=self.clock)

    def reader(self) -> VismaReader:
        http, own = self._open({})
        return open_reader(http, own, {"base_url": BASE}, tokens=TokenCache(self.clock), clock=self.clock)

    def ping(self, settings: Mapping[str, str] | None = None, **credentials: str) -> Ping:
        http, own = self._open(credentials)
        given = {"base_url": BASE, **(settings or {})}
        return ping(http, own, given, tokens=TokenCache(self.clock), clock=self.clock)

    def calls(self) -> int:
        """The API calls so far, without those for tokens."""
        return sum(count for operation, count in self.meter.calls.items() if operation != "POST /connect/token")
