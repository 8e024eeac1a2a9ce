"""The webhook door: signatures to the letter, and what a delivery asks us to read."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from ml_connector.connectors.square.webhooks import EVENTS, SIGNATURE_HEADER, SUBSCRIBED, WEBHOOKS
from ml_connector.errors import BadSignature, Untranslatable

NOW = datetime(2026, 2, 1, tzinfo=UTC)
KEY = "sq-sig-key-0001"
URL = "https://hooks.example.test/webhooks/square"
S1_BODY = (
    '{"merchant_id":"MLTEST0000001","type":"payment.updated","event_id":"11111111-2222-3333-4444-555555555555",'
    '"created_at":"2026-01-31T22:59:59Z","data":{"type":"payment","id":"PAY0001",'
    '"object":{"payment":{"id":"PAY0001","status":"COMPLETED","version":2}}}}'
)
S2_BODY = '{"type":"customer.created","note":"Bjørn Ås – 5 €"}'
S5_SIGNATURE = "PWpIOnshCj9WG5oca4ydnwc3HNtaG+QgsTiy++gwvFM="
VECTORS = {
    "S0": (
        "asdf1234",
        "https://example.com/webhook",
        '{"hello":"world"}',
        "2kRE5qRU2tR+tBGlDwMEw2avJ7QM4ikPYD/PJ3bd9Og=",
    ),
    "S1": (KEY, URL, S1_BODY, "KkApBZ8hzUGSihLvYK9Z7Y18zjhMEkbTLdzbGPiOwSc="),
    "S2": (KEY, URL, S2_BODY, "exnKvdwUic+G6UQF/XbeLd9abVXZuhl3zBfShvZNwyk="),
    "S3": (KEY, URL, "{}", "V/JqMQ4UXkUvbJDeq+wHhZMF2+Ivdg7AA0TOHaQCA2U="),
    "S4": (KEY, URL + "/", "{}", "QLlo8J0XBuAQ/bNBDiil7Uy9iTEdNVhfVIrUbg2nAG0="),
}


def verify(body: bytes, signature: str | None, *, url: str = URL, keys: list[str] | None = None) -> None:
    headers = {} if signature is None else {SIGNATURE_HEADER: signature}
    WEBHOOKS.verify(body, headers, url=url, keys=[KEY] if keys is None else keys, now=NOW)


def event(kind: str, data: Any, **changes: Any) -> bytes:
    envelope = {
        "merchant_id": "ML1",
        "type": kind,
        "event_id": "e-1",
        "created_at": "2026-01-31T22:59:59Z",
        "data": data,
    }
    return json.dumps(envelope | changes).encode()


@pytest.mark.parametrize("name", sorted(VECTORS))
def test_a_signature_made_by_square_is_accepted(name: str) -> None:
    key, url, body, signature = VECTORS[name]
    verify(body.encode(), signature, url=url, keys=[key])
    own = base64.b64encode(hmac.new(key.encode(), url.encode() + body.encode(), hashlib.sha256).digest()).decode()
    assert own == signature


@pytest.mark.parametrize("name", sorted(VECTORS))
def test_one_changed_byte_is_refused(name: str) -> None:
    key, url, body, signature = VECTORS[name]
    for wrong in (body.encode() + b" ", b" " + body.encode(), body.encode()[:-1]):
        with pytest.raises(BadSignature):
            verify(wrong, signature, url=url, keys=[key])


def test_the_signature_of_another_url_is_refused() -> None:
    with pytest.raises(BadSignature):
        verify(b"{}", VECTORS["S4"][3], url=URL)


def test_an_empty_body_is_refused_although_its_signature_is_right() -> None:
    with pytest.raises(BadSignature, match="empty"):
        verify(b"", S5_SIGNATURE)


@pytest.mark.parametrize(
    "given", [None, "", " ", "nonsense", "\udcff", "é", VECTORS["S3"][3][:-1], VECTORS["S3"][3].lower()]
)
def test_a_missing_or_forged_signature_is_refused(given: str | None) -> None:
    with pytest.raises(BadSignature):
        verify(b"{}", given)


def test_old_and_new_key_are_both_accepted_while_a_key_is_rotated() -> None:
    verify(b"{}", VECTORS["S3"][3], keys=["the-new-one", KEY])
    verify(b"{}", VECTORS["S3"][3], keys=[KEY, "the-old-one"])


@pytest.mark.parametrize("keys", [[], [""], ["another"]])
def test_a_door_without_the_right_key_refuses_everything(keys: list[str]) -> None:
    empty_key = base64.b64encode(hmac.new(b"", URL.encode() + b"{}", hashlib.sha256).digest()).decode()
    for signature in (VECTORS["S3"][3], empty_key):
        with pytest.raises(BadSignature):
            verify(b"{}", signature, keys=keys)


def test_a_delivery_that_square_repeats_for_a_day_is_still_accepted() -> None:
    headers = {SIGNATURE_HEADER: VECTORS["S1"][3], "square-retry-number": "11", "square-retry-reason": "http_timeout"}
    WEBHOOKS.verify(S1_BODY.encode(), headers, url=URL, keys=[KEY], now=datetime(2027, 1, 1, tzinfo=UTC))


def test_a_payment_event_names_the_payment_and_its_merchant() -> None:
    (found,) = WEBHOOKS.read(S1_BODY.encode(), {})
    assert (found.kind, found.external_id, found.account_ref) == ("payment", "PAY0001", "MLTEST0000001")
    assert found.event_id == "11111111-2222-3333-4444-555555555555"
    assert found.occurred_at == datetime(2026, 1, 31, 22, 59, 59, tzinfo=UTC)
    assert found.ignored is None


@pytest.mark.parametrize(
    ("kind", "data", "wanted"),
    [
        (
            "vendor.created",
            {"id": "uuid", "object": {"operation": "CREATED", "vendor": {"id": "V1"}}},
            ("vendor", "V1"),
        ),
        ("payment.created", {"id": "other", "object": {"payment": {"id": "P1"}}}, ("payment", "P1")),
        (
            "order.updated",
            {"id": "x", "type": "order_updated", "object": {"order_updated": {"order_id": "O1"}}},
            ("order", "O1"),
        ),
        ("invoice.deleted", {"id": "inv:1", "deleted": True}, ("invoice", "inv:1")),
        ("location.updated", {"id": "L1", "type": "Location"}, ("location", "L1")),
        ("customer.deleted", {"id": "C1", "deleted": True, "object": {"customer": {"id": "C1"}}}, ("customer", "C1")),
        ("dispute.state.changed", {"id": "D", "object": {"dispute": {"dispute_id": "D1"}}}, ("dispute", "D1")),
        ("oauth.authorization.revoked", {"id": "uuid", "object": {"revocation": {}}}, ("authorization", "ML1")),
    ],
)
def test_the_id_to_read_is_that_of_the_object(kind: str, data: Any, wanted: tuple[str, str]) -> None:
    (found,) = WEBHOOKS.read(event(kind, data), {})
    assert (found.kind, found.external_id) == wanted


@pytest.mark.parametrize(
    "kind", ["catalog.version.updated", "order.fulfillment.updated", "loyalty.event.created", "brand.new"]
)
def test_an_event_that_is_not_needed_is_ignored_with_a_reason(kind: str) -> None:
    (found,) = WEBHOOKS.read(event(kind, {"id": "x"}), {})
    assert found.kind is None
    assert found.ignored
    assert found.event_id == "e-1"


@pytest.mark.parametrize(
    "created", ["yesterday", None, 17, "2022-01-10 23:29:48 +0000 UTC", "2026-01-31T22:59:59.123456789"]
)
def test_a_delivery_never_fails_on_its_time(created: Any) -> None:
    (found,) = WEBHOOKS.read(event("payment.updated", {"object": {"payment": {"id": "P1"}}}, created_at=created), {})
    assert found.external_id == "P1"


def test_an_event_id_that_cannot_be_trusted_deduplicates_nothing() -> None:
    for wrong in (None, 5, "", "x" * 400, "a\x00b"):
        (found,) = WEBHOOKS.read(event("payment.updated", {"object": {"payment": {"id": "P1"}}}, event_id=wrong), {})
        assert found.event_id is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"[" * 200_000, "(body)"),
        (b"\xff\xfe", "(body)"),
        (b"not json", "(body)"),
        (b'{"a": NaN}', "(body)"),
        (b"1" * 5000, "(body)"),
        (b"[]", "(body)"),
        (b"{}", "type"),
        (b'{"type": 5}', "type"),
        (event("payment.updated", {"id": "P1"}), "data.object.payment.id"),
        (event("payment.updated", {"object": {"payment": {"id": "\ud800"}}}), "(body)"),
        (event("payment.updated", None), "data.object.payment.id"),
        (event("location.updated", {"object": {"id": "L1"}}), "data.id"),
        (event("oauth.authorization.revoked", {}, merchant_id=None), "merchant_id"),
    ],
)
def test_bytes_that_are_no_event_are_untranslatable_and_name_the_field(body: bytes, field: str) -> None:
    with pytest.raises(Untranslatable) as caught:
        WEBHOOKS.read(body, {})
    assert caught.value.field == field


def test_we_subscribe_to_every_event_that_we_read_and_that_square_still_offers() -> None:
    assert set(SUBSCRIBED) == {*EVENTS, "oauth.authorization.revoked"} - {"dispute.state.changed"}
