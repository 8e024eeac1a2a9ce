"""`serve`, `worker`, `migrate`: the processes of an install."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from ml_connector.app import opened
from ml_connector.cli.output import AsJson, lines
from ml_connector.cli.session import session, settings_now, telling
from ml_connector.engine.works import Works
from ml_connector.logs import Redactor, configure
from ml_connector.settings import Settings

if TYPE_CHECKING:
    from ml_connector.web.intake_keeper import Beside


def register(root: typer.Typer) -> None:
    """Put these commands under the root."""
    root.command("serve")(serve)
    root.command("worker")(worker)
    root.command("migrate")(migrate)


def serve(as_json: AsJson = False) -> None:
    """Take webhooks, serve the pages and work, in one process; ends with Ctrl-C or SIGTERM."""
    with telling(as_json=as_json) as out:
        from ml_connector.web import serving  # the web's parts load only here

        settings = settings_now()
        with _at_work(settings) as works:
            code = serving.serve(
                works, database_url=settings.database_url, host=settings.host, port=settings.port,
                slots=settings.worker_slots, public_url=settings.public_url, beside=beside(settings),
                metrics_token=settings.metrics_token.get_secret_value() if settings.metrics_token else None,
                ready=lambda port: out.answer({"port": port}, lines(f"Serving on http://{settings.host}:{port}")),
            )  # fmt: skip
        raise typer.Exit(code)


def beside(settings: Settings) -> Beside | None:
    """The process that takes webhooks in, where the settings ask for one."""
    from ml_connector.web.intake_keeper import Beside

    if settings.intake_port is None:
        return None
    inbox = str(settings.inbox_url).removeprefix("sqlite:///")
    module = (sys.executable, "-m", "ml_connector.cli.intake")
    return Beside(settings.intake_port, (*module, inbox, settings.log_level, settings.log_format))


def worker(as_json: AsJson = False) -> None:
    """Only work: read, post, settle. For PostgreSQL, where many processes share the work."""
    with telling(as_json=as_json):
        from ml_connector.web import serving

        settings = settings_now()
        with _at_work(settings) as works:
            code = serving.work(works, database_url=settings.database_url, slots=settings.worker_slots)
        raise typer.Exit(code)


@contextmanager
def _at_work(settings: Settings) -> Iterator[Works]:
    """Works of a process that stays, logging as the settings say."""
    redactor = Redactor()
    configure(level=settings.log_level, form=settings.log_format, redactor=redactor)
    with opened(settings, redactor=redactor) as works:
        yield works


def migrate(as_json: AsJson = False) -> None:
    """Bring the databases to this version's tables. Safe to repeat; take a backup first."""
    with session(as_json=as_json) as s:
        kind = "SQLite" if s.settings.is_sqlite else "PostgreSQL"
        s.out.answer({"database": kind, "migrated": True}, lines(f"The tables on {kind} are those of this version."))
