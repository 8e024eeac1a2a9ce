"""Builds a company: the default content, with whatever part a test overrides or adds."""

from __future__ import annotations

from copy import deepcopy
from datetime import date, datetime
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from ml_connector_sandbox.visma import attributes
from ml_connector_sandbox.visma import seed_content as content
from ml_connector_sandbox.visma.call import moment
from ml_connector_sandbox.visma.chart import (
    Account,
    CashAccount,
    Chart,
    NumberSeries,
    Period,
    Segment,
    SegmentValue,
    Vat,
    VatCategory,
    VatZone,
)
from ml_connector_sandbox.visma.company import SALES_SCOPES, SCOPES, Company, Preferences
from ml_connector_sandbox.visma.parties import Party
from ml_connector_sandbox.visma.posting import combination

Row = dict[str, Any]
_MONTHS = 36
ARGUMENTS = (
    "name base_currency time_zone tenant_id customer_tenant_id client_id client_secret company_id approval scopes"
    " accounts segments categories vats zones payment_methods credit_terms reason_codes series customers suppliers"
    " rates first_month preferences defaults attributes"
).split()


def company(arguments: Row, random: Random, at: datetime, number: int) -> Company:
    """A company from the control verb's arguments. Raises ValueError for unknown ones."""
    unknown = set(arguments) - set(ARGUMENTS)
    if unknown:
        raise ValueError(f"seed_company does not know {', '.join(sorted(unknown))}; it knows {', '.join(ARGUMENTS)}.")
    get = arguments.get
    base = get("base_currency", "SEK")
    made = Company(
        tenant_id=get("tenant_id") or _guid(random),
        customer_tenant_id=get("customer_tenant_id") or _guid(random),
        company_id=int(get("company_id") or 1_000_000 + number),
        name=get("name", f"Nordhandel {number} AB"),
        client_id=get("client_id") or f"isv_sandbox_{number}",
        zone=ZoneInfo(get("time_zone", "Europe/Stockholm")),
        chart=Chart(base),
        random=Random(random.getrandbits(64)),
        approval=get("approval", "approved"),
        scopes=tuple(get("scopes", SCOPES + SALES_SCOPES)),
    )
    now = made.local(at)
    _money(made, arguments, now)
    _accounts(made, arguments, now)
    _dimensions(made, arguments, now)
    _cash(made, arguments, now)
    _vat(made, arguments, now)
    _organization(made, now)
    _lists(made, arguments, now)
    _periods(made, get("first_month") or f"{now.year - 1}-01")
    _parties(made, arguments, now)
    set_preferences(made, get("preferences") or {})
    return made


def set_preferences(made: Company, wishes: Row) -> Row:
    """Set preferences by name and give all of them. Raises ValueError for an unknown one."""
    known = Preferences.__slots__
    for name, value in wishes.items():
        if name not in known:
            raise ValueError(f"No preference is called {name!r}; there are {', '.join(known)}.")
        setattr(made.preferences, name, Decimal(str(value)) if name == "vat_tolerance" else value)
    return {name: str(v) if isinstance(v := getattr(made.preferences, name), Decimal) else v for name in known}


def merged(rows: list[Row], more: list[Row], key: str) -> list[Row]:
    """The default rows, each overridden by the row of the same key, then the new ones."""
    found = {row[key]: deepcopy(row) for row in rows}
    for row in more:
        found[row[key]] = {**found.get(row[key], {}), **row}
    return list(found.values())


def add_account(made: Company, row: Row, now: datetime) -> Account:
    """Enter one account; `currency` "base" is the company's."""
    chart = made.chart
    currency = chart.base_currency if row.get("currency") == "base" else row.get("currency")
    number = str(row["number"])
    text, kind = row.get("description", number), row.get("type", "Asset")
    account = Account(made.identity(), number, text, kind, now, made.stamp())
    account.active, account.currency, account.cash = row.get("active", True), currency, row.get("cash", False)
    account.control_module, account.manual = row.get("control_module", ""), row.get("manual", True)
    account.tax_category, account.net_income = row.get("tax_category", ""), row.get("net_income", False)
    chart.accounts[account.number] = account
    return account


