"""Carrying out what a database lacks, by Alembic; loaded only where something is lacking, for it weighs 12 MB."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Protocol, cast

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from alembic.script.revision import RevisionError
from sqlalchemy import Connection, text

from ml_connector.errors import ConfigurationError

_LOCK = 7_364_201_982  # any number that no other program on this database uses


class _Revision(Protocol):
    def upgrade(self) -> None: ...


def upgrade(c: Connection, folder: Path, *, version_table: str) -> list[str]:
    """Carry out what is lacking, in the caller's transaction; the revisions."""
    on_postgresql = c.dialect.name == "postgresql"
    if on_postgresql:  # SQLite's BEGIN IMMEDIATE has locked the file already
        c.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        c.execute(text("SET LOCAL statement_timeout = 0"))
    scripts = ScriptDirectory(str(folder))
    context = MigrationContext.configure(c, opts={"version_table": version_table})
    waiting = waiting_scripts(c, folder, version_table=version_table)
    with Operations.context(context):
        for script in waiting:
            _module(script).upgrade()
            context.stamp(scripts, script.revision)
    if waiting and on_postgresql:
        c.execute(text("ANALYZE"))  # statistics of empty or old tables mislead the planner badly
    return [script.revision for script in waiting]


def waiting_scripts(c: Connection, folder: Path, *, version_table: str) -> list[Script]:
    """What is lacking, the oldest first. Raises ConfigurationError where the database is newer than this program."""
    current = MigrationContext.configure(c, opts={"version_table": version_table}).get_current_revision()
    try:
        scripts = list(ScriptDirectory(str(folder)).iterate_revisions("head", current or "base"))
    except RevisionError as error:
        raise ConfigurationError(
            f"The database is at version {current}, which this program does not know.",
            record=version_table,
            fix="Start the newer program, or restore the backup made before the upgrade.",
        ) from error
    return scripts[::-1]


def _module(script: Script) -> _Revision:
    module: ModuleType = script.module
    return cast(_Revision, module)
