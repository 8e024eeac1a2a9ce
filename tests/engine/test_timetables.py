"""When routes post: at an hour, every so often, not in quiet hours, and on demand; nothing is lost or sent early."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ml_connector.engine import replaying, reviewing, ruling, timetables
from ml_connector.engine.units import due_units
from ml_connector.errors import UsageError
from tests.engine.proofs import expect_settled, in_ledger, query
from tests.engine.world import Killed, World

DUBLIN = ZoneInfo("Europe/Dublin")
Open = Callable[..., World]


@pytest.fixture
def open_world(database_url: str, inbox_url: str, tmp_path: Path) -> Iterator[Open]:
    """A company in Dublin at six in the morning; its shop's route posts at the times that are given."""
    opened: list[World] = []

    def make(*at: str, every_s: int | None = None, quiet: tuple[str, ...] = (), **terms: Any) -> World:
        world = World(database_url, tmp_path, inbox_url=inbox_url)
        world.set_up(**terms)
        times(world, *at, every_s=every_s, quiet=quiet)
        opened.append(world)
        return world

    yield make
    for world in opened:
        world.close()


def times(world: World, *at: str, every_s: int | None = None, quiet: tuple[str, ...] = ()) -> None:
    read = timetables.read(at, every_s=every_s, quiet=quiet)
    timetables.set_times(world.works, world.route_id, read, by="Ann")


def until(world: World, clock: str, *, step: float = 1800) -> None:
    """Let time go by until the clock in Dublin shows this."""
    hours, minutes = map(int, clock.split(":"))
    now = world.clock.now().astimezone(DUBLIN)
    end = datetime(now.year, now.month, now.day, hours, minutes, tzinfo=DUBLIN)
    end += timedelta(days=1) if end <= now else timedelta()
    while (left := (end - world.clock.now()).total_seconds()) > 0:
        world.clock.advance(min(step, left))
        world.run()


def posted(world: World) -> int:
    return len(in_ledger(world))


def shown(world: World) -> timetables.Posts:
    (one,) = timetables.of_company(world.works, world.company_id)
    return one


def test_what_was_there_by_the_hour_is_sent_then_and_what_comes_later_waits_for_the_next(open_world: Open) -> None:
    world = open_world("14:00")
    world.sell()
    until(world, "13:55")
    assert posted(world) == 0
    assert (shown(world).ready, shown(world).is_on) == (1, False)
    until(world, "14:00")
    until(world, "14:10", step=100)
    assert posted(world) == 1
    world.sell()
    until(world, "15:00")
    assert posted(world) == 1
    until(world, "14:10", step=900)
    assert posted(world) == 2
    expect_settled(world)


def test_every_so_often_means_in_runs(open_world: Open) -> None:
    world = open_world(every_s=3600)
    until(world, "07:01")
    world.sell()
    until(world, "07:55")
    assert posted(world) == 0
    until(world, "08:10", step=200)
    assert posted(world) == 1


def test_in_quiet_hours_nothing_is_sent_and_after_them_everything(open_world: Open) -> None:
    world = open_world(quiet=("05:00-09:00",))
    world.sell()
    until(world, "08:55")
    assert posted(world) == 0
    until(world, "09:10", step=200)
    world.sell()
    until(world, "09:30", step=200)
    assert posted(world) == 2


def test_a_person_who_asks_waits_for_no_hour(open_world: Open) -> None:
    world = open_world("02:00", quiet=("05:00-23:00",))
    world.sell()
    until(world, "06:30")
    timetables.ask_now(world.works, world.company_id, by="Ann")
    until(world, "06:40", step=100)
    assert posted(world) == 1
    world.sell()
    until(world, "08:00")
    assert posted(world) == 1, "what was asked for is over"
    asked = query(world, "SELECT actor FROM audit_event WHERE verb = 'posting asked for'")
    assert asked == [("Ann",)]


def test_a_batch_is_closed_by_the_run_and_not_by_its_age(open_world: Open) -> None:
    world = open_world("14:00", mode="batch", batch_age_s=86_400)
    for _ in range(3):
        world.sell()
    until(world, "14:00")
    until(world, "14:10", step=100)
    assert posted(world) == 1
    assert shown(world).ready == 0


def test_a_batch_of_another_route_is_not_closed_early_by_an_hour_that_is_not_its_own(open_world: Open) -> None:
    world = open_world("14:00", mode="batch", batch_age_s=60)
    world.sell()
    until(world, "10:00")
    assert posted(world) == 0
    timetables.set_times(world.works, world.route_id, None, by="Ann")
    until(world, "10:10", step=100)
    assert posted(world) == 1


