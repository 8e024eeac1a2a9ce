"""Opening the database: who writes, who reads, what its complaints become."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from ml_connector.errors import ConfigurationError, StorageUnavailable, Transient
from ml_connector.store import tables
from ml_connector.store.database import SPARE_CONNECTIONS, Database, database_time
from ml_connector.store.migrations import migrate
from ml_connector.store.singleprocess import file_system_of
from tests.databases import Databases, migrated
from tests.store.rows import T0, a_company, a_submission, a_trip, a_write, an_attempt

MOUNTS = (
    "/dev/sda1 / ext4 rw 0 0\nnas:/books /srv/my\\040books nfs4 rw 0 0\ntmpfs /srv/my\\040books/fast tmpfs rw 0 0\n"
)


def test_what_is_written_is_read_and_what_failed_is_gone(database: Database) -> None:
    with database.writing() as c:
        c.execute(insert(tables.workspace).values(id="W1", name="Nordlys", created_at=T0))

    def fail() -> None:
        with database.writing() as c:
            c.execute(insert(tables.workspace).values(id="W2", name="Havblikk", created_at=T0))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with database.reading() as c:
        assert c.execute(select(tables.workspace.c.id)).scalars().all() == ["W1"]


def test_a_reading_cannot_write(database: Database) -> None:
    with pytest.raises((SQLAlchemyError, StorageUnavailable)), database.reading() as c:
        c.execute(insert(tables.workspace).values(id="W1", name="Nordlys", created_at=T0))
    with database.reading() as c:
        assert c.execute(select(func.count()).select_from(tables.workspace)).scalar() == 0
    with database.writing() as c:  # the connection that was read-only writes again
        c.execute(insert(tables.workspace).values(id="W1", name="Nordlys", created_at=T0))


def test_a_reading_sees_one_moment(database: Database) -> None:
    with database.reading() as c:
        before = c.execute(select(func.count()).select_from(tables.workspace)).scalar()
        with database.writing() as other:
            other.execute(insert(tables.workspace).values(id="W1", name="Nordlys", created_at=T0))
        assert c.execute(select(func.count()).select_from(tables.workspace)).scalar() == before == 0


def test_a_thread_that_writes_cannot_open_a_second_writing(database: Database) -> None:
    with database.writing(), pytest.raises(RuntimeError, match="already writing"), database.writing():
        pass
    with database.writing() as c:
        assert c.execute(text("SELECT 1")).scalar() == 1


def test_twenty_threads_write_and_read_at_once_without_a_loss(database: Database) -> None:
    def work(number: int) -> None:
        for turn in range(5):
            with database.writing() as c:
                c.execute(insert(tables.workspace).values(id=f"W{number}-{turn}", name="x", created_at=T0))
            with database.reading() as c:
                c.execute(select(func.count()).select_from(tables.workspace)).scalar()

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(work, range(20)))
    with database.reading() as c:
        assert c.execute(select(func.count()).select_from(tables.workspace)).scalar() == 100


def test_every_slot_may_hold_a_connection_while_the_pages_read(database: Database) -> None:
    slots = database.pool_size - SPARE_CONNECTIONS
    everybody = threading.Barrier(slots + 1, timeout=20)

    def hold(_number: int) -> None:
        with database.reading() as c:
            c.execute(text("SELECT 1"))
            everybody.wait()
            everybody.wait()

    with ThreadPoolExecutor(slots) as pool:
        held = [pool.submit(hold, number) for number in range(slots)]
        everybody.wait()
        with database.reading() as c, database.writing() as w:
            assert c.execute(text("SELECT 1")).scalar() == w.execute(text("SELECT 1")).scalar() == 1
        everybody.wait()
        for future in held:
            future.result(10)


def test_a_row_without_its_parent_is_refused(database: Database) -> None:
    row = {"connection_id": "none", "workspace_id": "W", "window_ends_at": 1, "call_limit": 1, "calls_left": 1}
    with pytest.raises(IntegrityError), database.writing() as c:
        c.execute(insert(tables.budget).values(row))


def test_one_key_is_live_once(database: Database) -> None:
    with database.writing() as c:
        a_company(c)
        a_trip(c)
        c.execute(insert(tables.planned_write).values(a_write(1, state="dropped")))
        c.execute(insert(tables.planned_write).values(a_write(2, state="reversed")))
        c.execute(insert(tables.planned_write).values(a_write(3, revision=2)))
    for again in (a_write(4, revision=3, state="sealed"), a_write(5, revision=1, state="reversed")):
        with pytest.raises(IntegrityError), database.writing() as c:
            c.execute(insert(tables.planned_write).values(again))


@pytest.mark.parametrize("outcome", [None, "unknown"])
def test_a_second_attempt_is_refused_while_nobody_knows_how_the_first_ended(
    database: Database, outcome: str | None
) -> None:
    with database.writing() as c:
        a_company(c)
        a_submission(c)
        c.execute(insert(tables.attempt).values(an_attempt(1, outcome="not_sent")))
        c.execute(insert(tables.attempt).values(an_attempt(2, outcome=outcome)))
    with pytest.raises(IntegrityError), database.writing() as c:
        c.execute(insert(tables.attempt).values(an_attempt(3)))


def test_a_misspelt_state_is_refused(database: Database) -> None:
    with database.writing() as c:
        a_company(c)
    with pytest.raises(IntegrityError), database.writing() as c:
        a_submission(c, state="Done")


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM planned_write",
        "UPDATE planned_write SET hash = 'other'",
        "UPDATE planned_write SET state = 'open'",
        "DELETE FROM submission",
        "UPDATE submission SET remote_id = 'other'",
        "UPDATE submission SET state = 'ready'",
    ],
)
def test_a_posting_in_the_ledger_cannot_be_changed_or_deleted(database: Database, statement: str) -> None:
    with database.writing() as c:
        a_company(c)
        a_trip(c)
        a_submission(c, state="done", remote_id="7")
        c.execute(insert(tables.planned_write).values(a_write(1, state="done", submission_id="SUB1")))
    with pytest.raises(IntegrityError, match="reverse it"), database.writing() as c:
        c.execute(text(statement))


def test_a_posting_can_be_reversed_and_its_personal_text_erased(database: Database) -> None:
    with database.writing() as c:
        a_company(c)
        a_trip(c)
        c.execute(insert(tables.planned_write).values(a_write(1, state="done")))
    with database.writing() as c:
        c.execute(text("UPDATE planned_write SET state = 'reversed', content = ''"))
    with database.reading() as c:
        assert c.execute(text("SELECT state FROM planned_write")).scalar() == "reversed"


def test_a_database_without_tables_says_what_to_run(database_url: str) -> None:
    database = Database(database_url)
    with pytest.raises(ConfigurationError, match="migrate"), database.reading() as c:
        c.execute(select(tables.workspace))
    database.close()


def test_the_database_server_tells_its_time(database: Database) -> None:
    with database.reading() as c:
        told = database_time(c)
    assert (told is None) == (database.dialect == "sqlite")
    assert told is None or told > T0


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://h/d", "no address"])
def test_an_address_we_cannot_work_with_is_refused_at_once(url: str) -> None:
    with pytest.raises(ConfigurationError):
        Database(url)


def test_a_password_is_never_in_an_error() -> None:
    database = Database("postgresql://me:hush-hush@127.0.0.1:1/books")
    with pytest.raises(StorageUnavailable) as caught, database.reading() as c:
        c.execute(text("SELECT 1"))
    assert "hush-hush" not in str(caught.value)
    assert "127.0.0.1/books" in str(caught.value)
    database.close()


# ------------------------------------------------------------------------------------------------ SQLite alone


def opened(sqlite_databases: Databases) -> tuple[Database, Path]:
    url = sqlite_databases.new()
    database = Database(url)
    migrate(database)
    return database, Path(url.removeprefix("sqlite:///"))


def test_sqlite_keeps_a_commit_through_a_power_cut(sqlite_databases: Databases) -> None:
    database, _path = opened(sqlite_databases)
    for side in (database.writing, database.reading, database.inbox_writing):
        with side() as c:
            assert c.execute(text("PRAGMA journal_mode")).scalar() == "wal"
            assert c.execute(text("PRAGMA synchronous")).scalar() == 2
            assert c.execute(text("PRAGMA foreign_keys")).scalar() == 1
    database.close()


def test_a_file_locked_by_another_process_is_a_clear_error(sqlite_databases: Databases) -> None:
    database, path = opened(sqlite_databases)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with database.reading() as c:
        assert c.execute(select(func.count()).select_from(tables.workspace)).scalar() == 0
    impatient = Database(f"sqlite:///{path}", patience_s=0)
    with pytest.raises(StorageUnavailable, match="Another process is writing") as caught, impatient.writing():
        pass
    assert caught.value.record == str(path)
    assert "PostgreSQL" in caught.value.fix
    other.execute("ROLLBACK")
    other.close()
    database.close()
    impatient.close()


def test_a_full_disk_is_a_clear_error_and_loses_nothing_accepted(sqlite_databases: Databases) -> None:
    database, _path = opened(sqlite_databases)
    with database.writing() as c:
        c.execute(insert(tables.workspace).values(id="W1", name="Nordlys", created_at=T0))
        full = int(c.execute(text("PRAGMA page_count")).scalar_one())
        c.execute(text(f"PRAGMA max_page_count = {full}"))
    with pytest.raises(StorageUnavailable, match="disk of the database is full"), database.writing() as c:
        c.execute(insert(tables.workspace).values(id="W2", name="x" * 100_000, created_at=T0))
    with database.reading() as c:
        assert c.execute(select(tables.workspace.c.id)).scalars().all() == ["W1"]
    database.close()


def test_only_one_process_works_on_a_sqlite_file(sqlite_databases: Databases) -> None:
    database, path = opened(sqlite_databases)
    database.claim_single_process()
    database.claim_single_process()  # the same one may ask again
    script = (
        "import sys; from ml_connector.store.database import Database\n"
        "from ml_connector.errors import ConfigurationError\n"
        "database = Database(sys.argv[1])\n"
        "try:\n    database.claim_single_process()\nexcept ConfigurationError as error:\n    print(error)\n"
    )
    command = [sys.executable, "-c", script, f"sqlite:///{path}"]
    refused = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "Another process works on this database" in refused.stdout
    database.close()
    allowed = subprocess.run(command, capture_output=True, text=True, check=True)
    assert allowed.stdout == ""


def test_the_deepest_mount_tells_the_file_system() -> None:
    assert file_system_of(Path("/srv/my books/main.db"), mounts=MOUNTS) == "nfs4"
    assert file_system_of(Path("/srv/my books/fast/main.db"), mounts=MOUNTS) == "tmpfs"
    assert file_system_of(Path("/srv/my other/main.db"), mounts=MOUNTS) == "ext4"


def test_the_inbox_of_sqlite_is_a_file_of_its_own(sqlite_databases: Databases) -> None:
    database, path = opened(sqlite_databases)
    assert path.with_name("main-inbox.db").exists()
    database.close()
    with pytest.raises(ConfigurationError, match="file of its own"):
        Database(f"sqlite:///{path}", inbox_url=f"sqlite:///{path}")


# -------------------------------------------------------------------------------------------- PostgreSQL alone


@pytest.fixture
def server_database(postgres_databases: Databases) -> Iterator[Database]:
    url = postgres_databases.new(migrated)
    database = Database(url)
    yield database
    database.close()
    postgres_databases.remove(url)


@pytest.mark.slow
def test_a_connection_cut_in_mid_transaction_is_a_clear_error_and_the_next_one_works(server_database: Database) -> None:
    def cut() -> None:
        with server_database.writing() as c:
            mine = c.execute(text("SELECT pg_backend_pid()")).scalar_one()
            with server_database.reading() as other:
                other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": mine})
            c.execute(insert(tables.workspace).values(id="W1", name="Nordlys", created_at=T0))

    with pytest.raises(StorageUnavailable, match="database"):
        cut()
    with server_database.writing() as c:
        assert c.execute(select(func.count()).select_from(tables.workspace)).scalar() == 0


@pytest.mark.slow
def test_of_two_that_wait_for_each_other_one_is_told_to_try_again(server_database: Database) -> None:
    with server_database.writing() as c:
        for name in ("W1", "W2"):
            c.execute(insert(tables.workspace).values(id=name, name=name, created_at=T0))
    both = threading.Barrier(2, timeout=20)

    def rename(first: str, second: str) -> str:
        try:
            with server_database.writing() as c:
                c.execute(update(tables.workspace).where(tables.workspace.c.id == first).values(name="x"))
                both.wait()
                c.execute(update(tables.workspace).where(tables.workspace.c.id == second).values(name="x"))
        except Transient as error:
            return error.what
        return "done"

    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(rename, ["W1", "W2"], ["W2", "W1"]))
    assert sorted(told) == ["Two units waited for each other.", "done"]
