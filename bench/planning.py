"""How many payments a second are read, planned and validated."""

from __future__ import annotations

import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench import install, machine, vendors
from bench.figures import Figure

TITLE = "Planning: payments with their orders read over HTTP, translated, planned, validated against the chart, stored"
SIZE, QUICK = 20_000, 1_000
LONGEST_S = 120


def run(size: int = SIZE) -> list[Figure]:
    """Read `size` payments by poll and plan them all; posting is off, so that nothing else is measured."""
    with vendors.running("visma", "square") as both, tempfile.TemporaryDirectory() as folder:
        end = datetime.now(UTC) - timedelta(minutes=5)
        start = end - timedelta(days=2)
        with install.opened(install.settings_of(Path(folder), both)) as works:
            shop = install.add_shop(works, both, mode="batch", go_live=start.date(), posting="off")
            install.sell_many(both, shop, size, start=start, end=end)
            began, used_s = time.monotonic(), time.process_time()
            install.run_until_idle(works)
            seconds, used_s = time.monotonic() - began, time.process_time() - used_s
            planned = install.states(works, shop).get("planned", 0)
    return [
        Figure("payments planned", planned, "", size),
        Figure("payments a second, one worker process", planned / seconds, "/s", 1_000),
        Figure("processor time a payment", 1000 * used_s / max(1, planned), "ms"),
        Figure("peak memory of the process", machine.peak_mb(), "MB", 250, "most"),
    ]
