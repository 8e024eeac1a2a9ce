"""Client credentials -> a token of about nine hours, one for all; and the ping: which permission is missing."""

from __future__ import annotations

import base64
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from ml_connector.connectors.http import Answer, Http
from ml_connector.connectors.paypal import LIVE_HOSTS, SANDBOX_HOSTS
from ml_connector.connectors.paypal.faults import body_of, retry_after
from ml_connector.connectors.tokens import AccessToken, Grant, Now
from ml_connector.errors import (
    ConfigurationError,
    ConnectorError,
    NotAuthorized,
    RateLimited,
    Transient,
    UnknownOutcome,
)

TOKEN_PATH = "/v1/oauth2/token"  # noqa: S105 - an address, not a secret
SHORTEST_LIFE_S = 5.0
SCOPE_PREFIX = "https://uri.paypal.com/services/"


@dataclass(frozen=True, slots=True, repr=False)
class App:
    """A REST app of the seller in one environment. Build it with `app_of`."""

    client_id: str
    client_secret: str
    base_url: str

    @property
    def key(self) -> Hashable:
        """What one token stands for: all workers and connections of the app share it."""
        return ("paypal", self.base_url, self.client_id)


def app_of(credentials: Mapping[str, Any], base_url: str) -> App:
    """The app from what a person entered. Raises ConfigurationError naming what is missing."""
    found = {name: str(credentials.get(name) or "").strip() for name in ("client_id", "client_secret")}
    missing = [name for name, value in found.items() if not value]
    if missing:
        raise ConfigurationError(f"The PayPal connection lacks {', '.join(missing)}.", record="paypal")
    return App(base_url=base_url.rstrip("/"), **found)


def environment_of(base_url: str) -> str:
    """live, sandbox, or local for a pretend PayPal on this machine."""
    host = urlsplit(base_url).hostname or ""
    return "live" if host in LIVE_HOSTS else "sandbox" if host in SANDBOX_HOSTS else "local"


def obtain(http: Http, app: App, *, clock: Now) -> Grant:
    """Ask for a token: the only call that is form-encoded. A lost answer did no harm and is Transient.

    PayPal may hand out the same token again with less time left: its own number counts.
    """
    basic = base64.b64encode(f"{app.client_id}:{app.client_secret}".encode()).decode()
    headers = {
        "Authorization": f"Basic {basic}",
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "application/json",
    }
    asked_at = clock.now()
    try:
        answer = http.send(
            "POST", TOKEN_PATH, operation=f"POST {TOKEN_PATH}", headers=headers, body=b"grant_type=client_credentials"
        )
    except UnknownOutcome as lost:
        raise Transient(lost.what, record="token") from None
    if not answer.ok:
        raise _refused(answer)
    body = body_of(answer) or {}
    text, life, scopes = body.get("access_token"), body.get("expires_in"), body.get("scope")
    if not isinstance(text, str) or not text or isinstance(life, bool) or not isinstance(life, int):
        raise Transient("PayPal answered without a token and its life.", record="token")
    granted = frozenset(scopes.split()) if isinstance(scopes, str) else frozenset()
    token = AccessToken(text, granted, app_id=str(body.get("app_id") or ""))
    return Grant(token, asked_at + timedelta(seconds=max(float(life), SHORTEST_LIFE_S)))


def _refused(answer: Answer) -> ConnectorError:
    body = body_of(answer) or {}
    said = " ".join(str(body[key])[:200] for key in ("error", "error_description", "name", "message") if body.get(key))
    what = f"PayPal gives no token ({answer.status}{': ' + said if said else ''})."
    if answer.status == 429:
        return RateLimited(what, record="token", retry_after_s=retry_after(answer))
    if answer.status >= 500 or answer.status == 408:
        return Transient(what, record="token", retry_after_s=retry_after(answer))
    return NotAuthorized(
        what,
        record="token",
        fix="Check client id and secret, and that they belong to this environment (sandbox or live); "
        "`ml-connector connect renew CODE` takes the right ones.",
    )
