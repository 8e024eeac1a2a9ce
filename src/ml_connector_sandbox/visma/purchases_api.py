"""Reads that are seeded, not entered: purchase orders, purchase receipts, supplier payments."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ml_connector_sandbox.core.wire import Response
from ml_connector_sandbox.visma.call import Call, Route, ok
from ml_connector_sandbox.visma.company import Company
from ml_connector_sandbox.visma.lists import all_pass, moment_filter, paged
from ml_connector_sandbox.visma.refusal import not_found

RECEIPT_CAP = 500  # the one cap the contract's text names for receipts
Row = dict[str, Any]


def routes() -> list[Route]:
    """The operations."""
    made = [
        Route("GET", "/v1/purchaseorder", _orders),
        Route("GET", "/v1/purchaseorder/{number}", _order),
        Route("GET", "/v1/supplierPayment", _payments),
        Route("GET", "/v1/supplierPayment/{number}", _payment),
        Route("GET", "/v1/supplierPayment/{kind}/{number}", _payment),
    ]
    for version in ("v1", "v2"):
        made.append(Route("GET", f"/{version}/PurchaseReceipt", _receipts))
        made.append(Route("GET", f"/{version}/PurchaseReceipt/{{number}}", _receipt))
    return made


def _filtered(call: Call, rows: dict[str, Row], names: dict[str, str]) -> list[Row]:
    """The rows whose fields equal the query; `names` maps a query name to a field, dotted into references."""
    keep = moment_filter(call, "lastModifiedDateTime")
    found = []
    for row in rows.values():
        if any(
            call.query.get(name) and str(_at(row, field)).lower() != call.query[name].lower()
            for name, field in names.items()
        ):
            continue
        if "lastModifiedDateTime" in row and not all_pass(datetime.fromisoformat(row["lastModifiedDateTime"]), (keep,)):
            continue
        found.append(row)
    return found


def _at(row: Row, field: str) -> Any:
    name, _, inner = field.partition(".")
    value = row.get(name)
    return (value or {}).get(inner) if inner else value


def _orders(call: Call) -> Response:
    names = {
        "orderType": "orderType",
        "orderStatus": "status",
        "supplier": "supplier.number",
        "branch": "branch.number",
    }
    return ok(paged(call, _filtered(call, call.company.purchase_orders, names), dict))


def _receipts(call: Call) -> Response:
    names = {"receiptType": "receiptType", "status": "status", "supplier": "supplier.number"}
    rows = _filtered(call, call.company.purchase_receipts, names)
    if order := call.query.get("poOrderNbr"):
        rows = [row for row in rows if any(line.get("poOrderNbr") == order for line in row.get("lines", []))]
    return ok(paged(call, rows, dict, cap=RECEIPT_CAP))


def _payments(call: Call) -> Response:
    names = {"paymentType": "type", "status": "status", "supplier": "supplier.number", "branch": "branch"}
    rows = _filtered(call, call.company.supplier_payments, names)
    if number := call.query.get("invoiceRefNbr"):
        rows = [row for row in rows if any(line.get("invoiceRefNbr") == number for line in row.get("paymentLines", []))]
    return ok(paged(call, rows, dict))


def _one(call: Call, rows: dict[str, Row], what: str) -> Response:
    row = rows.get(call.values["number"])
    if row is None:
        raise not_found(what, call.values["number"])
    return ok(row)


def _order(call: Call) -> Response:
    return _one(call, call.company.purchase_orders, "Purchase order")


def _receipt(call: Call) -> Response:
    return _one(call, call.company.purchase_receipts, "Purchase receipt")


def _payment(call: Call) -> Response:
    return _one(call, call.company.supplier_payments, "Supplier payment")


def seeded(company: Company, kind: str, rows: list[Row]) -> int:
    """Put rows as the API shows them into the company. Raises ValueError for an unknown kind or a missing number."""
    places = {
        "purchase_orders": (company.purchase_orders, "orderNbr"),
        "purchase_receipts": (company.purchase_receipts, "receiptNbr"),
        "supplier_payments": (company.supplier_payments, "refNbr"),
    }
    if kind not in places:
        raise ValueError(f"Cannot seed {kind!r}; there are {', '.join(places)}.")
    place, key = places[kind]
    for row in rows:
        if not row.get(key):
            raise ValueError(f"A row of {kind} needs {key}.")
        place[str(row[key])] = row
    return len(rows)
