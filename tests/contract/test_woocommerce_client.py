"""WooCommerce's official Python client drives the pretend shop over HTTP, unchanged."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
import uvicorn

from ml_connector_sandbox.core.dispatch import Dispatcher
from ml_connector_sandbox.core.faults import Faulty
from ml_connector_sandbox.core.server import Application, Clock, bound_socket
from ml_connector_sandbox.woocommerce import WooCommerce
from ml_connector_sandbox.woocommerce.webhooks import signature

client = pytest.importorskip("woocommerce", reason="the official client `woocommerce` is not installed")
pytestmark = pytest.mark.slow
DEADLINE_S = 10.0


class Served:
    """A pretend shop behind a real socket, with the official client for it."""

    def __init__(self, vendor: WooCommerce, base: str, path: str) -> None:
        self.vendor = vendor
        self.facts = self.do("seed_store", path=path)
        self.api = client.API(
            f"{base}{path}", self.facts["consumer_key"], self.facts["consumer_secret"], version="wc/v3", timeout=10
        )

    def do(self, verb: str, **arguments: Any) -> Any:
        return self.vendor.control(verb, arguments, datetime.now(UTC))


@pytest.fixture(params=["", "/butik"])
def served(request: pytest.FixtureRequest) -> Iterator[Served]:
    vendor = WooCommerce(time_scale=0.0)
    sock = bound_socket(0)
    config = uvicorn.Config(Application(Faulty(vendor), Clock()), lifespan="off", log_level="error", access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    _until(lambda: server.started)
    yield Served(vendor, f"http://127.0.0.1:{sock.getsockname()[1]}", request.param)
    server.should_exit = True
    thread.join(timeout=DEADLINE_S)
    assert not thread.is_alive()


def _until(done: Any) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not done() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert done()


def test_the_client_makes_pays_reads_and_refunds_an_order(served: Served) -> None:
    product = served.facts["products"]["25"]
    made = served.api.post("orders", {"line_items": [{"product_id": product, "quantity": 2}]})
    assert made.status_code == 201, made.text
    order = made.json()
    paid = served.api.put(f"orders/{order['id']}", {"set_paid": True, "payment_method": "stripe"}).json()
    assert paid["status"] == "processing"
    line = order["line_items"][0]["id"]
    refund = served.api.post(
        f"orders/{order['id']}/refunds", {"line_items": [{"id": line, "quantity": 1, "refund_total": "50.00"}]}
    )
    assert refund.json()["amount"] == "50.00"
    assert served.api.get(f"orders/{order['id']}").json()["refunds"][0]["total"] == "-50.00"
    assert served.api.delete(f"orders/{order['id']}", params={"force": True}).status_code == 200
    assert served.api.get(f"orders/{order['id']}").status_code == 404


def test_the_client_walks_pages_by_time(served: Served) -> None:
    served.do("bulk", n=230)
    seen: list[int] = []
    page = 1
    while True:
        query = {"per_page": 100, "page": page, "orderby": "modified", "order": "asc", "status": "processing"}
        answer = served.api.get("orders", params=query)
        assert answer.status_code == 200, answer.text
        seen += [order["id"] for order in answer.json()]
        if page == int(answer.headers["X-WP-TotalPages"]):
            break
        page += 1
    assert len(set(seen)) == 230


def test_the_client_reads_everything_a_connection_needs(served: Served) -> None:
    for path in ("system_status", "settings/tax", "taxes", "taxes/classes", "payment_gateways", "customers", "refunds"):
        answer = served.api.get(path)
        assert answer.status_code == 200, answer.text
    assert "methods" in served.api.options("orders").json()


def test_a_wrong_secret_is_told_in_json(served: Served) -> None:
    served.api.consumer_secret = "cs_wrong"
    answer = served.api.get("orders")
    assert (answer.status_code, answer.json()["code"]) == (401, "woocommerce_rest_authentication_error")


class _Door(BaseHTTPRequestHandler):
    """Keeps what is posted."""

    kept: ClassVar[list[tuple[dict[str, str], bytes]]] = []

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        self.kept.append((dict(self.headers.items()), self.rfile.read(length)))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class calls it so
        del format, args


def test_webhooks_arrive_after_their_ping(served: Served) -> None:
    _Door.kept.clear()
    door = ThreadingHTTPServer(("127.0.0.1", 0), _Door)
    door.daemon_threads = True
    thread = threading.Thread(target=door.serve_forever, daemon=True)
    thread.start()
    try:
        url = f"http://127.0.0.1:{door.server_port}/hooks/woo"
        made = served.api.post("webhooks", {"topic": "order.updated", "delivery_url": url, "secret": "s3cret"}).json()
        deliver(served, 1)
        served.do("order")
        deliver(served, 2)
        (_, ping), (headers, body) = _Door.kept
        assert ping == f"webhook_id={made['id']}".encode()
        assert headers["X-WC-Webhook-Signature"] == signature("s3cret", body)
    finally:
        door.shutdown()
        door.server_close()
        thread.join(timeout=DEADLINE_S)


def deliver(served: Served, n: int) -> None:
    """Have the sandbox's own dispatcher deliver until n posts have arrived."""

    async def run() -> None:
        later = Clock()
        later.move({"advance_s": 60})
        task = asyncio.create_task(Dispatcher(served.vendor, later.now, concurrency=2).run())
        deadline = time.monotonic() + DEADLINE_S
        while len(_Door.kept) < n and time.monotonic() < deadline:  # noqa: ASYNC110 - posts come by another thread
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())
    assert len(_Door.kept) == n
