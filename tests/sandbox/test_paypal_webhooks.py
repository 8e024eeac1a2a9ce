"""Webhooks of the pretend PayPal: signed with a chain of its own, verified offline here, tried again, and unkind."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from ml_connector_sandbox.core.wire import Delivery, Request
from ml_connector_sandbox.paypal import PayPal
from tests.sandbox.paypal_account import HOOK, Account, money

BASE = "/v1/notifications"
HOST = "messageverificationcerts.paypal.com"


@pytest.fixture
def account() -> Account:
    account = Account()
    account.do("knobs", duplicate_share=0)
    return account


def headers_of(delivery: Delivery) -> dict[str, str]:
    return dict(delivery.headers)


def served(account: Account, delivery: Delivery) -> bytes:
    """The certificate file behind a delivery's URL, fetched from the sandbox."""
    url = headers_of(delivery)["paypal-cert-url"]
    assert url.startswith("https://api.sandbox.paypal.com/v1/notifications/certs/CERT-")
    answer = account.send("GET", url.removeprefix("https://api.sandbox.paypal.com"), token="")
    assert answer.status == 200
    return answer.body


def check_chain(account: Account, delivery: Delivery) -> x509.Certificate:
    """The leaf, verified by the sandbox's own root. Raises VerificationError or ValueError."""
    leaf, *rest = x509.load_pem_x509_certificates(served(account, delivery))
    root = x509.load_pem_x509_certificate(account.do("certificates")["root"].encode())
    verifier = PolicyBuilder().store(Store([root])).time(account.now).build_server_verifier(x509.DNSName(HOST))
    assert len(verifier.verify(leaf, rest)) == 3
    return leaf


def check_signature(leaf: x509.Certificate, delivery: Delivery, webhook_id: str) -> None:
    """Raises InvalidSignature. Written from the vendor's description, apart from the sandbox's code."""
    head = headers_of(delivery)
    parts = [
        head["paypal-transmission-id"],
        head["paypal-transmission-time"],
        webhook_id,
        str(zlib.crc32(delivery.body)),
    ]
    key = leaf.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    signature = base64.b64decode(head["paypal-transmission-sig"])
    key.verify(signature, "|".join(parts).encode(), padding.PKCS1v15(), hashes.SHA256())


def one(account: Account, **sale: Any) -> Delivery:
    account.do("capture", gross="10.00", **sale)
    (delivery,) = account.due()
    return delivery


def test_a_delivery_is_signed_over_id_time_webhook_and_crc_by_a_chain_that_holds(account: Account) -> None:
    hook = account.subscribe("PAYMENT.CAPTURE.COMPLETED")
    delivery = one(account)
    leaf = check_chain(account, delivery)
    check_signature(leaf, delivery, hook["id"])
    assert headers_of(delivery)["paypal-auth-algo"] == "SHA256withRSA"
    with pytest.raises(InvalidSignature):
        check_signature(leaf, delivery, json.loads(delivery.body)["id"])


@pytest.mark.parametrize(
    "kind", ["expired", "not_yet_valid", "wrong_host", "self_signed", "foreign_root", "no_intermediate", "garbage"]
)
def test_a_bad_certificate_fails_its_check(account: Account, kind: str) -> None:
    account.subscribe()
    account.do("knobs", certificate=kind)
    delivery = one(account)
    with pytest.raises((VerificationError, ValueError)):
        check_chain(account, delivery)


def test_a_huge_certificate_file_is_served_whole(account: Account) -> None:
    account.subscribe()
    account.do("knobs", certificate="huge")
    assert len(served(account, one(account))) > 1024 * 1024


@pytest.mark.parametrize("fault", ["broken", "wrong_webhook", "sha1"])
def test_a_bad_signature_fails_its_check(account: Account, fault: str) -> None:
    hook = account.subscribe()
    account.do("knobs", signature=fault)
    delivery = one(account)
    with pytest.raises(InvalidSignature):
        check_signature(check_chain(account, delivery), delivery, hook["id"])


