"""The doors of Square as the engine opens them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ml_connector.connectors.http import Http
from ml_connector.connectors.shapes import Ping, System
from ml_connector.connectors.square import CONNECTOR, auth, oauth
from ml_connector.connectors.square.pacing import Ticking
from ml_connector.connectors.square.reader import SquareReader
from ml_connector.connectors.square.reader import open_reader as open_square
from ml_connector.connectors.square.translate import translate
from ml_connector.connectors.square.webhooks import WEBHOOKS


def open_reader(
    http: Http, credentials: Mapping[str, str], settings: Mapping[str, str], *, tokens: Any, clock: Ticking
) -> SquareReader:
    """The reader of one seller. Square's tokens are stored credentials, renewed by upkeep: the token cache is not
    used.
    """
    return open_square(http, credentials, settings, clock=clock)


def ping(
    http: Http, credentials: Mapping[str, str], settings: Mapping[str, str], *, tokens: Any, clock: Ticking
) -> Ping:
    """Whose token this is and what it may read."""
    return auth.ping(http, credentials, settings, clock=clock)


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
)
