"""The pretend Basware as a process of its own: a redirect followed, a connection test and a push over real sockets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import urlencode, urlsplit

import pytest

from ml_connector_sandbox.basware.pushes import signature
from tests.sandbox.basware_tenant import SECRET, basic, term
from tests.sandbox.served import Receiver, call, receiving, serving, verb

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with serving("basware", time_scale=0.001) as found:
        yield found["basware"]


def test_a_tenant_is_served_over_http(base: str) -> None:
    with receiving(200) as receiver:
        expect_served(base, receiver)


def expect_served(base: str, receiver: Receiver) -> None:
    facts = verb(base, "seed_tenant")
    verb(base, "knobs", connection_test="inline", duplicate_share=0)
    form = urlencode({"grant_type": "client_credentials", "scope": " ".join(facts["scopes"])}).encode()
    who = basic(facts["client_id"], facts["client_secret"])
    granted = call(
        base, "POST", "/v1/tokens", form, authorization=who, content_type="application/x-www-form-urlencoded"
    )
    bearer = f"Bearer {granted.json['access_token']}"
    hook = {
        "taskType": "AccountingDocuments", "subscriptionType": "Webhook", "webhookAuthenticationToken": SECRET,
        "notificationWebhookURL": f"{receiver.url}?x=1",
    }  # fmt: skip
    heard = call(base, "POST", "/v1/subscriptions", [hook], authorization=bearer)
    assert heard.status == 200
    assert heard.headers["x-amzn-requestid"]
    assert json.loads(receiver.came[0][1])["taskType"] == "ConnectionTest"
    assert call(base, "POST", "/v1/paymentTerms", [term(companies=[])], authorization=bearer).status == 200
    made = verb(base, "invoice")["invoice_id"]
    heard = call(base, "GET", "/v1/accountingDocuments", authorization=bearer)
    place = urlsplit(heard.headers["location"])
    assert heard.status == 302
    assert call(base, "GET", f"{place.path}?{place.query}", authorization=bearer).status == 400
    stored = call(base, "GET", f"{place.path}?{place.query}")
    assert (stored.status, stored.json["accountingDocuments"][0]["invoiceId"]) == (200, made)
    headers, body = receiver.wait_for(2)[1]
    assert json.loads(body)["documentId"] == made
    assert headers["x-bwapi-signature-256"] == signature(SECRET, body, "hex")
