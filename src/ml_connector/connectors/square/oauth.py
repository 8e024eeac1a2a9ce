"""Square's OAuth code flow: ask, exchange, renew, revoke; and when to renew.

Credentials here are text mappings as the vault keeps them: access_token, refresh_token, client_id, client_secret,
merchant_id, expires_at and obtained_at (RFC 3339). What a call answers replaces what was kept, the refresh token too:
with PKCE it is new each time and the old one is dead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from ml_connector.connectors.http import Answer, Http
from ml_connector.connectors.square.client import VERSION
from ml_connector.connectors.square.faults import judged
from ml_connector.connectors.square.fields import moment_of
from ml_connector.errors import NotAuthorized, Transient, UnknownOutcome

SCOPES = (
    "MERCHANT_PROFILE_READ",
    "PAYMENTS_READ",
    "ORDERS_READ",
    "INVOICES_READ",
    "CUSTOMERS_READ",
    "VENDOR_READ",
    "PAYOUTS_READ",
    "ITEMS_READ",
    "DISPUTES_READ",
)
REFRESH_EVERY = timedelta(days=7)  # Square's advice; a token lives 30 days
LATEST_PART = 29 / 30  # of a token's life: day 29 of 30, the 23rd hour of a short-lived one
TOKEN_PATH = "/oauth2/token"  # noqa: S105 - an address


def authorize_url(
    client_id: str,
    scopes: Sequence[str] = SCOPES,
    *,
    state: str,
    redirect_uri: str | None,
    base: str,
    code_challenge: str | None = None,
) -> str:
    """Where the seller's browser goes. `state` is random, single use and bound to the user's session by the caller.

    `session=false` makes the seller log in, so that nobody grants another account's data by accident.
    """
    asked = {"client_id": client_id, "scope": " ".join(scopes), "session": "false", "state": state}
    if redirect_uri:
        asked["redirect_uri"] = redirect_uri
    if code_challenge:
        asked["code_challenge"] = code_challenge
    return f"{base.rstrip('/')}/oauth2/authorize?{urlencode(asked)}"


def exchange_code(
    http: Http,
    code: str,
    *,
    client_id: str,
    now: datetime,
    client_secret: str | None = None,
    redirect_uri: str | None = None,
    code_verifier: str | None = None,
) -> dict[str, str]:
    """The credentials for a code, at once: it lives about five minutes and works once.

    Raises NotAuthorized when it is dead.

    `code_verifier` (PKCE) goes instead of the secret; `redirect_uri` must be repeated where the authorize URL had it.
    """
    given = {"client_id": client_id, "grant_type": "authorization_code", "code": code}
    optional = {"client_secret": client_secret, "redirect_uri": redirect_uri, "code_verifier": code_verifier}
    got = _granted(http, given | {name: text for name, text in optional.items() if text}, now=now)
    return {"client_id": client_id, **({"client_secret": client_secret} if client_secret else {}), **got}


def refresh(http: Http, credentials: Mapping[str, str], *, now: datetime) -> dict[str, str]:
    """The credentials with a new access token and the refresh token that came with it: store both together, at once.

    Raises NotAuthorized when the seller must connect again, Transient when it may be tried again.
    """
    if not credentials.get("refresh_token") or not credentials.get("client_id"):
        raise NotAuthorized("Square's access token cannot be renewed: there is no refresh token or application id.")
    given = {"grant_type": "refresh_token", "refresh_token": credentials["refresh_token"]}
    given |= {name: credentials[name] for name in ("client_id", "client_secret") if credentials.get(name)}
    return {**credentials, **_granted(http, given, now=now)}


def revoke(http: Http, credentials: Mapping[str, str], *, only_access_token: bool = False) -> None:
    """End our access: all tokens of this seller for the application, or this access token alone.

    Authorized by the application's secret (`Client`, not `Bearer`). A token that is dead already counts as done.
    """
    content: dict[str, object] = {"client_id": credentials.get("client_id", "")}
    if only_access_token:
        content |= {"access_token": credentials["access_token"], "revoke_only_access_token": True}
    else:
        merchant = credentials.get("merchant_id")
        content |= {"merchant_id": merchant} if merchant else {"access_token": credentials["access_token"]}
    headers = {"Authorization": f"Client {credentials.get('client_secret', '')}", "Square-Version": VERSION}
    answer = _send(http, "/oauth2/revoke", headers=headers, content=content)
    if answer.status != 404:
        judged(answer, "POST /oauth2/revoke")


def refresh_due(expires_at: datetime | None, obtained_at: datetime, now: datetime) -> bool:
    """Whether to renew now: seven days after it was obtained, at the latest on day 29 of 30.

    Tokens without end: never.
    """
    if expires_at is None:
        return False
    return now >= min(obtained_at + REFRESH_EVERY, obtained_at + (expires_at - obtained_at) * LATEST_PART)


def _granted(http: Http, given: Mapping[str, str], *, now: datetime) -> dict[str, str]:
    answer = _send(http, TOKEN_PATH, headers={"Square-Version": VERSION}, content=given)
    if 400 <= answer.status < 500 and answer.status not in {408, 429}:
        # The error's body has two known shapes, and may quote what was sent: only the status is told.
        raise NotAuthorized(
            f"Square refused the {given['grant_type']} grant with {answer.status}.",
            fix="Connect Square again; check the application id and secret, and sandbox against production.",
        )
    body = judged(answer, f"POST {TOKEN_PATH}")
    got = {
        name: text
        for name in ("access_token", "refresh_token", "expires_at", "merchant_id", "refresh_token_expires_at")
        if isinstance(text := body.get(name), str) and text
    }
    if "access_token" not in got:
        raise Transient("Square's token answer holds no access token.", record=TOKEN_PATH)
    if "expires_at" in got and moment_of(got["expires_at"]) is None:
        raise Transient("Square's token answer has an expiry that is no time.", record=TOKEN_PATH)
    return {**got, "obtained_at": now.astimezone(UTC).isoformat()}


def _send(http: Http, path: str, *, headers: Mapping[str, str], content: object) -> Answer:
    try:
        return http.send("POST", path, operation=f"POST {path}", headers=headers, content=content)
    except UnknownOutcome as lost:  # asking again gives another token; nothing is booked by it
        raise Transient(lost.what, record=lost.record) from None
