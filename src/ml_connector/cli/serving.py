"""`serve`, `worker`, `migrate`: the processes of an install."""

from __future__ import annotations

import typer

from ml_connector.cli.output import AsJson, lines
from ml_connector.cli.session import session, settings_now, telling


def register(root: typer.Typer) -> None:
    """Put these commands under the root."""
    root.command("serve")(serve)
    root.command("worker")(worker)
    root.command("migrate")(migrate)


def serve(as_json: AsJson = False) -> None:
    """Take webhooks, serve the pages and work, in one process; ends with Ctrl-C or SIGTERM."""
    with telling(as_json=as_json):
        from ml_connector.web import serving  # the web's parts load only here

        serving.serve(settings_now())


def worker(as_json: AsJson = False) -> None:
    """Only work: read, post, settle. More workers need PostgreSQL."""
    with telling(as_json=as_json):
        from ml_connector.web import serving

        serving.worker(settings_now())


def migrate(as_json: AsJson = False) -> None:
    """Bring the databases to this version's tables. Safe to repeat; take a backup first."""
    with session(as_json=as_json) as s:
        kind = "SQLite" if s.settings.is_sqlite else "PostgreSQL"
        s.out.answer({"database": kind, "migrated": True}, lines(f"The tables on {kind} are those of this version."))