def _guid(random: Random) -> str:
    return str(UUID(int=random.getrandbits(128), version=4))


def _money(made: Company, arguments: Row, now: datetime) -> None:
    chart = made.chart
    for row in content.CURRENCIES:
        chart.currencies[row["id"]] = (row["description"], row["symbol"], row["decimals"])
    if chart.base_currency not in chart.currencies:
        raise ValueError(f"Base currency {chart.base_currency!r} is not among {', '.join(chart.currencies)}.")
    base = Decimal(content.SEK_FOR_ONE[chart.base_currency])
    start = date(now.year - 2, 1, 1)
    for currency, value in content.SEK_FOR_ONE.items():
        if currency != chart.base_currency:
            chart.rates[currency] = [(start, round(Decimal(value) / base, 8))]
    for row in arguments.get("rates") or []:
        listed = chart.rates.setdefault(row["currency"], [])
        listed.append((date.fromisoformat(row["from"]), Decimal(str(row["rate"]))))
        listed.sort()


def _accounts(made: Company, arguments: Row, now: datetime) -> None:
    for row in merged(content.ACCOUNTS, arguments.get("accounts") or [], "number"):
        add_account(made, row, now)
    made.chart.defaults = {**content.DEFAULTS, **(arguments.get("defaults") or {})}


def _dimensions(made: Company, arguments: Row, now: datetime) -> None:
    for row in merged(content.SEGMENTS, arguments.get("segments") or [], "id"):
        segment = Segment(row["id"], row["description"], row["length"], made.guid(), now, made.stamp())
        for value in row["values"]:
            segment.values[value["value"]] = SegmentValue(
                value["value"], value.get("description", ""), made.guid(), now, made.stamp(), value.get("active", True)
            )
        made.chart.segments[segment.id] = segment
    made.chart.default_segments = tuple(next(iter(segment.values)) for segment in made.chart.segments.values())
    automatic, made.preferences.auto_create_subaccounts = made.preferences.auto_create_subaccounts, True
    combination(made, made.chart.default_segments)
    made.preferences.auto_create_subaccounts = automatic


def _cash(made: Company, arguments: Row, now: datetime) -> None:
    chart = made.chart
    sub = chart.subaccounts[chart.default_segments]
    given = {row["number"]: row.get("methods") for row in arguments.get("accounts") or []}
    for account in chart.accounts.values():
        if not account.cash:
            continue
        methods = given.get(account.number) or content.METHODS_OF_CASH.get(account.number[:2], ["CARD", "BANK"])
        currency = account.currency or chart.base_currency
        cash = CashAccount(account.number, account.description, account, sub, currency, frozenset(methods), now)
        chart.cash_accounts[cash.number] = cash
        chart.cash_by_account.setdefault(account.number, []).append(cash)


def _vat(made: Company, arguments: Row, now: datetime) -> None:
    chart = made.chart
    for row in merged(content.CATEGORIES, arguments.get("categories") or [], "id"):
        chart.categories[row["id"]] = VatCategory(row["id"], row.get("description", ""), now, row.get("active", True))
    for row in merged(content.ZONES, arguments.get("zones") or [], "id"):
        chart.zones[row["id"]] = VatZone(row["id"], row.get("description", ""), row.get("default_category", ""))
    for row in merged(content.VATS, arguments.get("vats") or [], "id"):
        rates = row.get("rates") or [{"from": "2000-01-01", "rate": row.get("rate", "0")}]
        chart.vats[row["id"]] = Vat(
            row["id"], row.get("description", ""), chart.accounts.get(row.get("payable", "")),
            chart.accounts.get(row.get("claimable", content.CLAIMABLE)),
            sorted((date.fromisoformat(rate["from"]), Decimal(str(rate["rate"]))) for rate in rates),
            frozenset(row.get("categories", ())), frozenset(row.get("zones", ())), now, row.get("reverse", False),
            date.fromisoformat(row["not_valid_after"]) if row.get("not_valid_after") else None,
        )  # fmt: skip


