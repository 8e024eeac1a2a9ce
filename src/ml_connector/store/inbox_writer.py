"""The inbox's one writer: what webhooks said is committed before anybody is told "received".

One thread drains a queue and commits up to 256 notices at once, because a commit costs the disk the same for one as for
many; only after the commit do their callers hear. Nothing is ever acknowledged from memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import Any, Literal, Protocol, TypeAlias

from sqlalchemy.exc import DataError, IntegrityError

from ml_connector.errors import ConnectorError, Rejected, StorageUnavailable, Transient
from ml_connector.store import inbox
from ml_connector.store.database import Database
from ml_connector.store.inbox import Notice

Outcome: TypeAlias = Literal["stored", "duplicate"]

BATCH = 256
QUEUE_LIMIT = 4_096  # about a second of work: who waits longer is better told to come again
STOP_TIMEOUT_S = 30


class InboxWriter:
    """The one writer of a process. `start` it, `submit` from any thread or event loop; `stop` writes what waits."""

    def __init__(self, database: Database, *, batch: int = BATCH, queue_limit: int = QUEUE_LIMIT) -> None:
        self._database = database
        self._batch = batch
        self._limit = queue_limit
        self._waiting: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._gate = threading.Lock()  # nobody slips in behind the mark that ends the queue
        self._open = False
        self._thread = threading.Thread(target=self._run, name="inbox-writer", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._open = True
        self._thread.start()

    def stop(self) -> None:
        """Take no more, write what waits, end the thread. Raises StorageUnavailable where that takes over 30 s."""
        with self._gate:
            was_open, self._open = self._open, False
        if was_open:
            self._waiting.put(None)
            self._thread.join(STOP_TIMEOUT_S)
            if self._thread.is_alive():
                raise StorageUnavailable("The inbox did not finish writing in time.")

    def submit(self, arrived: Notice) -> Future[Outcome]:
        """Ask for a notice to be stored; the future is done after the commit.

        Its exception is StorageUnavailable (locked, full, unreachable) or Rejected (no database keeps such text): in
        both cases nothing was stored. Raises Transient at once where too many wait or the writer has stopped.
        """
        future: Future[Outcome] = Future()
        self._enter(_Waiting(arrived, _ToThread(future)))
        return future

    def submit_from_loop(self, arrived: Notice) -> asyncio.Future[Outcome]:
        """As `submit`, to be awaited by the running event loop; one wake-up of the loop serves a whole batch."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Outcome] = loop.create_future()
        self._enter(_Waiting(arrived, _ToLoop(loop, future)))
        return future

    def waiting(self) -> int:
        """How many notices wait for the writer, for the metrics."""
        return self._waiting.qsize()

    def _enter(self, waiting: _Waiting) -> None:
        with self._gate:
            if not self._open:
                raise Transient("The inbox is closed.", record=waiting.notice.door_id)
            if self._waiting.qsize() >= self._limit:
                raise Transient("Too many notices wait to be stored.", record=waiting.notice.door_id)
            self._waiting.put(waiting)

    def _run(self) -> None:
        ending = False
        batch: list[_Waiting] = []
        try:
            while not ending:
                batch, ending = self._next_batch()
                if batch:
                    _tell(batch, self._stored(batch))
                batch = []
        finally:
            # Reached early only when the interpreter or a test kills this thread: nobody may wait for ever.
            self._close(batch)

    def _next_batch(self) -> tuple[list[_Waiting], bool]:
        first = self._waiting.get()
        if first is None:
            return [], True
        batch = [first]
        while len(batch) < self._batch:
            try:
                following = self._waiting.get_nowait()
            except queue.Empty:
                return batch, False
            if following is None:
                return batch, True
            batch.append(following)
        return batch, False

    def _stored(self, batch: Sequence[_Waiting]) -> list[Outcome | Exception]:
        try:
            return list(self._commit(batch))
        except ConnectorError as error:
            return [error] * len(batch)
        except Exception as error:  # noqa: BLE001  one notice the database cannot keep must not cost the others
            if len(batch) > 1:
                return [outcome for waiting in batch for outcome in self._stored([waiting])]
            return [_refusal(batch[0].notice, error)]

    def _commit(self, batch: Sequence[_Waiting]) -> list[Outcome]:
        rows = [_row(waiting.notice) for waiting in batch]
        with self._database.inbox_writing() as c:
            statement = _insert_new(c.dialect.paramstyle, len(rows))
            count = c.exec_driver_sql(statement, tuple(value for row in rows for value in row)).rowcount
            if count == len(rows):  # nearly always; asking each row for its id gave the interpreter away as often
                return ["stored"] * count
            stored = inbox.known_ids(c, [row[0] for row in rows])
        return ["stored" if row[0] in stored else "duplicate" for row in rows]

    def _close(self, batch: Sequence[_Waiting]) -> None:
        with self._gate:
            self._open = False
        left = list(batch)
        with contextlib.suppress(queue.Empty):
            while True:
                waiting = self._waiting.get_nowait()
                if waiting is not None:
                    left.append(waiting)
        _tell(left, [StorageUnavailable("The inbox writer has ended.")] * len(left))


