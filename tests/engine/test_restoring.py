"""An older backup is restored while the ledger holds more than it knows: everything stands there once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from ml_connector.engine import clearing, restoring, reviewing
from tests.databases import SqliteDatabases
from tests.engine.business_days import Open
from tests.engine.proofs import query
from tests.engine.world import World

CREATE = "POST /v2/journaltransaction"
Backup = Callable[[World], str]


@pytest.fixture
def backup(tmp_path: Path) -> Backup:
    """Copies of the files as they are now."""
    folder = tmp_path / "backups"
    folder.mkdir()
    databases = SqliteDatabases(folder)
    return lambda world: databases.copy(world.database_url)


def sell(world: World, times: int) -> None:
    for _ in range(times):
        world.sell()
    rest(world)


def rest(world: World) -> None:
    """Until what happened is listed, read, posted and released."""
    world.pass_time(600, step=50)


def restored(world: World, backup_url: str) -> World:
    """The old files in the place of the new ones, and the operator's word that they are old."""
    other = world.survived(backup_url)
    restoring.declare(other.works, since=None, by="test")
    return other


def numbers(world: World) -> list[str]:
    return [voucher["number"] for voucher in world.books()]


def expect_once(world: World, *, payments: int) -> None:
    """Every payment is posted, every document of ours in the ledger is known, and no amount is there twice."""
    assert query(world, "SELECT state, count(*) FROM trip WHERE kind = 'payment' GROUP BY state") == [
        ("posted", payments)
    ]
    assert {row[0] for row in query(world, "SELECT number FROM submission WHERE state = 'done'")} == set(numbers(world))
    assert not any(one.unexplained for one in clearing.statements(world.works, world.company_id))


@pytest.mark.parametrize(("mode", "new"), [("per_record", 2), ("batch", 1)])
def test_what_was_posted_after_the_backup_is_taken_over_and_only_what_is_new_is_sent(
    open_world: Open, backup: Backup, mode: str, new: int
) -> None:
    world = open_world(mode)
    sell(world, 2)
    old = backup(world)
    sell(world, 2)
    sell(world, 1)
    later = restored(world, old)
    sell(later, 2)
    assert numbers(later)[:-new] == numbers(world)
    expect_once(later, payments=7)


def test_a_backup_of_ours_taken_at_work_knows_that_it_is_one(open_world: Open, tmp_path: Path) -> None:
    world = open_world()
    main, inbox = restoring.back_up(world.works, tmp_path / "copies", told=lambda *_: None)
    sell(world, 2)
    later = world.survived(f"sqlite:///{main}")
    sell(later, 1)
    assert inbox.exists()
    assert {path.stat().st_mode & 0o777 for path in (main, inbox)} == {0o600}
    assert numbers(later)[:-1] == numbers(world)
    expect_once(later, payments=3)


def test_what_was_ready_when_the_backup_was_taken_is_looked_for_before_it_is_sent(
    open_world: Open, backup: Backup
) -> None:
    world = open_world()
    world.fail("visma", CREATE, {"kind": "status", "status": 429, "retry_after": 60})
    world.sell()
    while "ready" not in (states := [row[0] for row in query(world, "SELECT state FROM submission")]):
        world.pass_time(20, step=20)
        assert "done" not in states
    old = backup(world)
    rest(world)
    assert len(numbers(world)) == 1
    later = restored(world, old)
    rest(later)
    assert numbers(later) == numbers(world)
    expect_once(later, payments=1)


def test_what_was_refused_and_sent_again_is_found_under_its_later_name(open_world: Open, backup: Backup) -> None:
    world = open_world()
    old = backup(world)
    world.fail("visma", CREATE, {"kind": "status", "status": 400})
    sell(world, 1)
    (question,) = reviewing.open_items(world.works, world.workspace)
    reviewing.resolve(world.works, world.workspace, question.id, answer="plan-again", by="test")
    rest(world)
    assert len(numbers(world)) == 1
    later = restored(world, old)
    rest(later)
    assert numbers(later) == numbers(world)
    expect_once(later, payments=1)


def test_a_batch_of_which_a_record_is_not_here_waits_for_it_and_then_is_asked_about(
    open_world: Open, backup: Backup
) -> None:
    world = open_world("batch")
    old = backup(world)
    sell(world, 3)
    later = restored(world, old)
    later.run(only=lambda unit: unit.kind in ("poll", "fetch"))
    last = "SELECT max(id) FROM trip WHERE kind = 'payment'"
    with later.database.writing() as c:
        c.execute(text(f"UPDATE trip SET state = 'ignored', due_at = NULL WHERE id = ({last})"))
    later.pass_time(1_800, step=600)
    assert numbers(later) == numbers(world)
    assert not reviewing.open_items(later.works, later.workspace)
    later.pass_time(3_600, step=600)
    assert numbers(later) == numbers(world)
    (question,) = reviewing.open_items(later.works, later.workspace)
    assert (question.code, numbers(world)[0] in question.sentence) == ("differs", True)
