"""The runtime on both databases: what is due runs, once at a time, whatever dies meanwhile."""

from __future__ import annotations

import inspect
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from psycopg.errors import DeadlockDetected
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from ml_connector.clock import Clock
from ml_connector.engine.durable import engine_file
from ml_connector.engine.pace import Pace
from ml_connector.engine.runtime import Runtime, shares
from ml_connector.engine.units import Ran, Unit
from ml_connector.engine.works import Works
from ml_connector.errors import ConfigurationError
from ml_connector.store.database import Database
from ml_connector.store.migrations import migrate
from tests.databases import Databases, migrated
from tests.engine.runner import QUICK, Errands, bare_works

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url, slots=24)
    migrate(opened)
    yield opened
    opened.close()


@contextmanager
def running(runtime: Runtime) -> Iterator[Runtime]:
    runtime.start()
    try:
        yield runtime
    finally:
        runtime.stop()


def wait_for(done: Callable[[], bool], *, seconds: float = 90) -> bool:
    """True once it is so; fails in words when it does not come about. Long, for a machine that others use too."""
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until, f"{seconds:.0f} s went by in vain:\n{inspect.getsource(done).strip()}"
        time.sleep(0.02)
    return True


def several(count: int) -> list[Unit]:
    kinds = ("drain", "poll", "fetch", "upkeep")
    return [Unit(kinds[n % 4], f"S{n}", "payments" if n % 4 == 1 else "") for n in range(count)]  # type: ignore[arg-type]


def test_everything_that_is_due_runs_once(database: Database, database_url: str, tmp_path: Path) -> None:
    errands = Errands(tmp_path)
    units = several(40)
    errands.add(*units)
    works = bare_works(database)

    def run(works: Works, unit: Unit, *, stop: Callable[[], bool]) -> Ran:
        ran = errands.run(works, unit, stop=stop)
        return replace(ran, error="MLC-501 Visma does not answer.") if unit.subject == "S7" else ran

    runtime = Runtime(works, database_url=database_url, pace=QUICK, run=run, due=errands.due)
    with capture_logs() as said, running(runtime):
        assert wait_for(lambda: not errands.due(works))
        assert wait_for(lambda: runtime.counts.running == 0)
        assert sum(runtime.counts.ran.values()) >= len(units)
    assert sorted({unit for _, unit, _ in errands.story()}) == sorted(units)
    assert {one["event"] for one in said} >= {"runtime.started", "runtime.leads", "runtime.ended"}
    assert {one["fault"] for one in said if one["event"] == "unit.put_off"} == {"MLC-501 Visma does not answer."}


def test_a_unit_is_not_queued_again_while_it_runs(database: Database, database_url: str, tmp_path: Path) -> None:
    errands = Errands(tmp_path, seconds=1.5)
    errands.add(Unit("drain", "C"), Unit("poll", "K", "payments"))
    works = bare_works(database)
    with running(Runtime(works, database_url=database_url, pace=QUICK, run=errands.run, due=errands.due)):
        assert wait_for(lambda: not errands.due(works))
        time.sleep(0.5)
    assert len(errands.story()) == 4


def test_a_ring_is_heard_long_before_the_next_look(database: Database, database_url: str, tmp_path: Path) -> None:
    errands = Errands(tmp_path)
    works = bare_works(database)
    pace = replace(QUICK, tick_s=60)
    with running(Runtime(works, database_url=database_url, pace=pace, run=errands.run, due=errands.due)) as runtime:
        time.sleep(0.2)
        errands.add(Unit("fetch", "K"))
        began = time.monotonic()
        runtime.ring({"K"})
        assert wait_for(lambda: not errands.due(works), seconds=10)
    assert time.monotonic() - began < 8


def test_a_unit_that_fails_rests_and_the_others_go_on(database: Database, database_url: str, tmp_path: Path) -> None:
    errands = Errands(tmp_path)
    bad = Unit("drain", "bad")
    errands.add(bad, *several(8))
    tries: list[float] = []

    def run(works: Works, unit: Unit, *, stop: Callable[[], bool]) -> Ran:
        if unit == bad:
            tries.append(time.monotonic())
            raise ZeroDivisionError("made up")
        return errands.run(works, unit, stop=stop)

    works = bare_works(database)
    with running(Runtime(works, database_url=database_url, pace=QUICK, run=run, due=errands.due)) as runtime:
        assert wait_for(lambda: errands.due(works) == [bad])
        time.sleep(1.5)
        assert runtime.counts.ran["drain", "failed"] == 1
    assert len(tries) == 1


