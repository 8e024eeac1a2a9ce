"""Fresh databases for tests, the same way on SQLite and PostgreSQL.

A test that takes `database_url` runs on both, each time with an empty database. One that wants tables in it asks the
fixture `databases` for `new(migrate)`: the function is run once, later databases are copies of its result.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Protocol, TypeAlias

from tests.postgres import Server

Prepare: TypeAlias = Callable[[str], object]


class Databases(Protocol):
    """A place where databases can be made."""

    dialect: str

    def new(self, prepare: Prepare | None = None) -> str:
        """The address of a database of one's own: empty, or as `prepare(address)` left its own."""
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
            self._copy(self._templates[prepare], path)
        return f"sqlite:///{path}"

    def remove(self, url: str) -> None:
        """See Databases."""
        shutil.rmtree(Path(url.removeprefix("sqlite:///")).parent, ignore_errors=True)

    def _path(self) -> Path:
        folder = self._folder / str(next(self._numbers))
        folder.mkdir()
        return folder / "main.db"

    def _copy(self, template: Path, path: Path) -> None:
        """Copy a database with its write-ahead log, if one was left."""
        for suffix in ("", "-wal"):
            if (source := template.with_name(template.name + suffix)).exists():
                shutil.copyfile(source, path.with_name(path.name + suffix))


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

    def remove(self, url: str) -> None:
        """See Databases."""
        self._server.drop(url.split("@/")[1].split("?", maxsplit=1)[0])

    def _name(self) -> str:
        return f"{self._prefix}_{next(self._numbers)}"
