"""What approval changes on an invoice that waits in the ledger: its lines replaced, its hold taken off."""

from __future__ import annotations

from typing import Any

from ml_connector.connectors.shapes import Context, Created
from ml_connector.connectors.visma.client import VismaClient, job_of, segment
from ml_connector.connectors.visma.observed import text
from ml_connector.connectors.visma.payloads import number, purchase, segments
from ml_connector.errors import NotFound, Rejected
from ml_connector.finance.invoices import SupplierInvoiceLine
from ml_connector.finance.procurement import LedgerCoding

Body = dict[str, Any]

PATH = "/v1/supplierInvoice/Invoice"
CHANGEABLE = frozenset({"Hold", "Balanced"})
LINE_TEXT = 200


def recode(client: VismaClient, coding: LedgerCoding, context: Context) -> Created:
    """Replace the lines of an unreleased invoice and take it off hold, against the very version that was read. 2 calls.

    Rejected for one that takes no lines any more: prebooked, released, voided.
    """
    path = f"{PATH}/{segment(coding.number)}"
    found = client.row(path, operation=f"GET {PATH}/{{id}}")
    if found is None:
        raise NotFound("Visma has no such supplier invoice.", record=coding.number)
    row, etag = found
    status = text(row.get("status"))
    if status not in CHANGEABLE:
        raise Rejected(
            f"Supplier invoice {coding.number} is {status} and takes no new lines.",
            record=context.key,
            fix="Correct it in Visma by hand, then ignore this.",
        )
    there = [line["lineNumber"] for line in row.get("invoiceLines") or () if type(line.get("lineNumber")) is int]
    headers = {"If-Match": etag} if etag else {}
    answer = client.call(
        "PUT",
        path,
        operation=f"PUT {PATH}/{{id}}",
        headers=headers,
        content=coding_body(coding, there),
        record=context.key,
    )
    etag_now = answer.headers.get("etag")
    return Created(f"Invoice/{coding.number}", coding.number, etag=etag_now, job_id=job_of(answer) or None)


def coding_body(coding: LedgerCoding, there: list[int]) -> Body:
    """All old lines deleted, all new ones inserted behind them."""
    first = max(there, default=0) + 1
    lines: list[Body] = [{"operation": "Delete", "lineNumber": {"value": one}} for one in there]
    for place, line in enumerate(coding.lines):
        lines.append(line_body(line, first + place))
    body: Body = {"hold": {"value": False}, "invoiceLines": lines}
    if coding.pay_selected is not None:
        body["paySelected"] = {"value": coding.pay_selected}
    return body


def line_body(line: SupplierInvoiceLine, position: int) -> Body:
    """One cost line to insert."""
    row: Body = {
        "operation": "Insert",
        "lineNumber": {"value": position},
        "accountNumber": {"value": line.account},
        "transactionDescription": {"value": line.text[:LINE_TEXT]},
        "quantity": {"value": line.quantity if line.quantity is not None else 1},
        "costInCurrency": {"value": number(line.net)},
        "vatCodeId": {"value": line.vat_code},
    }
    if line.dimensions:
        row["subaccount"] = segments(line.dimensions)
    return row | purchase(line)
