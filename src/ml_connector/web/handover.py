"""Where a system posts the key that a person agreed to give, and where that person's browser comes back to.

| answer to the post | means |
|---|---|
| 200 | the key is kept, sealed. Any other answer has the system take it back |
| 400, 408, 413 | no hand-over; not all of it came in time; too large |
| 403 | nobody asked for it, or it was used, or is older than half an hour, or it has fewer rights than were asked for |
| 404 | this system hands no key over |
| 503 | not kept: ask again |

Bodies, states and the queries of returning browsers are never logged.
"""

from __future__ import annotations

import asyncio
from functools import partial

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ml_connector.engine import handover
from ml_connector.engine.works import Works
from ml_connector.errors import ConnectorError, NotAuthorized, Untranslatable, UsageError
from ml_connector.web.consent import MAX_QUERY_BYTES, page

PATIENCE_S = 20.0

log = structlog.get_logger(__name__)


def routes(works: Works) -> list[BaseRoute]:
    """POST /handover/{connector} and GET /handover/{connector}/done"""
    return [
        Route("/handover/{connector}", partial(_posted, works), methods=["POST"]),
        Route("/handover/{connector}/done", partial(_returned, works), methods=["GET"]),
    ]


async def _posted(works: Works, request: Request) -> Response:
    connector = request.path_params["connector"]
    try:
        limit = handover.body_limit(works, connector)
    except UsageError:
        return _said(404, "There is nothing here.")
    try:
        body = await asyncio.wait_for(_body_of(request, limit), PATIENCE_S)
    except (TimeoutError, ClientDisconnect):
        return _said(408, "The body did not come in time.")
    if body is None:
        return _said(413, f"A hand-over has at most {limit} bytes.")
    return await asyncio.to_thread(_kept, works, connector, body)


def _kept(works: Works, connector: str, body: bytes) -> Response:
    try:
        handover.take(works, connector, body)
    except Untranslatable:
        return _said(400, "This is no hand-over.")
    except (UsageError, NotAuthorized) as fault:
        log.warning("handover.refused", connector=connector, fault=type(fault).code)
        return _said(403, "Nobody here waits for this key.")
    except ConnectorError as fault:
        log.warning("handover.not_kept", connector=connector, fault=type(fault).code)
        return _said(503, "The key was not kept.")
    return _said(200, "Kept.")


def _returned(works: Works, request: Request) -> Response:
    if len(request.scope.get("query_string", b"")) > MAX_QUERY_BYTES:
        return page(414, "The address is too long.", "Connect again from the beginning.")
    params = {name: request.query_params[name] for name in request.query_params}
    try:
        agreed = handover.returned(works, request.path_params["connector"], params)
    except UsageError:
        return page(404, "There is nothing here.", "Connect again from the beginning.")
    if not agreed:
        return page(400, "Nothing was connected: the other side did not agree.", "Connect again from the beginning.")
    return page(200, "Agreed.", "The key comes by a way of its own, within a minute; a ping proves it.")


async def _body_of(request: Request, limit: int) -> bytes | None:
    """The whole body; None where it is larger than the limit, of which no more is read."""
    told = request.headers.get("content-length", "")
    if told.isdecimal() and int(told) > limit:
        return None
    parts = bytearray()
    async for part in request.stream():
        parts += part
        if len(parts) > limit:
            return None
    return bytes(parts)


def _said(status: int, what: str) -> Response:
    return JSONResponse({"status" if status == 200 else "error": what}, status_code=status)
