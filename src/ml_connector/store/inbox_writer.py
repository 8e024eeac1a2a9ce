"""The inbox's one writer: what webhooks said is committed before anybody is told "received".

One thread takes what waits and commits up to 256 notices at once, because a commit costs the disk the same for one as
for many; only after the commit do their callers hear. Nothing is ever acknowledged from memory. What an event loop
brings in one of its turns comes as one batch.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from functools import lru_cache
from typing import Any, Literal, Protocol, TypeAlias

from ml_connector.errors import ConnectorError, Rejected, StorageUnavailable, Transient
from ml_connector.store.notices import Notice

Outcome: TypeAlias = Literal["stored", "duplicate"]

BATCH = 256
QUEUE_LIMIT = 4_096  # about a second of work: who waits longer is better told to come again
STOP_TIMEOUT_S = 30
# Notices lie scattered in the index of their events: pages copied back four times as rarely are written half as often.
CHECKPOINT_PAGES = 4_000
UNKEPT = "The notice holds text that no database keeps, or repeats an id."

_InLoop: TypeAlias = "asyncio.Future[Outcome]"
_Waiting: TypeAlias = "tuple[Notice, _InLoop | Future[Outcome]]"


class Line(Protocol):
    """A connection on which every statement is a transaction, for one thread."""

    placeholder: str

    def run(self, statement: str, values: Sequence[Any]) -> tuple[int, list[Any]]:
        """Rows changed, durably, and rows found. Raises our errors: Rejected for what no database keeps."""
        ...

    def close(self) -> None: ...


class Inbox(Protocol):
    """Whatever opens such a connection: the whole `Database`, or an `InboxFile`."""

    def inbox_repeater(self) -> Line: ...


class InboxWriter:
    """The one writer of a process. `start` it, `submit` from any thread or event loop; `stop` writes what waits."""

    def __init__(self, database: Inbox, *, batch: int = BATCH, queue_limit: int = QUEUE_LIMIT) -> None:
        self._database = database
        self._batch = batch
        self._limit = queue_limit
        self._parcels: queue.SimpleQueue[list[_Waiting] | None] = queue.SimpleQueue()
        self._brought: dict[asyncio.AbstractEventLoop, list[_Waiting]] = {}  # in the present turn of a loop
        self._count = 0  # notices in the queue
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
            self._parcels.put(None)
            self._thread.join(STOP_TIMEOUT_S)
            if self._thread.is_alive():
                raise StorageUnavailable("The inbox did not finish writing in time.")

    def submit(self, arrived: Notice) -> Future[Outcome]:
        """Ask for a notice to be stored; the future is done after the commit.

        Its exception is StorageUnavailable (locked, full, unreachable) or Rejected (no database keeps such text): in
        both cases nothing was stored. Raises Transient at once where too many wait or the writer has stopped.
        """
        future: Future[Outcome] = Future()
        with self._gate:
            self._refuse_where_full(arrived, 0)
            self._count += 1
            self._parcels.put([(arrived, future)])
        return future

    def submit_from_loop(self, arrived: Notice) -> _InLoop:
        """As `submit`, to be awaited by the running event loop."""
        loop = asyncio.get_running_loop()
        brought = self._brought.get(loop)
        self._refuse_where_full(arrived, len(brought or ()))
        future: _InLoop = loop.create_future()
        if brought is None:
            self._brought[loop] = [(arrived, future)]
            loop.call_soon(self._take_over, loop)  # runs when this turn's other tasks have brought theirs
        else:
            brought.append((arrived, future))
        return future

    def waiting(self) -> int:
        """How many notices wait for the writer, for the metrics."""
        return self._count

    def _refuse_where_full(self, arrived: Notice, more: int) -> None:
        if not self._open:
            raise Transient("The inbox is closed.", record=arrived.door_id)
        if self._count + more >= self._limit:
            raise Transient("Too many notices wait to be stored.", record=arrived.door_id)

    def _take_over(self, loop: asyncio.AbstractEventLoop) -> None:
        brought = self._brought.pop(loop)
        with self._gate:
            if self._open:
                self._count += len(brought)
                for start in range(0, len(brought), self._batch):
                    self._parcels.put(brought[start : start + self._batch])
                return
        closed = Transient("The inbox is closed.", record=brought[0][0].door_id)
        _tell_in_loop([(future, closed) for _, future in brought if isinstance(future, asyncio.Future)])

    def _run(self) -> None:
        ending = False
        batch: list[_Waiting] = []
        try:
            with contextlib.closing(self._database.inbox_repeater()) as line:
                while not ending:
                    batch, ending = self._next_batch()
                    if batch:
                        outcomes = self._stored(line, batch)
                        with self._gate:
                            self._count -= len(batch)
                        _tell(batch, outcomes)
                    batch = []
        finally:
            # Reached early only when the interpreter or a test kills this thread: nobody may wait for ever.
            self._close(batch)

    def _next_batch(self) -> tuple[list[_Waiting], bool]:
        """What waits, a little over a batch at most, and whether it was the last."""
        batch = self._parcels.get()
        if batch is None:
            return [], True
        while len(batch) < self._batch:
            try:
                following = self._parcels.get_nowait()
            except queue.Empty:
                return batch, False
            if following is None:
                return batch, True
            batch += following
        return batch, False

    def _stored(self, line: Line, batch: Sequence[_Waiting]) -> list[Outcome | Exception]:
        try:
            return list(_commit(line, [arrived for arrived, _ in batch]))
        except Exception as error:  # noqa: BLE001  one notice the database cannot keep must not cost the others
            refusal = _refusal(batch[0][0], error)
            if len(batch) > 1 and (isinstance(refusal, Rejected) or refusal is not error):
                return [outcome for waiting in batch for outcome in self._stored(line, [waiting])]
            return [refusal] * len(batch)

    def _close(self, batch: Sequence[_Waiting]) -> None:
        with self._gate:
            self._open = False
        left = list(batch)
        with contextlib.suppress(queue.Empty):
            while True:
                left += self._parcels.get_nowait() or []
        self._count = 0
        _tell(left, [StorageUnavailable("The inbox writer has ended.")] * len(left))


def _commit(line: Line, notices: Sequence[Notice]) -> list[Outcome]:
    values = [value for arrived in notices for value in _row(arrived)]
    count, _ = line.run(_insert_new(line.placeholder, len(notices)), values)
    if count == len(notices):  # nearly always; asking each row for its id gave the interpreter away as often
        return ["stored"] * count
    asked = [arrived.id for arrived in notices]
    marks = ", ".join([line.placeholder] * len(asked))
    _, rows = line.run(f"SELECT id FROM notice WHERE id IN ({marks})", asked)  # noqa: S608  marks only
    stored = {row[0] for row in rows}
    return ["stored" if name in stored else "duplicate" for name in asked]


def _tell(batch: Sequence[_Waiting], outcomes: Sequence[Outcome | Exception]) -> None:
    """Answer every caller, a loop by one call."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[_InLoop, Outcome | Exception]]] = {}
    for (_, future), outcome in zip(batch, outcomes, strict=True):
        if isinstance(future, Future):
            _tell_thread(future, outcome)
        else:
            by_loop.setdefault(future.get_loop(), []).append((future, outcome))
    for loop, told in by_loop.items():
        with contextlib.suppress(RuntimeError):  # the loop has closed, and its callers with it
            loop.call_soon_threadsafe(_tell_in_loop, told)