@pytest.mark.parametrize("turn_s", [0.0, 5.0])
def test_a_unit_with_more_to_do_is_followed_by_another(database: Database, database_url: str, turn_s: float) -> None:
    """In its own slot as long as its turn lasts, then by its turn among the others."""
    rounds: list[int] = []

    def run(_works: Works, unit: Unit, *, stop: Callable[[], bool]) -> Ran:
        rounds.append(len(rounds))
        return Ran(unit, worked=True, more=len(rounds) < 5)

    def due(_works: Works) -> list[Unit]:
        return [] if len(rounds) >= 5 else [Unit("drain", "C")]

    pace = replace(QUICK, turn_s=turn_s)
    with running(Runtime(bare_works(database), database_url=database_url, pace=pace, run=run, due=due)):
        assert wait_for(lambda: len(rounds) >= 5, seconds=15)
        time.sleep(0.3)
    assert len(rounds) == 5


def test_in_a_single_process_what_senders_wait_for_begins_without_the_queues(
    sqlite_databases: Databases, tmp_path: Path
) -> None:
    url = sqlite_databases.new(migrated)
    database = Database(url, slots=24)
    migrate(database)
    errands, works = Errands(tmp_path), bare_works(database)
    units = [Unit("fetch", "K"), Unit("drain", "C")]
    errands.add(*units)
    pace = replace(QUICK, idle_queue_s=60)
    with running(Runtime(works, database_url=url, pace=pace, run=errands.run, due=errands.due)):
        assert wait_for(lambda: not errands.due(works), seconds=10)
    database.close()
    assert sorted({unit for _, unit, _ in errands.story()}) == sorted(units)


def test_a_burst_of_companies_runs_in_no_more_slots_than_are_provided(
    sqlite_databases: Databases, tmp_path: Path
) -> None:
    url = sqlite_databases.new(migrated)
    database = Database(url, slots=40)
    migrate(database)
    errands, works = Errands(tmp_path, seconds=0.1), bare_works(database)
    errands.add(*[Unit("drain", f"C{n}") for n in range(40)])
    runtime = Runtime(works, database_url=url, pace=QUICK, run=errands.run, due=errands.due)
    most = 0
    with running(runtime):
        while errands.due(works):
            most = max(most, runtime.counts.running)
            time.sleep(0.005)
    database.close()
    assert 1 < most <= shares(8)["post"]


def test_more_slots_than_a_small_pool_do_not_hang(database: Database, database_url: str) -> None:
    """Every unit holds a connection of ours while the durable engine wants its own."""
    left = {Unit("drain", f"C{n}") for n in range(80)}
    lock = threading.Lock()

    def run(works: Works, unit: Unit, *, stop: Callable[[], bool]) -> Ran:
        with works.database.reading() as c, works.database.inbox_reading():
            c.execute(text("SELECT 1"))
            time.sleep(0.05)
            with works.database.writing() as other:
                other.execute(text("SELECT 1"))
        with lock:
            left.discard(unit)
        return Ran(unit, worked=True, more=False)

    runtime = Runtime(
        bare_works(database), database_url=database_url, slots=24, pace=QUICK, run=run, due=lambda _works: sorted(left)
    )
    with running(runtime):
        assert wait_for(lambda: not left)


def test_stopping_ends_quickly_and_asks_units_to_end(database: Database, database_url: str, tmp_path: Path) -> None:
    errands = Errands(tmp_path, seconds=60)
    errands.add(Unit("drain", "C"))
    works = bare_works(database)
    runtime = Runtime(works, database_url=database_url, pace=QUICK, run=errands.run, due=errands.due)
    runtime.start()
    assert wait_for(lambda: bool(errands.story()))
    began = time.monotonic()
    assert runtime.stop()
    assert time.monotonic() - began < 10


class FastClock(Clock):
    """A machine whose clock is seven seconds ahead."""

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=7)


def test_a_machine_whose_clock_is_wrong_does_not_start(postgres_databases: Databases, tmp_path: Path) -> None:
    url = postgres_databases.new(migrated)
    database = Database(url)
    migrate(database)
    with pytest.raises(ConfigurationError, match="7 s off"):
        Runtime(bare_works(database, FastClock()), database_url=url).start()
    database.close()
    postgres_databases.remove(url)


def test_a_second_process_on_sqlite_is_refused(sqlite_databases: Databases, tmp_path: Path) -> None:
    url = sqlite_databases.new(migrated)
    with other_process(url, tmp_path, seconds=0):
        database = Database(url)
        with pytest.raises(ConfigurationError):
            Runtime(bare_works(database), database_url=url).start()
        database.close()


