"""A process that only takes webhooks in, beside the one that works, so that both have a core.

It verifies and commits to the inbox's file, and knows nothing else: whose a door is, it asks the process that started
it, by a line of JSON on standard output, answered on standard input. When that ends, this ends too.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, BinaryIO

import structlog
import uvicorn
from starlette.types import Receive, Scope, Send

from ml_connector.clock import Clock
from ml_connector.engine.door import Doors
from ml_connector.engine.door_line import DoorLine, Said
from ml_connector.errors import ConnectorError
from ml_connector.store.ids import Ids, SystemChance
from ml_connector.store.inbox_file import InboxFile
from ml_connector.store.inbox_writer import InboxWriter
from ml_connector.web.listening import deaf_to_signals, server_of
from ml_connector.web.webhooks import PREFIX, Hooks, said

TELL_EVERY_S = 0.05  # rings come by the hundred; one line tells them all
QUIET_S = 1.0

log = structlog.get_logger(__name__)


def run(
    inbox: Path, listening: socket.socket, *, hear: BinaryIO, tell: BinaryIO, conceal: Callable[[str], object]
) -> int:
    """Take webhooks in until `hear` ends or a signal comes; the exit code. Every message is told on `tell`."""
    line = _Line(tell)
    asking = DoorLine(line.say, conceal)
    clock = Clock()
    doors = Doors(asking, clock, Ids(clock, SystemChance()))
    writer = InboxWriter(InboxFile(inbox))
    news = _News(line)
    hooks = Hooks(doors, writer, news.ring, refused=line.refused)
    news.watch(hooks, writer)
    server = server_of(_Front(hooks))
    threading.Thread(target=_listen_to, args=(hear, asking, server), name="intake-hears", daemon=True).start()
    with deaf_to_signals():
        writer.start()
        news.start()
        server.run(sockets=[listening])
        code = 0
        try:
            writer.stop()
        except ConnectorError as fault:
            log.exception("inbox.not_finished", fault=type(fault).__name__)
            code = 1
        news.stop()
    return code


def _listen_to(hear: BinaryIO, asking: DoorLine, server: uvicorn.Server) -> None:
    for text in hear:
        asking.heard(json.loads(text))
    server.should_exit = True  # whoever started this has closed the line, or is dead


class _Front:
    """Deliveries and a sign of life; nothing else is answered here."""

    def __init__(self, hooks: Hooks) -> None:
        self._hooks = hooks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            await self._hooks(scope, receive, send)
            return
        head, body = _ALIVE if scope["path"] == "/health" else _ELSEWHERE
        await send(head)
        await send(body)


class _Line:
    """Messages to whoever started this process. Safe between threads."""

    def __init__(self, tell: BinaryIO) -> None:
        self._tell = tell
        self._lock = threading.Lock()

    def say(self, message: Said) -> None:
        """Raises OSError where nobody listens any more."""
        with self._lock:
            self._tell.write(json.dumps(message).encode() + b"\n")
            self._tell.flush()

    def refused(self, door_id: str, said: str, *, put_off: bool) -> None:
        """A door has refused something; lost where nobody listens."""
        with contextlib.suppress(OSError):
            self.say({"refused": {"door_id": door_id, "said": said, "put_off": put_off}})


class _News:
    """Tells what was rung and counted, a few times a second while there is something to tell."""

    def __init__(self, line: _Line) -> None:
        self._line = line
        self._rung: set[str] = set()
        self._lock = threading.Lock()
        self._bell = threading.Event()
        self._ending = False
        self._told: dict[str, Any] = {}
        self._thread = threading.Thread(target=self._run, name="intake-tells", daemon=True)

    def watch(self, hooks: Hooks, writer: InboxWriter) -> None:
        """What is counted where."""
        self._hooks, self._writer = hooks, writer

    def ring(self, connection_ids: Collection[str]) -> None:
        with self._lock:
            self._rung.update(connection_ids)
        if not self._bell.is_set():
            self._bell.set()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Tell the last of it."""
        self._ending = True
        self._bell.set()
        self._thread.join(QUIET_S)

    def _run(self) -> None:
        while True:
            self._bell.wait(QUIET_S)
            ending = self._ending
            self._bell.clear()
            try:
                self._tell()
            except OSError:
                return  # nobody listens: this process is about to end
            if ending:
                return
            threading.Event().wait(TELL_EVERY_S)

    def _tell(self) -> None:
        with self._lock:
            rung, self._rung = self._rung, set()
        counted = [[connector, what, n] for (connector, what), n in dict(self._hooks.doors.counted).items()]
        now = {"counted": counted, "unknown": self._hooks.unknown, "waiting": self._writer.waiting()}
        if rung or now != self._told:
            self._told = now
            self._line.say({"rung": sorted(rung), **now})


_ALIVE = said(200, "live")
_ELSEWHERE = said(404, "This port takes webhooks alone.")
