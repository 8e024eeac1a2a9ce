"""The socket and the web server with our limits, for every process that answers HTTP."""

from __future__ import annotations

import errno
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ml_connector.errors import ConfigurationError

MAX_HEADER_BYTES = 32_768
MAX_CONNECTIONS = 1_000
FINISH_REQUESTS_S = 3


def listen(host: str, port: int, *, patience_s: float = 0.0, setting: str = "MLC_PORT") -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises ConfigurationError where it is in use for `patience_s`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    until = time.monotonic() + patience_s
    while True:
        try:
            return socket.create_server((host, port), family=family, backlog=512)
        except OSError as problem:
            if problem.errno == errno.EADDRINUSE and time.monotonic() < until:
                time.sleep(0.05)
                continue
            raise ConfigurationError(
                f"{host} port {port} cannot be listened on: {problem.strerror}.",
                fix=f"Choose others with MLC_HOST, {setting}.",
            ) from problem


def server_of(app: ASGIApp) -> uvicorn.Server:
    """The web server with our limits; not yet running."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=BoundedHeaders,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=MAX_CONNECTIONS,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=FINISH_REQUESTS_S,
        )
    )


class BoundedHeaders(HttpToolsProtocol):
    """The web server's protocol, with an end to how much header text it takes in."""

    _in_headers = True
    _header_bytes = 0

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._in_headers:
            self._header_bytes += len(data)
            if self._header_bytes > MAX_HEADER_BYTES and not self.transport.is_closing():
                self.send_400_response("The headers are too large.")

    def on_message_begin(self) -> None:
        self._in_headers, self._header_bytes = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        if sum(map(len, chain.from_iterable(self.headers))) > MAX_HEADER_BYTES:
            raise ValueError("The headers are too large.")  # answered with 400, and the connection is closed
        self._in_headers = False
        super().on_headers_complete()
        self.headers = _NO_MORE  # the application has its own list of those that came


class _Ended(list[tuple[bytes, bytes]]):
    """Where headers behind a body would go: nobody who calls us sends such, and they might have no end."""

    def append(self, _header: tuple[bytes, bytes], /) -> None:
        raise ValueError("There are headers behind the body.")  # as above


_NO_MORE = _Ended()


@contextmanager
def deaf_to_signals() -> Iterator[None]:
    """The web server hears signals itself, and raises them again when it has ended: then nobody does."""
    before: dict[signal.Signals, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            before[number] = signal.signal(number, lambda *_: None)
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)
