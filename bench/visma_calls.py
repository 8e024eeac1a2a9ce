"""What a record costs in calls to Visma, whose hourly limit is what an install has to live with."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from time import monotonic, sleep
from typing import TypeAlias

from bench import install, stores, vendors
from bench.figures import Figure
from bench.install import Shop
from bench.stores import Road
from bench.vendors import Vendors
from ml_connector.engine.works import Works
from ml_connector.finance.rulebook import Mode

TITLE = "Visma calls: requests that the pretend ledger counted, for each record that stands in it"
SIZE, QUICK = 1_000, 200
LONGEST_S = 240
_SET_UP = ("token", "GET /v1/account", "GET /v1/branch", "GET /v1/cashaccount", "GET /v1/currency", "GET /v1/dimension",
           "GET /v1/financialPeriod", "GET /v1/ledger", "GET /v1/paymentmethod", "GET /v1/subaccount", "GET /v1/vat",
           "GET /v2/currencyrate")  # fmt: skip

Begin: TypeAlias = Callable[[Works, Vendors, int, datetime, datetime], Shop | Road]
"""(works, vendors, n, start, end): set up a road and have n records happen on it."""


@dataclass(frozen=True, slots=True)
class Case:
    """`times` as many records as asked: what pools is meant for many. `target`: calls a record at most.

    `source`: the pretend vendor that the records come from.
    """

    name: str
    begin: Begin
    kind: str
    target: float
    times: int = 1
    source: str = "square"


def _square(works: Works, both: Vendors, n: int, start: datetime, end: datetime, *, mode: Mode) -> Shop:
    shop = install.add_shop(works, both, mode=mode, go_live=start.date(), batch_age_s=1)
    install.sell_many(both, shop, n, start=start, end=end)
    return shop


def _store(works: Works, both: Vendors, n: int, start: datetime, end: datetime, *, mode: Mode, known: bool) -> Road:
    document = "invoice" if mode == "per_record" else "journal"
    road = stores.add_store(works, both, go_live=start.date(), mode=mode, order_document=document)
    stores.sell_in_store(both, road, n, start=start, end=end, known=known)
    return road


def _wallet(works: Works, both: Vendors, n: int, start: datetime, end: datetime, *, mode: Mode) -> Road:
    road = stores.add_wallet(works, both, go_live=start.date(), mode=mode)
    stores.pay_by_wallet(both, n, start=start, end=end)
    return road


def _bills(works: Works, both: Vendors, n: int, start: datetime, end: datetime, *, mode: Mode) -> Road:
    road = stores.add_wallet(works, both, go_live=start.date(), mode=mode)
    stores.bill_by_wallet(both, n, start=start, end=end)
    return road


SQUARE = (
    Case("per_record", partial(_square, mode="per_record"), "payment", 2.2),
    Case("batch", partial(_square, mode="batch"), "payment", 0.05),
    Case("daily", partial(_square, mode="daily"), "payment", 0.01, times=10),
)
OTHERS = (
    Case("WooCommerce, invoice and payment, known customer", partial(_store, mode="per_record", known=True), "order",
         4.2, source="woocommerce"),
    Case("WooCommerce, invoice and payment, guest", partial(_store, mode="per_record", known=False), "order", 4.2,
         source="woocommerce"),
    Case("WooCommerce, daily summary", partial(_store, mode="daily", known=False), "order", 0.02, times=3,
         source="woocommerce"),
    Case("PayPal, per_record", partial(_wallet, mode="per_record"), "transaction", 2.2, source="paypal"),
    Case("PayPal, daily summary", partial(_wallet, mode="daily"), "transaction", 0.02, times=3, source="paypal"),
    Case("PayPal, invoice and payment, known customer, fees of a day in one voucher", partial(_bills, mode="daily"),
         "transaction", 4.2, source="paypal"),
    Case("PayPal, the same, a voucher for each fee", partial(_bills, mode="per_record"), "transaction", 6.2,
         source="paypal"),
)  # fmt: skip


def run(size: int = SIZE, cases: Sequence[Case] = SQUARE) -> list[Figure]:
    """Post `size` records in each way; what pools gets more of them."""
    figures: list[Figure] = []
    for case in cases:
        n = size * case.times
        posted, posting, chart = _posted_in(case, n)
        figures += [
            Figure(f"{case.name}: {case.kind}s posted", posted, "", n),
            Figure(f"{case.name}: calls a {case.kind}", posting / max(1, posted), "", case.target, "most"),
            Figure(f"{case.name}: the same with set-up and chart reads", (posting + chart) / max(1, posted)),
        ]
    return figures


def _posted_in(case: Case, n: int) -> tuple[int, int, int]:
    """(records posted, calls that posting took, calls that reading the set-up took)."""
    with vendors.running("visma", case.source) as both, tempfile.TemporaryDirectory() as folder:
        end = (datetime.now(UTC) - timedelta(days=2)).replace(hour=20, minute=0, second=0, microsecond=0)
        start = end - timedelta(hours=12)
        with install.opened(install.settings_of(Path(folder), both)) as works:
            road = case.begin(works, both, n, start, end)
            until = monotonic() + LONGEST_S / 4
            while install.states(works, road, case.kind).get("posted", 0) < n and monotonic() < until:
                install.run_until_idle(works)
                sleep(0.2)  # a pool closes by its age
            return install.states(works, road, case.kind).get("posted", 0), *_counted(both)


def _counted(both: Vendors) -> tuple[int, int]:
    calls = both.visma.calls()
    set_up = sum(count for name, count in calls.items() if name.startswith(_SET_UP) or "token" in name)
    return sum(calls.values()) - set_up, set_up
