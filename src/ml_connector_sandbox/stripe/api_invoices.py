"""Invoices, their lines and payments, invoice items and payment records over the API."""

from __future__ import annotations

from collections.abc import Callable

from ml_connector_sandbox.stripe import (
    customers,
    events,
    finalizing,
    invoice_ends,
    invoice_fields,
    invoices,
    lines,
    records,
    searching,
    taxes,
)
from ml_connector_sandbox.stripe.calls import Call
from ml_connector_sandbox.stripe.currencies import check_amount, currency_of
from ml_connector_sandbox.stripe.listing import bounds, equal, inside, page, page_of
from ml_connector_sandbox.stripe.refusals import Json, bad, missing
from ml_connector_sandbox.stripe.rendering import shown
from ml_connector_sandbox.stripe.shapes import merged
from ml_connector_sandbox.stripe.state import Book
from ml_connector_sandbox.stripe.times import seconds


def create(call: Call) -> Json:
    """`POST /v1/invoices`."""
    return call.show(invoices.draft(call.book, call.params, call.now))


def retrieve(call: Call) -> Json:
    """`GET /v1/invoices/{id}`."""
    return call.show(call.own("invoice"))


def update(call: Call) -> Json:
    """`POST /v1/invoices/{id}`."""
    given = {name: value for name, value in call.params.items() if name != "expand"}
    return call.show(invoices.edit(call.book, call.own("invoice"), given, call.now))


def delete(call: Call) -> Json:
    """`DELETE /v1/invoices/{id}`."""
    return invoices.delete(call.book, call.own("invoice"), call.now)


def listed(call: Call) -> Json:
    """`GET /v1/invoices`."""
    same = equal(call.params, "status", "collection_method")
    due = call.params.get("due_date")
    shelf = call.book.shelves["invoice"]
    return page(
        call, shelf, within=("customer", call.params.get("customer")),
        keep=lambda row: same(row) and inside(row["due_date"], due),
    )  # fmt: skip


def search(call: Call) -> Json:
    """`GET /v1/invoices/search`."""
    return searching.search(call, "invoice")


def _on_draft(call: Call, act: Callable[[Book, Json], None]) -> Json:
    row = call.own("invoice")
    invoice_fields.must_be_draft(row)
    shown(call.book, row, call.now)  # counts the draft as it stands
    before = dict(row)
    act(call.book, row)
    if "invoice_metadata" in call.params:
        row["metadata"] = merged(row["metadata"], call.params["invoice_metadata"])
    return call.show(invoice_fields.told(call.book, row, before, call.now))


def add_lines(call: Call) -> Json:
    """`POST /v1/invoices/{id}/add_lines`."""
    return _on_draft(call, lambda book, row: lines.add(book, row, call.params["lines"], call.now))


def update_lines(call: Call) -> Json:
    """`POST /v1/invoices/{id}/update_lines`."""

    def act(book: Book, row: Json) -> None:
        for n, one in enumerate(call.params["lines"]):
            lines.change(book, row, one["id"], one, call.now, where=f"lines[{n}]")

    return _on_draft(call, act)


def remove_lines(call: Call) -> Json:
    """`POST /v1/invoices/{id}/remove_lines`."""
    keys = [one["id"] for one in call.params["lines"]]
    return _on_draft(call, lambda book, row: lines.remove(book, row, keys))


def update_line(call: Call) -> Json:
    """`POST /v1/invoices/{id}/lines/{line}`: answers the line."""
    key = call.args["line"]
    if key not in {line["id"] for line in call.book.lines.get(call.args["id"], [])}:
        raise missing("line item", key, param="line_item_id")
    _on_draft(call, lambda book, row: lines.change(book, row, key, call.params, call.now, where="line"))
    return dict(next(line for line in call.book.lines[call.args["id"]] if line["id"] == key))


def line_list(call: Call) -> Json:
    """`GET /v1/invoices/{id}/lines`."""
    return page_of(call, call.book.lines[call.own("invoice")["id"]])


def finalize(call: Call) -> Json:
    """`POST /v1/invoices/{id}/finalize`."""
    advance = call.params.get("auto_advance")
    return call.show(finalizing.finalize(call.book, call.own("invoice"), call.now, auto_advance=advance))


def send(call: Call) -> Json:
    """`POST /v1/invoices/{id}/send`."""
    return call.show(invoice_ends.send(call.book, call.own("invoice"), call.now))


def void(call: Call) -> Json:
    """`POST /v1/invoices/{id}/void`."""
    return call.show(invoice_ends.void(call.book, call.own("invoice"), call.now))


def mark_uncollectible(call: Call) -> Json:
    """`POST /v1/invoices/{id}/mark_uncollectible`."""
    return call.show(invoice_ends.mark_uncollectible(call.book, call.own("invoice"), call.now))


def pay(call: Call) -> Json:
    """`POST /v1/invoices/{id}/pay`: out of band only, as no customer here has a stored payment method."""
    row = call.own("invoice")
    if not call.params.get("paid_out_of_band"):
        text = (
            "There is no `default_payment_method` set on this Customer or Invoice. Please set either prior to charging "
            "the customer."
        )
        raise bad(text, code="parameter_missing", param="payment_method")
    return call.show(invoice_ends.pay_out_of_band(call.book, row, call.now))


