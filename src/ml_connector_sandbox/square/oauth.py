"""The OAuth door: consent page, token grants, status, revocation."""

from __future__ import annotations

import base64
import hashlib
import html
from typing import Any
from urllib.parse import urlencode

from ml_connector_sandbox.core.instants import DAY, HOUR, MINUTE, stamp_s
from ml_connector_sandbox.core.wire import Request, Response, json_response
from ml_connector_sandbox.square.calls import Shape, read_body
from ml_connector_sandbox.square.faults import Json, Refused, bad
from ml_connector_sandbox.square.state import ALL_SCOPES, Application, Code, Merchant, RefreshToken, Token, World

CODE_LIFETIME = 5 * MINUTE
TOKEN_LIFETIME = 30 * DAY
SHORT_LIFETIME = 24 * HOUR
PKCE_REFRESH_LIFETIME = 90 * DAY

_OBTAIN: Shape = {
    "client_id": "str", "client_secret": "str", "code": "str", "redirect_uri": "str", "grant_type": "str",
    "refresh_token": "str", "migration_token": "str", "scopes": ["str"], "short_lived": "bool",
    "code_verifier": "str", "use_jwt": "bool",
}  # fmt: skip
_REVOKE: Shape = {"client_id": "str", "access_token": "str", "merchant_id": "str", "revoke_only_access_token": "bool"}


def authorize(world: World, request: Request, now: int) -> Response:
    """The consent page; with `sandbox_consent=allow|deny` it redirects at once. `sandbox_merchant` picks the seller."""
    params = request.params()
    app = world.applications.get(params.get("client_id", ""))
    if app is None:
        return _html(400, "<h1>Unknown application</h1><p>client_id names no application.</p>")
    target = params.get("redirect_uri") or app.redirect_uri
    if not target or (app.redirect_uri and target != app.redirect_uri):
        return _html(400, "<h1>Redirect mismatch</h1><p>redirect_uri is not the one registered.</p>")
    scopes = tuple((params.get("scope") or "").split())
    if not scopes or set(scopes) - set(ALL_SCOPES):
        return _html(400, f"<h1>Bad scope</h1><p>{html.escape(str(sorted(set(scopes) - set(ALL_SCOPES))))}</p>")
    seller = world.merchants.get(params.get("sandbox_merchant") or app.owner_id)
    consent = params.get("sandbox_consent")
    if seller is None or consent not in {"allow", "deny"}:
        return _consent_page(world, request, app, scopes)
    state = {"state": params["state"]} if "state" in params else {}
    if consent == "deny":
        return _redirect(target, {"error": "access_denied", "error_description": "user_denied"} | state)
    code = "sq0cgb-" + world.mint.mixed(22)
    world.codes[code] = Code(
        code, app.id, seller.id, scopes, now + CODE_LIFETIME, params.get("redirect_uri"), params.get("code_challenge")
    )
    return _redirect(target, {"code": code, "response_type": "code"} | state)


def _consent_page(world: World, request: Request, app: Application, scopes: tuple[str, ...]) -> Response:
    rows = "".join(
        f"<p>{html.escape(m.name)} <a href='{_again(request, m, 'allow')}'>Allow</a> "
        f"<a href='{_again(request, m, 'deny')}'>Deny</a></p>"
        for m in world.merchants.values()
    )
    asked = "".join(f"<li>{html.escape(scope)}</li>" for scope in scopes)
    return _html(200, f"<h1>{html.escape(app.id)} asks for</h1><ul>{asked}</ul>{rows}")


def _again(request: Request, merchant: Merchant, consent: str) -> str:
    more = urlencode({"sandbox_merchant": merchant.id, "sandbox_consent": consent})
    return html.escape(f"/oauth2/authorize?{request.query}&{more}", quote=True)


def _html(status: int, content: str) -> Response:
    page = f"<!doctype html><html lang='en'><title>Square sandbox</title><body>{content}</body></html>"
    return Response(status, page.encode(), (("Content-Type", "text/html; charset=utf-8"),))


