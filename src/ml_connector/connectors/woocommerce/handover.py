"""The hand-over of a key by the merchant's consent: where the browser goes, and what the shop then posts to us.

The post is unsigned: the state is its only proof, so it must be unguessable, used once and soon over. Our answer must
be exactly 200, else the shop deletes the key again. A shop with Plain permalinks cannot do this: enter the key by hand.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import urlencode

from ml_connector.connectors.woocommerce.addresses import store_url
from ml_connector.errors import ConfigurationError, NotAuthorized, Untranslatable

PATH = "/wc-auth/v1/authorize"
MAX_BODY_BYTES = 4096
Scope = Literal["read", "write", "read_write"]
_STATE = re.compile(r"[A-Za-z0-9_-]{22,128}")  # other characters are dropped on the browser's way back
_KEY = re.compile(r"ck_[0-9a-fA-F]{20,80}")
_SECRET = re.compile(r"cs_[0-9a-fA-F]{20,80}")


def authorize_url(
    base: str,
    *,
    app_name: str,
    state: str,
    return_url: str,
    callback_url: str,
    scope: Scope = "read_write",
    root: str = "",
    allowed: frozenset[str] = frozenset(),
) -> str:
    """The page on which the merchant agrees. `root` is "/index.php" for that kind of permalinks.

    Raises ConfigurationError for a state that would not survive, or a callback that is not https. Only a shop that may
    be called by plain http on purpose (`allowed`), a pretend one, may be told a callback that is.
    """
    if not _STATE.fullmatch(state):
        raise ConfigurationError("The state of a key hand-over is 22 to 128 letters, digits, _ or -.")
    if not callback_url.startswith("https://") and store_url(base) not in allowed:
        raise ConfigurationError(
            f"WooCommerce hands keys only to an https address, not to {callback_url}.",
            fix="Set MLC_PUBLIC_URL to the https address of this install, or enter the key by hand.",
        )
    asked = {
        "app_name": app_name,
        "scope": scope,
        "user_id": state,
        "return_url": return_url,
        "callback_url": callback_url,
    }
    return f"{store_url(base)}{root}{PATH}?{urlencode(asked)}"


def state_of(body: bytes) -> str:
    """The state that a hand-over names. Raises Untranslatable for bodies that are no hand-over."""
    return _text(_parsed(body), "user_id", _STATE)


def received(body: bytes, *, state: str, scope: Scope = "read_write") -> Mapping[str, str]:
    """The credentials out of a hand-over, by the names of the connector's fields.

    Raises Untranslatable for bodies that are no hand-over, NotAuthorized for another state or fewer rights than asked.
    """
    read = _parsed(body)
    if not hmac.compare_digest(_text(read, "user_id", _STATE).encode(), state.encode()):
        raise NotAuthorized("The shop handed over a key that nobody here has asked for.", fix="Connect again.")
    if read.get("key_permissions") not in (scope, "read_write"):
        raise NotAuthorized("The shop gave the key fewer rights than were asked for.", fix="Connect again.")
    return {
        "consumer_key": _text(read, "consumer_key", _KEY),
        "consumer_secret": _text(read, "consumer_secret", _SECRET),
    }


def agreed(params: Mapping[str, str]) -> bool:
    """Whether the browser came back with the merchant's consent. The key comes by its own way, before or after."""
    return params.get("success") == "1"


def _parsed(body: bytes) -> Mapping[str, Any]:
    try:
        read = json.loads(body.decode()) if len(body) <= MAX_BODY_BYTES else None
    except (ValueError, RecursionError):
        read = None
    if not isinstance(read, dict):
        raise Untranslatable("The hand-over is no JSON object.", field="(body)")
    return read


def _text(read: Mapping[str, Any], name: str, form: re.Pattern[str]) -> str:
    found = read.get(name)
    if type(found) is not str or not form.fullmatch(found):
        raise Untranslatable(f"The hand-over has no usable {name}.", field=name)
    return found
