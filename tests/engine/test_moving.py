"""An install goes from SQLite to PostgreSQL with everything in it, or stays as it was."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from ml_connector.clock import HandClock
from ml_connector.engine import moving
from ml_connector.engine.moving import Moved
from ml_connector.errors import ConfigurationError, StorageUnavailable
from ml_connector.store import audit_proof
from ml_connector.store.database import Database
from ml_connector.store.migrations import pending
from ml_connector.store.tables import inbox_metadata, metadata
from tests.databases import Databases
from tests.engine.proofs import expect_settled, in_ledger, lines_in_ledger, states
from tests.engine.world import Doomed, World

pytestmark = pytest.mark.slow


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A shop on SQLite: sales are posted, one refund waits for its sale, a sale is read and not planned."""
    made = World(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
    made.set_up()
    made.clock.advance(3 * 3600)
    for amount in (100, 12_500, 99_999):
        made.sell(lines=[{"amount": amount, "tax": "25"}])
    made.do("refund", payment_id=made.sell(lines=[{"amount": 888, "tax": "25"}])["payment_ids"][0])
    made.pass_time(600, step=60)
    made.sell(lines=[{"amount": 777, "tax": "12"}])
    made.clock.advance(300)
    made.run(only=lambda unit: unit.kind != "drain")
    yield made
    made.close()


@pytest.fixture
def target(postgres_databases: Databases) -> Iterator[Database]:
    url = postgres_databases.new()
    made = Database(url)
    yield made
    made.close()
    postgres_databases.remove(url)


def move(world: World, target: Database, told: list[tuple[int, int]] | None = None) -> Moved:
    heard = [] if told is None else told
    return moving.move(
        world.database, target, clock=world.clock, by="Ann", told=lambda done, total: heard.append((done, total))
    )


def rows(database: Database) -> dict[str, set[Any]]:
    """Every row of every table, in a form that both databases give."""
    found: dict[str, set[Any]] = {}
    with database.reading() as c, database.inbox_reading() as inbox:
        for side, tables in ((c, metadata), (inbox, inbox_metadata)):
            for table in tables.sorted_tables:
                found[table.name] = {repr(tuple(row)) for row in side.execute(table.select())}
    return found


def test_every_row_arrives_and_the_work_goes_on_there(world: World, target: Database, tmp_path: Path) -> None:
    before, told = rows(world.database), []  # type: ignore[var-annotated]
    moved = move(world, target, told)
    after = rows(target)
    for name, expected in before.items():
        if name not in ("audit_event", "audit_head", "executor"):
            assert after[name] == expected, name
            assert moved.rows[name] == len(expected)
    assert after["audit_event"] > before["audit_event"]
    assert moved.audit_events == len(after["audit_event"]) == len(before["audit_event"]) + 1
    assert told[-1] == (sum(moved.rows.values()),) * 2
    assert sorted(path.name for path in moved.put_aside) == ["main-inbox.db.moved", "main.db.moved"]
    assert not (tmp_path / "main.db").exists()

    url = target._main._writers.url.render_as_string(hide_password=False)
    world.database = Doomed(url)
    world.database.moment = world._maybe_kill
    world.works = world.new_works("worker-2")
    world.do("payout")
    world.pass_time(2 * 86_400, step=1_800)
    expect_settled(world)
    assert states(world)[("payment", "posted")] == 5
    assert max(lines_in_ledger(world).values()) == 1, "nothing is posted a second time"
    assert len(in_ledger(world)) >= 6


def test_a_database_that_holds_rows_is_no_target(world: World, target: Database, tmp_path: Path) -> None:
    move(world, target)
    aside = Database(
        f"sqlite:///{tmp_path / 'main.db.moved'}", inbox_url=f"sqlite:///{tmp_path / 'main-inbox.db.moved'}"
    )
    with pytest.raises(ConfigurationError, match=r"is not empty: .* tables hold rows"):
        moving.move(aside, target, clock=HandClock(world.clock.now()), by="Ann")
    assert (tmp_path / "main.db.moved").exists()


def test_an_install_that_is_at_work_is_not_moved(world: World, target: Database, tmp_path: Path) -> None:
    code = (
        "from ml_connector.store.database import Database; import sys, time\n"
        f"one = Database('sqlite:///{tmp_path / 'main.db'}'); one.claim_single_process()\n"
        "print('claimed', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"claimed\n"
        with pytest.raises(ConfigurationError, match="Another process works on this database"):
            move(world, target)
        assert other.stdin is not None
        other.stdin.close()
    assert pending(target), "not even tables are made there"
    assert (tmp_path / "main.db").exists()


def test_what_nobody_should_trust_is_not_moved(world: World, target: Database, tmp_path: Path) -> None:
    with world.database.writing() as c:
        c.execute(text("DROP TRIGGER IF EXISTS audit_event_no_update"))
        for (name,) in c.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
            c.execute(text(f"DROP TRIGGER {name}"))
        c.execute(text("UPDATE audit_event SET actor = 'nobody' WHERE seq = 1"))
    with pytest.raises(StorageUnavailable, match="The audit trail here is not as it was written"):
        move(world, target)
    assert rows(target)["workspace"] == set()
    assert (tmp_path / "main.db").exists()


def test_a_move_that_breaks_off_leaves_both_sides_as_they_were(world: World, target: Database) -> None:
    before = rows(world.database)

    def pull_the_plug(done: int, _total: int) -> None:
        if done > 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        moving.move(world.database, target, clock=world.clock, by="Ann", told=pull_the_plug)
    assert rows(world.database) == before
    assert not any(rows(target).values())
    assert move(world, target).rows["trip"] == len(before["trip"])
    with target.reading() as c:
        assert audit_proof.verify(c).ok


def test_only_from_sqlite_to_postgresql(world: World, tmp_path: Path) -> None:
    other = Database(f"sqlite:///{tmp_path / 'other.db'}")
    with pytest.raises(ConfigurationError, match="in no other direction"):
        move(world, other)
    other.close()
