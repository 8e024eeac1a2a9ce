"""The verbs around documents: invoices out of orders or out of nothing, and what people do with them in P2P."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from ml_connector_sandbox.basware import documents, invoicing
from ml_connector_sandbox.basware.documents import Document
from ml_connector_sandbox.basware.invoicing import Draft, Terms, cents, cost_row
from ml_connector_sandbox.basware.lookups import IDENTITY, found
from ml_connector_sandbox.basware.refusals import Json
from ml_connector_sandbox.basware.state import Company, Tenant, World
from ml_connector_sandbox.core.instants import day_of

KINDS = (
    "plain", "exact", "over_price", "partial", "credit_note", "foreign_currency", "unknown_cost_center", "bad_sum",
)  # fmt: skip
_BAD_SUM = Decimal("10.00")  # by how much header and rows of such a document disagree


def invoice(world: World, arguments: Json, now: int) -> Json:
    """Documents of a kind, one or `n` alike; plain ones need no order."""
    tenant, kind = world.tenant(arguments.get("tenant_id")), str(arguments.get("kind", "plain"))
    if kind not in KINDS:
        raise ValueError(f"No kind {kind}: use one of {', '.join(KINDS)}.")
    n = int(arguments.get("n", 1))
    made = [_one(world, tenant, kind, arguments, now) for _ in range(n)]
    return shown(made[0]) if n == 1 else {"invoice_ids": [document.id for document in made]}


def invoice_orders(world: World, arguments: Json, now: int) -> Json:
    """A document for each order that has something open, kinds in turn."""
    tenant = world.tenant(arguments.get("tenant_id"))
    kinds = tuple(arguments.get("kinds", ("exact",)))
    made: list[Json] = []
    for order in list(tenant.known("matchingOrders")):
        wanted = {"order_external_code": order["externalCode"]}
        try:
            made.append(shown(_one(world, tenant, kinds[len(made) % len(kinds)], arguments | wanted, now)))
        except ValueError:  # nothing open on that order
            continue
    return {"invoices": made}


def _one(world: World, tenant: Tenant, kind: str, arguments: Json, now: int) -> Document:
    draft = _plain(tenant, arguments, now)
    if arguments.get("order_number") or arguments.get("order_external_code"):
        _from_order(tenant, draft, kind, arguments)
    elif kind in ("exact", "over_price", "partial"):
        raise ValueError(f"An invoice of kind {kind} needs order_number or order_external_code.")
    else:
        draft.rows = [_cost_row(tenant, row) for row in arguments.get("rows", [arguments])]
    if kind == "unknown_cost_center":
        draft.rows = [row | {"costCenterCode": tenant.accounts["unknown_cost_center"]} for row in draft.rows]
    if kind == "credit_note" and draft.rows and draft.rows[0]["netTotal"] > 0:
        draft.rows = [_negative(row) for row in draft.rows]
    draft.kind = kind
    off = _BAD_SUM if kind == "bad_sum" else Decimal(0)
    draft.net = sum((row["netTotal"] for row in draft.rows), Decimal(0)) + off
    draft.gross = sum((row["grossTotal"] for row in draft.rows), Decimal(0)) + off
    if not draft.rows:
        raise ValueError("Nothing is open to invoice.")
    return invoicing.draw_up(world, tenant, draft, now)


def _plain(tenant: Tenant, arguments: Json, now: int) -> Draft:
    company = _company(tenant, arguments)
    rate = Decimal(str(arguments.get("rate", "10.00" if _foreign(arguments) else "1")))
    currency = str(arguments.get("currency") or (_other(tenant, company) if _foreign(arguments) else company.currency))
    due = day_of(now) + timedelta(days=int(arguments.get("due_days", 30)))
    code = str(arguments.get("supplier_code", ""))
    vendor = next(found(tenant, "vendors", code) if code else tenant.known("vendors"), None)
    return Draft(
        company, status=_first_status(arguments), supplier_code=code or (vendor["vendorCode"] if vendor else ""),
        supplier_name=str(arguments.get("supplier_name") or (vendor["name"] if vendor else "Supplier")),
        currency=currency, number=str(arguments.get("invoice_number", "")), rate=rate,
        invoice_date=str(arguments.get("invoice_date", "")), due_date=due.isoformat(),
        bum_id=str(arguments.get("bumid", "")), type_code=str(arguments.get("type_code", "")),
        payment_block=bool(arguments.get("payment_block", False)), reference=str(arguments.get("reference", "")),
        fields=dict(arguments.get("fields", {})),
    )  # fmt: skip


def _first_status(arguments: Json) -> str:
    status = str(arguments.get("status", "WaitingForPrebook" if arguments.get("prebook") else "WaitingForTransfer"))
    if status not in documents.STATES:
        raise ValueError(f"No state {status}.")
    return status


def _foreign(arguments: Json) -> bool:
    return arguments.get("kind") == "foreign_currency"


def _other(tenant: Tenant, company: Company) -> str:
    return min(tenant.currencies - {company.currency})


def _company(tenant: Tenant, arguments: Json) -> Company:
    code = arguments.get("company_code")
    if code is None:
        return next(iter(tenant.companies.values()))
    if code not in tenant.companies:
        raise ValueError(f"No company {code}: there are {', '.join(tenant.companies)}.")
    return tenant.companies[code]


def _from_order(tenant: Tenant, draft: Draft, kind: str, arguments: Json) -> None:
    order = _order(tenant, arguments)
    draft.company = tenant.companies[order["companyCode"]]
    draft.element = order["organizationElementCode"]
    draft.supplier_code = str(order.get("invoicingSupplierCode") or order["supplierCode"])
    vendor = next(found(tenant, "vendors", draft.supplier_code), None)
    draft.supplier_name = vendor["name"] if vendor else draft.supplier_name
    draft.payment_term = str(order.get("paymentTermCode") or "")
    per_rate = Decimal(1)
    if kind == "foreign_currency" and order["currencyCode"] == draft.company.currency:
        per_rate = draft.rate
    else:
        draft.currency = order["currencyCode"]
        foreign = draft.currency != draft.company.currency
        draft.rate = Decimal(str(arguments.get("rate", "10.00"))) if foreign else Decimal(1)
    terms = Terms(
        price=1 + Decimal(str(arguments.get("percent", 10 if kind == "over_price" else 0))) / 100,
        share=Decimal(str(arguments.get("share", "0.5" if kind == "partial" else "1"))),
        credit=kind == "credit_note", per_rate=per_rate,
    )  # fmt: skip
    draft.rows = invoicing.rows_of_order(tenant, order, terms)
    if not draft.rows:
        raise ValueError(f"Order {order['orderNumber']} has nothing open to invoice.")


def _order(tenant: Tenant, arguments: Json) -> Json:
    for order in tenant.known("matchingOrders"):
        if arguments.get("order_external_code", order["externalCode"]) != order["externalCode"]:
            continue
        if arguments.get("order_number", order[IDENTITY[0]]) == order[IDENTITY[0]]:
            return order
    raise ValueError("The target system holds no such order (is its request done? `work` does it now).")


def _cost_row(tenant: Tenant, row: Json) -> Json:
    net, percent = Decimal(str(row.get("net", "1000.00"))), Decimal(str(row.get("tax_percent", 25)))
    made = cost_row(
        net, percent, accountCode=str(row.get("account") or tenant.accounts["expense"]),
        costCenterCode=str(row.get("cost_center", "")), taxCode=str(row.get("tax_code", "")),
        projectCode=str(row.get("project", "")),
    )  # fmt: skip
    return made | dict(row.get("row_fields", {}))


def _negative(row: Json) -> Json:
    return row | {name: -row[name] for name in ("netTotal", "taxSum", "grossTotal")}


def approve(world: World, arguments: Json, now: int) -> Json:
    """People code and approve what came in; a prebooked one goes on to transfer."""
    tenant, document = _known(world, arguments)
    if document.status not in ("New", "Prebooked"):
        raise ValueError(f"Document {document.id} is {document.status}: New and Prebooked ones can be approved.")
    content = document.content
    for name, key in (("supplier_code", "supplierCode"), ("invoice_number", "invoiceNumber")):
        if arguments.get(name):
            content[key] = str(arguments[name])
    if document.status == "New":
        _code(tenant, document, arguments)
    documents.move(world, tenant, document, _first_status(arguments), now)
    return shown(document)


def _code(tenant: Tenant, document: Document, arguments: Json) -> None:
    content = document.content
    given = arguments.get("rows")
    if given is None and not content["grossSum"]:
        given = [arguments]
    rows = [_cost_row(tenant, row) for row in given] if given else [_one_row(tenant, content, arguments)]
    numbered = [{"externalCode": f"{document.id[:30]}{n}", "rowIndex": n} | row for n, row in enumerate(rows, 1)]
    content["codingRows"] = numbered
    content["netSum"] = sum((row["netTotal"] for row in rows), Decimal(0))
    content["grossSum"] = sum((row["grossTotal"] for row in rows), Decimal(0))
    content["taxSum1"] = content["grossSum"] - content["netSum"]


def _one_row(tenant: Tenant, content: Json, arguments: Json) -> Json:
    net, gross = content["netSum"], content["grossSum"]
    percent = cents((gross - net) * 100 / net) if net else Decimal(0)
    row = _cost_row(tenant, arguments | {"net": net, "tax_percent": percent})
    return row | {"netTotal": net, "taxSum": gross - net, "grossTotal": gross}


def retransfer(world: World, arguments: Json, now: int) -> Json:
    """A user offers a document again, under the same invoiceId."""
    tenant, document = _known(world, arguments)
    allowed = ("TransferFailed", "TransferInProgress", "Transferred", "PrebookFailed", "PrebookInProgress")
    if document.status not in allowed:
        raise ValueError(f"Document {document.id} is {document.status}: use one of {', '.join(allowed)}.")
    waiting = "WaitingForPrebook" if document.status.startswith("Prebook") else "WaitingForTransfer"
    documents.move(world, tenant, document, waiting, now)
    return shown(document)


def mark(world: World, arguments: Json, now: int) -> Json:
    """Any state, any fields: what a user, another system or a mishap did to a document."""
    tenant, document = _known(world, arguments)
    document.content |= dict(arguments.get("fields", {}))
    documents.touch(document, now)
    if arguments.get("status"):
        documents.move(world, tenant, document, _first_status(arguments), now)
    return shown(document)


def _known(world: World, arguments: Json) -> tuple[Tenant, Document]:
    tenant = world.tenant(arguments.get("tenant_id"))
    wanted = arguments.get("invoice_id")
    if wanted is None and arguments.get("bumid"):
        parcel = tenant.parcels.get(str(arguments["bumid"]))
        wanted = parcel.document_id if parcel else None
    if wanted not in tenant.documents:
        raise ValueError("No such document: give invoice_id, or the bumid of a parcel that has arrived.")
    return tenant, tenant.documents[str(wanted)]


def shown(document: Document) -> Json:
    """What a verb answers about a document. Amounts are text."""
    content = document.content
    texts: dict[str, Any] = {name: str(content[key] or 0) for name, key in _AMOUNTS}
    return texts | {
        "invoice_id": document.id, "bumid": content["bumid"], "invoice_number": content["invoiceNumber"],
        "kind": document.kind, "status": document.status, "currency": content["currencyCode"],
        "supplier_code": content["supplierCode"], "rows": len(content["codingRows"] or []),
    }  # fmt: skip


_AMOUNTS = (("net", "netSum"), ("tax", "taxSum1"), ("gross", "grossSum"))
