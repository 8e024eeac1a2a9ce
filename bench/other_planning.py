"""How many orders of a web shop, and how many payments through a wallet, are read, planned and validated a second.

The pace at which we call is set out of the way (`stores.QUICK`): what is measured is the machine, not the patience of
vendors. In earnest a shop is asked by pages of 100 orders, PayPal for 500 payments a call and for five calls a second.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench import install, stores, vendors
from bench.figures import Figure
from bench.stores import Road
from bench.vendors import Vendors
from ml_connector.engine.works import Works

TITLE = "Planning: orders of a web shop (invoice and payment each), and a wallet's payments, without the vendors' pace"
SIZE, QUICK = 20_000, 200
LONGEST_S = 300
TARGET = 1_000


def run(size: int = SIZE) -> list[Figure]:
    """Read `size` records of each source by poll and plan them all; posting is off."""
    return [
        *_planned("WooCommerce", "order", _store, size),
        *_planned("PayPal", "transaction", _wallet, size),
    ]


def _store(works: Works, both: Vendors, n: int, start: datetime, end: datetime) -> Road:
    road = stores.add_store(works, both, go_live=start.date(), posting="off")
    stores.sell_in_store(both, road, n, start=start, end=end, known=False)
    return road


def _wallet(works: Works, both: Vendors, n: int, start: datetime, end: datetime) -> Road:
    road = stores.add_wallet(works, both, go_live=start.date(), posting="off")
    stores.pay_by_wallet(both, n, start=start, end=end)
    return road


def _planned(
    name: str, kind: str, begin: Callable[[Works, Vendors, int, datetime, datetime], Road], size: int
) -> list[Figure]:
    with vendors.running("visma", name.lower()) as both, tempfile.TemporaryDirectory() as folder:
        end = datetime.now(UTC) - timedelta(minutes=20)
        with install.opened(install.settings_of(Path(folder), both)) as works:
            road = begin(works, both, size, end - timedelta(days=2), end)
            began, used_s = time.monotonic(), time.process_time()
            install.run_until_idle(works)
            seconds, used_s = time.monotonic() - began, time.process_time() - used_s
            planned = install.states(works, road, kind).get("planned", 0)
    return [
        Figure(f"{name}: {kind}s planned", planned, "", size),
        Figure(f"{name}: {kind}s a second, one worker process", planned / seconds, "/s", TARGET),
        Figure(f"{name}: processor time of each", 1000 * used_s / max(1, planned), "ms", 1_000 / TARGET, "most"),
    ]
