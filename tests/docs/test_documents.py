"""What the documents say is what is there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer

from ml_connector.cli.commands import app
from ml_connector.settings import reference

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z]+):.*## ", MAKEFILE, re.MULTILINE)) - {"help"}
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("src/**/*.md")])
ROOT_COMMAND = typer.main.get_command(app)
DECISIONS = sorted(ROOT.glob("docs/decisions/[0-9]*.md"))


def named(document: Path) -> str:
    return str(document.relative_to(ROOT))


def made(text: str) -> set[str]:
    """The make targets that a text tells its reader to run: in code, `make name`."""
    code = re.findall(r"`([^`]+)`", text) + re.findall(r"^    (.+)$", text, re.MULTILINE)
    return {target for piece in code for target in re.findall(r"\bmake ([a-z]+)", piece)}


def test_the_readme_names_every_make_target() -> None:
    assert made((ROOT / "README.md").read_text()) == TARGETS


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_a_make_target_that_a_document_names_exists(document: Path) -> None:
    assert made(document.read_text()) <= TARGETS


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_a_document_links_to_what_is_there(document: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text())
    missing = [link for link in links if "://" not in link and not (document.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_a_document_links_to_a_heading_that_is_there(document: Path) -> None:
    links = re.findall(r"\]\(([^)#\s:]*)#([^)]+)\)", document.read_text())
    missing = [f"{path}#{anchor}" for path, anchor in links if anchor not in headings(document.parent / path, document)]
    assert missing == []


def headings(path: Path, document: Path) -> set[str]:
    """The anchors of a document, as those who show it make them of its headings."""
    text = (document if path.is_dir() else path).read_text()
    found = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).strip().replace(" ", "-") for one in found}


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_a_command_that_a_document_names_exists_with_its_options(document: Path) -> None:
    assert [wrong for words in typed(document.read_text()) if (wrong := unknown(words))] == []


def typed(text: str) -> list[list[str]]:
    """The commands of ours that a text names in code, each as its words."""
    code = re.findall(r"`([^`]+)`", text) + re.findall(r"^ {4,}(.+)$", text.replace("\\\n", " "), re.MULTILINE)
    found = [piece for one in code for piece in re.findall(r"\bml-connector((?: +[^\s|;&#]+)+)", one)]
    return [one.split() for one in found]


def unknown(words: list[str]) -> str:
    """What of a command is not there; empty where all is."""
    command: Any = ROOT_COMMAND
    for before, word in zip(["", *words], words, strict=False):
        options = {name for one in command.params for name in (*one.opts, *one.secondary_opts)} | {"--help"}
        if word.startswith("--") and word.partition("=")[0] not in options:
            return f"{' '.join(words)}: {word}"
        if hasattr(command, "commands") and not word.startswith("-") and before != "--workspace":
            if word not in command.commands:
                return f"{' '.join(words)}: {word}"
            command = command.commands[word]
    return ""


def test_every_make_target_is_told_to_make_as_a_command() -> None:
    phony = re.search(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)
    assert phony is not None
    assert set(phony[1].split()) == TARGETS | {"help"}


def test_every_decision_is_listed_once_by_its_own_title() -> None:
    listed = re.findall(
        r"^- \[(\d{4})\]\(([^)]+)\) (.+)$", (ROOT / "docs/decisions/README.md").read_text(), re.MULTILINE
    )
    titles = [(path.name[:4], path.name, path.read_text().splitlines()[0]) for path in DECISIONS]
    assert [(number, name, f"# {number}. {title}") for number, name, title in listed] == titles


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [int(path.name[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))


@pytest.mark.parametrize("decision", DECISIONS, ids=named)
def test_a_decision_has_a_date_and_says_why_and_instead_of_what(decision: Path) -> None:
    text = decision.read_text()
    assert re.search(r"^Date: \d{4}-\d\d-\d\d\. Status: \S", text, re.MULTILINE)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["What", "Why", "Instead of", "What would change it"]


def test_the_settings_are_documented_as_they_are() -> None:
    assert reference() in (ROOT / "docs/settings.md").read_text()
