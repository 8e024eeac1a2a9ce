"""The documents written from the code: commands, errors, connectors. `ml-connector reference docs` renews them."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from ml_connector.cli.output import MEANING, AsJson, code_of, lines
from ml_connector.cli.session import telling
from ml_connector.engine import capabilities
from ml_connector.errors import catalogue

_HOW = "Written from {what} by `ml-connector reference docs`; a test compares.\n"
HEADS = {
    "cli.md": "# Commands\n\n" + _HOW.format(what="the commands themselves"),
    "errors.md": "# Errors\n\nEach error is a decision. " + _HOW.format(what="the catalogue"),
    "connectors.md": "# Connectors\n\n" + _HOW.format(what="the connectors' own data"),
}


def register(root: typer.Typer) -> None:
    """Put the command under the root; it is for those who build ml-connector."""
    root.command("reference", hidden=True)(reference)


def reference(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="The folder of documents.")],
    as_json: AsJson = False,
) -> None:
    """Write docs/cli.md, docs/errors.md and docs/connectors.md anew."""
    with telling(as_json=as_json) as out:
        for name, text in documents().items():
            (folder / name).write_text(text, encoding="utf-8")
        out.answer({"written": list(HEADS)}, lines(*(f"{folder / name}" for name in HEADS)))


def documents() -> dict[str, str]:
    """The documents by their names."""
    from ml_connector.cli.commands import app  # the root knows every group, this one too

    bodies = {"cli.md": commands(app), "errors.md": errors(), "connectors.md": capabilities.reference()}
    return {name: f"{HEADS[name]}\n{body}\n" for name, body in bodies.items()}


# ------------------------------------------------------------------------------------------- errors


def errors() -> str:
    """Every error: its code, what it means, what to do, and the exit code of a command that ends with it."""
    rows = ["| Code | Name | What it says | What to do | Exit |", "| --- | --- | --- | --- | --- |"]
    for kind in catalogue():
        if "code" not in vars(kind) or not kind.__module__.startswith("ml_connector."):
            continue  # a narrower case of its parent, with the same code and the same decision
        what = " ".join((inspect.getdoc(kind) or "").split())
        rows.append(f"| `{kind.code}` | {kind.__name__} | {what} | {kind.what_to_do} | {code_of(_blank(kind))} |")
    return "\n".join(rows)


def _blank(kind: Any) -> Any:
    return kind.__new__(kind)


# ------------------------------------------------------------------------------------------- commands


def commands(app: typer.Typer) -> str:
    """Every command with its arguments and options."""
    root = typer.main.get_command(app)
    codes = [f"- {code}: {meaning}" for code, meaning in MEANING.items()]
    parts = [
        "Every command takes `--json` and then prints one JSON object, errors too.",
        "",
        "## Exit codes",
        "",
        *codes,
    ]
    parts += ["", "## Before every command", "", *_parameters(root)]
    for path, command in _leaves(root, "ml-connector"):
        parts += ["", f"## `{path}`", "", " ".join((command.help or "").split()), "", *_parameters(command)]
    return "\n".join(parts)


def _leaves(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    for name, one in sorted(getattr(command, "commands", {}).items()):
        if one.hidden:
            continue
        if hasattr(one, "commands"):
            yield from _leaves(one, f"{path} {name}")
        else:
            yield f"{path} {name}", one


def _parameters(command: Any) -> list[str]:
    rows = [
        _row(one) for one in command.params if one.name not in ("help", "as_json") and not getattr(one, "hidden", False)
    ]
    return ["| | Meaning | Default |", "| --- | --- | --- |", *rows] if rows else ["No arguments."]


def _row(one: Any) -> str:
    is_option = one.param_type_name == "option"
    name = ", ".join([*one.opts, *one.secondary_opts]) if is_option else str(one.name).upper()
    default = "needed" if one.required else _default(one.default)
    return f"| `{name}` | {' '.join((getattr(one, 'help', '') or '').split())} | {default} |"


def _default(value: Any) -> str:
    return "" if value is None or value is False or value == "" or callable(value) else f"`{value}`"
