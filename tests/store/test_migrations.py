"""Migrated databases are what `store/tables` describes, however often and by however many they are migrated."""

from __future__ import annotations

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Connection, MetaData, text

from ml_connector.errors import ConfigurationError
from ml_connector.store import migrations, tables
from ml_connector.store.database import Database
from ml_connector.store.migrations import INBOX_VERSION_TABLE, MAIN_VERSION_TABLE, migrate, pending
from tests.databases import Databases

VERSION_TABLES = {MAIN_VERSION_TABLE, INBOX_VERSION_TABLE}


def shape(c: Connection) -> set[str]:
    """Every table, column, constraint and index, in the database's own words, all in an order of no meaning."""
    if c.dialect.name == "sqlite":
        found = c.execute(text("SELECT tbl_name, sql FROM sqlite_master WHERE type IN ('table', 'index')"))
        return {
            part
            for table, statement in found
            if table not in VERSION_TABLES and statement
            for part in parts_of(table, statement)
        }
    columns = c.execute(
        text(
            "SELECT table_name, column_name || ' ' || data_type || ' ' || is_nullable || ' '"
            " || coalesce(column_default, '') FROM information_schema.columns WHERE table_schema = 'public'"
        )
    )
    indices = c.execute(text("SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'public'"))
    constraints = c.execute(
        text(
            "SELECT conrelid::regclass::text, conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE connamespace = 'public'::regnamespace AND contype <> 'n'"
        )
    )
    rows = [*columns, *indices, *constraints]
    return {f"{table}: {words}" for table, words in rows if table not in VERSION_TABLES}


def parts_of(table: str, statement: str) -> list[str]:
    """The columns and constraints between the outermost brackets of a statement."""
    head, _, body = re.sub(r"\s+", " ", statement).partition("(")
    parts, depth = [""], 0
    for letter in body[: body.rindex(")")]:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    tail = body[body.rindex(")") + 1 :]
    return [f"{table}: {head.strip()}: {part.strip()} {tail}".rstrip() for part in parts]


def created(url: str, *described: MetaData) -> Database:
    database = Database(url)
    for side, metadata in zip((database.writing, database.inbox_writing), described, strict=True):
        with side() as c:
            metadata.create_all(c)
    return database


def test_migrating_gives_exactly_the_tables_that_the_program_knows(databases: Databases) -> None:
    by_description = created(databases.new(), tables.metadata, tables.inbox_metadata)
    by_migration = Database(databases.new())
    migrate(by_migration)
    for side in ("reading", "inbox_reading"):
        with getattr(by_description, side)() as c:
            wanted = shape(c)
        with getattr(by_migration, side)() as c:
            assert shape(c) == wanted
        assert len(wanted) > 10
    by_description.close()
    by_migration.close()


def test_migrating_again_changes_nothing(database_url: str) -> None:
    database = Database(database_url)
    waiting = pending(database)
    assert migrate(database) == waiting == ["0001", "0002", "0003", "0004", "i0001"]
    assert migrate(database) == []
    assert pending(database) == []
    database.close()


def test_two_that_start_together_migrate_once(database_url: str) -> None:
    first, second = Database(database_url), Database(database_url)
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(migrate, [first, second]))
    assert sorted(done[0] + done[1]) == ["0001", "0002", "0003", "0004", "i0001"]
    first.close()
    second.close()


def test_a_database_newer_than_the_program_is_left_alone(database: Database) -> None:
    with database.writing() as c:
        c.execute(text(f"UPDATE {MAIN_VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(ConfigurationError, match="9999"):
        migrate(database)


def test_every_table_says_whose_its_rows_are() -> None:
    described = [*tables.metadata.tables.values(), *tables.inbox_metadata.tables.values()]
    assert [table.name for table in described if "workspace_id" not in table.c] == ["workspace"]


def test_a_file_is_named_as_its_revision() -> None:
    """Its name tells whether a database is up to date, so that nothing else need be loaded to know it."""
    for folder in Path(migrations.__file__).parent.glob("*/versions"):
        for path in folder.glob("m*.py"):
            assert f'{path.stem[1:5]}"' in re.findall(r'^revision = "i?(.*)', path.read_text(), re.MULTILINE)


def test_a_database_that_lacks_nothing_is_opened_without_what_would_mend_it(sqlite_databases: Databases) -> None:
    url = sqlite_databases.new()
    database = Database(url)
    assert migrate(database) != []
    database.close()
    asked = (
        "import sys; from ml_connector.store.database import Database; from ml_connector.store.migrations import "
        f"migrate; assert migrate(Database({url!r})) == []; assert 'alembic' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", asked], check=False).returncode == 0
