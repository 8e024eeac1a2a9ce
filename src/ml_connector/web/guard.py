"""Around every answer: security headers, and one plain sentence instead of whatever broke."""

from __future__ import annotations

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# A page that needs more says so itself; what is already set stays.
HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
STRICT_TRANSPORT = (b"strict-transport-security", b"max-age=31536000")

log = structlog.get_logger(__name__)


class Guard:
    """Wraps the whole application. `https`: the public address is one, so browsers are told to stay there."""

    def __init__(self, app: ASGIApp, *, https: bool = False) -> None:
        self._app = app
        self._headers = (*HEADERS, STRICT_TRANSPORT) if https else HEADERS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def send_on(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                there = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(one for one in self._headers if one[0] not in there)]
            await send(message)

        try:
            await self._app(scope, receive, send_on)
        except Exception as fault:
            # The path may hold a door's secret: it is not logged.
            log.exception("web.failed", method=scope["method"], fault=type(fault).__name__)
            if not started:
                await _plain_failure(send_on)


async def _plain_failure(send: Send) -> None:
    body = b'{"error": "Something went wrong here. The log of this moment says what."}'
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": body})
