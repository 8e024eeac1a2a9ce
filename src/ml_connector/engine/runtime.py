"""The durable engine's only door: units queued, claimed and run in one process or many.

It decides when and where, never whether.

Rows are the truth and units are disposable, so nothing here is precious: a unit whose process died is cancelled and
derived again from the rows, and losing every table of the durable engine costs a restart. The queue is kept short
(`ticking.DEPTH` a kind) for the same reason. One process leads: it asks the rows what is due a few times a second.
Where it is alone it begins as many as it has slots for, at once, and queues nothing.

An executor's id is new for each life of a process. Recovery by a stable id would start again what the rows no longer
ask for, and two processes of one name run each other's work.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import structlog
from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, SetEnqueueOptions, SetWorkflowID, WorkflowStatus

from ml_connector.engine import sweep, units
from ml_connector.engine.pace import Pace
from ml_connector.engine.presence import Presence
from ml_connector.engine.ticking import QUEUES, Memory, priority
from ml_connector.engine.units import Ran, Unit
from ml_connector.engine.works import Works
from ml_connector.errors import ConnectorError
from ml_connector.store.database import Database

LOOK_SHARE = 4  # a look at the rows of a thousand companies must not take a core for itself
UNIT = "unit"
SCHEMA = "dbos"
_FINISHED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
_ACTIVE = ["ENQUEUED", "PENDING", "DELAYED"]

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Counts:
    """What this process did, for the metrics. Safe between threads."""

    ran: dict[tuple[str, str], int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    running: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self) -> None:
        with self._lock:
            self.running += 1

    def end(self, kind: str, how: str, seconds: float) -> None:
        with self._lock:
            self.running -= 1
            self.ran[kind, how] = self.ran.get((kind, how), 0) + 1
            self.seconds[kind] = self.seconds.get(kind, 0.0) + seconds


class Run(Protocol):
    """How a unit is run: `units.run_unit`, or a test's own."""

    def __call__(self, works: Works, unit: Unit, /, *, stop: Callable[[], bool]) -> Ran: ...


