"""Webhooks and the event log: signed as Square signs, tried again on its schedule, unkind on demand."""

from __future__ import annotations

import base64
import hashlib
import heapq
import hmac
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ml_connector_sandbox.core.instants import DAY, MINUTE, instant
from ml_connector_sandbox.core.wire import Delivery
from ml_connector_sandbox.square.faults import Json, bad
from ml_connector_sandbox.square.shelves import dumps
from ml_connector_sandbox.square.state import Application, Merchant, World
from ml_connector_sandbox.square.times import stamp

# The waits before retries 1 to 11; after the last the event is discarded.
RETRY_WAITS_MIN = (1, 2, 4, 8, 16, 32, 60, 120, 240, 480, 480)
BATCH = 5000  # one call takes no more, so that a backlog does not stop the server
SILENT_LIMIT = 21 * DAY  # a subscription without any 2xx for three weeks is disabled
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}

# event type -> scopes, one of which the seller must have granted; none needed for an empty tuple.
EVENT_SCOPES: dict[str, tuple[str, ...]] = {
    "payment.created": ("PAYMENTS_READ",),
    "payment.updated": ("PAYMENTS_READ",),
    "refund.created": ("PAYMENTS_READ",),
    "refund.updated": ("PAYMENTS_READ",),
    "order.created": ("ORDERS_READ",),
    "order.updated": ("ORDERS_READ",),
    "invoice.created": ("INVOICES_READ",),
    "invoice.published": ("INVOICES_READ",),
    "invoice.updated": ("INVOICES_READ",),
    "invoice.payment_made": ("INVOICES_READ",),
    "invoice.refunded": ("INVOICES_READ",),
    "invoice.canceled": ("INVOICES_READ",),
    "invoice.deleted": ("INVOICES_READ",),
    "customer.created": ("CUSTOMERS_READ",),
    "customer.updated": ("CUSTOMERS_READ",),
    "customer.deleted": ("CUSTOMERS_READ",),
    "vendor.created": ("VENDOR_READ",),
    "vendor.updated": ("VENDOR_READ",),
    "payout.sent": ("PAYOUTS_READ",),
    "payout.paid": ("PAYOUTS_READ",),
    "payout.failed": ("PAYOUTS_READ",),
    "location.created": ("MERCHANT_PROFILE_READ",),
    "location.updated": ("MERCHANT_PROFILE_READ",),
    "catalog.version.updated": ("ITEMS_READ",),
    "dispute.created": ("DISPUTES_READ", "PAYMENTS_READ"),
    "dispute.state.updated": ("DISPUTES_READ", "PAYMENTS_READ"),
    "oauth.authorization.revoked": (),
}
# Known to Square and subscribable, but nothing in this sandbox sends them.
SILENT_EVENTS = ("order.fulfillment.updated", "invoice.scheduled_charge_failed", "inventory.count.updated")
EVENT_TYPES = tuple(sorted([*EVENT_SCOPES, *SILENT_EVENTS]))


@dataclass(slots=True)
class Subscription:
    """A webhook subscription of an application."""

    id: str
    application_id: str
    name: str
    event_types: tuple[str, ...]
    url: str
    api_version: str
    key: str
    created: int
    updated: int
    enabled: bool = True
    heard: int = 0  # the last 2xx

    def shown(self, *, with_key: bool) -> Json:
        """As the API shows it: times in the odd form of Square's examples."""
        body: Json = {"id": self.id, "name": self.name, "enabled": self.enabled, "event_types": list(self.event_types)}
        body |= {"notification_url": self.url, "api_version": self.api_version}
        body |= {"signature_key": self.key} if with_key else {}
        form = "%Y-%m-%d %H:%M:%S +0000 UTC"
        return body | {
            "created_at": instant(self.created).strftime(form),
            "updated_at": instant(self.updated).strftime(form),
        }


@dataclass(order=True, slots=True)
class _Waiting:
    due: int
    n: int
    subscription_id: str = field(compare=False)
    body: bytes = field(compare=False)
    first: int = field(compare=False)
    retry: int = field(compare=False, default=0)
    reason: str = field(compare=False, default="")


