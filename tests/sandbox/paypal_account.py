"""A seeded PayPal account with a clock of its own, for tests of the pretend PayPal."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from ml_connector_sandbox.core.wire import Delivery, Request, Response
from ml_connector_sandbox.paypal import PayPal

START = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOOK = "https://hooks.example.test/paypal"


@dataclass
class Account:
    """`call` answers (status, body) with a fresh token; `do` runs a control verb; `rows` reads the whole report."""

    paypal: PayPal = field(default_factory=PayPal)
    now: datetime = START
    facts: dict[str, Any] = field(default_factory=dict)
    log: list[tuple[str, int, Any, Any]] = field(default_factory=list)  # operation, status, request body, answer

    def __post_init__(self) -> None:
        self.facts = self.facts or self.do("seed_merchant", name="Example Shop AB", held=["EUR", "NOK", "JPY"])

    def do(self, verb: str, **arguments: Any) -> Any:
        return self.paypal.control(verb, arguments, self.now)

    def wait(self, **duration: float) -> None:
        self.now += timedelta(**duration)

    def token(self, facts: dict[str, Any] | None = None) -> str:
        return str(self.grant(facts)["access_token"])

    def grant(self, facts: dict[str, Any] | None = None, *, secret: str = "") -> Any:
        facts = facts or self.facts
        pair = f"{facts['client_id']}:{secret or facts['client_secret']}".encode()
        headers = {
            "authorization": "Basic " + base64.b64encode(pair).decode(),
            "content-type": "application/x-www-form-urlencoded",
        }
        request = Request("POST", "/v1/oauth2/token", "", headers, b"grant_type=client_credentials")
        answer = self.paypal.answer(request, self.now)
        body = json.loads(answer.body)
        self.log.append(("POST /v1/oauth2/token", answer.status, None, body))
        return body

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        headers: dict[str, str] | None = None,
        **query: Any,
    ) -> Response:
        sent = {"authorization": f"Bearer {self.token() if token is None else token}"}
        sent |= {} if body is None else {"content-type": "application/json"}
        raw = b"" if body is None else json.dumps(body).encode()
        return self.paypal.answer(Request(method, path, urlencode(query), sent | (headers or {}), raw), self.now)

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
        answer = self.send(method, path, body, **more)
        parsed = json.loads(answer.body) if answer.body else None
        self.log.append((self.paypal.operation(Request(method, path)), answer.status, body, parsed))
        return answer.status, parsed

    def get(self, path: str, **query: Any) -> Any:
        status, body = self.call("GET", path, **query)
        assert status == 200, body
        return body

    def post(self, path: str, body: Any = None, *, full: bool = True, **more: Any) -> Any:
        headers = {"prefer": "return=representation"} if full else {}
        status, answer = self.call("POST", path, body, headers=headers | more.pop("headers", {}), **more)
        assert status < 300, answer
        return answer

    def refused(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, str]:
        """The status and the issue (or name) of a refusal."""
        status, answer = self.call(method, path, body, **more)
        assert status >= 400, answer
        details = answer.get("details")
        return status, details[0]["issue"] if details else answer.get("name") or answer["error"]

    def report(self, **query: Any) -> Any:
        """One page of the report of the last 31 days, everything that is refreshed by now."""
        asked = {"start_date": _text(self.now - timedelta(days=30)), "end_date": _text(self.now)}
        return self.get("/v1/reporting/transactions", **(asked | {"fields": "all"} | query))

    def rows(self, **query: Any) -> list[Any]:
        """Every row of that report, transaction_info only."""
        rows: list[Any] = []
        page = 1
        while True:
            answer = self.report(page=page, **query)
            rows += [row["transaction_info"] for row in answer.get("transaction_details", [])]
            if page >= answer["total_pages"]:
                return rows
            page += 1

    def follow(self, link: str) -> Any:
        """The answer behind a link, on this host."""
        parts = urlsplit(link)
        return self.get(parts.path, **dict(parse_qsl(parts.query)))

    def subscribe(self, *names: str, url: str = HOOK) -> Any:
        types = [{"name": name} for name in names or ("*",)]
        return self.post("/v1/notifications/webhooks", {"url": url, "event_types": types})

    def due(self, status: int | None = 200) -> list[Delivery]:
        """The deliveries due now, each ended with that status."""
        taken = self.paypal.deliveries(self.now)
        for delivery in taken:
            self.paypal.delivered(delivery, status, self.now)
        return taken

    def events(self) -> list[Any]:
        return [json.loads(delivery.body) for delivery in self.due()]


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def money(value: str, currency: str = "SEK") -> dict[str, str]:
    return {"currency_code": currency, "value": value}
