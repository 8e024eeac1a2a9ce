"""Client credentials -> a token for what we need and no more; or user and password on each call."""

from __future__ import annotations

import base64
import json
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from ml_connector.connectors.basware.addresses import base_of, check_region
from ml_connector.connectors.basware.faults import body_of, retry_after, words
from ml_connector.connectors.basware.scopes import SCOPES
from ml_connector.connectors.http import Answer, Http
from ml_connector.connectors.tokens import AccessToken, Grant, Now
from ml_connector.errors import (
    ConfigurationError,
    ConnectorError,
    NotAuthorized,
    RateLimited,
    Transient,
    UnknownOutcome,
)

TOKEN_PATH = "/v1/tokens"  # noqa: S105 - an address, not a secret
SHORTEST_LIFE_S = 5.0


@dataclass(frozen=True, slots=True, repr=False)
class Client:
    """Who we are at one tenant. `basic`: no tokens, user and password on every call. Build it with `client_of`."""

    user: str
    password: str
    base_url: str
    basic: bool
    scopes: tuple[str, ...]

    @property
    def key(self) -> Hashable:
        """What one token stands for: all connections with the same client and scopes share it."""
        return ("basware", self.base_url, self.user, self.scopes)

    def authorization(self) -> str:
        """The Basic header of these credentials: on the token call, or on every call."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


def client_of(credentials: Mapping[str, Any], opened: str) -> Client:
    """The client from what a person entered. Raises ConfigurationError naming what is missing."""
    entered = {name: str(credentials.get(name) or "").strip() for name in _FIELDS}
    base = base_of(credentials, opened)
    wanted = _asked(entered["scopes"])
    if entered["client_id"] and entered["client_secret"]:
        return Client(entered["client_id"], entered["client_secret"], base, basic=False, scopes=wanted)
    if entered["user"] and entered["password"]:
        return Client(entered["user"], entered["password"], base, basic=True, scopes=wanted)
    raise ConfigurationError(
        "The Basware connection lacks its credentials.",
        record="basware",
        fix="Enter client_id and client_secret, or user and password where Basware gave you those.",
    )


def accepts(credentials: Mapping[str, Any], base_url: str) -> None:
    """Whether what was entered can ever work: a region that there is, and one way in. Calls nothing.

    Raises ConfigurationError.
    """
    check_region(credentials, base_url)
    client_of(credentials, base_url)


def _asked(entered: str) -> tuple[str, ...]:
    """The scopes to ask for: those that were entered, else ours; one with a plus before it is asked for beside them."""
    words = entered.split()
    beside = tuple(word[1:] for word in words if word.startswith("+"))
    return (tuple(word for word in words if not word.startswith("+")) or SCOPES) + beside


_FIELDS = ("client_id", "client_secret", "user", "password", "scopes")


def obtain(http: Http, client: Client, *, clock: Now) -> Grant:
    """Ask for a token. A lost answer did no harm and is Transient."""
    headers = {
        "Authorization": client.authorization(),
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "application/json",
    }
    form = urlencode({"grant_type": "client_credentials", "scope": " ".join(client.scopes)}).encode()
    asked_at = clock.now()
    try:
        answer = http.send(
            "POST", client.base_url + TOKEN_PATH, operation=f"POST {TOKEN_PATH}", headers=headers, body=form
        )
    except UnknownOutcome as lost:
        raise Transient(lost.what, record="token") from None
    if not answer.ok:
        raise _refused(answer)
    body = body_of(answer)
    body = body if isinstance(body, Mapping) else {}
    text, life, scopes = body.get("access_token"), body.get("expires_in"), body.get("scope")
    if not isinstance(text, str) or not text or isinstance(life, bool) or not isinstance(life, int):
        raise Transient("Basware answered without a token and its life.", record="token")
    granted = frozenset(scopes.split()) if isinstance(scopes, str) else frozenset(client.scopes)
    ends = asked_at + timedelta(seconds=max(float(life), SHORTEST_LIFE_S))
    stated = _expiry(text)
    return Grant(AccessToken(text, granted), min(ends, stated) if stated is not None else ends)


def _expiry(token: str) -> datetime | None:
    """When the token itself says it ends: `expires_in` is called minutes in one place and seconds in another."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return datetime.fromtimestamp(int(claims["exp"]), UTC)
    except (ValueError, KeyError, TypeError, OverflowError, OSError):
        return None


def _refused(answer: Answer) -> ConnectorError:
    what = f"Basware gives no token ({answer.status}{words(body_of(answer))})."
    if answer.status == 429:
        return RateLimited(what, record="token", retry_after_s=retry_after(answer))
    if answer.status >= 500 or answer.status == 408:
        return Transient(what, record="token", retry_after_s=retry_after(answer))
    return NotAuthorized(
        what,
        record="token",
        fix="Check client id and secret, their region and environment, and that Basware granted every scope we ask "
        "for, then run `ml-connector ping`.",
    )
