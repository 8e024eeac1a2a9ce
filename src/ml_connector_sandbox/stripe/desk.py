"""Webhook deliveries: signed as Stripe signs, tried again on its schedule, unkind on demand."""

from __future__ import annotations

import hashlib
import heapq
import hmac
import json
from dataclasses import dataclass, field
from typing import Any

from ml_connector_sandbox.core.instants import DAY, HOUR, MINUTE
from ml_connector_sandbox.core.wire import Delivery
from ml_connector_sandbox.stripe.refusals import Json
from ml_connector_sandbox.stripe.state import Book, World
from ml_connector_sandbox.stripe.times import seconds

BATCH = 5000  # one call takes no more, so that a backlog does not stop the server
LIVE_SPAN = 3 * DAY  # live events are tried again for so long, with doubling waits
SIGNATURES = ("good", "broken", "old", "future", "v0_only", "none", "wrong_secret", "extra")


@dataclass(order=True, slots=True)
class _Waiting:
    due: int
    n: int
    book: Book = field(compare=False)
    endpoint: str = field(compare=False)
    event: str = field(compare=False)
    body: bytes = field(compare=False)
    first: int = field(compare=False, default=0)
    tries: int = field(compare=False, default=0)


def dumps(content: Any) -> bytes:
    """JSON as the vendor writes it into webhooks: indented, so that only the raw bytes verify."""
    return json.dumps(content, ensure_ascii=False, indent=2).encode()


def signature(secret: str, moment: int, body: bytes) -> str:
    """Hex HMAC-SHA256 over `t.body`, with the whole secret as key."""
    return hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()


