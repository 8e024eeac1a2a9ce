"""The company's set-up as `Chart`: accounts, dimensions, VAT, periods and the rest, one call for each part."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, cast

from ml_connector.connectors.tokens import Now
from ml_connector.connectors.visma.client import VismaClient
from ml_connector.connectors.visma.observed import Row, text
from ml_connector.errors import Untranslatable
from ml_connector.finance.chart import Account, Branch, CashAccount, Chart, CurrencyUse, Ledger, Period, Segment, VatId

DIMENSION = "SUBACCOUNT"  # cost centres, departments... are segments of this one
_CLOSED = {
    "closedInGeneralLedger": "general_ledger",
    "closedInCustomerLedger": "customer_ledger",
    "closedInSupplierLedger": "supplier_ledger",
    "closedInCashManagement": "cash_management",
}


@dataclass(frozen=True, slots=True)
class _Part:
    """One part of the chart: its address, how it is listed and its reading."""

    path: str
    listing: str  # unpaged (read-and-skip), plain (one answer), paged
    parse: Callable[[list[Row]], Any]
    params: Mapping[str, str] = dataclasses.field(default_factory=dict)


def read(client: VismaClient, *, now: Now) -> Chart:
    """Everything, read now: 11 calls, and one more for each further page of a long list."""
    read_at = now.now()
    return Chart(read_at=read_at, **{name: _parsed(name, _rows(client, part)) for name, part in _PARTS.items()})


def read_periods(client: VismaClient) -> tuple[Period, ...]:
    """The financial periods alone. One call."""
    found: tuple[Period, ...] = _parsed("periods", _rows(client, _PARTS["periods"]))
    return found


def _parsed(name: str, rows: list[Row]) -> Any:
    """A part of the chart; rows that cannot be what they should be stop the reading and are named."""
    try:
        return _PARTS[name].parse(rows)
    except (AttributeError, KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise Untranslatable(f"Visma's {name} cannot be read: {error!r}.", field=name) from None


def _rows(client: VismaClient, part: _Part) -> list[Row]:
    params = dict(part.params)
    operation = f"GET {part.path}"
    if part.listing == "paged":
        return client.listed(part.path, params, operation=operation)
    if part.listing == "unpaged":
        return client.unpaged(part.path, params, operation=operation)
    if part.listing == "single":
        found = client.row(part.path, operation=operation, params=params)
        return [] if found is None else [found[0]]
    return client.rows(part.path, operation=operation, params=params)


def accounts(rows: Iterable[Row]) -> dict[str, Account]:
    """GL accounts by number."""
    found = {}
    for row in rows:
        number = text(row.get("accountCD")).strip()
        kind = cast(Any, text(row.get("type")) or "Asset")
        found[number] = Account(
            number=number,
            description=text(row.get("description")),
            type=kind,
            active=bool(row.get("active")),
            manual_entry=row.get("allowManualEntry") is not False,  # absent: the ledger itself will say
            control=text(row.get("controlAccountModule")) or None,
            cash_account=bool(row.get("cashAccount")),
            currency=text(row.get("currency")) or None,
            tax_category=text(row.get("taxCategory")) or None,
        )
    return found


def cash_accounts(rows: Iterable[Row]) -> dict[str, CashAccount]:
    """Cash accounts by number, each with the one subaccount it is kept on."""
    found = {}
    for row in rows:
        number = text(row.get("number")).strip()
        found[number] = CashAccount(
            number=number,
            account=text(row.get("account")).strip(),
            currency=text(row.get("currency")),
            description=text(row.get("description")),
            dimensions=_segment_values(row.get("subaccount")),
        )
    return found


def _segment_values(subaccount: Any) -> tuple[tuple[int, str], ...]:
    if not isinstance(subaccount, Mapping):
        return ()
    values = {
        int(one["segmentId"]): text(one.get("segmentValue"))
        for one in subaccount.get("segments") or ()
        if one.get("segmentId")
    }
    return tuple(sorted((number, value) for number, value in values.items() if value))


def segments(rows: Iterable[Row]) -> dict[int, Segment]:
    """The segments of the subaccount dimension with their values."""
    found = {}
    for dimension in rows:
        for row in dimension.get("segments") or ():
            rows_of_values = row.get("segmentValues") or ()
            values = {text(one.get("valueId")): bool(one.get("active")) for one in rows_of_values}
            names = {text(one.get("valueId")): name for one in rows_of_values if (name := text(one.get("description")))}
            number, length = int(row["segmentId"]), int(row.get("length") or 0)
            auto = bool(row.get("isAutoNumber"))
            found[number] = Segment(number, text(row.get("description")), values, names, length, auto)
    return found


def vat_ids(rows: Iterable[Row]) -> dict[str, VatId]:
    """VAT ids with their rates by day, the categories and zones they serve, and the accounts they book on."""
    found = {}
    for row in rows:
        accounts_of = row.get("glAccounts") or {}
        number, kind = text(row.get("vatId")), text(row.get("type"))
        found[number] = VatId(
            id=number,
            description=text(row.get("description")),
            type=kind,
            rates=_rates(row.get("schedules") or ()),
            categories=tuple(text(one.get("vatCategoryId")) for one in row.get("categories") or ()),
            zones=tuple(text(one.get("id")) for one in row.get("zones") or ()),
            payable_account=text(accounts_of.get("vatPayableAccount")).strip() or None,
            claimable_account=text(accounts_of.get("vatClaimableAccount")).strip() or None,
            reverse=bool(row.get("reverseVat")) or kind == "ReverseVat",
            not_after=_date(row.get("notValidAfter")),
        )
    return found


def _rates(schedules: Iterable[Row]) -> tuple[tuple[date, Decimal], ...]:
    """Rates by their first day, in order; where a day has an output and an input rate, the output one."""
    found: dict[date, tuple[bool, Decimal]] = {}
    for row in schedules:
        start, rate = _date(row.get("startDate")) or date.min, row.get("vatRate")
        output = text(row.get("groupType")) != "Input"
        if rate is not None and (start not in found or (output and not found[start][0])):
            found[start] = (output, Decimal(str(rate)))
    return tuple((start, rate) for start, (_, rate) in sorted(found.items()))


def vat_codes(rows: Iterable[Row]) -> dict[str, bool]:
    """VAT categories, True where active."""
    return {text(row.get("vatCategoryId")): row.get("active") is not False for row in rows}


def periods(rows: Iterable[Row]) -> tuple[Period, ...]:
    """Periods in order. Adjustment periods (no day of their own) are left out: no day belongs to them."""
    dated = [
        (start, row) for row in rows if (start := _date(row.get("startDate"))) and start != _date(row.get("endDate"))
    ]
    dated.sort(key=lambda pair: pair[0])
    counted: dict[int, int] = {}
    found = []
    for start, row in dated:
        year = int(row.get("year") or start.year)
        counted[year] = counted.get(year, 0) + 1
        closed = frozenset(name for field, name in _CLOSED.items() if row.get(field))
        found.append(
            Period(_period_id(text(row.get("period")), year, counted[year]), start, bool(row.get("active")), closed)
        )
    return tuple(found)


def _period_id(written: str, year: int, position: int) -> str:
    """YYYYPP from however the period is written: with the year before or after it, alone, or not readable at all."""
    digits = "".join(letter for letter in written if letter.isdigit())
    if len(digits) == 6 and digits.startswith(str(year)):
        return digits
    if len(digits) == 6 and digits.endswith(str(year)):
        return f"{year:04d}{digits[:2]}"
    if 0 < len(digits) <= 2:
        return f"{year:04d}{int(digits):02d}"
    return f"{year:04d}{position:02d}"


def branches(rows: Iterable[Row]) -> dict[str, Branch]:
    """Branches by number."""
    found = {}
    for row in rows:
        number = text(row.get("number")).strip()
        currency = text(row.get("currency")) or None
        found[number] = Branch(
            number, text(row.get("name")), bool(row.get("isActive")), bool(row.get("isMainBranch")), currency
        )
    return found


def ledgers(rows: Iterable[Row]) -> dict[str, Ledger]:
    """Ledgers by number."""
    return {
        text(row.get("number")).strip(): Ledger(
            text(row.get("number")).strip(),
            text(row.get("description")),
            text(row.get("balanceType")),
            text(row.get("currencyId")) or None,
        )
        for row in rows
    }


def currencies(rows: Iterable[Row]) -> dict[str, CurrencyUse]:
    """The currencies the company keeps books in, and its own."""
    found = {}
    for row in rows:
        base = bool(row.get("isBaseCurrency"))
        if base or row.get("isUsedForAccounting") is not False:
            precision = row.get("decimalPrecision")
            found[text(row.get("id"))] = CurrencyUse(
                text(row.get("id")), base, 2 if precision is None else int(precision)
            )
    return found


def payment_methods(rows: Iterable[Row]) -> dict[str, bool]:
    """Payment methods, True where active."""
    return {text(row.get("paymentMethodID")).strip(): bool(row.get("active")) for row in rows}


def vat_zones(rows: Iterable[Row]) -> tuple[str, ...]:
    """VAT zones."""
    return tuple(text(row.get("id")) for row in rows)


_PARTS: dict[str, _Part] = {
    "accounts": _Part("/v1/account", "unpaged", accounts),
    "cash_accounts": _Part("/v1/cashaccount", "unpaged", cash_accounts),
    "segments": _Part(f"/v1/dimension/{DIMENSION}", "single", segments, params={"expandSegmentsValues": "true"}),
    "vat_ids": _Part("/v1/vat", "unpaged", vat_ids),
    "vat_codes": _Part("/v1/vatCategory", "unpaged", vat_codes),
    "vat_zones": _Part("/v1/vatZone", "paged", vat_zones),
    "periods": _Part("/v1/financialPeriod", "plain", periods),
    "branches": _Part("/v1/branch", "plain", branches, params={"expandCurrency": "true", "expandLedger": "true"}),
    "ledgers": _Part("/v1/ledger", "unpaged", ledgers),
    "currencies": _Part("/v1/currency", "plain", currencies),
    "payment_methods": _Part("/v1/paymentmethod", "unpaged", payment_methods),
}


@dataclass(frozen=True, slots=True)
class ConfigurationFacts:
    """What a doctor can read of a company; `asked` is what no call tells and a person has to answer."""

    chart: Chart
    organisations: Mapping[str, str]
    number_series: Mapping[str, bool]  # name -> manual numbering allowed; which document uses which is not readable
    rates: Mapping[str, Decimal]  # currency -> rate to base currency in force today
    asked: tuple[str, ...]


ASKED = (
    "Which number series serves journals, invoices, credit notes, payments and supplier invoices.",
    "GL preferences (GL102000): is 'automatically post on release' on? Otherwise released batches stay Unposted.",
    "GL preferences: 'hold batches on entry' and 'validate batch control totals'.",
    "Approvals on customer and supplier documents.",
    "Invoice rounding: it must be off, else Visma's total differs from the source's.",
    "The reason code and limit for write-offs.",
    "Payment methods: their use for customers together with each cash account.",
    "Customers: may the currency be overridden on a document?",
    "Subaccounts: does Visma make a new combination of segment values by itself? Else create those of the rules.",
    "The account for prebooking supplier invoices.",
    "The 'Webhook notification' boxes on the entities' preference screens.",
)


def configuration_facts(client: VismaClient, *, now: Now) -> ConfigurationFacts:
    """The chart and three more lists: organisations, number series, today's rates. 14 or 15 calls."""
    chart = read(client, now=now)
    organisations = client.rows("/v1/organization", operation="GET /v1/organization")
    series = client.rows("/v1/numberSequence", operation="GET /v1/numberSequence")
    return ConfigurationFacts(
        chart=chart,
        organisations={text(row.get("organizationCd")).strip(): text(row.get("name")) for row in organisations},
        number_series={text(row.get("numberingId")): bool(row.get("manualNumbering")) for row in series},
        rates=_rates_in_force(client, chart, today=now.now().date()),
        asked=ASKED,
    )


