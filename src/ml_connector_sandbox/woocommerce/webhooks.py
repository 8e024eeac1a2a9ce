"""Webhooks: jobs that run later, built when they run, signed, never tried again, disabled after failures in a row."""

from __future__ import annotations

import base64
import hashlib
import heapq
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from ml_connector_sandbox.core.wire import Delivery
from ml_connector_sandbox.woocommerce.faults import Json, Refused
from ml_connector_sandbox.woocommerce.php import dumps
from ml_connector_sandbox.woocommerce.shown import link
from ml_connector_sandbox.woocommerce.state import ADMIN_ROLES, Store
from ml_connector_sandbox.woocommerce.times import SECOND, shown_gmt, shown_local

BATCH = 25  # jobs one background run takes
_EVENTS = ("created", "updated", "deleted")
_TOPICS = {f"{resource}.{event}" for resource in ("order", "product", "customer", "coupon") for event in _EVENTS} | {
    f"{resource}.restored" for resource in ("order", "product", "coupon")
}
_HOOKS = {
    "order.created": ["woocommerce_new_order"],
    "order.updated": ["woocommerce_update_order", "woocommerce_order_refunded"],
    "order.deleted": ["wp_trash_post", "woocommerce_trash_order"],
}


@dataclass(slots=True)
class Webhook:
    """A webhook as the shop keeps it; `failures` is not in the API."""

    id: int
    name: str
    status: str
    topic: str  # "" where a topic of capitals was accepted and lost
    url: str
    secret: str
    user_id: int
    created: int
    modified: int
    failures: int = 0
    counts: dict[str, int] = field(default_factory=lambda: {"delivered": 0, "failed": 0, "lost": 0})
    last_status: int | None = None


@dataclass(order=True, slots=True)
class _Job:
    run: int  # whole second it becomes due
    order: int
    hook_id: int = field(compare=False)
    topic: str = field(compare=False)
    resource_id: int = field(compare=False)
    argument: int = field(compare=False, default=0)


def signature(secret: str, body: bytes) -> str:
    """The value of X-WC-Webhook-Signature."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def check_topic(topic: str) -> str:
    """The topic as it is stored: capitals pass the check and are lost. Refused when it is none at all."""
    resource, _, event = topic.lower().partition(".")
    is_action = resource == "action" and re.match(r"(woocommerce|wc)_\w+$", event)
    if topic.lower() not in _TOPICS and not is_action:
        raise Refused(400, "woocommerce_rest_shop_webhook_invalid_topic", "This is no topic of a webhook.")
    return topic if topic == topic.lower() else ""


def check_url(url: str) -> str:
    """A delivery address: http or https with a host. Refused otherwise."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Refused(400, "woocommerce_rest_shop_webhook_invalid_delivery_url", "The delivery address is not valid.")
    return url


def callable_url(url: str) -> bool:
    """Whether the real shop would call that address: no private host, port 80, 443 or 8080."""
    parts = urlsplit(url)
    try:
        private = not ip_address(parts.hostname or "").is_global
    except ValueError:
        private = parts.hostname == "localhost"
    return not private and parts.port in (None, 80, 443, 8080)


