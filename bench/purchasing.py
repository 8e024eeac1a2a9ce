"""What a supplier and an order's line cost on their way to Basware: calls that both pretend vendors counted, and time.

Each supplier has one order of five lines. Calls that ask what became of a request are told apart: one answers for many.
"""

from __future__ import annotations

import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from time import monotonic, process_time, sleep
from typing import Any

from bench import install, vendors
from bench.figures import Figure
from bench.vendors import Vendor
from ml_connector.engine import connecting, rulebooks, ruling, setup
from ml_connector.engine.works import Works
from ml_connector.finance.rulebook import Terms
from ml_connector.settings import Settings
from ml_connector.store import cursors, trips

TITLE = "Purchasing: suppliers and order lines sent to Basware, calls counted by the pretend vendors"
SIZE, QUICK = 2_000, 100
LINES = 5
LONGEST_S = 600
PATIENCE_S = 560
EACH = 0.02
ORDERS = ("/matchingOrders", "/matchingOrderLines")


@dataclass(frozen=True, slots=True)
class Pair:
    """The ledger, Basware, and the route between them."""

    visma: Vendor
    basware: Vendor
    visma_id: str
    route_id: str
    tenant_id: str


@dataclass(frozen=True, slots=True)
class Spent:
    """What sending all of it took of the machine."""

    seconds: float
    processor_s: float
    memory_mb: float


def run(size: int = SIZE) -> list[Figure]:
    """`size` suppliers, and five times as many lines."""
    with vendors.one("visma") as visma, vendors.one("basware") as basware, tempfile.TemporaryDirectory() as folder:
        settings = Settings.model_validate(
            {"data_dir": Path(folder), "allow_insecure_hosts": (visma.url, basware.url), "log_level": "ERROR"}
        )
        with install.opened(settings) as opened:
            works = replace(opened, limits=replace(opened.limits, look_again_us=200_000))
            pair = _pair(works, visma, basware, size)
            visma.forget_calls()
            basware.forget_calls()
            began, used = monotonic(), process_time()
            _sent(works, pair, size)
            spent = Spent(monotonic() - began, process_time() - used, getrusage(RUSAGE_SELF).ru_maxrss / 1024)
        counted, read, there = basware.calls(), visma.calls(), basware.control("truth")
    return _figures(size, counted, read, there, spent=spent)


def _figures(
    size: int, calls: Mapping[str, int], read: Mapping[str, int], there: Mapping[str, Any], *, spent: Spent
) -> list[Figure]:  # fmt: skip
    lines, records = LINES * size, (LINES + 2) * size
    counts = {name: len(rows) for name, rows in there["records"].items()}
    orders = sum(n for name, n in calls.items() if name.startswith("POST") and name.endswith(ORDERS))
    status = sum(n for name, n in calls.items() if "requestStatus" in name)
    return [
        Figure("suppliers sent", counts.get("vendors", 0), "", size),
        Figure("order lines sent", counts.get("matchingOrderLines", 0), "", lines),
        Figure("calls a supplier", calls.get("POST /v1/vendors", 0) / size, "", EACH, "most"),
        Figure("calls an order line, its order's head included", orders / lines, "", EACH, "most"),
        Figure("calls for results, each record", status / records),
        Figure("Visma calls, each record", sum(read.values()) / records),
        Figure("records a second", records / spent.seconds, "/s"),
        Figure("processor time a record", 1_000 * spent.processor_s / records, "ms"),
        Figure("memory at its highest", spent.memory_mb, "MB"),
    ]


def _pair(works: Works, visma: Vendor, basware: Vendor, size: int) -> Pair:
    numbers = [str(60_000 + n) for n in range(size)]
    suppliers = [{"number": one, "name": f"Supplier {one}", "zone": "SE", "currency": "base"} for one in numbers]
    books = visma.control("seed_company", base_currency="SEK", suppliers=suppliers)
    visma.control("set_rate_limit", tenant_id=books["tenant_id"], limit=install.MOST_CALLS)
    line = {"article": "CHAIR", "text": "Chair", "quantity": 3, "price": "125.00", "vat": "25", "account": "4000"}
    for one in numbers:
        visma.control("order_goods", tenant_id=books["tenant_id"], supplier=one, lines=[line] * LINES)
    tenant = basware.control("seed_tenant", companies=[{"code": "SE01", "currency": "SEK"}])
    workspace = setup.init(works)
    visma_id = connecting.connect(
        works, workspace, connector="visma", code="vn", title="Visma", by="bench", base_url=visma.url,
        credentials={name: books[name] for name in ("client_id", "client_secret", "tenant_id")},
        settings={"token_url": f"{visma.url}/connect/token"},
    )  # fmt: skip
    basware_id = connecting.connect(
        works, workspace, connector="basware", code="bw", title="Basware", by="bench", base_url=basware.url,
        credentials={name: tenant[name] for name in ("client_id", "client_secret")},
        settings={"requests_per_second": "1000"},
    )  # fmt: skip
    company_id = setup.add_company(
        works, workspace, connection_id=visma_id, name="Buyer AB", time_zone="Europe/Stockholm",
        go_live=(datetime.now(UTC) - timedelta(days=2)).date(), by="bench",
    )  # fmt: skip
    shipped = {**tomllib.loads(install.brought("basware_terms.toml")), "batch_age_s": 5}
    route_id = setup.add_route(
        works, company_id=company_id, flow="visma_to_basware", source_id=visma_id, target_id=basware_id,
        terms=ruling.parse_terms(shipped, base=Terms(code="bw")), posting="on", by="bench",
    )  # fmt: skip
    ruling.save_rules(works, route_id, rulebooks.read(install.brought("basware_rules.toml"), form="toml"), by="bench")
    return Pair(visma, basware, visma_id, route_id, books["tenant_id"])


def _sent(works: Works, pair: Pair, size: int) -> None:
    """Read all of it and send it, until every order is there."""
    with works.database.writing() as c:
        cursors.make_due(c, pair.visma_id, now=works.now())
    began = monotonic()
    while _posted(works, pair) < size and monotonic() - began < PATIENCE_S * max(1, size // SIZE):
        install.run_until_idle(works)
        sleep(0.2)  # rows gather, and their results are read a little later


def _posted(works: Works, pair: Pair) -> int:
    with works.database.reading() as c:
        return trips.counts(c, [pair.route_id]).get(("purchaseorder", "posted"), 0)