def _redirect(target: str, params: dict[str, str]) -> Response:
    joint = "&" if "?" in target else "?"
    return Response(302, b"", (("Location", f"{target}{joint}{urlencode(params)}"),))


def obtain(world: World, request: Request, now: int) -> Response:
    """POST /oauth2/token: authorization_code, refresh_token, migration_token. An Authorization header is ignored."""
    body = read_body(request, _OBTAIN)
    app = world.applications.get(body.get("client_id") or "")
    if app is None:
        raise Refused(401, "UNAUTHORIZED", "The client_id names no application.", field="client_id")
    if body.get("client_secret") is not None and body["client_secret"] != app.secret:
        raise Refused(401, "UNAUTHORIZED", "The client_secret is wrong.", field="client_secret")
    grants = {"authorization_code": _by_code, "refresh_token": _by_refresh, "migration_token": _by_migration}
    grant = grants.get(body.get("grant_type") or "")
    if grant is None:
        raise bad("INVALID_VALUE", f"Unknown grant_type {body.get('grant_type')}.", field="grant_type")
    return json_response(200, grant(world, app, body, now))


def _by_code(world: World, app: Application, body: Json, now: int) -> Json:
    code = world.codes.get(body.get("code") or "")
    if code is None or code.application_id != app.id or code.used or now > code.expires:
        raise Refused(401, "UNAUTHORIZED", "The authorization code is unknown, used or expired.", field="code")
    if code.redirect_uri and body.get("redirect_uri") != code.redirect_uri:
        raise Refused(401, "UNAUTHORIZED", "redirect_uri differs from the authorize call.", field="redirect_uri")
    if code.challenge:
        digest = hashlib.sha256((body.get("code_verifier") or "").encode()).digest()
        if base64.urlsafe_b64encode(digest).decode().rstrip("=") != code.challenge:
            raise Refused(401, "UNAUTHORIZED", "code_verifier does not fit.", field="code_verifier")
    elif body.get("client_secret") is None:
        raise Refused(401, "UNAUTHORIZED", "The code flow needs the client_secret.", field="client_secret")
    code.used = True
    app.grants[code.merchant_id] = code.scopes
    refresh = RefreshToken(
        "EQAAE" + world.mint.mixed(32), app.id, code.merchant_id, code.scopes,
        now + PKCE_REFRESH_LIFETIME if code.challenge else None,
    )  # fmt: skip
    world.refresh_tokens[refresh.value] = refresh
    return _issue(world, refresh, code.scopes, body, now)


def _by_refresh(world: World, app: Application, body: Json, now: int) -> Json:
    refresh = world.refresh_tokens.get(body.get("refresh_token") or "")
    if refresh is None or refresh.application_id != app.id or refresh.used:
        raise Refused(401, "UNAUTHORIZED", "The refresh token is unknown, used or revoked.", field="refresh_token")
    if refresh.expires is not None and now > refresh.expires:
        raise Refused(401, "UNAUTHORIZED", "The refresh token has expired.", field="refresh_token")
    if refresh.expires is None and body.get("client_secret") is None:
        raise Refused(401, "UNAUTHORIZED", "The code flow needs the client_secret.", field="client_secret")
    scopes = tuple(body.get("scopes") or refresh.scopes)
    if set(scopes) - set(refresh.scopes):
        raise bad("INVALID_VALUE", "A refresh cannot widen the scopes.", field="scopes")
    if refresh.expires is not None:
        refresh.used = True
        refresh = RefreshToken(
            "EQAAE" + world.mint.mixed(32), app.id, refresh.merchant_id, refresh.scopes, now + PKCE_REFRESH_LIFETIME
        )
        world.refresh_tokens[refresh.value] = refresh
    return _issue(world, refresh, scopes, body, now)


def _by_migration(world: World, app: Application, body: Json, now: int) -> Json:
    old = world.migration_tokens.get(body.get("migration_token") or "")
    if old is None or old.application_id != app.id or old.used or body.get("client_secret") is None:
        raise Refused(401, "UNAUTHORIZED", "The migration token is unknown or used.", field="migration_token")
    old.used = True
    refresh = RefreshToken("EQAAE" + world.mint.mixed(32), app.id, old.merchant_id, old.scopes)
    world.refresh_tokens[refresh.value] = refresh
    return _issue(world, refresh, old.scopes, body, now)


