"""Tokens by client credentials: one token is one company. There is no refresh token; a new one is simply asked for."""

from __future__ import annotations

import base64
import json
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from ml_connector.connectors.http import Http
from ml_connector.connectors.tokens import AccessToken, Grant, Now
from ml_connector.connectors.visma.faults import SCOPE_PREFIX, token_fault
from ml_connector.errors import ConfigurationError, NotAuthorized, Transient, UnknownOutcome

TOKEN_URL = "https://connect.visma.com/connect/token"  # noqa: S105 - an address, not a secret
TOKEN_PATH = "/connect/token"  # noqa: S105 - where a test system answers, unless told otherwise
API_BASES = ("https://api.finance.visma.net", "https://integration.visma.net/API/controller/api")
SCOPES = tuple(SCOPE_PREFIX + right for right in ("read", "create", "update"))
SALES_BASE = "https://salesorder.visma.net"
SALES_SCOPES = ("visma.net.erp.salesorder:read", "visma.net.erp.salesorder:write")
SHORTEST_LIFE_S = 5.0


@dataclass(frozen=True, slots=True, repr=False)
class Account:
    """The credentials of one company as an application sees them. Build it with `account_of`."""

    client_id: str
    client_secret: str
    tenant_id: str
    scopes: tuple[str, ...]
    token_url: str
    company_id: str = ""

    @property
    def key(self) -> Hashable:
        """What one token stands for."""
        return (self.token_url, self.client_id, self.tenant_id, frozenset(self.scopes))


def account_of(credentials: Mapping[str, Any], settings: Mapping[str, str]) -> Account:
    """The account from what a person entered. Raises ConfigurationError naming what is missing."""
    found = {
        name: _plain(credentials.get(name) or settings.get(name))
        for name in ("client_id", "client_secret", "tenant_id")
    }
    missing = [name for name, value in found.items() if not value]
    if missing:
        raise ConfigurationError(f"The Visma connection lacks {', '.join(missing)}.", record="visma")
    scopes = tuple(dict.fromkeys((settings.get("scopes") or " ".join(SCOPES)).split()))
    company = _plain(settings.get("company_id") or credentials.get("company_id"))
    return Account(scopes=scopes, token_url=token_url(settings), company_id=company, **found)


def token_url(settings: Mapping[str, str]) -> str:
    """The token endpoint: as set, Visma Connect for Visma's own hosts, else a path on the test system's own host."""
    if settings.get("token_url"):
        return settings["token_url"]
    base = settings.get("base_url") or API_BASES[0]
    if base.rstrip("/") in API_BASES:
        return TOKEN_URL
    parts = urlsplit(base)
    return f"{parts.scheme}://{parts.netloc}{settings.get('token_path') or TOKEN_PATH}"


def sales_url(settings: Mapping[str, str]) -> str:
    """Where the sales order service answers: as set, its own host for Visma's own, else a test system's host."""
    if settings.get("sales_order_url"):
        return settings["sales_order_url"].rstrip("/")
    base = settings.get("base_url") or API_BASES[0]
    if base.rstrip("/") in API_BASES:
        return SALES_BASE
    parts = urlsplit(base)
    return f"{parts.scheme}://{parts.netloc}"


def obtain(http: Http, account: Account, *, clock: Now) -> Grant:
    """Ask for a token. Raises NeedsApproval, NotAuthorized or Transient; a lost answer did no harm and is Transient."""
    form = {
        "grant_type": "client_credentials",
        "client_id": account.client_id,
        "client_secret": account.client_secret,
        "tenant_id": account.tenant_id,
        "scope": " ".join(account.scopes),
    }
    asked_at = clock.now()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    try:
        answer = http.send(
            "POST", account.token_url, operation="POST /connect/token", headers=headers, body=urlencode(form).encode()
        )
    except UnknownOutcome as lost:
        raise Transient(lost.what, record="token") from None
    if not answer.ok:
        raise token_fault(answer)
    try:
        content = answer.json()
        text, life = content["access_token"], float(content.get("expires_in") or 0)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Transient("Visma Connect answered without a token.", record="token") from None
    if not isinstance(text, str) or not text:
        raise NotAuthorized("Visma Connect answered with an empty token.", record="token")
    token = AccessToken(text, granted_scopes(content.get("scope"), text, asked=account.scopes))
    return Grant(token, asked_at + timedelta(seconds=max(life, SHORTEST_LIFE_S)))


def granted_scopes(stated: Any, token: str, *, asked: tuple[str, ...]) -> frozenset[str]:
    """The scopes of a token: as the answer states them, else as the token itself does, else those we asked for."""
    if isinstance(stated, str) and stated.strip():
        return frozenset(stated.split())
    claimed = _claims(token).get("scope")
    if isinstance(claimed, str) and claimed.strip():
        return frozenset(claimed.split())
    if isinstance(claimed, list) and claimed:
        return frozenset(str(scope) for scope in claimed)
    return frozenset(asked)


def _claims(token: str) -> Mapping[str, Any]:
    """The middle of a JWT, unverified: only the resource server may verify it, we only read what we were given."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return {}
    return claims if isinstance(claims, dict) else {}


def _plain(value: Any) -> str:
    """Text, or the text inside a value that hides itself."""
    if value is None:
        return ""
    reveal = getattr(value, "reveal", None)
    return str(reveal() if callable(reveal) else value).strip()