def _tell_thread(future: Future[Outcome], outcome: Outcome | Exception) -> None:
    if not future.set_running_or_notify_cancel():
        return
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)


def _tell_in_loop(told: Sequence[tuple[_InLoop, Outcome | Exception]]) -> None:
    for future, outcome in told:
        if future.done():  # the sender hung up
            continue
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)


_COLUMNS = (*Notice._fields, "state", "attempts", "due_at", "done_at")


@lru_cache(maxsize=512)
def _insert_new(placeholder: str, size: int) -> str:
    """Insert what repeats no event; two notices of one event may be in one batch."""
    row = f"({', '.join([placeholder] * len(_COLUMNS))})"
    return (
        f"INSERT INTO notice ({', '.join(_COLUMNS)}) VALUES {', '.join([row] * size)} "  # noqa: S608  names and marks only
        "ON CONFLICT (event_id, door_id) DO NOTHING"
    )


def _row(arrived: Notice) -> tuple[Any, ...]:
    """The values of the columns above. What names nothing to read is kept and done with at once."""
    if arrived.kind:
        return (*arrived, "open", 0, arrived.received_at, None)
    return (*arrived, "done", 0, arrived.received_at, arrived.received_at)


def _refusal(arrived: Notice, error: Exception) -> ConnectorError:
    """Our error for whatever storing raised."""
    if isinstance(error, ConnectorError):
        return error
    if isinstance(error, ValueError):  # text that the driver itself does not send
        refused = Rejected(UNKEPT, record=arrived.door_id)
        refused.__cause__ = error
        return refused
    unavailable = StorageUnavailable("The notice could not be stored.", record=arrived.door_id)
    unavailable.__cause__ = error
    return unavailable
