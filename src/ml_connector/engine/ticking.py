"""The leader's choice: which of the due units to queue now, and how long one that failed or found nothing rests.

Memory only: it may be lost at any moment. What is due stands in our rows; this keeps a unit that cannot work from being
queued several times a second.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ml_connector.engine.units import Unit

QueueName = Literal["poll", "post", "urgent", "maintenance"]

QUEUES: Mapping[str, QueueName] = {"poll": "poll", "drain": "post", "fetch": "urgent", "upkeep": "maintenance"}
LIVE, BACKFILL = 10, 50  # a smaller number goes first; 0 is what an enqueue without a priority would get
DEPTH = 200  # queued or running units per queue: more would only wait in another table, and be read at each tick

_IDLE_FIRST_S, _IDLE_MOST_S = 0.5, 10.0
_FAILED_FIRST_S, _FAILED_MOST_S = 5.0, 300.0
_FORGET_S = 900.0


@dataclass(slots=True)
class _Rest:
    until: float
    times: int
    failed: bool


@dataclass(slots=True)
class Memory:
    """What the leader remembers of units: when each was queued, and which ones rest. Times are of a monotonic clock."""

    queued_at: dict[Unit, float] = field(default_factory=dict)
    resting: dict[Unit, _Rest] = field(default_factory=dict)

    def learn(self, unit: Unit, outcome: Mapping[str, Any] | None, *, now_s: float) -> None:
        """What a finished unit said: {"worked", "failed"}; None when it was cancelled or nobody knows."""
        if outcome is None or (outcome.get("worked") and not outcome.get("failed")):
            self.resting.pop(unit, None)
            return
        failed = bool(outcome.get("failed"))
        before = self.resting.get(unit)
        times = before.times + 1 if before and before.failed == failed else 1
        first_s, most_s = (_FAILED_FIRST_S, _FAILED_MOST_S) if failed else (_IDLE_FIRST_S, _IDLE_MOST_S)
        self.resting[unit] = _Rest(now_s + min(most_s, first_s * 2.0 ** min(times - 1, 10)), times, failed)

    def wake(self, subjects: Collection[str]) -> None:
        """Something arrived for these connections: their units that found nothing before may find it now."""
        for unit in [unit for unit, rest in self.resting.items() if unit.subject in subjects and not rest.failed]:
            del self.resting[unit]

    def choose(
        self, due: Iterable[Unit], *, active: Collection[Unit], now_s: float, slots: Mapping[str, int] | None = None
    ) -> list[Unit]:
        """The units to queue now: none twice, none that rests, the longest unserved first, up to each queue's depth.

        With `slots` those to begin now: up to the slots of each queue, and of one subject one at a time.
        """
        room: dict[str, int] = dict.fromkeys(QUEUES.values(), DEPTH) if slots is None else dict(slots)
        busy = {(QUEUES[unit.kind], unit.subject) for unit in active} if slots is not None else set()
        for unit in active:
            room[QUEUES[unit.kind]] -= 1
        taken = set(active)
        chosen: list[Unit] = []
        for unit in sorted(set(due), key=lambda unit: (priority(unit), self.queued_at.get(unit, 0.0), unit)):
            rest = self.resting.get(unit)
            queue = QUEUES[unit.kind]
            if unit in taken or room[queue] <= 0 or (rest is not None and now_s < rest.until):
                continue
            if slots is not None:
                if (queue, unit.subject) in busy:
                    continue
                busy.add((queue, unit.subject))
            room[queue] -= 1
            chosen.append(unit)
            self.queued_at[unit] = now_s
        self._forget(now_s)
        return chosen

    def _forget(self, now_s: float) -> None:
        self.queued_at = {unit: at for unit, at in self.queued_at.items() if now_s - at < _FORGET_S}
        self.resting = {unit: rest for unit, rest in self.resting.items() if now_s - rest.until < _FORGET_S}


def priority(unit: Unit) -> int:
    """Reading the past waits for the present."""
    return BACKFILL if unit.kind == "poll" and "@" in unit.stream else LIVE
