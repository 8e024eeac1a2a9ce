"""One statement said again and again by one thread, on a connection kept for it, past SQLAlchemy's own work.

Each statement commits itself, so it is one round trip to PostgreSQL and gives Python's interpreter away once on SQLite.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from ml_connector.errors import Rejected
from ml_connector.store.inbox_writer import CHECKPOINT_PAGES, UNKEPT

IDLE_S = 1.0  # after so long the pool looks whether the server is still there


class Repeater:
    """A connection in which every statement is a transaction. For one thread; `close` it.

    `guarded` is entered around each statement: it takes turns and says errors in our words.
    """

    def __init__(self, engine: Engine, guarded: Callable[[], AbstractContextManager[None]]) -> None:
        self._engine = engine
        self._guarded = guarded
        self._held: Connection | None = None
        self._driver: Any = None
        self._used_s = 0.0
        self.placeholder = "%s" if engine.dialect.name == "postgresql" else "?"

    def run(self, statement: str, values: Sequence[Any]) -> tuple[int, list[Any]]:
        """The number of rows it changed, durably, and the rows that it gave.

        Raises as `Database.writing` does, and Rejected for values that no database keeps; then nothing was changed.
        """
        dialect = self._engine.dialect
        with self._guarded():
            driver = self._connected()
            try:
                done = driver.execute(statement, values)
                found = done.fetchall() if done.description else []
            except dialect.loaded_dbapi.Error as error:
                self.close(broken=True)
                known = DBAPIError.instance(
                    statement, None, error, dialect.loaded_dbapi.Error, hide_parameters=True, dialect=dialect
                )
                if isinstance(known, DataError | IntegrityError):
                    raise Rejected(UNKEPT) from error
                raise known from error
            self._used_s = time.monotonic()
            return int(done.rowcount), found

    def close(self, *, broken: bool = False) -> None:
        """Give the connection back; one that is `broken` is not used again."""
        held, self._held, self._driver = self._held, None, None
        if held is not None:
            if broken:
                held.invalidate()
            held.close()

    def _connected(self) -> Any:
        if self._driver is not None and time.monotonic() - self._used_s > IDLE_S:
            self.close()
        if self._driver is None:
            held = self._engine.connect()
            if self._engine.dialect.name == "postgresql":
                held = held.execution_options(isolation_level="AUTOCOMMIT")  # as SQLite's connections are anyway
            self._held, self._driver = held, held.connection.driver_connection
            if self._engine.dialect.name == "sqlite":
                self._driver.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        return self._driver
