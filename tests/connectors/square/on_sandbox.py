"""A reader wired to the pretend Square in process, both on one clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx2

from ml_connector.clock import HandClock
from ml_connector.connectors.http import Http, Reach
from ml_connector.connectors.shapes import Page, SourceObject
from ml_connector.connectors.square.reader import SquareReader, open_reader
from ml_connector_sandbox.core.wire import Request
from ml_connector_sandbox.square import Square

START = datetime(2026, 1, 31, 12, tzinfo=UTC)
BASE = "https://connect.squareupsandbox.com"


@dataclass
class Shop:
    """A seeded merchant, its clock and a reader of it. `calls` counts by operation."""

    knobs: dict[str, Any] = field(default_factory=dict)
    merchant: dict[str, Any] = field(default_factory=dict)
    clock: HandClock = field(default_factory=lambda: HandClock(START))
    square: Square = field(default_factory=Square)

    def __post_init__(self) -> None:
        self.facts = self.do("seed_merchant", name="Retail Ireland", **self.merchant)
        if self.knobs:
            self.do("knobs", **self.knobs)
        self.http = Http(
            Reach(BASE, frozenset({"connect.squareupsandbox.com"})), transport=httpx2.MockTransport(self._answer)
        )
        self.credentials = {
            "access_token": self.facts["oauth_token"],
            "refresh_token": self.facts["refresh_token"],
            "client_id": self.facts["application_id"],
            "client_secret": self.facts["application_secret"],
            "merchant_id": self.facts["merchant_id"],
            "personal_access_token": self.facts["pat"],
        }
        self.reader = self.fresh_reader()

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        url = request.url
        asked = Request(request.method, url.path, url.query.decode(), headers, request.read(), host=url.host)
        answer = self.square.answer(asked, self.clock.now())
        return httpx2.Response(answer.status, headers=list(answer.headers), content=answer.body)

    def fresh_reader(self, **settings: str) -> SquareReader:
        """As after a restart: nothing remembered."""
        given = {"requests_per_second": "1000", **settings}
        return open_reader(self.http, self.credentials, given, clock=self.clock)

    def do(self, verb: str, **arguments: Any) -> Any:
        return self.square.control(verb, arguments, self.clock.now())

    @property
    def calls(self) -> dict[str, int]:
        return self.http.meter.calls

    def poll(self, stream: str, position: str | None = None, **given: Any) -> tuple[list[SourceObject], str]:
        """All pages of one poll; each page by a fresh reader, so that nothing rests on memory."""
        found: list[SourceObject] = []
        for _ in range(200):
            page: Page = self.fresh_reader().page(stream, position, now=self.clock.now(), **given)
            found += page.objects
            position = page.position
            if not page.more:
                return found, position
        raise AssertionError("the poll does not end")

    def truth(self) -> Any:
        return self.do("truth")
