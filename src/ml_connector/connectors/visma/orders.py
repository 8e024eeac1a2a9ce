"""Sales orders in the service that keeps them: plain bodies, versions that must be named.

An order is made on hold and taken off hold when it was read back and is as planned: what is in question is not shipped.
The invoice is made there by people. An order is taken back by deleting it, and only while nothing was shipped or
invoiced: the service has no other call for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import ROUND_DOWN, Decimal
from typing import Any

from ml_connector.connectors.http import Answer
from ml_connector.connectors.shapes import Context, Created
from ml_connector.connectors.visma.client import VismaClient, last_segment
from ml_connector.connectors.visma.observed import text
from ml_connector.connectors.visma.orders_reading import ONE, PATH, place_of, shipments, version_of
from ml_connector.connectors.visma.payloads import HEADER_TEXT, LINE_TEXT, REFERENCE_TEXT, known, marked, number
from ml_connector.errors import NotFound, Rejected, UnknownOutcome, UsageError
from ml_connector.finance.invoices import Reversal
from ml_connector.finance.money import Money
from ml_connector.finance.selling import SalesOrder, SalesOrderLine

Body = dict[str, Any]


def create(client: VismaClient, order: SalesOrder, context: Context) -> Created:
    """Enter the order, on hold. One call."""
    operation = f"POST {PATH}"
    content = body(order, token=context.token)
    answer = client.call("POST", PATH, operation=operation, content=content, record=context.key)
    found = _number(answer)
    if not found:
        raise UnknownOutcome(f"{operation} was accepted without naming the new number.", record=context.key)
    return Created(f"{order.type}/{found}", found, etag=answer.headers.get("etag"))


def release(client: VismaClient, context: Context) -> None:
    """Take an order off hold, in the version that was compared. One call; two where no version is known.

    Raises Conflict when somebody changed it since.
    """
    operation = f"PATCH {PATH}/{{type}}/{{id}}"
    version = context.etag
    if not version:
        row = client.row(place_of(context.remote_id), operation=ONE)
        if row is None:
            raise NotFound(f"Visma has no sales order {context.remote_id}.", record=context.key)
        version = row[1] or version_of(row[0])
    client.call("PATCH", place_of(context.remote_id), operation=operation, headers={"If-Match": version},
                content={"status": "Open"}, record=context.key)  # fmt: skip


def cancel(client: VismaClient, content: Reversal, context: Context) -> Created:
    """Delete an order that nothing was made of. Three calls; one where it is gone already."""
    remote_id = f"{content.document_type}/{known(content.number)}"
    made = Created(f"{remote_id}/cancelled", known(content.number))
    row = client.row(place_of(remote_id), operation=ONE)
    if row is None:
        return made
    made_of_it = shipments(client, remote_id)
    if made_of_it:
        numbers = ", ".join(invoice or shipment for shipment, invoice in made_of_it)
        raise Rejected(
            f"Order {remote_id} is shipped or invoiced already ({numbers}).",
            record=context.key,
            fix="Take it back in Visma (a return or a credit note), then answer ignore here.",
        )
    headers = {"If-Match": row[1] or version_of(row[0])}
    client.call("DELETE", place_of(remote_id), operation=f"DELETE {PATH}/{{type}}/{{id}}", headers=headers,
                record=context.key)  # fmt: skip
    return made


def body(order: SalesOrder, *, token: str) -> Body:
    """The order as this service takes it: nothing is wrapped, and nothing empty is sent."""
    return {
        "type": order.type,
        "customer": {"id": known(order.customer), "refNo": token, "order": order.reference[:REFERENCE_TEXT]},
        "date": f"{order.day.isoformat()}T00:00:00",
        "currencyId": order.currency,
        "status": "Hold",
        "description": order.text[:HEADER_TEXT] or order.reference,
        "note": marked(order.source, token),
        **({"branchId": order.branch} if order.branch else {}),
        "orderLines": [row for line in order.lines for row in _rows(line)],
    }


def _rows(line: SalesOrderLine) -> Iterator[Body]:
    """One line, or two where no price of whole cents gives the amount: the last one costs what is left.

    A discount would say it in one, but whether the extended price is before or after it is not documented.
    """
    for quantity, price in prices(line.quantity, line.net):
        yield {
            "inventoryId": line.item,
            "quantity": _plain(quantity),
            "unitPrice": number(price),
            "hasManualPrice": True,
            "hasManualDiscount": True,
            "taxCategoryId": line.vat_code,
            "description": line.text[:LINE_TEXT],
        }


def prices(quantity: Decimal, net: Money) -> list[tuple[Decimal, Money]]:
    """(quantity, price of one) whose products sum to `net` exactly.

    Raises UsageError for part of a unit that no price of whole cents gives.
    """
    each = Decimal(net.minor) / quantity
    if each == each.to_integral_value():
        return [(quantity, Money(int(each), net.currency))]
    if quantity != quantity.to_integral_value() or quantity < 2:
        raise UsageError(f"{net} for {quantity} has no price of whole cents.", record=str(quantity))
    low = int(each.to_integral_value(ROUND_DOWN))
    most = quantity - 1
    return [(most, Money(low, net.currency)), (Decimal(1), Money(net.minor - low * int(most), net.currency))]


def _plain(quantity: Decimal) -> int | Decimal:
    return int(quantity) if quantity == quantity.to_integral_value() else quantity


def _number(answer: Answer) -> str:
    """From the Location, read as text and never called; else as the body says it."""
    location = answer.headers.get("location", "")
    if location:
        return last_segment(location)
    try:
        content = answer.json() if answer.body.strip() else {}
    except ValueError:
        return ""
    return text(content.get("orderId")) if isinstance(content, Mapping) else ""
