"""Where a vendor sends the seller's browser back to. A state works once; the page tells what came of it."""

from __future__ import annotations

from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from ml_connector.engine import oauth
from ml_connector.engine.works import Works
from ml_connector.errors import ConnectorError, NotAuthorized, Transient, UsageError

MAX_QUERY_BYTES = 8_192


def callback(works: Works, request: Request) -> Response:
    """GET /oauth/{connector}/callback"""
    if len(request.scope.get("query_string", b"")) > MAX_QUERY_BYTES:
        return page(414, "The address is too long.", "Connect again from the beginning.")
    params = {name: request.query_params[name] for name in request.query_params}
    try:
        oauth.finish(works, state=params.pop("state", ""), params=params)
    except (UsageError, NotAuthorized) as fault:
        return page(400, fault.what, fault.fix)
    except Transient as fault:
        return page(502, fault.what, "Connect again in a few minutes.")
    except ConnectorError as fault:
        return page(500, fault.what, fault.fix)
    return page(200, "Connected.", "You may close this window; the connection can be proven with a ping.")


def page(status: int, what: str, fix: str) -> Response:
    """A plain page for the person in front of the browser."""
    body = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>ml-connector</title></head>'
        f"<body><main><h1>{escape(what)}</h1><p>{escape(fix)}</p></main></body></html>"
    )
    return HTMLResponse(body, status_code=status)
