"""Bring both databases to the tables this program knows: safe to run again, and by two processes at once.

A change of `store/tables` is a new file in `main/versions` or `inbox/versions` with the next number and the one before
as `down_revision`. Its statements are written out, never taken from `store/tables`, which will have moved on when they
run.
There is no way down: restore the backup that was made before.
"""

from __future__ import annotations

import threading
from pathlib import Path

from sqlalchemy import Connection, String, column, inspect, select, table

from ml_connector.store.database import Database

_MAIN, _INBOX = Path(__file__).parent / "main", Path(__file__).parent / "inbox"
MAIN_VERSION_TABLE = "schema_version"
INBOX_VERSION_TABLE = "inbox_schema_version"
_turn = threading.Lock()  # alembic's `op` stands for one context in the whole process


def migrate(database: Database) -> list[str]:
    """Create or upgrade the main database and the inbox; the revisions that were carried out.

    All or nothing per database: both know transactions for tables. Raises ConfigurationError where the database is
    newer than this program.
    """
    with database.reading() as c, database.inbox_reading() as at_inbox:
        if _is_newest(c, _MAIN, MAIN_VERSION_TABLE) and _is_newest(at_inbox, _INBOX, INBOX_VERSION_TABLE):
            return []
    from ml_connector.store.migrations.upgrading import upgrade  # rarely needed

    with _turn, database.writing() as c:
        done = upgrade(c, _MAIN, version_table=MAIN_VERSION_TABLE)
    with _turn, database.inbox_writing() as c:
        return done + upgrade(c, _INBOX, version_table=INBOX_VERSION_TABLE)


def pending(database: Database) -> list[str]:
    """The revisions that `migrate` would carry out now."""
    from ml_connector.store.migrations.upgrading import waiting_scripts  # rarely needed

    with database.reading() as c:
        waiting = waiting_scripts(c, _MAIN, version_table=MAIN_VERSION_TABLE)
    with database.inbox_reading() as c:
        waiting += waiting_scripts(c, _INBOX, version_table=INBOX_VERSION_TABLE)
    return [script.revision for script in waiting]


def _is_newest(c: Connection, folder: Path, version_table: str) -> bool:
    """Whether the database stands at the last of our revisions, whose numbers are in the names of their files."""
    if not inspect(c).has_table(version_table):
        return False
    newest = max(path.stem for path in (folder / "versions").glob("m[0-9]*.py"))[1:5]
    stands: list[str] = list(c.scalars(select(column("version_num", String)).select_from(table(version_table))))
    return [revision[-4:] for revision in stands] == [newest]
