"""`/v1/customerPayment`: paths carry no type, so numbers shared between types are the caller's problem."""

from __future__ import annotations

from typing import Any

from ml_connector_sandbox.core.wire import Response
from ml_connector_sandbox.visma import payments, receivables
from ml_connector_sandbox.visma.call import Call, Route, action_result, created, etag, moment, no_content, ok
from ml_connector_sandbox.visma.company import Company, row_version
from ml_connector_sandbox.visma.lists import all_pass, day_filter, moment_filter, paged
from ml_connector_sandbox.visma.payments import Payment
from ml_connector_sandbox.visma.receivables import Application, CustomerDocument
from ml_connector_sandbox.visma.refusal import Refusal, not_found
from ml_connector_sandbox.visma.shown import day

PATH = "/v1/customerPayment"
_KINDS = (
    "Payment",
    "Prepayment",
    "Refund",
    "CreditNote",
    "VoidPayment",
    "VoidRefund",
)  # the order in which a bare number is looked up
Row = dict[str, Any]
Found = Payment | CustomerDocument


def routes() -> list[Route]:
    """The operations."""
    one = PATH + "/{number}"
    return [
        Route("GET", PATH, _list),
        Route("POST", PATH, _create),
        Route("GET", one, _read),
        Route("PUT", one, _change, if_match="background", subject=_stamp),
        Route(
            "POST", one + "/action/release", _release, if_match="background", subject=_stamp, implicit=True, action=True
        ),
        Route("POST", one + "/action/void", _void, if_match="background", subject=_stamp, implicit=True, action=True),
    ]


def _find(call: Call, kind: str | None = None) -> Found:
    number = call.values["number"]
    for wanted in (kind,) if kind else _KINDS:
        found: Found | None
        if wanted == "CreditNote":
            found = call.company.customer_documents.get((wanted, number))
        else:
            found = call.company.payments.get((wanted or "", number))
        if found is not None:
            return found
    raise not_found(kind or "Payment", number)


def _stamp(call: Call) -> int:
    return _find(call).stamp


def _create(call: Call) -> Response:
    payment = payments.create(call)
    return created(call, f"{PATH}/{payment.number}", payment.stamp)


def _read(call: Call) -> Response:
    found = _find(call)
    return ok(_shown(call.company, found), stamp=found.stamp)


def _change(call: Call) -> Response:
    body = call.body("Payment")
    found = _find(call, body.get("type"))
    if isinstance(found, Payment):
        payments.change(call, found, body)
    else:
        payments.apply_note(call, found, body)
    return no_content()


def _release(call: Call) -> Response:
    found = _find(call, call.body("ReleasePayment").get("type"))
    if isinstance(found, Payment):
        payments.release(call, found)
    else:
        receivables.release(call, found)
    return action_result(call)


def _void(call: Call) -> Response:
    body = call.body("VoidPayment")
    found = _find(call, body.get("type"))
    if not isinstance(found, Payment):
        raise Refusal(400, f"The document {found.number} cannot be voided.")
    voiding = payments.void(call, found)
    more: Row = {"type": voiding.kind, "refNbr": voiding.number}
    if body.get("returnVoidPayment"):
        more["voidPayment"] = _shown(call.company, voiding)
    result = action_result(call, **more)
    return Response(result.status, result.body, (*result.headers, etag(voiding.stamp)))


def _list(call: Call) -> Response:
    found: list[Found] = list(call.company.payments.values())
    wanted = call.query.get("paymentType", "").lower()
    if wanted in ("", "creditnote"):
        found += [
            note for note in call.company.customer_documents.values() if note.kind == "CreditNote" and note.released
        ]
    rows = [payment for payment in found if _is_asked_for(call, payment)]
    return ok(paged(call, rows, lambda payment: _shown(call.company, payment)))


