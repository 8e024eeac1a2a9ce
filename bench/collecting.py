"""What an invoice of the ledger costs on its way to Stripe: calls that both pretend vendors counted, and time.

Two rounds: the first invoice of each customer, who is looked for and made; then all others, whose customers are bound.
"""

from __future__ import annotations

import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
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

TITLE = "Collecting: released invoices of the ledger sent to Stripe, calls counted by the pretend vendors"
SIZE, QUICK = 1_000, 100
LONGEST_S = 600
PATIENCE_S = 3_000
NEW_OF = 20  # one invoice of so many is its customer's first
STRIPE_NEW, STRIPE_BOUND, VISMA_EACH = 7.0, 4.0, 1.1
_CHART_AND_TOKEN = (
    "/connect/token", "/account", "/cashaccount", "/subaccount", "/dimension", "/vat", "/branch", "/ledger",
    "/financialperiod", "/currency", "/paymentmethod", "/company",
)  # fmt: skip
CLEARING = {"SEK": "1583", "EUR": "1595"}


@dataclass(frozen=True, slots=True)
class Pair:
    """The ledger, Stripe, and the route between them."""

    visma: Vendor
    stripe: Vendor
    visma_id: str
    route_id: str
    tenant_id: str


@dataclass(frozen=True, slots=True)
class Round:
    """What one round came to."""

    sent: int
    stripe_calls: int
    visma_calls: int
    chart_calls: int
    seconds: float
    processor_s: float


def run(size: int = SIZE) -> list[Figure]:
    """`size` invoices, a twentieth of them the first of their customer."""
    first = max(1, size // NEW_OF)
    with vendors.one("visma") as visma, vendors.one("stripe") as stripe, tempfile.TemporaryDirectory() as folder:
        settings = Settings.model_validate(
            {"data_dir": Path(folder), "allow_insecure_hosts": (visma.url, stripe.url), "log_level": "ERROR"}
        )
        with install.opened(settings) as works:
            pair = _pair(works, visma, stripe)
            made = _invoices(pair, first, customers=first)
            new = _sent(works, pair, expected=first)
            more = _invoices(pair, size - first, customers=made["customers"])
            bound = _sent(works, pair, expected=size - first)
            stranger, third = _alone(works, pair, 1)
        with install.opened(settings) as works:  # nothing is remembered of the customer
            lone, fourth = _alone(works, pair, made["customers"][:1])
            owed = stripe.control("truth")
    gross = made["gross_minor"] + more["gross_minor"] + third + fourth
    there = sum(one["total"] for one in owed["invoices"].values() if one["status"] == "open")
    return [
        Figure("invoices sent", new.sent + bound.sent, "", size),
        Figure("ledger less Stripe, minor units", abs(gross - there), "", 0, "most"),
        Figure("Stripe calls, a customer's first invoice", new.stripe_calls / first, "", STRIPE_NEW, "most"),
        Figure("Stripe calls, a bound customer's", bound.stripe_calls / max(1, size - first), "", STRIPE_BOUND, "most"),
        Figure("Stripe calls, one that goes out alone", lone.stripe_calls, "", STRIPE_BOUND, "most"),
        Figure("Stripe calls, the same of a new customer", stranger.stripe_calls, "", STRIPE_NEW, "most"),
        Figure("Visma calls, one that goes out alone", lone.visma_calls),
        Figure("Visma calls an invoice", (new.visma_calls + bound.visma_calls) / size, "", VISMA_EACH, "most"),
        Figure("Visma calls for chart and token", new.chart_calls + bound.chart_calls),
        Figure("invoices a second, bound customers", bound.sent / bound.seconds, "/s"),
        Figure("processor time an invoice", 1_000 * bound.processor_s / max(1, bound.sent), "ms"),
    ]


def _pair(works: Works, visma: Vendor, stripe: Vendor) -> Pair:
    accounts = [
        {"number": number, "description": number, "type": "Asset", "currency": currency, "cash": True}
        for currency, number in CLEARING.items()
    ]
    books = visma.control("seed_company", base_currency="SEK", accounts=accounts)
    visma.control("set_rate_limit", tenant_id=books["tenant_id"], limit=install.MOST_CALLS)
    account = stripe.control("seed_account", name="Seller")
    workspace = setup.init(works)
    visma_id = connecting.connect(
        works, workspace, connector="visma", code="vn", title="Visma", by="bench", base_url=visma.url,
        credentials={name: books[name] for name in ("client_id", "client_secret", "tenant_id")},
        settings={"token_url": f"{visma.url}/connect/token"},
    )  # fmt: skip
    stripe_id = connecting.connect(
        works, workspace, connector="stripe", code="st", title="Stripe", by="bench", base_url=stripe.url,
        credentials={"api_key": account["secret_key"]}, settings={"requests_per_second": "1000"},
    )  # fmt: skip
    company_id = setup.add_company(
        works, workspace, connection_id=visma_id, name="Seller AB", time_zone="Europe/Stockholm",
        go_live=(datetime.now(UTC) - timedelta(days=2)).date(), by="bench",
    )  # fmt: skip
    shipped = {**tomllib.loads(install.brought("stripe_terms.toml")), "collect": "all"}
    route_id = setup.add_route(
        works, company_id=company_id, flow="visma_to_stripe", source_id=visma_id, target_id=stripe_id,
        terms=ruling.parse_terms(shipped, base=Terms(code="st")), posting="on", by="bench",
    )  # fmt: skip
    ruling.save_rules(works, route_id, rulebooks.read(install.brought("stripe_rules.toml"), form="toml"), by="bench")
    return Pair(visma, stripe, visma_id, route_id, books["tenant_id"])


def _invoices(pair: Pair, n: int, *, customers: int | list[str]) -> dict[str, Any]:
    if n == 0:
        return {"gross_minor": 0}
    return pair.visma.control("invoice_many", tenant_id=pair.tenant_id, n=n, customers=customers)


def _alone(works: Works, pair: Pair, customers: int | list[str]) -> tuple[Round, int]:
    """One invoice and nothing beside it; what it is of, in minor units."""
    made = _invoices(pair, 1, customers=customers)
    return _sent(works, pair, expected=1), int(made["gross_minor"])


def _sent(works: Works, pair: Pair, *, expected: int) -> Round:
    """Read what is new and send it; what that took."""
    before = _posted(works, pair)
    pair.visma.forget_calls()
    pair.stripe.forget_calls()
    with works.database.writing() as c:
        cursors.make_due(c, pair.visma_id, now=works.now())
    began, used = monotonic(), process_time()
    while _posted(works, pair) < before + expected and monotonic() - began < PATIENCE_S:
        install.run_until_idle(works)
        sleep(0.2)  # what was made is read back a little later
    seconds, processor_s = monotonic() - began, process_time() - used
    chart, others = _split(pair.visma.calls())
    stripe = sum(pair.stripe.calls().values())
    return Round(_posted(works, pair) - before, stripe, others, chart, seconds, processor_s)


def _posted(works: Works, pair: Pair) -> int:
    with works.database.reading() as c:
        counted = trips.counts(c, [pair.route_id])
    return counted.get(("customerinvoice", "posted"), 0)


def _split(calls: Mapping[str, int]) -> tuple[int, int]:
    """(calls for the chart and the token, all others)."""
    chart = sum(n for name, n in calls.items() if name.lower().endswith(_CHART_AND_TOKEN))
    return chart, sum(calls.values()) - chart
