"""Inventory items: what a line of a sales order names. People enter them; the API here only shows them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from ml_connector_sandbox.core.wire import Response
from ml_connector_sandbox.visma.call import Call, Route, moment, ok
from ml_connector_sandbox.visma.chart import ZERO
from ml_connector_sandbox.visma.company import Company, row_version
from ml_connector_sandbox.visma.lists import all_pass, moment_filter, paged
from ml_connector_sandbox.visma.refusal import not_found

Row = dict[str, Any]
STATUSES = ("Active", "NoSales", "NoPurchases", "NoRequest", "Inactive", "MarkedForDeletion")
SELLABLE = frozenset({"Active", "NoPurchases", "NoRequest"})
TYPES = (
    "NonStockItem LaborItem ServiceItem ChargeItem ExpenseItem FinishedGoodItem ComponentPartItem SubassemblyItem"
).split()
_STOCKED = frozenset({"FinishedGoodItem", "ComponentPartItem", "SubassemblyItem"})


@dataclass(slots=True)
class Item:
    """One thing or service that is sold: its VAT category and its sales account stand on every line of it."""

    id: int
    number: str
    description: str
    type: str
    status: str
    vat: str
    account: str
    price: Decimal
    unit: str
    modified: datetime
    stamp: int


def routes() -> list[Route]:
    """The operations."""
    return [Route("GET", "/v1/inventory", _list), Route("GET", "/v1/inventory/{number}", _one)]


def set_item(company: Company, wishes: Row, now: datetime) -> Row:
    """Enter an item or change one. Raises ValueError for words the API does not know."""
    number = str(wishes["number"])
    known: Item | None = company.items.get(number.upper())
    item = known or Item(
        company.identity(), number, number, "NonStockItem", "Active", next(iter(company.chart.categories)),
        company.chart.defaults["sales"], ZERO, "PCS", now, 0,
    )  # fmt: skip
    for name in ("description", "type", "status", "vat", "account", "unit"):
        setattr(item, name, str(wishes.get(name, getattr(item, name))))
    item.price = Decimal(str(wishes.get("price", item.price)))
    if item.status not in STATUSES or item.type not in TYPES:
        raise ValueError(f"status is one of {', '.join(STATUSES)}; type is one of {', '.join(TYPES)}.")
    if item.vat not in company.chart.categories or item.account not in company.chart.accounts:
        raise ValueError(f"There is no VAT category {item.vat!r} or no account {item.account!r}.")
    item.modified, item.stamp = now, company.stamp()
    company.items[number.upper()] = item
    return {"number": item.number, "status": item.status}


def shown_item(company: Company, item: Item) -> Row:
    """An item as it is read."""
    return {
        "inventoryId": item.id,
        "inventoryNumber": item.number,
        "status": item.status,
        "type": item.type,
        "description": item.description,
        "vatCode": {"id": item.vat, "description": company.chart.categories[item.vat].description},
        "defaultPrice": item.price,
        "baseUnit": item.unit,
        "salesUnit": item.unit,
        "purchaseUnit": item.unit,
        "stockItem": item.type in _STOCKED,
        "kitItem": False,
        "lastModifiedDateTime": moment(item.modified),
        "timestamp": row_version(item.stamp),
    }


def _one(call: Call) -> Response:
    item = call.company.items.get(call.values["number"].upper())
    if item is None:
        raise not_found("Inventory item", call.values["number"])
    return ok(shown_item(call.company, item))


def _list(call: Call) -> Response:
    query = call.query
    rows = [
        item for item in call.company.items.values()
        if all_pass(item.modified, (moment_filter(call, "lastModifiedDateTime"),))
        and query.get("inventoryNumber", item.number).upper() == item.number.upper()
        and query.get("status", item.status) == item.status
    ]  # fmt: skip
    return ok(paged(call, rows, lambda item: shown_item(call.company, item)))