def test_a_run_that_was_missed_is_made_up_for(open_world: Open) -> None:
    world = open_world("14:00")
    world.sell()
    until(world, "13:55")
    world.clock.advance(6 * 3600)  # nobody was there at two
    world.run()
    world.pass_time(300, step=100)
    assert posted(world) == 1


def test_a_run_during_which_the_ledger_is_away_goes_on_when_it_is_back(open_world: Open) -> None:
    world = open_world("14:00")
    for _ in range(3):
        world.sell()
    until(world, "13:50")
    down = world.fail("visma", "/", {"kind": "status", "status": 503}, times=None)
    until(world, "15:30", step=600)
    assert posted(world) == 0
    world.visma.remove(down)
    until(world, "16:30", step=200)
    assert posted(world) == 3
    expect_settled(world)


def test_a_correction_goes_out_whole_in_one_run(open_world: Open) -> None:
    world = open_world(every_s=6 * 3600, corrections="automatic")
    world.sell()
    until(world, "12:01")
    until(world, "12:10", step=100)
    assert posted(world) == 1
    book = world.rulebook()
    moved = tuple(
        rule if rule.id != "sales 25" else type(rule)(rule.id, rule.roles, rule.when, account="3004", vat_code="25")
        for rule in book.rules
    )
    ruling.save_rules(world.works, world.route_id, type(book)(2, book.valid_from, moved), by="Ann")
    ((trip_id,),) = query(world, "SELECT id FROM trip WHERE kind = 'payment'")
    replaying.replay_trips(world.works, world.workspace, [trip_id], by="Ann")
    until(world, "17:50")
    assert posted(world) == 1, "neither the mirror nor the new one goes before its hour"
    until(world, "18:01")
    until(world, "18:15", step=100)
    assert posted(world) == 3
    expect_settled(world)


def test_what_a_person_undoes_waits_for_no_hour(open_world: Open) -> None:
    world = open_world(every_s=6 * 3600)
    world.sell()
    until(world, "12:01")
    until(world, "12:10", step=100)
    ((trip_id,),) = query(world, "SELECT id FROM trip WHERE kind = 'payment'")
    replaying.undo(world.works, trip_id, by="Ann")
    until(world, "12:30", step=200)
    assert posted(world) == 2


def test_between_its_hours_a_route_makes_no_work_and_calls_nobody(open_world: Open) -> None:
    world = open_world("14:00")
    world.sell()
    until(world, "07:00")
    before = sum(world.visma.calls.values())
    for _ in range(20):
        world.clock.advance(10)
        assert [unit for unit in due_units(world.works) if unit.kind == "drain"] == []
    assert sum(world.visma.calls.values()) == before


def test_a_run_with_nothing_to_send_asks_the_ledger_nothing(open_world: Open) -> None:
    world = open_world(every_s=900)
    until(world, "07:00")
    before = sum(world.visma.calls.values())
    until(world, "11:01", step=450)
    assert sum(world.visma.calls.values()) == before
    assert not shown(world).is_on


def test_a_worker_that_dies_in_a_run_leaves_it_to_the_next(open_world: Open) -> None:
    world = open_world("14:00")
    for _ in range(2):
        world.sell()
    until(world, "13:55")
    world.kill_when = lambda moment, call: moment == "after" and call.endswith("/journaltransaction")
    with pytest.raises(Killed):
        until(world, "14:20", step=100)
    world.restart()
    until(world, "14:40", step=100)
    assert posted(world) == 2
    expect_settled(world)


def test_consent_is_waited_for_and_so_is_the_hour(open_world: Open) -> None:
    world = open_world("14:00", posting="approve")
    world.sell()
    until(world, "10:00")
    ((item_id,),) = query(world, "SELECT id FROM review_item WHERE code = 'consent'")
    reviewing.resolve(world.works, world.workspace, item_id, answer="accept", by="Ann")
    until(world, "13:50")
    assert posted(world) == 0
    until(world, "14:00")
    until(world, "14:10", step=100)
    assert posted(world) == 1


def test_setting_times_is_told_in_the_audit_trail_and_nonsense_is_refused(open_world: Open) -> None:
    world = open_world("02:00")
    with pytest.raises(UsageError, match="25:00"):
        times(world, "25:00")
    with pytest.raises(UsageError, match="no such route"):
        timetables.set_times(world.works, "nobody", None, by="Ann")
    ((actor, facts),) = query(world, "SELECT actor, facts FROM audit_event WHERE verb = 'posting times set'")
    assert (actor, "at 02:00" in facts) == ("Ann", True)
    one = shown(world)
    assert (one.times, one.is_on) == ("at 02:00", False)
    assert one.next_at is not None
