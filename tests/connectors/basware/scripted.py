"""A Basware that says what the test wants and notes each request."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx2

from ml_connector.clock import HandClock
from ml_connector.connectors.basware.addresses import open_http
from ml_connector.connectors.basware.client import BaswareClient
from ml_connector.connectors.basware.reader import BaswareReader, open_client, open_reader
from ml_connector.connectors.basware.writer import BaswareWriter, open_writer
from ml_connector.connectors.shapes import Context

NOW = datetime(2026, 2, 3, 12, tzinfo=UTC)
BASE = "https://api.basware.com"
CREDENTIALS = {"client_id": "bw-client", "client_secret": "bw-secret"}
TOKEN = "/v1/tokens"
STATUS = "/v1/requestStatus"
DOCUMENTS = "/v1/accountingDocuments"
CONTINUATION = "x-amz-meta-continuationtoken"

Answers = dict[str, Any]


class Cache:
    """A token cache that renews when told to forget."""

    def __init__(self) -> None:
        self.held: dict[Hashable, Any] = {}
        self.grants: list[Any] = []

    def get(self, key: Hashable, obtain: Callable[[], Any]) -> Any:
        if key not in self.held:
            self.grants.append(obtain())
            self.held[key] = self.grants[-1].value
        return self.held[key]

    def forget(self, key: Hashable, refused: Any) -> None:
        if self.held.get(key) is refused:
            del self.held[key]


def reply(status: int, content: Any = None, **headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if content is None:
        return httpx2.Response(status, headers=named)
    return httpx2.Response(status, json=content, headers=named)


def error(status: int, code: str, message: str = "", external: str = "") -> httpx2.Response:
    row = {"externalCode": external, "type": "VALIDATION", "code": code, "message": message}
    return reply(status, {"requestId": "r", "hasErrors": True, "errors": [row]})


def jwt(exp: int) -> str:
    claims = base64.urlsafe_b64encode(json.dumps({"exp": exp}).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJSUzI1NiJ9.{claims}.c2ln"


def request(
    id_: str, *items: tuple[str, str], state: str = "Success", at: str = "2026-02-03T12:00:05Z", entity: str = "Vendor",
    message: str = "Payment term 30 not found",
) -> dict[str, Any]:  # fmt: skip
    rows = [
        {"externalCode": code, "status": status}
        | (
            {"errors": [{"type": "Error", "category": "DataValidation", "message": message}]}
            if status == "Error"
            else {}
        )
        for code, status in items
    ]
    system = {"system": "P2P", "module": "IA", "systemStatus": state, "lastUpdated": at, "items": rows}
    return {"requestId": id_, "entityType": entity, "requestStatus": state, "lastUpdated": at, "systems": [system]}


@dataclass
class Scripted:
    """`answers` by "METHOD /path" or "/path": a body, a response, a list of them in turn, a function of the request."""

    answers: Answers = field(default_factory=dict)
    base: str = BASE
    credentials: Mapping[str, str] = field(default_factory=lambda: dict(CREDENTIALS))
    clock: HandClock = field(default_factory=lambda: HandClock(NOW))
    cache: Cache = field(default_factory=Cache)
    requests: list[httpx2.Request] = field(default_factory=list)
    tokens: int = 0
    allowed: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.http = open_http(self.base, {}, allowed=self.allowed, transport=httpx2.MockTransport(self._on))
        self.settings = {"requests_per_second": "1000"}

    def _on(self, asked: httpx2.Request) -> httpx2.Response:
        asked.read()
        self.requests.append(asked)
        path = asked.url.path
        if path == TOKEN:
            self.tokens += 1
            return self._made(asked, self.answers.get(TOKEN, token(self.tokens)))
        for name in (f"{asked.method} {path}", path):
            if name in self.answers:
                return self._made(asked, self.answers[name])
        if asked.method == "GET" and "companyCode" in asked.url.params and path != DOCUMENTS:
            return httpx2.Response(404)  # what is there before rows are sent: nothing
        raise AssertionError(f"nobody said what {asked.method} {path} answers")

    def _made(self, asked: httpx2.Request, answer: Any) -> httpx2.Response:
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if callable(answer):
            answer = answer(asked)
        if isinstance(answer, httpx2.Response):
            return httpx2.Response(answer.status_code, headers=answer.headers, content=answer.content)
        return reply(200, answer, x_amzn_RequestId="req-1")

    def client(self) -> BaswareClient:
        return open_client(self.http, self.credentials, self.settings, tokens=self.cache, clock=self.clock)

    def reader(self, **settings: str) -> BaswareReader:
        given = {**self.settings, **settings}
        return open_reader(self.http, self.credentials, given, tokens=self.cache, clock=self.clock)

    def writer(self, **settings: str) -> BaswareWriter:
        given = {**self.settings, **settings}
        return open_writer(self.http, self.credentials, given, tokens=self.cache, clock=self.clock)

    def to(self, path: str, method: str = "") -> list[httpx2.Request]:
        return [one for one in self.requests if one.url.path == path and method in {"", one.method}]


def token(number: int = 1, *, life: int = 3600, scope: str | None = None) -> dict[str, Any]:
    found = {"access_token": f"plain-{number}", "token_type": "Bearer", "expires_in": life}
    return found if scope is None else found | {"scope": scope}


def context(key: str = "k", *, remote_id: str = "", ordinal: int = 1, etag: str | None = None) -> Context:
    return Context("TOKEN00001", key, remote_id, etag, NOW, ordinal=ordinal)
