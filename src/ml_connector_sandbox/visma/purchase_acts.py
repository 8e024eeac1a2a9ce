"""The control verbs of purchasing: what a buyer, a warehouse and a payables clerk do at the screen."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ml_connector_sandbox.core.wire import Request
from ml_connector_sandbox.visma import payables, purchases, seed
from ml_connector_sandbox.visma.call import Call, moment
from ml_connector_sandbox.visma.company import Attachment, Company
from ml_connector_sandbox.visma.refusal import Refusal

if TYPE_CHECKING:
    from ml_connector_sandbox.visma.vendor import Visma

Row = dict[str, Any]
Act = Callable[["Visma", Company, Row, datetime], Any]


def _order(vendor: Visma, company: Company, arguments: Row, at: datetime) -> Row:
    row = _refused_as_nonsense(lambda: purchases.order(company, arguments, company.local(at)))
    return {"number": row["orderNbr"], "type": row["orderType"], "status": row["status"]}


def _change_order(vendor: Visma, company: Company, arguments: Row, at: datetime) -> Row:
    row = purchases.change_order(company, arguments, company.local(at))
    return {"number": row["orderNbr"], "status": row["status"], "lines": [line["lineNbr"] for line in row["lines"]]}


def _receive(vendor: Visma, company: Company, arguments: Row, at: datetime) -> Row:
    row = purchases.receive(company, arguments, company.local(at))
    return {"number": row["receiptNbr"], "lines": [line["lineNbr"] for line in row["lines"]]}


def _change_receipt(vendor: Visma, company: Company, arguments: Row, at: datetime) -> Row:
    row = purchases.change_receipt(company, arguments, company.local(at))
    return {"number": row["receiptNbr"], "status": row["status"]}


def _pay(vendor: Visma, company: Company, arguments: Row, at: datetime) -> Row:
    row = purchases.pay(company, arguments, company.local(at))
    return {"number": row["refNbr"], "amount": str(row["paymentAmount"])}


def _void(vendor: Visma, company: Company, arguments: Row, at: datetime) -> Row:
    voided, voiding = purchases.void(company, arguments, company.local(at))
    return {"number": voided["refNbr"], "by": voiding["type"]}


def _enter_invoice(vendor: Visma, company: Company, arguments: Row, at: datetime) -> Row:
    """A supplier's invoice as somebody types it in: `body` as the API takes it, and a file in base64."""
    request = Request("POST", "/v1/supplierInvoice", "", {}, json.dumps(arguments["body"]).encode())
    call = Call(vendor, company, request, {}, {}, at, company.local(at))
    document = _refused_as_nonsense(lambda: payables.create(call))
    file = arguments.get("file")
    if file:
        kept = Attachment(company.guid(), file["name"], 1, base64.b64decode(file["content"]), "application/pdf")
        company.attachments[kept.id] = kept
        document.attachments.append(kept.id)
    return {"number": document.number, "type": document.kind, "status": document.status}


def _set_terms(vendor: Visma, company: Company, arguments: Row, at: datetime) -> Row:
    row = {name: value for name, value in arguments.items() if name != "tenant_id"}
    seed.set_credit_terms(company, row, company.local(at))
    return {"id": row["id"]}


def _set_supplier(vendor: Visma, company: Company, arguments: Row, at: datetime) -> Row:
    """Change a supplier's status, name, terms, addresses (`places`) or other fields (`plain`)."""
    party = company.suppliers.get(str(arguments.get("number")))
    if party is None:
        raise ValueError(f"There is no supplier {arguments.get('number')!r}.")
    for name in ("name", "status", "terms", "currency", "corporate_id", "vat_registration"):
        setattr(party, name, arguments.get(name, getattr(party, name)))
    party.places |= arguments.get("places") or {}
    party.plain |= arguments.get("plain") or {}
    party.modified, party.stamp = company.local(at), company.stamp()
    company.tell("SupplierChanged", "supplier", party.number)
    return {"number": party.number, "status": party.status, "modified": moment(party.modified)}


def _remove(vendor: Visma, company: Company, arguments: Row, at: datetime) -> Row:
    """Delete a row of the set-up, a supplier, or a supplier invoice that is not released."""
    kind, number = str(arguments.get("kind")), str(arguments.get("number"))
    if kind == "supplierInvoice":
        type_, _, bare = number.partition("/")
        document = company.supplier_documents.get((type_, bare))
        if document is None or document.status not in ("Hold", "Balanced"):
            raise ValueError(f"There is no unreleased supplier invoice {number!r}.")
        del company.supplier_documents[document.key]
        return {"removed": number}
    chart = company.chart
    places: dict[str, Any] = {
        "account": chart.accounts,
        "vatcategory": chart.categories,
        "creditterm": chart.credit_terms,
        "supplier": company.suppliers,
    }
    if kind == "segmentvalue":
        segment, _, number = number.partition("/")
        places[kind] = chart.segments[int(segment)].values
    if kind not in places or number not in places[kind]:
        raise ValueError(f"There is no {kind} {number!r}; kinds are {', '.join(places)}.")
    del places[kind][number]
    return {"removed": number}


def _refused_as_nonsense(act: Callable[[], Any]) -> Any:
    """What the ERP refuses a person makes no sense as an argument either."""
    try:
        return act()
    except Refusal as refusal:
        raise ValueError(refusal.message) from None


VERBS: dict[str, Act] = {
    "order_goods": _order,
    "change_order": _change_order,
    "receive_goods": _receive,
    "change_receipt": _change_receipt,
    "enter_supplier_invoice": _enter_invoice,
    "pay_supplier": _pay,
    "void_supplier_payment": _void,
    "set_credit_terms": _set_terms,
    "set_supplier": _set_supplier,
    "remove": _remove,
}
