"""Certificates over a real connection to this machine: fetched beside the delivery, redirects not followed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ml_connector.connectors.paypal.certificates import CertificateProblem, CertificateStore, fetched
from ml_connector.connectors.paypal.doorkeys import DoorKey
from ml_connector.connectors.paypal.webhooks import PayPalWebhooks
from ml_connector.errors import Transient
from tests.connectors.paypal.chains import NOW
from tests.connectors.paypal.test_webhooks import GOOD, P1, WEBHOOK, signed

PATH = "/v1/notifications/certs/"


@dataclass
class Host:
    """An address for certificates on this machine. `asked` counts."""

    origin: str
    asked: list[str] = field(default_factory=list)

    @property
    def door(self) -> DoorKey:
        return DoorKey(WEBHOOK, "local", origin=self.origin, roots=GOOD.root)


@pytest.fixture
def host() -> Iterator[Host]:
    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(self.path)
            status = {"CERT-GONE": 404, "CERT-MOVED": 302}.get(self.path.rpartition("/")[2], 200)
            self.send_response(status)
            self.send_header("Location", f"{made.origin}{PATH}CERT-1")
            self.end_headers()
            self.wfile.write(GOOD.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it has there
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    made = Host(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_certificate_is_fetched_beside_the_delivery_which_is_then_taken(host: Host) -> None:
    threads: list[threading.Thread] = []

    def run(job: object) -> None:
        threads.append(threading.Thread(target=job))  # type: ignore[arg-type]

    door = PayPalWebhooks(CertificateStore(run=run))
    headers = signed(url=f"{host.origin}{PATH}CERT-1")

    def verify() -> None:
        door.verify(P1, headers, url="", keys=(host.door.text(),), now=NOW)

    with pytest.raises(Transient):
        verify()
    threads[0].start()
    threads[0].join()
    verify()
    assert host.asked == [f"{PATH}CERT-1"]


def test_the_download_of_its_own_runs_in_the_background(host: Host) -> None:
    door = PayPalWebhooks(CertificateStore())
    headers = signed(url=f"{host.origin}{PATH}CERT-1")
    with suppress(Transient):  # unless it was there within the same breath
        door.verify(P1, headers, url="", keys=(host.door.text(),), now=NOW)
    for thread in [one for one in threading.enumerate() if one.name == "paypal-certificate"]:
        thread.join(10)
    door.verify(P1, headers, url="", keys=(host.door.text(),), now=NOW)


@pytest.mark.parametrize(("name", "said"), [("CERT-GONE", "404"), ("CERT-MOVED", "302")])
def test_a_redirect_is_not_followed_and_a_refusal_is_told(host: Host, name: str, said: str) -> None:
    with pytest.raises(CertificateProblem, match=said):
        fetched(f"{host.origin}{PATH}{name}", host.door)
    assert host.asked == [PATH + name]


def test_an_address_where_nobody_answers_is_told() -> None:
    nobody = DoorKey(WEBHOOK, "local", origin="http://127.0.0.1:9", roots=GOOD.root)
    with pytest.raises(CertificateProblem, match="could not be fetched"):
        fetched(f"{nobody.origin}{PATH}CERT-1", nobody)
