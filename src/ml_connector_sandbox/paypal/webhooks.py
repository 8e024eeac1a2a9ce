"""Webhooks and the event log: signed as PayPal signs, tried 25 times over three days, unkind on demand."""

from __future__ import annotations

import base64
import hashlib
import heapq
import json
import zlib
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ml_connector_sandbox.core.instants import DAY, MINUTE, stamp_ms
from ml_connector_sandbox.core.wire import Delivery
from ml_connector_sandbox.paypal.certificates import Authority, Leaf
from ml_connector_sandbox.paypal.refusals import Json, Refused, bad
from ml_connector_sandbox.paypal.state import App, World
from ml_connector_sandbox.paypal.times import stamp

# Waits in minutes before tries 2 to 25. Only "25 tries over 3 days" is known: doubling at first, then even steps.
RETRY_WAITS_MIN = (2, 4, 8, 16, 32, 64, 128, *([239] * 17))
BATCH = 5000  # one call takes no more, so that a backlog does not stop the server
KEPT = 30 * DAY  # how long the event log remembers
URLS_PER_APP = 10
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}

# name -> (description, resource version); all of these can be subscribed to.
EVENT_TYPES: dict[str, tuple[str, str]] = {
    "PAYMENT.AUTHORIZATION.CREATED": ("A payment authorization is created.", "2.0"),
    "PAYMENT.AUTHORIZATION.VOIDED": ("A payment authorization is voided.", "2.0"),
    "PAYMENT.CAPTURE.COMPLETED": ("A payment capture completes.", "2.0"),
    "PAYMENT.CAPTURE.PENDING": ("The state of a payment capture changes to pending.", "2.0"),
    "PAYMENT.CAPTURE.DECLINED": ("A payment capture is declined.", "2.0"),
    "PAYMENT.CAPTURE.DENIED": ("A payment capture is denied.", "2.0"),
    "PAYMENT.CAPTURE.REFUNDED": ("A merchant refunds a payment capture.", "2.0"),
    "PAYMENT.CAPTURE.REVERSED": ("PayPal reverses a payment capture.", "2.0"),
    "PAYMENT.REFUND.PENDING": ("A refund is pending.", "2.0"),
    "PAYMENT.REFUND.FAILED": ("A refund fails.", "2.0"),
    "CHECKOUT.ORDER.APPROVED": ("A buyer approves a checkout order.", "2.0"),
    "CHECKOUT.ORDER.COMPLETED": ("A checkout order is processed.", "2.0"),
    "CHECKOUT.PAYMENT-APPROVAL.REVERSED": ("A problem occurs after the buyer approved the order.", "2.0"),
    "INVOICING.INVOICE.CREATED": ("A merchant or customer creates an invoice.", "2.0"),
    "INVOICING.INVOICE.SCHEDULED": ("An invoice is scheduled.", "2.0"),
    "INVOICING.INVOICE.UPDATED": ("An invoice is updated.", "2.0"),
    "INVOICING.INVOICE.PAID": ("An invoice is paid, partially paid, or payment is pending.", "2.0"),
    "INVOICING.INVOICE.REFUNDED": ("An invoice is refunded or partially refunded.", "2.0"),
    "INVOICING.INVOICE.CANCELLED": ("A merchant or customer cancels an invoice.", "2.0"),
    "CUSTOMER.DISPUTE.CREATED": ("A dispute is created.", "1.0"),
    "CUSTOMER.DISPUTE.UPDATED": ("A dispute is updated.", "1.0"),
    "CUSTOMER.DISPUTE.RESOLVED": ("A dispute is resolved.", "1.0"),
    "PAYMENT.SALE.COMPLETED": ("A sale completes.", "1.0"),
    "PAYMENT.SALE.REFUNDED": ("A merchant refunds a sale.", "1.0"),
    "PAYMENT.SALE.REVERSED": ("PayPal reverses a sale.", "1.0"),
    "PAYMENT.SALE.PENDING": ("The state of a sale changes to pending.", "1.0"),
    "PAYMENT.SALE.DENIED": ("The state of a sale changes to denied.", "1.0"),
}


