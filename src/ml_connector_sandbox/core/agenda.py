"""What is to happen later in a pretend vendor: in order of time, and of one time in the order it was planned."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator

Act = Callable[[int], None]
"""What happens, told its own instant in microseconds."""


class Agenda:
    """Acts that wait for their instant. The past is made up for when time next passes."""

    def __init__(self) -> None:
        self._due: list[tuple[int, int, Act]] = []
        self._n = 0

    def add(self, due: int, act: Act) -> None:
        """Have something happen at an instant."""
        self._n += 1
        heapq.heappush(self._due, (due, self._n, act))

    def until(self, now: int) -> Iterator[tuple[int, Act]]:
        """(instant, act) of all that is due by then, also of what these acts add while they happen."""
        while self._due and self._due[0][0] <= now:
            due, _, act = heapq.heappop(self._due)
            yield due, act
