"""An end to waiting: what takes too long is cancelled. Those of one second share a timer.

A time-out of its own for each webhook (`asyncio.timeout`) cost 15 µs, a seventh of all that accepting one takes.
"""

from __future__ import annotations

import asyncio

STEP_S = 1.0


class Patience:
    """Cancels tasks after `seconds`, up to a step later."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._loop: asyncio.AbstractEventLoop | None = None
        self._group: set[asyncio.Task[object]] = set()
        self._until_s = 0.0

    def begin(self) -> tuple[asyncio.Task[object], set[asyncio.Task[object]]]:
        """Count the running task in: itself, and the group to discard it from when it is done.

        A task cancelled for its slowness is no longer in its group.
        """
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("Only a task of an event loop can be cancelled.")
        loop = task.get_loop()
        now_s = loop.time()
        if now_s >= self._until_s or loop is not self._loop:
            self._loop, self._group, self._until_s = loop, set(), now_s + STEP_S
            loop.call_later(self._seconds + STEP_S, _cancel_all, self._group)
        self._group.add(task)
        return task, self._group


def _cancel_all(group: set[asyncio.Task[object]]) -> None:
    while group:
        group.pop().cancel()
