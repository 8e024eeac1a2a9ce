"""The inbox's file without the rest of the database: what the process at the door writes to."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text

from ml_connector.errors import Rejected, StorageUnavailable
from ml_connector.store.database import Database
from ml_connector.store.inbox_file import InboxFile
from ml_connector.store.inbox_writer import InboxWriter
from ml_connector.store.migrations import migrate
from ml_connector.store.notices import Notice
from tests.databases import Databases


@pytest.fixture
def file(sqlite_databases: Databases) -> InboxFile:
    url = sqlite_databases.new()
    database = Database(url)
    migrate(database)
    database.close()
    return InboxFile(Path(url.removeprefix("sqlite:///").replace("main.db", "main-inbox.db")), patience_s=0.05)


def stored(file: InboxFile, *notices: Notice) -> list[str | type[BaseException]]:
    """What became of these, by a writer of its own."""
    writer = InboxWriter(file)
    writer.start()
    futures = [writer.submit(one) for one in notices]
    told: list[str | type[BaseException]] = [
        type(fault) if (fault := future.exception(20)) else future.result() for future in futures
    ]
    writer.stop()
    return told


def a_notice(number: int, event_id: str | None = None, **changes: str) -> Notice:
    name = f"N{number:04}"
    made = Notice(id=name, door_id="D", kind="payment", external_id=name, received_at=1, event_id=event_id or name)
    return made._replace(**changes)  # type: ignore[arg-type]


def test_what_is_told_stored_is_read_by_the_whole_database(file: InboxFile, sqlite_databases: Databases) -> None:
    assert stored(file, a_notice(1), a_notice(2), a_notice(3, event_id="N0001")) == ["stored", "stored", "duplicate"]
    with sqlite3.connect(file.path) as c:
        assert c.execute("SELECT id, state, due_at FROM notice ORDER BY id").fetchall() == [
            ("N0001", "open", 1), ("N0002", "open", 1),
        ]  # fmt: skip
        assert c.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    c.close()


def test_an_id_used_twice_is_refused_and_costs_no_other(file: InboxFile) -> None:
    assert stored(file, a_notice(1), a_notice(1, event_id="another"), a_notice(2)) == ["stored", Rejected, "stored"]


def test_text_that_cannot_be_kept_is_refused_and_costs_no_other(file: InboxFile) -> None:
    assert stored(file, a_notice(1), a_notice(2, body="\ud800"), a_notice(3)) == ["stored", Rejected, "stored"]


def test_a_lock_held_for_too_long_is_told_and_heals(file: InboxFile) -> None:
    other = sqlite3.connect(file.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert stored(file, a_notice(1)) == [StorageUnavailable]
    other.execute("ROLLBACK")
    other.close()
    assert stored(file, a_notice(1)) == ["stored"]


def test_a_file_that_is_gone_is_told_and_not_replaced_by_an_empty_one(file: InboxFile) -> None:
    file.path.rename(file.path.with_name("away.db"))
    assert stored(file, a_notice(1)) == [StorageUnavailable]
    assert not file.path.exists()


def test_both_write_at_once_and_each_event_is_kept_once(file: InboxFile) -> None:
    patient = InboxFile(file.path)
    database = Database(f"sqlite:///{file.path.with_name('main.db')}")
    one, other = InboxWriter(patient), InboxWriter(database)
    one.start()
    other.start()
    futures = [
        writer.submit(a_notice(100 * n + which, event_id=f"E{n}"))
        for n in range(1, 60)
        for which, writer in enumerate((one, other))
    ]
    told = [future.result(20) for future in futures]
    one.stop()
    other.stop()
    assert (told.count("stored"), told.count("duplicate")) == (59, 59)
    with database.inbox_reading() as c:
        assert c.execute(text("SELECT count(*) FROM notice")).scalar_one() == 59
    database.close()