class _Caller(Protocol):
    """Who waits for a notice: a thread, or an event loop."""

    def loop(self) -> asyncio.AbstractEventLoop | None: ...

    def hear(self, outcome: Outcome | Exception) -> None: ...


@dataclass(frozen=True, slots=True)
class _Waiting:
    notice: Notice
    caller: _Caller


@dataclass(frozen=True, slots=True)
class _ToThread:
    future: Future[Outcome]

    def loop(self) -> None:
        return None

    def hear(self, outcome: Outcome | Exception) -> None:
        if not self.future.set_running_or_notify_cancel():
            return
        if isinstance(outcome, Exception):
            self.future.set_exception(outcome)
        else:
            self.future.set_result(outcome)


@dataclass(frozen=True, slots=True)
class _ToLoop:
    its_loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Outcome]

    def loop(self) -> asyncio.AbstractEventLoop:
        return self.its_loop

    def hear(self, outcome: Outcome | Exception) -> None:
        if self.future.done():  # the sender hung up
            return
        if isinstance(outcome, Exception):
            self.future.set_exception(outcome)
        else:
            self.future.set_result(outcome)


def _tell(batch: Sequence[_Waiting], outcomes: Sequence[Outcome | Exception]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[_Caller, Outcome | Exception]]] = {}
    for waiting, outcome in zip(batch, outcomes, strict=True):
        loop = waiting.caller.loop()
        if loop is None:
            waiting.caller.hear(outcome)
        else:
            by_loop.setdefault(loop, []).append((waiting.caller, outcome))
    for loop, told in by_loop.items():
        with contextlib.suppress(RuntimeError):  # the loop has closed, and its callers with it
            loop.call_soon_threadsafe(_tell_in_loop, told)


def _tell_in_loop(told: Sequence[tuple[_Caller, Outcome | Exception]]) -> None:
    for caller, outcome in told:
        caller.hear(outcome)


_values = attrgetter(*Notice.__slots__)
_COLUMNS = (*Notice.__slots__, "state", "attempts", "due_at", "done_at")


@lru_cache(maxsize=512)
def _insert_new(paramstyle: str, size: int) -> str:
    """Insert what repeats no event; two notices of one event may be in one batch.

    Written out, since building and compiling the statement took longer than all else between body and commit.
    """
    mark = "?" if paramstyle == "qmark" else "%s"
    row = f"({', '.join([mark] * len(_COLUMNS))})"
    return (
        f"INSERT INTO notice ({', '.join(_COLUMNS)}) VALUES {', '.join([row] * size)} "  # noqa: S608  names and marks only
        "ON CONFLICT (door_id, event_id) DO NOTHING"
    )


def _row(arrived: Notice) -> tuple[Any, ...]:
    """The values of the columns above, the id first. What names nothing to read is kept and done with at once."""
    state, done_at = ("open", None) if arrived.kind else ("done", arrived.received_at)
    return (*_values(arrived), state, 0, arrived.received_at, done_at)


def _refusal(arrived: Notice, error: Exception) -> ConnectorError:
    if isinstance(error, (DataError, IntegrityError, ValueError)):
        refused = Rejected("The notice holds text that no database keeps, or repeats an id.", record=arrived.door_id)
        refused.__cause__ = error
        return refused
    unavailable = StorageUnavailable("The notice could not be stored.", record=arrived.door_id)
    unavailable.__cause__ = error
    return unavailable
