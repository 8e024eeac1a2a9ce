"""The root command: every group under one name, usage errors told like all others."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated

import typer

from ml_connector.cli import (
    audit_trail,
    backups,
    checking,
    companies,
    connect_systems,
    connections,
    demo,
    keys,
    places,
    reference,
    repairing,
    reviewing,
    routes,
    rules,
    running,
    schedules,
    serving,
    tracing,
    webhooks,
)
from ml_connector.cli.output import MEANING, USAGE, AsJson, tell
from ml_connector.cli.session import choose_workspace
from ml_connector.errors import UsageError
from ml_connector.store.setups import DEFAULT_WORKSPACE

EPILOG = "Exit codes: " + "; ".join(f"{code} {meaning}" for code, meaning in MEANING.items()) + "."

app = typer.Typer(
    name="ml-connector",
    help="Reads Square and other systems, and posts what moved to Visma.net ERP exactly once, with proof.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def root(
    workspace: Annotated[
        str, typer.Option(help="A customer of this install; `workspaces` lists them.")
    ] = DEFAULT_WORKSPACE,
) -> None:
    """What holds for every command."""
    choose_workspace(workspace)


@app.command("about")
def about(as_json: AsJson = False) -> None:
    """The version that is installed."""
    number = version("ml-connector")
    print(json.dumps({"version": number}) if as_json else f"ml-connector {number}")


for group in (
    demo, companies, connect_systems, connections, routes, rules, places, schedules, running, reviewing, repairing,
    tracing, checking, audit_trail, keys, webhooks, serving, backups, reference,
):  # fmt: skip
    group.register(app)

PANELS = {
    "Set up": "init connect connections ping company route rules places doctor webhook schedule workspaces",
    "Every day": "read dry-run post review collect clearing",
    "Mend and prove": "trace replay undo census audit",
    "Run": "serve worker backup restored migrate move-to-postgresql keys",
    "Get to know": "demo about",
}
"""Under which heading of the help each command stands, in the order in which they are used."""

_panel_of = {word: name for name, words in PANELS.items() for word in words.split()}
for command in app.registered_commands:
    command.rich_help_panel = _panel_of.get(command.name or "")
for named in app.registered_groups:
    named.rich_help_panel = _panel_of.get(str(named.name))


def run(arguments: Sequence[str]) -> int:
    """Run one command; its exit code. Never raises."""
    try:
        code = app(list(arguments), prog_name="ml-connector", standalone_mode=False)
    except typer.TyperException as problem:
        return _misused(problem, as_json="--json" in arguments)
    except typer.Exit as end:
        return int(end.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        print("Stopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 0
    return code if isinstance(code, int) else 0


def _misused(problem: typer.TyperException, *, as_json: bool) -> int:
    """A command that was not understood, told in three parts as all errors are. A group alone has shown its help."""
    sentence = problem.format_message() if hasattr(problem, "format_message") else str(problem)
    context = getattr(problem, "ctx", None)
    path = context.command_path if context is not None else "ml-connector"
    if sentence or as_json:
        tell(UsageError(sentence or "A command is missing.", fix=f"See `{path} --help`."), as_json=as_json)
    return USAGE
