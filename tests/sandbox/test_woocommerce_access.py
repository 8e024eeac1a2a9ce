"""Who may ask a pretend WooCommerce shop, and how it says no."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, urlencode

import pytest

from ml_connector_sandbox.woocommerce import auth, php
from tests.sandbox.woocommerce_shop import API, HOST, Shop, signed


def basic(key: str, secret: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{key}:{secret}".encode()).decode()}


def code(shop: Shop) -> str:
    return str(json.loads(shop.last.body)["code"])


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_the_published_vector_gives_its_base_string() -> None:
    query = php.parse_query(
        "modified_after=2026-01-05T08:00:00&dates_are_gmt=true&per_page=100&status[0]=processing&oauth_consumer_key=ck_demo"
        "&oauth_timestamp=1767600000&oauth_nonce=n0nce0000000000000000000000000001&oauth_signature_method=HMAC-SHA256"
    )
    assert auth.base_string("GET", "http://shop.example/wp-json/wc/v3/orders", query) == (
        "GET&http%3A%2F%2Fshop.example%2Fwp-json%2Fwc%2Fv3%2Forders&dates_are_gmt%3Dtrue%26modified_after%3D2026-01-05T"
        "08%253A00%253A00%26oauth_consumer_key%3Dck_demo%26oauth_nonce%3Dn0nce0000000000000000000000000001%26oauth_sign"
        "ature_method%3DHMAC-SHA256%26oauth_timestamp%3D1767600000%26per_page%3D100%26status%255B0%255D%3Dprocessing"
    )


@pytest.mark.parametrize("algorithm", ["SHA1", "SHA256"])
def test_a_signed_request_is_let_in_once(shop: Shop, algorithm: str) -> None:
    params = signed(
        "GET", f"http://{HOST}{API}/orders", {"status[0]": "processing"}, key=shop.facts["consumer_key"],
        secret=shop.facts["consumer_secret"], at=shop.now, nonce="once", algorithm=algorithm,
    )  # fmt: skip
    query = urlencode(params, quote_via=quote)
    assert shop.raw("GET", f"{API}/orders", query).status == 200
    assert shop.raw("GET", f"{API}/orders", query).status == 401  # the nonce was used
    assert code(shop) == "woocommerce_rest_authentication_error"


def test_a_signature_in_the_header_is_as_good(shop: Shop) -> None:
    params = signed(
        "GET", f"http://{HOST}{API}/orders", {}, key=shop.facts["consumer_key"],
        secret=shop.facts["consumer_secret"], at=shop.now, nonce="h",
    )  # fmt: skip
    header = "OAuth " + ", ".join(f'{k}="{quote(v, safe="")}"' for k, v in params.items())
    assert shop.raw("GET", f"{API}/orders", headers={"authorization": header}).status == 200


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"oauth_consumer_key": "ck_unknown"}, "woocommerce_rest_authentication_error"),
        ({"oauth_signature": "AAAA"}, "woocommerce_rest_authentication_error"),
        ({"oauth_signature_method": "PLAINTEXT"}, "woocommerce_rest_authentication_error"),
        ({"oauth_nonce": ""}, "woocommerce_rest_authentication_missing_parameter"),
    ],
)
def test_a_spoilt_signature_is_refused(shop: Shop, change: dict[str, str], expected: str) -> None:
    params = signed(
        "GET", f"http://{HOST}{API}/orders", {}, key=shop.facts["consumer_key"],
        secret=shop.facts["consumer_secret"], at=shop.now, nonce="n",
    )  # fmt: skip
    assert shop.raw("GET", f"{API}/orders", urlencode(params | change)).status == 401
    assert code(shop) == expected


def test_a_signature_older_than_a_quarter_of_an_hour_is_refused(shop: Shop) -> None:
    params = signed(
        "GET", f"http://{HOST}{API}/orders", {}, key=shop.facts["consumer_key"],
        secret=shop.facts["consumer_secret"], at=shop.now, nonce="n",
    )  # fmt: skip
    shop.wait(minutes=16)
    assert shop.raw("GET", f"{API}/orders", urlencode(params)).status == 401


def test_a_shop_that_knows_itself_by_another_name_refuses_our_signature() -> None:
    shop = Shop(seeded={"home": "http://www.shop.example"})
    assert shop.refused("GET", "/orders") == (401, "woocommerce_rest_authentication_error")


def test_basic_over_http_is_nobody(shop: Shop) -> None:
    keys = basic(shop.facts["consumer_key"], shop.facts["consumer_secret"])
    assert shop.raw("GET", f"{API}/orders", headers=keys).status == 401
    assert code(shop) == "woocommerce_rest_cannot_view"


def test_under_tls_an_unknown_key_is_nobody_and_a_wrong_secret_is_told(shop: Shop) -> None:
    shop.do("knobs", tls=True)
    good = shop.facts["consumer_key"], shop.facts["consumer_secret"]
    assert shop.raw("GET", f"{API}/orders", headers=basic(*good)).status == 200
    shop.raw("GET", f"{API}/orders", headers=basic("ck_unknown", good[1]))
    assert (shop.last.status, code(shop)) == (401, "woocommerce_rest_cannot_view")
    shop.raw("GET", f"{API}/orders", headers=basic(good[0], "cs_wrong"))
    assert (shop.last.status, code(shop)) == (401, "woocommerce_rest_authentication_error")
    shop.raw("POST", f"{API}/orders", headers=basic("ck_unknown", good[1]), body={})
    assert code(shop) == "woocommerce_rest_cannot_create"


def test_query_string_keys_win_over_the_header_and_survive_its_loss(shop: Shop) -> None:
    shop.do("knobs", tls=True)
    key, secret = shop.facts["consumer_key"], shop.facts["consumer_secret"]
    wrong = urlencode({"consumer_key": key, "consumer_secret": "cs_wrong"})
    assert shop.raw("GET", f"{API}/orders", wrong, headers=basic(key, secret)).status == 401
    shop.do("knobs", strip_authorization=True)
    assert shop.raw("GET", f"{API}/orders", headers=basic(key, secret)).status == 401
    right = urlencode({"consumer_key": key, "consumer_secret": secret})
    assert shop.raw("GET", f"{API}/orders", right).status == 200


def test_a_read_key_may_not_write_and_a_customer_may_not_read(shop: Shop) -> None:
    reading = shop.facts["read_key"], shop.facts["read_secret"]
    assert shop.call("GET", "/orders", keys=reading)[0] == 200
    assert shop.refused("POST", "/orders", {}, keys=reading) == (401, "woocommerce_rest_authentication_error")
    buyer = shop.do("key", role="customer")
    keys = buyer["consumer_key"], buyer["consumer_secret"]
    assert shop.refused("GET", "/orders", keys=keys) == (403, "woocommerce_rest_cannot_view")
    assert shop.refused("GET", "/webhooks", keys=keys) == (403, "woocommerce_rest_cannot_view")


def test_the_root_is_open_and_names_the_shop_until_somebody_closes_it(shop: Shop) -> None:
    root = json.loads(shop.raw("GET", "/wp-json/").body)
    assert "wc/v3" in root["namespaces"]
    assert (root["timezone_string"], root["gmt_offset"], root["url"]) == ("Europe/Stockholm", "1", f"http://{HOST}")
    shop.do("knobs", root_open=False)
    assert shop.raw("GET", "/wp-json/").status == 401


@pytest.mark.parametrize(
    ("kind", "path", "status"),
    [
        ("pretty", "/wp-json/wc/v3/orders/statuses", 200),
        ("pretty", "/index.php/wp-json/wc/v3/orders/statuses", 200),
        ("pathinfo", "/index.php/wp-json/wc/v3/orders/statuses", 200),
        ("pathinfo", "/wp-json/wc/v3/orders/statuses", 404),
        ("plain", "/wp-json/wc/v3/orders/statuses", 404),
        ("plain", "/index.php/wp-json/wc/v3/orders/statuses", 404),
    ],
)
def test_permalinks_decide_where_the_api_is(shop: Shop, kind: str, path: str, status: int) -> None:
    shop.do("knobs", permalinks=kind)
    answer = shop.raw("GET", path)
    assert answer.status == status
    assert (b"<html>" in answer.body) == (status == 404)


def test_rest_route_routes_but_knows_nobody(shop: Shop) -> None:
    shop.do("knobs", permalinks="plain", tls=True)
    keys = urlencode({"consumer_key": shop.facts["consumer_key"], "consumer_secret": shop.facts["consumer_secret"]})
    assert shop.raw("GET", "/", f"rest_route=/wc/v3/orders&{keys}").status == 401
    assert code(shop) == "woocommerce_rest_cannot_view"
    assert shop.raw("GET", "/", f"rest_route=/wc/v3/orders&{keys}&_=wp-json/wc/").status == 200


def test_shops_in_folders_stand_side_by_side() -> None:
    shop = Shop(seeded={"name": "Norge", "path": "/butikk", "currency": "NOK", "time_zone": "Europe/Oslo"})
    other = Shop(woo=shop.woo, seeded={"name": "Sverige", "path": "/butik"})
    shop.order()
    assert len(shop.get("/orders")) == 1
    assert other.get("/orders") == []
    assert shop.get("/data/currencies/current")["code"] == "NOK"
    assert shop.refused("GET", "/orders", keys=(other.facts["consumer_key"], "x"))[0] == 401
    assert shop.raw("GET", "/elsewhere/wp-json/").status == 404
