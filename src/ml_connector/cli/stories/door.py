"""A story's webhook door: the very application that an install serves, on a free port of this machine."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from ml_connector.engine.works import Works
from ml_connector.errors import ConfigurationError
from ml_connector.store.inbox_writer import InboxWriter
from ml_connector.web.app import build_app

START_LIMIT_S = 10.0


@contextmanager
def listening(works: Works) -> Iterator[str]:
    """The door's public address, for the length of a story. Nobody is rung: the story itself looks what is due."""
    writer = InboxWriter(works.database)
    app = build_app(works, writer, ring=lambda _connections: None)
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, access_log=False, lifespan="off", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="door", daemon=True)
    writer.start()
    thread.start()
    try:
        yield _address(server, thread)
    finally:
        server.should_exit = True
        thread.join(START_LIMIT_S)
        writer.stop()


def _address(server: uvicorn.Server, thread: threading.Thread) -> str:
    until = time.monotonic() + START_LIMIT_S
    while thread.is_alive() and time.monotonic() < until:
        if server.started:
            host, port = server.servers[0].sockets[0].getsockname()[:2]
            return f"http://{host}:{port}"
        time.sleep(0.02)
    raise ConfigurationError("The webhook door did not open.", fix="See that this machine has a free port.")
