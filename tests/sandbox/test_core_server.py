"""The server around a pretend vendor: real sockets, real processes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.client import BadStatusLine, HTTPConnection, IncompleteRead, RemoteDisconnected
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode, urlsplit

import pytest

from ml_connector_sandbox.core.dispatch import Dispatcher
from ml_connector_sandbox.core.wire import Delivery, Request, Response
from ml_connector_sandbox.visma.webhooks import signature
from tests.sandbox.visma_office import SCOPES, journal

pytestmark = pytest.mark.slow
COMMAND = [sys.executable, "-m", "ml_connector_sandbox", "serve", "--only", "visma"]
DEADLINE_S = 15.0


class Server:
    """A running sandbox and one connection to it."""

    def __init__(self, base: str) -> None:
        self.place = urlsplit(base)
        self.headers: dict[str, str] = {}

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        connection = HTTPConnection(self.place.hostname or "", self.place.port, timeout=10)
        try:
            raw = body if isinstance(body, str | None) else json.dumps(body)
            connection.request(method, path, raw, self.headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def door(self, method: str, name: str, body: Any = None) -> Any:
        status, answer = self.call(method, f"/_sandbox/{name}", body)
        assert status == 200, answer
        return json.loads(answer)


def started(extra: list[str]) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen([*COMMAND, *extra], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())["visma"]


def stopped(process: subprocess.Popen[str]) -> int:
    process.send_signal(signal.SIGTERM)
    code = process.wait(timeout=DEADLINE_S)
    assert process.stdout is not None
    process.stdout.close()
    return code


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    process, base = started([])
    held = Server(base)
    company = held.door("POST", "control", {"verb": "seed_company"})
    form = {
        "grant_type": "client_credentials",
        "client_id": company["client_id"],
        "client_secret": company["client_secret"],
        "tenant_id": company["tenant_id"],
        "scope": SCOPES,
    }
    token = json.loads(held.call("POST", "/connect/token", urlencode(form))[1])["access_token"]
    held.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    yield held
    assert stopped(process) == 0


def test_a_voucher_travels_over_http(server: Server) -> None:
    assert server.call("POST", "/v2/journaltransaction", journal(transactionDate=today()))[0] == 201
    assert server.door("GET", "calls")["POST /v2/journaltransaction"] >= 1


def today() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT00:00:00")


def test_a_cut_closes_the_socket_without_a_byte(server: Server) -> None:
    server.door("POST", "faults", {"match": {"path": "^/v1/currency"}, "effect": "cut_after"})
    with socket.create_connection((server.place.hostname or "", server.place.port or 0), timeout=10) as raw:
        raw.sendall(b"GET /v1/currency HTTP/1.1\r\nHost: x\r\n\r\n")
        assert raw.recv(1) == b""
    server.door("POST", "faults", {"match": {"path": "^/v1/currency"}, "effect": "cut_before"})
    with pytest.raises((RemoteDisconnected, ConnectionResetError, BadStatusLine)):
        server.call("GET", "/v1/currency")
    assert server.call("GET", "/v1/currency")[0] == 200


def test_a_truncated_answer_ends_in_the_middle(server: Server) -> None:
    server.door("POST", "faults", {"match": {"path": "^/v1/account"}, "effect": "truncate"})
    with pytest.raises(IncompleteRead):
        server.call("GET", "/v1/account")


def test_a_slow_answer_does_not_hold_up_others(server: Server) -> None:
    server.door("POST", "faults", {"match": {"path": "^/v1/ledger"}, "effect": {"kind": "slow", "seconds": 1}})
    done: list[float] = []
    began = time.monotonic()

    def wait_for_it() -> None:
        server.call("GET", "/v1/ledger")
        done.append(time.monotonic() - began)

    slow = threading.Thread(target=wait_for_it)
    slow.start()
    assert server.call("GET", "/v1/branch")[0] == 200
    assert not done
    slow.join()
    assert done[0] >= 1


def test_the_vendors_clock_is_moved_and_set(server: Server) -> None:
    before = datetime.fromisoformat(server.door("GET", "clock")["now"])
    after = datetime.fromisoformat(server.door("POST", "clock", {"advance_s": 3600})["now"])
    assert 3600 <= (after - before).total_seconds() < 3660
    server.door("POST", "clock", {"advance_s": -3600})
    assert server.call("POST", "/_sandbox/clock", {"set": "2026-03-01T12:00:00"})[0] == 400


def test_nonsense_at_the_control_door_is_explained(server: Server) -> None:
    status, answer = server.call("POST", "/_sandbox/control", {"verb": "fly"})
    assert status == 400
    assert "fly" in json.loads(answer)["error"]
    assert server.call("GET", "/_sandbox/nowhere")[0] == 404


class Receiver(BaseHTTPRequestHandler):
    """Keeps what it is sent; answers what the path says, 200 when it says nothing."""

    protocol_version = "HTTP/1.1"
    seen: ClassVar[list[tuple[str, bytes]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append((self.headers.get("x-visma-signature", ""), body))
        self.send_response(int(self.path.strip("/") or 200))
        self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[str]:
    Receiver.seen = []
    listening = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{listening.server_address[1]}"
    listening.shutdown()
    thread.join()
    listening.server_close()


def test_a_webhook_arrives_signed(server: Server, receiver: str) -> None:
    key = server.door("POST", "control", {"verb": "subscribe", "url": receiver})["key"]
    body = {"name": {"value": "Fjord AS"}}
    assert server.call("POST", "/v1/customer", body)[0] == 201
    end = time.monotonic() + DEADLINE_S
    while not Receiver.seen and time.monotonic() < end:
        time.sleep(0.02)
    told, raw = Receiver.seen[0]
    assert told == signature(key, raw)
    assert json.loads(raw)["eventName"] == "CustomerCreated"


class Postbox:
    """A vendor that only has webhooks to deliver, and notes how they ended."""

    name = "postbox"

    def __init__(self, url: str, many: int) -> None:
        self.waiting = [Delivery(str(n), url, (("Content-Type", "application/json"),), b"{}") for n in range(many)]
        self.ended: list[int | None] = []

    def answer(self, request: Request, at: datetime) -> Response:
        return Response(404)

    def control(self, verb: str, arguments: dict[str, Any], at: datetime) -> Any:
        raise ValueError(verb)

    def operation(self, request: Request) -> str:
        return request.path

    def deliveries(self, at: datetime) -> list[Delivery]:
        taken, self.waiting = self.waiting, []
        return taken

    def delivered(self, delivery: Delivery, status: int | None, at: datetime) -> None:
        self.ended.append(status)


def delivered_to(url: str, many: int) -> list[int | None]:
    box = Postbox(url, many)

    async def deliver() -> None:
        task = asyncio.create_task(Dispatcher(box, lambda: datetime.now(UTC), concurrency=4).run())
        end = time.monotonic() + DEADLINE_S
        while len(box.ended) < many and time.monotonic() < end:  # noqa: ASYNC110 - the box only counts
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(deliver())
    return box.ended


def test_deliveries_share_kept_connections_and_all_arrive(receiver: str) -> None:
    assert delivered_to(receiver, 50) == [200] * 50
    assert len(Receiver.seen) == 50


def test_a_redirect_is_not_followed_and_a_dead_receiver_is_no_answer(receiver: str) -> None:
    assert delivered_to(receiver + "/302", 1) == [302]
    assert delivered_to("http://127.0.0.1:1/", 1) == [None]


def test_the_command_writes_its_addresses_and_leaves_nothing_behind(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    process, base = started(["--ready-file", str(ready), "--seed", "5"])
    assert json.loads(ready.read_text()) == {"visma": base}
    child = Server(base).door("GET", "ready")["pid"]
    assert stopped(process) == 0
    assert not alive(child)


def test_children_end_when_their_parent_is_killed() -> None:
    process, base = started([])
    child = Server(base).door("GET", "ready")["pid"]
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()
    end = time.monotonic() + DEADLINE_S
    while alive(child) and time.monotonic() < end:
        time.sleep(0.05)
    assert not alive(child)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] == "Z")
