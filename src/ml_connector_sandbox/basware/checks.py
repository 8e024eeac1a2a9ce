"""What the target system checks, later: references, codes, sums. Each check notes errors and warnings on the item."""

from __future__ import annotations

from collections.abc import Callable

from ml_connector_sandbox.basware import checks_orders
from ml_connector_sandbox.basware.lookups import found, has_code
from ml_connector_sandbox.basware.refusals import Json
from ml_connector_sandbox.basware.resources import BY_NAME, list_columns
from ml_connector_sandbox.basware.state import Item, Tenant, World
from ml_connector_sandbox.basware.times import day

Check = Callable[[World, Tenant, Item], None]
_ABSENT_IN_P2P = ("VisitingAddress", "RegistrationAddress")
_ID_LENGTH = 32  # of a bank account in P2P


def check(world: World, tenant: Tenant, resource: str, item: Item, before: Json | None) -> None:
    """Everything about one record. `before` is what the target system holds of it."""
    name = resource.partition("/")[0]
    _companies(tenant, item)
    _unique_code(tenant, resource, item)
    if name == "lists":
        _columns(resource.partition("/")[2], item)
    elif name == "matchingOrders":
        checks_orders.check_order(tenant, item, before)
    elif name == "matchingOrderLines":
        checks_orders.check_line(world, tenant, item, before)
    elif name in _CHECKS:
        _CHECKS[name](world, tenant, item)


def _companies(tenant: Tenant, item: Item) -> None:
    codes = [row["companyCode"] for row in item.content.get("companies", [])]
    if "companies" in item.content and not codes:
        item.fail("The record belongs to no company.")
    for code in codes:
        if code not in tenant.companies:
            item.fail(f"Company {code} not found")
    if len(set(codes)) < len(codes):
        item.fail("A company is named twice.")


def _unique_code(tenant: Tenant, resource: str, item: Item) -> None:
    name = BY_NAME[resource.partition("/")[0]].code
    if not name:
        return
    companies = {row["companyCode"] for row in item.content["companies"]}
    for other in found(tenant, resource, item.content[name]):
        if other["externalCode"] == item.external_code:
            continue
        if companies & {row["companyCode"] for row in other["companies"]}:
            item.fail(f"{name} {item.content[name]} is in use by externalCode {other['externalCode']}")


def _account(world: World, tenant: Tenant, item: Item) -> None:
    code = item.content.get("taxCode")
    if code and not has_code(tenant, "taxCodes", code):
        item.fail(f"Tax code {code} not found")


def _payment_term(world: World, tenant: Tenant, item: Item) -> None:
    content = item.content
    if day(content["validFrom"]) > day(content["validTo"]):
        item.fail("validFrom is after validTo")
    if content["validTo"][:10] > world.knobs.max_valid_to:
        item.fail(f"validTo is after {world.knobs.max_valid_to}")
    if content.get("dueDateEom", 0) > 12 or content.get("cashDueDateEom", 0) > 12:
        item.fail("End of month is from 0 to 12")
    if content.get("cashDueDateCalc") == 2 and not content.get("paymentTermDiscountRules"):
        item.fail("cashDueDateCalc 2 needs paymentTermDiscountRules")


def _project(world: World, tenant: Tenant, item: Item) -> None:
    if day(item.content["validFrom"]) > day(item.content["validUntil"]):
        item.fail("validFrom is after validUntil")


def _exchange_rate(world: World, tenant: Tenant, item: Item) -> None:
    pair = (item.content["currencyCodeFrom"], item.content["currencyCodeTo"])
    for code in pair:
        if code not in tenant.currencies:
            item.fail(f"Currency {code} is not active")
    if pair[0] == pair[1] or item.content["rate"] == 0:
        item.fail("A rate converts one currency into another and is not 0")


def _vendor(world: World, tenant: Tenant, item: Item) -> None:
    content = item.content
    term = content.get("paymentTerms", {}).get("paymentTermCode")
    for row in content["companies"]:
        if term and not has_code(tenant, "paymentTerms", term, row["companyCode"]):
            item.fail(f"Payment term {term} not found in company {row['companyCode']}")
    for row in content.get("identifiers", []):
        if tenant.schemes is not None and row["schemeId"] not in tenant.schemes:
            item.fail(f"Identifier scheme {row['schemeId']} is not configured")
    _addresses(item)
    _bank_accounts(tenant, item)


def _addresses(item: Item) -> None:
    codes = [row["externalCode"] for row in item.content.get("addresses", [])]
    if len(set(codes)) < len(codes):
        item.fail("Two addresses have one externalCode")
    for row in item.content.get("addresses", []):
        if row.get("addressType") in _ABSENT_IN_P2P:
            item.warn(f"Address {row['externalCode']} of type {row['addressType']} was not saved")


def _bank_accounts(tenant: Tenant, item: Item) -> None:
    seen: set[tuple[str, str]] = set()
    for mean in item.content.get("paymentMeans", []):
        currency = mean.get("currencyCode")
        if currency and currency not in tenant.currencies:
            item.fail(f"Currency {currency} is not active")
        for account in mean.get("financialAccounts", []):
            institution = account.get("financialInstitution")
            if institution and institution["schemeId"] != "BIC":
                item.fail(f"Bank scheme {institution['schemeId']} is not BIC")
            for row in account.get("financialAccountIdentifiers", []):
                _bank_account(item, row, seen)


def _bank_account(item: Item, row: Json, seen: set[tuple[str, str]]) -> None:
    key = (row["schemeId"], row.get("id", ""))
    if row["schemeId"] not in ("IBAN", "BBAN"):
        item.fail(f"Account scheme {row['schemeId']} is neither IBAN nor BBAN")
    if not 1 <= len(key[1]) <= _ID_LENGTH:
        item.fail(f"A bank account has 1 to {_ID_LENGTH} characters")
    if key in seen:
        item.fail(f"Bank account {key[1]} is there twice")
    seen.add(key)


def _columns(key: str, item: Item) -> None:
    columns = list_columns(key)
    if columns is None:
        item.fail(f"List {key} not found")
        return
    bounds = {"text": columns.texts, "number": columns.numbers, "dateValue": columns.dates}
    for name, value in item.content.items():
        kind, _, n = name.partition("_")
        if kind in bounds and n and int(n) > bounds[kind]:
            item.fail(f"List {key} has no column {name}")
        elif kind == "text" and n and len(value) > columns.text_length:
            item.fail(f"{name} of list {key} has at most {columns.text_length} characters")


_CHECKS: dict[str, Check] = {
    "accounts": _account,
    "paymentTerms": _payment_term,
    "projects": _project,
    "exchangeRates": _exchange_rate,
    "vendors": _vendor,
}
