"""Who may call: tokens by client credentials (RS256), Basic users on every call, scopes."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from functools import lru_cache
from urllib.parse import parse_qs

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from ml_connector_sandbox.basware.refusals import Fault, Json, Refused, answer_json
from ml_connector_sandbox.basware.state import Client, Token, World
from ml_connector_sandbox.core.instants import SECOND
from ml_connector_sandbox.core.wire import Request, Response

LIVES = (300, 86_400)  # seconds a client's tokens may live
_KID = "basware-sandbox-1"


@lru_cache(maxsize=1)
def _key() -> rsa.RSAPrivateKey:
    # Made once a process: a key takes a moment, and no test needs two worlds with different ones.
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def obtain(world: World, request: Request, now: int) -> Response:
    """`POST /v1/tokens`."""
    if "authorization" not in request.headers:
        raise Refused(422, Fault("authorization", "field required"))
    if "application/x-www-form-urlencoded" not in request.headers.get("content-type", ""):
        raise Refused(422, Fault("grant_type", "field required"), Fault("scope", "field required"))
    client = world.clients.get(basic(request)[0])
    if client is None or client.secret != basic(request)[1]:
        raise Refused(401, Fault("invalid_client", "invalid_client"))
    form = {name: values[-1] for name, values in parse_qs(request.body.decode("utf-8", "replace")).items()}
    for name in ("grant_type", "scope"):
        if not form.get(name):
            raise Refused(400, Fault("invalid_request", f"{name} field required"))
    if form["grant_type"] != "client_credentials":
        raise Refused(400, Fault("unsupported_grant_type", "grant_type must be client_credentials"))
    asked = tuple(dict.fromkeys(form["scope"].split()))
    denied = [scope for scope in asked if scope not in client.scopes]
    if denied:
        raise Refused(400, Fault("invalid_scope", f"scope not allowed: {' '.join(denied)}"))
    return answer_json(200, _granted(world, client, asked, now, request.host))


def _granted(world: World, client: Client, scopes: tuple[str, ...], now: int, host: str) -> Json:
    issued = now // SECOND
    claims = {
        "sub": client.id, "scope": " ".join(scopes), "iss": f"{world.knobs.scheme}://{host}", "aud": "OpenAPI",
        "exp": issued + client.life_s, "iat": issued, "jti": world.mint.uuid(), "bwcid": client.tenant_id,
    }  # fmt: skip
    signed = ".".join(_coded(part) for part in ({"alg": "RS256", "kid": _KID, "typ": "at+jwt"}, claims))
    signature = _key().sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    value = f"{signed}.{_base64(signature)}"
    world.tokens[value] = Token(value, client.id, client.tenant_id, scopes, (issued + client.life_s) * SECOND)
    return {
        "access_token": value, "token_type": "Bearer", "expires_in": client.life_s, "scope": " ".join(scopes),
    }  # fmt: skip


def keys() -> Json:
    """`GET /.well-known/jwks.json`."""
    numbers = _key().public_key().public_numbers()
    shown = {"e": _integer(numbers.e), "n": _integer(numbers.n)}
    return {"keys": [shown | {"kid": _KID, "kty": "RSA", "use": "sig", "alg": "RS256"}]}


def configuration(world: World, request: Request) -> Json:
    """`GET /.well-known/openid-configuration`."""
    home = f"{world.knobs.scheme}://{request.host}"
    return {"issuer": f"{home}/", "jwks_uri": f"{home}/.well-known/jwks.json"}


def caller(world: World, request: Request, scope: str, now: int) -> Client:
    """Who calls, with the scope the call needs. Refused 401, 403; 400 when two ways are used at once."""
    header = request.headers.get("authorization", "")
    kind, _, value = header.partition(" ")
    if "basic " in value.lower() or "bearer " in value.lower():
        raise Refused(400, Fault("CREDENTIAL_VALIDATION_ERROR", "Use a token or Basic authentication, not both."))
    if kind.lower() == "basic":
        user = world.users.get(basic(request)[0])
        if user is None or user.secret != basic(request)[1]:
            raise Refused(401)
        _entitled(user.scopes, scope)
        return user
    token = world.tokens.get(value)
    if kind.lower() != "bearer" or token is None or token.revoked or token.expires <= now:
        raise Refused(401)
    _entitled(token.scopes, scope)
    return world.clients[token.client_id]


def network_caller(world: World, request: Request) -> Client:
    """A user of the Network API: its own names and passwords, never a token."""
    user = world.network_users.get(basic(request)[0])
    if user is None or user.secret != basic(request)[1]:
        raise Refused(401, Fault("CREDENTIAL_VALIDATION_ERROR", "Unauthorized"))
    return user


def basic(request: Request) -> tuple[str, str]:
    """Name and password of Basic authentication; empty ones when there is none."""
    kind, _, coded = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return "", ""
    try:
        name, _, secret = base64.b64decode(coded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, secret


def _entitled(scopes: tuple[str, ...], needed: str) -> None:
    if needed not in scopes:
        raise Refused(403, Fault("ACCESS_TOKEN_VALIDATION_ERROR", f"The scope {needed} is missing."))


def digest(content: Json) -> str:
    """A content's fingerprint."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def _coded(content: Json) -> str:
    return _base64(json.dumps(content, separators=(",", ":")).encode())


def _integer(number: int) -> str:
    return _base64(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
