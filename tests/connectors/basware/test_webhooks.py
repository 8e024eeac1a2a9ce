"""The webhook door: every way of writing the signature, the connection test, what a notification asks us to read."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import httpx2
import pytest

from ml_connector.connectors.basware.doorkeys import HEADER, DoorKey, read_key
from ml_connector.connectors.basware.subscriptions import door_key, watch
from ml_connector.connectors.basware.webhooks import WEBHOOKS, signature
from ml_connector.errors import BadSignature, ConfigurationError, Untranslatable
from tests.connectors.basware.scripted import CREDENTIALS, Scripted, reply

NOW = datetime(2026, 2, 3, tzinfo=UTC)
KEY = "bw-webhook-secret-0001"
URL = "https://hooks.example.test/webhooks/basware"
B1 = (
    b'{"taskId":"eb9ea3fa-0000-4000-8000-f4347cd18626","taskStatus":"New","taskType":"AccountingDocuments",'
    b'"taskSubType":"WaitingForTransfer","documentId":"63255782d0a04d8d8defcc6a0062101d"}'
)
B1_HEX = "3eaf86ecabc904a8928f1f20e40583853e44f5605cb620eee4ebe71008f5e323"
B1_BASE64 = "Pq+G7KvJBKiSjx8g5AWDhT5E9WBctiDu5OvnEAj14yM="
B2 = b'{"taskId":"t-conn-1","taskStatus":"New","taskType":"ConnectionTest","documentId":"test"}'
B2_HEX = "5f2e7104ddf5273e1ce72aa0994857f307136b196d7470c00145383a9f20bc61"
B2_BASE64 = "Xy5xBN31Jz4c5yqgmUhX8wcTaxltdHDAAUU4Op8gvGE="


def verify(body: bytes, given: str | None, *, keys: list[str] | None = None, header: str = HEADER) -> None:
    headers = {} if given is None else {header: given}
    WEBHOOKS.verify(body, headers, url=URL, keys=[KEY] if keys is None else keys, now=NOW)


@pytest.mark.parametrize("body", [B1, B2])
def test_the_vectors_of_the_sheet_are_what_we_compute(body: bytes) -> None:
    assert signature(body, KEY) == (B1_HEX if body == B1 else B2_HEX)


@pytest.mark.parametrize(
    ("body", "given"),
    [
        (B1, B1_HEX), (B1, B1_HEX.upper()), (B1, f"sha256={B1_HEX}"), (B1, f"SHA256={B1_HEX}"), (B1, B1_BASE64),
        (B1, f"sha256={B1_BASE64}"), (B2, B2_HEX), (B2, B2_BASE64),
    ],
)  # fmt: skip
def test_every_way_of_writing_a_signature_is_taken(body: bytes, given: str) -> None:
    verify(body, given)


@pytest.mark.parametrize("given", [None, "", "sha256=", B2_HEX, B1_BASE64.lower(), "é" * 64, B1_HEX[:-1]])
def test_a_missing_or_wrong_signature_is_refused(given: str | None) -> None:
    with pytest.raises(BadSignature):
        verify(B1, given)


def test_one_byte_more_breaks_the_signature() -> None:
    with pytest.raises(BadSignature):
        verify(B1 + b" ", B1_HEX)


def test_two_keys_serve_while_one_is_being_replaced() -> None:
    verify(B1, B1_HEX, keys=["other", KEY])


def test_the_headers_name_may_be_another() -> None:
    key = DoorKey(KEY, "x-signature").text()
    verify(B1, B1_HEX, keys=[key], header="x-signature")
    with pytest.raises(BadSignature):
        verify(B1, B1_HEX, keys=[key])


def test_an_unsigned_connection_test_is_answered_and_does_nothing() -> None:
    verify(B2, None)
    (told,) = WEBHOOKS.read(B2, {})
    assert (told.kind, told.event_id, told.event_type) == (None, None, "ConnectionTest")
    assert told.ignored


def test_a_connection_test_is_answered_before_the_door_knows_its_key() -> None:
    verify(B2, B2_HEX, keys=[])
    with pytest.raises(BadSignature):
        verify(B1, B1_HEX, keys=[])


def test_a_connection_test_with_a_wrong_signature_is_refused() -> None:
    with pytest.raises(BadSignature):
        verify(B2, B1_HEX)


@pytest.mark.parametrize("task_type", ["AccountingDocuments", "AccoutingDocuments", "accoutingdocuments"])
def test_baswares_own_misspelling_names_a_document_too(task_type: str) -> None:
    body = json.dumps({"taskId": "t1", "taskStatus": "New", "taskType": task_type, "documentId": "D1"}).encode()
    (told,) = WEBHOOKS.read(body, {})
    assert (told.kind, told.external_id, told.event_id) == ("accountingDocument", "D1", "t1")


@pytest.mark.parametrize(
    "event",
    [
        {"taskType": "RequestStatus"},
        {"taskType": "ExportedContracts"},
        {"taskType": "AccountingDocuments", "taskSubType": "WaitingToBeRemoved"},
    ],
)
def test_other_notifications_are_ignored_with_a_reason(event: dict[str, str]) -> None:
    (told,) = WEBHOOKS.read(json.dumps(event | {"documentId": "x"}).encode(), {})
    assert told.kind is None
    assert told.ignored


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"taskType":"AccountingDocuments"}', b"\xff", b'{"taskType":1}'])
def test_what_is_no_notification_is_refused(body: bytes) -> None:
    with pytest.raises(Untranslatable):
        WEBHOOKS.read(body, {})


def test_a_broken_key_of_a_door_refuses_rather_than_crashes() -> None:
    with pytest.raises(BadSignature):
        verify(B1, B1_HEX, keys=['{"secret": '])
    with pytest.raises(ConfigurationError):
        read_key('{"secret": ""}')


# ------------------------------------------------------------------------------------------------- subscribing


def test_the_secret_is_the_same_each_time_and_known_before_the_subscription_is_made() -> None:
    secret = door_key(CREDENTIALS, URL).secret
    assert len(secret) == 64
    script = Scripted({"GET /v1/subscriptions": reply(404), "POST /v1/subscriptions": reply(200, [])})
    found = watch(script.http, CREDENTIALS, URL, clock=script.clock)
    assert found is not None
    assert found.signature_key == secret
    (wanted,) = json.loads(script.to("/v1/subscriptions", "POST")[0].content)
    assert wanted["webhookAuthenticationToken"] == secret
    assert (wanted["taskType"], wanted["taskSubType"], wanted["subscriptionType"]) == (
        "AccountingDocuments", "WaitingForTransfer", "Webhook",
    )  # fmt: skip
    assert len(found.changes) == 1


def test_a_subscription_that_fits_is_left_alone_and_one_with_another_secret_is_made_anew() -> None:
    row = {"taskType": "AccountingDocuments", "taskSubType": "WaitingForTransfer", "notificationWebhookURL": URL}
    good = {**row, "webhookAuthenticationToken": door_key(CREDENTIALS, URL).secret}
    script = Scripted({"GET /v1/subscriptions": {"subscriptions": [good]}})
    found = watch(script.http, CREDENTIALS, URL, clock=script.clock)
    assert found is not None
    assert found.changes == ()
    old = {**row, "webhookAuthenticationToken": "old"}
    answers = {
        "GET /v1/subscriptions": {"subscriptions": [old]},
        "DELETE /v1/subscriptions": {},
        "POST /v1/subscriptions": reply(200, []),
    }
    script = Scripted(answers)
    found = watch(script.http, CREDENTIALS, URL, clock=script.clock)
    assert found is not None
    (deleted,) = script.to("/v1/subscriptions", "DELETE")
    assert dict(deleted.url.params)["taskSubType"] == "WaitingForTransfer"
    assert len(script.to("/v1/subscriptions", "POST")) == 1


def test_without_the_scope_there_is_no_subscription() -> None:
    script = Scripted({"/v1/subscriptions": httpx2.Response(403)})
    assert watch(script.http, CREDENTIALS, URL, clock=script.clock) is None


def test_an_entered_secret_and_header_win() -> None:
    key = door_key({**CREDENTIALS, "webhook_secret": "mine", "webhook_header": "X-Sig"}, URL)
    assert (key.secret, key.header) == ("mine", "x-sig")
    assert read_key(key.text()) == key
