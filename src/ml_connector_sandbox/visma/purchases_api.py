"""Reads of purchasing: purchase orders, purchase receipts, payments to suppliers."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from ml_connector_sandbox.core.wire import Response
from ml_connector_sandbox.visma import purchases
from ml_connector_sandbox.visma.call import Call, Route, ok
from ml_connector_sandbox.visma.lists import all_pass, amount_filter, moment_filter, paged
from ml_connector_sandbox.visma.refusal import Refusal, not_found

RECEIPT_CAP = 500  # the one cap the contract's text names for receipts
RETIRED = datetime(2026, 9, 15, tzinfo=UTC)  # reading receipts by v1 ends
Row = dict[str, Any]


def routes() -> list[Route]:
    """The operations."""
    return [
        Route("GET", "/v1/purchaseorder", _orders),
        Route("GET", "/v1/purchaseorder/{number}", _order),
        Route("GET", "/v1/supplierPayment", _payments),
        Route("GET", "/v1/supplierPayment/{number}", _payment),
        Route("GET", "/v1/supplierPayment/{kind}/{number}", _payment),
        Route("GET", "/v1/PurchaseReceipt", _old_receipts),
        Route("GET", "/v1/PurchaseReceipt/{number}", _old_receipts),
        Route("GET", "/v2/PurchaseReceipt", _receipts),
        Route("GET", "/v2/PurchaseReceipt/{number}", _receipt),
    ]


def _filtered(call: Call, kind: str, names: dict[str, str], times: dict[str, str]) -> list[Row]:
    """The rows whose fields equal the query; `names` maps a query name to a field, dotted into references.

    `times` maps the name of a filter that wants a condition to its field.
    """
    keep = {field: moment_filter(call, name) for name, field in times.items()}
    found = []
    for row in purchases.rows_of(call.company, kind).values():
        if any(
            call.query.get(name) and str(_at(row, field)).lower() != call.query[name].lower()
            for name, field in names.items()
        ):
            continue
        if all(not passing or not row.get(field) or _passes(row[field], passing) for field, passing in keep.items()):
            found.append(row)
    return found


def _passes(written: str, keep: Any) -> bool:
    return all_pass(datetime.fromisoformat(written), (keep,))


def _at(row: Row, field: str) -> Any:
    name, _, inner = field.partition(".")
    value = row.get(name)
    return (value or {}).get(inner) if inner else value


def _beyond(call: Call, rows: Iterable[Row], key: str) -> list[Row]:
    beyond = call.query.get("greaterThanValue")
    return [row for row in rows if not beyond or str(row[key]) > beyond]


def _orders(call: Call) -> Response:
    names = {
        "orderType": "orderType",
        "orderStatus": "status",
        "supplier": "supplier.number",
        "branch": "branch.number",
    }
    times = {"lastModifiedDateTime": "lastModifiedDateTime", "orderDate": "date", "deliveryDate": "promisedOn"}
    rows = _beyond(call, _filtered(call, "purchase_orders", names, times), "orderNbr")
    return ok(paged(call, rows, dict))


def _receipts(call: Call) -> Response:
    names = {
        "receiptType": "receiptType",
        "status": "status",
        "supplier": "supplier.number",
        "branch": "branchNumber.number",
    }
    times = {"lastModifiedDateTime": "lastModifiedDateTime", "receiptDate": "date", "dueDate": "dueDate"}
    rows = _beyond(call, _filtered(call, "purchase_receipts", names, times), "receiptNbr")
    if order := call.query.get("poOrderNbr"):
        rows = [row for row in rows if any(line.get("poOrderNbr") == order for line in row.get("lines", []))]
    with_note = call.flag("expandNote")
    return ok(paged(call, rows, lambda row: dict(row) if with_note else _without_note(row), cap=RECEIPT_CAP))


def _payments(call: Call) -> Response:
    names = {"paymentType": "type", "status": "status", "supplier": "supplier.number", "branch": "branch"}
    times = {"lastModifiedDateTime": "lastModifiedDateTime", "docDate": "applicationDate"}
    rows = _beyond(call, _filtered(call, "supplier_payments", names, times), "refNbr")
    keep = amount_filter(call, "balance")
    rows = [row for row in rows if keep is None or keep(row.get("balance", 0))]
    if number := call.query.get("invoiceRefNbr"):
        rows = [row for row in rows if any(line.get("invoiceRefNbr") == number for line in row.get("paymentLines", []))]
    return ok(paged(call, rows, dict))


def _without_note(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "note"}


def _old_receipts(call: Call) -> Response:
    """The old way of reading receipts."""
    if call.at >= RETIRED:
        raise Refusal(410, "This endpoint is retired. Use version 2.")
    return _receipt(call) if "number" in call.values else _receipts(call)


def _one(call: Call, kind: str, what: str) -> Response:
    row = purchases.numbered(call.company, kind, call.values["number"], call.values.get("kind", ""))
    if row is None:
        raise not_found(what, call.values["number"])
    return ok(row, stamp=int.from_bytes(base64.b64decode(row["timeStamp"]), "big"))


def _order(call: Call) -> Response:
    return _one(call, "purchase_orders", "Purchase order")


def _receipt(call: Call) -> Response:
    return _one(call, "purchase_receipts", "Purchase receipt")


def _payment(call: Call) -> Response:
    return _one(call, "supplier_payments", "Supplier payment")
