"""Bring both databases to the tables this program knows: safe to run again, and by two processes at once.

A change of `tables.py` is a new file in `main/versions` or `inbox/versions` with the next number and the one before as
`down_revision`. Its statements are written out, never taken from `tables.py`, which will have moved on when they run.
There is no way down: restore the backup that was made before.
"""

from __future__ import annotations

import threading
from pathlib import Path
from types import ModuleType
from typing import Protocol, cast

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from alembic.script.revision import RevisionError
from sqlalchemy import Connection, text

from ml_connector.errors import ConfigurationError
from ml_connector.store.database import Database

_FOLDER = Path(__file__).parent
_LOCK = 7_364_201_982  # any number that no other program on this database uses
MAIN_VERSION_TABLE = "schema_version"
INBOX_VERSION_TABLE = "inbox_schema_version"
_turn = threading.Lock()  # alembic's `op` stands for one context in the whole process


class _Revision(Protocol):
    def upgrade(self) -> None: ...


def migrate(database: Database) -> list[str]:
    """Create or upgrade the main database and the inbox; the revisions that were carried out.

    All or nothing per database: both know transactions for tables. Raises ConfigurationError where the database is
    newer than this program.
    """
    with _turn, database.writing() as c:
        done = _upgrade(c, _FOLDER / "main", version_table=MAIN_VERSION_TABLE)
    with _turn, database.inbox_writing() as c:
        return done + _upgrade(c, _FOLDER / "inbox", version_table=INBOX_VERSION_TABLE)


def pending(database: Database) -> list[str]:
    """The revisions that `migrate` would carry out now."""
    with database.reading() as c:
        waiting = _waiting(c, _FOLDER / "main", version_table=MAIN_VERSION_TABLE)
    with database.inbox_reading() as c:
        waiting += _waiting(c, _FOLDER / "inbox", version_table=INBOX_VERSION_TABLE)
    return [script.revision for script in waiting]


def _upgrade(c: Connection, folder: Path, *, version_table: str) -> list[str]:
    on_postgresql = c.dialect.name == "postgresql"
    if on_postgresql:  # SQLite's BEGIN IMMEDIATE has locked the file already
        c.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        c.execute(text("SET LOCAL statement_timeout = 0"))
    scripts = ScriptDirectory(str(folder))
    context = MigrationContext.configure(c, opts={"version_table": version_table})
    waiting = _waiting(c, folder, version_table=version_table)
    with Operations.context(context):
        for script in waiting:
            _module(script).upgrade()
            context.stamp(scripts, script.revision)
    if waiting and on_postgresql:
        c.execute(text("ANALYZE"))  # statistics of empty or old tables mislead the planner badly
    return [script.revision for script in waiting]


def _waiting(c: Connection, folder: Path, *, version_table: str) -> list[Script]:
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
