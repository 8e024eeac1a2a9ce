"""Copy an install from one database to another: every row of every table, in one transaction, proven equal afterwards.

Nothing is left to trust: while rows are read, each is added to a sum over its content, and what arrived is read again
and must give the same sum. A process's own rows (`executor`) end with the process and stay behind.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, Row, Table, func, select, text

from ml_connector.errors import ConfigurationError, StorageUnavailable
from ml_connector.store.bulk import insert_many
from ml_connector.store.database import Database
from ml_connector.store.tables import executor, inbox_metadata, metadata

AT_ONCE = 2_000  # rows in memory
_MODULUS = 1 << 128
MOVED = ".moved"  # the ending of files that were put aside
_LEFT_BEHIND = frozenset({executor.name})

Told = Callable[[int], object]
"""Hears how many rows have been copied so far."""


@dataclass(frozen=True, slots=True)
class Sum:
    """How many rows a table has and what is in them, whatever their order."""

    rows: int
    content: int


@contextmanager
def still(source: Database) -> Iterator[tuple[Connection, Connection]]:
    """The main database and the inbox of an install that nobody changes meanwhile.

    Raises ConfigurationError while a process works on it, StorageUnavailable while a command does.
    """
    source.claim_single_process()
    with source.writing() as main, source.inbox_writing() as inbox:
        yield main, inbox


def count(main: Connection, inbox: Connection) -> int:
    """How many rows there are to copy."""
    return sum(_rows_of(c, table) for c, table in _tables(main, inbox))


def copy(main: Connection, inbox: Connection, target: Connection, *, told: Told) -> dict[str, int]:
    """Copy everything into an empty, migrated database; rows by table. The caller's transaction on `target`.

    Raises ConfigurationError where the target holds rows already, StorageUnavailable where what arrived is not equal.
    """
    taken = [table.name for _, table in _tables(target, target) if _rows_of(target, table)]
    if taken:
        raise ConfigurationError(
            f"The database to move to is not empty: {len(taken)} of its tables hold rows, {taken[0]} among them.",
            fix="Give an empty one. If a move was broken off at its very end, all is there: use it.",
        )
    if target.dialect.name == "postgresql":
        target.execute(text("SET LOCAL statement_timeout = 0"))
    copied: dict[str, int] = {}
    for c, table in _tables(main, inbox):
        sent = _copy_table(c, target, table, before=sum(copied.values()), told=told)
        if (arrived := _sum_of(target, table)) != sent:
            raise StorageUnavailable(
                f"{sent.rows} rows of {table.name} were copied and {arrived.rows} rows of other content arrived.",
                record=table.name, fix="Nothing was kept there and nothing was changed here. Try again.",
            )  # fmt: skip
        copied[table.name] = sent.rows
    if target.dialect.name == "postgresql":
        target.execute(text("ANALYZE"))
    return copied


def refuse_moved(database_url: str) -> None:
    """Raises ConfigurationError: this SQLite install was moved away, and a new empty one in its place would confuse."""
    path = Path(database_url.removeprefix("sqlite:///"))
    aside = path.with_name(path.name + MOVED)
    if database_url.startswith("sqlite:///") and aside.exists() and not path.exists():
        fix = "Set MLC_DATABASE_URL to the new database; to go back, give the old files their names again."
        raise ConfigurationError(f"This install was moved to PostgreSQL: {aside}.", fix=fix)


def put_aside(source: Database) -> list[Path]:
    """Close a SQLite install for good and give its files another name, so that nobody goes on with it by mistake.

    The new names.
    """
    files = source.files()
    source.close()
    aside = []
    for path in files:
        new = path.with_name(path.name + MOVED)
        path.rename(new)
        for end in ("-wal", "-shm"):  # there only where somebody else still reads
            if (beside := path.with_name(path.name + end)).exists():
                beside.rename(new.with_name(new.name + end))
        aside.append(new)
    return aside


def _tables(main: Connection, inbox: Connection) -> list[tuple[Connection, Table]]:
    """Every table that is copied, those that others point to first."""
    sides: tuple[tuple[Connection, MetaData], ...] = ((main, metadata), (inbox, inbox_metadata))
    return [(c, table) for c, tables in sides for table in tables.sorted_tables if table.name not in _LEFT_BEHIND]


def _rows_of(c: Connection, table: Table) -> int:
    return int(c.execute(select(func.count()).select_from(table)).scalar_one())


def _copy_table(c: Connection, target: Connection, table: Table, *, before: int, told: Told) -> Sum:
    rows, content = 0, 0
    for part in _read(c, table):
        insert_many(target, table, [row._asdict() for row in part])
        content = sum((_digest(row) for row in part), content) % _MODULUS
        rows += len(part)
        told(before + rows)
    return Sum(rows, content)


def _sum_of(c: Connection, table: Table) -> Sum:
    rows, content = 0, 0
    for part in _read(c, table):
        content = sum((_digest(row) for row in part), content) % _MODULUS
        rows += len(part)
    return Sum(rows, content)


def _read(c: Connection, table: Table) -> Iterator[list[Row[tuple[object, ...]]]]:
    """All rows by portions; those that point to others of the same table after them."""
    within: list[Column[object]] = [key.parent for key in table.foreign_keys if key.column.table is table]
    first = [column.is_not(None) for column in within]
    query = select(table).order_by(*first, *table.primary_key.columns)
    for part in c.execute(query.execution_options(yield_per=AT_ONCE)).partitions():
        yield list(part)


def _digest(row: Row[tuple[object, ...]]) -> int:
    said = [bytes(value) if isinstance(value, memoryview | bytearray) else value for value in row]
    return int.from_bytes(hashlib.blake2b(repr(said).encode("utf-8", "surrogatepass"), digest_size=16).digest())
