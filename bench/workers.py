"""Whether a second worker process takes half of the work, where waiting for the ledger is most of it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench import install, vendors
from bench.figures import Figure
from bench.install import Shop
from bench.vendors import Vendors
from ml_connector.engine import setup
from ml_connector.engine.works import Works
from ml_connector.settings import Settings
from ml_connector.store import leases
from tests import postgres

TITLE = "Workers: two companies on PostgreSQL, every answer of the ledger 20 ms late, one unit at a time in each worker"
SIZE, QUICK = 400, 20
LONGEST_S = 180
DELAY_S = 0.02
_ROUND_S = 60
_READY_S = 40
_LOOK_S = 0.1


def run(size: int = SIZE) -> list[Figure]:
    """Two companies with `size` planned payments each, sent by one worker process and by two."""
    rates = {}
    with postgres.running(durable=True) as server:
        for workers in (1, 2):
            server.create(f"bench_{workers}")
            rates[workers] = _rate(server.url(f"bench_{workers}"), size, workers=workers)
    return [
        Figure("one worker", rates[1], "/s"),
        Figure("two workers", rates[2], "/s"),
        Figure("two against one", rates[2] / rates[1] if rates[1] else 0.0, "x", 1.6),
    ]


def _rate(database_url: str, n: int, *, workers: int) -> float:
    """Payments a second from the moment that posting is switched on; 0 when not all were posted."""
    with vendors.running("visma", "square") as both, tempfile.TemporaryDirectory() as folder:
        settings = install.settings_of(Path(folder), both, database_url=database_url, worker_slots=1)
        with install.opened(settings) as works:
            shops = [_planned(works, both, n, number=number) for number in (1, 2)]
            both.visma.slow_down(DELAY_S)
            with _working(settings, both, works, workers=workers):
                return _switched_on(works, shops, n)


def _planned(works: Works, both: Vendors, n: int, *, number: int) -> Shop:
    end = datetime.now(UTC) - timedelta(minutes=10)
    start = end - timedelta(hours=1)
    go_live = start.date() - timedelta(days=1)
    shop = install.add_shop(works, both, mode="per_record", go_live=go_live, posting="off", number=number)
    install.sell_many(both, shop, n, start=start, end=end)
    install.run_until_idle(works)
    return shop


def _switched_on(works: Works, shops: list[Shop], n: int) -> float:
    began = time.monotonic()
    for shop in shops:
        setup.switch_posting(works, shop.route_id, "on", by="bench")
    while time.monotonic() - began < _ROUND_S:
        if all(install.states(works, shop).get("posted", 0) == n for shop in shops):
            return n * len(shops) / (time.monotonic() - began)
        time.sleep(_LOOK_S)
    return 0.0


@contextlib.contextmanager
def _working(settings: Settings, both: Vendors, works: Works, *, workers: int) -> Iterator[None]:
    """Real `worker` processes over this database; the block begins when each has shown that it lives."""
    environment = {
        **os.environ,
        "MLC_DATA_DIR": str(settings.data_dir),
        "MLC_DATABASE_URL": settings.database_url,
        "MLC_WORKER_SLOTS": "1",
        "MLC_ALLOW_INSECURE_HOSTS": f"{both.visma.url},{both.square.url}",
        "MLC_LOG_LEVEL": "ERROR",
    }
    command = [sys.executable, "-c", "from ml_connector.cli import main; main()", "worker"]
    children = [subprocess.Popen(command, env=environment, cwd=settings.data_dir) for _ in range(workers)]
    try:
        until = time.monotonic() + _READY_S
        while _alive(works) < workers:
            if time.monotonic() > until:
                raise RuntimeError("The workers did not start; their complaint stands above.")
            time.sleep(_LOOK_S)
        time.sleep(2)  # from the first sign of life to the first look at a queue
        yield
    finally:
        for child in children:
            child.send_signal(signal.SIGTERM)
        for child in children:
            try:
                child.wait(15)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def _alive(works: Works) -> int:
    with works.database.reading() as c:
        return len(leases.executors(c))
