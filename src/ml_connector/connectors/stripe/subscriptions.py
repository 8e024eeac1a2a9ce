"""Our webhook endpoint at Stripe: find, make, make anew. Its secret is told once, in the answer that made it.

An endpoint's version cannot be changed, nor its secret read. So one that is not as it should be is made anew, and the
old one goes. A secret whose answer was lost is told once more by repeating the very request within a day: its
idempotency key is made from a seed that the endpoint itself carries. A seed is used for one endpoint: under an old one
Stripe would tell again of an endpoint that somebody has deleted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from ml_connector.connectors.http import Http
from ml_connector.connectors.pacing import Ticking
from ml_connector.connectors.shapes import Subscribed
from ml_connector.connectors.stripe import VERSION
from ml_connector.connectors.stripe.auth import access_of
from ml_connector.connectors.stripe.client import KEY_LENGTH, Row, StripeClient, item
from ml_connector.connectors.stripe.fields import moment_of
from ml_connector.connectors.stripe.forms import Form
from ml_connector.connectors.stripe.pacing import pacer_of
from ml_connector.connectors.stripe.webhooks import SUBSCRIBED
from ml_connector.errors import NotFound, Rejected, UnknownOutcome

PATH = "/v1/webhook_endpoints"
SEED = "ml_connector_seed"
REPEATABLE = timedelta(hours=20)  # Stripe keeps answers for a day at least
MOST = 16  # endpoints of one account and mode


def watch(http: Http, credentials: Mapping[str, Any], url: str, *, clock: Ticking) -> Subscribed | None:
    """Make sure that one endpoint sends our events to `url`. None when all is well and its secret is not new.

    Raises Rejected where the account has as many endpoints as it may, NotAuthorized without the permission.
    """
    access = access_of(credentials)
    client = StripeClient(http, access, pacer=pacer_of({}, clock, live=access.live))
    every = list(client.every(PATH, {}))
    here = [row for row in every if row.get("url") == url]
    kept = _kept(here, clock)
    if kept is not None:
        changes = _removed(client, [row for row in here if row is not kept])
        secret = _told_again(client, url, kept) if _is_fresh(kept, clock) else ""
        return Subscribed(changes, secret) if secret else None
    if len(every) >= MOST:
        raise Rejected(
            f"The Stripe account has {len(every)} webhook endpoints, the most it may have.",
            record=url,
            fix="Delete one that is not used any more in Stripe's dashboard.",
        )
    made_from = [url, VERSION, clock.now().isoformat(), *sorted(str(row.get("id")) for row in every)]
    seed = hashlib.sha256("|".join(made_from).encode()).hexdigest()
    secret = _made(client, url, seed[:32])
    told = [f"made anew: it {fault}" for row in here for fault in _faults(row)]
    _removed(client, here)
    return Subscribed((f"subscribed to {len(SUBSCRIBED)} event types", *told), secret)


def _kept(here: list[Row], clock: Ticking) -> Row | None:
    """The endpoint that is as it should be and whose secret we hold or are told again: ours before one made by hand.

    None where several of ours are old: nobody can say whose secret it is that we hold.
    """
    good = [row for row in here if not _faults(row)]
    ours = [row for row in good if _seed_of(row)]
    if len(ours) > 1 and not _is_fresh(ours[0], clock):
        return None
    return next(iter([*ours, *good]), None)


def _is_fresh(row: Row, clock: Ticking) -> bool:
    made_at = moment_of(row.get("created"))
    return made_at is not None and clock.now() - made_at < REPEATABLE


def _seed_of(row: Row) -> str:
    metadata = row.get("metadata")
    seed = metadata.get(SEED) if isinstance(metadata, dict) else None
    return seed if isinstance(seed, str) else ""


def _faults(row: Row) -> list[str]:
    """In words, how an endpoint is not as it should be."""
    found = []
    if row.get("status") != "enabled":
        found.append("was disabled")
    if row.get("api_version") != VERSION:
        found.append(f"sent version {row.get('api_version') or '(the account default)'}")
    types = row.get("enabled_events")
    there = {str(one) for one in types} if isinstance(types, list) else set()
    if "*" not in there and not set(SUBSCRIBED) <= there:
        found.append("lacked event types")
    return found


def _made(client: StripeClient, url: str, seed: str) -> str:
    made = client.post(PATH, _form(url, seed), key=_key(seed))
    secret = made.get("secret")
    if not isinstance(secret, str) or not secret:
        raise UnknownOutcome("Stripe made a webhook endpoint without telling its secret.", record=url)
    return secret


def _told_again(client: StripeClient, url: str, row: Row) -> str:
    """The secret of an endpoint made within a day, by the request that made it; nothing where it cannot be repeated."""
    seed = _seed_of(row)
    if not seed:
        return ""
    try:
        again = client.post(PATH, _form(url, seed), key=_key(seed))
    except Rejected:
        return ""
    secret = again.get("secret")
    return secret if again.get("id") == row.get("id") and isinstance(secret, str) else ""


def _removed(client: StripeClient, rows: list[Row]) -> tuple[str, ...]:
    for row in rows:
        try:
            client.delete(item(PATH, str(row.get("id"))), operation=f"DELETE {PATH}/{{id}}")
        except NotFound:
            continue  # somebody was quicker
    return tuple("deleted a second endpoint of this address" for _ in rows)


def _form(url: str, seed: str) -> Form:
    return {
        "url": url,
        "enabled_events": list(SUBSCRIBED),
        "api_version": VERSION,
        "description": "ml-connector",
        "metadata": {SEED: seed},
    }


def _key(seed: str) -> str:
    return hashlib.sha256(f"{seed}|webhook".encode()).hexdigest()[:KEY_LENGTH]
