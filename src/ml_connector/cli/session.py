"""A command's surroundings: settings read, works opened, the workspace chosen, errors told."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import structlog
import typer

from ml_connector.app import opened
from ml_connector.cli.output import Output, fail, tell_times_in
from ml_connector.engine import connecting, setup
from ml_connector.engine.works import Works
from ml_connector.errors import ConfigurationError, ConnectorError, UsageError
from ml_connector.logs import Redactor, configure
from ml_connector.settings import Settings, load
from ml_connector.store import connection_rows, setups
from ml_connector.store.connection_rows import ConnectionRow
from ml_connector.store.setups import CompanyRow, RouteRow

CompanyName = Annotated[str | None, typer.Option("--company", help="Name or id; not needed where there is only one.")]
RouteName = Annotated[
    str | None,
    typer.Option("--route", help="Route id, its flow, or the code of its source; not needed where there is only one."),
]
_workspace = {"name": setups.DEFAULT_WORKSPACE}  # set once, by the root command, before any other runs


def choose_workspace(name: str) -> None:
    """The workspace that every command of this process works in."""
    _workspace["name"] = name


@dataclass(frozen=True, slots=True)
class Session:
    """What a command works with. `by` is who runs it, for the audit trail."""

    works: Works
    settings: Settings
    workspace: str
    out: Output
    by: str

    def company(self, name: str | None) -> CompanyRow:
        return setup.find_company(self.works, self.workspace, name)

    def connection(self, code: str) -> ConnectionRow:
        return connecting.find_connection(self.works, self.workspace, code)

    def ledger_of(self, company: CompanyRow) -> ConnectionRow:
        """The connection whose books these are."""
        return next(one for one in self.connections() if one.id == company.connection_id)

    def connections(self) -> list[ConnectionRow]:
        with self.works.database.reading() as c:
            return connection_rows.every(c, self.workspace)

    def companies(self) -> list[CompanyRow]:
        with self.works.database.reading() as c:
            return setups.companies(c, self.workspace)

    def routes(self) -> list[RouteRow]:
        with self.works.database.reading() as c:
            return setups.routes(c, workspace_id=self.workspace)

    def route(self, name: str | None) -> RouteRow:
        """The route of this id, flow or source code; without a name, the only one."""
        codes = {one.id: one.code for one in self.connections()}
        routes = self.routes()
        flow = name.replace("-", "_") if name is not None else None
        found = [one for one in routes if name in (None, one.id, codes.get(one.source_id)) or flow == one.flow]
        if len(found) != 1:
            if not routes:
                fix = "Set one up with `ml-connector route add --source CODE`."
                raise UsageError("There is no route yet.", record=name, fix=fix)
            known = ", ".join(f"{one.id} ({one.flow} from {codes.get(one.source_id)})" for one in routes)
            raise UsageError("Which route is meant is not clear.", record=name, fix=f"Name one of: {known}.")
        return found[0]


def settings_now() -> Settings:
    """The settings of this process. Raises ConfigurationError."""
    return load(os.environ, folder=Path.cwd())


@contextmanager
def telling(*, as_json: bool) -> Iterator[Output]:
    """Errors inside are told in three parts and end the command with their code; nothing else gets out."""
    try:
        yield Output(as_json=as_json)
    except ConnectorError as error:
        fail(error, as_json=as_json)
    except (typer.Exit, typer.Abort):
        raise
    except OSError as error:
        what = f"{error.filename or 'A file'}: {error.strerror or error}."
        fail(UsageError(what, fix="Check the path and its permissions."), as_json=as_json)
    except Exception as error:  # noqa: BLE001 - the last boundary: a person gets a sentence, the log gets the trace
        structlog.get_logger("cli").debug("unexpected", exc_info=True)
        fail(
            ConnectorError(
                f"Something unexpected happened: {type(error).__name__}.",
                fix="Run it again with MLC_LOG_LEVEL=DEBUG and report what the log says.",
            ),
            as_json=as_json,
        )


@contextmanager
def session(*, as_json: bool, makes_workspace: bool = False) -> Iterator[Session]:
    """Works opened for the length of a command.

    A workspace that nobody made is refused: a typing error would begin another customer.
    """
    with telling(as_json=as_json) as out:
        settings = settings_now()
        redactor = start_logging(settings)
        with opened(settings, redactor=redactor) as works:
            if not makes_workspace:
                _check_workspace(works, _workspace["name"])
            tell_times_in(_zone_of(works, _workspace["name"]))
            yield Session(works, settings, _workspace["name"], out, who())


def _zone_of(works: Works, workspace: str) -> tzinfo:
    """The time zone of the workspace's books; UTC where they have several, or there are none yet."""
    with works.database.reading() as c:
        zones = {one.time_zone for one in setups.companies(c, workspace)}
    return ZoneInfo(zones.pop()) if len(zones) == 1 else UTC


def _check_workspace(works: Works, name: str) -> None:
    with works.database.reading() as c:
        known = setups.workspaces(c)
    if name not in (*known, setups.DEFAULT_WORKSPACE):
        fix = f"Known: {', '.join(known) or 'none yet'}. Make it: ml-connector --workspace {name or 'NAME'} init"
        raise UsageError("There is no workspace of this name.", record=name, fix=fix)


def start_logging(settings: Settings) -> Redactor:
    """Logs to standard error; a command is quiet unless a level was asked for."""
    redactor = Redactor()
    level = settings.log_level if "MLC_LOG_LEVEL" in os.environ else "WARNING"
    configure(level=level, form=settings.log_format, redactor=redactor)
    return redactor


def read_secret(name: str, *, from_file: Path | None, variable: str, required: bool = True) -> str:
    """A secret from a file, a variable or a prompt without echo: never from the command's words."""
    if from_file is not None:
        return from_file.read_text(encoding="utf-8").strip()
    if os.environ.get(variable):
        return os.environ[variable].strip()
    if not required:
        return ""
    if not os.isatty(0):
        raise ConfigurationError(
            f"{name} was not given.", fix=f"Give it with --from-file, in the variable {variable}, or at a terminal."
        )
    return str(typer.prompt(name, hide_input=True, err=True)).strip()


def who() -> str:
    """Who runs this command, for the audit trail."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        return "cli:unknown"
