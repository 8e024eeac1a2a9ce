"""Reads of the small master data: VAT, currencies, ledgers, periods, branches, cash accounts, terms, series."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from ml_connector_sandbox.core.wire import Response
from ml_connector_sandbox.visma.call import Call, Route, moment, ok
from ml_connector_sandbox.visma.chart import CashAccount, NumberSeries, Period, Vat, VatCategory, VatZone
from ml_connector_sandbox.visma.company import Company, row_version
from ml_connector_sandbox.visma.lists import moment_filter, page_bounds, paged, query_moment, unpaged
from ml_connector_sandbox.visma.refusal import not_found
from ml_connector_sandbox.visma.shown import branch_reference, day, shown_account, shown_subaccount, vat_zone

Row = dict[str, Any]


def routes() -> list[Route]:
    """The operations."""
    pairs: list[tuple[str, Callable[[Call], list[Row]], str]] = [
        ("/v1/vat", _vats, "vatId"),
        ("/v1/vatCategory", _categories, "vatCategoryId"),
        ("/v1/vatZone", _zones, "id"),
        ("/v1/currency", _currencies, "id"),
        ("/v1/ledger", _ledgers, ""),
        ("/v1/financialPeriod", _periods, ""),
        ("/v1/branch", _branches, "number"),
        ("/v1/organization", _organizations, "organizationCd"),
        ("/v1/cashaccount", _cash_accounts, "number"),
        ("/v1/paymentmethod", _payment_methods, "paymentMethodID"),
        ("/v1/numberSequence", _series, "numberingId"),
        ("/v1/customer/customerClass", _customer_classes, "id"),
        ("/v1/supplier/supplierClass", _supplier_classes, "id"),
    ]
    made = [Route("GET", path, _listing(rows)) for path, rows, _ in pairs]
    made += [Route("GET", path + "/{key}", _single(rows, key, path)) for path, rows, key in pairs if key]
    return [
        *made,
        Route("GET", "/v1/financialPeriod/{key}", _period),
        Route("GET", "/v2/currencyrate", _rates),
        Route("GET", "/v1/creditTerm", _credit_terms),
        Route("GET", "/v1/firstTimeStartup/status", _startup),
    ]


def _listing(rows: Callable[[Call], list[Row]]) -> Callable[[Call], Response]:
    return lambda call: ok(rows(call))


def _single(rows: Callable[[Call], list[Row]], key: str, path: str) -> Callable[[Call], Response]:
    def read(call: Call) -> Response:
        wanted = call.values["key"]
        call.query = {name: value for name, value in call.query.items() if name.startswith("expand")}
        call.query["pageSize"] = "1000000"
        for row in rows(call):
            if str(row[key]).lower() == wanted.lower():
                return ok({name: value for name, value in row.items() if name != "metadata"})
        raise not_found(path.rsplit("/", 1)[1], wanted)

    return read


def _vats(call: Call) -> list[Row]:
    keep = moment_filter(call, "lastModifiedDateTime")
    vats = [vat for vat in call.company.chart.vats.values() if keep is None or keep(vat.modified)]
    return unpaged(call, vats, lambda vat: _vat(call.company, vat))


def _vat(company: Company, vat: Vat) -> Row:
    chart = company.chart
    accounts: Row = {}
    sub = {"active": True, "id": "-".join(chart.default_segments), "description": ""}
    if vat.payable is not None:
        accounts |= {"vatPayableAccount": shown_account(vat.payable), "vatPayableSubaccount": sub}
    if vat.claimable is not None:
        accounts |= {"vatClaimableAccount": shown_account(vat.claimable), "vatClaimableSubccount": sub}
    groups = [("Output", vat.payable), ("Input", vat.claimable)]
    row: Row = {
        "vatCategoryId": vat.id,
        "vatId": vat.id,
        "description": vat.description,
        "type": "ReverseVat" if vat.reverse else "Vat",
        "deductibleVat": True,
        "reverseVat": vat.reverse,
        "statisticalVat": False,
        "pendingVat": False,
        "calculateOn": "ItemAmount",
        "lastModifiedDateTime": moment(vat.modified),
        "glAccounts": accounts,
        "schedules": [
            {"startDate": day(start), "vatRate": rate, "deductibleVatRate": 100, "groupType": group}
            for start, rate in vat.rates
            for group, account in groups
            if account is not None
        ],
        "categories": [_category(company, chart.categories[name]) for name in sorted(vat.categories)],
        "zones": [vat_zone(company, name) for name in sorted(vat.zones)],
    }
    if vat.not_valid_after is not None:
        row["notValidAfter"] = day(vat.not_valid_after)
    return row


def _categories(call: Call) -> list[Row]:
    keep = moment_filter(call, "lastModifiedDateTime")
    found = [category for category in call.company.chart.categories.values() if keep is None or keep(category.modified)]
    return unpaged(call, found, lambda category: _category(call.company, category), key="vatCategoryId")


def _category(company: Company, category: VatCategory) -> Row:
    return {
        "vatCategoryId": category.id,
        "description": category.description,
        "active": category.active,
        "excludeListedTaxes": False,
        "lastModifiedDateTime": moment(category.modified),
        "vatCategoryLines": [
            {
                "vatId": vat.id,
                "vendorCd": "",
                "description": vat.description,
                "type": "ReverseVat" if vat.reverse else "Vat",
                "calculateOn": "ItemAmount",
                "vatRates": [
                    {"revisionID": str(n), "vatRate": rate, "groupType": "Output", "startDate": day(start)}
                    for n, (start, rate) in enumerate(vat.rates, 1)
                ],
            }
            for vat in company.chart.vats.values()
            if category.id in vat.categories
        ],
    }


def _zones(call: Call) -> list[Row]:
    def shown(zone: VatZone) -> Row:
        return vat_zone(call.company, zone.id)

    return paged(call, list(call.company.chart.zones.values()), shown)


def _currencies(call: Call) -> list[Row]:
    chart = call.company.chart
    return [_currency(call.company, currency) for currency in chart.currencies]


def _currency(company: Company, currency: str) -> Row:
    description, symbol, decimals = company.chart.currencies[currency]
    return {
        "id": currency,
        "description": description,
        "symbol": symbol,
        "isBaseCurrency": currency == company.chart.base_currency,
        "decimalPrecision": decimals,
        "isUsedForAccounting": True,
    }


def _rates(call: Call) -> Response:
    chart, rows = call.company.chart, []
    bounds = [query_moment(n, call.query[n]).date() if call.query.get(n) else None for n in ("fromDate", "toDate")]
    for block, (currency, listed) in enumerate(chart.rates.items(), 1):
        for number, (start, rate) in enumerate(listed, 1):
            if (bounds[0] and start < bounds[0]) or (bounds[1] and start > bounds[1]):
                continue
            rows.append(
                {
                    "id": block * 1000 + number,
                    "fromCurrencyId": currency,
                    "toCurrencyId": chart.base_currency,
                    "rateType": "SPOT",
                    "rate": rate,
                    "effectiveDate": day(start),
                    "multDiv": "Multiply",
                    "rateReciprocal": round(1 / rate, 8),
                    "timeStamp": row_version(number),
                }
            )
    for name, field in (("fromCurrency", "fromCurrencyId"), ("toCurrency", "toCurrencyId"), ("rateType", "rateType")):
        if call.query.get(name):
            rows = [row for row in rows if row[field] == call.query[name]]
    return ok(rows)


def _ledgers(call: Call) -> list[Row]:
    keep = moment_filter(call, "lastModifiedDateTime")
    rows = [row for row in call.company.chart.ledgers.values() if keep is None or keep(row["modified"])]
    return unpaged(call, rows, _ledger, key="number")


def _ledger(row: Row) -> Row:
    return {
        "internalId": row["id"],
        "number": row["number"],
        "description": row["description"],
        "balanceType": row["balanceType"],
        "currencyId": row["currency"],
        "lastModifiedDateTime": moment(row["modified"]),
    }


def _periods(call: Call) -> list[Row]:
    return unpaged(call, list(call.company.chart.periods.values()), _shown_period)


def _period(call: Call) -> Response:
    period = call.company.chart.periods.get(call.values["key"])
    if period is None:
        raise not_found("Financial period", call.values["key"])
    return ok(_shown_period(period))


def _shown_period(period: Period) -> Row:
    closed = period.closed
    return {
        "year": period.start.year,
        "period": f"{period.start.month:02d}-{period.start.year}",
        "startDate": day(period.start),
        "endDate": day(period.end),
        "description": period.start.strftime("%B %Y"),
        "active": period.active,
        "closedInSupplierLedger": "SupplierLedger" in closed,
        "closedInCustomerLedger": "CustomerLedger" in closed,
        "closedInInventoryManagement": "InventoryManagement" in closed,
        "closedInGeneralLedger": "GeneralLedger" in closed,
        "closedInCashManagement": "CashManagement" in closed,
        "closedInFixedAssets": "FixedAssets" in closed,
    }


def _branches(call: Call) -> list[Row]:
    keep = moment_filter(call, "lastModifiedDateTime")
    rows = [row for row in call.company.chart.branches.values() if keep is None or keep(row["modified"])]
    return unpaged(call, rows, lambda row: _branch(call, row), key="number")


def _branch(call: Call, row: Row) -> Row:
    chart = call.company.chart
    shown: Row = {
        "branchId": row["id"],
        "number": row["number"],
        "name": row["name"],
        "organizationId": 1,
        "isMainBranch": row["main"],
        "isActive": True,
        "lastModifiedDateTime": moment(row["modified"]),
        "corporateId": row["corporateId"],
        "vatRegistrationId": row["vatRegistrationId"],
    }
    if call.flag("expandCurrency"):
        description, symbol, _ = chart.currencies[chart.base_currency]
        shown["currency"] = {"id": chart.base_currency, "description": description, "symbol": symbol}
    if call.flag("expandLedger"):
        ledger = next(iter(chart.ledgers.values()))
        shown["ledger"] = {"id": ledger["number"], "description": ledger["description"]}
    if call.flag("expandVatZone"):
        shown["vatZone"] = {"id": row["vatZone"], "description": chart.zones[row["vatZone"]].description}
    return shown


def _organizations(call: Call) -> list[Row]:
    rows = list(call.company.chart.organizations.values())
    return unpaged(call, rows, lambda row: _organization(call, row), key="organizationCd")


def _organization(call: Call, row: Row) -> Row:
    shown: Row = {
        "organizationCd": row["number"],
        "name": row["name"],
        "organizationType": "Branch",
        "baseCurrency": call.company.chart.base_currency,
        "corporateId": row["corporateId"],
        "vatRegistrationId": row["vatRegistrationId"],
        "currency": _currency(call.company, call.company.chart.base_currency),
        "lastModifiedDateTime": moment(row["modified"]),
        "timeStamp": row_version(row["stamp"]),
    }
    if call.flag("expandBranches"):
        shown["branches"] = [branch_reference(call.company, number) for number in call.company.chart.branches]
    return shown


def _cash_accounts(call: Call) -> list[Row]:
    keep = moment_filter(call, "lastModifiedDateTime")
    rows = [cash for cash in call.company.chart.cash_accounts.values() if keep is None or keep(cash.modified)]
    return unpaged(call, rows, lambda cash: _cash_account(call.company, cash), key="number")


def _cash_account(company: Company, cash: CashAccount) -> Row:
    account = cash.account
    return {
        "number": cash.number,
        "description": cash.description,
        "currency": cash.currency,
        "account": {"type": account.type, "number": account.number, "description": account.description},
        "subaccount": shown_subaccount(company, cash.sub),
        "entryTypes": [],
        "lastModifiedDateTime": moment(cash.modified),
    }


def _payment_methods(call: Call) -> list[Row]:
    rows = list(call.company.chart.payment_methods.values())
    return unpaged(call, rows, lambda row: {**row, "details": []}, key="paymentMethodID")


def _series(call: Call) -> list[Row]:
    branch = next(iter(call.company.chart.branches))

    def shown(series: NumberSeries) -> Row:
        sequence = {
            "numberingId": series.id,
            "branch": branch_reference(call.company, branch),
            "startNbr": series.shown(1),
            "endNbr": series.prefix + "9" * series.width,
            "startDate": "2020-01-01T00:00:00",
            "lastNbr": series.shown(series.last),
            "nbrStep": 1,
            "nextNumber": series.shown(series.last + 1),
        }
        return {
            "numberingId": series.id,
            "description": series.description,
            "manualNumbering": series.manual,
            "newNumberSymbol": "<NEW>",
            "sequence": [sequence],
        }

    return [shown(series) for series in call.company.chart.series.values()]


def _credit_terms(call: Call) -> Response:
    chart, keep = call.company.chart, moment_filter(call, "lastModifiedDateTime")
    terms = [
        {
            "termsId": term_id,
            "description": description,
            "visibleTo": "All",
            "dueDateType": "FixedNumberOfDays",
            "dueDay1": days,
            **chart.credit_term_fields[term_id],
        }
        for term_id, (description, days) in chart.credit_terms.items()
        if call.query.get("termsId", term_id) == term_id
    ]
    if keep is not None:
        terms = [row for row in terms if keep(datetime.fromisoformat(str(row["lastModifiedDateTime"])))]
    start, end, _ = page_bounds(call)
    shown = terms[start:end]
    return ok(
        {"pageNumber": start // (end - start) + 1, "pageSize": end - start, "totalCount": len(terms), "records": shown}
    )


def _customer_classes(call: Call) -> list[Row]:
    return [{"id": "1", "description": "Default", "taxZoneId": "", "requiredTaxzoneId": False, "attributes": []}]


def _supplier_classes(call: Call) -> list[Row]:
    return [{"id": "1", "description": "Default", "attributes": [], "timeStamp": row_version(1)}]


def _startup(call: Call) -> Response:
    return ok({"financials": True, "message": "The first time startup is completed."})
