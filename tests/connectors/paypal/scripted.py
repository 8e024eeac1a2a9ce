"""A PayPal that says what the test wants, is strict about what it is asked, and notes each request."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx2

from ml_connector.clock import HandClock
from ml_connector.connectors.http import Http, Reach
from ml_connector.connectors.paypal import CONNECTOR
from ml_connector.connectors.paypal.reader import PayPalReader, open_reader
from ml_connector.connectors.paypal.writer import PayPalWriter, open_writer
from ml_connector.connectors.shapes import Page, SourceObject

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
BASE = "https://api-m.sandbox.paypal.com"
CREDENTIALS = {"client_id": "AX-client", "client_secret": "EL-secret"}
TOKEN = "/v1/oauth2/token"
REPORT = "/v1/reporting/transactions"
SEARCH = "/v2/invoicing/search-invoices"
INVOICES = "/v2/invoicing/invoices"
DISPUTES = "/v1/customer/disputes"
SCOPE = "https://uri.paypal.com/services/reporting/search/read"
WEBHOOKS = "/v1/notifications/webhooks"
VERIFY = "/v1/notifications/verify-webhook-signature"
CERTIFICATES = "/v1/notifications/certs/"

Reply = Callable[[httpx2.Request], httpx2.Response]
Answers = dict[str, Any]


class Cache:
    """A token cache that renews when told to forget."""

    def __init__(self) -> None:
        self.held: dict[Hashable, Any] = {}

    def get(self, key: Hashable, obtain: Callable[[], Any]) -> Any:
        if key not in self.held:
            self.held[key] = obtain().value
        return self.held[key]

    def forget(self, key: Hashable, refused: Any) -> None:
        if self.held.get(key) is refused:
            del self.held[key]


def reply(status: int, content: Any = None, **headers: str) -> httpx2.Response:
    if content is None:
        return httpx2.Response(status, headers=headers)
    return httpx2.Response(status, json=content, headers=headers)


def error(name: str, *issues: str, status: int = 400, message: str = "", **headers: str) -> httpx2.Response:
    details = [{"issue": issue, "field": "/amount/value", "value": "secret value"} for issue in issues]
    body = {"name": name, "message": message or name.capitalize(), "debug_id": "a1b2c3", "details": details}
    return reply(status, body, **{"Paypal-Debug-Id": "a1b2c3", **headers})


@dataclass
class Scripted:
    """`answers` by "METHOD /path" or "/path": a body, a response, a list of them in turn, a function of the request."""

    answers: Answers = field(default_factory=dict)
    base: str = BASE
    clock: HandClock = field(default_factory=lambda: HandClock(NOW))
    cache: Cache = field(default_factory=Cache)
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    requests: list[httpx2.Request] = field(default_factory=list)
    tokens: int = 0

    def __post_init__(self) -> None:
        self.http = Http(Reach(self.base, frozenset(CONNECTOR.hosts)), transport=httpx2.MockTransport(self._on))

    def _on(self, request: httpx2.Request) -> httpx2.Response:
        body = request.read()
        self.requests.append(request)
        path = request.url.path
        if path == TOKEN:
            self.tokens += 1
            return self._made(request, self.answers.get(TOKEN, token(self.tokens)))
        if path.startswith(CERTIFICATES):
            return self._made(request, self.answers.get(CERTIFICATES, reply(404)))
        assert request.headers["authorization"].startswith("Bearer "), path
        self.asked.append((request.method, path, json.loads(body) if body else dict(request.url.params)))
        for name in (f"{request.method} {path}", path):
            if name in self.answers:
                return self._made(request, self.answers[name])
        raise AssertionError(f"nobody said what {request.method} {path} answers")

    def _made(self, request: httpx2.Request, answer: Any) -> httpx2.Response:
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if callable(answer):
            answer = answer(request)
        if isinstance(answer, httpx2.Response):
            return httpx2.Response(answer.status_code, headers=answer.headers, content=answer.content)
        return reply(200, answer)

    def reader(self, **settings: str) -> PayPalReader:
        given = {"requests_per_second": "1000", **settings}
        return open_reader(self.http, CREDENTIALS, given, tokens=self.cache, clock=self.clock)

    def writer(self) -> PayPalWriter:
        given = {"requests_per_second": "1000"}
        return open_writer(self.http, CREDENTIALS, given, tokens=self.cache, clock=self.clock)

    def to(self, path: str, method: str = "") -> list[Any]:
        return [asked for how, where, asked in self.asked if where == path and method in {"", how}]

    def poll(self, stream: str, position: str | None = None, **given: Any) -> tuple[list[SourceObject], list[str], str]:
        """All pages of one round, each by a fresh reader: records, names, position."""
        found: list[SourceObject] = []
        named: list[str] = []
        for _ in range(300):
            page: Page = self.reader().page(stream, position, now=self.clock.now(), **given)
            found += page.objects
            named += [one.external_id for one in page.named]
            position = page.position
            if not page.more:
                return found, named, position
        raise AssertionError("the poll does not end")


def token(number: int = 1, *, life: int = 32_400, scope: str = SCOPE) -> dict[str, Any]:
    return {
        "scope": scope,
        "access_token": f"A21AA-{number}",
        "token_type": "Bearer",
        "app_id": "APP-80W284485P519543T",
        "expires_in": life,
        "nonce": "2026-11-28T12:00:00Z",
    }


@dataclass
class Report:
    """A strict Transaction Search: 31 days, pages from 1, at most `most` rows, known up to `refreshed`."""

    rows: list[dict[str, Any]]
    refreshed: datetime = NOW
    most: int = 10_000
    asked: list[dict[str, str]] = field(default_factory=list)
    between: Callable[[int], None] = lambda _number: None
    wrong_total: int = 0

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        query = dict(request.url.params)
        self.asked.append(query)
        self.between(len(self.asked))
        start, end = (datetime.fromisoformat(query[name]) for name in ("start_date", "end_date"))
        assert start.tzinfo is not None
        assert (end - start).days <= 31
        assert query["fields"] == "transaction_info,payer_info,cart_info"
        if start > self.refreshed:
            return error("INVALID_REQUEST", message="Data for the given start date is not available.")
        inside = [row for row in self.rows if start <= changed(row) <= min(end, self.refreshed)]
        wanted = query.get("transaction_id")
        if wanted:
            inside = [row for row in inside if row["transaction_info"]["transaction_id"] == wanted]
        if len(inside) > self.most:
            body = {
                "name": "RESULTSET_TOO_LARGE",
                "message": "Too large.",
                "total_items": len(inside),
                "maximum_items": self.most,
            }
            return reply(400, body)
        size, page = int(query["page_size"]), int(query["page"])
        assert page >= 1
        return reply(
            200,
            {
                "transaction_details": inside[(page - 1) * size : page * size],
                "account_number": "TESTACCT12345",
                "last_refreshed_datetime": self.refreshed.strftime("%Y-%m-%dT%H:%M:%S+0000"),
                "page": page - 1,
                "total_items": len(inside) + self.wrong_total,
                "total_pages": -(-len(inside) // size),
            },
        )


def changed(row: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(row["transaction_info"]["transaction_updated_date"])
