"""Client credentials: tokens that live nine hours, come back unchanged when asked again, and keep their old scopes."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import parse_qsl

from ml_connector_sandbox.core.instants import MINUTE, SECOND
from ml_connector_sandbox.core.wire import Request, Response, json_response
from ml_connector_sandbox.paypal.refusals import Refused, TokenRefused
from ml_connector_sandbox.paypal.state import App, Token, World
from ml_connector_sandbox.paypal.times import stamp


def obtain(world: World, request: Request, now: int) -> Response:
    """`POST /v1/oauth2/token`."""
    app = _client(world, request)
    limit(app.token_calls, world.knobs.tokens_per_minute, world.knobs.retry_after, now)
    form = dict(parse_qsl(request.body.decode("utf-8", "replace")))
    if "application/x-www-form-urlencoded" not in request.headers.get("content-type", ""):
        raise Refused(415)
    if form.get("grant_type") != "client_credentials":
        refused = TokenRefused("unsupported_grant_type", "Grant Type is NULL or not supported")
        refused.status = 400
        raise refused
    token = _token(world, app, now)
    content = {
        "scope": " ".join(token.scopes), "access_token": token.value, "token_type": "Bearer", "app_id": app.app_id,
        "expires_in": (token.expires - now) // SECOND, "nonce": token.nonce,
    }  # fmt: skip
    return json_response(200, content)


def _token(world: World, app: App, now: int) -> Token:
    old = world.tokens.get(app.token)
    if old is not None and world.knobs.token_reuse and not old.revoked and old.expires > now + MINUTE:
        return old
    value = "A21AA" + world.mint.secret(60)
    nonce = f"{stamp(now)}{world.mint.secret(43)}"
    token = Token(value, app.client_id, app.scopes, now + round(world.knobs.token_life_s * SECOND), nonce)
    world.tokens[value] = token
    app.token = value
    return token


def _client(world: World, request: Request) -> App:
    kind, _, coded = request.headers.get("authorization", "").partition(" ")
    try:
        client_id, _, secret = base64.b64decode(coded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        client_id, secret = "", ""
    app = world.apps.get(client_id)
    if kind.lower() != "basic" or app is None or app.secret != secret:
        raise TokenRefused("invalid_client", "Client Authentication failed")
    return app


def bearer(world: World, request: Request, now: int) -> tuple[App, Token]:
    """The application and token of a call. 401 in the envelope without a header, in the token shape otherwise."""
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not value:
        raise Refused(401)
    token = world.tokens.get(value)
    if token is None or token.revoked or token.expires <= now:
        raise TokenRefused("invalid_token", "Access Token not found in cache")
    return world.apps[token.client_id], token


def limit(calls: list[int], most: int, retry_after: str, now: int) -> None:
    """Count one more call of this minute. 429 above the limit; 0 is none."""
    if not most:
        return
    calls[:] = [at for at in calls if at > now - MINUTE]
    if len(calls) >= most:
        refused = Refused(429)
        refused.headers = (("Retry-After", retry_after),) if retry_after else ()
        raise refused
    calls.append(now)
