"""A Basware tenant connected at the terminal: a client or a user, its region or its own address, no secret told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Ended, Terminal

SECRET, NETWORK = "s3cret-of-the-client", "s3cret-of-the-network"


def connect(terminal: Terminal, *words: str) -> Ended:
    secrets = {"BASWARE_SECRET": SECRET, "BASWARE_NETWORK_PASSWORD": NETWORK}
    return terminal("connect", "basware", "--json", *words, **secrets)


def connected(terminal: Terminal) -> dict[str, object]:
    (event,) = [one for one in terminal("audit", "show", "--json").json["events"] if one["verb"] == "connected"]
    facts: dict[str, object] = event["facts"]
    return facts


def test_a_tenant_is_connected_by_its_client_and_region(terminal: Terminal) -> None:
    ended = connect(terminal, "--client-id", "bw-1", "--region", "US", "--smartpdf")
    assert ended.code == 0, ended.err
    assert (ended.json["connector"], ended.json["code"]) == ("basware", "bw")
    assert connected(terminal)["fields"] == ["client_id", "client_secret", "region", "scopes"]


def test_a_user_may_stand_for_a_client_and_the_network_has_its_own(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "both").write_text(f"{SECRET}\n{NETWORK}\n")
    words = ("--user", "ann", "--network-user", "net", "--from-file", str(tmp_path / "both"))
    ended = connect(terminal, *words, "--base-url", "https://ca-api.basware.com")
    assert ended.code == 0, ended.err
    assert connected(terminal)["fields"] == ["network_password", "network_user", "password", "user"]
    kept = b"".join(file.read_bytes() for file in (tmp_path / "data").iterdir() if file.is_file())
    assert SECRET.encode() not in kept
    assert NETWORK.encode() not in kept
    assert SECRET not in ended.out + ended.err


def test_neither_or_both_is_refused(terminal: Terminal) -> None:
    for words in ((), ("--user", "ann", "--client-id", "bw-1")):
        ended = connect(terminal, *words)
        assert ended.code == 2
        assert "--client-id" in ended.json["error"]["fix"]


@pytest.mark.parametrize(
    ("region", "what", "fix"),
    [
        (
            "NORTH",
            "Basware has no region 'NORTH'.",
            "Regions are EU, US, AU, CA; or leave it out and type your own host",
        ),
        ("ca", "Basware publishes no address of region CA.", "Type the address that Basware gave you as base URL"),
    ],
)
def test_a_region_that_is_none_or_whose_address_must_be_typed_is_refused_before_anything_is_kept(
    terminal: Terminal, region: str, what: str, fix: str
) -> None:
    ended = connect(terminal, "--client-id", "bw-1", "--region", region)
    assert ended.code == 3
    error = ended.json["error"]
    assert (error["what"], error["record"]) == (what, "region")
    assert fix in error["fix"]
    assert terminal("connections", "--json").json["connections"] == []


def test_a_region_whose_address_is_typed_is_connected(terminal: Terminal) -> None:
    words = ("--client-id", "bw-1", "--region", "CA", "--base-url", "https://ca-api.basware.com")
    assert connect(terminal, *words).code == 0


def test_an_address_that_is_none_is_refused_before_anything_is_kept(terminal: Terminal) -> None:
    ended = connect(terminal, "--client-id", "bw-1", "--base-url", "ftp://files.example")
    assert ended.code == 3
    assert terminal("connections", "--json").json["connections"] == []