def attach_payment(call: Call) -> Json:
    """`POST /v1/invoices/{id}/attach_payment`."""
    return call.show(records.attach(call.book, call.own("invoice"), call.params, call.now))


def payment(call: Call) -> Json:
    """`GET /v1/invoice_payments/{id}`."""
    return call.show(call.own("invoice_payment"))


def payment_list(call: Call) -> Json:
    """`GET /v1/invoice_payments`: by invoice, or by payment of a named type."""
    wanted = call.params.get("payment")
    within: tuple[str, str | None] = ("invoice", call.params.get("invoice"))
    same = equal(call.params, "invoice", "status")
    if wanted:
        key = wanted.get(wanted["type"])
        others = {"payment_intent", "payment_record"} - {wanted["type"]}
        if key is None or any(wanted.get(name) for name in others):
            name = f"payment[{wanted['type']}]"
            raise bad(f"Give {name} alone with payment[type].", code="parameter_missing", param=name)
        within = (f"payment.{wanted['type']}", key)
    return page(call, call.book.shelves["invoice_payment"], within=within, keep=same)


def item_new(call: Call) -> Json:
    """`POST /v1/invoiceitems`: pending, or at once on a draft."""
    book, given = call.book, call.params
    customer = customers.alive(book, given["customer"], param="customer")
    if given.get("amount") is None:
        raise bad("Missing required param: amount.", code="parameter_missing", param="amount")
    invoice = call.named("invoice", "invoice", given["invoice"]) if given.get("invoice") else None
    if invoice is not None:
        invoice_fields.must_be_draft(invoice)
    currency = currency_of(given.get("currency") or (invoice or customer)["currency"] or book.account.currency)
    if invoice is not None and (currency != invoice["currency"] or invoice["customer"] != customer["id"]):
        raise bad("The invoice is in another currency, or another customer's.", param="currency")
    check_amount(given["amount"], currency)
    taxed = taxes.by_rates(book, given.get("tax_rates") or [], given["amount"], where="tax_rates")
    rates = [book.shelves["tax_rate"].rows[t["tax_rate_details"]["tax_rate"]] for t in taxed]
    moment = seconds(call.now)
    row: Json = {
        "id": book.key("invoiceitem"), "object": "invoiceitem", "amount": given["amount"], "currency": currency,
        "customer": customer["id"], "customer_account": None, "date": moment,
        "description": given.get("description"), "discountable": True, "discounts": [], "invoice": None,
        **book.mode(), "metadata": merged({}, given.get("metadata")), "net_amount": given["amount"], "parent": None,
        "period": given.get("period") or {"start": moment, "end": moment}, "pricing": None, "proration": False,
        "quantity": 1, "quantity_decimal": "1", "tax_rates": [dict(rate) for rate in rates], "test_clock": None,
    }  # fmt: skip
    events.made(book, row, call.now, "invoiceitem.created")
    if invoice is not None:
        shown(book, invoice, call.now)
        before = dict(invoice)
        invoices.take_item(book, invoice, row, call.now)
        invoice_fields.told(book, invoice, before, call.now)
    return call.show(row)


def item(call: Call) -> Json:
    """`GET /v1/invoiceitems/{id}`."""
    return call.show(call.own("invoiceitem"))


def item_gone(call: Call) -> Json:
    """`DELETE /v1/invoiceitems/{id}`: only while pending."""
    row = call.own("invoiceitem")
    if row["invoice"] is not None:
        raise invoice_fields.not_editable("This invoice item is on an invoice: remove its line.")
    call.book.shelves["invoiceitem"].take(row["id"])
    events.emit(call.book, "invoiceitem.deleted", row, call.now)
    return {"id": row["id"], "object": "invoiceitem", "deleted": True}


def items(call: Call) -> Json:
    """`GET /v1/invoiceitems`."""
    pending = call.params.get("pending")
    same = equal(call.params, "invoice")
    return page(
        call, call.book.shelves["invoiceitem"], within=("customer", call.params.get("customer")),
        keep=lambda row: same(row) and (pending is None or pending == (row["invoice"] is None)),
    )  # fmt: skip


def report(call: Call) -> Json:
    """`POST /v1/payment_records/report_payment`."""
    return call.show(records.report(call.book, call.params, call.now))


def report_refund(call: Call) -> Json:
    """`POST /v1/payment_records/{id}/report_refund`."""
    return call.show(records.refund(call.own("payment_record"), call.params, call.now))


def record(call: Call) -> Json:
    """`GET /v1/payment_records/{id}`."""
    return call.show(call.own("payment_record"))


def record_list(call: Call) -> Json:
    """`GET /v1/payment_records`."""
    span = {"gt": call.params.get("created_after"), "lt": call.params.get("created_before")}
    lo, hi = bounds({name: moment for name, moment in span.items() if moment is not None})
    return page(call, call.book.shelves["payment_record"], keep=lambda row: lo <= row["created"] <= hi)
