"""Fresh databases for tests, the same way on SQLite and PostgreSQL.

A test that takes `database_url` runs on both, each time with an empty database. One that wants tables in it asks the
fixture `databases` for `new(prepare)`: the function is run once, later databases are copies of its result. `migrated`
is the usual one. What is built around a file of its own asks for `lay_tables`.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from functools import cache
from itertools import count
from pathlib import Path
from typing import Protocol, TypeAlias

import psycopg
from psycopg import sql

from ml_connector.store.database import Database
from ml_connector.store.migrations import migrate
from tests.postgres import Server

Prepare: TypeAlias = Callable[[str], object]


def migrated(url: str) -> None:
    """Make every table there."""
    database = Database(url)
    migrate(database)
    database.close()


def lay_tables(url: str) -> None:
    """Put the tables where there is no SQLite file yet, and an inbox beside it: quicker than migrating each time."""
    main = Path(url.removeprefix("sqlite:///"))
    if not url.startswith("sqlite:///") or main.exists():
        return
    for path, content in zip((main, _beside(main)), _empty_files(), strict=True):
        if not path.exists():
            path.write_bytes(content)


@cache
def _empty_files() -> tuple[bytes, bytes]:
    """The main file and the inbox as migrating leaves them."""
    with tempfile.TemporaryDirectory() as folder:
        main = Path(folder) / "main.db"
        migrated(f"sqlite:///{main}")
        return main.read_bytes(), _beside(main).read_bytes()


def inbox_beside(url: str) -> str:
    """The inbox's address: a file beside the main one on SQLite, the same database on PostgreSQL."""
    return f"sqlite:///{_beside(Path(url.removeprefix('sqlite:///')))}" if url.startswith("sqlite") else url


def _beside(main: Path) -> Path:
    return main.with_name(f"{main.stem}-inbox{main.suffix}")


class Databases(Protocol):
    """A place where databases can be made."""

    dialect: str

    def new(self, prepare: Prepare | None = None) -> str:
        """The address of a database of one's own: empty, or as `prepare(address)` left its own."""
        ...

    def copy(self, url: str) -> str:
        """The address of a copy, as the last commit left it; whoever is at work on the first is not disturbed.

        The tables are those of `migrated`; on SQLite an inbox beside the file is copied too.
        """
        ...

    def remove(self, url: str) -> None:
        """Throw a database away."""
        ...


class SqliteDatabases:
    """Files in a folder."""

    dialect = "sqlite"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count(1)
        self._templates: dict[Prepare, Path] = {}

    def new(self, prepare: Prepare | None = None) -> str:
        """See Databases. `prepare` must have closed its connections when it returns."""
        path = self._path()
        if prepare is not None:
            if prepare not in self._templates:
                template = self._path()
                prepare(f"sqlite:///{template}")
                self._templates[prepare] = template
            for source in self._templates[prepare].parent.iterdir():  # the inbox beside it and write-ahead logs too
                shutil.copyfile(source, path.with_name(source.name))
        return f"sqlite:///{path}"

    def copy(self, url: str) -> str:
        """See Databases."""
        source, path = Path(url.removeprefix("sqlite:///")), self._path()
        for old, new in ((source, path), (_beside(source), _beside(path))):
            if old.exists():
                with closing(sqlite3.connect(old)) as read, closing(sqlite3.connect(new)) as written:
                    read.backup(written)
        return f"sqlite:///{path}"

    def remove(self, url: str) -> None:
        """See Databases."""
        shutil.rmtree(Path(url.removeprefix("sqlite:///")).parent, ignore_errors=True)

    def _path(self) -> Path:
        folder = self._folder / str(next(self._numbers))
        folder.mkdir()
        return folder / "main.db"


class PostgresDatabases:
    """Databases of one server; `prefix` keeps the test processes that share it apart."""

    dialect = "postgresql"

    def __init__(self, server: Server, prefix: str) -> None:
        self._server = server
        self._prefix = prefix
        self._numbers = count(1)
        self._templates: dict[Prepare, str] = {}

    def new(self, prepare: Prepare | None = None) -> str:
        """See Databases. `prepare` must have closed its connections when it returns."""
        name = self._name()
        if prepare is None:
            self._server.create(name)
            return self._server.url(name)
        if prepare not in self._templates:
            template = self._name()
            self._server.create(template)
            prepare(self._server.url(template))
            self._templates[prepare] = template
        self._server.create(name, template=self._templates[prepare])
        return self._server.url(name)

    def copy(self, url: str) -> str:
        """See Databases. A database that somebody is connected to cannot be a template, so its rows are copied."""
        made = self.new(migrated)
        with self._connected(url) as read, self._connected(made) as written:
            read.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ  # all tables of one moment
            written.execute("SET session_replication_role = replica")  # no foreign key and no trigger looks at a copy
            names = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
            for table in [sql.Identifier(name) for (name,) in read.execute(names)]:
                written.execute(sql.SQL("DELETE FROM {}").format(table))  # the versions; TRUNCATE makes every file anew
                out = read.cursor().copy(sql.SQL("COPY {} TO STDOUT (FORMAT binary)").format(table))
                into = written.cursor().copy(sql.SQL("COPY {} FROM STDIN (FORMAT binary)").format(table))
                with out as rows, into as kept:
                    for row in rows:
                        kept.write(row)
        return made

    def remove(self, url: str) -> None:
        """See Databases."""
        self._server.drop(self._named(url))

    def _connected(self, url: str) -> psycopg.Connection:
        return psycopg.connect(self._server.conninfo(self._named(url)))

    def _named(self, url: str) -> str:
        return url.split("@/")[1].split("?", maxsplit=1)[0]

    def _name(self) -> str:
        return f"{self._prefix}_{next(self._numbers)}"
