"""The open database: who may write, who only reads, and what its complaints mean.

Transactions are the caller's: one `with database.writing() as c:` is one transaction. On SQLite a writer takes the
file's one write lock at once (BEGIN IMMEDIATE), so a unit never finds out halfway that it may not write; readers see
the last commit and wait for nobody. On PostgreSQL a unique violation spoils the whole transaction: who expects one
uses `c.begin_nested()`.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from ml_connector.errors import ConfigurationError, StorageUnavailable
from ml_connector.store import faults, sqlitefile
from ml_connector.store.repeating import Repeater
from ml_connector.store.singleprocess import FileClaim, refuse_network_file_system
from ml_connector.store.tables import Micros

__all__ = ["Connection", "Database", "database_time"]  # Connection: for those who pass one on and speak no SQL

# A unit may hold a connection while the pages, the inbox and the leader's lock want theirs: a pool smaller than the
# worker's slots hangs in silence.
SPARE_CONNECTIONS = 10
POOL_TIMEOUT_S = 30
LOCK_PATIENCE_S = 10.0
CONNECT_TIMEOUT_S = 10
STATEMENT_TIMEOUT_MS = 120_000  # a unit lasts 60 s; an export may last longer than one


class Database:
    """Engines for the main database and the inbox. Safe to share between threads; close it at the end.

    `url` is `sqlite:////folder/file.db` or `postgresql://...`. `inbox_url` is for SQLite alone, where the inbox is a
    file beside the main one; on PostgreSQL both are one database. `slots` is how many units run at once in a process.
    `patience_s` is how long a writer waits for another process that holds a SQLite file.
    """

    def __init__(
        self, url: str, *, inbox_url: str | None = None, slots: int = 8, patience_s: float = LOCK_PATIENCE_S
    ) -> None:
        main = _parsed(url)
        self.dialect = main.get_backend_name()
        self.pool_size = slots + SPARE_CONNECTIONS
        self._main = _Side(main, pool_size=self.pool_size, patience_s=patience_s)
        if self.dialect == "sqlite":
            inbox = _parsed(inbox_url) if inbox_url else _inbox_beside(main)
            if inbox.get_backend_name() != "sqlite" or _file_of(inbox) == _file_of(main):
                raise ConfigurationError("The inbox needs a SQLite file of its own.", record=_shown(inbox))
            self._inbox = _Side(inbox, pool_size=self.pool_size, patience_s=patience_s)
        elif inbox_url and _parsed(inbox_url) != main:
            raise ConfigurationError(
                "On PostgreSQL the inbox lives in the main database.", record=_shown(main), fix="Leave out inbox_url."
            )
        else:
            self._inbox = self._main
        self._claim: FileClaim | None = None

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction on the main database: committed at the end, undone by an exception.

        Raises StorageUnavailable (locked, full, unreachable), Transient (PostgreSQL chose us as victim of a deadlock),
        RuntimeError when this thread is writing already.
        """
        with self._main.writing() as c:
            yield c

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A read-only view of the main database as it was at one moment; the database itself refuses a write in it."""
        with self._main.reading() as c:
            yield c

    @contextmanager
    def inbox_writing(self) -> Iterator[Connection]:
        """As `writing`, on the inbox. No transaction spans both."""
        with self._inbox.writing() as c:
            yield c

    @contextmanager
    def inbox_reading(self) -> Iterator[Connection]:
        """As `reading`, on the inbox."""
        with self._inbox.reading() as c:
            yield c

    def inbox_repeater(self) -> Repeater:
        """For the one thread that writes notices: a connection of its own on the inbox. Close it."""
        return self._inbox.repeater()

    def claim_single_process(self) -> None:
        """Make this the only process that works on a SQLite file, until it closes or dies. Nothing to do on PostgreSQL.

        Raises ConfigurationError where another process works on it, or the file is on a network file system.
        """
        if self.dialect != "sqlite" or self._claim is not None:
            return
        path = Path(self._main.where)
        refuse_network_file_system(path)
        self._claim = FileClaim(path.with_name(path.name + ".lock"))

    def files(self) -> list[Path]:
        """The files of a SQLite install: the main database and the inbox. None on PostgreSQL."""
        return [Path(self._main.where), Path(self._inbox.where)] if self.dialect == "sqlite" else []

    def close(self) -> None:
        """Give back every connection and the claim."""
        self._main.close()
        if self._inbox is not self._main:
            self._inbox.close()
        if self._claim is not None:
            self._claim.release()
            self._claim = None


def database_time(c: Connection) -> Micros | None:
    """The database server's clock; None on SQLite, which has none but this machine's."""
    if c.dialect.name == "sqlite":
        return None
    return int(c.execute(text("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")).scalar_one())


class _Side:
    """One database, with its writers and its readers."""

    def __init__(self, url: URL, *, pool_size: int, patience_s: float) -> None:
        self.where = _shown(url)
        self._thread = threading.local()
        self._is_sqlite = url.get_backend_name() == "sqlite"
        # SQLite lets one write at a time and makes the others sleep and retry; our own lock wakes them at once.
        self._turn = threading.Lock() if self._is_sqlite else None
        if self._is_sqlite:
            self._writers = _sqlite_engine(url, pool_size=pool_size, patience_s=patience_s, writes=True)
            self._readers = _sqlite_engine(url, pool_size=pool_size, patience_s=patience_s, writes=False)
        else:
            self._writers = _postgresql_engine(url, pool_size=pool_size)
            # One moment for the whole reading, as on SQLite: a total and its lines agree.
            self._readers = self._writers.execution_options(postgresql_readonly=True, isolation_level="REPEATABLE READ")

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        if getattr(self._thread, "writes", False):
            raise RuntimeError("This thread is already writing: pass its connection on instead of opening another.")
        self._thread.writes = True
        try:
            with self._taking_turns(), self._explained(), self._writers.begin() as c:
                yield c
        finally:
            self._thread.writes = False

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with self._explained(), self._readers.begin() as c:
            yield c

    def repeater(self) -> Repeater:
        return Repeater(self._writers, self._guarded)

    def close(self) -> None:
        self._writers.dispose()
        self._readers.dispose()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        with self._taking_turns(), self._explained():
            yield

    @contextmanager
    def _taking_turns(self) -> Iterator[None]:
        if self._turn is None:
            yield
            return
        if not self._turn.acquire(timeout=POOL_TIMEOUT_S):
            raise StorageUnavailable("Another unit holds the database for too long.", record=self.where)
        try:
            yield
        finally:
            self._turn.release()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            ours = faults.meaning(error, where=self.where)
            if ours is None:
                raise
            raise ours from error


def _sqlite_engine(url: URL, *, pool_size: int, patience_s: float, writes: bool) -> Engine:
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT_S,
        pool_use_lifo=True,  # the connection used last has the pages in its memory
        connect_args={"check_same_thread": False, "timeout": patience_s},
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: object) -> None:
        sqlitefile.prepare(connection, patience_s=patience_s)
        if not writes:
            connection.execute("PRAGMA query_only = ON")
            connection.execute(sqlitefile.READER_CACHE)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgresql_engine(url: URL, *, pool_size: int) -> Engine:
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT_S,
        pool_pre_ping=True,  # a server restarted in the night costs no unit
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_S,
            "options": f"-c timezone=UTC -c statement_timeout={STATEMENT_TIMEOUT_MS}",
            "application_name": "ml-connector",
        },
    )


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigurationError("The database address cannot be read.", fix="See docs/settings.md.") from error
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        if parsed.database in {None, "", ":memory:"}:
            raise ConfigurationError("A SQLite database needs a file.", record=_shown(parsed))
        return parsed.set(drivername="sqlite+pysqlite")
    if backend in {"postgresql", "postgres"}:
        return parsed.set(drivername="postgresql+psycopg")
    raise ConfigurationError(
        f"{backend} is not a database we work with.", record=_shown(parsed), fix="Use sqlite:/// or postgresql://."
    )


def _inbox_beside(main: URL) -> URL:
    path = _file_of(main)
    return main.set(database=str(path.with_name(f"{path.stem}-inbox{path.suffix}")))


def _file_of(url: URL) -> Path:
    return Path(url.database or "").absolute()


def _shown(url: URL) -> str:
    """Where the database is, without a password."""
    if url.get_backend_name() == "sqlite":
        return str(_file_of(url))
    return f"{url.host or 'local socket'}/{url.database}"
