"""Units found, begun and run, in one process or many: when and where, never whether.

Rows are the truth and units are disposable, so nothing here is precious: a unit whose process died is cancelled and
derived again from the rows, and losing every table of the durable engine costs a restart. The queue is kept short
(`ticking.DEPTH` a kind) for the same reason. One process leads: it asks the rows what is due a few times a second.
Where it is alone it begins as many as it has slots for, at once, and queues nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, Protocol

import structlog

from ml_connector.engine import sweep, units
from ml_connector.engine.durable import Durable
from ml_connector.engine.pace import Pace
from ml_connector.engine.presence import Presence
from ml_connector.engine.ticking import Memory
from ml_connector.engine.units import Ran, Unit
from ml_connector.engine.works import Works
from ml_connector.errors import ConnectorError

LOOK_SHARE = 4  # a look at the rows of a thousand companies must not take a core for itself

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
        self._shares = shares(slots)
        self._pace = pace or Pace()
        self._leads = leads
        self._on_failure = on_failure
        self._run = run
        self._due = due
        release = version("ml-connector")
        self._presence = Presence(works, pace=self._pace, version=release, on_lost=self._forget_all)
        self._durable = Durable(
            works, database_url, shares=self._shares, pace=self._pace, version=release, single=self._presence.single
        )
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
        self._durable.launch(self._run_one)
        self._ticked_s = time.monotonic()
        log.info("runtime.started", process=self.works.holder, database=self.works.database.dialect)
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
        self._durable.end()
        try:
            self._presence.leave(finished=finished)
        except ConnectorError as fault:
            log.warning("runtime.left_without_goodbye", fault=str(fault))  # others find it silent
        log.info("runtime.ended", process=self.works.holder, finished=finished)
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

    # -------------------------------------------------------------------------------- units

    def _run_one(self, unit: Unit) -> dict[str, Any]:
        """The unit boundary: whatever a unit raises ends here, as a line in the log and a rest before it runs again."""
        worked, until_s = False, time.monotonic() + self._pace.turn_s
        while not self._ending.is_set():
            try:
                ran = self._run_counted(unit)
            except Exception as fault:
                log.exception("unit.failed", unit=unit.name, fault=type(fault).__name__)
                return {"worked": worked, "failed": True}
            if ran.error:
                log.warning("unit.put_off", unit=unit.name, fault=ran.error[:500])
            worked = worked or ran.worked
            if ran.worked and self.leading:
                self._bell.set()  # what it did may have made other units due
            if not ran.more:
                return {"worked": worked, "failed": False, "error": ran.error}
            if not ran.worked or time.monotonic() >= until_s:
                if not self._presence.single:  # else the next look finds it due
                    self._durable.enqueue(
                        unit
                    )  # before this one ends: the ticker sees one of the two, never queues a third
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

    # -------------------------------------------------------------------------------- the ticker

    def _tick_on(self) -> None:
        while not self._ending.is_set():
            if self._bell.wait(self._pace.tick_s):
                self._ending.wait(self._pace.after_ring_s)
            self._bell.clear()
            try:
                led, self.leading = self.leading, self._presence.lead()
                if self.leading and not led:
                    log.info("runtime.leads", process=self.works.holder)
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
        active = self._durable.active(self._presence.alive())
        for unit, outcome in self._durable.outcomes(self._watched - active.keys()):
            self._memory.learn(unit, outcome, now_s=now_s)
        with self._rung_lock:
            rung, self._rung = self._rung, set()
        self._memory.wake(rung)
        due = [Unit("fetch", connection_id) for connection_id in rung] + self._look(now_s)
        slots = self._shares if self._presence.single else None
        chosen = self._memory.choose(due, active=list(active.values()), now_s=now_s, slots=slots)
        start = self._durable.begin if self._presence.single else self._durable.enqueue
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

    def _forget_all(self) -> None:
        """Another process leads now: what this one remembers is of another time."""
        self._memory, self._watched = Memory(), set()

    def _sweep(self) -> None:
        """Housekeeping; a failure of it must not keep units from being queued."""
        try:
            done = sweep.sweep(self.works)
            if done != sweep.Swept():
                log.info("sweep.done", **{name: getattr(done, name) for name in sweep.Swept.__slots__})
            self._durable.register_queues()
            self._durable.forget_finished(stop=self._ending.is_set)
            self._presence.forget_dead()
        except ConnectorError as fault:
            log.warning("sweep.failed", fault=str(fault))

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
