"""Setting an install up without any vendor: folders, connections, consent, doors, keys and the trail of it all."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from tests.cli.conftest import Terminal

TOKEN = "EAAAl-a-token-that-nobody-may-see"
SECRET = "a-secret-of-the-application"


@pytest.fixture
def connected(terminal: Terminal) -> Terminal:
    """An install with one Square connection."""
    assert terminal("init").code == 0
    assert terminal("connect", "square", SQUARE_ACCESS_TOKEN=TOKEN).code == 0
    return terminal


def link_of(terminal: Terminal) -> str:
    ended = terminal(
        "connect", "square", "--oauth", "--code", "shop", "--application-id", "sandbox-sq0idb-x", "--json",
        SQUARE_APPLICATION_SECRET=SECRET, MLC_PUBLIC_URL="https://books.example",
    )  # fmt: skip
    assert ended.code == 0
    return str(ended.json["authorize_url"])


def test_an_install_is_made_once_and_made_again_without_harm(terminal: Terminal, tmp_path: Path) -> None:
    first, again = terminal("init", "--json"), terminal("init", "--json")
    assert first.json == again.json
    assert (tmp_path / "data" / "master.key").stat().st_mode & 0o777 == 0o600


def test_a_token_is_neither_printed_nor_kept_in_the_clear(connected: Terminal, tmp_path: Path) -> None:
    said = connected("connections", "--json")
    assert [(one["code"], one["connector"], one["state"]) for one in said.json["connections"]] == [
        ("sq", "square", "active")
    ]
    kept = b"".join(file.read_bytes() for file in (tmp_path / "data").iterdir() if file.is_file())
    assert TOKEN.encode() not in kept
    assert TOKEN not in said.out + said.err


def test_no_export_error_or_log_holds_a_token(terminal: Terminal, tmp_path: Path) -> None:
    nobody = "http://127.0.0.1:9"
    here = {"MLC_LOG_LEVEL": "DEBUG", "MLC_ALLOW_INSECURE_HOSTS": nobody}
    assert terminal("init").code == 0
    said = [terminal("connect", "square", "--base-url", nobody, SQUARE_ACCESS_TOKEN=TOKEN, **here)]
    said += [
        terminal(*words, **here)
        for words in (
            ("connections",), ("ping", "sq"), ("ping", "sq", "--json"), ("schedule", "show", "sq", "--json"),
            ("audit", "show", "--json"), ("audit", "export", "trail.jsonl"), ("audit", "heads"), ("keys", "rotate"),
            ("webhook", "list", "sq"), ("read", "--json"), ("review", "list", "--json"),
        )
    ]  # fmt: skip
    assert (tmp_path / "trail.jsonl").stat().st_size > 0
    shown = "".join(one.out + one.err for one in said) + (tmp_path / "trail.jsonl").read_text()
    for dress in (TOKEN, base64.b64encode(TOKEN.encode()).decode(), TOKEN.encode().hex(), quote(TOKEN)):
        assert dress not in shown


def test_a_token_is_read_from_a_file(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN + "\n")
    ended = terminal("connect", "square", "--from-file", "token", "--json")
    assert ended.code == 0
    assert ended.json["connector"] == "square"


def test_a_code_is_given_once(connected: Terminal) -> None:
    ended = connected("connect", "square", "--json", SQUARE_ACCESS_TOKEN=TOKEN)
    assert ended.code == 2
    assert ended.json["error"]["record"] == "sq"


def test_a_lost_key_file_is_not_replaced_by_a_new_one_while_secrets_are_sealed(
    connected: Terminal, tmp_path: Path
) -> None:
    key = tmp_path / "data" / "master.key"
    kept = key.read_bytes()
    key.unlink()
    for words in (("connections",), ("init",), ("keys", "rotate")):
        refused = connected(*words, "--json")
        assert refused.code == 3
        assert "Restore the file from your backup of keys" in refused.json["error"]["fix"]
    assert not key.exists()
    key.write_bytes(kept)
    key.chmod(0o600)
    assert connected("keys", "rotate", "--json").code == 0


def test_workspaces_do_not_see_each_other(connected: Terminal) -> None:
    assert connected("--workspace", "other", "init").code == 0
    assert connected("--workspace", "other", "connections", "--json").json == {"connections": []}
    assert connected("workspaces", "--json").json == {
        "workspaces": [
            {"workspace": "default", "companies": [], "connections": ["sq"], "paused": [], "questions": 0},
            {"workspace": "other", "companies": [], "connections": [], "paused": [], "questions": 0},
        ]
    }


def test_a_workspace_that_nobody_made_is_refused(connected: Terminal) -> None:
    for words in (("connections",), ("connect", "square", "--code", "x"), ("review", "list")):
        refused = connected("--workspace", "defualt", *words, "--json", SQUARE_ACCESS_TOKEN=TOKEN)
        assert (refused.code, refused.json["error"]["record"]) == (2, "defualt")
        assert "Known: default." in refused.json["error"]["fix"]
    assert len(connected("workspaces", "--json").json["workspaces"]) == 1


def test_consent_begins_with_a_link_that_holds_a_state_and_no_secret(terminal: Terminal, tmp_path: Path) -> None:
    link = link_of(terminal)
    asked = parse_qs(urlsplit(link).query)
    assert len(asked["state"][0]) >= 40
    assert asked["redirect_uri"] == ["https://books.example/oauth/square/callback"]
    assert SECRET not in link
    kept = b"".join(file.read_bytes() for file in (tmp_path / "data").iterdir() if file.is_file())
    assert SECRET.encode() not in kept
    assert asked["state"][0].encode() not in kept


def test_a_seller_who_does_not_agree_is_told_in_words_and_the_link_is_used_up(terminal: Terminal) -> None:
    state = parse_qs(urlsplit(link_of(terminal)).query)["state"][0]
    back = f"https://books.example/oauth/square/callback?error=access_denied&state={state}"
    refused = terminal("connect", "finish", "--json", OAUTH_RETURN_ADDRESS=back)
    assert refused.code == 4
    assert "did not agree" in refused.json["error"]["what"]
    again = terminal("connect", "finish", "--json", OAUTH_RETURN_ADDRESS=back)
    assert again.code == 2
    assert "used already" in again.json["error"]["what"]
    assert terminal("connections", "--json").json == {"connections": []}


def test_a_door_needs_a_public_address_and_shows_its_url_once(connected: Terminal) -> None:
    assert connected("webhook", "open", "sq").code == 2
    opened = connected("webhook", "open", "sq", "--json", MLC_PUBLIC_URL="https://books.example")
    url = opened.json["url"]
    assert url.startswith("https://books.example/hooks/square/")
    listed = connected("webhook", "list", "sq", "--json")
    assert url.rpartition("/")[2] not in listed.out
    assert listed.json["doors"] == [{"door": opened.json["door"], "keys": 0, "refused_at": None, "refused": None}]
    assert connected("webhook", "key", opened.json["door"], WEBHOOK_SIGNATURE_KEY="a-signature-key").code == 0
    assert connected("webhook", "list", "sq", "--json").json["doors"][0]["keys"] == 1


def test_a_new_master_key_seals_everything_again(connected: Terminal) -> None:
    assert connected("keys", "add", "--json").json["key"].startswith("v2-")
    assert connected("keys", "rotate", "--json").json == {"secrets": 1}
    assert connected("keys", "rotate", "--json").json == {"secrets": 0}


def test_keys_in_a_variable_are_not_touched_by_a_command(connected: Terminal, tmp_path: Path) -> None:
    ring = ",".join((tmp_path / "data" / "master.key").read_text().split())
    ended = connected("keys", "add", MLC_MASTER_KEY=ring)
    assert ended.code == 3
    assert ring not in ended.err


def test_what_was_done_stands_in_the_trail_and_the_trail_verifies(connected: Terminal, tmp_path: Path) -> None:
    verbs = [event["verb"] for event in connected("audit", "show", "--json").json["events"]]
    assert "connected" in verbs
    assert connected("audit", "heads", "heads.json").code == 0
    verified = connected("audit", "verify", "--heads", "heads.json", "--json")
    assert verified.code == 0
    assert verified.json["ok"] is True
    assert connected("audit", "export", "trail.jsonl", "--json").json["events"] == verified.json["events"]
    assert all(json.loads(line)["hash"] for line in (tmp_path / "trail.jsonl").read_text().splitlines())


def test_a_trail_that_is_shorter_than_its_exported_heads_fails_the_check(connected: Terminal, tmp_path: Path) -> None:
    connected("audit", "heads", "heads.json")
    heads = json.loads((tmp_path / "heads.json").read_text())
    heads["heads"][0]["seq"] += 1
    (tmp_path / "heads.json").write_text(json.dumps(heads))
    ended = connected("audit", "verify", "--heads", "heads.json", "--json")
    assert ended.code == 1
    assert "cut" in ended.json["broken"][0]["reason"]


def test_nothing_set_up_yet_is_told_as_empty_lists(connected: Terminal) -> None:
    assert connected("company", "list", "--json").json == {"companies": []}
    assert connected("route", "list", "--json").json == {"routes": []}
    assert connected("review", "list", "--json").json == {"items": []}
    assert connected("migrate", "--json").json == {"database": "SQLite", "migrated": True}
