"""Drafts of invoices: made, filled with what waits, changed, deleted."""

from __future__ import annotations

from ml_connector_sandbox.stripe import events, lines
from ml_connector_sandbox.stripe.currencies import currency_of
from ml_connector_sandbox.stripe.finalizing import finalize_later
from ml_connector_sandbox.stripe.invoice_fields import (
    blank,
    check_email,
    customer_of,
    not_editable,
    set_plain,
    set_terms,
    told,
)
from ml_connector_sandbox.stripe.invoice_sums import recount
from ml_connector_sandbox.stripe.refusals import Json
from ml_connector_sandbox.stripe.state import Book

# What may still be changed on a finalized invoice: nothing that is printed as money or terms.
_LATE = {"metadata", "description", "footer", "expand"}


def draft(book: Book, given: Json, now: int) -> Json:
    """A new draft from the parameters of `POST /v1/invoices`."""
    customer = customer_of(book, given.get("customer"))
    method = given.get("collection_method") or "charge_automatically"
    if method == "send_invoice":
        check_email(book, customer, "create")
    currency = currency_of(given.get("currency") or customer["currency"] or book.account.currency)
    key = book.key("invoice")
    book.lines[key] = []
    book.extra[key] = {"days": None, "ways": {}, "rates": {}, "mailed": False}
    row = blank(book, key, customer, currency, now)
    row["collection_method"] = method
    set_terms(book, row, given, now)
    set_plain(book, row, given)
    customer["currency"] = customer["currency"] or currency
    _bring_items(book, row, given, now)
    recount(book, row)
    events.made(book, row, now, "invoice.created")
    if row["auto_advance"]:
        finalize_later(book, row, now)
    return row


def _bring_items(book: Book, row: Json, given: Json, now: int) -> None:
    if given.get("pending_invoice_items_behavior") != "include":
        return
    for item in book.shelves["invoiceitem"].having("customer", row["customer"]):
        if item["invoice"] is None and item["currency"] == row["currency"] and not item.get("deleted"):
            take_item(book, row, item, now)


def take_item(book: Book, row: Json, item: Json, now: int) -> None:
    """A pending invoice item becomes a line."""
    given = {
        "amount": item["amount"], "description": item["description"], "metadata": item["metadata"],
        "invoiceitem": item["id"], "tax_rates": [rate["id"] for rate in item["tax_rates"]],
    }  # fmt: skip
    lines.add(book, row, [given], now)
    item["invoice"] = row["id"]


def edit(book: Book, row: Json, given: Json, now: int) -> Json:
    """Change a draft; of a finalized invoice only texts and metadata."""
    late = set(given) - _LATE
    if row["status"] != "draft" and late:
        raise not_editable(f"Finalized invoices can't be updated in this way: {', '.join(sorted(late))}.")
    before = dict(row)
    changed = dict(row)
    if given.get("collection_method"):
        changed["collection_method"] = given["collection_method"]
    if {"due_date", "days_until_due", "collection_method"} & set(given):
        set_terms(book, changed, given, now)
    set_plain(book, changed, given)
    if row["status"] == "draft":
        lines.check_ways(book, changed, where="default_tax_rates")
        lines.retax(book, changed)
    row.update({name: value for name, value in changed.items() if before[name] != value})
    return told(book, row, before, now)


def delete(book: Book, row: Json, now: int) -> Json:
    """Drafts only; gone for good."""
    if row["status"] != "draft":
        raise not_editable("You can only delete draft invoices: void this one instead.")
    events.emit(book, "invoice.deleted", row, now)
    book.shelves["invoice"].take(row["id"])
    book.copies.pop(row["id"], None)
    for item in book.shelves["invoiceitem"].having("customer", row["customer"]):
        if item["invoice"] == row["id"]:
            item["invoice"] = None
    return {"id": row["id"], "object": "invoice", "deleted": True}
