"""Which token a call carries, and the ping: is it alive, whose is it, which rights does it have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ml_connector.connectors.http import Http
from ml_connector.connectors.pacing import Ticking
from ml_connector.connectors.shapes import Check, Ping
from ml_connector.connectors.square.client import AccessTokens, FeatureOff, SquareClient, rows_of
from ml_connector.connectors.square.oauth import SCOPES
from ml_connector.connectors.square.pacing import Pacer
from ml_connector.errors import ConfigurationError, ConnectorError, NotAuthorized, Rejected

SANDBOX_HOST = "connect.squareupsandbox.com"

# One harmless call for each scope; None: nothing of ours is behind it yet, the list of scopes is the proof.
PROBES: Mapping[str, tuple[str, str, Mapping[str, Any]]] = {
    "MERCHANT_PROFILE_READ": ("GET", "/v2/merchants/me", {}),
    "PAYMENTS_READ": ("GET", "/v2/payments", {"limit": "1"}),
    "ORDERS_READ": ("POST", "/v2/orders/search", {"limit": 1}),
    "INVOICES_READ": ("GET", "/v2/invoices", {"limit": "1"}),
    "CUSTOMERS_READ": ("GET", "/v2/customers", {"limit": "1"}),
    "VENDOR_READ": ("POST", "/v2/vendors/search", {"filter": {"status": ["ACTIVE"]}}),
    "PAYOUTS_READ": ("GET", "/v2/payouts", {"limit": "1"}),
    "ITEMS_READ": ("POST", "/v2/catalog/search", {"object_types": ["TAX"], "limit": 1}),
    "DISPUTES_READ": ("GET", "/v2/disputes", {}),
}
NEEDS_LOCATION = frozenset({"PAYMENTS_READ", "ORDERS_READ", "INVOICES_READ", "PAYOUTS_READ"})
OPTIONAL = {"VENDOR_READ": "Vendors are not read.", "ITEMS_READ": "Rules cannot tell articles by category or number."}


@dataclass(frozen=True, slots=True)
class FixedToken:
    """A token that nobody renews: a personal access token, or one whose renewal is not set up."""

    value: str = field(repr=False)

    def current(self) -> str:
        return self.value

    def renew(self, refused: str) -> str:
        del refused
        raise NotAuthorized(
            "Square does not accept the access token (401).",
            fix="Give one of this environment (sandbox or production) with `ml-connector connect renew CODE`.",
        )


def tokens_of(credentials: Mapping[str, str], tokens: AccessTokens | None) -> AccessTokens:
    """The keeper of tokens that was handed in, else the access token as entered.

    Raises ConfigurationError without either.
    """
    if tokens is not None:
        return tokens
    given = credentials.get("access_token") or credentials.get("personal_access_token")
    if not given:
        raise ConfigurationError("The Square connection has no access token.", fix="Connect Square, or enter a token.")
    return FixedToken(given)


def ping(
    http: Http,
    credentials: Mapping[str, str],
    settings: Mapping[str, str],
    *,
    clock: Ticking,
    tokens: AccessTokens | None = None,
) -> Ping:
    """Ask Square who we are and try each right once, with reads that change nothing (about eleven calls)."""
    mismatch = _environment(http.reach.base_url, credentials.get("client_id", ""))
    client = SquareClient(http, tokens_of(credentials, tokens), Pacer.of(settings, clock))
    try:
        status = client.call("POST", "/oauth2/token/status", operation="POST /oauth2/token/status", content={})
    except ConnectorError as error:
        checks = (Check("token", ok=False, sentence=error.what, fix=error.fix), *mismatch)
        return Ping(ok=False, account=credentials.get("merchant_id", ""), checks=checks)
    merchant, places = _merchant(client), _locations(client)
    place = next((str(row.get("id", "")) for row in places if row.get("status") == "ACTIVE"), "")
    granted = {str(scope) for scope in status.get("scopes") or ()}
    checks = (
        Check("token", ok=True, sentence=f"The token is alive; {_end(status.get('expires_at'))}."),
        *mismatch,
        *(_scope(client, scope, granted=granted, place=place) for scope in SCOPES),
        Check("locations", ok=bool(places), sentence=_told(places), fix="" if places else "Add a location at Square."),
    )
    account = str(status.get("merchant_id") or merchant.get("id") or "")
    facts = {
        "merchant_name": str(merchant.get("business_name", "")),
        "country": str(merchant.get("country", "")),
        "currency": str(merchant.get("currency", "")),
        "main_location": str(merchant.get("main_location_id", "")),
        "expires_at": str(status.get("expires_at") or ""),
        "environment": "sandbox" if urlsplit(http.reach.base_url).hostname == SANDBOX_HOST else "production",
    }
    return Ping(ok=all(check.ok for check in checks), account=account, checks=checks, facts=facts)


def _end(expires_at: object) -> str:
    return f"it ends {expires_at}" if expires_at else "it does not end by itself"


def _scope(client: SquareClient, scope: str, *, granted: set[str], place: str) -> Check:
    """Whether a scope is there: by the token's own list where it has one, then by trying."""
    fix = f"Connect Square again and grant {scope}."
    lacking = OPTIONAL.get(scope, "")
    if granted and scope not in granted:
        return Check(scope, ok=bool(lacking), sentence=f"{scope} is missing. {lacking}".strip(), fix=fix)
    try:
        _probe(client, scope, place)
    except FeatureOff:
        return Check(
            scope, ok=bool(lacking), sentence=f"Square refuses {scope} to this seller. {lacking}".strip(), fix=fix
        )
    except ConnectorError as error:
        return Check(scope, ok=False, sentence=f"{scope} could not be proven: {error}", fix=fix)
    return Check(scope, ok=True, sentence=f"{scope} works.")


