"""An install over the pretend vendors: real settings, real HTTP, companies with a complete rulebook."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol

from bench.vendors import Vendors
from ml_connector import app
from ml_connector.engine import connecting, ruling, setup, units
from ml_connector.engine.works import Works
from ml_connector.finance.rulebook import LocationTerms, Mode, Rule, Rulebook, Terms, When
from ml_connector.settings import Settings
from ml_connector.store import trips

MOST_CALLS = 10_000_000  # the ledger's hourly limit is out of the way: machines are measured, not a licence
# Square publishes no limit; ours is 10 a second until a person raises it. Here it must not be what is measured.
SQUARE_SETTINGS = {"requests_per_second": "1000", "calls_at_once": "8"}


@dataclass(frozen=True, slots=True)
class Shop:
    """One company with its shop: the names on both sides."""

    company_id: str
    visma_id: str
    square_id: str
    route_id: str
    tenant_id: str
    merchant: dict[str, Any]


def settings_of(folder: Path, vendors: Vendors, *, database_url: str = "", **more: Any) -> Settings:
    """Settings of an install in this folder that may call the pretend vendors."""
    hosts = tuple(url for name in Vendors.__slots__ if (url := getattr(vendors, name).url))
    return Settings.model_validate(
        {"data_dir": folder, "database_url": database_url, "allow_insecure_hosts": hosts, "log_level": "ERROR", **more}
    )


class Routed(Protocol):
    """A source with a route into books."""

    @property
    def route_id(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Books:
    """A company in the pretend ledger."""

    company_id: str
    visma_id: str
    tenant_id: str


@contextlib.contextmanager
def opened(settings: Settings) -> Iterator[Works]:
    """The works of an install, closed at the end."""
    with app.opened(settings) as works:
        setup.init(works)
        yield works


def add_shop(
    works: Works, vendors: Vendors, *, mode: Mode, go_live: date, posting: str = "on", number: int = 1, **terms: Any
) -> Shop:
    """A company in the pretend ledger, a shop in the pretend Square, and the route between them with its rules."""
    workspace = setup.init(works)
    merchant = vendors.square.control("seed_merchant", name=f"Retail {number}", locations=3, taxes=["25"])
    square_id = connecting.connect(
        works,
        workspace,
        connector="square",
        code=f"sq{number}",
        title="Square",
        by="bench",
        base_url=vendors.square.url,
        credentials={"access_token": merchant["pat"]},
        settings=SQUARE_SETTINGS,
    )
    connecting.ping(works, square_id)
    books = add_books(works, vendors, currency="EUR", go_live=go_live, number=number)
    places = {place: LocationTerms(time_zone="UTC") for place in merchant["location_ids"]}
    agreed = Terms(
        mode=mode, time_zone="UTC", gift_cards="multi", gratuity_taxed=True, fee_vat="exempt", locations=places, **terms
    )
    route_id = setup.add_route(
        works,
        company_id=books.company_id,
        flow="square_to_visma",
        source_id=square_id,
        terms=agreed,
        posting=posting,
        by="bench",
    )
    ruling.save_rules(works, route_id, rulebook(merchant["location_ids"]), by="bench")
    return Shop(books.company_id, books.visma_id, square_id, route_id, books.tenant_id, merchant)


def add_books(
    works: Works, vendors: Vendors, *, currency: str, go_live: date, number: int = 1, **seed: Any
) -> Books:  # fmt: skip
    """A company in the pretend ledger with no limit worth speaking of, connected; `seed`: what else it begins with."""
    workspace = setup.init(works)
    made = vendors.visma.control("seed_company", base_currency=currency, name=f"Retail {number}", **seed)
    vendors.visma.control("set_rate_limit", tenant_id=made["tenant_id"], limit=MOST_CALLS)
    visma_id = connecting.connect(
        works,
        workspace,
        connector="visma",
        code=f"vn{number}",
        title="Visma",
        by="bench",
        base_url=vendors.visma.url,
        credentials={name: made[name] for name in ("client_id", "client_secret", "tenant_id")},
        settings={"token_url": f"{vendors.visma.url}/connect/token"},
    )
    company_id = setup.add_company(
        works, workspace, connection_id=visma_id, name=f"Retail {number}", time_zone="UTC", go_live=go_live, by="bench"
    )
    return Books(company_id, visma_id, made["tenant_id"])


def rulebook(places: list[str]) -> Rulebook:
    """Every role mapped to the seeded chart; a department for each location."""
    departments = [
        Rule(
            f"at {place}",
            ("sales", "service_charge", "fee", "tips"),
            When(location=(place,)),
            dimensions=((1, f"{n}0"), (2, "000")),
        )
        for n, place in enumerate(places, start=1)
    ]
    rate = When(vat_rate=(Decimal(25),))
    taxed = [
        Rule("sales 25", ("sales", "service_charge"), rate, account="3001", vat_code="25"),
        Rule("vat 25", ("vat",), rate, account="2611", vat_id="S25", vat_code="25"),
    ]
    money = [
        ("clearing", "1580", "SQUARE"),
        ("till", "1910", "CASH"),
        ("bank", "1930", "BANK"),
        ("external", "1585", "CARD"),
    ]
    cash = [
        Rule(role, (role,), account=account, cash_account=account, payment_method=way) for role, account, way in money
    ]
    others = {
        "sales": "3004",
        "service_charge": "3004",
        "tips": "2820",
        "gift_cards": "2421",
        "fee": "6570",
        "rounding": "3740",
        "suspense": "1799",
        "dispute_receivable": "1521",
        "dispute_fee": "6571",
        "dispute_loss": "6351",
        "reserve": "1684",
        "transit": "1690",
        "fee_settlement": "2895",
        "payout_adjustment": "1799",
    }
    plain = [Rule(f"any {role}", (role,), account=account) for role, account in others.items()]
    untaxed = Rule("no vat", ("no_vat",), account="3004", vat_code="NONE")
    return Rulebook(1, date.min, (*departments, *taxed, *cash, *plain, untaxed))


def sell_many(vendors: Vendors, shop: Shop, n: int, *, start: datetime, end: datetime, events: bool = False) -> int:
    """`n` card sales evenly over a time that has passed; what they come to, tax included, in minor units."""
    sold = vendors.square.control(
        "bulk", merchant_id=shop.merchant["merchant_id"], n=n, start=_wire(start), end=_wire(end), events=events
    )
    return int(sold["gross"])


def run_until_idle(works: Works) -> None:
    """Everything that is due, until nothing is."""
    units.run_all_due(works)


def states(works: Works, shop: Routed, kind: str = "payment") -> dict[str, int]:
    """How many records of a kind are in each state."""
    with works.database.reading() as c:
        counted = trips.counts(c, [shop.route_id])
    return {state: number for (one, state), number in counted.items() if one == kind}


def _wire(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def brought(name: str) -> str:
    """Rules or terms that the product brings along."""
    return files("ml_connector.cli").joinpath(name).read_text(encoding="utf-8")
