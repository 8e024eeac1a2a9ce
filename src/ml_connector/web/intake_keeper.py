"""Keeps the process that takes webhooks in: starts it, answers it, counts for it, starts it again when it dies.

The listening socket is opened here and lent to it, so that senders wait a moment, and are not refused, while it starts.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from ml_connector.engine.door import Lookup
from ml_connector.engine.door_line import answer_to

STOP_S = 8.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 10.0
LIVED_S = 30.0  # who lived so long is started again at once
_NOT_ITS_BUSINESS = ("MLC_MASTER_KEY", "MLC_DATABASE_URL")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Beside:
    """A process to take webhooks in at a port of its own. `command` is followed by the number of its socket."""

    port: int
    command: tuple[str, ...]


class Intake:
    """That process while it is kept. `counted`, `unknown` are over all its lives; `waiting` as it last said."""

    def __init__(
        self, command: Sequence[str], listening: socket.socket, lookup: Lookup,
        *, ring: Callable[[Collection[str]], None], refused: Callable[..., None],
    ) -> None:  # fmt: skip
        self.counted: dict[tuple[str, str], int] = {}
        self.unknown = self.waiting = self.starts = 0
        self.alive = False
        self._command = (*command, str(listening.fileno()))
        self._listening = listening
        self._lookup = lookup
        self._ring = ring
        self._refused = refused
        self._ending = threading.Event()
        self._child: subprocess.Popen[bytes] | None = None
        self._saying = threading.Lock()
        self._thread = threading.Thread(target=self._keep, name="intake-keeper", daemon=True)

    def start(self) -> None:
        """Begin to keep it."""
        self._thread.start()

    def stop(self) -> None:
        """End it: it writes what it has promised first; killed after eight seconds."""
        self._ending.set()
        child = self._child
        if child is not None:
            _close(child)
        self._thread.join(STOP_S)
        child = self._child
        if child is not None and child.poll() is None:
            log.warning("intake.killed", pid=child.pid)
            child.kill()
            self._thread.join(1)
        self._listening.close()

    def _keep(self) -> None:
        pause_s = FIRST_PAUSE_S
        while not self._ending.is_set():
            began = time.monotonic()
            code = self._live_once()
            if self._ending.is_set():
                return
            lived_s = time.monotonic() - began
            pause_s = FIRST_PAUSE_S if lived_s > LIVED_S else min(2 * pause_s, LONGEST_PAUSE_S)
            log.error("intake.died", code=code, lived_s=round(lived_s, 1), again_in_s=pause_s)
            self._ending.wait(pause_s)

    def _live_once(self) -> int:
        environment = {name: value for name, value in os.environ.items() if name not in _NOT_ITS_BUSINESS}
        with subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment,
            pass_fds=(self._listening.fileno(),), start_new_session=True,
        ) as child:  # fmt: skip
            self._child, self.alive = child, True
            self.starts += 1
            if self._ending.is_set():
                _close(child)
            before, unknown = dict(self.counted), self.unknown
            for line in child.stdout or ():
                try:
                    self._take(json.loads(line), child, before, unknown)
                except Exception as fault:  # the keeper must outlive whatever is said to it
                    log.exception("intake.not_understood", fault=type(fault).__name__)
            self.alive, self.waiting = False, 0
        return child.returncode

    def _take(
        self, message: Mapping[str, Any], child: subprocess.Popen[bytes], before: Mapping[tuple[str, str], int],
        unknown: int,
    ) -> None:  # fmt: skip
        if "vouch" in message:  # a vendor is asked: whoever asks whose a door is does not wait for that
            threading.Thread(target=self._answer, args=(message, child), name="intake-vouches", daemon=True).start()
            return
        if "refused" in message:
            told = message["refused"]
            threading.Thread(target=self._refused, kwargs=told, name="intake-refused", daemon=True).start()
            return
        if "ask" in message:
            self._answer(message, child)
            return
        for connector, what, n in message["counted"]:
            self.counted[connector, what] = before.get((connector, what), 0) + n
        self.unknown, self.waiting = unknown + message["unknown"], message["waiting"]
        if message["rung"]:
            self._ring(message["rung"])

    def _answer(self, message: Mapping[str, Any], child: subprocess.Popen[bytes]) -> None:
        answer = json.dumps(answer_to(message, self._lookup)).encode() + b"\n"
        with self._saying, contextlib.suppress(OSError, ValueError):  # it died, or is being stopped
            if child.stdin is not None:
                child.stdin.write(answer)
                child.stdin.flush()


def _close(child: subprocess.Popen[bytes]) -> None:
    if child.stdin is not None:
        with contextlib.suppress(OSError):
            child.stdin.close()
