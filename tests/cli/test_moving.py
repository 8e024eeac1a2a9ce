"""`move-to-postgresql` by its words: what it refuses, and an install that is used there afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Terminal
from tests.databases import Databases


def test_without_an_install_nothing_is_made_and_the_folder_is_named(terminal: Terminal, tmp_path: Path) -> None:
    ended = terminal("move-to-postgresql", "--json", TARGET_DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert ended.code == 3
    assert ended.json["error"]["what"] == "There is no install here."
    assert not (tmp_path / "data" / "ml-connector.db").exists()


def test_an_address_that_is_no_postgresql_is_refused_and_not_repeated(terminal: Terminal, tmp_path: Path) -> None:
    assert terminal("init").code == 0
    for address in ("mysql://u:CANARY@h/d", "sqlite:///other.db", "CANARY"):
        ended = terminal("move-to-postgresql", "--json", TARGET_DATABASE_URL=address)
        assert ended.code == 3
        assert "CANARY" not in ended.out + ended.err
    assert (tmp_path / "data" / "ml-connector.db").exists()


@pytest.mark.slow
def test_an_install_is_moved_and_used(terminal: Terminal, tmp_path: Path, postgres_databases: Databases) -> None:
    url = postgres_databases.new()
    assert terminal("--workspace", "shops", "init").code == 0
    (tmp_path / "address").write_text(f"{url}\n")
    moved = terminal("move-to-postgresql", "--from-file", "address", "--json")
    assert moved.code == 0, moved.out
    assert moved.json["rows"]["workspace"] == 1
    assert moved.json["audit_chain_ok"]
    assert [Path(path).name for path in moved.json["put_aside"]] == ["ml-connector.db.moved", "inbox.db.moved"]
    verified = terminal("audit", "verify", "--json", MLC_DATABASE_URL=url)
    assert (verified.code, verified.json["ok"], verified.json["events"]) == (0, True, moved.json["audit_events"])
    again = terminal("move-to-postgresql", "--json", MLC_DATABASE_URL=url, TARGET_DATABASE_URL=url)
    assert (again.code, again.json["error"]["what"]) == (3, "This install is on PostgreSQL already.")
    assert terminal("move-to-postgresql", "--json", TARGET_DATABASE_URL=url).code == 3
    forgotten = terminal("connections", "--json")
    assert (forgotten.code, "Set MLC_DATABASE_URL" in forgotten.json["error"]["fix"]) == (3, True)
    assert not (tmp_path / "data" / "ml-connector.db").exists(), "no empty install in its place"
    postgres_databases.remove(url)
