"""Key hand-over: `/wc-auth/v1/authorize` in the merchant's browser, a key posted to the caller, a redirect back."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import urlencode, urlsplit

from ml_connector_sandbox.core.wire import Delivery, Request, Response
from ml_connector_sandbox.woocommerce import php
from ml_connector_sandbox.woocommerce.hosting import page
from ml_connector_sandbox.woocommerce.state import ApiKey, Store
from ml_connector_sandbox.woocommerce.times import SECOND
from ml_connector_sandbox.woocommerce.world import World

_NEEDED = ("app_name", "user_id", "return_url", "callback_url", "scope")
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def serve(world: World, store: Store, request: Request, now: int) -> Response:
    """The pages of the hand-over. `sandbox_consent=allow|deny` stands for the merchant's log-in and click."""
    query = {name: str(value) for name, value in php.parse_query(request.query).items()}
    step = query.get("wc-auth-route") or request.path.rstrip("/").rpartition("/")[2]
    if step == "login":
        return page(200, "Log in to approve")
    if step != "authorize":
        return page(404, "There is no such step.")
    missing = [name for name in _NEEDED if not query.get(name)]
    if missing:
        return page(401, f"Error: missing parameter {missing[0]}")
    if query["scope"] not in ("read", "write", "read_write"):
        return page(401, f"Error: invalid scope {query['scope']}")
    if not _is_url(store, query["callback_url"], strict=True) or not _is_url(store, query["return_url"]):
        return page(401, "Error: the address is not valid")
    consent = query.get("sandbox_consent")
    if consent not in ("allow", "deny"):
        return _to_login(store, query)
    if consent == "allow":
        _approve(world, store, query, now)
    return _back(query, success=consent == "allow")


def _to_login(store: Store, query: dict[str, str]) -> Response:
    if store.knobs.permalinks == "plain":  # the shop's own redirect is a broken address there
        return Response(302, b"", (("Location", f"{store.home}/?wc-auth-version=1login/"),))
    kept = urlencode({k: v for k, v in query.items() if not k.startswith("wc-auth")})
    middle = "/index.php" if store.knobs.permalinks == "pathinfo" else ""
    return Response(302, b"", (("Location", f"{store.home}{middle}/wc-auth/v1/login/?{kept}"),))


def _is_url(store: Store, text: str, *, strict: bool = False) -> bool:
    parts = urlsplit(text)
    if not parts.hostname or parts.scheme not in ("http", "https"):
        return False
    if not strict or parts.scheme == "https":
        return True
    return store.knobs.loopback_webhooks and parts.hostname in _LOOPBACK  # the sandbox's only leniency


def new_key(store: Store, permissions: str, description: str, *, user_id: int) -> ApiKey:
    """A fresh REST key of a user."""
    made = ApiKey(
        store.number("key"), f"ck_{store.mint.hexadecimal(40)}", f"cs_{store.mint.hexadecimal(40)}", permissions,
        user_id, description,
    )  # fmt: skip
    store.keys[made.consumer_key] = made
    return made


def _approve(world: World, store: Store, query: dict[str, str], now: int) -> None:
    moment = datetime.fromtimestamp(now // SECOND, UTC)
    description = f"{query['app_name']} - API ({moment:%Y-%m-%d %H:%M:%S})"
    key = new_key(store, query["scope"], description, user_id=store.admin().id)
    body = {
        "key_id": key.key_id,
        "user_id": query["user_id"],
        "consumer_key": key.consumer_key,
        "consumer_secret": key.secret,
        "key_permissions": key.permissions,
    }
    delivery = Delivery(
        f"key-{store.name}-{key.key_id}", query["callback_url"],
        (("Content-Type", "application/json;charset=utf-8"), ("User-Agent", f"WordPress/{store.wordpress}")),
        php.dumps(body).encode(),
    )  # fmt: skip
    world.letters.append((store.name, delivery))
    world.handed[delivery.id] = (store.name, key.consumer_key)


def _back(query: dict[str, str], *, success: bool) -> Response:
    user_id = re.sub(r"[^A-Za-z0-9_\-.~%+&=/:,;@!$'()*]", "", query["user_id"])  # a `|` does not survive the redirect
    glue = "&" if "?" in query["return_url"] else "?"
    target = f"{query['return_url']}{glue}success={int(success)}&user_id={user_id}"
    return Response(302, b"", (("Location", target),))
