"""Push notifications: subscriptions, tasks, and what waits to be delivered, signed in one of several encodings."""

from __future__ import annotations

import base64
import hashlib
import heapq
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ml_connector_sandbox.basware.refusals import Json
from ml_connector_sandbox.basware.state import Tenant, World
from ml_connector_sandbox.basware.times import stamp
from ml_connector_sandbox.core.instants import SECOND
from ml_connector_sandbox.core.wire import Delivery

BATCH = 5000  # one call takes no more, so that a backlog does not stop the server
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
Ring = Callable[[Delivery], int | None]


@dataclass(slots=True)
class Subscription:
    """A webhook of a tenant; silent until its ConnectionTest was answered with 200."""

    tenant_id: str
    content: Json
    updated: int
    active: bool = False

    def wants(self, kind: str, subtype: str) -> bool:
        """Whether it is told of that."""
        return self.active and self.content["taskType"] == kind and self.content["taskSubType"] in ("All", subtype)


@dataclass(slots=True)
class Task:
    """One notification as the tasks endpoint shows it."""

    id: str
    tenant_id: str
    kind: str
    subtype: str
    document_id: str
    updated: int
    status: str = "New"
    history: list[Json] = field(default_factory=list)

    def note(self, action: str, at: int, message: str) -> None:
        """One more line of its history."""
        self.status, self.updated = action, at
        self.history.append({"action": action, "timeStamp": stamp(at), "messages": [message]})

    def as_json(self) -> Json:
        """As the tasks endpoint shows it."""
        return {
            "taskId": self.id, "taskStatus": self.status, "taskType": self.kind, "taskSubType": self.subtype,
            "documentId": self.document_id, "lastUpdated": stamp(self.updated), "taskHistory": list(self.history),
        }  # fmt: skip


@dataclass(order=True, slots=True)
class _Waiting:
    due: int
    n: int
    subscription: Subscription = field(compare=False)
    body: bytes = field(compare=False)
    task: Task | None = field(compare=False)  # None: a ConnectionTest
    tries: int = field(compare=False, default=0)


