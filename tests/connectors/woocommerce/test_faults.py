"""What each status, code and kind of body means, and what a scripted shop makes of the ping."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from ml_connector.connectors.http import MAX_ANSWER_BYTES, Answer
from ml_connector.connectors.woocommerce import auth, subscriptions
from ml_connector.connectors.woocommerce.faults import code_of, judged
from ml_connector.connectors.woocommerce.signing import Key
from ml_connector.errors import ConnectorError, NotAuthorized, NotFound, RateLimited, Rejected, Transient
from tests.connectors.woocommerce.strict_shop import CREDENTIALS, StrictShop, wrong

HTML = "<html>Nei</html>"


def answer(status: int, content: Any, **headers: str) -> Answer:
    body = content if isinstance(content, str) else json.dumps(content)
    return Answer(status, headers, body.encode())


def coded(status: int, code: str, data: Any = None) -> Answer:
    return answer(status, {"code": code, "message": "Nei &amp; nei", "data": data})


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (coded(400, "rest_invalid_param", {"params": {"per_page": "x"}}), Rejected),
        (coded(401, "woocommerce_rest_cannot_view", {"status": 401}), NotAuthorized),
        (coded(401, "woocommerce_rest_authentication_error", {"status": 401}), NotAuthorized),
        (coded(403, "woocommerce_rest_cannot_view", {"status": 403}), NotAuthorized),
        (answer(403, HTML), Transient),  # a firewall, not the key
        (answer(401, HTML), Rejected),  # a password in front of the whole site
        (coded(404, "rest_no_route"), Rejected),
        (answer(404, HTML), Rejected),
        (coded(404, "woocommerce_rest_shop_order_invalid_id"), NotFound),
        (coded(404, "wc_user_invalid_id"), NotFound),
        (coded(413, "woocommerce_rest_request_entity_too_large"), Rejected),
        (answer(429, HTML), RateLimited),
        (coded(500, "woocommerce_rest_cannot_create_order_refund", 400), Rejected),  # a refusal dressed as an outage
        (coded(500, "woocommerce_rest_x", None), Rejected),
        (coded(500, "internal_server_error", {"status": 500}), Transient),  # a plugin broke
        (coded(501, "woocommerce_rest_trash_not_supported"), Rejected),
        (answer(500, HTML), Transient), (answer(503, HTML), Transient), (answer(522, ""), Transient),
        (answer(301, "", location="https://www.shop.example"), Rejected),
        (answer(200, HTML), Transient),
        (answer(200, "<br />Notice: x" + json.dumps([])), Transient),  # no part of it is used
        (answer(200, '[{"id": 1'), Transient), (answer(200, ""), Transient), (answer(200, '"x"'), Transient),
    ],
)  # fmt: skip
def test_answers(given: Answer, error: type[ConnectorError]) -> None:
    with pytest.raises(ConnectorError) as caught:
        judged(given, "GET /orders")
    assert type(caught.value) is error
    assert "GET /orders" in str(caught.value)
    assert "&amp;" not in str(caught.value)  # translated messages decide nothing


def test_the_wait_is_the_shops_or_a_minute() -> None:
    for headers, wait in (
        ({"retry-after": "7"}, 7),
        ({}, 60),
        ({"retry-after": "soon"}, 60),
        ({"retry-after": "9" * 8}, 3600),
    ):
        with pytest.raises(RateLimited) as caught:
            judged(answer(429, HTML, **headers), "GET /orders")
        assert caught.value.retry_after_s == wait


def test_data_may_be_an_object_a_number_or_nothing() -> None:
    shapes: list[Any] = [{"status": 400}, 400, None, []]
    for data in shapes:
        assert code_of(coded(500, "woocommerce_rest_x", data)) == "woocommerce_rest_x"
    assert code_of(answer(500, [])) == ""
    assert code_of(answer(500, {"code": 5})) == ""


def checks_of(shop: StrictShop) -> dict[str, Any]:
    found = auth.ping(shop.http, CREDENTIALS, {}, clock=shop.clock)
    return {"ok": found.ok, **{check.name: check for check in found.checks}}


def rows(**values: str) -> Any:
    content = [{"id": name, "value": value} for name, value in values.items()]
    return lambda _request: httpx2.Response(200, json=content)


def scripted() -> StrictShop:
    shop = StrictShop()
    index = {
        "name": "Butikk", "home": "https://shop.example/butikk", "timezone_string": "", "gmt_offset": 5.5,
        "namespaces": ["wc/v3"],
    }  # fmt: skip
    status = {"environment": {"version": "10.5.0", "wp_cron": True}, "settings": {"HPOS_enabled": True}}
    shop.answers |= {
        "/": lambda _request: httpx2.Response(200, json=index),
        "/settings/general": rows(woocommerce_currency="NOK", woocommerce_calc_taxes="no"),
        "/settings/tax": rows(woocommerce_prices_include_tax="yes"),
        "/system_status": lambda _request: httpx2.Response(200, json=status),
    }
    return shop


def test_a_ping_says_when_a_shop_calculates_no_taxes_and_what_its_clock_is() -> None:
    found = checks_of(scripted())
    assert found["ok"]
    assert "no taxes" in found["taxes"].sentence
    assert "UTC+5.5" in found["time zone"].sentence


def test_the_index_is_asked_without_the_key() -> None:
    shop = scripted()
    seen: list[bool] = []
    index = shop.answers["/"]

    def noting(request: httpx2.Request) -> httpx2.Response:
        seen.append("authorization" in request.headers)
        return index(request)

    shop.answers["/"] = noting
    checks_of(shop)
    assert seen == [False]


def test_a_key_of_a_mere_clerk_reads_orders_and_is_told_what_it_lacks() -> None:
    shop = scripted()
    for path in ("/settings/general", "/webhooks", "/system_status"):
        shop.answers[path] = lambda _request: wrong(403, "woocommerce_rest_cannot_view")
    found = checks_of(shop)
    assert found["key"].ok
    assert not found["settings"].ok
    assert "polling" in found["webhooks"].sentence
    assert shop.reader().page("shop", None, now=shop.clock.now()).objects == ()


def test_a_shop_too_old_to_be_read_by_changes_is_told_of() -> None:
    shop = scripted()
    old = {"environment": {"version": "5.7.2"}, "settings": {}}
    shop.answers["/system_status"] = lambda _request: httpx2.Response(200, json=old)
    assert not checks_of(shop)["version"].ok


def test_wordpress_without_woocommerce_is_told_of() -> None:
    shop = scripted()
    shop.answers["/"] = lambda _request: httpx2.Response(200, json={"home": "https://shop.example/butikk"})
    assert "without WooCommerce" in checks_of(shop)["address"].sentence


def test_an_answer_too_large_is_asked_for_again_in_smaller_pages() -> None:
    shop = StrictShop()
    shop.answers["/orders"] = lambda _request: httpx2.Response(200, content=b" " * (MAX_ANSWER_BYTES + 1))
    reader = shop.reader()
    for _ in range(2):
        with pytest.raises(Transient):
            reader.page("orders", None, now=shop.clock.now())
    assert [one["per_page"] for one in shop.to("/orders")] == ["100", "50"]


def test_a_lost_answer_to_a_change_of_webhooks_is_looked_at_the_next_time() -> None:
    shop = StrictShop()

    def lost(request: httpx2.Request) -> httpx2.Response:
        if request.method == "GET":
            return httpx2.Response(200, json=[])
        raise httpx2.ReadTimeout("no answer", request=request)

    shop.answers["/webhooks"] = lost
    with pytest.raises(Transient):
        subscriptions.watch(shop.http, Key.of(CREDENTIALS), "https://us.example/hooks/x", clock=shop.clock)
