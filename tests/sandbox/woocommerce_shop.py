"""A seeded WooCommerce shop with a clock of its own, and a signer written from RFC 5849, for tests."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from ml_connector_sandbox.core.wire import Delivery, Request, Response
from ml_connector_sandbox.woocommerce import WooCommerce

START = datetime(2026, 1, 5, 8, 12, 44, tzinfo=UTC)
HOST = "shop.example"
API = "/wp-json/wc/v3"


def encoded(text: str) -> str:
    return quote(text, safe="-._~")


def signed(
    method: str, address: str, params: dict[str, str], *, key: str, secret: str, at: datetime, nonce: str,
    algorithm: str = "SHA256",
) -> dict[str, str]:  # fmt: skip
    """The parameters with OAuth 1.0a's own and the signature."""
    full = params | {
        "oauth_consumer_key": key,
        "oauth_timestamp": str(int(at.timestamp())),
        "oauth_nonce": nonce,
        "oauth_signature_method": f"HMAC-{algorithm}",
    }
    pairs = "&".join(f"{encoded(k)}={encoded(full[k])}" for k in sorted(full))
    base = "&".join([method, encoded(address), encoded(pairs)])
    made = hmac.new(f"{secret}&".encode(), base.encode(), getattr(hashlib, algorithm.lower())).digest()
    return full | {"oauth_signature": base64.b64encode(made).decode()}


@dataclass
class Shop:
    """`call` answers (status, body) over OAuth; `do` runs a control verb; `last` is the latest raw answer."""

    woo: WooCommerce = field(default_factory=WooCommerce)
    now: datetime = START
    facts: dict[str, Any] = field(default_factory=dict)
    seeded: dict[str, Any] = field(default_factory=dict)
    log: list[tuple[str, str, int, Any]] = field(default_factory=list)
    last: Response = field(default_factory=lambda: Response(0))
    nonces: int = 0

    def __post_init__(self) -> None:
        self.facts = self.facts or self.do("seed_store", **self.seeded)

    def do(self, verb: str, **arguments: Any) -> Any:
        if verb != "seed_store":
            arguments.setdefault("store", self.facts["store"])
        return self.woo.control(verb, arguments, self.now)

    def wait(self, **duration: float) -> None:
        self.now += timedelta(**duration)

    def raw(
        self,
        method: str,
        path: str,
        query: str = "",
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
    ) -> Response:
        """One request as it stands, signed by nobody. `path` is whole."""
        sent = {"content-type": "application/json"} | (headers or {})
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        self.last = self.woo.answer(Request(method, path, query, sent, raw, HOST), self.now)
        return self.last

    def call(self, method: str, path: str, body: Any = None, *, keys: Any = None, **query: Any) -> tuple[int, Any]:
        """One signed request; `path` is below /wp-json/wc/v3."""
        key, secret = keys or (self.facts["consumer_key"], self.facts["consumer_secret"])
        whole = f"{self.facts['path']}{API}{path}"
        self.nonces += 1
        params = signed(
            method, f"http://{HOST}{whole}", {k: str(v) for k, v in query.items()},
            key=key, secret=secret, at=self.now, nonce=f"nonce{self.nonces}",
        )  # fmt: skip
        answer = self.raw(method, whole, urlencode(params, quote_via=quote), body)
        parsed = json.loads(answer.body) if answer.body[:1] in (b"{", b"[") else None
        operation = self.woo.operation(Request(method, whole, "", {}, b"", HOST))
        self.log.append((method, operation, answer.status, parsed))
        return answer.status, parsed

    def get(self, path: str, **query: Any) -> Any:
        status, body = self.call("GET", path, **query)
        assert status == 200, body
        return body

    def post(self, path: str, body: Any) -> Any:
        status, answer = self.call("POST", path, body)
        assert status in (200, 201), answer
        return answer

    def put(self, path: str, body: Any) -> Any:
        status, answer = self.call("PUT", path, body)
        assert status == 200, answer
        return answer

    def refused(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, str]:
        status, answer = self.call(method, path, body, **more)
        assert status >= 400, answer
        return status, answer["code"]

    def header(self, name: str) -> str | None:
        return dict(self.last.headers).get(name)

    def order(self, **arguments: Any) -> Any:
        return self.do("order", **arguments)["order"]

    def subscribe(self, *topics: str, url: str = "http://127.0.0.1:1/hooks", secret: str = "whsec_demo_8f2c") -> Any:
        """Webhooks for these topics, their pings taken."""
        made = [self.post("/webhooks", {"topic": t, "delivery_url": url, "secret": secret, "name": t}) for t in topics]
        self.take()
        return made

    def due(self) -> list[Delivery]:
        return self.woo.deliveries(self.now)

    def take(self, status: int | None = 200) -> list[Delivery]:
        """Run the background jobs of this moment and end each delivery with a status."""
        taken: list[Delivery] = []
        while batch := self.due():
            for delivery in batch:
                self.woo.delivered(delivery, status, self.now)
            taken += batch
        return taken

    def events(self) -> list[tuple[str, Any]]:
        """(topic, body) of everything that is due within the next minute."""
        self.wait(minutes=1)
        return [(dict(d.headers).get("X-WC-Webhook-Topic", "ping"), json.loads(d.body)) for d in self.take()]
