"""A seeded merchant with a clock of its own, for tests of the pretend Square."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from ml_connector_sandbox.core.wire import Delivery, Request
from ml_connector_sandbox.square import Square

START = datetime(2026, 1, 31, 12, tzinfo=UTC)


@dataclass
class Shop:
    """`call` answers (status, body) by the OAuth token; `do` runs a control verb."""

    square: Square = field(default_factory=Square)
    now: datetime = START
    facts: dict[str, Any] = field(default_factory=dict)
    log: list[tuple[str, str, int, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.facts = self.facts or self.do(
            "seed_merchant", name="Retail Ireland", redirect_uri="https://a.example.test/cb"
        )

    @property
    def places(self) -> list[str]:
        return list(self.facts["location_ids"])

    def do(self, verb: str, **arguments: Any) -> Any:
        return self.square.control(verb, arguments, self.now)

    def wait(self, **duration: float) -> None:
        self.now += timedelta(**duration)

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        headers: dict[str, str] | None = None,
        **query: Any,
    ) -> tuple[int, Any]:
        token = self.facts["oauth_token"] if token is None else token
        sent = {"authorization": f"Bearer {token}", "content-type": "application/json"} | (headers or {})
        raw = b"" if body is None else json.dumps(body).encode()
        answer = self.square.answer(Request(method, path, urlencode(query), sent, raw), self.now)
        parsed = json.loads(answer.body) if answer.body else {}
        self.log.append((method, self.square.operation(Request(method, path)), answer.status, parsed))
        return answer.status, parsed

    def get(self, path: str, **query: Any) -> Any:
        status, body = self.call("GET", path, **query)
        assert status == 200, body
        return body

    def post(self, path: str, body: Any, *, token: str | None = None) -> Any:
        status, answer = self.call("POST", path, body, token=token)
        assert status == 200, answer
        return answer

    def refused(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, str]:
        status, answer = self.call(method, path, body, **more)
        return status, answer["errors"][0]["code"]

    def walk(self, path: str, name: str, **query: Any) -> list[Any]:
        """Every row of a GET list."""
        rows: list[Any] = []
        cursor = ""
        while True:
            page = self.get(path, **query, **({"cursor": cursor} if cursor else {}))
            rows += page.get(name, [])
            cursor = page.get("cursor", "")
            if not cursor:
                return rows

    def search(self, path: str, name: str, body: dict[str, Any], *, token: str | None = None) -> list[Any]:
        """Every row of a POST search."""
        rows: list[Any] = []
        cursor = ""
        while True:
            page = self.post(path, body | ({"cursor": cursor} if cursor else {}), token=token)
            rows += page.get(name, [])
            cursor = page.get("cursor", "")
            if not cursor:
                return rows

    def subscribe(self, *types: str, url: str = "http://127.0.0.1:1/hooks") -> dict[str, Any]:
        """A webhook subscription, with twins switched off so that tests can count."""
        self.do("knobs", duplicate_share=0)
        wanted = {"name": "ours", "event_types": list(types), "notification_url": url, "api_version": "2025-08-20"}
        body = {"idempotency_key": f"k{len(self.log)}", "subscription": wanted}
        found: dict[str, Any] = self.post("/v2/webhooks/subscriptions", body, token=self.facts["pat"])["subscription"]
        return found

    def due(self) -> list[Delivery]:
        return self.square.deliveries(self.now)

    def events(self) -> list[Any]:
        """Take what is due and confirm it."""
        taken = self.due()
        for delivery in taken:
            self.square.delivered(delivery, 200, self.now)
        return [json.loads(delivery.body) for delivery in taken]