class Desk:
    """All webhooks of a shop, the jobs that wait, and how deliveries ended."""

    def __init__(self, store: Store, time_scale: float) -> None:
        self._store = store
        self._time_scale = time_scale
        self.hooks: dict[int, Webhook] = {}
        self.builders: dict[str, Callable[[int], Json | None]] = {}  # resource -> body of an id
        self._jobs: list[_Job] = []  # a heap
        self._waiting: set[tuple[int, int]] = set()  # (hook, object) with a job
        self._pings: list[Delivery] = []
        self._open: dict[str, int] = {}  # attempt -> hook id
        self._n = 0

    def add(self, hook: Webhook) -> None:
        """Take a new webhook and ping its address, unsigned and form-encoded."""
        self.hooks[hook.id] = hook
        self._n += 1
        headers = (("User-Agent", self._agent()), ("Content-Type", "application/x-www-form-urlencoded"))
        if self._reachable(hook.url):
            self._pings.append(Delivery(f"ping-{self._n}", hook.url, headers, b"webhook_id=%d" % hook.id))

    def emit(self, topic: str, resource_id: int, now: int) -> None:
        """Something happened: queue a job per webhook, unless one for the same object waits already."""
        for hook in self.hooks.values():
            if hook.topic != topic or hook.status != "active":
                continue
            if (hook.id, resource_id) in self._waiting:
                continue
            self._n += 1
            due = now + round(self._store.knobs.job_delay_s * self._time_scale * SECOND)
            order = self._store.mint.below(1 << 30) if self._store.knobs.job_shuffle else self._n
            self._waiting.add((hook.id, resource_id))
            heapq.heappush(self._jobs, _Job(-(-due // SECOND), order, hook.id, topic, resource_id))

    def act(self, action: str, argument: int, now: int) -> None:
        """A hook of the shop's own code ran: `action.<hook>` webhooks hear of it."""
        for hook in self.hooks.values():
            if hook.topic == f"action.{action}" and hook.status == "active":
                self._n += 1
                heapq.heappush(self._jobs, _Job(now // SECOND, self._n, hook.id, hook.topic, 0, argument))

    def due(self, now: int) -> list[Delivery]:
        """Pings, and at most one background run of jobs; bodies show the state of this moment."""
        pings, self._pings = self._pings, []
        made: list[Delivery | None] = []
        while self._jobs and self._jobs[0].run * SECOND <= now and len(made) < BATCH:
            job = heapq.heappop(self._jobs)
            self._waiting.discard((job.hook_id, job.resource_id))
            made.append(self._run(job, now))
        return pings + [delivery for delivery in made if delivery is not None]

    def _run(self, job: _Job, now: int) -> Delivery | None:
        hook = self.hooks.get(job.hook_id)
        if hook is None:
            return None
        if self._store.mint.chance(self._store.knobs.lost_share):
            hook.counts["lost"] += 1
            return None
        body = dumps(self._body(hook, job)).encode()
        self._n += 1
        delivery = Delivery(f"woo-{self._n}", hook.url, self._headers(hook, body, now), body)
        self._open[delivery.id] = hook.id
        if not self._reachable(hook.url):
            self.ended(delivery.id, None, now)
            return None
        return delivery

    def _body(self, hook: Webhook, job: _Job) -> Json:
        resource, _, event = job.topic.partition(".")
        if resource == "action":
            return {"action": event, "arg": job.argument}
        if event == "deleted":
            return {"id": job.resource_id}
        user = self._store.users.get(hook.user_id)
        if user is None or user.role not in ADMIN_ROLES:
            text = "Sorry, you cannot view this resource."
            return {"code": "woocommerce_rest_cannot_view", "message": text, "data": {"status": 401}}
        return self.builders[resource](job.resource_id) or {"id": job.resource_id}

    def _headers(self, hook: Webhook, body: bytes, now: int) -> tuple[tuple[str, str], ...]:
        resource, _, event = hook.topic.partition(".")
        same_second = hashlib.blake2b(f"{hook.id}:{now // SECOND}".encode(), digest_size=16).hexdigest()
        return (
            ("User-Agent", self._agent()),
            ("Content-Type", "application/json"),
            ("X-WC-Webhook-Source", f"{self._store.home}/"),
            ("X-WC-Webhook-Topic", hook.topic),
            ("X-WC-Webhook-Resource", resource),
            ("X-WC-Webhook-Event", event),
            ("X-WC-Webhook-Signature", signature(hook.secret, body)),
            ("X-WC-Webhook-ID", str(hook.id)),
            ("X-WC-Webhook-Delivery-ID", same_second),
        )

    def ended(self, attempt: str, status: int | None, now: int) -> None:
        """200 to 302 resets the counter; anything else counts, and above the limit disables the webhook."""
        hook = self.hooks.get(self._open.pop(attempt, 0))
        if hook is None:
            return
        hook.last_status = status
        if status is not None and 200 <= status <= 302:
            hook.failures = 0
            hook.counts["delivered"] += 1
            return
        hook.counts["failed"] += 1
        if hook.failures > self._store.knobs.failure_limit:
            hook.status, hook.modified = "disabled", now // SECOND
        else:
            hook.failures += 1

    def health(self) -> list[Json]:
        """What the API does not tell: counters and waiting jobs."""
        return [
            {"id": h.id, "name": h.name, "topic": h.topic, "status": h.status, "delivery_url": h.url}
            | {"failure_count": h.failures, "pending": sum(j.hook_id == h.id for j in self._jobs)}
            | {"last_status": h.last_status, "user_id": h.user_id, **h.counts}
            for h in self.hooks.values()
        ]

    def _agent(self) -> str:
        return f"WooCommerce/{self._store.version} Hookshot (WordPress/{self._store.wordpress})"

    def _reachable(self, url: str) -> bool:
        return self._store.knobs.loopback_webhooks or callable_url(url)


def shown(store: Store, hook: Webhook) -> Json:
    """A webhook in the API: without its secret, without its counter."""
    resource, _, event = hook.topic.partition(".")
    return {
        "id": hook.id,
        "name": hook.name,
        "status": hook.status,
        "topic": hook.topic,
        "resource": resource,
        "event": event,
        "hooks": _HOOKS.get(hook.topic, [event] if resource == "action" else [f"woocommerce_{event}_{resource}"]),
        "delivery_url": hook.url,
        "date_created": shown_local(hook.created, store.zone),
        "date_created_gmt": shown_gmt(hook.created),
        "date_modified": shown_local(hook.modified, store.zone),
        "date_modified_gmt": shown_gmt(hook.modified),
        "_links": {
            "self": [{"href": link(store, f"/webhooks/{hook.id}")}],
            "collection": [{"href": link(store, "/webhooks")}],
        },
    }
