"""Killed before or after any call or commit and started again: a life from each chosen moment of a play.

The play itself runs once and never dies. At a chosen moment all that would outlive the process is copied (the database
as the last commit left it, the vendors, the clock), and on the copies another process starts and plays to the end. So a
moment costs what comes after it, and no `finally` of the one who died has run.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

from tests.databases import Databases
from tests.engine.world import World

W = TypeVar("W", bound=World)
Act = Callable[[W], object]


def step(usual: int) -> int:
    """Each how many-th moment is tried: `usual`, a prime so that they spread over all kinds, or CRASH_STEP (1: all)."""
    return int(os.environ.get("CRASH_STEP", usual))


def killed_everywhere(
    world: W, databases: Databases, *, play: Callable[[W], object], again: Callable[[W], object],
    came_to: Callable[[W, str], Any], each: int,
) -> tuple[Any, int]:  # fmt: skip
    """What the play came to, and from how many moments another process brought it to the same.

    `again`: what is done after a death, and after the whole play too. `came_to`: proves a world at rest (it is given a
    word for its message) and gives what must be alike in every life. `each`: how many-th moment is tried.
    """
    lives: list[tuple[str, Any]] = []
    faults: list[Exception] = []
    url = world.database_url
    seen = 0

    def reached(moment: str, what: str) -> bool:
        nonlocal seen
        seen += 1
        if (seen - each // 2 - 1) % each == 0:
            said = f"killed at point {seen}, {moment} {what}"
            try:
                lives.append((said, _life(world, databases, url, said, again, came_to)))
            except Exception as fault:  # noqa: BLE001  the product in whose midst we stand would take it for its own
                fault.add_note(said)
                faults.append(fault)
        return False

    world.kill_when = reached
    play(world)
    world.kill_when = None
    again(world)
    expected = came_to(world, "never killed")
    if faults:
        raise ExceptionGroup(f"{len(faults)} of {len(faults) + len(lives)} lives did not come to rest", faults)
    for said, found in lives:
        assert found == expected, said
    return expected, len(lives)


def _life(
    world: W, databases: Databases, url: str, said: str, again: Callable[[W], object], came_to: Callable[[W, str], Any]
) -> Any:
    copied = databases.copy(url)
    other = world.survived(copied)
    try:
        again(other)
        return came_to(other, said)
    finally:
        other.close()
        databases.remove(copied)
