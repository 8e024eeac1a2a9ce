"""How a call proves its key: HTTP Basic or the query string under TLS, OAuth 1.0a where the address is plain http."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from urllib.parse import quote

from ml_connector.errors import ConfigurationError

Mode = Literal["basic", "query", "oauth"]
Nonce = Callable[[], str]
_SAFE = "-._~"


@dataclass(frozen=True, slots=True)
class Key:
    """A REST API key of one shop. `mode` None: as the address demands."""

    key: str
    secret: str = field(repr=False)
    mode: Mode | None = None

    @classmethod
    def of(cls, credentials: Mapping[str, str]) -> Key:
        """The key as entered. Raises ConfigurationError when a half is missing."""
        key, secret = credentials.get("consumer_key", "").strip(), credentials.get("consumer_secret", "").strip()
        if not key or not secret:
            raise ConfigurationError(
                "The WooCommerce connection has no API key.",
                fix="Make a key under WooCommerce, Settings, Advanced, REST API and enter both halves.",
            )
        modes: Mapping[str, Mode] = {"basic": "basic", "query": "query", "oauth": "oauth"}
        return cls(key, secret, modes.get(credentials.get("authentication", "").strip().lower()))

    def mode_for(self, url: str) -> Mode:
        """Plain http is always signed: the shop accepts nothing else there, and the secret must not travel."""
        if url.startswith("http://"):
            return "oauth"
        return self.mode or "basic"


@dataclass(frozen=True, slots=True)
class Proof:
    """What a call carries to prove its key."""

    params: Mapping[str, str] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)


def new_nonce() -> str:
    """A nonce that is used once: the shop remembers them for 15 minutes, so each attempt is signed anew."""
    return secrets.token_hex(16)


def prove(
    key: Key, method: str, url: str, params: Mapping[str, str], *, now: datetime, nonce: Nonce = new_nonce
) -> Proof:
    """All parameters of a call (those given and those of the proof) and its headers."""
    mode = key.mode_for(url)
    if mode == "oauth":
        return Proof(signed(key, method, url, params, now=now, nonce=nonce()), {})
    if mode == "query":
        return Proof({**params, "consumer_key": key.key, "consumer_secret": key.secret}, {})
    token = base64.b64encode(f"{key.key}:{key.secret}".encode()).decode()
    return Proof(params, {"Authorization": f"Basic {token}"})


def signed(key: Key, method: str, url: str, params: Mapping[str, str], *, now: datetime, nonce: str) -> dict[str, str]:
    """The parameters with a one-legged OAuth 1.0a signature (HMAC-SHA256). A JSON body is no part of it."""
    given = {
        **params,
        "oauth_consumer_key": key.key,
        "oauth_timestamp": str(int(now.timestamp())),
        "oauth_nonce": nonce,
        "oauth_signature_method": "HMAC-SHA256",
    }
    made = hmac.new(f"{key.secret}&".encode(), base_string(method, url, given).encode(), hashlib.sha256).digest()
    return {**given, "oauth_signature": base64.b64encode(made).decode()}


def base_string(method: str, url: str, params: Mapping[str, str]) -> str:
    """What is signed: method, address without query, and each encoded parameter, sorted, encoded once more."""
    pairs = sorted((_enc(name), _enc(value)) for name, value in params.items())
    joined = "&".join(f"{name}={value}" for name, value in pairs)
    return "&".join((method.upper(), _enc(url), _enc(joined)))


def _enc(text: str) -> str:
    return quote(text, safe=_SAFE)
