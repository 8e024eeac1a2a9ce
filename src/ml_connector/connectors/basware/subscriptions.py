"""The subscription that rings our door: looked for, made, and made anew when its address or secret is another."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from ml_connector.connectors.basware import auth
from ml_connector.connectors.basware.client import SUBSCRIPTIONS, BaswareClient, Row
from ml_connector.connectors.basware.doorkeys import HEADER, DoorKey
from ml_connector.connectors.basware.pacing import Pacer
from ml_connector.connectors.http import Http
from ml_connector.connectors.pacing import Ticking
from ml_connector.connectors.shapes import Subscribed
from ml_connector.connectors.tokens import OneToken
from ml_connector.errors import NotAuthorized, Transient, UnknownOutcome

TASK, SUBTYPES = "AccountingDocuments", ("WaitingForTransfer", "All")
BEGINNING = "2000-01-01T00:00:00Z"


def watch(http: Http, credentials: Mapping[str, Any], url: str, *, clock: Ticking) -> Subscribed | None:
    """Make sure that Basware rings `url` for documents that wait for transfer. None without the permission.

    The secret is known before the subscription is made, for Basware tries the door during that call. An address or
    secret that changed: the old subscription is deleted and one made, as a second POST may add or replace.
    """
    key = door_key(credentials, url)
    client = auth.client_of(credentials, http.reach.base_url)
    basware = BaswareClient(http, client, tokens=OneToken(), clock=clock, pacer=Pacer(clock))
    try:
        return Subscribed(_watched(basware, url, key), key.text())
    except NotAuthorized as refused:
        if "403" in refused.what:
            return None
        raise


def door_key(credentials: Mapping[str, Any], url: str) -> DoorKey:
    """The key of the door at `url`: the secret that was entered, else one made from ours, the same each time."""
    header = str(credentials.get("webhook_header") or HEADER).strip().lower()
    entered = str(credentials.get("webhook_secret") or "").strip()
    root = str(credentials.get("client_secret") or credentials.get("password") or "")
    made = hmac.new(root.encode(), f"basware door {url}".encode(), hashlib.sha256).hexdigest()
    return DoorKey(entered or made, header)


def _watched(basware: BaswareClient, url: str, key: DoorKey) -> tuple[str, ...]:
    rows = basware.rows(SUBSCRIPTIONS, "subscriptions", {"taskType": TASK})
    ours = [row for row in rows if row.get("notificationWebhookURL") == url and row.get("taskSubType") in SUBTYPES]
    if any(row.get("webhookAuthenticationToken") in (key.secret, None) for row in ours):
        return ()
    for row in ours:
        _delete(basware, str(row.get("taskSubType")))
    wanted: Row = {
        "taskType": TASK,
        "taskSubType": SUBTYPES[0],
        "subscriptionType": "Webhook",
        "notificationWebhookURL": url,
        "webhookAuthenticationToken": key.secret,
    }
    try:
        basware.post(SUBSCRIPTIONS, [wanted], operation=f"POST {SUBSCRIPTIONS}")
    except UnknownOutcome as lost:  # the next watch finds it
        raise Transient(lost.what, record=lost.record) from None
    return (f"subscribed to {TASK} {SUBTYPES[0]}" if not ours else "made anew with another secret",)


def _delete(basware: BaswareClient, sub_type: str) -> None:
    params = {"lastUpdated": BEGINNING, "taskType": TASK, "taskSubType": sub_type}
    answer = basware.send("DELETE", SUBSCRIPTIONS, operation=f"DELETE {SUBSCRIPTIONS}", params=params)
    if not answer.ok and answer.status != 404:
        raise Transient(f"Basware answered {answer.status} to deleting a subscription.", record=SUBSCRIPTIONS)
