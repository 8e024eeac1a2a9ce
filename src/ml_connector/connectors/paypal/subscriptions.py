"""The app's webhook: find, make, repair; and PayPal's own word on a delivery."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from ml_connector.connectors.http import Http
from ml_connector.connectors.pacing import Ticking
from ml_connector.connectors.paypal import auth
from ml_connector.connectors.paypal.client import WEBHOOKS, PayPalClient, Row
from ml_connector.connectors.paypal.doorkeys import DoorKey, read_key
from ml_connector.connectors.paypal.faults import NotPermitted
from ml_connector.connectors.paypal.pacing import Pacer
from ml_connector.connectors.paypal.reader import PayPalReader
from ml_connector.connectors.paypal.webhooks import SUBSCRIBED, Ask
from ml_connector.connectors.shapes import Subscribed
from ml_connector.connectors.tokens import OneToken
from ml_connector.errors import Rejected, Transient, UnknownOutcome

MOST = 10  # webhooks of one app


def watch(http: Http, credentials: Mapping[str, Any], url: str, *, clock: Ticking) -> Subscribed | None:
    """Make sure that one webhook sends our events to `url`; its id is the key of the door. None without the permission.

    Raises Rejected when the app has ten webhooks already, UnknownOutcome when making one was not answered: the next
    watch finds it.
    """
    app = auth.app_of(credentials, http.reach.base_url)
    client = PayPalClient(http, app, tokens=OneToken(), clock=clock, pacer=Pacer(clock))
    try:
        return _watched(client, credentials, url)
    except NotPermitted:
        return None


def _watched(client: PayPalClient, credentials: Mapping[str, Any], url: str) -> Subscribed:
    offered = client.event_types()
    wanted = [name for name in SUBSCRIBED if not offered or name in offered]
    all_of_ours = client.webhooks()
    ours = next((row for row in all_of_ours if row.get("url") == url), None)
    if ours is None and len(all_of_ours) >= MOST:
        raise Rejected(
            f"The PayPal app has {MOST} webhooks, the most it may have.",
            record=url,
            fix="Delete one that is not used any more in PayPal's developer dashboard.",
        )
    changes: tuple[str, ...] = ()
    if ours is None:
        ours = client.call("POST", WEBHOOKS, operation=f"POST {WEBHOOKS}", optional=True,
                           content={"url": url, "event_types": _named(wanted)})  # fmt: skip
        changes = (f"subscribed to {len(wanted)} event types",)
    else:
        changes = _repaired(client, ours, wanted)
    return Subscribed(changes, door_key(client, credentials, str(ours.get("id") or "")).text())


def _repaired(client: PayPalClient, ours: Row, wanted: list[str]) -> tuple[str, ...]:
    """Add the event types it lacks; it never takes any away."""
    there = [str(row.get("name")) for row in ours.get("event_types") or () if isinstance(row, dict)]
    missing = sorted(set(wanted) - set(there))
    if "*" in there or not missing:
        return ()
    path = f"{WEBHOOKS}/{quote(str(ours.get('id')), safe='')}"
    change = [{"op": "replace", "path": "/event_types", "value": _named([*there, *missing])}]
    try:
        client.call("PATCH", path, operation=f"PATCH {WEBHOOKS}/{{id}}", content=change, optional=True)
    except UnknownOutcome as lost:  # the same again does no harm
        raise Transient(lost.what, record=lost.record) from None
    return (f"added {', '.join(missing)}",)


def _named(names: list[str]) -> list[Row]:
    return [{"name": name} for name in names]


def door_key(client: PayPalClient, credentials: Mapping[str, Any], webhook_id: str) -> DoorKey:
    """What a door of this app must know. Roots of a pretend PayPal are refused with the live address."""
    base = client.app.base_url
    environment = auth.environment_of(base)
    parts = urlsplit(base)
    return DoorKey(
        webhook_id,
        environment,
        origin=f"{parts.scheme}://{parts.netloc}" if environment == "local" else "",
        roots=str(credentials.get("webhook_roots") or ""),
    )


def vouch(reader: PayPalReader, key: str, headers: Mapping[str, str], body: bytes) -> bool:
    """PayPal's own word for a delivery at one connection's door."""
    return vouching(lambda _door: reader.client)(read_key(key), headers, body)


def vouching(client_of: Callable[[DoorKey], PayPalClient | None]) -> Ask:
    """PayPal's verify-webhook-signature as the second opinion on a certificate; `client_of` a door may know none."""

    def ask(door: DoorKey, headers: Mapping[str, str], body: bytes) -> bool:
        client = client_of(door)
        if client is None:
            return False
        fields = {
            "auth_algo": headers.get("paypal-auth-algo", ""),
            "cert_url": headers.get("paypal-cert-url", ""),
            "transmission_id": headers.get("paypal-transmission-id", ""),
            "transmission_sig": headers.get("paypal-transmission-sig", ""),
            "transmission_time": headers.get("paypal-transmission-time", ""),
            "webhook_id": door.webhook_id,
        }
        return client.verify_signature(fields, body)

    return ask
