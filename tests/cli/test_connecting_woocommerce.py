"""A WooCommerce shop connected at the terminal: by address and key pair, no secret told, bad input refused in words."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.cli.conftest import Ended, Terminal

KEY = "ck_0123456789abcdef0123456789abcdef01234567"
SECRET = "cs_89abcdef0123456789abcdef0123456789abcdef"
SHOP = "https://shop.example/butik"


def connect(
    terminal: Terminal, *words: str, url: str = SHOP, key: str = KEY, secret: str = SECRET, **environ: str
) -> Ended:
    return terminal(
        "connect", "woocommerce", "--url", url, "--json", *words,
        WOOCOMMERCE_CONSUMER_KEY=key, WOOCOMMERCE_CONSUMER_SECRET=secret, **environ,
    )  # fmt: skip


def test_a_shop_is_connected_by_its_address_and_key(terminal: Terminal) -> None:
    ended = connect(terminal, "--vat-number-keys", "_vat,vat_no", "--org-number-keys", "_org")
    assert ended.code == 0, ended.err
    assert (ended.json["connector"], ended.json["code"]) == ("woocommerce", "wc")
    (event,) = [one for one in terminal("audit", "show", "--json").json["events"] if one["verb"] == "connected"]
    assert event["facts"]["base_url"] == SHOP
    assert event["facts"]["fields"] == ["consumer_key", "consumer_secret"]


def test_a_plain_http_shop_is_connected_only_where_the_operator_allows_it(terminal: Terminal) -> None:
    refused = connect(terminal, url="http://shop.example/butik")
    assert refused.code == 3
    assert "MLC_ALLOW_PRIVATE_HOSTS" in refused.out
    allowed = {"MLC_ALLOW_PRIVATE_HOSTS": "http://shop.example"}
    assert connect(terminal, url="http://shop.example/butik", **allowed).code == 0
    # a vendor with hosts of its own is not called there all the same
    given = {"PAYPAL_CLIENT_SECRET": "x" * 20, **allowed}
    terminal("connect", "paypal", "--client-id", "app", "--base-url", "http://shop.example", **given)
    pinged = terminal("ping", "pp", "--json", **allowed)
    assert (pinged.code, "not an address this connection may call" in pinged.out + pinged.err) == (3, True)


def test_a_certificate_to_trust_is_a_pem_file(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "shop.pem").write_text("trust me")
    refused = connect(terminal, "--trusted-certificate", "shop.pem")
    assert refused.code == 3
    assert "no certificate in PEM form" in refused.out


def test_neither_key_nor_secret_is_told_or_kept_in_the_clear(terminal: Terminal, tmp_path: Path) -> None:
    said = connect(terminal)
    kept = b"".join(file.read_bytes() for file in (tmp_path / "data").iterdir() if file.is_file())
    for word in (KEY, SECRET):
        assert word.encode() not in kept
        assert word not in said.out + said.err


def test_key_and_secret_are_read_from_two_lines_of_a_file(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "pair").write_text(f"{KEY}\n{SECRET}\n")
    ended = terminal("connect", "woocommerce", "--url", SHOP, "--from-file", "pair", "--in-query", "--json")
    assert ended.code == 0, ended.err
    (event,) = [one for one in terminal("audit", "show", "--json").json["events"] if one["verb"] == "connected"]
    assert event["facts"]["fields"] == ["authentication", "consumer_key", "consumer_secret"]


def test_a_file_with_one_line_is_refused_without_showing_it(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "pair").write_text(SECRET)
    ended = terminal("connect", "woocommerce", "--url", SHOP, "--from-file", "pair", "--json")
    assert ended.code == 2
    assert "first line" in ended.json["error"]["fix"]
    assert SECRET not in ended.out + ended.err


def test_a_swapped_pair_is_refused_without_showing_it(terminal: Terminal) -> None:
    ended = connect(terminal, key=SECRET, secret=KEY)
    assert ended.code == 2
    assert SECRET not in ended.out + ended.err
    assert terminal("connections", "--json").json == {"connections": []}


@pytest.mark.parametrize("url", ["https://", "ftp://shop.example", "https://a:b@shop.example", "http://[::1"])
def test_an_address_that_is_none_is_refused_before_it_is_kept(terminal: Terminal, url: str) -> None:
    ended = connect(terminal, url=url)
    assert ended.code != 0
    assert ended.json["error"]["fix"]
    assert terminal("connections", "--json").json == {"connections": []}


def test_two_shops_are_two_codes(terminal: Terminal) -> None:
    assert connect(terminal).code == 0
    assert connect(terminal).code == 2
    assert connect(terminal, "--code", "wc2", url="https://other.example").code == 0
    assert [one["code"] for one in terminal("connections", "--json").json["connections"]] == ["wc", "wc2"]


def test_a_link_asks_the_shops_owner_for_a_key_instead(terminal: Terminal) -> None:
    public = "https://books.example"
    ended = terminal("connect", "woocommerce", "--url", SHOP, "--link", "--json", MLC_PUBLIC_URL=public)
    assert ended.code == 0, ended.err
    asked = {name: values[0] for name, values in parse_qs(urlsplit(ended.json["authorize_url"]).query).items()}
    assert ended.json["authorize_url"].startswith(f"{SHOP}/wc-auth/v1/authorize?")
    assert asked["callback_url"] == f"{public}/handover/woocommerce"
    assert terminal("connections", "--json").json == {"connections": []}


def test_a_link_needs_an_https_address_of_this_install(terminal: Terminal) -> None:
    ended = terminal("connect", "woocommerce", "--url", SHOP, "--link", "--json", MLC_PUBLIC_URL="http://books.example")
    assert ended.code != 0
    assert "https" in ended.json["error"]["what"]
