"""A Stripe that says what the test wants, is strict about what every call carries, and notes each request."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import httpx2

from ml_connector.clock import HandClock
from ml_connector.connectors.http import Http, Reach
from ml_connector.connectors.stripe import CONNECTOR, VERSION
from ml_connector.connectors.stripe.client import StripeClient
from ml_connector.connectors.stripe.reader import StripeReader, open_client, open_reader
from ml_connector.connectors.stripe.writer import StripeWriter, open_writer

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
BASE = "https://api.stripe.com"
CREDENTIALS = {"api_key": "rk_test_51abcdefghijklmnop"}
SETTINGS = {"requests_per_second": "1000"}


def reply(status: int, content: Any = None, **headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.Response(status, json={} if content is None else content, headers=named)


def error(status: int, code: str = "", *, kind: str = "invalid_request_error", **more: str) -> httpx2.Response:
    said: dict[str, str] = {"type": kind, "message": more.pop("message", "It was refused.")}
    said |= {"code": code} if code else {}
    said |= {"param": more.pop("param")} if "param" in more else {}
    return reply(status, {"error": said}, **({"Request-Id": "req_9"} | more))


def listed(*rows: Any, more: bool = False) -> dict[str, Any]:
    return {"object": "list", "data": list(rows), "has_more": more, "url": "/v1/x"}


@dataclass
class Scripted:
    """`answers` by "METHOD /path" or "/path": a body, a response, a list of them in turn, a function of the request."""

    answers: dict[str, Any] = field(default_factory=dict)
    credentials: dict[str, str] = field(default_factory=lambda: dict(CREDENTIALS))
    settings: dict[str, str] = field(default_factory=lambda: dict(SETTINGS))
    clock: HandClock = field(default_factory=lambda: HandClock(NOW))
    requests: list[httpx2.Request] = field(default_factory=list)
    raises: Exception | None = None

    def __post_init__(self) -> None:
        self.http = Http(Reach(BASE, frozenset(CONNECTOR.hosts)), transport=httpx2.MockTransport(self._on))

    def _on(self, asked: httpx2.Request) -> httpx2.Response:
        asked.read()
        self.requests.append(asked)
        assert asked.headers["stripe-version"] == VERSION
        assert asked.headers["authorization"] == f"Bearer {self.credentials['api_key']}"
        if asked.method == "POST":
            assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
            assert 0 < len(asked.headers["idempotency-key"]) <= 255
        if self.raises is not None:
            raise self.raises
        for name in (f"{asked.method} {asked.url.path}", asked.url.path):
            if name in self.answers:
                return self._made(asked, self.answers[name])
        raise AssertionError(f"nobody said what {asked.method} {asked.url.path} answers")

    def _made(self, asked: httpx2.Request, answer: Any) -> httpx2.Response:
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if callable(answer):
            answer = answer(asked)
        if isinstance(answer, httpx2.Response):
            return httpx2.Response(answer.status_code, headers=answer.headers, content=answer.content)
        return reply(200, answer)

    def client(self) -> StripeClient:
        return open_client(self.http, self.credentials, self.settings, clock=self.clock)

    def reader(self) -> StripeReader:
        return open_reader(self.http, self.credentials, self.settings, tokens=None, clock=self.clock)

    def writer(self) -> StripeWriter:
        return open_writer(self.http, self.credentials, self.settings, tokens=None, clock=self.clock)


def form_of(asked: httpx2.Request) -> dict[str, str]:
    """What a request says, from its body or its query."""
    text = asked.content.decode() if asked.method == "POST" else asked.url.query.decode()
    return dict(parse_qsl(text, keep_blank_values=True))
