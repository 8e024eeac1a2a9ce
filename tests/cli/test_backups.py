"""Copies of an install, and the word that one was put back."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Terminal


def test_a_backup_says_what_it_copied_and_what_to_keep_apart(terminal: Terminal, tmp_path: Path) -> None:
    terminal("init")
    made = terminal("backup", "kept")
    assert made.code == 0
    assert "ml-connector.db, inbox.db in kept" in made.out
    assert str(tmp_path / "data" / "master.key") in made.out
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == ["inbox.db", "ml-connector.db"]


def test_a_backup_does_not_write_over_another(terminal: Terminal) -> None:
    terminal("init")
    terminal("backup", "kept")
    again = terminal("backup", "kept")
    assert again.code == 3
    assert "a copy of this name already" in again.err


def test_an_install_without_companies_has_nothing_to_look_for(terminal: Terminal) -> None:
    terminal("init")
    said = terminal("restored", "--json")
    assert (said.code, said.json) == (0, {"companies": {}})