def test_a_rotated_certificate_has_another_url_and_key_and_the_old_one_may_be_gone(account: Account) -> None:
    hook = account.subscribe()
    before = one(account)
    account.do("certificates", rotate=True, withdraw=True)
    after = one(account)
    assert headers_of(before)["paypal-cert-url"] != headers_of(after)["paypal-cert-url"]
    check_signature(check_chain(account, after), after, hook["id"])
    path = headers_of(before)["paypal-cert-url"].removeprefix("https://api.sandbox.paypal.com")
    assert account.send("GET", path, token="").status == 404


def asked(delivery: Delivery, webhook_id: str, event: bytes | None = None) -> bytes:
    """A verification request with the event spliced in as it came."""
    head = headers_of(delivery)
    fields = {
        "auth_algo": head["paypal-auth-algo"], "cert_url": head["paypal-cert-url"], "webhook_id": webhook_id,
        "transmission_id": head["paypal-transmission-id"], "transmission_sig": head["paypal-transmission-sig"],
        "transmission_time": head["paypal-transmission-time"],
    }  # fmt: skip
    return json.dumps(fields)[:-1].encode() + b', "webhook_event": ' + (event or delivery.body) + b"}"


def verified(account: Account, body: bytes) -> str:
    head = {"authorization": f"Bearer {account.token()}", "content-type": "application/json"}
    answer = account.paypal.answer(Request("POST", f"{BASE}/verify-webhook-signature", "", head, body), account.now)
    assert answer.status == 200, answer.body
    return str(json.loads(answer.body)["verification_status"])


def test_verification_wants_the_events_text_as_it_was_sent(account: Account) -> None:
    hook = account.subscribe()
    delivery = one(account, note="Blåbær €")
    assert verified(account, asked(delivery, hook["id"])) == "SUCCESS"
    again = json.dumps(json.loads(delivery.body)).encode()
    assert verified(account, asked(delivery, hook["id"], again)) == "FAILURE"
    assert verified(account, asked(delivery, "0WRONG000WEBHOOKX")) == "FAILURE"


def test_a_simulated_event_does_not_pass_verification(account: Account) -> None:
    hook = account.subscribe()
    body = {"webhook_id": hook["id"], "event_type": "PAYMENT.CAPTURE.COMPLETED"}
    assert account.call("POST", f"{BASE}/simulate-event", body)[0] == 202
    (delivery,) = account.due()
    assert delivery.url == HOOK
    assert verified(account, asked(delivery, hook["id"])) == "FAILURE"


def test_payments_of_another_app_or_page_give_no_event(account: Account) -> None:
    account.subscribe()
    account.do("capture", gross="10.00", elsewhere=True)
    account.do("application")
    assert account.events() == []
    account.wait(hours=4)
    assert len(account.rows()) == 1  # the report has it all the same


def test_a_failing_receiver_is_tried_25_times_over_three_days(account: Account) -> None:
    account.subscribe()
    account.do("capture", gross="10.00")
    seen: list[Delivery] = []
    began = account.now
    last = began
    while account.now < began.replace(day=began.day + 5):
        taken = account.due(status=503)
        if taken:
            seen, last = seen + taken, account.now
        account.wait(minutes=1)
    assert len(seen) == 25
    assert 71 < (last - began).total_seconds() / 3600 < 73
    assert len({headers_of(d)["paypal-transmission-id"] for d in seen}) == 1
    assert account.do("truth")["webhooks"]["discarded"] == 1


def test_time_scale_shortens_the_wait_between_tries() -> None:
    account = Account(PayPal(time_scale=0.001))
    account.do("knobs", duplicate_share=0)
    account.subscribe()
    account.do("capture", gross="10.00")
    account.due(status=None)
    account.wait(seconds=0.2)
    assert len(account.due()) == 1


