"""Who sends signed deliveries to a webhook door: how it is connected, what it posts, how it signs."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import secrets
import threading
import uuid
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PUBLIC = "https://books.example.test"
KEY = "made-up-signature-key"
BASWARE_KEY = "bw-webhook-secret-" + "a" * 20
STRIPE_KEY = "whsec_" + "a" * 32
MERCHANT = "MLBENCH0000001"
SHOP = "https://shop.example.test"
_CERTIFICATE = "/v1/notifications/certs/CERT-bench"
_WEBHOOK = "1JE4291016473214C"


@dataclass(frozen=True, slots=True)
class Sender:
    """`request(path, body)` is one signed delivery as it goes over the wire, `body` one event of the usual size."""

    connector: str
    credentials: Mapping[str, str]
    key: str
    account: str
    body: Callable[[], bytes]
    headers: Callable[[str, bytes], Mapping[str, str]]
    base_url: str | None = None

    def request(self, path: str) -> bytes:
        """One delivery of an event that nobody has sent before."""
        body = self.body()
        given = {"host": "books.example.test", "content-type": "application/json", **self.headers(path, body)}
        lines = "".join(f"{name}: {value}\r\n" for name, value in {**given, "content-length": str(len(body))}.items())
        return f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode() + body


def square() -> Sender:
    """HMAC-SHA256 over the address and the bytes; about 1.5 kB."""
    return Sender("square", {"access_token": "made-up-token"}, KEY, MERCHANT, _payment, _square_headers)


def woocommerce() -> Sender:
    """HMAC-SHA256 over the bytes, in base64; a whole order, about 3 kB."""
    pair = {"consumer_key": "ck_" + "a" * 40, "consumer_secret": "cs_" + "b" * 40}
    return Sender("woocommerce", pair, KEY, SHOP, _order, _woo_headers, SHOP)


@contextlib.contextmanager
def paypal() -> Iterator[Sender]:
    """RSA-SHA256 over id, time, webhook id and CRC-32; the certificate is served from here, its chain proven."""
    from ml_connector.connectors.paypal.doorkeys import DoorKey
    from tests.connectors.paypal import chains

    chain = chains.chain(begins=datetime.now(UTC) - timedelta(days=30))
    server = ThreadingHTTPServer(("127.0.0.1", 0), _serving(chain.body))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    origin = f"http://127.0.0.1:{server.server_port}"

    def headers(_path: str, body: bytes) -> dict[str, str]:
        name, at = secrets.token_hex(16), datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        signed = chain.sign(f"{name}|{at}|{_WEBHOOK}|{zlib.crc32(body)}".encode())
        return {
            "paypal-transmission-id": name, "paypal-transmission-time": at, "paypal-auth-algo": "SHA256withRSA",
            "paypal-transmission-sig": base64.b64encode(signed).decode(), "paypal-cert-url": origin + _CERTIFICATE,
        }  # fmt: skip

    pair = {"client_id": "made-up", "client_secret": "made-up"}
    key = DoorKey(_WEBHOOK, "local", origin, chain.root).text()
    try:
        yield Sender("paypal", pair, key, "", _capture, headers, origin)
    finally:
        server.shutdown()
        server.server_close()


def stripe() -> Sender:
    """HMAC-SHA256 over the time and the bytes, in hex; a charge as events carry it, about 2.4 kB, indented."""
    return Sender("stripe", {"api_key": "rk_test_" + "a" * 40}, STRIPE_KEY, "", _charge, _stripe_headers)


def basware() -> Sender:
    """HMAC-SHA256 over the bytes, in hex; a notification names a document and no more, about 200 bytes."""
    pair = {"client_id": "made-up", "client_secret": "made-up"}
    return Sender("basware", pair, BASWARE_KEY, "", _notification, _basware_headers)


def _notification() -> bytes:
    told = {
        "taskId": str(uuid.uuid4()), "taskStatus": "New", "taskType": "AccountingDocuments",
        "taskSubType": "WaitingForTransfer", "documentId": secrets.token_hex(16),
    }  # fmt: skip
    return json.dumps(told, separators=(",", ":")).encode()


def _basware_headers(_path: str, body: bytes) -> dict[str, str]:
    return {"x-bwapi-signature-256": hmac.new(BASWARE_KEY.encode(), body, hashlib.sha256).hexdigest()}


def _stripe_headers(_path: str, body: bytes) -> dict[str, str]:
    at = int(datetime.now(UTC).timestamp())
    made = hmac.new(STRIPE_KEY.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return {
        "user-agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)", "cache-control": "no-cache",
        "stripe-signature": f"t={at},v1={made},v0={'0' * 64}",
    }  # fmt: skip


def _square_headers(path: str, body: bytes) -> dict[str, str]:
    made = hmac.new(KEY.encode(), (PUBLIC + path).encode() + body, hashlib.sha256).digest()
    return {
        "user-agent": "Square Connect v2", "x-square-hmacsha256-signature": base64.b64encode(made).decode(),
        "square-environment": "Production", "square-retry-number": "0",
    }  # fmt: skip


def _woo_headers(_path: str, body: bytes) -> dict[str, str]:
    made = hmac.new(KEY.encode(), body, hashlib.sha256).digest()
    return {
        "user-agent": "WooCommerce/10.5.0 Hookshot (WordPress/6.9.7)", "x-wc-webhook-source": f"{SHOP}/",
        "x-wc-webhook-topic": "order.updated", "x-wc-webhook-resource": "order", "x-wc-webhook-event": "updated",
        "x-wc-webhook-signature": base64.b64encode(made).decode(), "x-wc-webhook-id": "12",
        "x-wc-webhook-delivery-id": secrets.token_hex(16),
    }  # fmt: skip


def _payment() -> bytes:
    money = {"amount": 12_500, "currency": "EUR"}
    card = {"brand": "VISA", "last_4": "1111", "exp_month": 11, "exp_year": 2030, "fingerprint": "sq-1-" + "x" * 120}
    name = secrets.token_hex(11)
    payment = {
        "id": name, "amount_money": money, "total_money": money, "approved_money": money, "status": "COMPLETED",
        "version": 3, "location_id": "L" * 13, "order_id": "O" * 22,
        "card_details": {"status": "CAPTURED", "card": card, "entry_method": "EMV", "statement_description": "x" * 200},
        "receipt_url": "https://example.test/receipt/" + "x" * 100,
        "processing_fee": [{"amount_money": money, "effective_at": "2026-03-10T08:00:00Z", "type": "INITIAL"}],
        "capabilities": ["EDIT_AMOUNT_UP", "EDIT_AMOUNT_DOWN", "EDIT_TIP_AMOUNT_UP", "EDIT_TIP_AMOUNT_DOWN"],
    }  # fmt: skip
    return _json(
        merchant_id=MERCHANT, type="payment.updated", event_id=secrets.token_hex(16),
        created_at="2026-03-10T08:00:00Z", data={"type": "payment", "id": name, "object": {"payment": payment}},
    )  # fmt: skip


def _order() -> bytes:
    person = dict.fromkeys(("first_name", "last_name", "address_1", "city", "postcode", "email", "phone"), "x" * 20)
    lines = [
        {"id": n, "name": "Goods " + "x" * 60, "quantity": 1, "subtotal": "100.00", "total": "100.00",
         "total_tax": "25.00", "taxes": [{"id": 1, "total": "25.00", "subtotal": "25.00"}], "price": 100, "sku": "A"}
        for n in range(4)
    ]  # fmt: skip
    return _json(
        id=1_000 + secrets.randbelow(10**9), status="processing", currency="SEK", total="500.00", billing=person,
        shipping=person, date_modified_gmt="2026-03-10T08:00:00", payment_method="stripe", transaction_id="ch_1",
        line_items=lines, tax_lines=[{"rate_id": 1, "rate_percent": 25, "tax_total": "100.00"}],
        meta_data=[{"id": n, "key": f"_key_{n}", "value": "x" * 40} for n in range(10)],
    )  # fmt: skip


def _capture() -> bytes:
    money, name = {"currency_code": "SEK", "value": "125.00"}, secrets.token_hex(8).upper() + "A"
    links = [{"rel": rel, "href": "https://api-m.paypal.com/" + "x" * 60, "method": "GET"} for rel in ("self", "up")]
    resource = {
        "id": name, "status": "COMPLETED", "amount": money, "final_capture": True, "invoice_id": "10042",
        "seller_receivable_breakdown": {"gross_amount": money, "paypal_fee": money, "net_amount": money},
        "create_time": "2026-03-10T08:00:00Z", "update_time": "2026-03-10T08:00:00Z", "links": links,
    }  # fmt: skip
    return _json(
        id=f"WH-{secrets.token_hex(12)}", event_version="1.0", create_time="2026-03-10T08:00:00.000Z",
        resource_type="capture", event_type="PAYMENT.CAPTURE.COMPLETED", resource=resource, links=links,
    )  # fmt: skip


def _charge() -> bytes:
    name, nothing = (
        secrets.token_hex(12),
        ("dispute", "failure_code", "invoice", "review", "source_transfer", "transfer"),
    )
    card = {"brand": "visa", "last4": "4242", "exp_month": 11, "exp_year": 2030, "fingerprint": "x" * 16,
            "checks": dict.fromkeys(("address_line1_check", "address_postal_code_check", "cvc_check"), "pass"),
            "network": "visa", "funding": "credit", "country": "SE", "wallet": None}  # fmt: skip
    charge = {
        "id": f"ch_{name}", "object": "charge", "amount": 12_500, "amount_captured": 12_500, "amount_refunded": 0,
        "balance_transaction": None, "currency": "sek", "customer": "cus_1", "payment_intent": f"pi_{name}",
        "billing_details": {"address": dict.fromkeys(("city", "country", "line1", "postal_code"), "x" * 15)},
        "description": "Payment for Invoice 10042", "captured": True, "paid": True, "status": "succeeded",
        "created": 1_790_000_098, "livemode": False, "metadata": {"visma": "10042"}, **dict.fromkeys(nothing),
        "outcome": {"network_status": "approved_by_network", "risk_level": "normal", "seller_message": "x" * 40},
        "payment_method_details": {"card": card, "type": "card"}, "receipt_url": "https://example.test/" + "x" * 120,
        "statement_descriptor": "x" * 20, "refunded": False, "disputed": False,
    }  # fmt: skip
    event = {
        "id": f"evt_{name}", "object": "event", "api_version": "2026-10-28.endive", "created": 1_790_000_100,
        "livemode": False, "pending_webhooks": 1, "type": "charge.succeeded",
        "request": {"id": f"req_{name}", "idempotency_key": None}, "data": {"object": charge},
    }  # fmt: skip
    return json.dumps(event, indent=2).encode()


def _json(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


def _serving(body: bytes) -> type[BaseHTTPRequestHandler]:
    class Certificates(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    return Certificates
