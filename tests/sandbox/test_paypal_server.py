"""The pretend PayPal as a process of its own: its certificates fetched, its webhooks received over real sockets."""

from __future__ import annotations

import base64
import time
import zlib
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.sandbox.served import call, receiving, serving, verb

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with serving("paypal", time_scale=0.001) as found:
        yield found["paypal"]


def test_a_webhook_arrives_is_tried_again_and_verifies_with_the_served_certificate(base: str) -> None:
    facts = verb(base, "seed_merchant")
    verb(base, "knobs", cert_base_url=base, duplicate_share=0)
    pair = base64.b64encode(f"{facts['client_id']}:{facts['client_secret']}".encode()).decode()
    form = {"authorization": f"Basic {pair}", "content_type": "application/x-www-form-urlencoded"}
    granted = call(base, "POST", "/v1/oauth2/token", b"grant_type=client_credentials", **form)
    assert granted.status == 200, granted.body
    bearer = f"Bearer {granted.json['access_token']}"
    with receiving(503, 204) as receiver:
        wanted = {"url": receiver.url, "event_types": [{"name": "PAYMENT.CAPTURE.COMPLETED"}]}
        hook = call(base, "POST", "/v1/notifications/webhooks", wanted, authorization=bearer)
        assert hook.status == 201, hook.body
        verb(base, "capture", gross="125.00", note="Blåbær €")
        (first, raw), (again, same) = receiver.wait_for(2)
    assert raw == same
    assert first["paypal-transmission-id"] == again["paypal-transmission-id"]
    pem = call(base, "GET", urlsplit(again["paypal-cert-url"]).path)
    leaf = x509.load_pem_x509_certificates(pem.body)[0].public_key()
    assert isinstance(leaf, rsa.RSAPublicKey)
    parts = (
        again["paypal-transmission-id"],
        again["paypal-transmission-time"],
        hook.json["id"],
        zlib.crc32(raw),
    )
    text = "|".join(str(part) for part in parts).encode()
    leaf.verify(base64.b64decode(again["paypal-transmission-sig"]), text, padding.PKCS1v15(), hashes.SHA256())


def test_a_fault_rule_slows_the_certificate_host(base: str) -> None:
    verb(base, "seed_merchant")
    path = verb(base, "certificates")["path"]
    rule = {"match": {"operation": "GET /v1/notifications/certs/{cert_id}"}, "effect": {"kind": "slow", "seconds": 0.3}}
    call(base, "POST", "/_sandbox/faults", rule)
    began = time.monotonic()
    assert call(base, "GET", path).status == 200
    assert time.monotonic() - began >= 0.3