class Runtime:
    """The workers of this process, and the ticker if it is the leader. `start`, `ring` from any thread, `stop`.

    `slots` is how many units run at once. `leads=False` never ticks. `on_failure` is told why when this process must
    end: it cannot show that it lives, or the durable engine is broken; whoever started it then stops and starts anew.
    """

    def __init__(
        self, works: Works, *, database_url: str, slots: int = 8, pace: Pace | None = None, leads: bool = True,
        on_failure: Callable[[str], None] | None = None, run: Run = units.run_unit,
        due: Callable[[Works], list[Unit]] = units.due_units,
    ) -> None:  # fmt: skip
        self.works = works
        self.counts = Counts()
        self.failure: str | None = None
        self.leading = False
        self._url = database_url
        self._shares = shares(slots)
        self._pace = pace or Pace()
        self._leads = leads
        self._on_failure = on_failure
        self._run = run
        self._due = due
        self._version = version("ml-connector")
        self._presence = Presence(works, pace=self._pace, version=self._version, on_lost=self._forget_all)
        self._ending = threading.Event()
        self._bell = threading.Event()
        self._rung: set[str] = set()
        self._rung_lock = threading.Lock()
        self._memory = Memory()
        self._watched: set[str] = set()
        self._ticked_s = self._swept_s = self._next_look_s = 0.0
        self._threads: list[threading.Thread] = []

    # -------------------------------------------------------------------------------- start and stop

    def start(self) -> None:
        """Begin to work. Raises ConfigurationError: another process has the files, or this machine's clock is wrong."""
        self.works.database.claim_single_process()
        self._presence.check_clock()
        if self._presence.single:
            sweep.release_leases(self.works)  # their holders died with the process that was here before
        self._presence.beat()
        self._launch()
        self._ticked_s = time.monotonic()
        self._spawn("beat", self._beat_on)
        if self._leads:
            self._spawn("ticker", self._tick_on)

    def stop(self) -> bool:
        """End within about ten seconds: units finish their round and no new one begins. False: one did not finish."""
        self._ending.set()
        self._bell.set()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(self._pace.stop_s / 4)
        deadline = time.monotonic() + self._pace.stop_s
        while self.counts.running and time.monotonic() < deadline:
            time.sleep(0.02)
        finished = self.counts.running == 0
        DBOS.destroy(destroy_registry=True)
        try:
            self._presence.leave(finished=finished)
        except ConnectorError as fault:
            log.warning("runtime.left_without_goodbye", fault=str(fault))  # others find it silent
        return finished

    def ring(self, connection_ids: Collection[str] = ()) -> None:
        """Something arrived: look now. A hint that may be lost. Safe from any thread, and quick in an event loop."""
        with self._rung_lock:
            self._rung.update(connection_ids)
        if not self._bell.is_set():  # the ticker silences it before it takes what was rung
            self._bell.set()

    def _spawn(self, name: str, body: Callable[[], None]) -> None:
        thread = threading.Thread(target=body, name=f"runtime-{name}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _launch(self) -> None:
        quiet = logging.getLogger("dbos")
        if not quiet.handlers:
            quiet.addHandler(logging.NullHandler())  # else it writes past our log, and past its masking
        DBOS(config=self._config())
        # Registered here and not at import: a process may start, stop and start again, with other works.
        self._workflow = DBOS.workflow(name=UNIT, max_recovery_attempts=5)(self._body())
        DBOS.launch()
        self._register_queues()

    def _config(self) -> DBOSConfig:
        slots = sum(self._shares.values())
        url = self._url
        if self._presence.single:
            url = f"sqlite:///{engine_file(self._url)}"
            _write_ahead(url)
        return {
            "name": "ml-connector",
            "system_database_url": url,
            "dbos_system_schema": SCHEMA,
            "executor_id": self.works.holder,
            "application_version": self._version,
            "serializer": DBOSPortableJSONSerializer(),
            "log_level": "WARNING",
            "max_executor_threads": slots + 4,
            "sys_db_pool_size": slots + 10,
            "use_listen_notify": False,
            "enable_otlp": False,
        }

    def _register_queues(self) -> None:
        every_s = self._pace.idle_queue_s if self._presence.single else self._pace.queue_s
        for name, share in self._shares.items():
            DBOS.register_queue(
                name, worker_concurrency=share, partition_concurrency=1, polling_interval_sec=every_s,
                on_conflict="always_update",
            )  # fmt: skip

    # -------------------------------------------------------------------------------- units

    def _body(self) -> Callable[[str, str, str], dict[str, Any]]:
        def run_here(kind: str, subject: str, stream: str) -> dict[str, Any]:
            return self._run_one(Unit(kind, subject, stream))  # type: ignore[arg-type]  # our own names come back

        return run_here

    def _run_one(self, unit: Unit) -> dict[str, Any]:
        """The unit boundary: whatever a unit raises ends here, as a line in the log and a rest before it runs again."""
        worked, until_s = False, time.monotonic() + self._pace.turn_s
        while not self._ending.is_set():
            try:
                ran = self._run_counted(unit)
            except Exception as fault:
                log.exception("unit.failed", unit=unit.name, fault=type(fault).__name__)
                return {"worked": worked, "failed": True}
            worked = worked or ran.worked
            if ran.worked and self.leading:
                self._bell.set()  # what it did may have made other units due
            if not ran.more:
                return {"worked": worked, "failed": False, "error": ran.error}
            if not ran.worked or time.monotonic() >= until_s:
                if not self._presence.single:  # else the next look finds it due
                    self._enqueue(unit)  # before this one ends: the ticker sees one of the two, never queues a third
                break
        return {"worked": worked, "failed": False}

    def _run_counted(self, unit: Unit) -> Ran:
        began, how = time.monotonic(), "failed"
        self.counts.begin()
        try:
            ran = self._run(self.works, unit, stop=self._ending.is_set)
            how = "worked" if ran.worked else "idle"
            return ran
        finally:
            self.counts.end(unit.kind, how, time.monotonic() - began)

    def _begin(self, unit: Unit) -> str:
        """Run a unit that has a slot here, without the wait for a queue to be asked."""
        name = self._name(unit)
        with SetWorkflowID(name):
            DBOS.start_workflow(self._workflow, unit.kind, unit.subject, unit.stream)
        return name

    def _enqueue(self, unit: Unit) -> str:
        name = self._name(unit)
        options = SetEnqueueOptions(
            priority=priority(unit), queue_partition_key=unit.subject, app_version=self._version
        )
        with SetWorkflowID(name), options:
            DBOS.enqueue_workflow(QUEUES[unit.kind], self._workflow, unit.kind, unit.subject, unit.stream)
        return name

    def _name(self, unit: Unit) -> str:
        return f"{unit.name}/{self.works.ids.new()}"

    # -------------------------------------------------------------------------------- the ticker

    def _tick_on(self) -> None:
        while not self._ending.is_set():
            if self._bell.wait(self._pace.tick_s):
                self._ending.wait(self._pace.after_ring_s)
            self._bell.clear()
            try:
                self.leading = self._presence.lead()
                if self.leading:
                    self.tick()
                self._ticked_s = time.monotonic()
            except Exception as fault:  # noqa: BLE001  the ticker must outlive whatever the durable engine raises
                # The look is made again at the next tick; `stalled_s` of failures end this process.
                log.warning("ticker.failed", fault=f"{type(fault).__name__}: {fault}"[:500])
            self._ending.wait(self._pace.least_tick_s)

    def tick(self) -> list[Unit]:
        """One look: clear away what dead processes held, learn what finished, queue what is due."""
        now_s = time.monotonic()
        # First what is queued, then what is due: a unit that ends in between is queued once more at worst, not doubled.
        active = self._clear(DBOS.list_workflows(status=_ACTIVE, name=UNIT, load_input=False, load_output=False))
        self._learn(set(active), now_s)
        with self._rung_lock:
            rung, self._rung = self._rung, set()
        self._memory.wake(rung)
        due = [Unit("fetch", connection_id) for connection_id in rung] + self._look(now_s)
        slots = self._shares if self._presence.single else None
        chosen = self._memory.choose(due, active=list(active.values()), now_s=now_s, slots=slots)
        start = self._begin if self._presence.single else self._enqueue
        self._watched = set(active) | {start(unit) for unit in chosen}
        if now_s - self._swept_s > self._pace.sweep_s or not self._swept_s:
            self._sweep()
            self._swept_s = now_s
        return chosen

    def _look(self, now_s: float) -> list[Unit]:
        """What is due, by our rows; not before four times as long as the last look took, however often it is rung."""
        if now_s < self._next_look_s:
            return []
        due = self._due(self.works)
        took_s = time.monotonic() - now_s
        self._next_look_s = now_s + took_s + LOOK_SHARE * took_s
        return due

    def _clear(self, listed: list[WorkflowStatus]) -> dict[str, Unit]:
        """Units that are really queued or running. Those of dead processes and of unknown versions are cancelled."""
        alive = self._presence.alive()
        versions = set(alive.values())
        lost = [
            one.workflow_id
            for one in listed
            if (one.status == "PENDING" and one.executor_id not in alive) or one.app_version not in versions
        ]
        if lost:
            log.warning("runtime.taken_over", units=len(lost))
            DBOS.cancel_workflows(lost)
        gone = set(lost)
        return {one.workflow_id: _unit_of(one.workflow_id) for one in listed if one.workflow_id not in gone}

    def _learn(self, active: set[str], now_s: float) -> None:
        ended = sorted(self._watched - active)
        if not ended:
            return
        for one in DBOS.list_workflows(workflow_ids=ended, load_input=False, load_output=True):
            known = one.output if isinstance(one.output, Mapping) else None
            if one.status in ("ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"):
                known = {"worked": False, "failed": True}
            self._memory.learn(_unit_of(one.workflow_id), known, now_s=now_s)

    def _forget_all(self) -> None:
        """Another process leads now: what this one remembers is of another time."""
        self._memory, self._watched = Memory(), set()

    def _sweep(self) -> None:
        """Housekeeping; a failure of it must not keep units from being queued."""
        try:
            done = sweep.sweep(self.works)
            if done != sweep.Swept():
                log.info("sweep.done", **{name: getattr(done, name) for name in sweep.Swept.__slots__})
            self._register_queues()
            self._forget_finished()
            self._presence.forget_dead()
        except ConnectorError as fault:
            log.warning("sweep.failed", fault=str(fault))

    def _forget_finished(self) -> None:
        before = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - self._pace.retain_s))
        while not self._ending.is_set():
            old = DBOS.list_workflows(
                status=_FINISHED, completed_before=before, name=UNIT, limit=500, load_input=False, load_output=False
            )
            if not old:
                return
            DBOS.delete_workflows([one.workflow_id for one in old])

    # -------------------------------------------------------------------------------- signs of life

    def _beat_on(self) -> None:
        while not self._ending.wait(self._pace.beat_s):
            try:
                self._presence.beat()
            except Exception as fault:  # noqa: BLE001  a failed beat is counted by its absence
                log.warning("beat.failed", fault=f"{type(fault).__name__}: {fault}"[:500])
            self._watch()

    def _watch(self) -> None:
        now_s = time.monotonic()
        if now_s - self._presence.beaten_s > self._pace.give_up_s and not self._presence.single:
            # On SQLite nobody else could take over, and the door must go on saying 503 while the disk is full.
            self._fail(f"No sign of life could be written for {self._pace.give_up_s:.0f} s.")
        elif self._leads and now_s - self._ticked_s > self._pace.stalled_s:
            self._fail(f"What is due could not be looked at for {self._pace.stalled_s:.0f} s.")

    def _fail(self, reason: str) -> None:
        if self.failure is None:
            self.failure = reason
            log.error("runtime.must_end", reason=reason)
            if self._on_failure is not None:
                self._on_failure(reason)


def shares(slots: int) -> dict[str, int]:
    """Slots of each queue, so that posting never starves reading nor the other way round."""
    return {"post": max(1, slots // 2), "poll": max(1, slots // 4), "urgent": max(1, slots // 4), "maintenance": 1}


def engine_file(database_url: str) -> Path:
    """The durable engine's own file beside a SQLite database; it may be deleted whenever nothing runs."""
    main = Path(database_url.removeprefix("sqlite:///"))
    return main.with_name(f"{main.stem}-engine{main.suffix}")


def _write_ahead(url: str) -> None:
    """Write-ahead log on before the durable engine opens the file: it does not do so itself."""
    file = Database(url)
    with file.reading():
        pass
    file.close()


def _unit_of(workflow_id: str) -> Unit:
    kind, subject, *stream = workflow_id.rsplit("/", 1)[0].split(":", 2)
    return Unit(kind, subject, "".join(stream))  # type: ignore[arg-type]  # our own names come back
