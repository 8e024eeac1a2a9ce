"""A PayPal account connected at the terminal: live by default, the sandbox by a word, no secret told."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Ended, Terminal

CLIENT = "AbCdEf0123456789"
SECRET = "EsEcReT-0123456789"
ROOTS = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


def connect(terminal: Terminal, *words: str) -> Ended:
    return terminal("connect", "paypal", "--client-id", CLIENT, "--json", *words, PAYPAL_CLIENT_SECRET=SECRET)


def connected(terminal: Terminal) -> dict[str, object]:
    (event,) = [one for one in terminal("audit", "show", "--json").json["events"] if one["verb"] == "connected"]
    facts: dict[str, object] = event["facts"]
    return facts


def test_an_account_is_connected_live_by_its_app(terminal: Terminal) -> None:
    ended = connect(terminal)
    assert ended.code == 0, ended.err
    assert (ended.json["connector"], ended.json["code"]) == ("paypal", "pp")
    assert connected(terminal) == {
        "connector": "paypal", "code": "pp", "fields": ["client_id", "client_secret"], "base_url": "",
    }  # fmt: skip


def test_the_sandbox_is_one_word(terminal: Terminal) -> None:
    assert connect(terminal, "--sandbox").code == 0
    assert connected(terminal)["base_url"] == "https://api-m.sandbox.paypal.com"


def test_the_secret_is_neither_told_nor_kept_in_the_clear(terminal: Terminal, tmp_path: Path) -> None:
    said = connect(terminal)
    kept = b"".join(file.read_bytes() for file in (tmp_path / "data").iterdir() if file.is_file())
    assert SECRET.encode() not in kept
    assert SECRET not in said.out + said.err


def test_root_certificates_of_ones_own_are_refused_with_live(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "roots.pem").write_text(ROOTS)
    for words in ((), ("--base-url", "https://api-m.paypal.com")):
        ended = connect(terminal, "--webhook-roots", "roots.pem", *words)
        assert ended.code == 2
        assert "pretend PayPal" in ended.json["error"]["fix"]
    assert terminal("connections", "--json").json == {"connections": []}


def test_a_file_without_certificates_is_refused(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "roots.pem").write_text("no certificate")
    ended = connect(terminal, "--webhook-roots", "roots.pem", "--base-url", "http://127.0.0.1:1")
    assert ended.code == 2
    assert terminal("connections", "--json").json == {"connections": []}


def test_a_pretend_paypal_may_bring_its_own_roots(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "roots.pem").write_text(ROOTS)
    ended = connect(terminal, "--webhook-roots", "roots.pem", "--base-url", "http://127.0.0.1:1")
    assert ended.code == 0, ended.err
    assert connected(terminal)["fields"] == ["client_id", "client_secret", "webhook_roots"]