def signature(key: str, url: str, body: bytes) -> str:
    """The value of x-square-hmacsha256-signature."""
    return base64.b64encode(hmac.new(key.encode(), url.encode() + body, hashlib.sha256).digest()).decode()


def check_url(url: Any) -> str:
    """A notification URL: HTTPS, or HTTP to this very machine (the sandbox's only leniency). Refused otherwise."""
    parts = urlsplit(url) if isinstance(url, str) else urlsplit("")
    if parts.scheme == "https" and parts.hostname:
        return str(url)
    if parts.scheme == "http" and parts.hostname in _LOOPBACK:
        return str(url)
    raise bad("INVALID_VALUE", "The notification URL must be HTTPS.", field="subscription.notification_url")


class Desk:
    """All subscriptions, what waits to be delivered, and how attempts ended."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.subscriptions: dict[str, Subscription] = {}
        self._waiting: list[_Waiting] = []
        self._open: dict[str, _Waiting] = {}
        self._n = 0
        self.counts = {"queued": 0, "delivered": 0, "retried": 0, "discarded": 0, "lost": 0, "duplicated": 0}

    def emit(
        self,
        merchant: Merchant,
        *,
        type_: str,
        data_type: str,
        data_id: str,
        content: Json | None,
        now: int,
        location_id: str | None = None,
        deleted: bool = False,
        only_application: str | None = None,
    ) -> None:
        """Something happened: log it for applications that keep events, queue it for subscriptions that want it."""
        data: Json = {"type": data_type, "id": data_id} | ({"deleted": True} if deleted else {})
        data |= {"object": content} if content is not None else {}
        for app in self._audience(merchant, type_, only_application):
            wanted = [
                s
                for s in self.subscriptions.values()
                if s.application_id == app.id and s.enabled and type_ in s.event_types
            ]
            if not wanted and not app.events_enabled:
                continue
            event: Json = {"merchant_id": merchant.id} | ({"location_id": location_id} if location_id else {})
            event |= {"type": type_, "event_id": self._world.mint.uuid(), "created_at": stamp(now), "data": data}
            text = dumps(event)
            if app.events_enabled:
                app.events.append((now, _logged(event, now)))
            for subscription in wanted:
                self._queue(subscription, text.encode(), now)

    def _audience(self, merchant: Merchant, type_: str, only: str | None) -> list[Application]:
        needed = EVENT_SCOPES[type_]
        found = []
        for app in self._world.applications.values():
            granted = app.grants.get(merchant.id)
            heard = app.owner_id == merchant.id or (granted is not None and (not needed or set(needed) & set(granted)))
            if heard if only is None else app.id == only:
                found.append(app)
        return found

    def _queue(self, subscription: Subscription, body: bytes, now: int) -> None:
        knobs, mint = self._world.knobs, self._world.mint
        if mint.chance(knobs.lost_share):
            self.counts["lost"] += 1
            return
        copies = 2 if mint.chance(knobs.duplicate_share) else 1
        self.counts["duplicated"] += copies - 1
        for _ in range(copies):
            self._n += 1
            self.counts["queued"] += 1
            order = mint.below(1 << 30) if knobs.shuffle else self._n
            heapq.heappush(self._waiting, _Waiting(max(now, self._world.clock.now), order, subscription.id, body, 0))

    def due(self, now: int) -> list[Delivery]:
        """Take what is due, at most BATCH at a time, signed with the key of this moment."""
        taken: list[Delivery] = []
        while self._waiting and self._waiting[0].due <= now and len(taken) < BATCH:
            waiting = heapq.heappop(self._waiting)
            subscription = self.subscriptions.get(waiting.subscription_id)
            if subscription is None or not subscription.enabled:
                self.counts["discarded"] += 1
                continue
            waiting.first = waiting.first or now
            self._n += 1
            attempt = f"sq-{self._n}"
            self._open[attempt] = waiting
            taken.append(Delivery(attempt, subscription.url, self._headers(subscription, waiting), waiting.body))
        if self._world.knobs.shuffle:
            taken.sort(key=lambda d: hashlib.blake2b(d.id.encode(), digest_size=4).digest())
        return taken

    def _headers(self, subscription: Subscription, waiting: _Waiting) -> tuple[tuple[str, str], ...]:
        legacy = hmac.new(subscription.key.encode(), subscription.url.encode() + waiting.body, "sha1").digest()
        headers = [
            ("content-type", "application/json"),
            ("user-agent", "Square Connect v2"),
            ("x-square-hmacsha256-signature", signature(subscription.key, subscription.url, waiting.body)),
            ("x-square-signature", base64.b64encode(legacy).decode()),
            ("square-environment", "Sandbox"),
            ("square-initial-delivery-timestamp", stamp(waiting.first)),
        ]
        if waiting.retry:
            headers += [("square-retry-number", str(waiting.retry)), ("square-retry-reason", waiting.reason)]
        return tuple(headers)

    def ended(self, attempt: str, status: int | None, now: int) -> None:
        """Any 2xx is delivered; everything else waits for its next step, until the steps or 24 hours are used up."""
        waiting = self._open.pop(attempt, None)
        if waiting is None:
            return
        subscription = self.subscriptions.get(waiting.subscription_id)
        if status is not None and 200 <= status < 300:
            self.counts["delivered"] += 1
            if subscription:
                subscription.heard = now
            return
        if subscription and now - max(subscription.heard, subscription.created) > SILENT_LIMIT:
            subscription.enabled = False
        # The eleven waits add up to 24 h 3 min; what is later than that because attempts were slow is dropped too.
        limit = self._scaled(DAY) + 5 * MINUTE
        if waiting.retry >= len(RETRY_WAITS_MIN) or now - waiting.first >= limit:
            self.counts["discarded"] += 1
            return
        waiting.due = now + self._scaled(RETRY_WAITS_MIN[waiting.retry] * MINUTE)
        waiting.retry += 1
        waiting.reason = "http_timeout" if status is None else "http_error"
        self.counts["retried"] += 1
        heapq.heappush(self._waiting, waiting)

    def send(self, subscription: Subscription, body: bytes, now: int) -> None:
        """Queue one body for one subscription, without loss or twin."""
        self._n += 1
        self.counts["queued"] += 1
        heapq.heappush(self._waiting, _Waiting(now, self._n, subscription.id, body, 0))

    def _scaled(self, duration: int) -> int:
        return round(duration * self._world.time_scale)

    def waiting_count(self) -> int:
        """Deliveries that wait for a first or a next attempt."""
        return len(self._waiting)


def _logged(event: Json, now: int) -> Json:
    """The event as the Events API shows it: its created_at has no zone there (Square's example)."""
    text = dumps(event | {"created_at": instant(now).replace(tzinfo=None).isoformat(timespec="microseconds")})
    return {k: event.get(k) for k in ("event_id", "type", "merchant_id", "location_id")} | {"text": text}


def searchable(app: Application, now: int) -> list[tuple[int, Json]]:
    """Events of the last 28 days; older ones are forgotten for good."""
    oldest = now - 28 * DAY
    app.events = [pair for pair in app.events if pair[0] >= oldest]
    return app.events


def new_key(world: World) -> str:
    """A fresh signature key."""
    return world.mint.mixed(22)


def subscribe(world: World, app: Application, wanted: Json, now: int) -> Subscription:
    """A new subscription from the `subscription` a caller sent."""
    types = wanted.get("event_types") or []
    if not types:
        raise bad("MISSING_REQUIRED_PARAMETER", "A subscription needs event_types.", field="subscription.event_types")
    unknown = [t for t in types if t not in EVENT_TYPES]
    if unknown:
        raise bad("INVALID_VALUE", f"Unknown event types: {unknown}.", field="subscription.event_types")
    name = wanted.get("name")
    if not name:
        raise bad("MISSING_REQUIRED_PARAMETER", "A subscription needs a name.", field="subscription.name")
    key = "wbhk_" + world.mint.hexadecimal(32)
    subscription = Subscription(
        key, app.id, name, tuple(types), check_url(wanted.get("notification_url")),
        wanted.get("api_version") or world.knobs.default_version, new_key(world), now, now,
        enabled=wanted.get("enabled", True) is not False, heard=now,
    )  # fmt: skip
    world.desk.subscriptions[key] = subscription
    return subscription
