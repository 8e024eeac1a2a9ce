"""The pretend PayPal as a process of its own: its certificates fetched, its webhooks received over real sockets."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

pytestmark = pytest.mark.slow
COMMAND = [sys.executable, "-m", "ml_connector_sandbox", "serve", "--only", "paypal", "--time-scale", "0.001"]
DEADLINE_S = 15.0


class Receiver(ThreadingHTTPServer):
    """Answers 503 once, then 204, and keeps what came."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Door)
        self.came: list[tuple[dict[str, str], bytes]] = []


class _Door(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server = self.server
        assert isinstance(server, Receiver)
        raw = self.rfile.read(int(self.headers["content-length"]))
        server.came.append(({name.lower(): value for name, value in self.headers.items()}, raw))
        self.send_response(503 if len(server.came) == 1 else 204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is that of the base class
        """Tests print nothing."""


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    process = subprocess.Popen(COMMAND, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield str(json.loads(process.stdout.readline())["paypal"])
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


def call(base: str, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, bytes]:
    place = urlsplit(base)
    connection = HTTPConnection(place.hostname or "", place.port, timeout=10)
    try:
        raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        sent = {"content-type": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()}
        connection.request(method, path, raw, sent)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def verb(base: str, name: str, **arguments: Any) -> Any:
    status, answer = call(base, "POST", "/_sandbox/control", {"verb": name} | arguments)
    assert status == 200, answer
    return json.loads(answer)


def test_a_webhook_arrives_is_tried_again_and_verifies_with_the_served_certificate(
    base: str, receiver: Receiver
) -> None:
    facts = verb(base, "seed_merchant")
    verb(base, "knobs", cert_base_url=base, duplicate_share=0)
    pair = base64.b64encode(f"{facts['client_id']}:{facts['client_secret']}".encode()).decode()
    form = {"authorization": f"Basic {pair}", "content_type": "application/x-www-form-urlencoded"}
    status, granted = call(base, "POST", "/v1/oauth2/token", b"grant_type=client_credentials", **form)
    assert status == 200, granted
    bearer = f"Bearer {json.loads(granted)['access_token']}"
    wanted = {
        "url": f"http://127.0.0.1:{receiver.server_port}/in",
        "event_types": [{"name": "PAYMENT.CAPTURE.COMPLETED"}],
    }
    status, hook = call(base, "POST", "/v1/notifications/webhooks", wanted, authorization=bearer)
    assert status == 201, hook
    verb(base, "capture", gross="125.00", note="Blåbær €")
    ends = time.monotonic() + DEADLINE_S
    while len(receiver.came) < 2 and time.monotonic() < ends:
        time.sleep(0.02)
    (first, raw), (again, same) = receiver.came
    assert raw == same
    assert first["paypal-transmission-id"] == again["paypal-transmission-id"]
    status, pem = call(base, "GET", urlsplit(again["paypal-cert-url"]).path)
    leaf = x509.load_pem_x509_certificates(pem)[0].public_key()
    assert isinstance(leaf, rsa.RSAPublicKey)
    parts = (
        again["paypal-transmission-id"],
        again["paypal-transmission-time"],
        json.loads(hook)["id"],
        zlib.crc32(raw),
    )
    text = "|".join(str(part) for part in parts).encode()
    leaf.verify(base64.b64decode(again["paypal-transmission-sig"]), text, padding.PKCS1v15(), hashes.SHA256())


def test_a_fault_rule_slows_the_certificate_host_and_a_bad_verb_is_a_400(base: str) -> None:
    verb(base, "seed_merchant")
    path = verb(base, "certificates")["path"]
    rule = {"match": {"operation": "GET /v1/notifications/certs/{cert_id}"}, "effect": {"kind": "slow", "seconds": 0.3}}
    call(base, "POST", "/_sandbox/faults", rule)
    began = time.monotonic()
    assert call(base, "GET", path)[0] == 200
    assert time.monotonic() - began >= 0.3
    status, answer = call(base, "POST", "/_sandbox/control", {"verb": "dance"})
    assert (status, b"dance" in answer) == (400, True)