def signature(secret: str, body: bytes, encoding: str) -> str:
    """HMAC-SHA256 of the raw body, written in one of the encodings."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    if encoding == "base64":
        return base64.b64encode(digest).decode()
    if encoding == "wrong":
        digest = bytes([digest[0] ^ 1]) + digest[1:]
    return f"sha256={digest.hex()}" if encoding == "prefixed" else digest.hex()


def payload(task_id: str, kind: str, document_id: str, subtype: str = "") -> bytes:
    """The exact text of a notification."""
    body = {"taskId": task_id, "taskStatus": "New", "taskType": kind}
    body |= ({"taskSubType": subtype} if subtype else {}) | {"documentId": document_id}
    return json.dumps(body, separators=(",", ":")).encode()


def callable_url(url: str) -> bool:
    """HTTPS, or HTTP to this very machine (the sandbox's only leniency)."""
    parts = urlsplit(url)
    if parts.scheme == "http":
        return parts.hostname in _LOOPBACK
    return parts.scheme == "https" and bool(parts.hostname)


class Desk:
    """All subscriptions and tasks, what waits, and how attempts ended."""

    def __init__(self, world: World, ring: Ring) -> None:
        self._world = world
        self._ring = ring
        self.subscriptions: list[Subscription] = []
        self.tasks: dict[str, Task] = {}
        self._waiting: list[_Waiting] = []
        self._open: dict[str, _Waiting] = {}
        self._n = 0
        self.counts = dict.fromkeys(("queued", "delivered", "retried", "discarded", "lost", "duplicated"), 0)

    def subscribe(self, tenant: Tenant, content: Json, now: int) -> bool:
        """Take a subscription and test its address; false when the test was made at once and failed."""
        new = Subscription(tenant.id, content, now)
        mode = self._world.knobs.connection_test
        if mode == "inline":
            attempt = self._attempt(_Waiting(now, 0, new, self._test_body(), None))
            if self._ring(attempt) != 200:
                return False
        new.active = mode != "deferred"
        if self._world.knobs.subscription_post == "replace":
            same = (content["taskType"], content["taskSubType"])
            self.subscriptions = [
                old
                for old in self.subscriptions
                if old.tenant_id != tenant.id or (old.content["taskType"], old.content["taskSubType"]) != same
            ]
        self.subscriptions.append(new)
        if mode == "deferred":
            self._push(_Waiting(now, 0, new, self._test_body(), None))
        return True

    def of(self, tenant: Tenant) -> list[Subscription]:
        """The tenant's subscriptions whose address has proved itself."""
        return [s for s in self.subscriptions if s.tenant_id == tenant.id and s.active]

    def emit(self, tenant: Tenant, kind: str, subtype: str, document_id: str, at: int) -> None:
        """Something happened: one task, and a notification to each subscription that wants it."""
        wanted = [s for s in self.of(tenant) if s.wants(kind, subtype)]
        if not wanted:
            return
        task = Task(self._world.mint.uuid(), tenant.id, kind, subtype, document_id, at)
        task.note("New", at, "Task created")
        self.tasks[task.id] = task
        for subscription in wanted:
            self._queue(subscription, task, at)

    def send(self, task: Task, at: int) -> int:
        """Deliver a task once more to whom it concerns, without loss or twin; how many that are."""
        wanted = [s for s in self.subscriptions if s.tenant_id == task.tenant_id and s.wants(task.kind, task.subtype)]
        for subscription in wanted:
            self._push(_Waiting(at, 0, subscription, self._body(task), task))
        return len(wanted)

    def _queue(self, subscription: Subscription, task: Task, at: int) -> None:
        knobs, mint = self._world.knobs, self._world.mint
        if mint.chance(knobs.lost_share):
            self.counts["lost"] += 1
            task.note("Failed", at, "Not delivered")
            return
        copies = 2 if mint.chance(knobs.duplicate_share) else 1
        self.counts["duplicated"] += copies - 1
        for _ in range(copies):
            self._push(_Waiting(at, 0, subscription, self._body(task), task))

    def _body(self, task: Task) -> bytes:
        misspelt = task.kind == "AccountingDocuments" and self._world.knobs.misspelt_type
        kind = "AccoutingDocuments" if misspelt else task.kind
        return payload(task.id, kind, task.document_id, task.subtype)

    def _test_body(self) -> bytes:
        return payload(self._world.mint.uuid(), "ConnectionTest", "test")

    def _push(self, waiting: _Waiting) -> None:
        self._n += 1
        waiting.n = self._n
        self.counts["queued"] += 1
        heapq.heappush(self._waiting, waiting)

    def due(self, now: int) -> list[Delivery]:
        """Take what is due, at most BATCH at a time; what belongs to a removed subscription is dropped."""
        taken: list[Delivery] = []
        while self._waiting and self._waiting[0].due <= now and len(taken) < BATCH:
            waiting = heapq.heappop(self._waiting)
            if waiting.subscription not in self.subscriptions:
                self.counts["discarded"] += 1
                continue
            waiting.tries += 1
            delivery = self._attempt(waiting)
            self._open[delivery.id] = waiting
            taken.append(delivery)
        return taken

    def _attempt(self, waiting: _Waiting) -> Delivery:
        knobs = self._world.knobs
        headers = [("content-type", "application/json")]
        signed = knobs.signature != "none" and (waiting.task is not None or knobs.connection_test_signed)
        if signed:
            secret = str(waiting.subscription.content["webhookAuthenticationToken"])
            headers.append((knobs.signature_header, signature(secret, waiting.body, knobs.signature)))
        self._n += 1
        url = str(waiting.subscription.content["notificationWebhookURL"])
        return Delivery(f"bw-{self._n}", url, tuple(headers), waiting.body)

    def ended(self, attempt: str, status: int | None, now: int) -> None:
        """Only 200 is delivered. A failed ConnectionTest ends the subscription, a failed push has `retries` tries."""
        waiting = self._open.pop(attempt, None)
        if waiting is None:
            return
        good = status == 200
        if good:
            self.counts["delivered"] += 1
        if waiting.task is None:
            waiting.subscription.active = good
            if not good:
                self.subscriptions = [s for s in self.subscriptions if s is not waiting.subscription]
        elif good:
            waiting.task.note("Completed", now, "Delivered")
        elif waiting.tries <= self._world.knobs.retries:
            waiting.due = now + round(self._world.knobs.retry_s * self._world.time_scale * SECOND)
            self.counts["retried"] += 1
            heapq.heappush(self._waiting, waiting)
        else:
            self.counts["discarded"] += 1
            waiting.task.note("Failed", now, f"The receiver answered {status}")

    def waiting_count(self) -> int:
        """Deliveries that wait for a first or a next try."""
        return len(self._waiting)
