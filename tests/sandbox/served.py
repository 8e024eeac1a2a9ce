"""Pretend vendors as processes of their own, called and heard over real sockets."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

DEADLINE_S = 30.0


@dataclass(frozen=True, slots=True)
class Heard:
    """What came back; `json` reads it."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@contextmanager
def serving(*names: str, time_scale: float = 1.0) -> Iterator[dict[str, str]]:
    """These vendors, for the length of the block: base URLs by name."""
    command = [sys.executable, "-m", "ml_connector_sandbox", "serve", "--time-scale", str(time_scale)]
    only = [word for name in names for word in ("--only", name)]
    with subprocess.Popen([*command, *only], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()
            process.wait(timeout=DEADLINE_S)


def call(base: str, method: str, path: str, body: Any = None, **headers: str) -> Heard:
    """One request; a body that is no bytes goes as JSON, a header's name may be written with underscores."""
    place = urlsplit(base)
    connection = HTTPConnection(place.hostname or "", place.port, timeout=DEADLINE_S)
    try:
        raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        sent = {"content-type": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()}
        connection.request(method, path, raw, sent)
        answer = connection.getresponse()
        return Heard(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def verb(base: str, name: str, **arguments: Any) -> Any:
    """What a control verb says."""
    heard = call(base, "POST", "/_sandbox/control", {"verb": name} | arguments)
    assert heard.status == 200, heard.body
    return heard.json


class Receiver(ThreadingHTTPServer):
    """Keeps what is posted to it; answers with these statuses one after another, the last of them for ever."""

    def __init__(self, *statuses: int) -> None:
        super().__init__(("127.0.0.1", 0), _Door)
        self.statuses = list(statuses)
        self.came: list[tuple[dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/in"

    def wait_for(self, many: int) -> list[tuple[dict[str, str], bytes]]:
        """(headers in lower case, body) of all that came, once it is as many."""
        wait_until(lambda: len(self.came) >= many)
        return self.came


@contextmanager
def receiving(*statuses: int) -> Iterator[Receiver]:
    """A receiver, for the length of the block."""
    server = Receiver(*statuses)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def wait_until(done: Callable[[], bool]) -> None:
    """Until it is true, or the deadline is over."""
    ends = time.monotonic() + DEADLINE_S
    while not done() and time.monotonic() < ends:
        time.sleep(0.02)


class _Door(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server = self.server
        assert isinstance(server, Receiver)
        raw = self.rfile.read(int(self.headers["content-length"]))
        status = server.statuses.pop(0) if len(server.statuses) > 1 else server.statuses[0]
        server.came.append(({name.lower(): value for name, value in self.headers.items()}, raw))
        self.send_response(status)
        if status != 204:
            self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is that of the base class
        """Tests print nothing."""
