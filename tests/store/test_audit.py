"""The audit trail: appended only, and any change shows."""

from __future__ import annotations

import dataclasses
import random
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from ml_connector.store import tables
from ml_connector.store.audit import Entry, append, append_many, company_chain, events_about, heads, latest_events
from ml_connector.store.audit_proof import check, export, read_export, verify
from ml_connector.store.database import Database
from tests.store.rows import T0

CHAIN = company_chain("C1")


def entries(count: int, start: int = 0) -> list[Entry]:
    return [
        Entry(at=T0 + n, actor="worker", verb="posted", subject=f"trip:{n}", facts={"amount": 100 + n, "number": "Å7"})
        for n in range(start, start + count)
    ]


def written(database: Database, count: int = 6, chain: str = CHAIN, workspace_id: str | None = "W1") -> None:
    with database.writing() as c:
        append_many(c, chain=chain, workspace_id=workspace_id, entries=entries(count))


def drop_the_guards(database: Database) -> None:
    """What an administrator of the database can do."""
    with database.writing() as c:
        if database.dialect == "sqlite":
            for name in ("audit_event_no_update", "audit_event_no_delete", "audit_event_no_replace"):
                c.execute(text(f"DROP TRIGGER {name}"))
        else:
            c.execute(text("ALTER TABLE audit_event DISABLE TRIGGER USER"))


def tamper(database: Database, statement: str, **values: Any) -> int:
    with database.writing() as c:
        return c.execute(text(statement), values).rowcount


def test_events_are_numbered_without_a_gap_and_verify(database: Database) -> None:
    with database.writing() as c:
        for n in range(3):
            facts = {"n": n}
            number = append(c, chain=CHAIN, workspace_id="W1", at=T0, actor="a", verb="v", subject="s", facts=facts)
            assert number == n + 1
        assert append_many(c, chain=CHAIN, workspace_id="W1", entries=entries(600)) == 603
        assert append_many(c, chain=CHAIN, workspace_id="W1", entries=[]) == 603
        assert append_many(c, chain="install", workspace_id=None, entries=entries(2)) == 2
    with database.reading() as c:
        result = verify(c)
        assert (result.ok, result.events, result.chains) == (True, 605, 2)
        assert verify(c, CHAIN).events == 603
        assert [(head.chain, head.seq) for head in heads(c)] == [(CHAIN, 603), ("install", 2)]


def test_an_undone_transaction_leaves_no_event(database: Database) -> None:
    written(database, 2)

    def fail() -> None:
        with database.writing() as c:
            append_many(c, chain=CHAIN, workspace_id="W1", entries=entries(3))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    written(database, 1)
    with database.reading() as c:
        assert verify(c).ok
        assert heads(c)[0].seq == 3


@pytest.mark.parametrize("facts", [{"amount": 1.5}, {"a": [{"b": 0.1}]}, {"amount": Decimal("1.5")}, {"x": {1: 2}}])
def test_a_fact_that_cannot_be_said_exactly_is_refused(database: Database, facts: dict[str, Any]) -> None:
    with pytest.raises(TypeError), database.writing() as c:
        append(c, chain=CHAIN, workspace_id="W1", at=T0, actor="a", verb="v", subject="s", facts=facts)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_event SET actor = 'somebody' WHERE seq = 3",
        "DELETE FROM audit_event WHERE seq = 3",
        "INSERT INTO audit_event SELECT * FROM audit_event WHERE seq = 3",
    ],
)
def test_the_database_refuses_to_change_the_trail(database: Database, statement: str) -> None:
    written(database)
    with pytest.raises(IntegrityError):
        tamper(database, statement)
    with database.reading() as c:
        assert verify(c).events == 6


def test_sqlite_refuses_to_replace_and_postgresql_to_truncate(database: Database) -> None:
    written(database)
    statement = (
        "INSERT OR REPLACE INTO audit_event SELECT chain, seq, workspace_id, at, 'somebody', verb, subject, facts,"
        " prev_hash, hash FROM audit_event WHERE seq = 3"
        if database.dialect == "sqlite"
        else "TRUNCATE audit_event"
    )
    with pytest.raises(IntegrityError):
        tamper(database, statement)


@pytest.mark.parametrize("column", [column.name for column in tables.audit_event.c])
@pytest.mark.parametrize("seq", [1, 4, 6])
def test_one_changed_byte_in_any_column_of_any_event_is_found(database: Database, column: str, seq: int) -> None:
    written(database)
    drop_the_guards(database)
    chance = random.Random(f"{column}{seq}")
    with database.reading() as c:
        value = c.execute(select(tables.audit_event.c[column]).where(tables.audit_event.c.seq == seq)).scalar_one()
    if isinstance(value, int):
        changed: int | str = value ^ (1 << chance.randrange(40))
    else:
        place = chance.randrange(len(value))
        changed = value[:place] + chr(ord(value[place]) ^ 1) + value[place + 1 :]
    assert changed != value
    # The statement names its row by the subject, which no other event has.
    where = f"subject = 'trip:{seq - 1}'"
    assert tamper(database, f"UPDATE audit_event SET {column} = :changed WHERE {where}", changed=changed) == 1
    with database.reading() as c:
        result = verify(c)
    assert not result.ok
    assert (CHAIN, seq) in {(broken.chain, broken.seq) for broken in result.broken}


