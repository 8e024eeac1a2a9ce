"""A web shop and a wallet over the pretend vendors, with the rules and terms that the demonstrations ship."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from bench import install
from bench.vendors import Vendors
from ml_connector.engine import connecting, rulebooks, ruling, setup
from ml_connector.engine.works import Works
from ml_connector.finance.rulebook import Terms

CURRENCY = "SEK"
GATEWAYS = {"stripe": "1583", "ppcp-gateway": "1584", "klarna_payments": "1586", "cod": "1587", "bacs": "1588"}
BALANCES = {"SEK": "1591", "EUR": "1592", "USD": "1593", "JPY": "1594"}
QUICK = {"requests_per_second": "1000"}  # no vendor's patience is measured here
KNOWN = 50  # registered customers whose cards the ledger has


@dataclass(frozen=True, slots=True)
class Road:
    """One source with the books it is posted to. `seeded` is the vendor's own answer."""

    source_id: str
    route_id: str
    books: install.Books
    seeded: dict[str, Any]


def add_store(works: Works, vendors: Vendors, *, go_live: date, posting: str = "on", **terms: Any) -> Road:
    """A shop whose registered customers are known to the ledger."""
    accounts = [_cash(number, "base") for number in GATEWAYS.values()]
    people = [_person(n) for n in range(KNOWN)]
    books = install.add_books(works, vendors, currency=CURRENCY, go_live=go_live, accounts=accounts, customers=people)
    store = vendors.woocommerce.control("seed_store", name="Bench", currency=CURRENCY)
    keys = {name: store[name] for name in ("consumer_key", "consumer_secret")}
    return _road(works, "woocommerce", "wc", vendors.woocommerce.url, keys, books=books, seeded=store,
                 posting=posting, terms=terms)  # fmt: skip


def sell_in_store(vendors: Vendors, road: Road, n: int, *, start: datetime, end: datetime, known: bool) -> None:
    """`n` orders paid by card, by guests or by customers whom the ledger knows."""
    customers = [
        vendors.woocommerce.control("customer", store=road.seeded["store"], email=_email(k))["customer_id"]
        for k in range(KNOWN if known else 0)
    ]
    vendors.woocommerce.control(
        "bulk", store=road.seeded["store"], n=n, start=_wire(start), end=_wire(end), customers=customers
    )


def add_wallet(works: Works, vendors: Vendors, *, go_live: date, posting: str = "on", **terms: Any) -> Road:
    """A PayPal account whose report does not lag."""
    accounts = [_cash(number, currency) for currency, number in BALANCES.items()]
    people = [_person(n) for n in range(KNOWN)]
    books = install.add_books(works, vendors, currency=CURRENCY, go_live=go_live, accounts=accounts, customers=people)
    seller = vendors.paypal.control("seed_merchant", name="Bench", currency=CURRENCY)
    vendors.paypal.control("knobs", report_lag_s=0.0)
    keys = {name: seller[name] for name in ("client_id", "client_secret")}
    return _road(works, "paypal", "pp", vendors.paypal.url, keys, books=books, seeded=seller, posting=posting,
                 terms=terms)  # fmt: skip


def pay_by_wallet(vendors: Vendors, n: int, *, start: datetime, end: datetime) -> None:
    """`n` payments of people whom nobody knows."""
    vendors.paypal.control("bulk", n=n, start=_wire(start), end=_wire(end), currency=CURRENCY)


def bill_by_wallet(vendors: Vendors, n: int, *, start: datetime, end: datetime) -> None:
    """`n` invoices of PayPal to customers whom the ledger knows, each paid through PayPal a minute later."""
    for place in range(n):
        at = start + (end - start) * place / n
        sent = vendors.paypal.control(
            "invoice", at=_wire(at), number=f"B{place}", recipient={"email_address": _email(place % KNOWN)}
        )
        vendors.paypal.control("invoice_pay", invoice_id=sent["invoice_id"], at=_wire(at + timedelta(minutes=1)))


def _road(
    works: Works, connector: str, code: str, url: str, keys: dict[str, str], *, books: install.Books,
    seeded: dict[str, Any], posting: str, terms: dict[str, Any],
) -> Road:  # fmt: skip
    workspace = setup.init(works)
    source_id = connecting.connect(
        works, workspace, connector=connector, code=code, title=code, by="bench", base_url=url, credentials=keys,
        settings=QUICK,
    )  # fmt: skip
    shipped = tomllib.loads(install.brought(f"{connector}_terms.toml"))
    route_id = setup.add_route(
        works, company_id=books.company_id, flow=f"{connector}_to_visma", source_id=source_id, posting=posting,
        terms=ruling.parse_terms({**shipped, "batch_age_s": 1, **terms}, base=Terms(code=code)), by="bench",
    )  # fmt: skip
    ruling.save_rules(
        works, route_id, rulebooks.read(install.brought(f"{connector}_rules.toml"), form="toml"), by="bench"
    )
    return Road(source_id, route_id, books, seeded)


def _cash(number: str, currency: str) -> dict[str, Any]:
    return {"number": number, "description": number, "type": "Asset", "currency": currency, "cash": True}


def _person(n: int) -> dict[str, Any]:
    return {"number": f"{20_000 + n}", "name": f"Known {n}", "currency": "base", "terms": "30", "email": _email(n)}


def _email(n: int) -> str:
    return f"known{n}@example.test"


def _wire(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