def _probe(client: SquareClient, scope: str, place: str) -> None:
    method, path, asked = PROBES[scope]
    if scope in NEEDS_LOCATION:
        if not place:
            raise Rejected("there is no active location to try it at")
        asked = {**asked, **({"location_ids": [place]} if method == "POST" else {"location_id": place})}
    if method == "GET":
        client.call("GET", path, operation=f"GET {path}", params=asked, beta=True)
    else:
        client.call("POST", path, operation=f"POST {path}", content=asked, beta=True)


def _merchant(client: SquareClient) -> Mapping[str, Any]:
    found = _quietly(lambda: client.call("GET", "/v2/merchants/me", operation="GET /v2/merchants/me").get("merchant"))
    return found if isinstance(found, dict) else {}


def _locations(client: SquareClient) -> list[dict[str, Any]]:
    found = _quietly(lambda: rows_of(client.call("GET", "/v2/locations", operation="GET /v2/locations"), "locations"))
    return found if isinstance(found, list) else []


def _quietly(ask: Callable[[], object]) -> object:
    """The answer, or None: what is wrong with it is told by the check of its scope."""
    try:
        return ask()
    except ConnectorError:
        return None


def _told(places: list[dict[str, Any]]) -> str:
    names = [f"{row.get('name', '')} ({row.get('id', '')}, {row.get('currency', '')})" for row in places]
    return f"{len(places)} locations: {', '.join(names)}." if places else "Square names no location."


def _environment(base_url: str, client_id: str) -> tuple[Check, ...]:
    """A sandbox application on the production host, or the other way round; nothing is said on any other host."""
    host = urlsplit(base_url).hostname
    if not client_id or host not in {SANDBOX_HOST, "connect.squareup.com"}:
        return ()
    sandbox = client_id.startswith("sandbox-")
    if sandbox == (host == SANDBOX_HOST):
        return ()
    kinds = ("a sandbox", "production") if sandbox else ("a production", "the sandbox")
    sentence = f"The application id is that of {kinds[0]} application, but calls go to {kinds[1]} ({host})."
    return (Check("environment", ok=False, sentence=sentence, fix="Choose the host that belongs to the application."),)
