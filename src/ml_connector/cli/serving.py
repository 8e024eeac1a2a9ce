"""`serve`, `worker`, `migrate`: the processes of an install."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ml_connector.app import opened
from ml_connector.cli.output import AsJson, lines, table
from ml_connector.cli.session import read_secret, session, settings_now, telling, who
from ml_connector.clock import Clock
from ml_connector.engine import moving
from ml_connector.engine.works import Works
from ml_connector.errors import ConfigurationError
from ml_connector.logs import Redactor, configure
from ml_connector.settings import Settings
from ml_connector.store.database import Database

if TYPE_CHECKING:
    from ml_connector.web.intake_keeper import Beside


def register(root: typer.Typer) -> None:
    """Put these commands under the root."""
    root.command("serve")(serve)
    root.command("worker")(worker)
    root.command("migrate")(migrate)
    root.command("move-to-postgresql")(move_to_postgresql)


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


def move_to_postgresql(
    from_file: Annotated[
        Path | None,
        typer.Option(
            "--from-file", help="A file with the address of an empty database and nothing else: postgresql://..."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Copy this install from SQLite to an empty PostgreSQL database, prove it, and put the SQLite files aside."""
    with telling(as_json=as_json) as out:
        settings = settings_now()
        if not settings.is_sqlite:
            raise ConfigurationError("This install is on PostgreSQL already.", fix="Nothing is to be done.")
        address = read_secret("Address of the database", from_file=from_file, variable="TARGET_DATABASE_URL")
        with _both(settings, address) as (source, target), out.progress("copying rows") as bar:
            moved = moving.move(source, target, clock=Clock(), by=who(), told=bar)
        aside = [str(path) for path in moved.put_aside]
        rows = [(name, count) for name, count in moved.rows.items() if count]
        content = {"rows": moved.rows, "audit_events": moved.audit_events, "audit_chain_ok": True, "put_aside": aside}
        out.answer(content, table("Copied and compared", ("table", "rows"), rows))
        out.say(f"The audit trail of {moved.audit_events} events verifies there. Kept aside here: {', '.join(aside)}.")
        out.say("Set MLC_DATABASE_URL to the new address, leave out MLC_INBOX_URL, keep the master key, and start.")


@contextmanager
def _both(settings: Settings, address: str) -> Iterator[tuple[Database, Database]]:
    """The install as it is, and the database it goes to. Nobody makes the former here: a wrong folder is told."""
    if not Path(settings.database_url.removeprefix("sqlite:///")).exists():
        raise ConfigurationError("There is no install here.", record=settings.database_url, fix="Set MLC_DATA_DIR.")
    source, target = Database(settings.database_url, inbox_url=settings.inbox_url), Database(address)
    try:
        yield source, target
    finally:
        source.close()
        target.close()
