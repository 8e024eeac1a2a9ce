"""The pretend Stripe as a process of its own: seeded, called and heard over real sockets."""

from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

pytestmark = pytest.mark.slow
COMMAND = [sys.executable, "-m", "ml_connector_sandbox", "serve", "--only", "stripe", "--time-scale", "0.0005"]
DEADLINE_S = 15.0
VERSION = "2026-10-28.endive"


class Receiver(ThreadingHTTPServer):
    """Answers 500 once, then 200, and keeps what came."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Door)
        self.came: list[tuple[str, bytes]] = []


class _Door(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server = self.server
        assert isinstance(server, Receiver)
        raw = self.rfile.read(int(self.headers["content-length"]))
        server.came.append((self.headers["stripe-signature"], raw))
        self.send_response(500 if len(server.came) == 1 else 200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is that of the base class
        """Tests print nothing."""


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    process = subprocess.Popen(COMMAND, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield str(json.loads(process.stdout.readline())["stripe"])
    finally:
        process.terminate()
        process.wait(timeout=DEADLINE_S)
        process.stdout.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def call(base: str, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, Any]:
    place = urlsplit(base)
    connection = HTTPConnection(place.hostname or "", place.port, timeout=10)
    try:
        connection.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def verb(base: str, name: str, **arguments: Any) -> Any:
    body = json.dumps({"verb": name} | arguments).encode()
    status, answer = call(base, "POST", "/_sandbox/control", body)
    assert status == 200, answer
    return answer


def api(base: str, secret: str, method: str, path: str, **fields: str) -> Any:
    headers = {"authorization": f"Bearer {secret}", "stripe_version": VERSION}
    headers["content_type"] = "application/x-www-form-urlencoded"
    status, answer = call(base, method, f"/v1/{path}", urlencode(fields).encode() if fields else None, **headers)
    assert status == 200, answer
    return answer


def test_a_webhook_arrives_and_is_tried_again_with_a_signature_of_that_moment(base: str, receiver: Receiver) -> None:
    secret = verb(base, "seed_account")["secret_key"]
    verb(base, "knobs", duplicate_share=0.0)
    url = f"http://127.0.0.1:{receiver.server_port}/in"
    hook = api(base, secret, "POST", "webhook_endpoints", **{"url": url, "enabled_events[]": "charge.updated"})
    paid = verb(base, "charge", amount=12500, description="Blåbær €")
    ends = time.monotonic() + DEADLINE_S
    while len(receiver.came) < 2 and time.monotonic() < ends:
        time.sleep(0.02)
    (_, raw), (again, same) = receiver.came
    assert raw == same
    fields = dict(part.split("=") for part in again.split(","))
    right = hmac.new(hook["secret"].encode(), f"{fields['t']}.".encode() + same, hashlib.sha256).hexdigest()
    assert fields["v1"] == right
    charge = api(base, secret, "GET", f"charges/{paid['charge_id']}")
    assert json.loads(same)["data"]["object"]["balance_transaction"] == charge["balance_transaction"]


def test_the_clock_of_the_server_brings_what_is_due(base: str) -> None:
    account = verb(base, "seed_account")
    own = {"account_id": account["account_id"]}
    verb(base, "charge", amount=20000, fee=500, **own)
    call(base, "POST", "/_sandbox/clock", b'{"advance_s": 4000}')
    assert verb(base, "payout", **own)["amount"] == 19500
    status, answer = call(base, "POST", "/_sandbox/control", b'{"verb": "dance"}')
    assert (status, "dance" in answer["error"]) == (400, True)