def _is_asked_for(call: Call, payment: Found) -> bool:
    query = call.query
    seen = {
        "paymentNbr": payment.number,
        "paymentType": payment.kind,
        "customer": payment.customer.number,
        "status": payment.status,
        "branch": payment.branch,
        "financialPeriod": payment.period,
    }
    if any(query.get(name) and query[name].lower() != value.lower() for name, value in seen.items()):
        return False
    applied = payment.lines if isinstance(payment, Payment) else payment.applications
    if query.get("invoiceRefNbr") and query["invoiceRefNbr"] not in [line.paid[1] for line in applied]:
        return False
    return all_pass(payment.modified, (moment_filter(call, "lastModifiedDateTime"),)) and all_pass(
        payment.date, (day_filter(call, "docDate"),)
    )


def _shown(company: Company, found: Found) -> Row:
    return _shown_payment(company, found) if isinstance(found, Payment) else _shown_note(company, found)


def _shown_payment(company: Company, payment: Payment) -> Row:
    chart = company.chart
    available = payment.available if payment.released else payment.amount - payment.applied()
    base = chart.base_currency
    row: Row = {
        "type": payment.kind,
        "refNbr": payment.number,
        "status": payment.status,
        "hold": payment.status == "Hold",
        "applicationDate": day(payment.date),
        "applicationPeriod": payment.period[4:] + payment.period[:4],
        "paymentRef": payment.reference,
        "paymentMethod": {
            "id": payment.method,
            "description": chart.payment_methods[payment.method]["description"],
        },
        "cashAccount": payment.cash.number,
        "currency": payment.cash.currency,
        "paymentAmount": payment.amount,
        "paymentAmountInCurrency": payment.amount,
        "appliedToDocuments": payment.applied(),
        "availableBalance": chart.rounded(available * payment.rate, base),
        "availableBalanceInCurrency": available,
        "invoiceText": payment.text,
        "writeOffAmount": sum(line.write_off for line in payment.lines),
    }
    return row | _common(company, payment, payment.lines)


def _shown_note(company: Company, note: CustomerDocument) -> Row:
    lines = [line for line in note.applications if line.payer == note.key]
    row: Row = {
        "type": "CreditNote",
        "refNbr": note.number,
        "status": note.status,
        "hold": note.status == "Hold",
        "applicationDate": day(note.date),
        "applicationPeriod": note.period[4:] + note.period[:4],
        "paymentRef": note.texts.get("customerRefNumber", ""),
        "cashAccount": "",
        "currency": note.currency,
        "paymentAmount": note.total,
        "paymentAmountInCurrency": note.total,
        "appliedToDocuments": sum(line.amount for line in lines),
        "availableBalance": note.base_balance(company.chart),
        "availableBalanceInCurrency": note.balance,
        "invoiceText": note.texts.get("invoiceText", ""),
        "writeOffAmount": 0,
    }
    return row | _common(company, note, lines)


def _common(company: Company, found: Found, lines: list[Application]) -> Row:
    return {
        "customer": {"number": found.customer.number, "name": found.customer.name},
        "location": {"countryId": "", "id": "MAIN", "name": "Primary"},
        "appliedToOrders": 0,
        "financeCharges": 0,
        "deductedCharges": 0,
        "branch": found.branch,
        "lastModifiedDateTime": moment(found.modified),
        "paymentLines": [_shown_line(company, line) for line in lines],
        "ordersToApply": [],
        "timeStamp": row_version(found.stamp),
    }


def _shown_line(company: Company, line: Application) -> Row:
    row: Row = {
        "documentType": line.paid[0],
        "refNbr": line.paid[1],
        "amountPaid": line.amount,
        "cashDiscountTaken": 0,
        "balanceWriteOff": line.write_off,
    }
    paid = company.customer_documents.get(line.paid)
    if paid is not None:
        row |= {"date": day(paid.date), "dueDate": day(paid.due), "balance": paid.balance, "currency": paid.currency}
        row |= {"description": paid.texts.get("invoiceText", ""), "postPeriod": paid.period[4:] + paid.period[:4]}
    if line.reason:
        row["writeOffReasonCode"] = {"id": line.reason, "description": line.reason}
    return row
