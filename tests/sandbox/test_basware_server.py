"""The pretend Basware as a process of its own: a redirect followed, a connection test and a push over real sockets."""

from __future__ import annotations

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

from ml_connector_sandbox.basware.pushes import signature
from tests.sandbox.basware_tenant import SECRET, basic, term

pytestmark = pytest.mark.slow
COMMAND = [sys.executable, "-m", "ml_connector_sandbox", "serve", "--only", "basware", "--time-scale", "0.001"]
DEADLINE_S = 15.0


class Receiver(ThreadingHTTPServer):
    """Answers 200 and keeps what came."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Door)
        self.came: list[tuple[dict[str, str], bytes]] = []


class _Door(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server = self.server
        assert isinstance(server, Receiver)
        raw = self.rfile.read(int(self.headers["content-length"]))
        server.came.append(({name.lower(): value for name, value in self.headers.items()}, raw))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is that of the base class
        """Tests print nothing."""


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    process = subprocess.Popen(COMMAND, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield str(json.loads(process.stdout.readline())["basware"])
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


def call(url: str, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
    place = urlsplit(url)
    connection = HTTPConnection(place.hostname or "", place.port, timeout=10)
    try:
        raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        sent = {"content-type": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()}
        connection.request(method, path, raw, sent)
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def verb(base: str, name: str, **arguments: Any) -> Any:
    status, _, answer = call(base, "POST", "/_sandbox/control", {"verb": name} | arguments)
    assert status == 200, answer
    return json.loads(answer)


def test_a_tenant_is_served_over_http(base: str, receiver: Receiver) -> None:
    facts = verb(base, "seed_tenant")
    verb(base, "knobs", connection_test="inline", duplicate_share=0)
    form = urlencode({"grant_type": "client_credentials", "scope": " ".join(facts["scopes"])}).encode()
    who = basic(facts["client_id"], facts["client_secret"])
    _, _, answer = call(
        base, "POST", "/v1/tokens", form, authorization=who, content_type="application/x-www-form-urlencoded"
    )
    bearer = f"Bearer {json.loads(answer)['access_token']}"
    hook = {
        "taskType": "AccountingDocuments", "subscriptionType": "Webhook", "webhookAuthenticationToken": SECRET,
        "notificationWebhookURL": f"http://127.0.0.1:{receiver.server_port}/basware?x=1",
    }  # fmt: skip
    status, headers, _ = call(base, "POST", "/v1/subscriptions", [hook], authorization=bearer)
    assert status == 200
    assert headers["x-amzn-requestid"]
    assert json.loads(receiver.came[0][1])["taskType"] == "ConnectionTest"
    status, _, _ = call(base, "POST", "/v1/paymentTerms", [term(companies=[])], authorization=bearer)
    assert status == 200
    made = verb(base, "invoice")["invoice_id"]
    status, headers, _ = call(base, "GET", "/v1/accountingDocuments", authorization=bearer)
    place = urlsplit(headers["location"])
    assert status == 302
    assert call(base, "GET", f"{place.path}?{place.query}", authorization=bearer)[0] == 400
    status, _, answer = call(base, "GET", f"{place.path}?{place.query}")
    assert (status, json.loads(answer)["accountingDocuments"][0]["invoiceId"]) == (200, made)
    waited = time.monotonic() + DEADLINE_S
    while len(receiver.came) < 2 and time.monotonic() < waited:
        time.sleep(0.02)
    headers, body = receiver.came[1]
    assert json.loads(body)["documentId"] == made
    assert headers["x-bwapi-signature-256"] == signature(SECRET, body, "hex")
