"""What the target system checks of matching orders, their lines, codings and goods receipts."""

from __future__ import annotations

from collections.abc import Iterator

from ml_connector_sandbox.basware.lookups import IDENTITY, found, has_code, key_of, order_of
from ml_connector_sandbox.basware.refusals import Json
from ml_connector_sandbox.basware.state import Item, Tenant, World

_CODED = (("accounts", "accountCode"), ("costCenters", "costCenterCode"), ("projects", "projectCode"),
          ("taxCodes", "taxCode"))  # fmt: skip


def check_order(tenant: Tenant, item: Item, before: Json | None) -> None:
    """An order header: its company, element, currency, suppliers and payment term; the four fields that identify it."""
    content = item.content
    company = tenant.companies.get(content["companyCode"])
    if company is None:
        item.fail(f"Company {content['companyCode']} not found")
    elif content["organizationElementCode"] not in company.elements:
        item.fail(f"Organization element {content['organizationElementCode']} not found")
    if content["currencyCode"] not in tenant.currencies:
        item.fail(f"Currency {content['currencyCode']} is not active")
    for name in ("supplierCode", "invoicingSupplierCode"):
        if content.get(name):
            _supplier(tenant, item, content[name], new=before is None)
    term = content.get("paymentTermCode")
    if term and not has_code(tenant, "paymentTerms", term, content["companyCode"]):
        item.fail(f"Payment term {term} not found")
    if before is not None and any(before[name] != content[name] for name in IDENTITY):
        item.fail(f"{', '.join(IDENTITY)} of an order cannot change")
    for other in found(tenant, "matchingOrders", key_of("matchingOrders", content)):
        if other["externalCode"] != item.external_code:
            item.fail(f"Order {content['orderNumber']} exists as externalCode {other['externalCode']}")


def _supplier(tenant: Tenant, item: Item, code: str, *, new: bool) -> None:
    for vendor in found(tenant, "vendors", code):
        companies = {row["companyCode"] for row in vendor["companies"]}
        if item.content["companyCode"] in companies:
            if new and vendor.get("processingStatus", {}).get("active") is False:
                item.fail(f"Supplier {code} is not active")
            return
    item.fail(f"Supplier {code} not found")


def check_line(world: World, tenant: Tenant, item: Item, before: Json | None) -> None:
    """An order line with its codings and receipts. The header must have arrived before it."""
    content = item.content
    order = order_of(tenant, content["orderExternalCode"])
    if order is None:
        item.fail(f"Order {content['orderExternalCode']} not found")
        return
    if before is not None and before["orderExternalCode"] != content["orderExternalCode"]:
        item.fail("A line cannot move to another order")
    if content.get("currencyCode", order["currencyCode"]) != order["currencyCode"]:
        item.fail("The line's currency is not that of its order")
    invoiced = ("invoicedQuantity", "invoicedNetSum", "invoicedGrossSum")
    if tenant.invoiced.get(item.external_code) and any(name in content for name in invoiced):
        item.fail("Invoiced quantities and sums cannot be set after matching")
    _mode(item)
    _siblings(tenant, item)
    _codings(world, tenant, item, order["companyCode"])
    _receipts(item)


def _mode(item: Item) -> None:
    content, mode = item.content, item.content["matchingMode"]
    required, based = content.get("isReceiptRequired") is True, content.get("isReceiptBasedMatching") is True
    if content["quantity"] <= 0:
        item.fail("The quantity must be above 0")
    if mode in ("Blanket", "Service") and content["quantity"] != 1:
        item.fail(f"The quantity of a {mode} line must be 1")
    if mode == "Blanket" and required:
        item.fail("isReceiptRequired is not allowed for Blanket")
    if mode == "Service" and not (required and based):
        item.fail("A Service line needs isReceiptRequired and isReceiptBasedMatching")
    price = content.get("netPrice", content.get("grossPrice"))
    if price is None and "netSum" not in content and "grossSum" not in content:
        item.fail("A line needs a price or a sum, net or gross")
    elif price is not None and (price < 0) != (mode == "Return"):
        item.fail("A Return line has a negative price, another has not")
    if "netPrice" in content and "grossPrice" in content:
        item.fail("A line has a net or a gross price, not both")


def _siblings(tenant: Tenant, item: Item) -> None:
    content = item.content
    for other in found(tenant, "matchingOrderLines", content["orderExternalCode"]):
        if other["externalCode"] == item.external_code:
            continue
        if other["lineNumber"] == content["lineNumber"] and not other.get("isDeleted"):
            item.fail(f"Line number {content['lineNumber']} is in use by externalCode {other['externalCode']}")
        if ("netPrice" in other and "grossPrice" in content) or ("grossPrice" in other and "netPrice" in content):
            item.fail("An order has net or gross prices, not both")


def _codings(world: World, tenant: Tenant, item: Item, company: str) -> None:
    content = item.content
    unknown: list[str] = []
    tax = content.get("taxCode")
    if tax and not has_code(tenant, "taxCodes", tax, company):
        item.fail(f"Tax code {tax} not found")
    for row in _rows(content):
        for resource, name in _CODED:
            if row.get(name) and not has_code(tenant, resource, row[name], company):
                unknown.append(f"{name} {row[name]}")
    for text in dict.fromkeys(unknown):
        if world.knobs.coding_check == "error":
            item.fail(f"Coding: {text} not found")
        elif world.knobs.coding_check == "warning":
            item.warn(f"Coding: {text} not found; the field was not saved")


def _rows(content: Json) -> Iterator[Json]:
    if content["matchingMode"] != "Service":  # the coding of a Service line is ignored
        yield from content.get("orderLineCoding", [])
    for receipt in content.get("goodsReceipts", []):
        yield from receipt.get("receiptCoding", [])


def _receipts(item: Item) -> None:
    receipts = item.content.get("goodsReceipts", [])
    codes = {row["externalCode"]: row for row in receipts}
    if len(codes) < len(receipts):
        item.fail("Two goods receipts have one externalCode")
    for row in receipts:
        reference = row.get("referenceGRExternalCode")
        if row["quantity"] < 0 and not reference:
            item.fail(f"Receipt {row['externalCode']}: a reversal names the receipt it reverses")
        elif reference and reference not in codes:
            item.fail(f"Receipt {row['externalCode']}: receipt {reference} not found")
        elif reference and -row["quantity"] > codes[reference]["quantity"]:
            item.fail(f"Receipt {row['externalCode']} reverses more than was received")
        if row["quantity"] == 0:
            item.fail(f"Receipt {row['externalCode']} has quantity 0")
    received = sum(row["quantity"] for row in receipts if not row.get("isDeleted"))
    over = received > item.content["quantity"] and item.content["matchingMode"] not in ("Blanket", "Service")
    if over and not item.content.get("isOverreceivalAllowed"):
        item.fail(f"{received} were received, {item.content['quantity']} ordered")
