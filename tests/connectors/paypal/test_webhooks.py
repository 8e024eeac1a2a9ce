"""The door: PayPal's own vectors, certificates good and bad, and what each event asks us to read."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509.oid import ExtendedKeyUsageOID

from ml_connector.connectors.paypal.certificates import CertificateProblem, CertificateStore, fetched, system_roots
from ml_connector.connectors.paypal.doorkeys import DoorKey, read_key
from ml_connector.connectors.paypal.vouching import Vouched
from ml_connector.connectors.paypal.webhooks import EVENTS, SIGNED, WEBHOOKS, PayPalWebhooks, Transmission, delivered
from ml_connector.errors import BadSignature, ConfigurationError, Transient, Untranslatable
from tests.connectors.paypal.chains import NOW, YEAR, Chain, chain

WEBHOOK = "1JE4291016473214C"
URL = "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-1d93a270"
P1 = (
    b'{"id":"WH-TEST-0001","event_version":"1.0","event_type":"PAYMENT.CAPTURE.COMPLETED",'
    b'"resource":{"id":"3C679366HH908993F"}}'
)
P2 = '{"id":"WH-TEST-0002","event_type":"INVOICING.INVOICE.PAID","resource":{"note":"Blåbær €"}}'.encode()
VECTOR_KEY = b"""-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA2y2QPzJrM4zbExPTRnMb
/pspz/S0dnSBYYX9KFzE4T3kFv1/sw6Si2Mw0brVeLShx9vYqrYFYLefQEND8Aln
+o5iC1z7cKw1ZTfSJ+eCx7Alqg3h1mCz1si0qQa8t2JnCmOn3opJJhKt6RbBBwwn
sDeUC0bOq4q0HuNX6Q+pepoIhMyL2YBtxqLLbXeSyWkBivnMINCXM53G75IAbNkI
2FuG7yIxGE9ActyFG/NSyx2ghOR99SatRN8OA87a+ylGrGiyVLt29zdce87tZCSj
1Uk3SrXYAr7nsDml1loETIXn04wEdil60tOhDbmuglPnka7j3tKs6RrRuZ1fUk/3
NQIDAQAB
-----END PUBLIC KEY-----
"""
VECTOR_SIGNATURE = (
    "wtvfgxyCoYeNPUHZm1650ToavkdYnImMtm9AqYNJ+lJYZm4w/Tmfc1e4nYCKBiSvvC7EbyLGgtbczRr38LSe6XvSYxwvrptiqOnCH6uDDzAHUUIK"
    "hdPSikAdvXj7N+y2u1j178hv2T84LSgAHGg+QsLC4GJPAqx5Y2Yoc0jbrv1URE0M4swNtJqIEP24dFhSnKcZBK3DQFcuHHFwPHG6bIA69N48RPTG"
    "sD4LsyQ/d4IGIdeIPomSaFKgc1NlN+ov70i3IlZbjZMJoZ4gKBZdqNkfctoSloivoxHQhC2rv6bRXEn8ea6y5/3MdvNCc7vA3TtS1VLHBYPN9+Z1"
    "N4y5IA=="
)
GOOD = chain()
DOOR = DoorKey(WEBHOOK, "sandbox", roots=GOOD.root)


def at_once(job: Callable[[], None]) -> None:
    job()


@dataclass
class Served:
    """An address for certificates that notes how often it is asked."""

    body: bytes | Exception = GOOD.body
    asked: list[str] = field(default_factory=list)

    def __call__(self, url: str, door: DoorKey) -> bytes:
        self.asked.append(url)
        if isinstance(self.body, Exception):
            raise self.body
        return self.body


def hooks(served: Served | None = None, **given: Any) -> PayPalWebhooks:
    return PayPalWebhooks(CertificateStore(served or Served(), run=at_once), **given)


def signed(
    body: bytes = P1, *, by: Chain = GOOD, at: datetime = NOW, webhook: str = WEBHOOK, url: str = URL
) -> dict[str, str]:
    sent = Transmission("7d1f1f60-9f0a-11f1-8a2e-9f0c3f6e2a11", at.strftime("%Y-%m-%dT%H:%M:%SZ"), b"", url)
    return {
        "paypal-transmission-id": sent.id,
        "paypal-transmission-time": sent.time,
        "paypal-transmission-sig": base64.b64encode(by.sign(sent.message(webhook, body))).decode(),
        "paypal-cert-url": url,
        "paypal-auth-algo": "SHA256withRSA",
        "paypal-auth-version": "v2",
    }


def verify(
    door: PayPalWebhooks,
    headers: dict[str, str],
    body: bytes = P1,
    *,
    keys: tuple[str, ...] = (DOOR.text(),),
    now: datetime = NOW,
) -> None:
    door.verify(body, headers, url="https://door.example/hooks/paypal/x", keys=keys, now=now)


def refused(*given: Any, **named: Any) -> str:
    with pytest.raises(BadSignature) as caught:
        verify(*given, **named)
    return caught.value.what


def waits(*given: Any, **named: Any) -> str:
    with pytest.raises(Transient) as caught:
        verify(*given, **named)
    return caught.value.what


# ---------------------------------------------------------------------------------------------- what is signed


@pytest.mark.parametrize(("body", "crc"), [(P1, 2615798074), (P2, 2148382748), (b"123456789", 3421780262)])
def test_the_checksum_is_an_unsigned_number_over_the_raw_bytes(body: bytes, crc: int) -> None:
    sent = Transmission("7d1f1f60-9f0a-11f1-8a2e-9f0c3f6e2a11", "2026-11-20T10:15:30Z", b"", URL)
    assert sent.message(WEBHOOK, body) == f"{sent.id}|{sent.time}|1JE4291016473214C|{crc}".encode()


def test_the_signature_of_the_published_vector_fits() -> None:
    from ml_connector.connectors.paypal.webhooks import _fits

    public = load_pem_public_key(VECTOR_KEY)
    sent = Transmission("7d1f1f60-9f0a-11f1-8a2e-9f0c3f6e2a11", "2026-11-20T10:15:30Z", b"", URL)
    signature = base64.b64decode(VECTOR_SIGNATURE)
    assert _fits(public, signature, sent.message(WEBHOOK, P1))  # type: ignore[arg-type]
    assert not _fits(public, signature, sent.message(WEBHOOK, P1 + b" "))  # type: ignore[arg-type]


def test_a_signed_delivery_is_taken() -> None:
    verify(hooks(), signed())
    verify(hooks(), signed(P2), P2)


def test_a_body_changed_by_one_byte_is_refused() -> None:
    assert "does not fit" in refused(hooks(), signed(), P1.replace(b"0001", b"0002"))


def test_a_body_written_anew_is_refused() -> None:
    again = json.dumps(json.loads(P1)).encode()
    assert again != P1
    assert "does not fit" in refused(hooks(), signed(), again)


def test_a_delivery_for_another_webhook_is_refused() -> None:
    assert "does not fit" in refused(hooks(), signed(webhook="ANOTHER"))
    assert "does not fit" in refused(hooks(), signed(webhook="WEBHOOK_ID"))


def test_two_webhook_ids_live_side_by_side_while_one_is_replaced() -> None:
    other = DoorKey("8PT597110X687430LKGECATA", "sandbox", roots=GOOD.root).text()
    verify(hooks(), signed(), keys=(other, DOOR.text()))


@pytest.mark.parametrize(
    "missing",
    [
        "paypal-transmission-id",
        "paypal-transmission-time",
        "paypal-transmission-sig",
        "paypal-cert-url",
        "paypal-auth-algo",
    ],
)
def test_a_missing_header_is_refused_by_its_name(missing: str) -> None:
    headers = signed()
    del headers[missing]
    assert missing in refused(hooks(), headers)


def test_an_empty_body_a_door_without_a_key_and_a_broken_key_are_refused() -> None:
    assert "empty" in refused(hooks(), signed(b""), b"")
    assert "no webhook id" in refused(hooks(), signed(), keys=())
    assert "cannot be read" in refused(hooks(), signed(), keys=('{"nonsense": 1}',))


def test_another_algorithm_is_refused() -> None:
    assert "SHA256withRSA" in refused(hooks(), {**signed(), "paypal-auth-algo": "SHA1withRSA"})


@pytest.mark.parametrize("sig", ["%%%", "bm90IGEgc2lnbmF0dXJl", "é"])
def test_a_signature_that_is_none_is_refused(sig: str) -> None:
    refused(hooks(), {**signed(), "paypal-transmission-sig": sig})


@pytest.mark.parametrize("off", [-timedelta(days=4, seconds=1), timedelta(minutes=5, seconds=1)])
def test_a_transmission_of_another_time_is_refused(off: timedelta) -> None:
    assert "time" in refused(hooks(), signed(at=NOW + off))


@pytest.mark.parametrize("off", [-timedelta(days=3), timedelta(minutes=4)])
def test_a_late_retry_and_a_clock_that_is_a_little_off_are_taken(off: timedelta) -> None:
    verify(hooks(), signed(at=NOW + off))


# ---------------------------------------------------------------------------------------------- certificates


@pytest.mark.parametrize(
    "url",
    [
        "https://api.paypal.com/v1/notifications/certs/CERT-1",  # live's, at a sandbox door
        "https://api.sandbox.paypal.com.evil.test/v1/notifications/certs/CERT-1",
        "https://evilpaypal.com/v1/notifications/certs/CERT-1",
        "http://api.sandbox.paypal.com/v1/notifications/certs/CERT-1",
        "https://api.sandbox.paypal.com@evil.test/v1/notifications/certs/CERT-1",
        "https://evil.test@api.sandbox.paypal.com/v1/notifications/certs/CERT-1",
        "https://api.sandbox.paypal.com:8443/v1/notifications/certs/CERT-1",
        "https://api.sandbox.paypal.com/v1/notifications/certs/../../oauth2/token",
        "https://api.sandbox.paypal.com/v2/certs/CERT-1",
        "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1?to=x",
        "https://[broken/v1/notifications/certs/CERT-1",
        "file:///etc/passwd",
    ],
)
def test_a_certificate_is_fetched_from_paypals_own_hosts_alone(url: str) -> None:
    served = Served()
    assert "address" in refused(hooks(served), signed(url=url))
    assert served.asked == []
    with pytest.raises(CertificateProblem):
        fetched(url, DOOR)


def test_live_and_sandbox_have_their_own_hosts() -> None:
    live = DoorKey(WEBHOOK)
    assert live.allows("https://api.paypal.com/v1/notifications/certs/CERT-1")
    assert not live.allows(URL)
    assert DOOR.allows(URL)


def test_a_certificate_is_fetched_once_and_kept_for_a_day() -> None:
    served = Served()
    door = hooks(served)
    for _ in range(3):
        verify(door, signed())
    assert served.asked == [URL]
    verify(door, signed(at=NOW + timedelta(hours=25)), now=NOW + timedelta(hours=25))
    assert served.asked == [URL, URL]


def test_while_the_certificate_is_fetched_the_delivery_is_put_off_and_then_taken() -> None:
    waiting: list[Callable[[], None]] = []
    door = PayPalWebhooks(CertificateStore(Served(), run=waiting.append))
    assert "being fetched" in waits(door, signed())
    waits(door, signed())
    assert len(waiting) == 1  # one download for all who wait
    waiting[0]()
    verify(door, signed())


def test_trouble_with_the_download_puts_the_delivery_off_and_leaves_the_host_alone_for_a_minute() -> None:
    served = Served(CertificateProblem("The certificate could not be fetched: 503."))
    door = hooks(served)
    assert "503" in waits(door, signed())
    waits(door, signed())
    assert len(served.asked) == 1
    assert door.certificates.problems() == ("The certificate could not be fetched: 503.",)
    served.body = GOOD.body
    later = NOW + timedelta(seconds=61)
    verify(door, signed(at=later), now=later)
    assert door.certificates.problems() == ()


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (chain(with_intermediate=False), "chain"),
        (chain(begins=NOW - 2 * YEAR, lasts=YEAR), "chain"),
        (chain(begins=NOW + timedelta(days=1)), "chain"),
        (chain("messageverificationcerts.evilpaypal.test"), "not of PayPal"),
        (chain(named=False), "names no host"),
        (chain(elliptic=True), "no RSA key"),
        (Chain(b"-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n", "", GOOD.private), "no certificate"),
        (Chain(b"", "", GOOD.private), "no certificate"),
        (Chain(GOOD.body + b"\n" * 1_048_576, "", GOOD.private), "bytes"),
    ],
    ids=["no intermediate", "expired", "not yet", "wrong host", "no name", "no rsa", "garbage", "empty", "huge"],
)
def test_a_certificate_that_cannot_be_trusted_is_never_used_and_says_which_part_failed(bad: Chain, said: str) -> None:
    assert said in waits(hooks(Served(bad.body)), signed(by=bad))


def test_a_chain_to_a_root_that_this_machine_does_not_trust_is_refused() -> None:
    assert system_roots()
    untrusting = DoorKey(WEBHOOK, "sandbox")
    assert "chain" in waits(hooks(), signed(), keys=(untrusting.text(),))


def test_a_leaf_for_another_use_or_for_none_stated_is_taken() -> None:
    for usage in (ExtendedKeyUsageOID.CODE_SIGNING, None):
        made: Chain = chain(usage=usage)
        key = DoorKey(WEBHOOK, "sandbox", roots=made.root).text()
        verify(hooks(Served(made.body)), signed(by=made), keys=(key,))


def test_a_key_that_is_replaced_under_the_same_address_is_fetched_again_but_not_at_every_bad_signature() -> None:
    served = Served()
    door = hooks(served)
    verify(door, signed())
    fresh = chain(leaf="second leaf")
    served.body = fresh.body
    refused(door, signed(by=fresh))  # what we hold is minutes old
    later = NOW + timedelta(minutes=11)
    verify(door, signed(by=fresh, at=later), now=later)
    assert len(served.asked) == 2
    refused(door, signed(webhook="OTHER", by=fresh, at=later), now=later)
    assert len(served.asked) == 2


def test_made_up_addresses_fill_no_memory_and_start_few_downloads() -> None:
    waiting: list[Callable[[], None]] = []
    store = CertificateStore(Served(), run=waiting.append)
    door = PayPalWebhooks(store)
    for number in range(200):
        waits(door, signed(url=f"{URL}-{number}"))
    assert len(waiting) == 4
    assert len(store._slots) <= 40


def test_paypals_own_word_makes_a_certificate_good_whose_chain_cannot_be_proven_here() -> None:
    asked: list[str] = []

    def ask(door: DoorKey, headers: Any, body: bytes) -> bool:
        asked.append(headers["paypal-transmission-id"])
        return body == P1

    lone = chain(with_intermediate=False)
    door = hooks(Served(lone.body), ask=ask)
    verify(door, signed(by=lone))
    verify(door, signed(P2, by=lone), P2)  # proven by the key from now on
    assert len(asked) == 1


def test_paypals_word_counts_for_nothing_when_the_key_does_not_fit_or_it_says_no() -> None:
    lone = chain(with_intermediate=False)
    waits(hooks(Served(lone.body), ask=lambda *_: False), signed(by=lone))
    waits(hooks(Served(lone.body), ask=lambda *_: True), signed(by=chain(leaf="second leaf")))


def unreachable(told: list[str], answer: bool = True) -> PayPalWebhooks:
    """A door to which no certificate comes, with PayPal to ask."""

    def opinion(key: str, headers: Any, body: bytes) -> bool:
        assert read_key(key) == DOOR
        assert set(headers) == set(SIGNED)
        told.append(body.decode())
        return answer

    door = PayPalWebhooks(
        CertificateStore(Served(CertificateProblem("The certificate could not be fetched.")), run=at_once),
        vouched=Vouched(run=at_once),
    )
    return door.through(opinion)


def test_a_delivery_whose_certificate_cannot_be_had_is_put_off_until_paypal_vouches_for_it() -> None:
    told: list[str] = []
    door = unreachable(told)
    assert waits(door, signed()) == "The certificate could not be fetched."
    verify(door, signed(), now=NOW + timedelta(minutes=2))
    verify(door, signed(by=chain(leaf="another")), now=NOW + timedelta(minutes=2))  # another transmission of the same
    assert told == [P1.decode()]


def test_paypals_word_is_for_these_bytes_and_this_webhook_alone() -> None:
    told: list[str] = []
    door = unreachable(told)
    waits(door, signed())
    waits(door, signed(P2), P2, now=NOW + timedelta(minutes=2))
    verify(door, signed(P2), P2, now=NOW + timedelta(minutes=4))
    other = DoorKey("OTHER", "sandbox", roots=GOOD.root)
    with pytest.raises((Transient, AssertionError)):
        verify(door, signed(webhook="OTHER"), keys=(other.text(),), now=NOW + timedelta(minutes=6))
    assert told == [P1.decode(), P2.decode()]


def test_what_paypal_does_not_call_its_own_is_never_taken() -> None:
    told: list[str] = []
    door = unreachable(told, answer=False)
    for minute in range(5):
        waits(door, signed(at=NOW), now=NOW + timedelta(minutes=2 * minute))
    assert len(told) == 5


def test_paypals_word_does_not_outlive_the_time_in_which_it_repeats_a_delivery() -> None:
    door = unreachable([])
    waits(door, signed())
    later = NOW + timedelta(days=4, minutes=1)
    waits(door, signed(at=later), now=later)


def test_made_up_deliveries_do_not_have_paypal_asked_without_end() -> None:
    told: list[str] = []
    door = unreachable(told, answer=False)
    for number in range(50):
        body = P1 + b" " * number
        waits(door, signed(body), body)
    assert len(told) == 1


def test_a_delivery_is_never_put_off_for_a_door_that_may_not_fetch_from_there() -> None:
    told: list[str] = []
    assert "none of PayPal's" in refused(unreachable(told), signed(url="https://evil.example/v1/notifications/certs/C"))
    assert told == []


# ---------------------------------------------------------------------------------------------- door keys


def test_a_bare_webhook_id_is_lives_and_any_key_comes_back_from_its_text() -> None:
    assert read_key(WEBHOOK) == DoorKey(WEBHOOK)
    for key in (DoorKey(WEBHOOK), DOOR, DoorKey(WEBHOOK, "local", origin="http://127.0.0.1:9001", roots="PEM")):
        assert read_key(key.text()) == key


def test_roots_of_our_own_are_refused_with_live_and_a_pretend_paypal_is_on_this_machine() -> None:
    with pytest.raises(ConfigurationError):
        DoorKey(WEBHOOK, "live", roots=GOOD.root)
    with pytest.raises(ConfigurationError):
        DoorKey(WEBHOOK, "local", origin="https://elsewhere.example")
    with pytest.raises(ConfigurationError):
        DoorKey("a webhook|id")
    local = DoorKey(WEBHOOK, "local", origin="http://127.0.0.1:9001")
    assert local.allows("http://127.0.0.1:9001/v1/notifications/certs/CERT-1")
    assert not local.allows("http://127.0.0.1:9002/v1/notifications/certs/CERT-1")


# ---------------------------------------------------------------------------------------------- events


def said(event_type: str, resource: Any) -> tuple[str | None, str | None]:
    one = delivered({"id": "WH-1", "event_type": event_type, "resource": resource})
    return one.kind, one.external_id


def test_an_event_names_what_to_read_and_carries_its_own_id_for_deduplication() -> None:
    (one,) = WEBHOOKS.read(P1, {})
    assert (one.event_id, one.kind, one.external_id, one.account_ref) == (
        "WH-TEST-0001", "capture", "3C679366HH908993F", None,
    )  # fmt: skip


def test_a_refunded_capture_names_its_refund() -> None:
    assert said("PAYMENT.CAPTURE.REFUNDED", {"id": "1JU08902781691411"}) == ("refund", "1JU08902781691411")


@pytest.mark.parametrize(("path", "kind"), [("captures", "capture"), ("refunds", "refund")])
def test_a_reversal_is_what_its_own_link_says(path: str, kind: str) -> None:
    links = [{"rel": "self", "href": f"https://api.paypal.com/v2/payments/{path}/X1"}]
    assert said("PAYMENT.CAPTURE.REVERSED", {"id": "X1", "links": links}) == (kind, "X1")


@pytest.mark.parametrize("resource", [{"id": "INV2-1"}, {"invoice": {"id": "INV2-1"}}])
def test_an_invoice_event_may_hold_the_invoice_or_be_it(resource: dict[str, Any]) -> None:
    assert said("INVOICING.INVOICE.PAID", resource) == ("invoice", "INV2-1")


def test_a_dispute_event_names_the_dispute() -> None:
    assert said("CUSTOMER.DISPUTE.CREATED", {"dispute_id": "PP-D-1"}) == ("dispute", "PP-D-1")


@pytest.mark.parametrize("event_type", ["CHECKOUT.ORDER.APPROVED", "PAYMENT.SALE.COMPLETED", "VAULT.SOMETHING.NEW"])
def test_events_that_are_not_needed_say_why(event_type: str) -> None:
    one = delivered({"id": "WH-1", "event_type": event_type, "resource": {"id": "X"}})
    assert one.kind is None
    assert one.ignored


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"event_type":1}', b'{"event_type":"CUSTOMER.DISPUTE.CREATED"}'])
def test_bytes_that_are_no_event_are_refused(body: bytes) -> None:
    with pytest.raises(Untranslatable):
        WEBHOOKS.read(body, {})


def test_every_event_we_subscribe_to_is_read() -> None:
    resource = {"id": "X1", "dispute_id": "X1"}
    assert {said(event_type, resource)[1] for event_type in EVENTS} == {"X1"}
