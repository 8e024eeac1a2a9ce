"""Certificates of shops over real TLS to this machine: whose are trusted, and what is said of those that are not."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from ml_connector.connectors.http import Http, Reach
from ml_connector.connectors.woocommerce.addresses import open_http
from ml_connector.errors import ConfigurationError, Transient

SELF_SIGNED = "The certificate of localhost is not trusted: self-signed certificate."


@dataclass(frozen=True)
class Shop:
    """A shop behind TLS. Its address was allowed on purpose, as one inside a network must be."""

    url: str
    certificate: str

    def answers(self, trusted: str = "") -> bool:
        settings = {"trusted_certificate": trusted} if trusted else {}
        http = open_http(self.url, settings, allowed=frozenset({self.url}), timeout_s=5)
        try:
            return http.send("GET", "/wp-json/", operation="index").ok
        finally:
            http.close()


def self_signed(host: str) -> tuple[str, str]:
    """A certificate for this host that nobody else has signed, and its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    written = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return made.public_bytes(Encoding.PEM).decode(), written.decode()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it has there
            """Say nothing."""

    certificate, key = self_signed("localhost")
    (tmp_path / "both.pem").write_text(certificate + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "both.pem")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield Shop(f"https://localhost:{server.server_port}", certificate)
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_self_signed_shop_is_trusted_only_by_its_certificate(shop: Shop) -> None:
    assert shop.answers(trusted=shop.certificate)
    for trusted in ("", self_signed("localhost")[0]):
        with pytest.raises(Transient, match=SELF_SIGNED) as refused:
            shop.answers(trusted)
        assert "--trusted-certificate" in refused.value.fix


def test_a_certificate_for_another_name_is_not_trusted_although_it_is_known(shop: Shop) -> None:
    url = shop.url.replace("localhost", "127.0.0.1")
    with pytest.raises(Transient, match=r"127\.0\.0\.1 is not trusted: IP address mismatch"):
        Shop(url, "").answers(trusted=shop.certificate)


def test_a_text_that_is_no_certificate_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        open_http("https://shop.example", {"trusted_certificate": "yes please"})


def test_a_vendor_whose_certificate_proves_nothing_is_not_called(shop: Shop) -> None:
    http = Http(Reach(shop.url, frozenset({"localhost"})), timeout_s=5)
    with pytest.raises(Transient, match=SELF_SIGNED) as refused:
        http.send("POST", "/v1/oauth2/token", operation="token", body=b"")
    assert "--trusted-certificate" not in refused.value.fix
    http.close()
