"""Notices: stored before anybody hears of it, once per event, and open until their thing was read."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from ml_connector.errors import ConnectorError, Rejected, StorageUnavailable, Transient
from ml_connector.store import tables
from ml_connector.store.database import Database
from ml_connector.store.inbox import (
    assign,
    connections_with_due_notices,
    count_open,
    erase_bodies,
    mark_dead,
    mark_done,
    notices_of,
    older_than,
    open_notices,
    put_off,
    unassigned_accounts,
)
from ml_connector.store.inbox_writer import InboxWriter
from ml_connector.store.migrations import migrate
from ml_connector.store.notices import Notice
from ml_connector.store.repeating import Repeater
from tests.databases import Databases
from tests.store.rows import T0


def a_notice(number: int = 1, **values: object) -> Notice:
    base = Notice(
        id=f"N{number:06}", door_id="D1", kind="payment", external_id=f"pay-{number}", received_at=T0 + number,
        workspace_id="W1", connection_id="SQ1", event_id=f"event-{number}", account_ref="M1", body='{"type":"x"}',
    )  # fmt: skip
    return base._replace(**values)  # type: ignore[arg-type]


@pytest.fixture
def writer(database: Database) -> Iterator[InboxWriter]:
    running = InboxWriter(database)
    running.start()
    yield running
    running.stop()


def store(writer: InboxWriter, *notices: Notice) -> list[str]:
    return [future.result(20) for future in [writer.submit(one) for one in notices]]


def count(database: Database) -> int:
    with database.inbox_reading() as c:
        return int(c.execute(select(func.count()).select_from(tables.notice)).scalar_one())


def test_a_notice_is_in_the_database_when_its_caller_hears(database: Database, writer: InboxWriter) -> None:
    assert store(writer, a_notice()) == ["stored"]
    assert count(database) == 1


def test_an_event_that_comes_again_is_a_duplicate(database: Database, writer: InboxWriter) -> None:
    assert store(writer, a_notice()) == ["stored"]
    assert store(writer, a_notice(2, event_id="event-1"), a_notice(3)) == ["duplicate", "stored"]
    assert store(writer, a_notice(4, event_id="event-1", door_id="D2")) == ["stored"]
    assert count(database) == 3


def test_the_same_event_twice_in_one_batch_is_stored_once(database: Database) -> None:
    writer = InboxWriter(database)
    writer._open = True  # the queue fills before the thread begins, so that both are in one batch
    futures = [writer.submit(a_notice(1)), writer.submit(a_notice(2, event_id="event-1"))]
    writer.start()
    assert sorted(future.result(20) for future in futures) == ["duplicate", "stored"]
    writer.stop()


def test_without_an_event_id_every_ring_counts(database: Database, writer: InboxWriter) -> None:
    assert store(writer, a_notice(1, event_id=None), a_notice(2, event_id=None)) == ["stored", "stored"]
    assert count(database) == 2


def test_sixteen_senders_at_once_are_all_answered_and_each_event_is_there_once(
    database: Database, writer: InboxWriter
) -> None:
    def send(sender: int) -> list[str]:
        return [store(writer, a_notice(sender * 100 + n, event_id=f"shared-{n}"))[0] for n in range(40)]

    with ThreadPoolExecutor(16) as pool:
        answers = [answer for answers in pool.map(send, range(16)) for answer in answers]
    assert answers.count("stored") == 40
    assert answers.count("duplicate") == 15 * 40
    assert count(database) == 40


def test_an_event_loop_is_answered_too_even_where_a_sender_hangs_up(database: Database, writer: InboxWriter) -> None:
    async def webhooks() -> list[str]:
        hung_up = writer.submit_from_loop(a_notice(0))
        hung_up.cancel()
        answers = [writer.submit_from_loop(a_notice(n)) for n in range(1, 301)]
        return [str(answer) for answer in await asyncio.gather(*answers)]

    assert asyncio.run(webhooks()) == ["stored"] * 300
    assert count(database) == 301


@pytest.mark.parametrize("body", ["lone \ud800 surrogate", "nul \x00 byte"])
def test_one_notice_the_database_cannot_keep_does_not_cost_the_others(
    database: Database, writer: InboxWriter, body: str
) -> None:
    futures = [writer.submit(one) for one in (a_notice(1), a_notice(2, body=body), a_notice(3))]
    assert [futures[0].result(20), futures[2].result(20)] == ["stored", "stored"]
    if database.dialect == "sqlite" and "\x00" in body:  # SQLite keeps it
        assert futures[1].result(20) == "stored"
    else:
        with pytest.raises(Rejected):
            futures[1].result(20)
    assert store(writer, a_notice(4)) == ["stored"]


def test_an_id_used_twice_is_refused_not_taken_for_a_duplicate(writer: InboxWriter) -> None:
    store(writer, a_notice(1))
    with pytest.raises(Rejected):
        store(writer, a_notice(1, event_id="another"))


def test_when_too_many_wait_the_sender_is_told_at_once(database: Database) -> None:
    writer = InboxWriter(database, queue_limit=2)
    writer._open = True  # the thread has not begun: nothing leaves the queue
    waiting = [writer.submit(a_notice(1)), writer.submit(a_notice(2))]
    with pytest.raises(Transient, match="Too many"):
        writer.submit(a_notice(3))
    assert writer.waiting() == 2
    writer.start()
    assert [future.result(20) for future in waiting] == ["stored", "stored"]
    writer.stop()


def test_stopping_writes_what_waits_and_takes_no_more(database: Database) -> None:
    writer = InboxWriter(database, batch=10)
    writer.start()
    futures = [writer.submit(a_notice(n)) for n in range(100)]
    writer.stop()
    assert [future.result(0) for future in futures] == ["stored"] * 100
    assert count(database) == 100
    with pytest.raises(Transient, match="closed"):
        writer.submit(a_notice(200))
    writer.stop()  # twice does no harm


def test_a_locked_database_is_told_to_every_waiting_sender_and_heals(sqlite_databases: Databases) -> None:
    url = sqlite_databases.new()
    database = Database(url, patience_s=0.05)
    migrate(database)
    writer = InboxWriter(database)
    writer.start()
    other = sqlite3.connect(url.removeprefix("sqlite:///").replace("main.db", "main-inbox.db"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    futures = [writer.submit(a_notice(n)) for n in range(5)]
    assert {type(future.exception(20)) for future in futures} == {StorageUnavailable}
    other.execute("ROLLBACK")
    other.close()
    assert count(database) == 0
    assert store(writer, *(a_notice(n) for n in range(5))) == ["stored"] * 5
    writer.stop()
    database.close()


def test_a_full_disk_is_told_to_the_sender_and_the_inbox_stays_whole(sqlite_databases: Databases) -> None:
    database = Database(sqlite_databases.new())
    migrate(database)
    with database.inbox_writing() as c:
        full = int(c.exec_driver_sql("PRAGMA page_count").scalar_one())
        c.exec_driver_sql(f"PRAGMA max_page_count = {full}")
    writer = InboxWriter(database)
    writer.start()
    big = writer.submit(a_notice(1, body="x" * 200_000))
    assert isinstance(big.exception(20), StorageUnavailable)
    assert store(writer, a_notice(2)) == ["stored"]
    assert count(database) == 1
    writer.stop()
    database.close()


class Killed(BaseException):
    """What ends a thread from outside."""


class DyingDatabase(Database):
    """A database in whose midst the process is killed."""

    def inbox_repeater(self) -> Repeater:
        raise Killed


def test_when_the_writer_dies_nobody_waits_for_ever(
    sqlite_databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    database = DyingDatabase(sqlite_databases.new())
    writer = InboxWriter(database)
    writer.start()
    with pytest.raises(ConnectorError):
        writer.submit(a_notice(1)).result(20)
    with pytest.raises(Transient):
        writer.submit(a_notice(2))
    database.close()


# ------------------------------------------------------------------------------------------------ reading side


def test_open_notices_are_those_of_one_connection_that_are_due_oldest_first(
    database: Database, writer: InboxWriter
) -> None:
    store(
        writer, a_notice(3), a_notice(1), a_notice(2, connection_id="SQ2"), a_notice(4, workspace_id="W2"), a_notice(9)
    )
    with database.inbox_reading() as c:
        found = open_notices(c, "W1", connection_id="SQ1", now=T0 + 5)
        assert [one.external_id for one in found] == ["pay-1", "pay-3"]
        assert len(open_notices(c, "W1", connection_id="SQ1", now=T0 + 9, limit=2)) == 2
        due = connections_with_due_notices(c, now=T0 + 9)
        assert sorted(due) == [("W1", "SQ1"), ("W1", "SQ2"), ("W2", "SQ1")]
        assert count_open(c, now=T0 + 9) == (5, T0 + 1)


def test_a_notice_ends_once_and_one_put_off_comes_again(database: Database, writer: InboxWriter) -> None:
    store(writer, *(a_notice(n) for n in range(1, 5)))
    with database.inbox_writing() as c:
        assert mark_done(c, ["N000001", "N000002"], now=T0 + 10) == 2
        assert mark_done(c, ["N000001"], now=T0 + 11) == 0
        assert mark_dead(c, ["N000003", "N000001"], reason="a week old", now=T0 + 12) == 1
        assert put_off(c, ["N000004", "N000003"], until=T0 + 100, reason="503") == 1
    with database.inbox_reading() as c:
        assert open_notices(c, "W1", connection_id="SQ1", now=T0 + 99) == []
        (again,) = open_notices(c, "W1", connection_id="SQ1", now=T0 + 100)
        assert (again.id, again.attempts) == ("N000004", 1)
        (story,) = notices_of(c, "W1", connection_id="SQ1", kind="payment", external_id="pay-3")
        assert (story["state"], story["reason"], story["done_at"]) == ("dead", "a week old", T0 + 12)
        assert older_than(c, before=T0 + 50) == [("N000004", "SQ1", "D1")]


@pytest.mark.parametrize("account", ["M7", None])
def test_notices_of_an_account_nobody_knew_go_to_the_connection_made_later(
    database: Database, writer: InboxWriter, account: str | None
) -> None:
    stray = {"workspace_id": None, "connection_id": None}
    store(writer, a_notice(1, account_ref=account, **stray), a_notice(2, account_ref="M8", **stray), a_notice(3))
    with database.inbox_writing() as c:
        assert set(unassigned_accounts(c)) == {("D1", account), ("D1", "M8")}
        assert assign(c, "W3", connection_id="SQ3", door_id="D1", account_ref=account, now=T0 + 50) == 1
        assert unassigned_accounts(c) == [("D1", "M8")]
        assert [one.id for one in open_notices(c, "W3", connection_id="SQ3", now=T0 + 50)] == ["N000001"]


def test_erasing_empties_the_bodies_of_closed_notices_and_still_knows_a_repeat(
    database: Database, writer: InboxWriter
) -> None:
    store(writer, a_notice(1), a_notice(2), a_notice(3))
    with database.inbox_writing() as c:
        mark_done(c, ["N000001", "N000002"], now=T0 + 5)
        assert erase_bodies(c, before=T0 + 2) == 1
        assert erase_bodies(c, before=T0 + 99) == 1
        assert c.execute(select(tables.notice.c.id).where(tables.notice.c.body.is_not(None))).scalars().all() == [
            "N000003"
        ]
    assert store(writer, a_notice(4, event_id="event-1")) == ["duplicate"]
