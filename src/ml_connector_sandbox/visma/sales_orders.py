"""Sales orders as their own service keeps them: plain bodies, prices and VAT, life from Hold to Completed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from ml_connector_sandbox.visma.bodies import parsed
from ml_connector_sandbox.visma.chart import ZERO
from ml_connector_sandbox.visma.company import Company
from ml_connector_sandbox.visma.document_vat import Tax, taxes
from ml_connector_sandbox.visma.items import SELLABLE
from ml_connector_sandbox.visma.parties import Party
from ml_connector_sandbox.visma.refusal import Refusal
from ml_connector_sandbox.visma.sales_order_fields import LINE, NEW, PATCH, Problem, fitting

Row = dict[str, Any]
TYPES = ("SO", "IN", "QT")
FREE = frozenset({"Hold", "Open", "BackOrder"})  # nothing of it is shipped or invoiced
TEXT = 256
REFERENCE = 40


@dataclass(slots=True)
class OrderLine:
    """One line: what, how many, at which price."""

    number: int
    item: str
    quantity: Decimal
    price: Decimal
    amount: Decimal
    vat: str
    text: str
    shipped: Decimal = ZERO
    billed: Decimal = ZERO


@dataclass(slots=True)
class SalesOrder:
    """One order. `shipments` are rows as the service shows them, with the invoice once there is one."""

    type: str
    number: str
    customer: Party
    date: date
    currency: str
    zone: str
    status: str
    created: datetime
    modified: datetime
    stamp: int
    reference: str = ""  # customerRefNo
    order: str = ""  # customerOrder
    text: str = ""
    note: str = ""
    branch: str = ""
    lines: list[OrderLine] = field(default_factory=list)
    taxes: list[Tax] = field(default_factory=list)
    shipments: list[Row] = field(default_factory=list)

    @property
    def net(self) -> Decimal:
        """The sum of the lines."""
        return sum((line.amount for line in self.lines), ZERO)

    @property
    def vat(self) -> Decimal:
        """The VAT that is charged."""
        return sum((tax.amount for tax in self.taxes if not tax.vat.reverse), ZERO)


def create(company: Company, raw: bytes, at: datetime) -> SalesOrder:
    """Enter an order. Raises Refusal; then nothing has happened."""
    body = fitting(parsed(raw), NEW, "NewSalesOrderCommand")
    wanted = body.get("customer") or {}
    who = company.customers.get(str(wanted.get("id", "")))
    if who is None or who.status not in ("Active", "OneTime"):
        raise Problem(400, "customer.id", f"Customer '{wanted.get('id')}' was not found or is not active.")
    if body.get("type") not in TYPES:
        raise Problem(400, "type", f"Order type '{body.get('type')}' was not found or is not active.")
    if body.get("orderId"):
        raise Problem(400, "orderId", "Manual numbering is not set up for this order type.")
    if body.get("status") not in (None, "", "Open", "Hold"):
        raise Problem(400, "status", "Must be null, empty or one of Open or Hold.")
    order = SalesOrder(
        body["type"], "", who, _day(body.get("date"), company.local(at).date()),
        body.get("currencyId") or who.currency, body.get("taxZoneId") or who.zone, body.get("status") or "Open",
        at, at, 0,
    )  # fmt: skip
    _head(company, order, body)
    for row in body.get("orderLines") or []:
        order.lines.append(_line(company, order, row))
    _priced(company, order)
    order.number, order.stamp = company.chart.series["SOORDER"].take(), company.stamp()
    company.sales_orders[order.type, order.number] = order
    return order


def change(company: Company, order: SalesOrder, raw: bytes, at: datetime) -> None:
    """Change the head of an order that nothing was made of yet. Raises Refusal; then nothing has happened."""
    body = fitting(parsed(raw), PATCH, "PatchSalesOrderCommand")
    _changeable(order)
    if body.get("status") not in (None, "Open", "Hold", "BackOrder"):
        raise Problem(400, "status", "Must be Open, Hold or BackOrder.")
    _head(company, order, body)
    order.status = body.get("status") or order.status
    touched(company, order, at)


def reprice(company: Company, order: SalesOrder, price: Decimal) -> None:
    """Change the price of the first line, as a person does at the screen."""
    line = order.lines[0]
    line.price, line.amount = price, company.chart.rounded(line.quantity * price, order.currency)
    _priced(company, order)


def remove(company: Company, order: SalesOrder) -> None:
    """Delete an order that nothing was made of yet. Raises Refusal."""
    _changeable(order)
    del company.sales_orders[order.type, order.number]


def touched(company: Company, order: SalesOrder, at: datetime) -> None:
    """Note a change."""
    order.modified, order.stamp = at, company.stamp()


def _changeable(order: SalesOrder) -> None:
    if order.status not in FREE or order.shipments:
        raise Refusal(405, f"The order {order.number} has status {order.status} and cannot be changed.")


def _head(company: Company, order: SalesOrder, body: Row) -> None:
    chart, wanted = company.chart, body.get("customer") or {}
    order.reference = _text(wanted, "refNo", order.reference, REFERENCE)
    order.order = _text(wanted, "order", order.order, REFERENCE)
    order.text = _text(body, "description", order.text, TEXT)
    order.note = _text(body, "note", order.note, 4000)
    order.branch = body.get("branchId") or order.branch or next(iter(chart.branches))
    if order.branch not in chart.branches:
        raise Problem(400, "branchId", f"Branch '{order.branch}' was not found.")
    if order.currency not in chart.currencies:
        raise Problem(400, "currencyId", f"Currency '{order.currency}' was not found.")
    if order.zone not in chart.zones:
        raise Problem(400, "taxZoneId", f"Tax zone '{order.zone}' was not found.")


def _line(company: Company, order: SalesOrder, raw: Row) -> OrderLine:
    row = fitting(raw, LINE, "NewSalesOrderLineDto")
    at = f"orderLines[{len(order.lines)}]"
    item = company.items.get(str(row.get("inventoryId", "")).upper())
    if item is None or item.status not in SELLABLE:
        raise Problem(400, f"{at}.inventoryId", f"Item '{row.get('inventoryId')}' was not found or cannot be sold.")
    quantity = Decimal(str(row.get("quantity", 0)))
    if quantity < 0:
        raise Problem(400, f"{at}.quantity", "The quantity must not be negative.")
    price = Decimal(str(row["unitPrice"])) if row.get("unitPrice") is not None else item.price
    vat = row.get("taxCategoryId") or item.vat
    if vat not in company.chart.categories:
        raise Problem(400, f"{at}.taxCategoryId", f"Tax category '{vat}' was not found.")
    amount = company.chart.rounded(quantity * price, order.currency)
    text = _text(row, "description", item.description, TEXT)
    return OrderLine(len(order.lines) + 1, item.number, quantity, price, amount, vat, text)


def _priced(company: Company, order: SalesOrder) -> None:
    rows = [(line.vat, line.amount) for line in order.lines]
    order.taxes = taxes(company.chart, order.zone, rows, order.date, order.currency)
    if order.net + order.vat < 0:
        raise Problem(400, "orderLines", f"The order total is negative: {order.net + order.vat}.")


def _text(body: Row, name: str, known: str, most: int) -> str:
    if name not in body:
        return known
    if len(body[name] or "") > most:
        raise Problem(400, name, f"The field must be a string with a maximum length of {most}.")
    return str(body[name] or "")


def _day(value: str | None, today: date) -> date:
    if not value:
        return today
    try:
        found = datetime.fromisoformat(value)
    except ValueError as error:
        raise Problem(400, "date", f"The JSON value '{value}' could not be converted to a date.") from error
    return (found.astimezone(UTC) if found.tzinfo else found).date()
