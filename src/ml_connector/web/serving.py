"""Serving: web, ticker and workers in one process, or workers alone. Ends within ten seconds of SIGTERM."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Sequence
from functools import partial

import structlog
import uvicorn
from starlette.routing import BaseRoute

from ml_connector.engine.door_rows import DoorRows
from ml_connector.engine.doorkeeping import keep_refusal
from ml_connector.engine.pace import Pace
from ml_connector.engine.runtime import Runtime
from ml_connector.engine.works import Works
from ml_connector.errors import ConfigurationError, ConnectorError
from ml_connector.store.inbox_writer import InboxWriter
from ml_connector.web.app import build_app
from ml_connector.web.intake_keeper import Beside, Intake
from ml_connector.web.listening import deaf_to_signals, listen, server_of

LET_GO_S = 5.0  # one whose process was killed lets its port go when it notices
FAILED = 70  # the runtime must start anew: a supervisor restarts what ends so

log = structlog.get_logger(__name__)


def serve(  # noqa: PLR0913  one call starts a whole install
    works: Works, *, database_url: str, host: str, port: int, slots: int = 8, metrics_token: str | None = None,
    public_url: str | None = None, more: Sequence[BaseRoute] = (), pace: Pace | None = None,
    ready: Callable[[int], None] | None = None, beside: Beside | None = None,
) -> int:  # fmt: skip
    """Serve until told to end; the exit code. `ready` hears the port; `beside` is a process that takes webhooks in.

    Raises ConfigurationError before it begins.
    """
    listening = listen(host, port)
    at_door = listen(host, beside.port, patience_s=LET_GO_S, setting="MLC_INTAKE_PORT") if beside else None
    ending: list[uvicorn.Server] = []

    def end(_reason: str) -> None:
        for server in ending:
            server.should_exit = True

    runtime = Runtime(works, database_url=database_url, slots=slots, pace=pace, on_failure=end)
    writer = InboxWriter(works.database)
    intake = (
        Intake(beside.command, at_door, DoorRows(works), ring=runtime.ring, refused=partial(keep_refusal, works))
        if beside and at_door
        else None
    )
    app = build_app(
        works, writer, ring=runtime.ring, runtime=runtime, intake=intake, metrics_token=metrics_token,
        public_url=public_url, more=more,
    )  # fmt: skip
    server = server_of(app)
    ending.append(server)
    with deaf_to_signals():  # the web server hears them itself, and raises them again when it has ended
        runtime.start()
        writer.start()
        if intake is not None:
            intake.start()
        try:
            if ready is not None:
                ready(listening.getsockname()[1])
            server.run(sockets=[listening])
        finally:
            if intake is not None:
                intake.stop()
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
