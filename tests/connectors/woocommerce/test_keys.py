"""How a call proves its key, where calls may go, and how a key is handed over."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from ml_connector.connectors.woocommerce import handover
from ml_connector.connectors.woocommerce.addresses import GuardedTransport, open_http, reach_of, store_url
from ml_connector.connectors.woocommerce.signing import Key, base_string, prove, signed
from ml_connector.errors import ConfigurationError, HostRefused, NotAuthorized, Transient, Untranslatable

AT = datetime.fromtimestamp(1767600000, UTC)
KEY = Key("ck_demo", "cs_demo")
PARAMS = {
    "modified_after": "2026-01-05T08:00:00",
    "dates_are_gmt": "true",
    "per_page": "100",
    "status[0]": "processing",
}
URL = "http://shop.example/wp-json/wc/v3/orders"
BASE = (
    "GET&http%3A%2F%2Fshop.example%2Fwp-json%2Fwc%2Fv3%2Forders&dates_are_gmt%3Dtrue%26modified_after%3D2026-01-05T08%253A00"
    "%253A00%26oauth_consumer_key%3Dck_demo%26oauth_nonce%3Dn0nce0000000000000000000000000001%26oauth_signature_method%3D"
    "HMAC-SHA256%26oauth_timestamp%3D1767600000%26per_page%3D100%26status%255B0%255D%3Dprocessing"
)


def test_the_published_oauth_signature_fits() -> None:
    made = signed(KEY, "GET", URL, PARAMS, now=AT, nonce="n0nce0000000000000000000000000001")
    unsigned = {name: value for name, value in made.items() if name != "oauth_signature"}
    assert base_string("GET", URL, unsigned) == BASE
    assert made["oauth_signature"] == "r7RJQu+C4/w158Sxt1Pnz5x13gygQlVouLiemOp7xik="


def test_plain_http_is_always_signed_and_never_carries_the_secret() -> None:
    for mode in ("basic", "query"):
        key = Key.of({"consumer_key": "ck_demo", "consumer_secret": "cs_demo", "authentication": mode})
        proof = prove(key, "GET", URL, {}, now=AT)
        assert "oauth_signature" in proof.params
        assert "cs_demo" not in str(dict(proof.params)) + str(dict(proof.headers))


def test_each_attempt_has_its_own_nonce() -> None:
    made = {prove(KEY, "GET", URL, {}, now=AT).params["oauth_nonce"] for _ in range(20)}
    assert len(made) == 20


def test_https_proves_by_basic_and_by_the_query_string_only_when_chosen() -> None:
    url = "https://shop.example/wp-json/wc/v3/orders"
    proof = prove(KEY, "GET", url, {"page": "1"}, now=AT)
    assert base64.b64decode(proof.headers["Authorization"].removeprefix("Basic ")) == b"ck_demo:cs_demo"
    assert proof.params == {"page": "1"}
    chosen = prove(Key("ck_demo", "cs_demo", "query"), "GET", url, {"page": "1"}, now=AT)
    assert chosen.params == {"page": "1", "consumer_key": "ck_demo", "consumer_secret": "cs_demo"}
    assert not chosen.headers


def test_secrets_are_not_printed() -> None:
    assert "cs_demo" not in repr(KEY)
    assert "ck_demo" not in repr(prove(KEY, "GET", "https://shop.example/", {}, now=AT))


def test_half_a_key_is_no_key() -> None:
    with pytest.raises(ConfigurationError):
        Key.of({"consumer_key": "ck_demo"})


# ---------------------------------------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    ("typed", "base"),
    [
        ("shop.example", "https://shop.example"),
        (" https://Shop.example/ ", "https://shop.example"),
        ("https://shop.example/butikk/", "https://shop.example/butikk"),
        ("https://shop.example/butikk/wp-admin/admin.php?page=wc", "https://shop.example/butikk"),
        ("https://shop.example/wp-json/wc/v3", "https://shop.example"),
        ("https://shop.example/index.php/om-oss", "https://shop.example"),
        ("http://127.0.0.1:8088/", "http://127.0.0.1:8088"),
    ],
)
def test_a_shop_address_as_people_type_it(typed: str, base: str) -> None:
    assert store_url(typed) == base


@pytest.mark.parametrize(
    "typed", ["", "ftp://shop.example", "https://", "https://u:p@shop.example", "https://a:99999999"]
)
def test_what_is_no_address_is_refused(typed: str) -> None:
    with pytest.raises(ConfigurationError):
        store_url(typed)


def test_only_the_shops_own_host_may_be_called_and_only_by_https() -> None:
    reach = reach_of("https://shop.example/butikk")
    reach.check("https://shop.example/butikk/wp-json/")
    for url in ("https://www.shop.example/", "http://shop.example/", "https://evil.example/"):
        with pytest.raises(HostRefused):
            reach.check(url)
    with pytest.raises(HostRefused):
        open_http("http://shop.example", {})
    open_http("http://127.0.0.1:8088", {}, allowed=frozenset({"http://127.0.0.1:8088"})).close()


class Wire(httpx2.BaseTransport):
    """Notes where a request went."""

    def __init__(self) -> None:
        self.sent: list[httpx2.Request] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self.sent.append(request)
        return httpx2.Response(200, json=[])


@pytest.mark.parametrize(
    "address",
    ["10.0.0.5", "127.0.0.1", "192.168.1.1", "169.254.169.254", "::1", "fd00::1", "::ffff:10.0.0.1", "0.0.0.0"],
)
def test_a_shop_inside_a_network_is_refused(address: str) -> None:
    wire = Wire()
    guarded = GuardedTransport(wire, resolve=lambda _host: ["93.184.216.34", address])
    http = open_http("https://shop.example", {}, transport=guarded)
    with pytest.raises(HostRefused):
        http.send("GET", "/", operation="x")
    assert not wire.sent


def test_the_address_that_was_judged_is_the_one_that_is_called() -> None:
    wire, asked = Wire(), []

    def resolve(host: str) -> list[str]:
        asked.append(host)
        return ["93.184.216.34"]

    http = open_http("https://shop.example", {}, transport=GuardedTransport(wire, resolve=resolve))
    assert http.send("GET", "/wp-json/", operation="x").ok
    (request,) = wire.sent
    assert request.url.host == "93.184.216.34"
    assert request.headers["host"] == "shop.example"
    assert request.extensions["sni_hostname"] == "shop.example"
    assert asked == ["shop.example"]


def test_an_address_allowed_on_purpose_is_not_resolved() -> None:
    wire = Wire()
    allowed = frozenset({"http://127.0.0.1:8088"})
    guarded = GuardedTransport(wire, allowed, resolve=lambda _host: [])
    assert open_http("http://127.0.0.1:8088", {}, allowed=allowed, transport=guarded).send("GET", "/", operation="x").ok


def test_a_name_that_does_not_resolve_is_tried_again_later() -> None:
    def resolve(_host: str) -> list[str]:
        raise OSError("no such name")

    http = open_http("https://shop.example", {}, transport=GuardedTransport(Wire(), resolve=resolve))
    with pytest.raises(Transient):
        http.send("GET", "/", operation="x")


# ---------------------------------------------------------------------------------------------- key hand-over

STATE = "Zk3_-" * 6


def given(**changes: Any) -> bytes:
    made = {
        "key_id": 17,
        "user_id": STATE,
        "consumer_key": "ck_" + "a" * 40,
        "consumer_secret": "cs_" + "b" * 40,
        "key_permissions": "read_write",
    }
    return json.dumps({**made, **changes}).encode()


def test_the_page_on_which_a_merchant_agrees() -> None:
    url = handover.authorize_url(
        "https://shop.example/butikk/", app_name="ml-connector", state=STATE, return_url="https://us.example/back",
        callback_url="https://us.example/keys",
    )  # fmt: skip
    assert url.startswith("https://shop.example/butikk/wc-auth/v1/authorize?")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert asked == {
        "app_name": "ml-connector", "scope": "read_write", "user_id": STATE, "return_url": "https://us.example/back",
        "callback_url": "https://us.example/keys",
    }  # fmt: skip


def test_a_state_that_would_lose_characters_and_a_plain_callback_are_refused() -> None:
    for state, callback in (
        ("a|" * 20, "https://us.example/k"),
        ("short", "https://us.example/k"),
        (STATE, "http://us/k"),
    ):
        with pytest.raises(ConfigurationError):
            handover.authorize_url("https://s.example", app_name="x", state=state, return_url="", callback_url=callback)


def test_a_key_handed_over_becomes_credentials() -> None:
    assert handover.state_of(given()) == STATE
    assert handover.received(given(), state=STATE) == {
        "consumer_key": "ck_" + "a" * 40,
        "consumer_secret": "cs_" + "b" * 40,
    }


def test_a_key_that_nobody_asked_for_is_refused() -> None:
    with pytest.raises(NotAuthorized):
        handover.received(given(user_id="x" * 30), state=STATE)
    with pytest.raises(NotAuthorized):
        handover.received(given(key_permissions="read"), state=STATE)
    with pytest.raises(Untranslatable):
        handover.received(given(consumer_key="<script>"), state=STATE)


def test_a_merchant_who_says_no() -> None:
    assert handover.agreed({"success": "1"})
    assert not handover.agreed({"success": "0"})
    assert not handover.agreed({})