class Desk:
    """What waits to be delivered, and how attempts ended."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._waiting: list[_Waiting] = []
        self._open: dict[str, _Waiting] = {}
        self._pending: dict[tuple[str, str], int] = {}  # (event, endpoint) -> copies not yet taken or refused
        self._n = 0
        self.failed: set[str] = set()  # events some endpoint has not taken
        self.counts = dict.fromkeys(("queued", "delivered", "retried", "discarded", "lost", "duplicated"), 0)

    def publish(self, book: Book, event: Json, now: int) -> None:
        """Queue an event for every endpoint of its book that wants it."""
        endpoints = book.shelves["webhook_endpoint"].rows.values()
        wanted = [
            e for e in endpoints
            if e["status"] == "enabled" and ("*" in e["enabled_events"] or event["type"] in e["enabled_events"])
        ]  # fmt: skip
        event["pending_webhooks"] = len(wanted)
        for endpoint in wanted:
            self._queue(book, endpoint, event, now)

    def _queue(self, book: Book, endpoint: Json, event: Json, now: int) -> None:
        knobs, mint = self._world.knobs, self._world.mint
        if mint.chance(knobs.lost_share):
            self.counts["lost"] += 1
            self.failed.add(event["id"])
            return
        copies = 2 if mint.chance(knobs.duplicate_share) else 1
        self.counts["duplicated"] += copies - 1
        for _ in range(copies):
            self.send(book, endpoint, event, now)

    def send(self, book: Book, endpoint: Json, event: Json, now: int, *, body: bytes = b"") -> None:
        """Queue one event for one endpoint, without loss or twin; `body` replaces the event's own text."""
        world = self._world
        self._n += 1
        self.counts["queued"] += 1
        order = world.mint.below(1 << 30) if world.knobs.shuffle else self._n
        due = max(now, world.now) + world.delay(world.knobs.delay_s)
        self._pending[event["id"], endpoint["id"]] = self._pending.get((event["id"], endpoint["id"]), 0) + 1
        text = body or dumps(event)
        heapq.heappush(self._waiting, _Waiting(due, order, book, endpoint["id"], event["id"], text))

    def due(self, now: int) -> list[Delivery]:
        """Take what is due, at most BATCH at a time, signed at this moment."""
        taken: list[Delivery] = []
        while self._waiting and self._waiting[0].due <= now and len(taken) < BATCH:
            waiting = heapq.heappop(self._waiting)
            endpoint = waiting.book.get("webhook_endpoint", waiting.endpoint)
            if endpoint is None or endpoint["status"] != "enabled":
                self.counts["discarded"] += 1
                continue
            waiting.first = waiting.first or now
            waiting.tries += 1
            self._n += 1
            attempt = f"st-{self._n}"
            self._open[attempt] = waiting
            headers = self._headers(waiting, now)
            taken.append(Delivery(attempt, endpoint["url"], headers, waiting.body))
        if self._world.knobs.shuffle:
            taken.sort(key=lambda d: hashlib.blake2b(d.id.encode(), digest_size=4).digest())
        return taken

    def _headers(self, waiting: _Waiting, now: int) -> tuple[tuple[str, str], ...]:
        headers = (
            ("content-type", "application/json; charset=utf-8"),
            ("user-agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)"),
            ("accept", "*/*; q=0.5, application/xml"),
        )
        kind = self._world.knobs.signature
        if kind == "none":
            return headers
        held = waiting.book.secrets[waiting.endpoint]
        secrets = [secret for secret, until in held if until > now]
        return (*headers, ("stripe-signature", _signed(kind, secrets, seconds(now), waiting.body)))

    def ended(self, attempt: str, status: int | None, now: int) -> None:
        """Any 2xx is delivered; all else waits for its next try until the schedule is used up."""
        waiting = self._open.pop(attempt, None)
        if waiting is None:
            return
        event = waiting.book.get("event", waiting.event)
        if status is not None and 200 <= status < 300:
            self.counts["delivered"] += 1
            self._settled(waiting, event)
            return
        self.failed.add(waiting.event)
        wait = self._wait(waiting, now)
        if wait is None:
            self.counts["discarded"] += 1
            return
        waiting.due = now + round(wait * self._world.time_scale)
        self.counts["retried"] += 1
        heapq.heappush(self._waiting, waiting)

    def _settled(self, waiting: _Waiting, event: Json | None) -> None:
        key = (waiting.event, waiting.endpoint)
        if self._pending.pop(key, 0) and event is not None:
            event["pending_webhooks"] = max(event["pending_webhooks"] - 1, 0)
            if event["pending_webhooks"] == 0:
                self.failed.discard(waiting.event)

    def _wait(self, waiting: _Waiting, now: int) -> int | None:
        if waiting.book.livemode:
            wait = min(5 * MINUTE * 2 ** (waiting.tries - 1), 12 * HOUR)
            span = round(LIVE_SPAN * self._world.time_scale)
            return wait if now - waiting.first + wait * self._world.time_scale <= span else None
        waits = [int(minutes) for minutes in self._world.knobs.test_retries_min.split(",")]
        return waits[waiting.tries - 1] * MINUTE if waiting.tries <= len(waits) else None

    def waiting_count(self) -> int:
        """Deliveries that wait for a first or a next try."""
        return len(self._waiting)


def _signed(kind: str, secrets: list[str], moment: int, body: bytes) -> str:
    moment += {"old": -3600, "future": 3600}.get(kind, 0)
    used = ["whsec_of_somebody_else"] if kind == "wrong_secret" else secrets
    hexes = [signature(secret, moment, body) for secret in used]
    if kind == "broken":
        hexes = [h[:-1] + ("0" if h[-1] != "0" else "1") for h in hexes]
    if kind == "extra":  # unknown schemes and a stale v1 stand before the right one
        return ",".join([f"t={moment}", "v0=abc", "v1=deadbeef", *(f"v1={h}" for h in hexes), "v9=zzz"])
    scheme = "v0" if kind == "v0_only" else "v1"
    return ",".join([f"t={moment}", *(f"{scheme}={h}" for h in hexes), "v0=" + "6" * 64])
