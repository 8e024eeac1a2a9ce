"""The control verbs of selling: what a warehouse and a clerk do with a sales order at the screen."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ml_connector_sandbox.core.wire import Request
from ml_connector_sandbox.visma import items, receivables, sales_orders
from ml_connector_sandbox.visma.call import Call
from ml_connector_sandbox.visma.company import Company
from ml_connector_sandbox.visma.receivables import CustomerDocument
from ml_connector_sandbox.visma.refusal import Refusal
from ml_connector_sandbox.visma.sales_orders import SalesOrder
from ml_connector_sandbox.visma.shown import day

if TYPE_CHECKING:
    from ml_connector_sandbox.visma.vendor import Visma

Row = dict[str, Any]
Act = Callable[["Visma", Company, Row, datetime], Any]


def _set_item(vendor: Visma, company: Company, arguments: Row, at: datetime) -> Row:
    return items.set_item(company, arguments, company.local(at))


def _set_order(vendor: Visma, company: Company, arguments: Row, at: datetime) -> Row:
    """A person puts an order on hold, or changes the price of its first line (`price`)."""
    order = _order(company, arguments)
    order.status = str(arguments.get("status", order.status))
    if "price" in arguments:
        sales_orders.reprice(company, order, Decimal(str(arguments["price"])))
    sales_orders.touched(company, order, at)
    return {"number": order.number, "status": order.status, "total": str(order.net + order.vat)}


def _ship(vendor: Visma, company: Company, arguments: Row, at: datetime) -> Row:
    """Confirm a shipment of all that is open."""
    order = _order(company, arguments)
    if order.status not in ("Open", "BackOrder"):
        raise ValueError(f"Order {order.number} is {order.status}.")
    for line in order.lines:
        line.shipped = line.quantity
    order.shipments.append({
        "shipmentType": "Issue", "shipmentNo": company.chart.series["SOSHIPMENT"].take(),
        "shipmentDate": day(company.local(at).date()), "shippedQty": sum(line.quantity for line in order.lines),
        "invoiceType": "", "invoiceNo": "", "inventoryDocType": "", "inventoryRefNo": "",
    })  # fmt: skip
    order.status = "Shipping"
    sales_orders.touched(company, order, at)
    return {"shipment": order.shipments[-1]["shipmentNo"]}


def _invoice(vendor: Visma, company: Company, arguments: Row, at: datetime) -> Row:
    """Ship what is open and make the customer invoice of it; released (Open) unless `release` is false."""
    order = _order(company, arguments)
    if not order.shipments:
        _ship(vendor, company, arguments, at)
    if order.shipments[-1]["invoiceNo"]:
        raise ValueError(f"Order {order.number} has an invoice already.")
    call, document = _entered(vendor, company, order, at)
    order.shipments[-1] |= {"invoiceType": "Invoice", "invoiceNo": document.number}
    for line in order.lines:
        line.billed = line.quantity
    order.status = "Completed"
    sales_orders.touched(company, order, at)
    if arguments.get("release", True):
        receivables.release(call, document)
    return {"invoice": document.number, "status": document.status, "total": str(document.total)}


def _entered(vendor: Visma, company: Company, order: SalesOrder, at: datetime) -> tuple[Call, CustomerDocument]:
    known = company.items
    lines = [
        {"operation": "Insert", **_wrapped({
            "inventoryNumber": line.item, "accountNumber": known[line.item.upper()].account, "vatCodeId": line.vat,
            "description": line.text, "quantity": float(line.quantity), "unitPriceInCurrency": float(line.price),
        })}
        for line in order.lines
    ]  # fmt: skip
    header = {
        "customerNumber": order.customer.number, "documentDate": day(company.local(at).date()), "hold": False,
        "currencyId": order.currency, "customerRefNumber": order.reference, "invoiceText": order.text,
        "dontPrint": True, "dontEmail": True,
    }  # fmt: skip
    body = json.dumps({**_wrapped(header), "invoiceLines": lines}).encode()
    call = Call(vendor, company, Request("POST", "/v2/customerinvoice", "", {}, body), {}, {}, at, company.local(at))
    try:
        document = receivables.create(call, "Invoice")
    except Refusal as refusal:
        raise ValueError(refusal.message) from refusal
    document.more["order"] = (order.type, order.number, order.shipments[-1]["shipmentNo"])
    return call, document


def _shown(vendor: Visma, company: Company, arguments: Row, at: datetime) -> list[Row]:
    """Every order, for those who count them."""
    return [
        {"type": one.type, "number": one.number, "status": one.status, "customer": one.customer.number,
         "reference": one.reference, "order": one.order, "total": str(one.net + one.vat), "vat": str(one.vat),
         "lines": [[line.item, str(line.quantity), str(line.price), line.vat] for line in one.lines],
         "invoices": [row["invoiceNo"] for row in one.shipments]}
        for one in company.sales_orders.values()
    ]  # fmt: skip


def _order(company: Company, arguments: Row) -> SalesOrder:
    found: SalesOrder | None = company.sales_orders.get((arguments.get("type", "SO"), str(arguments.get("number"))))
    if found is None:
        raise ValueError(f"There is no sales order {arguments.get('number')!r}.")
    return found


def _wrapped(fields: Row) -> Row:
    return {name: {"value": value} for name, value in fields.items()}


VERBS: dict[str, Act] = {
    "set_item": _set_item,
    "set_sales_order": _set_order,
    "ship_sales_order": _ship,
    "invoice_sales_order": _invoice,
    "sales_orders": _shown,
}