def _rates_in_force(client: VismaClient, chart: Chart, *, today: date) -> dict[str, Decimal]:
    """Rates stand for the days they changed on: a month back, and all of them only when a currency has none there."""
    found: dict[str, Decimal] = {}
    for since in ({"fromDate": (today - timedelta(days=31)).isoformat()}, {}):
        params = {**since, "toDate": today.isoformat()}
        rows = client.rows("/v2/currencyrate", operation="GET /v2/currencyrate", params=params)
        found = _rates_today(rows, base=chart.base_currency, today=today) | found
        if set(chart.currencies) - {chart.base_currency} <= set(found):
            return found
    return found


def _rates_today(rows: Iterable[Row], *, base: str | None, today: date) -> dict[str, Decimal]:
    newest: dict[str, tuple[date, Decimal]] = {}
    for row in rows:
        start, rate, currency = _date(row.get("effectiveDate")), row.get("rate"), text(row.get("fromCurrencyId"))
        if start is None or rate is None or start > today or text(row.get("toCurrencyId")) != base:
            continue
        value = Decimal(str(rate))
        if text(row.get("multDiv")).lower().startswith("d") and value:
            value = 1 / value
        if currency not in newest or start >= newest[currency][0]:
            newest[currency] = (start, value)
    return {currency: rate for currency, (_, rate) in newest.items()}


def _date(value: Any) -> date | None:
    try:
        return date.fromisoformat(value[:10]) if isinstance(value, str) and value else None
    except ValueError:
        return None
