"""The doors of Square as the engine opens them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from ml_connector.connectors.http import Http
from ml_connector.connectors.pacing import Ticking
from ml_connector.connectors.shapes import Ping, Subscribed, System
from ml_connector.connectors.square import CONNECTOR, auth, oauth, subscriptions
from ml_connector.connectors.square.reader import SquareReader
from ml_connector.connectors.square.reader import open_reader as open_square
from ml_connector.connectors.square.translate import translate
from ml_connector.connectors.square.webhooks import WEBHOOKS


def open_reader(
    http: Http, credentials: Mapping[str, str], settings: Mapping[str, str], *, tokens: Any, clock: Ticking
) -> SquareReader:
    """The reader of one seller.

    Square's tokens are stored credentials, renewed by upkeep: the token cache is not used.
    """
    return open_square(http, credentials, settings, clock=clock)


def ping(
    http: Http, credentials: Mapping[str, str], settings: Mapping[str, str], *, tokens: Any, clock: Ticking
) -> Ping:
    """Whose token this is and what it may read."""
    answer = auth.ping(http, credentials, settings, clock=clock)
    return replace(answer, facts={**answer.facts, "account_ref": answer.account})


def watch(http: Http, credentials: Mapping[str, str], url: str, *, clock: Ticking) -> Subscribed | None:
    """One enabled subscription that sends to this address; None without the application's personal access token."""
    token = credentials.get("personal_access_token")
    if not token:
        return None
    watched = subscriptions.watch(http, token, url, clock=clock)
    return Subscribed(watched.changes, watched.subscription.signature_key)


def refresh(http: Http, credentials: Mapping[str, str], *, clock: Any) -> Mapping[str, str]:
    """The credentials renewed, the refresh token with them."""
    return oauth.refresh(http, credentials, now=clock.now())


def refresh_due(expires_at: datetime, obtained_at: datetime, now: datetime) -> bool:
    """Seven days after it was obtained, at the latest on day 29."""
    return oauth.refresh_due(expires_at, obtained_at, now)


SYSTEM = System(
    connector=CONNECTOR,
    open_reader=open_reader,
    open_writer=None,
    ping=ping,
    translate=translate,
    webhooks=WEBHOOKS,
    refresh=refresh,
    refresh_due=refresh_due,
    watch=watch,
    authorize_url=oauth.authorize_url,
    exchange_code=oauth.exchange_code,
)
