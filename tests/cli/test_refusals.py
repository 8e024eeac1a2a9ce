"""What a command says when it cannot: three parts, the right exit code, no stack trace, no secret."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from ml_connector.cli.output import CONFIGURATION, NOT_AUTHORIZED, PERSON, TRANSIENT, USAGE, code_of
from ml_connector.engine import rulebooks
from ml_connector.errors import (
    ChainBroken,
    ConfigurationError,
    ConnectorError,
    HostRefused,
    NeedsApproval,
    NotFound,
    RateLimited,
    StorageUnavailable,
    UnknownOutcome,
    UsageError,
)
from ml_connector.flows import FLOWS
from tests.cli.conftest import Terminal


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("x"), USAGE),
        (ConfigurationError("x"), CONFIGURATION),
        (HostRefused("x"), CONFIGURATION),
        (NeedsApproval("x"), NOT_AUTHORIZED),
        (RateLimited("x"), TRANSIENT),
        (StorageUnavailable("x"), TRANSIENT),
        (UnknownOutcome("x"), TRANSIENT),
        (NotFound("x"), PERSON),
        (ChainBroken("x"), PERSON),
        (ConnectorError("x"), PERSON),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, ConnectorError) else str(value),
)
def test_an_error_ends_a_command_with_the_code_of_its_decision(error: ConnectorError, code: int) -> None:
    assert code_of(error) == code


def test_an_error_tells_what_happened_to_which_record_and_what_to_do(terminal: Terminal) -> None:
    terminal("init")
    ended = terminal("ping", "nobody")
    assert ended.code == USAGE
    assert ended.out == ""
    assert ended.err.splitlines() == [
        "MLC-702  There is no connection of this code.", "Record:   nobody", "To do:    Known: none yet.",
    ]  # fmt: skip


def test_an_error_under_json_is_one_object_on_standard_output(terminal: Terminal) -> None:
    terminal("init")
    ended = terminal("ping", "nobody", "--json")
    assert ended.code == USAGE
    assert ended.json["error"] == {
        "code": "MLC-702", "what": "There is no connection of this code.", "record": "nobody",
        "fix": "Known: none yet.",
    }  # fmt: skip


def test_collecting_without_a_route_says_which_to_add(terminal: Terminal) -> None:
    terminal("init")
    ended = terminal("collect", "10042", "--json")
    assert ended.code == USAGE
    assert ended.json["error"]["record"] == "10042"
    assert "route add" in ended.json["error"]["fix"]


@pytest.mark.parametrize("flow", sorted(FLOWS))
def test_every_flow_has_rules_to_begin_with(terminal: Terminal, tmp_path: Path, flow: str) -> None:
    terminal("init")
    terminal("connect", "square", SQUARE_ACCESS_TOKEN="x")
    with sqlite3.connect(tmp_path / "data" / "ml-connector.db") as c:
        c.execute(
            "INSERT INTO company (id, workspace_id, connection_id, name, base_currency, time_zone, created_at) "
            "SELECT 'COMPANY', workspace_id, id, 'Shop', 'EUR', 'UTC', 0 FROM connection"
        )
        c.execute(
            "INSERT INTO route (id, workspace_id, company_id, flow, source_id, target_id, posting, created_at) "
            "SELECT 'ROUTE', workspace_id, 'COMPANY', ?, id, id, 'off', 0 FROM connection",
            (flow,),
        )
    for name in ("mine.toml", "mine.csv"):
        assert terminal("rules", "example", name, "--json").json["rules"] > 1
        form = rulebooks.form_of(name)
        assert rulebooks.read((tmp_path / name).read_text(), form=form).rules


def test_a_flow_that_does_not_join_the_two_ends_says_what_it_joins(terminal: Terminal, tmp_path: Path) -> None:
    terminal("init")
    terminal("connect", "square", SQUARE_ACCESS_TOKEN="x")
    with sqlite3.connect(tmp_path / "data" / "ml-connector.db") as c:
        c.execute(
            "INSERT INTO company (id, workspace_id, connection_id, name, base_currency, time_zone, created_at) "
            "SELECT 'COMPANY', workspace_id, id, 'Shop', 'EUR', 'UTC', 0 FROM connection"
        )
    told = {
        name: terminal("route", "add", "--source", "sq", *(("--flow", name) if name else ()), "--json").json["error"]
        for name in ("", "square_visma", "square_to_visma")
    }
    assert told[""]["what"] == "No flow goes from square to square."
    assert told["square_visma"]["what"] == "There is no flow of this name."
    assert told["square_to_visma"]["what"].startswith("square_to_visma goes from square to visma, and these ends are")


def test_a_command_that_is_not_understood_is_told_in_parts_with_the_help_to_look_at(terminal: Terminal) -> None:
    said = terminal("rules", "import", "nowhere.toml")
    assert said.code == USAGE
    what, todo = said.err.splitlines()
    assert what == "MLC-702  Invalid value for 'file': file 'nowhere.toml' does not exist."
    assert todo == "To do:    See `ml-connector rules import --help`."


def test_a_command_that_is_not_understood_is_told_as_json_too(terminal: Terminal) -> None:
    ended = terminal("trace", "--json")
    assert ended.code == USAGE
    assert "name" in ended.json["error"]["what"].casefold()


def test_a_command_that_does_not_exist_ends_with_usage(terminal: Terminal) -> None:
    assert terminal("no-such-command").code == USAGE


def test_a_wrong_setting_is_named_and_ends_with_configuration(terminal: Terminal) -> None:
    ended = terminal("connections", MLC_PORT="many")
    assert ended.code == CONFIGURATION
    assert "MLC_PORT is 'many'" in ended.err


def test_a_secret_that_nobody_gives_is_asked_for_in_words(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.isatty", lambda _descriptor: False)
    ended = terminal("connect", "square")
    assert ended.code == CONFIGURATION
    assert "SQUARE_ACCESS_TOKEN" in ended.err
    assert "--from-file" in ended.err


def test_rules_without_a_route_to_save_them_for_are_refused(terminal: Terminal, tmp_path: Path) -> None:
    terminal("init")
    (tmp_path / "rules.toml").write_text("version = 1\nvalid_from = 2026-01-01\n")
    ended = terminal("rules", "check", "rules.toml", "--json")
    assert ended.code == USAGE
    assert ended.json["error"]["what"] == "There is no route yet."
    assert "ml-connector route add" in ended.json["error"]["fix"]
    ended = terminal("dry-run", "--json")
    assert (ended.code, ended.json["error"]["what"]) == (USAGE, "There is no company yet.")
    assert "ml-connector company add" in ended.json["error"]["fix"]


@pytest.mark.parametrize(("form", "text"), [("toml", "[[rule]]\nid = 7"), ("csv", "id,roles\na,sales\n")])
def test_rules_that_cannot_be_read_are_told_with_their_place(form: rulebooks.Form, text: str) -> None:
    with pytest.raises(UsageError, match=r"version|Line 1|rule 1"):
        rulebooks.read(text, form=form)


def test_a_file_of_heads_that_holds_none_is_refused(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "heads.json").write_text("[]")
    ended = terminal("audit", "verify", "--heads", "heads.json", "--json")
    assert ended.code == USAGE
    assert ended.json["error"]["record"] == "heads.json"


def test_an_id_that_nothing_has_is_told(terminal: Terminal) -> None:
    terminal("init")
    ended = terminal("trace", "GL0000001")
    assert ended.code == USAGE
    assert "Nothing here has this id." in ended.err


def test_replaying_nothing_in_particular_is_refused(terminal: Terminal) -> None:
    terminal("init")
    ended = terminal("replay", "--json")
    assert ended.code == USAGE
    assert "--since" in ended.json["error"]["what"]


def test_a_folder_that_is_not_empty_keeps_no_demonstration(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    ended = terminal("demo", "--keep", "full", "--json")
    assert ended.code == USAGE
    assert (tmp_path / "full" / "mine.txt").read_text() == "mine"
