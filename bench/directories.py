"""What it takes to know every customer of a large ledger: calls, time and memory."""

from __future__ import annotations

import pickle
import tempfile
import time
import tracemalloc
from datetime import date
from pathlib import Path
from typing import Any

from bench import install, vendors
from bench.figures import Figure
from ml_connector.connectors.shapes import Directory, ReadsDirectories
from ml_connector.engine.works import open_line

TITLE = "Customers of a large ledger, kept for looking up"
SIZE, QUICK = 50_000, 2_000
LONGEST_S = 240


def run(size: int = SIZE) -> list[Figure]:
    """A ledger with `size` customers, read whole. What changed later is read by one call."""
    with (
        vendors.running("visma") as both,
        tempfile.TemporaryDirectory() as folder,
        install.opened(install.settings_of(Path(folder), both)) as works,
    ):
        people = [_person(n) for n in range(size)]
        books = install.add_books(works, both, currency="SEK", go_live=date(2020, 1, 1), customers=people)
        writer = open_line(works, books.visma_id).writer
        assert isinstance(writer, ReadsDirectories)
        began, used_s = time.monotonic(), time.process_time()
        whole = writer.directory("customer", before=None, most_calls=10_000)
        seconds, used_s = time.monotonic() - began, time.process_time() - used_s
        assert whole is not None
        assert not isinstance(whole, int)
        assert whole.look_up({"email": _person(size - 1)["email"]})
    return [
        Figure(f"calls to read {size:,} customers", whole.calls, "", -(-size // 1_000) + 1, "most"),
        Figure("seconds it took", seconds, "s"),
        Figure("of processor", used_s, "s"),
        Figure("memory that is kept", _kept_mb(whole), "MB", 1.0 * size / 1_000, "most"),
    ]


def _person(n: int) -> dict[str, Any]:
    return {
        "number": f"{100_000 + n}", "name": f"Customer number {n} AB", "currency": "base", "terms": "30",
        "email": f"invoices{n}@customer.example", "corporate_id": f"55{n:08d}", "vat_registration": f"SE55{n:08d}01",
    }  # fmt: skip


def _kept_mb(whole: Directory) -> float:
    """Of a copy made out of bytes, so that nothing else is counted and nothing is shared."""
    frozen = pickle.dumps(whole)
    tracemalloc.start()
    kept = pickle.loads(frozen)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del kept
    return used / 1e6
