"""Many rows at once, as fast as each database can take them.

Rows are mappings with the same keys in each; a column left out of all takes the table's server default.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any, TypeVar

import psycopg
from sqlalchemy import ColumnElement, Connection, Dialect, Table, Update, insert, or_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler

Row = Mapping[str, Any]
T = TypeVar("T")

# Below this a COPY costs more than it saves: the extra round trips.
COPY_FROM_ROWS = 500
# SQLite takes 32,766 parameters in a statement (sqlite.org/limits.html, 9); a list of ids stays far below.
CHUNK = 2_000


def insert_many(c: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert all `rows` or, by an IntegrityError, none."""
    if not rows:
        return
    columns = _common_columns(rows)
    if c.dialect.name == "postgresql" and len(rows) > COPY_FROM_ROWS:
        _copy(c, _quoted(c, table.name), columns, rows)
    else:
        _run(c, _inserting(table, tuple(columns), c.dialect), rows)


def update_many(c: Connection, statement: Update, rows: Sequence[Row]) -> int:
    """Execute an update once for each of `rows`, which name its free parameters; how many rows were changed.

    `statement` is made once and kept: it is remembered as this database says it.
    """
    return _run(c, _updating(statement, c.dialect), rows) if rows else 0


def upsert_ignore(c: Connection, table: Table, rows: Sequence[Row]) -> int:
    """Insert the `rows` that break no unique rule, leave out the others; how many went in."""
    if not rows:
        return 0
    columns = _common_columns(rows)
    if c.dialect.name == "sqlite":
        statement = sqlite.insert(table).on_conflict_do_nothing()
        return sum(c.execute(statement, list(part)).rowcount for part in chunks(rows))
    if len(rows) > COPY_FROM_ROWS:
        return _copy_ignore(c, table, columns, rows)
    result = c.execute(
        postgresql.insert(table).on_conflict_do_nothing(), rows, execution_options={"preserve_rowcount": True}
    )
    return result.rowcount


def chunks(things: Sequence[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    """`things` in parts that a statement can take."""
    for start in range(0, len(things), size):
        yield things[start : start + size]


def one_of(column: ColumnElement[Any], values: Collection[str]) -> ColumnElement[bool]:
    """`column IN (values)` in a form that a statement executed for many rows can hold."""
    return or_(*(column == value for value in values))


@dataclass(frozen=True, slots=True)
class _Said:
    """A statement in a database's own words. `order`: its parameters by place; empty: the driver takes names."""

    text: str
    order: tuple[str, ...]
    constants: Row


@lru_cache(maxsize=256)
def _inserting(table: Table, columns: tuple[str, ...], dialect: Dialect) -> _Said:
    return _said(insert(table).compile(dialect=dialect, column_keys=list(columns)), constants=False)


@lru_cache(maxsize=256)
def _updating(statement: Update, dialect: Dialect) -> _Said:
    return _said(statement.compile(dialect=dialect), constants=True)


def _said(compiled: SQLCompiler, *, constants: bool) -> _Said:
    held = {name: one.value for name, one in compiled.binds.items() if not one.required} if constants else {}
    return _Said(str(compiled), tuple(compiled.positiontup or ()), held)


def _run(c: Connection, said: _Said, rows: Sequence[Row]) -> int:
    """Say it for every row, past what SQLAlchemy does with each: a third of the time of storing a payment."""
    whole = [{**said.constants, **row} for row in rows] if said.constants else rows
    values: list[Any]
    if len(said.order) > 1:
        values = list(map(itemgetter(*said.order), whole))
    else:
        values = [tuple(row[name] for name in said.order) if said.order else dict(row) for row in whole]
    return c.exec_driver_sql(said.text, values, execution_options={"preserve_rowcount": True}).rowcount


def _common_columns(rows: Sequence[Row]) -> list[str]:
    columns = list(rows[0])
    names = set(columns)
    for row in rows:
        if row.keys() != names:
            raise ValueError(f"rows of one bulk differ in their columns: {sorted(row.keys() ^ names)}")
    return columns


def _copy(c: Connection, target: str, columns: list[str], rows: Sequence[Row]) -> None:
    driver: Any = c.connection.driver_connection
    listed = ", ".join(_quoted(c, column) for column in columns)
    statement = f"COPY {target} ({listed}) FROM STDIN"
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row([row[column] for column in columns])
    except psycopg.Error as error:  # SQLAlchemy does not see this call, so its names for errors are given here
        raise DBAPIError.instance(statement, None, error, psycopg.Error, dialect=c.dialect) from error


def _copy_ignore(c: Connection, table: Table, columns: list[str], rows: Sequence[Row]) -> int:
    """COPY knows no ON CONFLICT, so it goes through a table that lives as long as the transaction."""
    staging = _quoted(c, f"bulk_{table.name}")
    target = _quoted(c, table.name)
    listed = ", ".join(_quoted(c, column) for column in columns)
    # Names of our own tables and columns, quoted; no value from outside is spelled into a statement.
    like = f"SELECT {listed} FROM {target} WITH NO DATA"  # noqa: S608
    c.exec_driver_sql(f"CREATE TEMPORARY TABLE {staging} ON COMMIT DROP AS {like}")
    _copy(c, staging, columns, rows)
    moving = f"SELECT {listed} FROM {staging} ON CONFLICT DO NOTHING"  # noqa: S608
    inserted = c.exec_driver_sql(f"INSERT INTO {target} ({listed}) {moving}").rowcount
    c.exec_driver_sql(f"DROP TABLE {staging}")
    return inserted


def _quoted(c: Connection, name: str) -> str:
    return c.dialect.identifier_preparer.quote(name)
