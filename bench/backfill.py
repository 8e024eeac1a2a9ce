"""Whether reading a long past slows down on the way, or swells."""

from __future__ import annotations

import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench import install, machine, vendors
from bench.figures import Figure
from ml_connector.engine import backfills, draining, units
from ml_connector.engine.works import Works

TITLE = "Backfill: a past of sixty days, every stream read and every payment planned"
SIZE, QUICK = 200_000, 4_000
LONGEST_S = 420
DAYS = 60


def run(size: int = SIZE) -> list[Figure]:
    """Read and plan `size` past payments, and compare the speed of the last tenth with that of the first."""
    with vendors.running("visma", "square") as both, tempfile.TemporaryDirectory() as folder:
        end = datetime.now(UTC) - timedelta(minutes=5)
        start = end - timedelta(days=DAYS)
        with install.opened(install.settings_of(Path(folder), both)) as works:
            shop = install.add_shop(works, both, mode="batch", go_live=start.date(), posting="off")
            install.sell_many(both, shop, size, start=start, end=end)
            backfills.start(works, shop.square_id, since=start)
            marks = _planned_over_time(works)
            planned = install.states(works, shop).get("planned", 0)
    first, last = _rate(marks, 0.0, 0.1), _rate(marks, 0.9, 1.0)
    return [
        Figure("payments planned", planned, "", size),
        Figure("payments a second, over all", planned / marks[-1][1], "/s", 1_000),
        Figure("the first tenth", first, "/s"),
        Figure("the last tenth", last, "/s"),
        Figure("the last tenth against the first", last / first if first else 0.0, "x", 0.9),
        Figure("peak memory of the process", machine.peak_mb(), "MB", 250, "most"),
    ]


def _planned_over_time(works: Works) -> list[tuple[int, float]]:
    """(records planned so far, seconds since the start), after each drain, until nothing of the past is due."""
    began, planned = time.monotonic(), 0
    marks = [(0, 0.0)]
    while time.monotonic() - began < LONGEST_S:
        due = [one for one in units.due_units(works) if "@" in one.stream or one.kind == "drain"]
        worked = False
        for unit in due:
            if unit.kind == "drain":
                drained = draining.drain(works, unit.subject)
                planned, worked = planned + drained.planned, worked or drained.worked
                marks.append((planned, time.monotonic() - began))
            else:
                ran = units.run_unit(works, unit)
                worked = worked or ran.worked or ran.more
        if not worked:
            break
    return marks


def _rate(marks: list[tuple[int, float]], begin: float, end: float) -> float:
    """Records a second between two shares of the whole, at the marks nearest to them."""
    whole = marks[-1][0]
    first = min(marks, key=lambda mark: abs(mark[0] - begin * whole))
    last = min(marks, key=lambda mark: abs(mark[0] - end * whole))
    return (last[0] - first[0]) / (last[1] - first[1]) if last[1] > first[1] else 0.0