def test_events_may_come_twice_lost_or_out_of_order(account: Account) -> None:
    account.subscribe("PAYMENT.CAPTURE.COMPLETED")
    account.do("knobs", duplicate_share=1)
    account.do("capture", gross="10.00")
    first, second = account.due()
    assert first.body == second.body
    assert headers_of(first)["paypal-transmission-id"] != headers_of(second)["paypal-transmission-id"]
    account.do("knobs", duplicate_share=0, lost_share=1)
    account.do("capture", gross="10.00")
    assert account.events() == []
    assert account.get(f"{BASE}/webhooks-events")["count"] == 2  # the log still knows it
    account.do("knobs", lost_share=0, shuffle=True)
    for n in range(12):
        account.do("capture", gross=f"{n + 1}.00")
    amounts = [e["resource"]["amount"]["value"] for e in account.events()]
    assert len(amounts) == 12
    assert amounts != sorted(amounts, key=float)


def test_a_refund_event_carries_the_refund_and_its_capture_behind_the_up_link(account: Account) -> None:
    account.subscribe("PAYMENT.CAPTURE.REFUNDED")
    taken = account.do("capture", gross="10.00")["capture_id"]
    account.do("refund", capture_id=taken, amount="4.00")
    (event,) = account.events()
    assert (event["resource_type"], event["resource"]["amount"]) == ("refund", money("4.00"))
    assert any(x["rel"] == "up" and x["href"].endswith(taken) for x in event["resource"]["links"])


def test_webhooks_are_limited_unique_known_and_changed_by_replace_only(account: Account) -> None:
    hook = account.subscribe("PAYMENT.CAPTURE.COMPLETED")
    body = {"url": HOOK, "event_types": [{"name": "*"}]}
    assert account.refused("POST", f"{BASE}/webhooks", body) == (400, "WEBHOOK_URL_ALREADY_EXISTS")
    wrong = {"url": f"{HOOK}/x", "event_types": [{"name": "PAYMENT.CAPTURE.EATEN"}]}
    assert account.refused("POST", f"{BASE}/webhooks", wrong)[0] == 400
    for url in ("http://hooks.example.test/x", "https://hooks.example.test:8443/x"):
        assert account.refused("POST", f"{BASE}/webhooks", body | {"url": url})[1] == "INVALID_PARAMETER_VALUE"
    for n in range(9):
        account.subscribe(url=f"{HOOK}/{n}")
    assert (
        account.refused("POST", f"{BASE}/webhooks", body | {"url": f"{HOOK}/11"})[1] == "WEBHOOK_NUMBER_LIMIT_EXCEEDED"
    )
    path = f"{BASE}/webhooks/{hook['id']}"
    assert account.refused("PATCH", path, [{"op": "add", "path": "/url", "value": HOOK}])[0] == 400
    status, changed = account.call("PATCH", path, [{"op": "replace", "path": "/url", "value": f"{HOOK}/new"}])
    assert (status, changed["url"]) == (200, f"{HOOK}/new")
    assert account.call("DELETE", path)[0] == 204
    assert account.refused("GET", path) == (404, "INVALID_RESOURCE_ID")


def test_the_event_log_is_read_by_link_and_sends_again_under_the_same_event_id(account: Account) -> None:
    hook = account.subscribe("PAYMENT.CAPTURE.COMPLETED")
    taken = [account.do("capture", gross="10.00")["capture_id"] for _ in range(5)]
    first = account.due()
    page = account.get(f"{BASE}/webhooks-events", page_size=3)
    assert page["count"] == 3
    rest = account.follow(next(x["href"] for x in page["links"] if x["rel"] == "next"))
    assert len({e["id"] for e in page["events"] + rest["events"]}) == 5
    (found,) = account.get(f"{BASE}/webhooks-events", transaction_id=taken[2])["events"]
    account.post(f"{BASE}/webhooks-events/{found['id']}/resend", {"webhook_ids": [hook["id"]]})
    (again,) = account.due()
    original = next(d for d in first if json.loads(d.body)["id"] == found["id"])
    assert again.body == original.body
    assert headers_of(again)["paypal-transmission-id"] != headers_of(original)["paypal-transmission-id"]
    account.wait(days=31)
    assert account.get(f"{BASE}/webhooks-events")["count"] == 0