# ------------------------------------------------------------------------------- several processes


@contextmanager
def other_process(url: str, folder: Path, *, seconds: float, pace: str = "hasty") -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.engine.runner", url, str(folder), str(seconds), pace]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": "src:."}) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "running\n"
            yield process
        finally:
            process.kill()


def overlaps(story: list[tuple[str, Unit, str]]) -> list[Unit]:
    """Units that began while they ran."""
    open_now: set[Unit] = set()
    found = []
    for what, unit, _ in story:
        if what == "began" and unit in open_now:
            found.append(unit)
        (open_now.add if what == "began" else open_now.discard)(unit)
    return found


def test_several_processes_share_the_work_and_double_none(postgres_databases: Databases, tmp_path: Path) -> None:
    url = postgres_databases.new(migrated)
    errands = Errands(tmp_path)
    units: list[Unit] = []
    with other_process(url, tmp_path, seconds=0.05, pace="quick"), other_process(
        url, tmp_path, seconds=0.05, pace="quick"
    ):  # fmt: skip
        # On a busy machine one may be through with it before the other looks: there is more until both have worked.
        while not units or (len(workers(errands)) < 2 and len(units) < 3_000):
            fresh = [Unit("drain", f"C{len(units) + n}") for n in range(120)]
            units += fresh
            errands.add(*fresh)
            assert wait_for(lambda: not list((tmp_path / "due").iterdir()), seconds=120)
    story = errands.story()
    assert len(workers(errands)) == 2
    assert overlaps(story) == []
    assert {unit for _, unit, _ in story} == set(units)
    assert len(story) <= 2 * len(units) + 20  # one that ended between two looks may be queued once more
    postgres_databases.remove(url)


def workers(errands: Errands) -> set[str]:
    """The processes that ran something."""
    return {process for _, _, process in errands.story()}


def test_the_work_of_a_killed_process_is_taken_over(databases: Databases, tmp_path: Path) -> None:
    url = databases.new(migrated)
    errands = Errands(tmp_path)
    units = [Unit("drain", f"C{n}") for n in range(6)]
    errands.add(*units)
    with other_process(url, tmp_path, seconds=600) as victim:
        assert wait_for(lambda: len(errands.story()) >= 4)
        victim.kill()
        victim.wait()
    with other_process(url, tmp_path, seconds=0):
        assert wait_for(lambda: not list((tmp_path / "due").iterdir()))
    databases.remove(url)


def test_the_times_of_a_real_install_hand_work_over_within_ninety_seconds() -> None:
    """Silence, a leader that may be the one who died, and a look; measured in real time: 60 s."""
    pace = Pace()
    assert pace.silent_s + pace.lead_s + pace.beat_s + pace.tick_s < 90
    assert pace.give_up_s < pace.silent_s, "who cannot say that it lives ends before it is thought dead"


def test_losing_every_table_of_the_durable_engine_costs_a_restart(databases: Databases, tmp_path: Path) -> None:
    url = databases.new(migrated)
    errands = Errands(tmp_path)
    errands.add(*(Unit("drain", f"C{n}") for n in range(60)))
    with other_process(url, tmp_path, seconds=0.2) as first:
        assert wait_for(lambda: len(errands.story()) >= 8)
        drop_all(url)
        assert first.wait(40) == 70
    left = len(list((tmp_path / "due").iterdir()))
    assert left
    with other_process(url, tmp_path, seconds=0):
        assert wait_for(lambda: not list((tmp_path / "due").iterdir()))
    databases.remove(url)


def drop_all(url: str) -> None:
    """Every table of the durable engine, under load."""
    if url.startswith("postgresql"):
        engine = create_engine(url)
        for last in (False, False, False, False, True):
            try:
                with engine.begin() as c:
                    c.execute(text("DROP SCHEMA dbos CASCADE"))
            except OperationalError as locked:  # the load and this drop took the tables in another order each
                if last or not isinstance(locked.orig, DeadlockDetected):
                    raise
            else:
                break
    else:
        engine = create_engine(f"sqlite:///{engine_file(url)}", connect_args={"timeout": 20})
        with engine.begin() as c:
            names = [row[0] for row in c.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'"))]
            c.execute(text("PRAGMA foreign_keys = OFF"))
            for name in names:
                if not name.startswith("sqlite_"):
                    c.execute(text(f'DROP TABLE "{name}"'))
    engine.dispose()
