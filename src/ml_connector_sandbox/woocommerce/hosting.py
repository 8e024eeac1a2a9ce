"""What stands in front of a shop: permalinks, redirects, firewalls, caches, pages for people instead of JSON."""

from __future__ import annotations

from ml_connector_sandbox.core.wire import Request, Response
from ml_connector_sandbox.woocommerce import php
from ml_connector_sandbox.woocommerce.state import Store
from ml_connector_sandbox.woocommerce.times import SECOND

_PAGES = {
    "coming_soon": (200, "Coming soon"),
    "login": (200, "Log in"),
    "maintenance": (503, "Briefly unavailable for scheduled maintenance. Check back in a minute."),
    "firewall": (403, "Checking your browser before you go on."),
}


def page(status: int, text: str) -> Response:
    """A page for people."""
    body = f"<!DOCTYPE html><html><head><title>{text}</title></head><body><h1>{text}</h1></body></html>"
    return Response(status, body.encode(), (("Content-Type", "text/html; charset=UTF-8"),))


def in_front(store: Store, request: Request, now: int) -> Response | None:
    """The answer that the shop's own code never sees, if there is one."""
    knobs = store.knobs
    if knobs.redirect_to:
        query = f"?{request.query}" if request.query else ""
        target = f"{knobs.redirect_to.rstrip('/')}{request.path.removeprefix(store.path)}{query}"
        return Response(301, b"", (("Location", target), ("Content-Type", "text/html; charset=UTF-8")))
    if knobs.page_instead:
        return page(*_PAGES[knobs.page_instead])
    agent = request.headers.get("user-agent", "").lower()
    bad_agent = any(agent.startswith(a.strip().lower()) for a in knobs.blocked_agents.split(",") if a.strip())
    if bad_agent or request.method in knobs.blocked_methods.upper().replace(" ", "").split(","):
        return page(403, "Forbidden")
    return _cached(store, request, now)


def _cached(store: Store, request: Request, now: int) -> Response | None:
    kept = store.cache.get(_slot(request))
    if not kept or request.method != "GET" or "no-cache" in request.headers.get("cache-control", ""):
        return None
    at, body, headers = kept
    fresh = now < at + store.knobs.cache_s * SECOND
    return Response(200, body, (*headers, ("X-Cache", "HIT"))) if fresh else None


def remember(store: Store, request: Request, response: Response, now: int) -> Response:
    """Keep a good GET answer where the host caches."""
    if store.knobs.cache_s and request.method == "GET" and response.status == 200:
        store.cache[_slot(request)] = (now, response.body, response.headers)
    return response


def _slot(request: Request) -> str:
    kept = [part for part in request.query.split("&") if not part.startswith(("oauth_", "consumer_"))]
    return f"{request.path}?{'&'.join(kept)}"


def rest_route(store: Store, path: str, query: str) -> str | None:
    """The address below /wp-json that a path means; None where a page for people stands."""
    kind = store.knobs.permalinks
    inner = path.removeprefix("/index.php")
    shortened = inner != path
    pretty = kind == "pretty" or (kind == "pathinfo" and shortened)
    if pretty and (inner == "/wp-json" or inner.startswith("/wp-json/")):
        return inner.removeprefix("/wp-json") or "/"
    if inner in ("", "/"):
        asked = php.parse_query(query).get("rest_route")
        return str(asked) if asked else None
    return None
