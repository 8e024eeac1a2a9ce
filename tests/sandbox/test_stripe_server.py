"""The pretend Stripe as a process of its own: seeded, called and heard over real sockets."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.sandbox.served import call, receiving, serving, verb

pytestmark = pytest.mark.slow
VERSION = "2026-10-28.endive"


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with serving("stripe", time_scale=0.0005) as found:
        yield found["stripe"]


def api(base: str, secret: str, method: str, path: str, **fields: str) -> Any:
    headers = {"authorization": f"Bearer {secret}", "stripe_version": VERSION}
    headers["content_type"] = "application/x-www-form-urlencoded"
    heard = call(base, method, f"/v1/{path}", urlencode(fields).encode() if fields else None, **headers)
    assert heard.status == 200, heard.body
    return heard.json


def test_a_webhook_arrives_and_is_tried_again_with_a_signature_of_that_moment(base: str) -> None:
    secret = verb(base, "seed_account")["secret_key"]
    verb(base, "knobs", duplicate_share=0.0)
    with receiving(500, 200) as receiver:
        wanted = {"url": receiver.url, "enabled_events[]": "charge.updated"}
        hook = api(base, secret, "POST", "webhook_endpoints", **wanted)
        paid = verb(base, "charge", amount=12500, description="Blåbær €")
        (_, raw), (again, same) = receiver.wait_for(2)
    assert raw == same
    fields = dict(part.split("=") for part in again["stripe-signature"].split(","))
    right = hmac.new(hook["secret"].encode(), f"{fields['t']}.".encode() + same, hashlib.sha256).hexdigest()
    assert fields["v1"] == right
    charge = api(base, secret, "GET", f"charges/{paid['charge_id']}")
    assert json.loads(same)["data"]["object"]["balance_transaction"] == charge["balance_transaction"]


def test_the_clock_of_the_server_brings_what_is_due(base: str) -> None:
    account = verb(base, "seed_account")
    own = {"account_id": account["account_id"]}
    verb(base, "charge", amount=20000, fee=500, **own)
    call(base, "POST", "/_sandbox/clock", {"advance_s": 4000})
    assert verb(base, "payout", **own)["amount"] == 19500