@pytest.mark.parametrize(
    ("column", "changed"), [("chain", "company:C2"), ("workspace_id", "W2"), ("seq", 7), ("hash", "0" * 64)]
)
def test_a_changed_head_is_found(database: Database, column: str, changed: Any) -> None:
    written(database)
    assert {column.name for column in tables.audit_head.c} == {"chain", "workspace_id", "seq", "hash"}
    tamper(database, f"UPDATE audit_head SET {column} = :changed", changed=changed)
    with database.reading() as c:
        assert not verify(c).ok


def test_bytes_that_are_no_text_are_found_too(database: Database) -> None:
    if database.dialect != "sqlite":
        with pytest.raises(Exception, match="invalid byte sequence"):
            tamper(database, "SELECT convert_from('\\xff'::bytea, 'UTF8')")
        return
    written(database)
    drop_the_guards(database)
    tamper(database, "UPDATE audit_event SET actor = CAST(x'ff' AS TEXT) WHERE seq = 2")
    tamper(database, "UPDATE audit_head SET hash = CAST(x'ff' AS TEXT)")
    with database.reading() as c:
        assert [(broken.seq, broken.reason) for broken in verify(c).broken] == [
            (2, "its content is not what was written")
        ]


@pytest.mark.parametrize(
    ("statement", "first_broken"),
    [
        ("DELETE FROM audit_event WHERE seq = 3", 3),
        ("DELETE FROM audit_event WHERE seq = 1", 1),
        ("DELETE FROM audit_event WHERE seq = 6", 6),
        ("DELETE FROM audit_head", 6),
    ],
)
def test_a_removed_event_or_head_is_found(database: Database, statement: str, first_broken: int) -> None:
    written(database)
    drop_the_guards(database)
    tamper(database, statement)
    with database.reading() as c:
        result = verify(c)
    assert [broken.seq for broken in result.broken] == [first_broken]


def test_a_tail_cut_together_with_its_head_shows_against_an_exported_head(database: Database) -> None:
    written(database)
    with database.reading() as c:
        exported = heads(c)
    drop_the_guards(database)
    tamper(database, "DELETE FROM audit_event WHERE seq > 4")
    tamper(database, "UPDATE audit_head SET seq = 4, hash = (SELECT hash FROM audit_event WHERE seq = 4)")
    with database.reading() as c:
        assert verify(c).ok
        result = verify(c, exported=exported)
    assert [(broken.seq, "tail is cut" in broken.reason) for broken in result.broken] == [(5, True)]


def test_a_chain_written_anew_shows_against_an_exported_head(database: Database) -> None:
    written(database)
    with database.reading() as c:
        exported = heads(c)
    drop_the_guards(database)
    tamper(database, "DELETE FROM audit_event")
    tamper(database, "DELETE FROM audit_head")
    with database.writing() as c:
        append_many(c, chain=CHAIN, workspace_id="W1", entries=entries(9, start=1))
    with database.reading() as c:
        assert verify(c).ok
        assert [broken.seq for broken in verify(c, exported=exported).broken] == [6]


def test_appends_from_many_threads_keep_one_chain(database: Database) -> None:
    def work(number: int) -> None:
        for turn in range(10):
            with database.writing() as c:
                append_many(c, chain=CHAIN, workspace_id="W1", entries=entries(2, start=number * 100 + turn))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    with database.reading() as c:
        result = verify(c)
    assert (result.ok, result.events) == (True, 120)


def test_an_export_is_proved_without_the_database(database: Database) -> None:
    written(database)
    written(database, 3, chain="install", workspace_id=None)
    with database.reading() as c:
        lines = list(export(c))
        ends = heads(c)
        assert len(list(export(c, "W1"))) == 6
        assert len(list(export(c, "W1", since=T0 + 4))) == 2
        assert len(list(export(c, chain="install"))) == 3
    assert check(read_export(lines), heads=ends).ok
    forged = [dataclasses.replace(event, verb="approved") if event.seq == 5 else event for event in read_export(lines)]
    assert [(broken.chain, broken.seq) for broken in check(forged).broken] == [(CHAIN, 5)]


def test_a_page_of_the_trail_shows_one_workspace_only(database: Database) -> None:
    written(database)
    written(database, 3, chain=company_chain("C2"), workspace_id="W2")
    with database.reading() as c:
        assert [event.at for event in latest_events(c, "W1", limit=2)] == [T0 + 5, T0 + 4]
        assert [event.at for event in latest_events(c, "W2", limit=100)] == [T0 + 2, T0 + 1, T0]
        assert [event.facts for event in events_about(c, "W2", subject="trip:1")] == [
            '{"amount":101,"number":"\\u00c57"}'
        ]