@dataclass(slots=True)
class Webhook:
    """A webhook of an application; `event_types` may be the wildcard alone."""

    id: str
    client_id: str
    url: str
    event_types: tuple[str, ...]

    def wants(self, name: str) -> bool:
        """Whether it is told of that event type."""
        return name in self.event_types or "*" in self.event_types


@dataclass(frozen=True, slots=True)
class Event:
    """An event of the log of one application, with the exact text that is sent."""

    id: str
    client_id: str
    name: str
    at: int
    body: Json
    text: bytes
    resource_id: str


@dataclass(order=True, slots=True)
class _Waiting:
    due: int
    n: int
    url: str = field(compare=False)
    webhook_id: str = field(compare=False)
    signed_id: str = field(compare=False)  # the webhook id inside the signature
    text: bytes = field(compare=False)
    transmission_id: str = field(compare=False)
    first: int = field(compare=False, default=0)
    tries: int = field(compare=False, default=0)


def dumps(content: Any) -> str:
    """Compact JSON, the form of every answer and webhook."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def message(transmission_id: str, transmission_time: str, webhook_id: str, body: bytes) -> bytes:
    """What is signed: the CRC-32 of the raw body is an unsigned decimal number."""
    return f"{transmission_id}|{transmission_time}|{webhook_id}|{zlib.crc32(body) & 0xFFFFFFFF}".encode()


class Desk:
    """All webhooks, the event log, what waits to be delivered, and how attempts ended."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.webhooks: dict[str, Webhook] = {}
        self.log: dict[str, Event] = {}
        self.generation = 1
        self.withdrawn: set[str] = set()  # certificates no longer served
        self.authority: Authority | None = None
        self._waiting: list[_Waiting] = []
        self._open: dict[str, _Waiting] = {}
        self._n = 0
        self.counts = dict.fromkeys(("queued", "delivered", "retried", "discarded", "lost", "duplicated"), 0)

    def leaf(self) -> Leaf:
        """The certificate in use."""
        return self.chain().leaf(self._world.knobs.certificate, self.generation)

    def chain(self) -> Authority:
        """The authority, made when first needed, so that worlds without webhooks cost no keys."""
        if self.authority is None:
            self.authority = Authority(self._world.now)
        return self.authority

    def emit(self, client_id: str, name: str, resource: Json, *, kind: str, resource_id: str, at: int) -> None:
        """Something happened to a thing of that application: log it and queue it for each webhook that wants it."""
        wanted = [w for w in self.webhooks.values() if w.client_id == client_id and w.wants(name)]
        if not client_id or not wanted:
            return
        world = self._world
        key = world.mint.event()
        description, version = EVENT_TYPES[name]
        path = f"/v1/notifications/webhooks-events/{key}"
        body: Json = {"id": key, "event_version": "1.0", "create_time": stamp_ms(at), "resource_type": kind}
        body |= {"resource_version": version, "event_type": name, "summary": description, "resource": resource}
        body["links"] = [world.link(path, "self"), world.link(path + "/resend", "resend", "POST")]
        event = Event(key, client_id, name, at, body, dumps(body).encode(), resource_id)
        self.log[key] = event
        for webhook in wanted:
            self._queue(webhook, event.text, at)

    def _queue(self, webhook: Webhook, text: bytes, at: int) -> None:
        knobs, mint = self._world.knobs, self._world.mint
        if mint.chance(knobs.lost_share):
            self.counts["lost"] += 1
            return
        copies = 2 if mint.chance(knobs.duplicate_share) else 1
        self.counts["duplicated"] += copies - 1
        for _ in range(copies):
            self.send(webhook, text, at)

    def send(self, webhook: Webhook, text: bytes, at: int, *, signed_id: str = "") -> None:
        """Queue one body for one webhook, without loss or twin, under a transmission id of its own."""
        world = self._world
        self._n += 1
        self.counts["queued"] += 1
        order = world.mint.below(1 << 30) if world.knobs.shuffle else self._n
        signed = signed_id or webhook.id
        due = max(at, world.now)
        heapq.heappush(self._waiting, _Waiting(due, order, webhook.url, webhook.id, signed, text, world.mint.uuid()))

    def due(self, now: int) -> list[Delivery]:
        """Take what is due, at most BATCH at a time, signed with the certificate of this moment."""
        taken: list[Delivery] = []
        while self._waiting and self._waiting[0].due <= now and len(taken) < BATCH:
            waiting = heapq.heappop(self._waiting)
            if waiting.webhook_id and waiting.webhook_id not in self.webhooks:
                self.counts["discarded"] += 1
                continue
            waiting.first = waiting.first or now
            waiting.tries += 1
            self._n += 1
            attempt = f"pp-{self._n}"
            self._open[attempt] = waiting
            taken.append(Delivery(attempt, waiting.url, self._headers(waiting), waiting.text))
        if self._world.knobs.shuffle:
            taken.sort(key=lambda d: hashlib.blake2b(d.id.encode(), digest_size=4).digest())
        return taken

    def _headers(self, waiting: _Waiting) -> tuple[tuple[str, str], ...]:
        knobs, leaf = self._world.knobs, self.leaf()
        sent_at = stamp(waiting.first)  # kept by retries, as receivers reject old times
        signed_id = "0WRONG000WEBHOOKX" if knobs.signature == "wrong_webhook" else waiting.signed_id
        signed = message(waiting.transmission_id, sent_at, signed_id, waiting.text)
        raw = leaf.sign_sha1(signed) if knobs.signature == "sha1" else leaf.sign(signed)
        if knobs.signature == "broken":
            raw = raw[:-1] + bytes([raw[-1] ^ 1])
        return (
            ("content-type", "application/json"),
            ("user-agent", "PayPal/AUHR-1.0"),
            ("paypal-transmission-id", waiting.transmission_id),
            ("paypal-transmission-time", sent_at),
            ("paypal-transmission-sig", base64.b64encode(raw).decode()),
            ("paypal-cert-url", knobs.cert_base_url + leaf.path),
            ("paypal-auth-algo", "SHA1withRSA" if knobs.signature == "sha1" else "SHA256withRSA"),
            ("paypal-auth-version", "v2"),
            ("correlation-id", waiting.transmission_id[:13]),
        )

    def ended(self, attempt: str, status: int | None, now: int) -> None:
        """Any 2xx is delivered; everything else waits for its next try, until the tries are used up."""
        waiting = self._open.pop(attempt, None)
        if waiting is None:
            return
        if status is not None and 200 <= status < 300:
            self.counts["delivered"] += 1
        elif waiting.tries > len(RETRY_WAITS_MIN):
            self.counts["discarded"] += 1
        else:
            wait = RETRY_WAITS_MIN[waiting.tries - 1] * MINUTE
            waiting.due = now + round(wait * self._world.time_scale)
            self.counts["retried"] += 1
            heapq.heappush(self._waiting, waiting)

    def events_of(self, app: App, now: int) -> list[Event]:
        """The log of an application, newest first; what is older than its memory is gone."""
        kept = [e for e in self.log.values() if e.client_id == app.client_id and e.at >= now - KEPT]
        return sorted(kept, key=lambda e: (e.at, e.id), reverse=True)

    def waiting_count(self) -> int:
        """Deliveries that wait for a first or a next try."""
        return len(self._waiting)


def check_url(url: str) -> str:
    """A webhook URL: HTTPS on 443, or HTTP to this very machine (the sandbox's only leniency). Refused otherwise."""
    parts = urlsplit(url)
    if parts.scheme == "http" and parts.hostname in _LOOPBACK:
        return url
    if parts.scheme == "https" and parts.hostname and parts.port in {None, 443} and len(url) <= 2048:
        return url
    raise bad("INVALID_PARAMETER_VALUE", "Not a valid webhook URL: HTTPS on port 443.", field="/url", value=url)


def check_types(types: list[Json]) -> tuple[str, ...]:
    """The names of the event types a caller asked for; `*` stands alone. Refused when unknown or none."""
    names = tuple(str(t.get("name")) for t in types)
    if not names:
        raise bad("INVALID_ARRAY_MIN_ITEMS", "At least one event type is needed.", field="/event_types")
    unknown = [n for n in names if n not in EVENT_TYPES and n != "*"]
    if unknown:
        text = f"Not a valid webhook event name: {', '.join(unknown)}."
        raise Refused(400, "INVALID_PARAMETER_VALUE", text, name="VALIDATION_ERROR", field="/event_types")
    return names
