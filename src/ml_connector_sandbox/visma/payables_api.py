"""`/v1/supplierInvoice`, with and without the document type in the path."""

from __future__ import annotations

from typing import Any

from ml_connector_sandbox.core.wire import Response
from ml_connector_sandbox.visma import payables
from ml_connector_sandbox.visma.attachments import attached, shown_files
from ml_connector_sandbox.visma.call import Call, Route, action_result, created, etag, moment, no_content, ok
from ml_connector_sandbox.visma.company import Company, row_version
from ml_connector_sandbox.visma.lists import all_pass, amount_filter, day_filter, moment_filter, paged
from ml_connector_sandbox.visma.payables import SupplierDocument, SupplierLine
from ml_connector_sandbox.visma.receivables_api import shown_taxes
from ml_connector_sandbox.visma.refusal import Refusal, not_found
from ml_connector_sandbox.visma.shown import branch_reference, day, shown_account, shown_subaccount, vat_zone

PATH = "/v1/supplierInvoice"
Row = dict[str, Any]


def routes() -> list[Route]:
    """The operations."""
    one, typed = PATH + "/{number}", PATH + "/{kind}/{number}"
    files = PATH + "/documentType/{kind}/{number}"
    made = [
        Route("GET", PATH, _list),
        Route("POST", PATH, _create),
        Route("GET", "/v1/supplier/{supplier}/invoice", _list),
    ]
    for path in (one, typed):
        made += [
            Route("GET", path, _read),
            Route("PUT", path, _change, if_match="sync", subject=_stamp),
            Route("DELETE", path, _delete),
            _action(path + "/action/release", _release),
        ]
    for path in (one, files):
        made += [
            Route("POST", path + "/attachment", _attach, if_match="sync", subject=_stamp),
            Route("POST", path + "/{line}/attachment", _attach, if_match="sync", subject=_stamp),
        ]
    return [
        *made,
        _action(typed + "/action/prebook", _prebook),
        _action(typed + "/action/voidinvoice", _void),
        _action(typed + "/action/sendtoapproval", _send_to_approval),
        Route("POST", typed + "/action/reverse", _reverse, if_match="sync", subject=_stamp, implicit=True, action=True),
    ]


def _action(path: str, act: Any) -> Route:
    return Route("POST", path, act, if_match="background", subject=_stamp, implicit=True, action=True)


def _find(call: Call) -> SupplierDocument:
    documents, number = call.company.supplier_documents, call.values["number"]
    kinds = [call.values["kind"]] if "kind" in call.values else list(payables.ENTERED)
    for kind in kinds:
        for known in payables.ENTERED:
            if known.lower() == kind.lower() and (known, number) in documents:
                return documents[known, number]
    raise not_found("Supplier invoice", number)


def _stamp(call: Call) -> int:
    return _find(call).stamp


def _create(call: Call) -> Response:
    document = payables.create(call)
    return created(call, f"{PATH}/{document.kind}/{document.number}", document.stamp)


def _read(call: Call) -> Response:
    document = _find(call)
    expanded = frozenset(name for name in ("expandLinePrebookAccounts", "expandLandedCosts") if call.flag(name))
    if call.company.preferences.notes_on_single:
        expanded |= {"expandNote"}
    return ok(_shown(call.company, document, expanded), stamp=document.stamp)


def _change(call: Call) -> Response:
    document = _find(call)
    payables.change(call, document)
    return no_content(document.stamp)


def _delete(call: Call) -> Response:
    document = _find(call)
    if document.status not in ("Hold", "Balanced"):
        raise Refusal(400, f"The document {document.number} is {document.status} and cannot be deleted.")
    del call.company.supplier_documents[document.key]
    return no_content()


def _release(call: Call) -> Response:
    payables.release(call, _find(call))
    return action_result(call)


def _prebook(call: Call) -> Response:
    payables.prebook(call, _find(call))
    return action_result(call)


def _void(call: Call) -> Response:
    payables.void_prebooked(call, _find(call))
    return action_result(call)


def _send_to_approval(call: Call) -> Response:
    document = _find(call)
    document.approval = "SentToApproval"
    payables.touched(call, document)
    return action_result(call)


def _reverse(call: Call) -> Response:
    mirror = payables.reverse(call, _find(call))
    result = action_result(call, refNbr=mirror.number, docType="DebitAdj")
    location = call.url(f"{PATH}/DebitAdj/{mirror.number}")
    return Response(result.status, result.body, (*result.headers, ("Location", location), etag(mirror.stamp)))


def _attach(call: Call) -> Response:
    document = _find(call)
    files = document.attachments
    if "line" in call.values:
        files = _line(document, call.values["line"]).attachments
    attachment = attached(call, files)
    payables.touched(call, document)
    return created(call, f"/v1/attachment/{attachment.id}", document.stamp)


def _line(document: SupplierDocument, number: str) -> SupplierLine:
    for line in document.lines:
        if str(line.number) == number:
            return line
    raise not_found("Line", number)


