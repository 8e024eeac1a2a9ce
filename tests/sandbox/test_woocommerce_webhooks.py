"""Webhooks, key hand-over and hosting quirks of a pretend WooCommerce shop."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from ml_connector_sandbox.woocommerce.webhooks import callable_url, signature
from tests.sandbox.woocommerce_shop import API, HOST, Shop


@pytest.fixture
def shop() -> Shop:
    return Shop()


ALL = ("order.created", "order.updated", "order.deleted", "customer.created", "customer.updated", "customer.deleted")


def rung(shop: Shop) -> list[str]:
    return sorted(topic for topic, _ in shop.events())


def test_the_published_vectors_give_their_signatures() -> None:
    body = (
        b'{"id":727,"status":"processing","total":"1348.00","billing":{"last_name":"S\\u00f8rensen"},'
        b'"payment_url":"https:\\/\\/shop.example\\/pay"}'
    )
    assert len(body) == 134
    assert signature("whsec_demo_8f2c", body) == "NsbXeDsKqeC1p25nW1teYOaJ7vIbjEgMCMDS0eaIiKs="
    assert signature("whsec_demo_8f2c", b'{"id":727}') == "uMfivo0l4LweQiPbqYpN+Qp/wY6OCQvdsfh4Z0k1LrA="


def test_creating_a_webhook_pings_unsigned(shop: Shop) -> None:
    made = shop.post(
        "/webhooks", {"topic": "order.updated", "delivery_url": "http://127.0.0.1:1/h", "status": "paused"}
    )
    assert made["status"] == "active"
    assert "secret" not in made
    ping = shop.due()[0]
    assert ping.body == f"webhook_id={made['id']}".encode()
    assert dict(ping.headers)["Content-Type"] == "application/x-www-form-urlencoded"
    assert not any(name.startswith("X-WC") for name, _ in ping.headers)
    shop.woo.delivered(ping, 500, shop.now)
    assert shop.do("webhook_health")[0]["failure_count"] == 0


def test_the_traps_of_creation(shop: Shop) -> None:
    url = {"delivery_url": "http://127.0.0.1:1/h"}
    assert shop.post("/webhooks", {"topic": "Order.Updated", **url})["topic"] == ""
    assert shop.refused("POST", "/webhooks", {"topic": "refund.created", **url})[1].endswith("_invalid_topic")
    assert shop.refused("POST", "/webhooks", {"topic": "order.updated", "delivery_url": "ftp://x"})[1].endswith(
        "_invalid_delivery_url"
    )
    first, second = (shop.post("/webhooks", {"topic": "action.woocommerce_order_refunded", **url}) for _ in range(2))
    assert first["id"] != second["id"]
    assert len(shop.get("/webhooks", offset=2)) == 3
    assert shop.refused("DELETE", f"/webhooks/{first['id']}") == (501, "woocommerce_rest_trash_not_supported")
    assert shop.call("DELETE", f"/webhooks/{first['id']}", force="true")[0] == 200
    assert shop.refused("GET", f"/webhooks/{first['id']}")[0] == 404


def test_a_delivery_is_signed_over_its_raw_bytes(shop: Shop) -> None:
    hook = shop.subscribe("order.updated")[0]
    order = shop.order()
    shop.wait(seconds=5)
    delivery = shop.due()[0]
    headers = dict(delivery.headers)
    assert headers["X-WC-Webhook-Signature"] == signature("whsec_demo_8f2c", delivery.body)
    assert headers["X-WC-Webhook-Source"] == f"http://{HOST}/"
    assert (headers["X-WC-Webhook-Topic"], headers["X-WC-Webhook-ID"]) == ("order.updated", str(hook["id"]))
    assert b"\\/wp-json\\/" in delivery.body
    assert b"\\u00f8" in delivery.body
    assert json.loads(delivery.body)["id"] == order["id"]


def test_orders_of_one_second_share_a_delivery_id(shop: Shop) -> None:
    shop.subscribe("order.updated")
    for _ in range(4):
        shop.order()
    shop.wait(seconds=5)
    ids = {dict(d.headers)["X-WC-Webhook-Delivery-ID"] for d in shop.take()}
    assert len(ids) == 1
    assert len(ids.pop()) == 32


def test_changes_before_the_run_are_one_delivery_of_the_state_then(shop: Shop) -> None:
    shop.subscribe("order.updated")
    order = shop.order()
    shop.put(f"/orders/{order['id']}", {"customer_note": "x"})
    shop.put(f"/orders/{order['id']}", {"status": "completed"})
    told = shop.events()
    assert [(topic, body["status"]) for topic, body in told] == [("order.updated", "completed")]


def test_what_rings_and_what_does_not(shop: Shop) -> None:
    shop.subscribe(*ALL)
    draft = shop.order(status="checkout-draft")
    assert rung(shop) == ["order.updated"]
    order = shop.order()
    assert rung(shop) == ["order.created", "order.updated"]
    buyer = shop.post("/customers", {"email": "d@example.test"})["id"]
    assert rung(shop) == ["customer.created"]
    shop.post("/orders", {"customer_id": buyer, "set_paid": True})
    assert rung(shop) == ["customer.updated", "order.created", "order.updated"]
    path = f"/orders/{order['id']}"
    shop.put(path, {"meta_data": [{"key": "a", "value": "1"}]})
    assert rung(shop) == ["order.updated"]
    shop.put(path, {"meta_data": [{"key": "a", "value": "1"}]})
    assert rung(shop) == ["order.updated"]  # an edit that changes nothing is noisy too
    shop.post(f"{path}/notes", {"note": "quiet"})
    assert rung(shop) == []
    refund = shop.do("refund", order_id=order["id"], amount="1.00")
    assert rung(shop) == ["order.updated"]
    shop.do("delete_refund", order_id=order["id"], refund_id=refund["refund_id"])
    assert rung(shop) == []
    shop.call("DELETE", path)
    assert shop.events() == [("order.deleted", {"id": order["id"]})]
    shop.put(path, {"status": "processing"})
    assert rung(shop) == []
    shop.put(path, {"customer_note": "back"})
    assert rung(shop) == ["order.updated"]
    shop.call("DELETE", f"/orders/{draft['id']}", force="true")
    assert rung(shop) == []
    shop.call("DELETE", f"/customers/{buyer}", force="true")
    assert rung(shop) == ["customer.deleted"]


@pytest.mark.parametrize(
    ("status", "fails"), [(200, 0), (204, 0), (302, 0), (303, 1), (304, 1), (401, 1), (500, 1), (None, 1)]
)
def test_200_to_302_is_success(shop: Shop, status: int | None, fails: int) -> None:
    shop.subscribe("order.updated")
    shop.order()
    shop.wait(seconds=5)
    shop.take(status)
    assert shop.do("webhook_health")[0]["failure_count"] == fails


def test_the_seventh_failure_disables_and_the_counter_survives_reactivation(shop: Shop) -> None:
    hook = shop.subscribe("order.updated")[0]
    order = shop.order()

    def fail(status: int | None) -> Any:
        shop.put(f"/orders/{order['id']}", {})
        shop.wait(seconds=5)
        assert len(shop.take(status)) == 1  # and never again
        return shop.get(f"/webhooks/{hook['id']}")["status"]

    assert [fail(500) for _ in range(7)] == ["active"] * 6 + ["disabled"]
    shop.put(f"/orders/{order['id']}", {})
    assert shop.events() == []
    assert shop.put(f"/webhooks/{hook['id']}", {"status": "active"})["status"] == "active"
    assert shop.due() == []  # no ping
    assert fail(None) == "disabled"
    shop.put(f"/webhooks/{hook['id']}", {"status": "active"})
    assert fail(200) == "active"
    assert fail(500) == "active"


def test_jobs_queued_before_a_pause_still_go_out(shop: Shop) -> None:
    hook = shop.subscribe("order.updated")[0]
    shop.order()
    shop.put(f"/webhooks/{hook['id']}", {"status": "paused"})
    shop.order()
    assert len(shop.events()) == 1


def test_a_demoted_owner_sends_signed_bodies_without_an_id(shop: Shop) -> None:
    shop.subscribe("order.updated")
    shop.do("role", user_id=shop.facts["owner_id"], role="subscriber")
    shop.order()
    (_, body), *_ = shop.events()
    assert (body["code"], "id" in body) == ("woocommerce_rest_cannot_view", False)


def test_the_real_shop_calls_no_private_host_and_no_odd_port(shop: Shop) -> None:
    assert not callable_url("http://127.0.0.1/h")
    assert not callable_url("https://10.0.0.8/h")
    assert not callable_url("https://shop.example:8443/h")
    assert callable_url("https://93.184.216.34:8080/h")
    shop.do("knobs", loopback_webhooks=False)
    shop.post("/webhooks", {"topic": "order.updated", "delivery_url": "http://127.0.0.1:1/h"})
    shop.order()
    assert shop.events() == []
    assert shop.do("webhook_health")[0]["failure_count"] == 1


def test_a_clone_rings_our_door_with_another_source(shop: Shop) -> None:
    shop.subscribe("order.updated")
    shop.do("clone", path="/staging", name="copy")
    shop.do("order", store="copy")
    shop.wait(minutes=1)
    (delivery,) = shop.take()
    assert dict(delivery.headers)["X-WC-Webhook-Source"] == f"http://{HOST}/staging/"
    assert shop.get("/orders") == []


def authorize(shop: Shop, **change: str) -> Any:
    query = {
        "app_name": "ml-connector", "scope": "read_write", "user_id": "state_1",
        "return_url": "https://app.example/back", "callback_url": "https://app.example/keys",
    } | change  # fmt: skip
    text = "&".join(f"{name}={value}" for name, value in query.items() if value)
    return shop.raw("GET", "/wc-auth/v1/authorize", text)


def test_a_merchant_hands_over_a_key(shop: Shop) -> None:
    assert authorize(shop).status == 302
    assert "/wc-auth/v1/login/" in str(shop.header("Location"))
    authorize(shop, sandbox_consent="allow")
    back = parse_qs(urlsplit(str(shop.header("Location"))).query)
    assert back == {"success": ["1"], "user_id": ["state_1"]}
    (delivery,) = shop.due()
    told = json.loads(delivery.body)
    assert (delivery.url, told["user_id"], told["key_permissions"]) == (
        "https://app.example/keys",
        "state_1",
        "read_write",
    )
    shop.woo.delivered(delivery, 200, shop.now)
    assert shop.call("GET", "/orders", keys=(told["consumer_key"], told["consumer_secret"]))[0] == 200


def test_a_callback_that_says_anything_but_200_loses_the_key(shop: Shop) -> None:
    authorize(shop, sandbox_consent="allow")
    (delivery,) = shop.due()
    told = json.loads(delivery.body)
    shop.woo.delivered(delivery, 204, shop.now)
    assert shop.refused("GET", "/orders", keys=(told["consumer_key"], told["consumer_secret"]))[0] == 401


@pytest.mark.parametrize(
    "change",
    [{"user_id": ""}, {"callback_url": "http://app.example/keys"}, {"scope": "all"}, {"return_url": "nowhere"}],
)
def test_a_wrong_request_for_a_key_is_an_error_page(shop: Shop, change: dict[str, str]) -> None:
    assert authorize(shop, **change).status == 401
    assert b"<html>" in shop.last.body


def test_denial_and_odd_states(shop: Shop) -> None:
    authorize(shop, sandbox_consent="deny")
    assert "success=0" in str(shop.header("Location"))
    assert shop.due() == []
    authorize(shop, sandbox_consent="deny", user_id="a%7Cb")
    assert str(shop.header("Location")).endswith("user_id=ab")


@pytest.mark.parametrize(
    ("page", "status"), [("coming_soon", 200), ("login", 200), ("maintenance", 503), ("firewall", 403)]
)
def test_hosts_answer_in_html(shop: Shop, page: str, status: int) -> None:
    shop.do("knobs", page_instead=page)
    assert shop.call("GET", "/orders") == (status, None)


def test_more_of_what_stands_in_front_of_a_shop(shop: Shop) -> None:
    shop.order()
    shop.do("knobs", redirect_to="https://www.shop.example")
    assert shop.call("GET", "/orders")[0] == 301
    assert str(shop.header("Location")).startswith(f"https://www.shop.example{API}/orders?")
    shop.do("knobs", redirect_to="", blocked_methods="PUT,DELETE")
    assert shop.call("PUT", "/orders/1", {})[0] == 403
    shop.do("knobs", blocked_methods="", blocked_agents="python-")
    assert shop.raw("GET", f"{API}/orders", headers={"user-agent": "python-requests/2"}).status == 403
    shop.do("knobs", blocked_agents="", heavy_rows=1)
    shop.order()
    assert shop.call("GET", "/orders") == (500, None)
    assert shop.call("GET", "/orders", per_page=1)[0] == 200
    shop.do("knobs", heavy_rows=0, php_notice=True)
    shop.call("GET", "/orders")
    assert (shop.last.status, shop.last.body[:6]) == (200, b"<br />")


def test_a_caching_host_serves_the_past(shop: Shop) -> None:
    shop.do("knobs", cache_s=60)
    assert shop.get("/orders") == []
    shop.order()
    assert shop.get("/orders") == []
    assert len(shop.get("/orders", _="fresh")) == 1
    shop.wait(seconds=61)
    assert len(shop.get("/orders")) == 1


def test_an_action_webhook_hears_of_refunds(shop: Shop) -> None:
    shop.subscribe("action.woocommerce_order_refunded")
    order = shop.order()
    shop.do("refund", order_id=order["id"], amount="1.00")
    told = {"action": "woocommerce_order_refunded", "arg": order["id"]}
    assert shop.events() == [("action.woocommerce_order_refunded", told)]
