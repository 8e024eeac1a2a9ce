"""Who calls: Basic and query-string keys where the site thinks it is under TLS, OAuth 1.0a anywhere else."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import Any
from urllib.parse import unquote

from ml_connector_sandbox.core.wire import Request
from ml_connector_sandbox.woocommerce import php
from ml_connector_sandbox.woocommerce.faults import Refused
from ml_connector_sandbox.woocommerce.state import ApiKey, Store, User

WINDOW_S = 900
_NEEDED = ("oauth_consumer_key", "oauth_timestamp", "oauth_nonce", "oauth_signature", "oauth_signature_method")
_METHODS = {"HMAC-SHA1": hashlib.sha1, "HMAC-SHA256": hashlib.sha256}


def caller(store: Store, request: Request, query: php.Params, stamp: int) -> User | None:
    """The user behind a request, None for nobody. Raises Refused where the shop says what is wrong."""
    if "wp-json/wc/" not in f"{request.path}?{unquote(request.query)}":
        return None  # elsewhere (?rest_route=) the plugin never tries
    header = "" if store.knobs.strip_authorization else request.headers.get("authorization", "")
    key = _by_tls(store, query, header) if store.knobs.tls else None
    if key is None:
        key = _by_oauth(store, request, query, header=header, stamp=stamp)
    if key is None:
        return None
    _permit(key, request.method)
    return store.users.get(key.user_id)


def _by_tls(store: Store, query: php.Params, header: str) -> ApiKey | None:
    name, secret = str(query.get("consumer_key", "")), str(query.get("consumer_secret", ""))
    if not (name and secret) and header.lower().startswith("basic "):
        try:
            name, _, secret = base64.b64decode(header[6:], validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
    key = store.keys.get(name)
    if key is None:
        return None  # an unknown key is nobody, not an error
    if not hmac.compare_digest(key.secret, secret):
        raise _wrong("Consumer secret is invalid.")
    return key


def _by_oauth(store: Store, request: Request, query: php.Params, *, header: str, stamp: int) -> ApiKey | None:
    params = dict(query)
    if header.lower().startswith("oauth "):
        params |= _header_params(header[6:])
    given = [name for name in _NEEDED if params.get(name)]
    if not given:
        return None
    missing = [name for name in _NEEDED if name not in given]
    if missing:
        code = "woocommerce_rest_authentication_missing_parameter"
        raise Refused(401, code, f"Missing OAuth parameters: {', '.join(missing)}")
    key = store.keys.get(str(params["oauth_consumer_key"]))
    if key is None:
        raise _wrong("Consumer key is invalid.")
    _check_signature(store, request, params, key)
    _check_nonce(params, key, stamp)
    return key


def _header_params(text: str) -> php.Params:
    pairs = (part.strip().partition("=") for part in text.split(","))
    return {name: unquote(value.strip('"')) for name, _, value in pairs if name != "realm"}


def _check_signature(store: Store, request: Request, params: php.Params, key: ApiKey) -> None:
    method = str(params["oauth_signature_method"])
    if method not in _METHODS:
        raise _wrong("Invalid signature: the method is not known.")
    base = base_string(request.method, signed_address(store, request), params)
    made = hmac.new(f"{key.secret}&".encode(), base.encode(), _METHODS[method]).digest()
    sent = str(params["oauth_signature"]).replace(" ", "+")
    if not hmac.compare_digest(base64.b64encode(made).decode(), sent):
        raise _wrong("Invalid signature: it does not match.")


def signed_address(store: Store, request: Request) -> str:
    """The address as the shop rebuilds it: its own home and the path below it."""
    return f"{store.home}{request.path.removeprefix(store.path)}"


def base_string(method: str, address: str, params: php.Params) -> str:
    """What OAuth signs: method, address, parameters sorted by name, each percent-encoded before joining."""
    pairs = [pair for name in sorted(params) if name != "oauth_signature" for pair in _flat(name, params[name])]
    joined = "&".join(f"{php.raw_encode(name)}={php.raw_encode(value)}" for name, value in pairs)
    return f"{method.upper()}&{php.raw_encode(address)}&{php.raw_encode(joined)}"


def _flat(name: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [pair for key, inner in value.items() for pair in _flat(f"{name}[{key}]", inner)]
    return [(unquote(name), unquote(str(value)))]


def _check_nonce(params: php.Params, key: ApiKey, stamp: int) -> None:
    told = str(params["oauth_timestamp"])
    if not told.isdigit() or abs(stamp - int(told)) > WINDOW_S:
        raise _wrong("Invalid timestamp.")
    nonce = str(params["oauth_nonce"])
    if nonce in key.nonces:
        raise _wrong("Invalid nonce: it was used before.")
    key.nonces = {n: t for n, t in key.nonces.items() if stamp - t <= WINDOW_S} | {nonce: int(told)}


def _permit(key: ApiKey, method: str) -> None:
    if method in ("GET", "HEAD"):
        if key.permissions not in ("read", "read_write"):
            raise _wrong("The API key provided does not have read permissions.")
    elif method in ("POST", "PUT", "PATCH", "DELETE") and key.permissions not in ("write", "read_write"):
        raise _wrong("The API key provided does not have write permissions.")


def _wrong(message: str) -> Refused:
    return Refused(401, "woocommerce_rest_authentication_error", message)
