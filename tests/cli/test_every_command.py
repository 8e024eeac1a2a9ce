"""What holds for every command: it explains itself, it can speak JSON, it takes no secret from its words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer

from ml_connector.cli import reference
from ml_connector.cli.commands import PANELS, app, run

DOCS = Path(__file__).parents[2] / "docs"
COMMANDS: dict[str, Any] = dict(reference._leaves(typer.main.get_command(app), ""))


@pytest.mark.parametrize("path", COMMANDS, ids=str.strip)
def test_a_command_explains_itself(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*path.split(), "--help"]) == 0
    sentence = (COMMANDS[path].help or "").split()[:3]
    assert sentence
    assert " ".join(sentence) in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("path", COMMANDS, ids=str.strip)
def test_a_command_can_speak_json(path: str) -> None:
    assert "--json" in [name for one in COMMANDS[path].params for name in one.opts]


@pytest.mark.parametrize("path", COMMANDS, ids=str.strip)
def test_a_command_takes_no_secret_from_its_words(path: str) -> None:
    words = {part for one in COMMANDS[path].params for part in str(one.name).split("_")}
    assert not words & {"secret", "password", "token", "pat", "key"}


def test_every_command_of_the_issue_is_there() -> None:
    roots = {path.split()[0] for path in COMMANDS}
    assert roots >= set(
        "demo init company doctor connect connections ping route rules schedule read post dry-run "
        "review replay undo trace clearing census audit keys webhook worker serve migrate move-to-postgresql "
        "backup restored".split()
    )


def test_every_command_stands_under_a_heading_of_the_help() -> None:
    named = " ".join(PANELS.values()).split()
    assert sorted(named) == sorted({path.split()[0] for path in COMMANDS})


@pytest.mark.parametrize("name", list(reference.HEADS))
def test_a_generated_document_says_what_the_code_says(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == reference.documents()[name]


def test_every_error_of_the_catalogue_is_documented_once() -> None:
    codes = [line.split("`")[1] for line in reference.errors().splitlines() if line.startswith("| `MLC-")]
    assert len(codes) == len(set(codes)) > 15
