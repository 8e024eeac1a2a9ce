"""Webhooks of the pretend Stripe: endpoints, signatures, retries, and everything that can go wrong on the way."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest

from ml_connector_sandbox.core.wire import Delivery
from ml_connector_sandbox.stripe.desk import signature
from tests.sandbox.stripe_account import HOOK, Account

# body -> v1 of the vendor's scheme, computed apart from this sandbox
VECTORS = {
    '{"id":"evt_test_0001","object":"event","type":"invoice.paid"}':
        "70999f40736aa01d49c46b0aa42b8f4eedb2c647ceae96ed866c67eec6f5d67b",
    '{"id":"evt_test_0002","object":"event","type":"charge.succeeded","note":"Blåbær AS €"}':
        "f594c9ee569b96da6a2f472bd961c246d0183bc9e9eddfb039685f3fafd561a0",
    '{"id":"evt_test_0001","object":"event","type":"invoice.paid"}\n':
        "354f71f13cc232ee6bfd3a6cb00edff0ca2bb3aeaf4ef6ca1779214b937b2e55",
}  # fmt: skip


@pytest.fixture
def account() -> Account:
    return Account()


def header(delivery: Delivery) -> list[tuple[str, str]]:
    text = dict(delivery.headers)["stripe-signature"]
    return [(name, value) for name, _, value in (part.partition("=") for part in text.split(","))]


def expected(secret: str, moment: str, body: bytes) -> str:
    return hmac.new(secret.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()


@pytest.mark.parametrize("body", VECTORS)
def test_signatures_are_those_of_the_vectors(body: str) -> None:
    assert signature("whsec_test_visma_bridge_0001", 1790000000, body.encode()) == VECTORS[body]


def test_the_secret_is_told_once(account: Account) -> None:
    made = account.subscribe("invoice.paid")
    assert made["secret"].startswith("whsec_")
    assert made["api_version"] == "2026-10-28.endive"
    assert "secret" not in account.get(f"webhook_endpoints/{made['id']}")
    assert "secret" not in account.get("webhook_endpoints")["data"][0]
    assert "secret" not in account.post(f"webhook_endpoints/{made['id']}", {"enabled_events": ["charge.failed"]})


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"url": "ftp://x"}, "url"),
        ({"url": "nothing"}, "url"),
        ({"enabled_events": ["invoice.payed"]}, "enabled_events"),
        ({"api_version": "2024-04-10"}, "api_version"),
        ({"connect": True}, "connect"),
        ({"disabled": True}, "disabled"),
    ],
)
def test_endpoints_that_stripe_refuses(account: Account, change: dict[str, Any], param: str) -> None:
    given = {"url": HOOK, "enabled_events": ["*"]} | change
    assert account.refused("POST", "webhook_endpoints", given)[1]["param"] == param


def test_the_version_of_an_endpoint_never_changes_and_sixteen_are_enough(account: Account) -> None:
    made = account.subscribe()
    path = f"webhook_endpoints/{made['id']}"
    assert account.refused("POST", path, {"api_version": "2026-10-28.endive"})[1]["code"] == "parameter_unknown"
    for _ in range(15):
        account.subscribe()
    assert account.refused("POST", "webhook_endpoints", {"url": HOOK, "enabled_events": ["*"]})[0] == 400


def test_only_what_was_asked_for_is_delivered_with_a_right_signature(account: Account) -> None:
    secret = account.subscribe("invoice.paid")["secret"]
    account.paid()
    (delivery,) = account.deliveries()
    assert delivery.url == HOOK
    event = json.loads(delivery.body)
    assert (event["type"], event["pending_webhooks"]) == ("invoice.paid", 1)
    fields = dict(header(delivery))
    assert fields["v1"] == expected(secret, fields["t"], delivery.body)
    assert int(fields["t"]) == int(account.now.timestamp())


def test_test_mode_events_do_not_reach_live_endpoints(account: Account) -> None:
    account.post("webhook_endpoints", {"url": HOOK, "enabled_events": ["*"]}, key=account.facts["live_secret_key"])
    account.paid()
    assert account.deliveries() == []
    account.do("charge", amount=1000, livemode=True)
    assert all(json.loads(d.body)["livemode"] for d in account.deliveries())


def test_a_refused_delivery_comes_again_signed_anew_and_then_no_more(account: Account) -> None:
    secret = account.subscribe("customer.created")["secret"]
    account.customer()
    seen: set[tuple[str, bytes]] = set()
    for minutes in (0, 5, 60, 180):
        account.wait(minutes=minutes)
        (delivery,) = account.deliveries(500)
        fields = dict(header(delivery))
        assert fields["v1"] == expected(secret, fields["t"], delivery.body)
        seen.add((fields["t"], delivery.body))
    assert len(seen) == 4
    assert len({body for _, body in seen}) == 1
    account.wait(days=3)
    assert account.deliveries() == []
    assert len(account.get("events", {"delivery_success": False})["data"]) == 1


def test_live_events_are_tried_for_three_days_with_growing_waits(account: Account) -> None:
    account.post("webhook_endpoints", {"url": HOOK, "enabled_events": ["*"]}, key=account.facts["live_secret_key"])
    account.do("customer", livemode=True)
    tries = 0
    for _ in range(4 * 24 * 12):
        tries += len(account.deliveries(None))
        account.wait(minutes=5)
    assert 10 <= tries <= 20
    assert account.do("truth", livemode=True)["webhooks"]["discarded"] == 1


def test_a_delivered_event_is_a_success_in_the_log(account: Account) -> None:
    account.subscribe()
    account.customer()
    assert len(account.get("events", {"delivery_success": False})["data"]) == 1
    account.deliveries(204)
    assert account.get("events", {"delivery_success": False})["data"] == []
    (event,) = account.get("events", {"delivery_success": True})["data"]
    assert event["pending_webhooks"] == 0


def test_redirects_are_failures(account: Account) -> None:
    account.subscribe()
    account.customer()
    account.deliveries(302)
    assert account.do("truth")["webhooks"]["retried"] == 1


def test_lost_events_stand_in_the_log_alone(account: Account) -> None:
    account.subscribe()
    account.do("knobs", lost_share=1.0)
    made = account.customer()
    assert account.deliveries() == []
    (event,) = account.get("events", {"delivery_success": False})["data"]
    assert event["data"]["object"]["id"] == made["id"]
    account.do("resend", event_id=event["id"])
    assert len(account.deliveries()) == 1


def test_duplicates_are_the_same_event_twice(account: Account) -> None:
    account.subscribe()
    account.do("knobs", duplicate_share=1.0)
    account.customer()
    first, second = account.deliveries()
    assert first.body == second.body
    assert first.id != second.id
    assert account.get("events")["data"][0]["pending_webhooks"] == 0


def test_events_can_come_in_another_order_and_late(account: Account) -> None:
    account.subscribe()
    account.do("knobs", shuffle=True, delay_s=30.0)
    for n in range(12):
        account.customer(name=f"K{n}")
    assert account.deliveries() == []
    account.wait(seconds=31)
    got = [json.loads(d.body)["data"]["object"]["name"] for d in account.deliveries()]
    assert sorted(got) == sorted(f"K{n}" for n in range(12))
    assert got != [f"K{n}" for n in range(12)]


@pytest.mark.parametrize("kind", ["broken", "wrong_secret", "v0_only", "none"])
def test_bad_signatures_do_not_verify(account: Account, kind: str) -> None:
    secret = account.subscribe()["secret"]
    account.do("knobs", signature=kind)
    account.customer()
    (delivery,) = account.deliveries()
    if kind == "none":
        assert "stripe-signature" not in dict(delivery.headers)
        return
    fields = header(delivery)
    right = expected(secret, dict(fields)["t"], delivery.body)
    assert ("v1", right) not in fields


@pytest.mark.parametrize(("kind", "off"), [("old", -3600), ("future", 3600)])
def test_wrong_times_are_rightly_signed(account: Account, kind: str, off: int) -> None:
    secret = account.subscribe()["secret"]
    account.do("knobs", signature=kind)
    account.customer()
    (delivery,) = account.deliveries()
    fields = dict(header(delivery))
    assert int(fields["t"]) == int(account.now.timestamp()) + off
    assert fields["v1"] == expected(secret, fields["t"], delivery.body)


def test_a_right_signature_may_stand_behind_others(account: Account) -> None:
    secret = account.subscribe()["secret"]
    account.do("knobs", signature="extra")
    account.customer()
    (delivery,) = account.deliveries()
    fields = header(delivery)
    assert fields[1:3] == [("v0", "abc"), ("v1", "deadbeef")]
    assert ("v1", expected(secret, fields[0][1], delivery.body)) in fields


def test_two_secrets_sign_while_they_overlap(account: Account) -> None:
    made = account.subscribe()
    rolled = account.do("roll_secret", endpoint_id=made["id"], overlap_s=3600)
    account.customer()
    (delivery,) = account.deliveries()
    moment = header(delivery)[0][1]
    right = {expected(secret, moment, delivery.body) for secret in (made["secret"], rolled["secret"])}
    assert {value for name, value in header(delivery) if name == "v1"} == right
    account.wait(hours=2)
    account.customer()
    (delivery,) = account.deliveries()
    assert [value for name, value in header(delivery) if name == "v1"] == [
        expected(rolled["secret"], header(delivery)[0][1], delivery.body)
    ]


def test_a_disabled_and_a_deleted_endpoint_hear_nothing(account: Account) -> None:
    first, second = account.subscribe(), account.subscribe()
    account.customer()
    account.post(f"webhook_endpoints/{first['id']}", {"disabled": True})
    account.delete(f"webhook_endpoints/{second['id']}")
    assert account.deliveries() == []
    account.customer()
    assert account.deliveries() == []
    assert account.post(f"webhook_endpoints/{first['id']}", {"disabled": False})["status"] == "enabled"
    account.customer()
    assert len(account.deliveries()) == 1
