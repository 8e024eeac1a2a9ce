"""Times of the runtime."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """In seconds; each has its reason in docs/limits.md."""

    tick_s: float = 0.4  # longest wait between two looks at what is due
    least_tick_s: float = 0.05  # rings come by the hundred; one look answers them all
    after_ring_s: float = 0.01  # a unit that rings because it has worked is noted as ended a moment later
    queue_s: float = 0.25  # how often a worker asks each queue, where units wait in queues
    idle_queue_s: float = 5.0  # how often a process that is alone does, which queues nothing
    turn_s: float = 5.0  # so long a unit that has more to do keeps its slot; then it queues up behind the others
    beat_s: float = 5.0
    silent_s: float = 60.0  # a process that says nothing for so long is dead
    give_up_s: float = 30.0  # a process that cannot say it lives ends itself, well before it is thought dead
    stalled_s: float = 90.0  # no look at what is due for so long: the durable engine is broken, start anew
    lead_s: float = 10.0
    sweep_s: float = 180.0
    retain_s: float = 86_400.0  # finished units are kept a day, for people who look into them
    stop_s: float = 8.0