def _issue(world: World, refresh: RefreshToken, scopes: tuple[str, ...], body: Json, now: int) -> Json:
    short = bool(body.get("short_lived"))
    expires = now + (SHORT_LIFETIME if short else TOKEN_LIFETIME)
    token = Token("EAAAE" + world.mint.mixed(32), refresh.application_id, refresh.merchant_id, scopes, expires, short)
    world.tokens[token.value] = token
    answer: Json = {"access_token": token.value, "token_type": "bearer", "expires_at": stamp_s(expires)}
    answer |= {"merchant_id": refresh.merchant_id, "refresh_token": refresh.value, "short_lived": short}
    if refresh.expires is not None:
        answer["refresh_token_expires_at"] = stamp_s(refresh.expires)
    return answer


def bearer(world: World, request: Request, now: int) -> Token:
    """The live token of a request, or 401."""
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    token = world.tokens.get(value.strip()) if kind.lower() == "bearer" else None
    if token is None:
        raise Refused(401, "UNAUTHORIZED", "This request could not be authorized.")
    if token.revoked:
        raise Refused(401, "ACCESS_TOKEN_REVOKED", "The access token has been revoked.")
    if token.expires is not None and now >= token.expires:
        raise Refused(401, "ACCESS_TOKEN_EXPIRED", "The access token has expired.")
    return token


def status(world: World, request: Request, now: int) -> Response:
    """POST /oauth2/token/status: what a token may do. A personal token has an empty expires_at."""
    token = bearer(world, request, now)
    expires = "" if token.expires is None else stamp_s(token.expires)
    answer: dict[str, Any] = {"scopes": list(token.scopes), "expires_at": expires}
    return json_response(200, answer | {"client_id": token.application_id, "merchant_id": token.merchant_id})


def revoke(world: World, request: Request, now: int) -> Response:
    """POST /oauth2/revoke: needs `Authorization: Client <secret>`; by merchant or by token, never both."""
    body = read_body(request, _REVOKE)
    app = world.applications.get(body.get("client_id") or "")
    kind, _, secret = request.headers.get("authorization", "").partition(" ")
    if app is None or kind.lower() != "client" or secret.strip() != app.secret:
        raise Refused(401, "UNAUTHORIZED", "Revoking needs the header `Authorization: Client <application secret>`.")
    by_token, by_merchant = body.get("access_token"), body.get("merchant_id")
    if bool(by_token) == bool(by_merchant):
        raise bad("CONFLICTING_PARAMETERS", "Give either access_token or merchant_id.", field="access_token")
    token = world.tokens.get(by_token or "")
    if by_token and (token is None or token.application_id != app.id):
        raise Refused(404, "NOT_FOUND", "No such access token.", field="access_token")
    if token is not None and body.get("revoke_only_access_token"):
        token.revoked = True
    else:
        withdraw(world, app, token.merchant_id if token else str(by_merchant), revoker="APPLICATION", now=now)
    return json_response(200, {"success": True})


def withdraw(world: World, app: Application, merchant_id: str, *, revoker: str, now: int) -> None:
    """End a seller's grant: every token of it dies, the application is told."""
    merchant = world.merchants.get(merchant_id)
    if merchant is None or merchant_id not in app.grants:
        raise Refused(404, "NOT_FOUND", f"Merchant {merchant_id} has granted nothing.", field="merchant_id")
    del app.grants[merchant_id]
    for token in world.tokens.values():
        if token.application_id == app.id and token.merchant_id == merchant_id and not token.personal:
            token.revoked = True
    for refresh in world.refresh_tokens.values():
        if refresh.application_id == app.id and refresh.merchant_id == merchant_id:
            refresh.used = True
    content = {"revocation": {"revoked_at": stamp_s(now), "revoker_type": revoker}}
    world.desk.emit(
        merchant, type_="oauth.authorization.revoked", data_type="revocation", data_id=world.mint.uuid(),
        content=content, now=now, only_application=app.id,
    )  # fmt: skip
