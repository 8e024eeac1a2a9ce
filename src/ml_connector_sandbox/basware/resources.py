"""The record resources as a table: where they live, how a listing is wrapped, what they are called, how many fit."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ml_connector_sandbox.basware import shapes_master as master
from ml_connector_sandbox.basware import shapes_orders as orders
from ml_connector_sandbox.basware.fields import Shape


@dataclass(frozen=True, slots=True)
class Resource:
    """One record resource. `code` is the field that is unique per company beside externalCode ("" for none)."""

    name: str
    wrapper: str
    entity: str
    shape: Shape
    code: str = ""
    post_limit: int = 500
    page_default: int = 500
    page_max: int = 500
    version: str = "V1"
    path: str = ""

    @property
    def base(self) -> str:
        """Its path."""
        return self.path or f"/v1/{self.name}"


RESOURCES = (
    Resource("accounts", "accounts", "Account", master.ACCOUNT, "accountCode"),
    Resource("costCenters", "costCenters", "CostCenter", master.COST_CENTER, "costCenterCode"),
    Resource("lists", "listItems", "GenericList", master.LIST_ITEM, path="/v1/lists/{listKey}"),
    Resource("taxCodes", "taxCodes", "TaxCode", master.TAX_CODE, "taxCode"),
    Resource("paymentTerms", "paymentTerms", "PaymentTerm", master.PAYMENT_TERM, "paymentTermCode"),
    Resource("projects", "projects", "Project", master.PROJECT, "projectCode", version="V2", path="/v2/projects"),
    Resource("exchangeRates", "exchangeRates", "ExchangeRate", master.EXCHANGE_RATE),
    Resource("vendors", "vendorEntities", "Vendor", master.VENDOR, "vendorCode", post_limit=200, page_default=100),
    Resource("matchingOrders", "matchingOrders", "MatchingOrder", orders.ORDER),
    Resource(
        "matchingOrderLines", "matchingOrderLines", "MatchingOrderLine", orders.LINE,
        post_limit=100, page_default=100, page_max=100,
    ),
)  # fmt: skip
BY_NAME = {resource.name: resource for resource in RESOURCES}


@dataclass(frozen=True, slots=True)
class Columns:
    """How many columns of each kind a generic list has, and how long its texts are."""

    texts: int
    numbers: int
    dates: int
    text_length: int = 250


def list_columns(key: str) -> Columns | None:
    """The columns of a generic list; None when there is no such list."""
    found = re.fullmatch(r"(ACC_LIST|INV_LIST|CUST_RESOLVER)_([1-9]\d?)", key)
    if found is None:
        return None
    for kind, first, last, columns in _LISTS:
        if kind == found[1] and first <= int(found[2]) <= last:
            return columns
    return None


_LISTS = (
    ("ACC_LIST", 1, 10, Columns(5, 3, 0)),
    ("ACC_LIST", 11, 20, Columns(5, 3, 0, 50)),
    ("ACC_LIST", 21, 30, Columns(10, 5, 5)),
    ("ACC_LIST", 31, 35, Columns(25, 10, 10)),
    ("INV_LIST", 1, 10, Columns(5, 0, 0)),
    ("INV_LIST", 11, 20, Columns(10, 5, 5)),
    ("CUST_RESOLVER", 1, 5, Columns(15, 15, 15)),
)
