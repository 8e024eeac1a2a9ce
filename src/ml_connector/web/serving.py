"""Serving: web, ticker and workers in one process, or workers alone. Ends within ten seconds of SIGTERM."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import structlog
import uvicorn
from starlette.routing import BaseRoute
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ml_connector.engine.runtime import Pace, Runtime
from ml_connector.engine.works import Works
from ml_connector.errors import ConfigurationError, ConnectorError
from ml_connector.store.inbox_writer import InboxWriter
from ml_connector.web.app import build_app

MAX_HEADER_BYTES = 32_768
MAX_CONNECTIONS = 1_000
FINISH_REQUESTS_S = 3
FAILED = 70  # the runtime must start anew: a supervisor restarts what ends so

log = structlog.get_logger(__name__)


def serve(
    works: Works, *, database_url: str, host: str, port: int, slots: int = 8, metrics_token: str | None = None,
    public_url: str | None = None, more: Sequence[BaseRoute] = (), pace: Pace | None = None,
    ready: Callable[[int], None] | None = None,
) -> int:  # fmt: skip
    """Serve until told to end; the exit code. `ready` hears the port. Raises ConfigurationError before it begins."""
    listening = listen(host, port)
    ending: list[uvicorn.Server] = []

    def end(_reason: str) -> None:
        for server in ending:
            server.should_exit = True

    runtime = Runtime(works, database_url=database_url, slots=slots, pace=pace, on_failure=end)
    writer = InboxWriter(works.database)
    app = build_app(
        works, writer, ring=runtime.ring, runtime=runtime, metrics_token=metrics_token, public_url=public_url, more=more
    )
    server = server_of(app)
    ending.append(server)
    with _deaf_to_signals():  # the web server hears them itself, and raises them again when it has ended
        runtime.start()
        writer.start()
        try:
            if ready is not None:
                ready(listening.getsockname()[1])
            server.run(sockets=[listening])
        finally:
            code = _close(runtime, writer)
    return code


def work(works: Works, *, database_url: str, slots: int = 8, pace: Pace | None = None) -> int:
    """Run units until told to end; the exit code. For PostgreSQL, where many processes share the work."""
    if works.database.dialect == "sqlite":
        raise ConfigurationError(
            "On SQLite one process does everything.", fix="Run `ml-connector serve`, or choose PostgreSQL."
        )
    ended = threading.Event()
    runtime = Runtime(works, database_url=database_url, slots=slots, pace=pace, on_failure=lambda _reason: ended.set())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    runtime.start()
    ended.wait()
    return _close(runtime, None)


def _close(runtime: Runtime, writer: InboxWriter | None) -> int:
    """Write what was promised, let units finish their round. A unit that does not is left as a kill would leave it."""
    try:
        if writer is not None:
            writer.stop()
    except ConnectorError as fault:
        log.exception("inbox.not_finished", fault=type(fault).__name__)
    finished = runtime.stop()
    code = FAILED if runtime.failure else 0
    if not finished:
        log.warning("runtime.unit_left", running=runtime.counts.running)
        logging.shutdown()
        os._exit(code)  # its thread would keep the process; the next one finds the rows as they are
    return code


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises ConfigurationError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=512)
    except OSError as problem:
        raise ConfigurationError(
            f"{host} port {port} cannot be listened on: {problem.strerror}.",
            fix="Choose others with MLC_HOST, MLC_PORT.",
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

    def on_header(self, name: bytes, value: bytes) -> None:
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > MAX_HEADER_BYTES:
            raise ValueError("The headers are too large.")  # answered with 400, and the connection is closed
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_headers = False
        super().on_headers_complete()


@contextmanager
def _deaf_to_signals() -> Iterator[None]:
    before: dict[signal.Signals, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            before[number] = signal.signal(number, lambda *_: None)
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)
