"""The inbox's file on SQLite for a process that only writes notices: SQLite alone, without SQLAlchemy.

SQLite lets one process write at a time; the other waits for the lock, which is held for a commit.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml_connector.errors import Rejected
from ml_connector.store import sqlitefile
from ml_connector.store.inbox_writer import CHECKPOINT_PAGES, UNKEPT

LOCK_PATIENCE_S = 10.0


@dataclass(frozen=True, slots=True)
class InboxFile:
    """A file that `migrate` has made. For `InboxWriter`."""

    path: Path
    patience_s: float = LOCK_PATIENCE_S

    def inbox_repeater(self) -> _Line:
        """A connection for the writer's thread."""
        return _Line(self)


class _Line:
    placeholder = "?"

    def __init__(self, file: InboxFile) -> None:
        self._file = file
        self._connection: sqlite3.Connection | None = None

    def run(self, statement: str, values: Sequence[Any]) -> tuple[int, list[Any]]:
        try:
            done = self._connected().execute(statement, values)
            return done.rowcount, done.fetchall()
        except (sqlite3.IntegrityError, sqlite3.DataError) as error:
            raise Rejected(UNKEPT) from error
        except sqlite3.Error as error:
            self.close()
            ours = sqlitefile.words_of_sqlite(str(error), where=str(self._file.path))
            if ours is None:
                raise
            raise ours from error

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            # Read and write, never create: a file that is gone is not replaced by an empty one.
            where = f"{self._file.path.absolute().as_uri()}?mode=rw"
            made = sqlite3.connect(where, uri=True, timeout=self._file.patience_s, check_same_thread=False)
            sqlitefile.prepare(made, patience_s=self._file.patience_s)
            made.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
            self._connection = made
        return self._connection