def _list(call: Call) -> Response:
    expanded = frozenset(name for name in call.query if name.startswith("expand") and call.flag(name))
    rows = [document for document in call.company.supplier_documents.values() if _is_asked_for(call, document)]
    return ok(paged(call, rows, lambda document: _shown(call.company, document, expanded)))


def _is_asked_for(call: Call, document: SupplierDocument) -> bool:
    query = call.query
    seen = {
        "supplier": document.supplier.number,
        "documentType": document.kind,
        "status": document.status,
        "released": str(int(document.released)),
        "financialPeriod": document.period,
        "branch": document.branch,
    }
    if any(query.get(name) and query[name].lower() != value.lower() for name, value in seen.items()):
        return False
    if "supplier" in call.values and document.supplier.number != call.values["supplier"]:
        return False
    if query.get("greaterThanValue") and document.number <= query["greaterThanValue"]:
        return False
    return (
        all_pass(document.modified, (moment_filter(call, "lastModifiedDateTime"),))
        and all_pass(document.created, (moment_filter(call, "createdDateTime"),))
        and all_pass(document.date, (day_filter(call, "docDate"),))
        and all_pass(document.due, (day_filter(call, "dueDate"),))
        and all_pass(document.balance, (amount_filter(call, "balance"),))
    )


def _shown(company: Company, document: SupplierDocument, expanded: frozenset[str]) -> Row:
    chart, texts = company.chart, document.texts
    base = chart.base_currency
    exempt = sum(line.cost for line in document.lines if not line.vat_code)
    row: Row = {
        "documentType": document.kind,
        "referenceNumber": document.number,
        "supplier": {
            "internalId": document.supplier.id,
            "number": document.supplier.number,
            "name": document.supplier.name,
        },
        "status": document.status,
        "approvalStatus": document.approval,
        "hold": document.status == "Hold",
        "date": day(document.date),
        "origInvoiceDate": day(document.date),
        "dueDate": day(document.due),
        "financialPeriod": document.period,
        "postPeriod": document.period[4:] + document.period[:4],
        "closedFinancialPeriod": "",
        "currencyId": document.currency,
        "exchangeRate": document.rate,
        "creditTerms": {"id": document.terms, "description": chart.credit_terms[document.terms][0]},
        "location": {"countryId": "", "id": "MAIN", "name": "Primary"},
        "supplierTaxZone": vat_zone(company, document.zone),
        "taxCalculationMode": document.mode,
        "branchNumber": branch_reference(company, document.branch),
        "supplierReference": texts.get("supplierReference", ""),
        "description": texts.get("description", ""),
        "paymentRefNo": texts.get("paymentRefNo", ""),
        "paymentMessage": texts.get("paymentMessage", ""),
        "paySelected": document.pay_selected,
        "retainageApply": False,
        "amount": document.total,
        "vatAmount": document.vat_total(),
        "lastModifiedDateTime": moment(document.modified),
        "createdDateTime": moment(document.created),
        "timeStamp": row_version(document.stamp),
        "taxDetailLines": shown_taxes(document.taxes),
        "invoiceLines": [_shown_line(company, document, line, expanded) for line in document.lines],
    }
    pairs = {
        "balance": document.balance,
        "detailTotal": sum(line.cost for line in document.lines),
        "vatTotal": document.vat_total(),
        "vatTaxableTotal": document.net() - exempt,
        "vatExemptTotal": exempt,
        "discountTotal": 0,
        "roundingDiff": 0,
    }
    for name, amount in pairs.items():
        row[name + "InCurrency"] = amount
        row[name] = chart.rounded(amount * document.rate, base)
    if "expandNote" in expanded:
        row["note"] = texts.get("note", "")
    if "expandAttachment" in expanded:
        row["attachments"] = shown_files(company, document.attachments)
    return row


def _shown_line(company: Company, document: SupplierDocument, line: SupplierLine, expanded: frozenset[str]) -> Row:
    chart = company.chart
    row: Row = {
        "lineNumber": line.number,
        "inventoryNumber": "",
        "stockItem": False,
        "transactionDescription": line.text,
        "quantity": line.quantity,
        "uom": "",
        "unitCostInCurrency": line.unit_cost,
        "unitCost": chart.rounded(line.unit_cost * document.rate, chart.base_currency),
        "costInCurrency": line.cost,
        "cost": chart.rounded(line.cost * document.rate, chart.base_currency),
        "account": shown_account(chart.accounts[line.account]),
        "subaccount": shown_subaccount(company, line.sub),
        "branchNumber": branch_reference(company, line.branch),
        "note": line.note,
        "attachments": shown_files(company, line.attachments),
        **line.link,
    }
    if line.vat_code:
        row["vatCode"] = {"id": line.vat_code, "description": chart.categories[line.vat_code].description}
    if "expandLinePrebookAccounts" in expanded and line.prebook_account:
        row["prebookAccount"] = shown_account(chart.accounts[line.prebook_account])
        row["prebookSubaccount"] = shown_subaccount(company, line.prebook_sub) if line.prebook_sub else None
    return row
