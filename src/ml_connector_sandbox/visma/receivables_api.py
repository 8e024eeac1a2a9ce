"""`/v2` creation and `/v1` everything else of customer invoices, credit notes and debit notes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ml_connector_sandbox.core.wire import Response
from ml_connector_sandbox.visma import receivables
from ml_connector_sandbox.visma.attachments import attached, shown_files
from ml_connector_sandbox.visma.bodies import body_of
from ml_connector_sandbox.visma.call import Call, Route, action_result, created, etag, moment, no_content, ok
from ml_connector_sandbox.visma.company import Company, row_version
from ml_connector_sandbox.visma.document_vat import Tax
from ml_connector_sandbox.visma.lists import all_pass, day_filter, moment_filter, paged
from ml_connector_sandbox.visma.receivables import LINES_FIELD, Application, CustomerDocument, CustomerLine
from ml_connector_sandbox.visma.refusal import Refusal, not_found
from ml_connector_sandbox.visma.shown import branch_reference, day, shown_account, shown_subaccount

NAMES = {"Invoice": "customerinvoice", "CreditNote": "customerCreditNote", "DebitNote": "customerDebitNote"}
Row = dict[str, Any]


def routes() -> list[Route]:
    """The operations."""
    made: list[Route] = []
    for kind, name in NAMES.items():
        made += _routes_of(kind, f"/v1/{name}", f"/v2/{name}")
    reverse = "/v1/customerinvoice/{number}/action/reverse"
    stamp = _stamp_of("Invoice")
    return [
        *made,
        Route("GET", "/v1/customer/{customer}/invoice", _listing("Invoice")),
        Route("POST", reverse, _reverse, if_match="background", subject=stamp, implicit=True, action=True),
        Route(
            "POST", reverse + "andapplytonote", _reverse_and_apply, if_match="background", subject=stamp, action=True
        ),
    ]


def _routes_of(kind: str, path: str, v2: str) -> list[Route]:
    one, stamp = path + "/{number}", _stamp_of(kind)
    made = [
        Route("GET", path, _listing(kind)),
        Route("POST", path, _creating(kind, path)),
        Route("POST", v2, _creating(kind, v2)),
        Route("GET", one, _reading(kind)),
        Route("PUT", one, _changing(kind), if_match="background", subject=stamp),
        Route("POST", one + "/action/release", _releasing(kind), if_match="background", subject=stamp, action=True),
        Route("POST", one + "/attachment", _attaching(kind), if_match="background", subject=stamp),
        Route("POST", one + "/{line}/attachment", _attaching(kind), if_match="background", subject=stamp),
        Route("GET", one + "/print", _printing(kind)),
    ]
    return made if kind == "DebitNote" else [*made, Route("DELETE", one, _deleting(kind))]


def _find(call: Call, kind: str) -> CustomerDocument:
    found = call.company.customer_documents.get((kind, call.values["number"]))
    if found is None:
        raise not_found(kind, call.values["number"])
    return found


def _stamp_of(kind: str) -> Callable[[Call], int]:
    return lambda call: _find(call, kind).stamp


def _creating(kind: str, path: str) -> Callable[[Call], Response]:
    def create(call: Call) -> Response:
        document = receivables.create(call, kind)
        return created(call, f"{path}/{document.number}", document.stamp)

    return create


def _reading(kind: str) -> Callable[[Call], Response]:
    def read(call: Call) -> Response:
        document = _find(call, kind)
        return ok(shown_document(call.company, document, frozenset()), stamp=document.stamp)

    return read


def _changing(kind: str) -> Callable[[Call], Response]:
    def change(call: Call) -> Response:
        receivables.change(call, _find(call, kind))
        return no_content()

    return change


def _releasing(kind: str) -> Callable[[Call], Response]:
    def release(call: Call) -> Response:
        receivables.release(call, _find(call, kind))
        return action_result(call)

    return release


def _deleting(kind: str) -> Callable[[Call], Response]:
    def delete(call: Call) -> Response:
        document = _find(call, kind)
        if document.released:
            raise Refusal(400, f"The document {document.number} is released and cannot be deleted.")
        del call.company.customer_documents[document.key]
        return no_content()

    return delete


def _attaching(kind: str) -> Callable[[Call], Response]:
    def attach(call: Call) -> Response:
        document = _find(call, kind)
        files = document.attachments
        if "line" in call.values:
            files = _line(document, call.values["line"]).attachments
        attachment = attached(call, files)
        receivables.touched(call, document)
        return created(call, f"/v1/attachment/{attachment.id}", document.stamp)

    return attach


def _line(document: CustomerDocument, number: str) -> CustomerLine:
    for line in document.lines:
        if str(line.number) == number:
            return line
    raise not_found("Line", number)


def _printing(kind: str) -> Callable[[Call], Response]:
    def show(call: Call) -> Response:
        document = _find(call, kind)
        text = f"%PDF-1.4\n% {kind} {document.number}\n%%EOF\n".encode()
        return Response(200, text, (("Content-Type", "application/pdf"),))

    return show


def _reverse(call: Call) -> Response:
    body_of("ReverseInvoice", call.request.body or b"{}")
    note = receivables.reversed_by(call, _find(call, "Invoice"))
    result = action_result(call, refNbr=note.number, docType="CreditNote")
    location = call.url(f"/v1/customerCreditNote/{note.number}")
    return Response(result.status, result.body, (*result.headers, ("Location", location), etag(note.stamp)))


def _reverse_and_apply(call: Call) -> Response:
    invoice = _find(call, "Invoice")
    body = body_of("ReverseInvoice", call.request.body or b"{}")
    if invoice.balance != invoice.total:
        raise Refusal(400, f"The document {invoice.number} has applications and cannot be reversed whole.")
    note = receivables.reversed_by(call, invoice)
    note.status = "Balanced"
    note.applications.append(Application(note.key, invoice.key, invoice.balance))
    receivables.release(call, note)
    more: Row = {"referenceNumber": note.number}
    if body.get("returnCreditNote"):
        shown = shown_document(call.company, note, frozenset())
        shown["invoiceLines"] = shown.pop("lines")
        more["creditNoteDto"] = {name: shown[name] for name in _OLD_NOTE if name in shown}
    result = action_result(call, **more)
    return Response(result.status, result.body, (*result.headers, etag(note.stamp)))


_OLD_NOTE = (
    "referenceNumber documentType documentDate status currencyId amount amountInCurrency balance balanceInCurrency"
    " customer hold financialPeriod postPeriod externalReference invoiceText"
).split()


def _listing(kind: str) -> Callable[[Call], Response]:
    def list_them(call: Call) -> Response:
        expanded = frozenset(name for name in call.query if name.startswith("expand") and call.flag(name))
        rows = [document for document in call.company.customer_documents.values() if document.kind == kind]
        rows = [document for document in rows if _is_asked_for(call, document)]
        return ok(paged(call, rows, lambda document: shown_document(call.company, document, expanded)))

    return list_them


def _is_asked_for(call: Call, document: CustomerDocument) -> bool:
    query, texts = call.query, document.texts
    seen = {
        "customer": document.customer.number,
        "status": document.status,
        "released": str(int(document.released)),
        "externalReference": texts.get("externalReference", ""),
        "paymentReference": texts.get("paymentReference", ""),
        "customerRefNumber": texts.get("customerRefNumber", ""),
        "financialPeriod": document.period,
        "branch": document.branch,
    }
    if any(query.get(name) and query[name].lower() != value.lower() for name, value in seen.items()):
        return False
    if "customer" in call.values and document.customer.number != call.values["customer"]:
        return False
    if query.get("greaterThanValue") and document.number <= query["greaterThanValue"]:
        return False
    return (
        all_pass(document.modified, (moment_filter(call, "lastModifiedDateTime"),))
        and all_pass(document.created, (moment_filter(call, "createdDateTime"),))
        and all_pass(document.date, (day_filter(call, "documentDate"),))
        and all_pass(document.due, (day_filter(call, "documentDueDate"),))
    )


def shown_document(company: Company, document: CustomerDocument, expanded: frozenset[str]) -> Row:
    """A customer document as it is read; taxes, applications and files only where the list expands them."""
    chart, texts = company.chart, document.texts
    row: Row = {
        "documentType": document.kind,
        "referenceNumber": document.number,
        "customer": {"number": document.customer.number, "name": document.customer.name},
        "status": document.status,
        "hold": document.status == "Hold",
        "documentDate": day(document.date),
        "origInvoiceDate": day(document.date),
        "documentDueDate": day(document.due),
        "financialPeriod": document.period,
        "postPeriod": document.period,
        "closedFinancialPeriod": "",
        "currencyId": document.currency,
        "exchangeRate": document.rate,
        "creditTerms": {"id": document.terms, "description": chart.credit_terms[document.terms][0]},
        "customerVatZone": {"id": document.zone, "description": chart.zones[document.zone].description},
        "location": {"countryId": "", "id": "MAIN", "name": "Primary"},
        "branchNumber": branch_reference(company, document.branch),
        "invoiceText": texts.get("invoiceText", ""),
        "externalReference": texts.get("externalReference", ""),
        "customerRefNumber": texts.get("customerRefNumber", ""),
        "paymentReference": texts.get("paymentReference", ""),
        "note": texts.get("note", ""),
        "dontPrint": document.dont_print,
        "dontEmail": document.dont_email,
        "isRotRutDeductible": False,
        "roundingDiff": 0,
        "lastModifiedDateTime": moment(document.modified),
        "createdDateTime": moment(document.created),
        "timeStamp": row_version(document.stamp),
        "account": shown_account(chart.accounts[chart.defaults["receivable"]]),
        LINES_FIELD[document.kind]: [_shown_line(company, document, line) for line in document.lines],
    }
    if method := texts.get("paymentMethod"):
        row["paymentMethod"] = {"id": method, "description": chart.payment_methods[method]["description"]}
    row |= _amounts(company, document)
    if "expandTaxDetails" in expanded:
        row["taxDetails"] = shown_taxes(document.taxes)
    if "expandApplications" in expanded:
        row["applications"] = [_shown_application(company, document, a) for a in document.applications]
    if "expandAttachments" in expanded:
        row["attachments"] = shown_files(company, document.attachments)
    return row


def _amounts(company: Company, document: CustomerDocument) -> Row:
    exempt = sum(line.amount for line in document.lines if not line.vat_code)
    pairs = {
        "amount": document.total,
        "balance": document.balance,
        "vatTotal": document.vat_total(),
        "detailTotal": document.net(),
        "vatTaxableTotal": document.net() - exempt,
        "vatExemptTotal": exempt,
        "discountTotal": sum(line.discount for line in document.lines),
        "cashDiscount": 0,
    }
    row: Row = {}
    for name, amount in pairs.items():
        row[name + "InCurrency"] = amount
        row[name] = company.chart.rounded(amount * document.rate, company.chart.base_currency)
    return row


def shown_taxes(taxes: list[Tax]) -> list[Row]:
    """The VAT of a document by VAT id."""
    return [
        {
            "taxId": tax.vat.id,
            "recordId": number,
            "vatId": {"number": tax.vat.id, "description": tax.vat.description},
            "vatRate": tax.rate,
            "taxableAmount": tax.taxable,
            "vatAmount": tax.amount,
        }
        for number, tax in enumerate(taxes, 1)
    ]


def _shown_line(company: Company, document: CustomerDocument, line: CustomerLine) -> Row:
    chart = company.chart
    row: Row = {
        "lineNumber": line.number,
        "inventoryNumber": line.inventory,
        "description": line.description,
        "quantity": line.quantity,
        "discountPercent": line.discount_percent,
        "manualDiscount": False,
        "account": shown_account(chart.accounts[line.account]),
        "subaccount": shown_subaccount(company, line.sub),
        "uom": "",
        "note": line.note,
        "isRotRutDeductible": False,
        "branchNumber": branch_reference(company, line.branch),
        "attachments": shown_files(company, line.attachments),
    }
    pairs = {
        "unitPrice": line.unit_price,
        "manualAmount": line.manual_amount,
        "amount": line.amount,
        "discountAmount": line.discount,
    }
    for name, amount in pairs.items():
        row[name + "InCurrency"] = amount
        row[name] = chart.rounded(amount * document.rate, chart.base_currency)
    if "order" in document.more:
        row |= dict(zip(("soOrderType", "soOrderNbr", "soShipmentNbr"), document.more["order"], strict=True))
    if line.vat_code:
        row["vatCode"] = {"id": line.vat_code, "description": chart.categories[line.vat_code].description}
    return row


def _shown_application(company: Company, document: CustomerDocument, application: Application) -> Row:
    other = application.paid if application.payer == document.key else application.payer
    payment = company.payments.get(other)
    found = company.customer_documents.get(other)
    row: Row = {
        "docType": other[0],
        "customerCD": document.customer.number,
        "refNbr": other[1],
        "amountPaid": application.amount,
        "cashDiscountTaken": 0,
        "balance": found.balance if found else payment.available if payment else 0,
        "released": application.released,
        "hold": False,
        "voided": bool(payment and payment.status == "Voided"),
    }
    if payment is not None:
        row |= {"paymentRef": payment.reference, "status": payment.status, "applicationDate": day(payment.date)}
        row |= {"applicationPeriod": payment.period, "invoiceText": payment.text}
    return row
