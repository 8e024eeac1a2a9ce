"""When to try again, when to look for our own mark, and when to stop and ask a person.

Pure: time and chance come in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

PROBES = (timedelta(seconds=30), timedelta(seconds=300))
"""After the call began: at 30 s most slow calls show, at 300 s the slowest commit (4 minutes) must."""

MOST_ATTEMPTS = 12  # of one call that was surely not done: about a day with the waits below
MOST_CREATES = 2  # of one submission after an unknown outcome: the first, and one more once it is surely absent
_FIRST_WAIT_S = 2.0
_LONGEST_WAIT_S = 3600.0

Found = Literal["one", "none", "several", "cannot_tell"]


@dataclass(frozen=True, slots=True)
class Next:
    """What follows: `probe` or `again` at a moment, `adopt` what was found, or `review` by a person."""

    step: Literal["probe", "again", "adopt", "review"]
    at: datetime | None = None
    because: str = ""


def backoff_s(attempt: int, *, chance: float, asked_s: float | None = None) -> float:
    """Seconds to wait before the next try after `attempt` tries (from 1). `chance` in [0, 1) spreads the crowd.

    What the other side asked for is the least we wait.
    """
    exponential = min(_FIRST_WAIT_S * 2.0 ** (max(attempt, 1) - 1), _LONGEST_WAIT_S)
    wait = exponential * (0.5 + 0.5 * chance)
    return max(wait, (asked_s or 0.0) * (1.0 + 0.1 * chance))


def after_not_done(attempt: int, *, at: datetime, chance: float, asked_s: float | None = None) -> Next:
    """The call was surely not carried out: again later, until it was tried often enough."""
    if attempt >= MOST_ATTEMPTS:
        return Next("review", because=f"it was tried {attempt} times and never got through")
    wait = backoff_s(attempt, chance=chance, asked_s=asked_s)
    return Next("again", at + timedelta(seconds=wait), f"try {attempt + 1} of {MOST_ATTEMPTS}")


def next_probe(began_at: datetime, probes_done: int) -> datetime | None:
    """When to look for our mark next; None when both looks are done."""
    return began_at + PROBES[probes_done] if probes_done < len(PROBES) else None


def after_probe(answers: Sequence[Found], *, began_at: datetime, creates: int) -> Next:
    """What follows from the looks so far (oldest first) after an unknown outcome of create number `creates`."""
    last = answers[-1] if answers else "none"
    if last == "one":
        return Next("adopt", because="our mark was found once")
    if last == "several":
        return Next("review", because="our mark was found more than once")
    due = next_probe(began_at, len(answers))
    if due is not None:
        return Next("probe", due, f"look {len(answers) + 1} of {len(PROBES)}")
    if any(answer == "cannot_tell" for answer in answers[-len(PROBES) :]):
        return Next("review", because="the ledger could not be searched for our mark")
    if creates >= MOST_CREATES:
        return Next("review", because="the outcome was unknown twice")
    return Next("again", began_at + PROBES[-1], "our mark was not there at either look: surely absent")