def _organization(made: Company, now: datetime) -> None:
    chart = made.chart
    ids = {"corporateId": "5569998887", "vatRegistrationId": "SE556999888701", "modified": now}
    chart.ledgers["1"] = {
        "id": 1, "number": "1", "description": "Actual ledger", "balanceType": "Actual",
        "currency": chart.base_currency, "modified": now,
    }  # fmt: skip
    zone = next(iter(chart.zones))
    chart.branches["1"] = {"id": 1, "number": "1", "name": made.name, "main": True, "vatZone": zone, **ids}
    chart.organizations["1"] = {"number": "1", "name": made.name, "stamp": made.stamp(), **ids}


def set_credit_terms(made: Company, row: Row, now: datetime) -> None:
    """Enter or change credit terms: id, description, days, and any other field by the API's name."""
    known = made.chart.credit_terms.get(row["id"], (row["id"], 0))
    made.chart.credit_terms[row["id"]] = (row.get("description", known[0]), row.get("days", known[1]))
    more = {name: value for name, value in row.items() if name not in ("id", "description", "days")}
    fields = made.chart.credit_term_fields.get(row["id"], {})
    made.chart.credit_term_fields[row["id"]] = {**fields, **more, "lastModifiedDateTime": moment(now)}


def _lists(made: Company, arguments: Row, now: datetime) -> None:
    chart = made.chart
    methods = merged(content.PAYMENT_METHODS, arguments.get("payment_methods") or [], "paymentMethodID")
    chart.payment_methods = {row["paymentMethodID"]: row for row in methods}
    chart.credit_terms = dict(content.CREDIT_TERMS)
    for row in arguments.get("credit_terms") or []:
        set_credit_terms(made, row, now)
    chart.credit_term_fields = {key: {"lastModifiedDateTime": moment(now)} for key in chart.credit_terms} | (
        chart.credit_term_fields
    )
    chart.reason_codes = {code: (number, Decimal(limit)) for code, (number, limit) in content.REASON_CODES.items()}
    for row in arguments.get("reason_codes") or []:
        chart.reason_codes[row["id"]] = (row["account"], Decimal(str(row["limit"])))
    for row in merged(content.SERIES, arguments.get("series") or [], "id"):
        chart.series[row["id"]] = NumberSeries(**row)


def _periods(made: Company, first_month: str) -> None:
    start = date.fromisoformat(f"{first_month}-01")
    for _ in range(_MONTHS):
        end = date(start.year + start.month // 12, start.month % 12 + 1, 1)
        period = Period(f"{start.year:04d}{start.month:02d}", start, end)
        made.chart.periods[period.id] = period
        start = end


def _parties(made: Company, arguments: Row, now: datetime) -> None:
    made.attributes = attributes.seeded(merged(content.ATTRIBUTES, arguments.get("attributes") or [], "id"), now)
    for row in merged(content.CUSTOMERS, arguments.get("customers") or [], "number"):
        made.customers[row["number"]] = _party(made, row, now)
    for row in merged(content.SUPPLIERS, arguments.get("suppliers") or [], "number"):
        made.suppliers[row["number"]] = _party(made, row, now)


def _party(made: Company, row: Row, now: datetime) -> Party:
    currency = row.get("currency", "base")
    currency = made.chart.base_currency if currency == "base" else currency
    zone = row.get("zone") or next(iter(made.chart.zones))
    party = Party(made.identity(), row["number"], row["name"], now, now, made.stamp(), currency, zone)
    party.status, party.terms = row.get("status", "Active"), row.get("terms", "30")
    party.corporate_id, party.vat_registration = row.get("corporate_id", ""), row.get("vat_registration", "")
    if row.get("email"):
        party.places["mainContact"] = {"email": row["email"]}
    party.places |= row.get("places", {})
    party.plain |= row.get("plain", {})
    party.accounts |= row.get("accounts", {})
    lines = [{"attributeId": name, "attributeValue": value} for name, value in row.get("attributes", {}).items()]
    party.attributes = attributes.merged_values(made, {}, lines)
    return party
