"""What a payment costs in calls to Visma, whose hourly limit is what an install has to live with."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, sleep

from bench import install, vendors
from bench.figures import Figure
from bench.vendors import Vendors
from ml_connector.finance.rulebook import Mode

TITLE = "Visma calls: requests that the pretend ledger counted, for each payment that stands in it"
SIZE, QUICK = 1_000, 200
LONGEST_S = 240
TARGETS: Mapping[Mode, float] = {"per_record": 2.2, "batch": 0.05, "daily": 0.01}
_OURS = ("journaltransaction", "attachment", "/action/")  # all other reads are of the chart and the token


def run(size: int = SIZE) -> list[Figure]:
    """Post `size` payments in each mode; `daily` gets ten times as many, as it is meant for busy shops."""
    figures: list[Figure] = []
    for mode, target in TARGETS.items():
        n = size * 10 if mode == "daily" else size
        posted, posting, chart = _posted_in(mode, n)
        figures += [
            Figure(f"{mode}: payments posted", posted, "", n),
            Figure(f"{mode}: calls a payment", posting / max(1, posted), "", target, "most"),
            Figure(f"{mode}: the same with set-up and chart reads", (posting + chart) / max(1, posted)),
        ]
    return figures


def _posted_in(mode: Mode, n: int) -> tuple[int, int, int]:
    """(payments posted, calls that posting took, calls that reading the chart took)."""
    with vendors.running() as both, tempfile.TemporaryDirectory() as folder:
        end = (datetime.now(UTC) - timedelta(days=2)).replace(hour=20, minute=0, second=0, microsecond=0)
        start = end - timedelta(hours=12)
        with install.opened(install.settings_of(Path(folder), both)) as works:
            shop = install.add_shop(works, both, mode=mode, go_live=start.date(), batch_age_s=1)
            install.sell_many(both, shop, n, start=start, end=end)
            until = monotonic() + LONGEST_S / 4
            while install.states(works, shop).get("posted", 0) < n and monotonic() < until:
                install.run_until_idle(works)
                sleep(0.2)  # a pool closes by its age
            return install.states(works, shop).get("posted", 0), *_counted(both)


def _counted(both: Vendors) -> tuple[int, int]:
    calls = both.visma.calls()
    posting = sum(count for name, count in calls.items() if any(part in name for part in _OURS))
    return posting, sum(calls.values()) - posting
