"""Invoicing v2 as endpoints: create, change, send, search, and money recorded outside PayPal."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

from ml_connector_sandbox.core.instants import day_of
from ml_connector_sandbox.paypal import invoices
from ml_connector_sandbox.paypal.calls import MONEY, Answer, Call, flag, whole
from ml_connector_sandbox.paypal.invoices import OPEN, Entry, Invoice
from ml_connector_sandbox.paypal.money import WHOLE_UNITS, minor
from ml_connector_sandbox.paypal.refusals import Json, bad, not_found, unprocessable
from ml_connector_sandbox.paypal.state import must

_PERCENT_TAX = {"name*": "str:100", "percent*": "str", "amount": MONEY}
_DISCOUNT = {"percent": "str", "amount": MONEY}
_ITEM = {
    "id": "str", "name*": "str:200", "description": "str:1000", "quantity*": "str:14", "unit_amount*": MONEY,
    "tax": _PERCENT_TAX, "item_date": "str", "discount": _DISCOUNT, "unit_of_measure": "str",
}  # fmt: skip
_BREAKDOWN = {
    "item_total": MONEY, "discount": {"invoice_discount": _DISCOUNT, "item_discount": MONEY}, "tax_total": MONEY,
    "shipping": {"amount": MONEY, "tax": _PERCENT_TAX}, "custom": {"label*": "str:50", "amount": MONEY},
}  # fmt: skip
_DETAIL = {
    "reference": "str:120", "currency_code*": "str:3", "note": "str:4000", "terms_and_conditions": "str:4000",
    "memo": "str:500", "attachments": ["map"], "invoice_number": "str:127", "invoice_date": "str",
    "payment_term": {"term_type": "str", "due_date": "str"}, "metadata": "map",
}  # fmt: skip
# Read-only fields may come back in a PUT of what was read: they are taken and ignored.
INVOICE = {
    "id": "str", "parent_id": "str", "status": "str", "detail*": _DETAIL, "invoicer": "map",
    "primary_recipients": [{"billing_info": "map", "shipping_info": "map"}], "additional_recipients": ["str"],
    "items": [_ITEM], "configuration": "map",
    "amount": {"currency_code": "str", "value": "str", "breakdown": _BREAKDOWN}, "due_amount": "map",
    "gratuity": "map", "payments": "map", "refunds": "map", "links": ["map"],
}  # fmt: skip
NOTIFICATION = {
    "subject": "str:4000", "note": "str:4000", "send_to_invoicer": "bool", "send_to_recipient": "bool",
    "additional_recipients": ["str:254"],
}  # fmt: skip
PAYMENT = {
    "type": "str", "payment_id": "str", "payment_date": "str", "method": "str", "note": "str:2000", "amount": MONEY,
}  # fmt: skip
REFUND = {"type": "str", "refund_id": "str", "refund_date": "str", "amount": MONEY, "method": "str"}
METHODS = {"BANK_TRANSFER", "CASH", "CHECK", "CREDIT_CARD", "DEBIT_CARD", "PAYPAL", "WIRE_TRANSFER", "OTHER"}
_MOST_ROWS = 100


def invoice_of(call: Call) -> Invoice:
    """The invoice of the path; invoices belong to the account, whichever application made them."""
    return must(call.merchant.invoices.get(call.args["invoice_id"]))


def create(call: Call) -> Answer:
    """`POST /v2/invoicing/invoices`: without Prefer only the link comes back."""
    made = invoices.draft(call.world, call.merchant, call.body, call.now, client_id=call.app.client_id)
    if call.minimal:
        return Answer(201, invoices.links(call.world, made)[0])
    return Answer(201, invoices.show(call.world, call.merchant, made))


def get(call: Call) -> Answer:
    """`GET /v2/invoicing/invoices/{invoice_id}`."""
    return Answer(200, invoices.show(call.world, call.merchant, invoice_of(call)))


def update(call: Call) -> Answer:
    """`PUT /v2/invoicing/invoices/{invoice_id}`: the whole invoice; mails unless told not to."""
    made = invoice_of(call)
    to_recipient = flag(call, "send_to_recipient", default=True)
    flag(call, "send_to_invoicer", default=True)
    invoices.change(call.world, call.merchant, made, call.body, call.now)
    if to_recipient and made.status == "SENT":
        made.mails.append("update")
    if call.minimal:
        return Answer(200, invoices.links(call.world, made)[0])
    return Answer(200, invoices.show(call.world, call.merchant, made))


def delete(call: Call) -> Answer:
    """`DELETE /v2/invoicing/invoices/{invoice_id}`: drafts and scheduled ones only."""
    made = invoice_of(call)
    if made.status not in {"DRAFT", "SCHEDULED"}:
        raise unprocessable("CANNOT_DELETE_INVOICE", "Only a draft or scheduled invoice can be deleted.")
    del call.merchant.invoices[made.id]
    return Answer(204)


def send(call: Call) -> Answer:
    """`POST /v2/invoicing/invoices/{invoice_id}/send`: 200, or 202 when its date lies ahead."""
    made = invoice_of(call)
    to_recipient = call.body.get("send_to_recipient", True)
    if invoices.send(call.world, call.merchant, made, call.now, to_recipient=to_recipient):
        return Answer(200, invoices.links(call.world, made)[0])
    return Answer(202, {"links": invoices.links(call.world, made)})


def remind(call: Call) -> Answer:
    """`POST /v2/invoicing/invoices/{invoice_id}/remind`."""
    made = invoice_of(call)
    if made.status not in OPEN:
        raise unprocessable("CANNOT_REMIND_INVOICE", "No reminder can be sent in the current state.")
    made.mails.append("remind")
    return Answer(204)


def cancel(call: Call) -> Answer:
    """`POST /v2/invoicing/invoices/{invoice_id}/cancel`: a body is needed; mails unless told not to."""
    made = invoice_of(call)
    invoices.cancel(call.world, call.merchant, made, call.now)
    if call.body.get("send_to_recipient", True):
        made.mails.append("cancel")
    if "additional_recipients" not in call.body and made.body.get("additional_recipients"):
        made.mails.append("cancel to additional recipients")
    return Answer(204)


def next_number(call: Call) -> Answer:
    """`POST /v2/invoicing/generate-next-invoice-number`."""
    return Answer(200, {"invoice_number": invoices.next_number(call.merchant)})


def record_payment(call: Call) -> Answer:
    """`POST .../payments`: money that came outside PayPal. There is no idempotency."""
    made = invoice_of(call)
    method = _method(call.body, "INVALID_PAYMENT_METHOD", "payment")
    amount = _amount(call.body, made, made.due, "Payment")
    if made.flow == "MULTIPLE_RECIPIENTS_GROUP":
        raise unprocessable("INVALID_INVOICE_TYPE", "The invoice type is not valid for paying an invoice.")
    partly = amount < made.sums.total and not call.world.knobs.external_part_payments
    if made.status not in OPEN or partly or len(made.payments) >= _MOST_ROWS:
        raise unprocessable("CANNOT_PROCESS_PAYMENTS", "Current invoice state does not support payment processing.")
    if amount > made.due:
        text = "Payment amount is greater than the amount due."
        raise unprocessable("PAYMENT_AMOUNT_GREATER_THAN_AMOUNT_DUE", text)
    key = f"EXTR-{call.world.mint.transaction()}"
    day = _date(call, "payment_date")
    made.payments.append(Entry(key, "EXTERNAL", day, method, amount, call.body.get("note", "")))
    invoices.settle(call.world, call.merchant, made, call.now, "PAID")
    return Answer(200, {"payment_id": key})


def record_refund(call: Call) -> Answer:
    """`POST .../refunds`: money given back outside PayPal. It has no note and names no payment."""
    made = invoice_of(call)
    method = _method(call.body, "INVALID_REFUND_METHOD", "refund")
    left = _outside(made, all_payments=call.world.knobs.refunds_count_paypal)
    amount = _amount(call.body, made, left, "Refund")
    states = {"PAID", "MARKED_AS_PAID", "PARTIALLY_PAID", "PARTIALLY_REFUNDED"}
    if made.status not in states or len(made.refunds) >= _MOST_ROWS:
        raise unprocessable("CANNOT_PROCESS_REFUNDS", "Current invoice state does not support refunds.")
    if amount > left:
        raise unprocessable("INVALID_REFUND_AMOUNT", "Recorded refunds cannot exceed recorded payments.")
    key = f"EXTR-{call.world.mint.transaction()}"
    made.refunds.append(Entry(key, "EXTERNAL", _date(call, "refund_date"), method, amount))
    invoices.settle(call.world, call.merchant, made, call.now, "REFUNDED")
    return Answer(200, {"refund_id": key})


def _outside(made: Invoice, *, all_payments: bool) -> int:
    paid = sum(p.amount for p in made.payments if all_payments or p.kind == "EXTERNAL")
    return paid - sum(r.amount for r in made.refunds if all_payments or r.kind == "EXTERNAL")


def delete_payment(call: Call) -> Answer:
    """`DELETE .../payments/{transaction_id}`: an EXTERNAL one only."""
    made = invoice_of(call)
    entry = next((p for p in made.payments if p.id == call.args["transaction_id"] and p.kind == "EXTERNAL"), None)
    if entry is None:
        raise not_found()
    if _outside(made, all_payments=False) < entry.amount:
        text = "The external payment cannot be deleted as the recorded refund cannot exceed the recored payment for an"
        raise unprocessable("CANNOT_DELETE_EXTERNAL_PAYMENT", f"{text} invoice.")
    made.payments.remove(entry)
    invoices.settle(call.world, call.merchant, made, call.now, "UPDATED")
    return Answer(204)


def delete_refund(call: Call) -> Answer:
    """`DELETE .../refunds/{transaction_id}`: an EXTERNAL one only."""
    made = invoice_of(call)
    entry = next((r for r in made.refunds if r.id == call.args["transaction_id"] and r.kind == "EXTERNAL"), None)
    if entry is None:
        raise not_found()
    made.refunds.remove(entry)
    invoices.settle(call.world, call.merchant, made, call.now, "UPDATED")
    return Answer(204)


def _method(body: Json, issue: str, name: str) -> str:
    if "method" not in body:
        text = f"{name.title()} method is missing. Please provide a valid {name} method."
        raise bad("MISSING_REQUIRED_PARAMETER", text, field="/method")
    if body["method"] not in METHODS:
        text = f"The value provided is not an acceptable method of {name}."
        raise bad(issue, text, field="/method", value=body["method"])
    return str(body["method"])


def _amount(body: Json, made: Invoice, default: int, name: str) -> int:
    if "amount" not in body:
        return default
    currency, value = body["amount"]["currency_code"], body["amount"]["value"]
    if currency != made.currency:
        raise bad("NOT_SUPPORTED", "Currency code is not supported.", field="/amount/currency_code", value=currency)
    if not re.fullmatch(r"-?\d*\.?\d+", value):
        text = "Amount value is invalid. Should be a numeric value."
        raise bad("INVALID_PARAMETER_SYNTAX", text, field="/amount/value", value=value)
    if not Decimal(value):
        text = f"{name} amount cannot be zero. Please provide a valid amount."
        raise bad("VALUE_CANNOT_BE_ZERO", text, field="/amount/value", value=value)
    if currency in WHOLE_UNITS and not re.fullmatch(r"\d{1,6}", value):
        text = f"{name} amount value is invalid. Can have non-negative value with maximum 6 digits."
        raise bad("INVALID_INTEGER_VALUE", text, field="/amount/value", value=value)
    if currency not in WHOLE_UNITS and not re.fullmatch(r"\d{1,7}(\.\d{1,2})?", value):
        text = (
            f"{name} amount value is invalid. Can have non-negative value with maximum 7 digits and upto 2 fractions."
        )
        raise bad("INVALID_DECIMAL_VALUE", text, field="/amount/value", value=value)
    return minor(value, currency)


def _date(call: Call, name: str) -> date:
    given = call.body.get(name)
    try:
        return date.fromisoformat(given) if given else day_of(call.now)
    except ValueError:
        raise bad("INVALID_PARAMETER_SYNTAX", "Expected a date.", field=f"/{name}", value=str(given)) from None


def list_all(call: Call) -> Answer:
    """`GET /v2/invoicing/invoices`: all of them, newest first, no filter."""
    fields = call.query.get("fields", "all")
    if fields not in {"all", "none"}:
        raise bad("INVALID_PARAMETER_VALUE", "Expected all or none.", field="fields", value=fields, location="query")
    without = () if fields == "all" else ("items", "payments", "refunds")
    rows = sorted(call.merchant.invoices.values(), key=lambda i: (i.created, i.id), reverse=True)
    return page(call, rows, "/v2/invoicing/invoices", without)


def page(call: Call, rows: list[Invoice], path: str, without: tuple[str, ...]) -> Answer:
    """One page of invoices."""
    number = whole(call, "page", default=1, low=1, high=1000)
    size = whole(call, "page_size", default=20, low=1, high=100)
    pages = -(-len(rows) // size)
    shown = rows[(number - 1) * size : number * size]
    body: Json = {"items": [invoices.show(call.world, call.merchant, row, without=without) for row in shown]}
    if flag(call, "total_required", default=False):
        body |= {"total_items": len(rows), "total_pages": pages}
    method = call.request.method

    def to(n: int, rel: str) -> Any:
        return call.world.link(f"{path}?page={n}&page_size={size}", rel, method)

    body["links"] = [to(number, "self")] + ([to(number + 1, "next")] if number < pages else [])
    return Answer(200, body)
