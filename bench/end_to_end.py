"""From a webhook to a released voucher: real HTTP, the real `serve` process with its durable engine, nothing lost."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from bench import install, machine, vendors
from bench.figures import Figure
from bench.install import Shop
from bench.vendors import Vendors
from ml_connector.engine import doorkeeping
from ml_connector.engine.works import Works
from ml_connector.finance.rulebook import Mode
from ml_connector.settings import Settings

TITLE = "End to end: each payment rings a webhook of `serve`, is fetched, planned, sent, read back and released"
SIZE, QUICK = 2_000, 200
LONGEST_S = 240
TARGETS: Mapping[Mode, float] = {"batch": 800, "per_record": 300}
MOST_MB = 270
_ROUND_S = 90
_READY_S = 30
_LOOK_S = 0.04  # how finely the end is seen
_EVENTS = ["payment.created", "payment.updated"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one round came to. `in_ledger` and `sold` are minor units on the sales and VAT accounts, and at the till."""

    posted: int
    seconds: float
    processor_s: float
    peak_mb: float
    in_ledger: int
    sold: int


def run(size: int = SIZE) -> list[Figure]:
    """`size` payments in each mode. The clock starts when they are sold and stops when the last is posted."""
    figures: list[Figure] = []
    for mode, target in TARGETS.items():
        came = _round(mode, size)
        figures += [
            Figure(f"{mode}: payments posted", came.posted, "", size),
            Figure(f"{mode}: payments a second", came.posted / came.seconds, "/s", target),
            Figure(f"{mode}: processor time a payment", 1000 * came.processor_s / max(1, came.posted), "ms"),
            Figure(f"{mode}: ledger less till, minor units", came.in_ledger - came.sold, "", 0, "most"),
            Figure(f"{mode}: most memory of our processes", came.peak_mb, "MB", MOST_MB, "most"),
        ]
    return figures


def _round(mode: Mode, n: int) -> Outcome:
    port, intake_port = _free_port(), _free_port()
    with vendors.running("visma", "square") as both, tempfile.TemporaryDirectory() as folder:
        settings = install.settings_of(
            Path(folder), both, port=port, intake_port=intake_port, public_url=f"http://127.0.0.1:{intake_port}"
        )
        with install.opened(settings) as works:
            day = datetime.now(UTC).date()
            # A pool's last part closes by its age: one second, so that the wait is not what is measured.
            shop = install.add_shop(works, both, mode=mode, go_live=day - timedelta(days=2), batch_age_s=1)
            _subscribe(works, both, shop, settings)
            install.run_until_idle(works)
        with serving(settings, both) as pid, install.opened(settings) as works:
            return _sell_and_wait(works, both, shop, n, pid=pid)


def _sell_and_wait(works: Works, both: Vendors, shop: Shop, n: int, *, pid: int) -> Outcome:
    now, began, peak_mb = datetime.now(UTC), time.monotonic(), 0.0
    ours = machine.family(pid)  # the same from here on; looking for them costs as much as a payment
    used_s = machine.processor_s(ours)
    gross = install.sell_many(
        both, shop, n, start=now - timedelta(minutes=3), end=now - timedelta(seconds=5), events=True
    )
    while (posted := install.states(works, shop).get("posted", 0)) < n and time.monotonic() - began < _ROUND_S:
        peak_mb = max(peak_mb, machine.resident_mb(ours))
        time.sleep(_LOOK_S)
    seconds = time.monotonic() - began
    used_s = machine.processor_s(ours) - used_s
    return Outcome(posted, seconds, used_s, peak_mb, _in_ledger(both, shop), gross)


def _subscribe(works: Works, both: Vendors, shop: Shop, settings: Settings) -> None:
    """Open a door, have the pretend Square ring it, and learn the key it signs with."""
    door, url = doorkeeping.open_door(
        works, connection_id=shop.square_id, public_url=settings.public_url or "", signature_key=None, by="bench"
    )
    wanted = {"name": "bench", "event_types": _EVENTS, "notification_url": url, "api_version": "2025-08-20"}
    content = {"idempotency_key": door, "subscription": wanted}
    made = both.square.request("POST", "/v2/webhooks/subscriptions", content, token=shop.merchant["pat"])
    doorkeeping.set_door_key(works, door, made["subscription"]["signature_key"], by="bench")


def _in_ledger(both: Vendors, shop: Shop) -> int:
    """What stands released on the sales and VAT accounts, as income, in minor units."""
    accounts = both.visma.control("balances", tenant_id=shop.tenant_id)["accounts"]
    amounts = [Decimal(accounts.get(number, {}).get("EUR", "0")) for number in ("3001", "2611")]
    return int(-sum(amounts) * 100)


@contextlib.contextmanager
def serving(settings: Settings, both: Vendors) -> Iterator[int]:
    """The real `serve` process of an install; its process id."""
    environment = {
        **os.environ,
        "MLC_DATA_DIR": str(settings.data_dir),
        "MLC_DATABASE_URL": settings.database_url,
        "MLC_PORT": str(settings.port),
        **({"MLC_INTAKE_PORT": str(settings.intake_port)} if settings.intake_port else {}),
        "MLC_PUBLIC_URL": settings.public_url or "",
        "MLC_ALLOW_INSECURE_HOSTS": f"{both.visma.url},{both.square.url}",
        "MLC_LOG_LEVEL": "ERROR",
    }
    command = [sys.executable, "-c", "from ml_connector.cli import main; main()", "serve"]
    child = subprocess.Popen(command, env=environment, cwd=settings.data_dir, stdout=subprocess.DEVNULL)
    try:
        _wait_until_ready(f"http://127.0.0.1:{settings.port}/ready", child)
        if settings.intake_port:
            _wait_until_ready(f"http://127.0.0.1:{settings.intake_port}/health", child)
        yield child.pid
    finally:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(15)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _wait_until_ready(url: str, child: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _READY_S
    while time.monotonic() < until and child.poll() is None:
        with contextlib.suppress(OSError, urllib.error.HTTPError), urllib.request.urlopen(url, timeout=2):
            return
        time.sleep(0.1)
    raise RuntimeError("`serve` did not become ready; its complaint stands above.")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])
