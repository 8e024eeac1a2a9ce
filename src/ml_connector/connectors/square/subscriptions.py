"""Webhook subscriptions of our application: find, make, repair, test. Needs its personal access token."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from urllib.parse import quote

from ml_connector.connectors.http import Http
from ml_connector.connectors.pacing import Ticking
from ml_connector.connectors.square.auth import FixedToken
from ml_connector.connectors.square.client import VERSION, Row, Rows, SquareClient, every, page_of
from ml_connector.connectors.square.pacing import Pacer
from ml_connector.connectors.square.webhooks import SUBSCRIBED
from ml_connector.errors import Rejected, Transient

PATH = "/v2/webhooks/subscriptions"
NAME = "ml-connector"


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscription as Square keeps it. `signature_key` belongs in the vault, at its door."""

    id: str
    name: str
    enabled: bool
    url: str
    event_types: tuple[str, ...]
    api_version: str
    signature_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Watched:
    """What `watch` found or did: the subscription as it is now, and each change in words."""

    did: Literal["made", "repaired", "unchanged"]
    subscription: Subscription
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tested:
    """The answer of a test delivery: what our door answered; None when Square did not tell."""

    status: int | None
    passed: bool


class WebhookSubscriptions:
    """The subscriptions of the application that owns the token. Every change carries an idempotency key."""

    def __init__(self, http: Http, pat: str, *, clock: Ticking, settings: Mapping[str, str] | None = None) -> None:
        self._clock = clock
        self._client = SquareClient(http, FixedToken(pat), Pacer.of(settings or {}, clock))

    def list(self) -> tuple[Subscription, ...]:
        """All of them, disabled ones too; without their signature keys, which Square lists nowhere."""

        def page(cursor: str | None) -> Rows:
            params = {"include_disabled": "true", "limit": "100", **({"cursor": cursor} if cursor else {})}
            body = self._client.call("GET", PATH, operation=f"GET {PATH}", params=params, paging=bool(cursor))
            return page_of(body, "subscriptions")

        return tuple(_read(row) for row in every(page, what="webhook subscriptions"))

    def offered(self) -> frozenset[str]:
        """The event types that Square offers now."""
        path = "/v2/webhooks/event-types"
        found = self._client.call("GET", path, operation=f"GET {path}").get("event_types")
        return frozenset(str(one) for one in found) if isinstance(found, list) else frozenset()

    def read(self, subscription_id: str) -> Subscription:
        """One with its signature key."""
        return _of(self._client.call("GET", self._path(subscription_id), operation=f"GET {PATH}/{{id}}"))

    def create(self, url: str, event_types: Sequence[str] = SUBSCRIBED, *, name: str = NAME) -> Subscription:
        """A new subscription, in the version of events that this connector reads.

        The key holds the day: a subscription deleted by hand can be made again, a lost answer makes no second one.
        """
        wanted = {"name": name, "event_types": [*event_types], "notification_url": url, "api_version": VERSION}
        content = {"idempotency_key": self._key("create", url, *event_types), "subscription": wanted}
        return _of(self._client.call("POST", PATH, operation=f"POST {PATH}", content=content))

    def repair(self, subscription: Subscription, event_types: Sequence[str] = SUBSCRIBED) -> Watched:
        """Enable it, add the event types it lacks and set its version, if it needs that.

        It never takes event types away.
        """
        change: Row = {}
        told = []
        if not subscription.enabled:
            change["enabled"] = True
            told.append("enabled again: Square disables a subscription that failed for three weeks")
        if missing := sorted(set(event_types) - set(subscription.event_types)):
            change["event_types"] = [*subscription.event_types, *missing]
            told.append(f"added {', '.join(missing)}")
        if subscription.api_version != VERSION:
            change["api_version"] = VERSION
            told.append(f"version {subscription.api_version or '(none)'} -> {VERSION}")
        if not change:
            return Watched("unchanged", subscription, ())
        body = self._client.call(
            "PUT", self._path(subscription.id), operation=f"PUT {PATH}/{{id}}", content={"subscription": change}
        )
        repaired = _of(body)
        if not repaired.signature_key:  # an update answers without the key: it did not change
            repaired = replace(repaired, signature_key=subscription.signature_key)
        return Watched("repaired", repaired, tuple(told))

    def delete(self, subscription_id: str) -> None:
        """Remove it: Square sends nothing more to its address."""
        self._client.call("DELETE", self._path(subscription_id), operation=f"DELETE {PATH}/{{id}}")

    def test(self, subscription_id: str, event_type: str = "payment.updated") -> Tested:
        """Let Square send one test delivery.

        Its answer has two known shapes: nested as described, or flat at the root.
        """
        path = f"{self._path(subscription_id)}/test"
        body = self._client.call("POST", path, operation=f"POST {PATH}/{{id}}/test", content={"event_type": event_type})
        nested = body.get("subscription_test_result")
        status = (nested if isinstance(nested, dict) else body).get("status_code")
        known = status if type(status) is int else None
        return Tested(known, passed=known is not None and 200 <= known < 300)

    def _path(self, subscription_id: str) -> str:
        return f"{PATH}/{quote(subscription_id, safe='')}"

    def _key(self, *parts: str) -> str:
        """At most 45 characters, the same for the same wish on the same day."""
        said = "\n".join((*parts, self._clock.now().date().isoformat()))
        return hashlib.sha256(said.encode()).hexdigest()[:45]


def watch(http: Http, pat: str, url: str, event_types: Sequence[str] = SUBSCRIBED, *, clock: Ticking) -> Watched:
    """Make sure that one enabled subscription sends these events to `url`, to the letter.

    It is made, repaired or left as it is.

    Raises Rejected when several send to this address: each delivery would come twice, signed by different keys.
    """
    admin = WebhookSubscriptions(http, pat, clock=clock)
    offered = admin.offered()
    wanted = tuple(one for one in event_types if one in offered) if offered else tuple(event_types)
    ours = [found for found in admin.list() if found.url == url]
    live = [found for found in ours if found.enabled] or ours
    if len(live) > 1:
        raise Rejected(
            f"{len(live)} webhook subscriptions send to {url}: {', '.join(found.id for found in live)}.",
            fix="Delete all but one in the Square developer console.",
        )
    if not live:
        return Watched("made", admin.create(url, wanted), (f"subscribed to {len(wanted)} event types",))
    return admin.repair(admin.read(live[0].id), wanted)


def _of(body: Mapping[str, Any]) -> Subscription:
    found = body.get("subscription")
    if not isinstance(found, dict):
        raise Transient("Square's answer holds no subscription.", record=PATH)
    return _read(found)


def _read(row: Row) -> Subscription:
    types = row.get("event_types")
    return Subscription(
        id=str(row.get("id") or ""),
        name=str(row.get("name") or ""),
        enabled=row.get("enabled") is True,
        url=str(row.get("notification_url") or ""),
        event_types=tuple(str(one) for one in types) if isinstance(types, list) else (),
        api_version=str(row.get("api_version") or ""),
        signature_key=str(row.get("signature_key") or ""),
    )
