"""Webhooks and the event log of the pretend Square."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ml_connector_sandbox.core.wire import Delivery
from ml_connector_sandbox.square import Square
from ml_connector_sandbox.square.webhooks import signature
from tests.sandbox.square_shop import START, Shop

URL = "https://hooks.example.test/webhooks/square"


@pytest.mark.parametrize(
    ("key", "url", "body", "expected"),
    [
        (
            "asdf1234",
            "https://example.com/webhook",
            b'{"hello":"world"}',
            "2kRE5qRU2tR+tBGlDwMEw2avJ7QM4ikPYD/PJ3bd9Og=",
        ),
        (
            "sq-sig-key-0001",
            URL,
            '{"type":"customer.created","note":"Bjørn Ås – 5 €"}'.encode(),
            "exnKvdwUic+G6UQF/XbeLd9abVXZuhl3zBfShvZNwyk=",
        ),
        ("sq-sig-key-0001", URL, b"{}", "V/JqMQ4UXkUvbJDeq+wHhZMF2+Ivdg7AA0TOHaQCA2U="),
        ("sq-sig-key-0001", URL + "/", b"{}", "QLlo8J0XBuAQ/bNBDiil7Uy9iTEdNVhfVIrUbg2nAG0="),
    ],
)
def test_signatures_agree_with_known_vectors(key: str, url: str, body: bytes, expected: str) -> None:
    assert signature(key, url, body) == expected


def headers_of(delivery: Delivery) -> dict[str, str]:
    return dict(delivery.headers)


def test_a_delivery_is_signed_with_the_key_of_its_moment_and_bears_the_headers() -> None:
    shop = Shop()
    subscription = shop.subscribe("payment.created", url=URL)
    shop.do("sell")
    (delivery,) = shop.due()
    headers = headers_of(delivery)
    assert delivery.url == URL
    assert headers["x-square-hmacsha256-signature"] == signature(subscription["signature_key"], URL, delivery.body)
    assert headers["square-environment"] == "Sandbox"
    assert headers["square-initial-delivery-timestamp"] == "2026-01-31T12:00:00.000Z"
    assert "square-retry-number" not in headers
    fresh = shop.do("rotate_signature_key", subscription_id=subscription["id"])["signature_key"]
    shop.do("sell")
    (delivery,) = shop.due()
    assert headers_of(delivery)["x-square-hmacsha256-signature"] == signature(fresh, URL, delivery.body)


def test_a_failed_delivery_is_tried_eleven_times_more_on_the_schedule() -> None:
    shop = Shop()
    shop.subscribe("payment.created")
    shop.do("sell")
    waits = []
    (delivery,) = shop.due()
    for number in range(1, 12):
        shop.square.delivered(delivery, None if number == 1 else 302, shop.now)
        before = shop.now
        while not (found := shop.due()):
            shop.now += timedelta(minutes=1)
        waits.append((shop.now - before) // timedelta(minutes=1))
        (delivery,) = found
        headers = headers_of(delivery)
        assert headers["square-retry-number"] == str(number)
        assert headers["square-retry-reason"] == ("http_timeout" if number == 1 else "http_error")
        assert headers["square-initial-delivery-timestamp"] == "2026-01-31T12:00:00.000Z"
    assert waits == [1, 2, 4, 8, 16, 32, 60, 120, 240, 480, 480]
    shop.square.delivered(delivery, 500, shop.now)
    shop.wait(days=2)
    assert shop.due() == []
    assert shop.do("truth")["webhooks"]["discarded"] == 1


def test_time_scale_shortens_the_waits_and_the_fee() -> None:
    shop = Shop(Square(time_scale=0.01))
    shop.subscribe("payment.created")
    key = shop.do("sell")["payment_ids"][0]
    (delivery,) = shop.due()
    shop.square.delivered(delivery, 500, shop.now)
    shop.wait(milliseconds=599)
    assert shop.due() == []
    shop.wait(milliseconds=1)
    assert len(shop.due()) == 1
    assert "processing_fee" in shop.get(f"/v2/payments/{key}")["payment"]


def test_twins_losses_and_shuffling_are_knobs() -> None:
    shop = Shop()
    shop.subscribe("payment.created")
    shop.do("knobs", duplicate_share=1)
    shop.do("sell")
    twins = shop.events()
    assert len(twins) == 2
    assert twins[0]["event_id"] == twins[1]["event_id"]
    shop.do("knobs", duplicate_share=0, lost_share=1)
    shop.do("sell")
    assert shop.events() == []
    shop.do("knobs", lost_share=0, shuffle=True)
    made = [shop.do("sell")["payment_ids"][0] for _ in range(12)]
    seen = [e["data"]["id"] for e in shop.events()]
    assert sorted(seen) == sorted(made)
    assert seen != made


def test_about_one_in_twenty_is_sent_twice_by_default() -> None:
    shop = Shop()
    shop.subscribe("payment.created")
    shop.do("knobs", duplicate_share=0.05)
    for _ in range(400):
        shop.do("sell")
    assert 5 <= len(shop.events()) - 400 <= 45


def test_an_event_needs_the_scope_of_its_object() -> None:
    shop = Shop()
    other = shop.do("seed_merchant", application_id=shop.facts["application_id"], scopes=["ORDERS_READ"])
    shop.subscribe("payment.created")
    shop.do("sell", merchant_id=other["merchant_id"])
    assert shop.events() == []


def test_subscriptions_are_for_personal_tokens_and_https_or_loopback() -> None:
    shop = Shop()
    path, pat = "/v2/webhooks/subscriptions", shop.facts["pat"]
    wanted: dict[str, Any] = {"name": "n", "event_types": ["payment.created"], "notification_url": URL}
    assert shop.refused("POST", path, {"subscription": wanted}) == (403, "FORBIDDEN")
    plain = wanted | {"notification_url": "http://hooks.example.test/x"}
    assert shop.refused("POST", path, {"subscription": plain}, token=pat) == (400, "INVALID_VALUE")
    unknown = wanted | {"event_types": ["payment.sung"]}
    assert shop.refused("POST", path, {"subscription": unknown}, token=pat) == (400, "INVALID_VALUE")
    made = shop.post(path, {"subscription": wanted}, token=pat)["subscription"]
    one = f"{path}/{made['id']}"
    assert made["created_at"] == "2026-01-31 12:00:00 +0000 UTC"
    assert "signature_key" not in shop.call("GET", path, token=pat)[1]["subscriptions"][0]
    assert shop.call("PUT", one, {"subscription": {"enabled": False}}, token=pat)[1]["subscription"]["enabled"] is False
    assert shop.call("GET", path, token=pat)[1] == {}
    assert len(shop.call("GET", path, token=pat, include_disabled="true")[1]["subscriptions"]) == 1
    assert (
        shop.post(f"{one}/signature-key", {"idempotency_key": "r"}, token=pat)["signature_key"] != made["signature_key"]
    )
    assert shop.call("DELETE", one, token=pat) == (200, {})
    assert shop.refused("GET", one, token=pat) == (404, "NOT_FOUND")


def test_a_test_event_must_be_subscribed_and_answers_in_both_shapes() -> None:
    shop = Shop()
    pat = shop.facts["pat"]
    path = f"/v2/webhooks/subscriptions/{shop.subscribe('payment.created')['id']}/test"
    assert shop.refused("POST", path, {"event_type": "payout.paid"}, token=pat) == (400, "INVALID_VALUE")
    spec = shop.post(path, {"event_type": "payment.created"}, token=pat)["subscription_test_result"]
    assert isinstance(spec["payload"], str)
    shop.do("knobs", test_shape="root")
    root = shop.post(path, {"event_type": "payment.created"}, token=pat)
    assert (root["passes_filter"], root["payload"]["type"]) == (True, "payment.created")
    assert [e["type"] for e in shop.events()] == ["payment.created"] * 2


def test_a_subscription_silent_for_three_weeks_is_disabled() -> None:
    shop = Shop()
    subscription = shop.subscribe("payment.created")
    shop.do("sell")
    shop.wait(days=22)
    (delivery,) = shop.due()
    shop.square.delivered(delivery, 500, shop.now)
    path = f"/v2/webhooks/subscriptions/{subscription['id']}"
    assert shop.call("GET", path, token=shop.facts["pat"])[1]["subscription"]["enabled"] is False


def test_the_event_log_holds_what_happened_while_enabled_for_28_days() -> None:
    shop = Shop()
    pat = shop.facts["pat"]
    assert shop.refused("POST", "/v2/events", {}) == (403, "FORBIDDEN")
    shop.do("sell")
    assert shop.call("PUT", "/v2/events/enable", token=pat)[0] == 200
    shop.do("sell")
    shop.wait(hours=1)
    shop.do("sell")
    wanted = {"filter": {"event_types": ["payment.created"], "merchant_ids": [shop.facts["merchant_id"]]}}
    body = {"query": wanted | {"sort": {"field": "DEFAULT", "order": "ASC"}}, "limit": 1}
    found = shop.search("/v2/events", "events", body, token=pat)
    assert len(found) == 2
    assert found[0]["created_at"] == "2026-01-31T12:00:00.000000"
    page = shop.post("/v2/events", body, token=pat)
    assert [m["event_id"] for m in page["metadata"]] == [found[0]["event_id"]]
    late = {"created_at": {"start_at": "2026-01-31T12:30:00Z"}}
    body["query"] = {"filter": {**wanted["filter"], **late}}
    assert len(shop.search("/v2/events", "events", body, token=pat)) == 1
    shop.call("PUT", "/v2/events/disable", token=pat)
    shop.do("sell")
    assert len(shop.search("/v2/events", "events", body, token=pat)) == 1
    shop.now = START + timedelta(days=29)
    assert shop.post("/v2/events", {}, token=pat) == {}


def test_a_time_scale_of_zero_still_gives_eleven_retries_at_once() -> None:
    shop = Shop(Square(time_scale=0))
    shop.subscribe("payment.created")
    shop.do("sell")
    attempts = 0
    while found := shop.due():
        attempts += 1
        shop.square.delivered(found[0], 500, shop.now)
    assert attempts == 12
