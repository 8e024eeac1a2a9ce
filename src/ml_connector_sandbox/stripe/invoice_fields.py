"""The fields of an invoice: what a new one has, what parameters set, what is refused."""

from __future__ import annotations

from typing import Any

from ml_connector_sandbox.core.instants import DAY
from ml_connector_sandbox.stripe import events
from ml_connector_sandbox.stripe.invoice_sums import recount
from ml_connector_sandbox.stripe.refusals import Json, Refused, bad, missing
from ml_connector_sandbox.stripe.shapes import merged
from ml_connector_sandbox.stripe.state import Book
from ml_connector_sandbox.stripe.times import seconds

_DAY_S = DAY // 1_000_000


def customer_of(book: Book, key: str | None) -> Json:
    """The customer a parameter names. Refused (400) when there is none or it was deleted."""
    row = book.get("customer", key)
    if row is None or row.get("deleted"):
        raise missing("customer", str(key), param="customer", status=400)
    return row


def blank(book: Book, key: str, customer: Json, currency: str, now: int) -> Json:
    """Every field of a new draft."""
    moment = seconds(now)
    return {
        "id": key, "object": "invoice", "account_country": book.account.country, "account_name": book.account.name,
        "account_tax_ids": None, "amount_due": 0, "amount_overpaid": 0, "amount_paid": 0, "amount_remaining": 0,
        "amount_shipping": 0, "application": None, "attempt_count": 0, "attempted": False, "auto_advance": False,
        "automatic_tax": automatic_tax(on=book.world.knobs.automatic_tax), "automatically_finalizes_at": None,
        "billing_reason": "manual", "collection_method": "charge_automatically", "created": moment,
        "currency": currency, "custom_fields": None, "customer": customer["id"], "customer_account": None,
        **printed(book, customer), "default_payment_method": None, "default_source": None, "default_tax_rates": [],
        "description": None, "discounts": [], "due_date": None, "effective_at": None, "ending_balance": None,
        "footer": None, "from_invoice": None, "hosted_invoice_url": None, "invoice_pdf": None,
        "issuer": {"type": "self"}, "last_finalization_error": None, "latest_revision": None, "lines": None,
        **book.mode(), "metadata": {}, "next_payment_attempt": None, "number": None, "on_behalf_of": None,
        "parent": None, "payment_settings": {"default_mandate": None, "payment_method_options": None,
                                             "payment_method_types": None},
        "period_end": moment, "period_start": moment, "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0, "receipt_number": None, "rendering": None, "shipping_cost": None,
        "shipping_details": None, "starting_balance": 0, "statement_descriptor": None, "status": "draft",
        "status_details": None,
        "status_transitions": {"finalized_at": None, "marked_uncollectible_at": None, "paid_at": None,
                               "voided_at": None},
        "subtotal": 0, "subtotal_excluding_tax": 0, "test_clock": None, "total": 0, "total_discount_amounts": [],
        "total_excluding_tax": 0, "total_pretax_credit_amounts": [], "total_taxes": [], "webhooks_delivered_at": None,
    }  # fmt: skip


def automatic_tax(*, on: bool) -> Json:
    """The automatic tax group of an invoice."""
    return {"disabled_reason": None, "enabled": on, "liability": {"type": "self"} if on else None,
            "provider": "stripe" if on else None, "status": "complete" if on else None}  # fmt: skip


def printed(book: Book, customer: Json) -> Json:
    """What an invoice copies from its customer; fixed when it is finalized."""
    ids = book.shelves["tax_id"].having("customer", customer["id"])
    return {
        "customer_address": customer["address"], "customer_email": customer["email"],
        "customer_name": customer["name"], "customer_phone": customer["phone"],
        "customer_shipping": customer["shipping"], "customer_tax_exempt": customer["tax_exempt"],
        "customer_tax_ids": [{"type": t["type"], "value": t["value"]} for t in ids],
    }  # fmt: skip


def check_email(book: Book, customer: Json, step: str) -> None:
    """`send_invoice` needs an address; the knob says which call refuses."""
    if not customer["email"] and book.world.knobs.missing_email_at == step:
        text = (
            f"Missing email. In order to create invoices that are sent to the customer, the customer must have a valid "
            f"email. Customer: {customer['id']}"
        )
        raise bad(text, param="collection_method")


def set_terms(book: Book, row: Json, given: Json, now: int) -> None:
    """Exactly one of due_date and days_until_due with send_invoice, none of them otherwise."""
    due: Any = given.get("due_date")
    days: Any = given.get("days_until_due")
    if row["collection_method"] != "send_invoice":
        if due is not None or days is not None:
            name = "due_date" if due is not None else "days_until_due"
            raise bad(f"You can only specify `{name}` if `collection_method` is `send_invoice`.", param=name)
        row["due_date"] = None
        return
    if due is not None and days is not None:
        raise bad("You may only specify one of these parameters: due_date, days_until_due.", param="due_date")
    if due is None and days is None:
        text = "If invoice collection method is 'send_invoice', you must specify `days_until_due` or `due_date`."
        raise bad(text, code="parameter_missing", param="days_until_due")
    extra = book.extra[row["id"]]
    if due is None:
        if days < 0 or (days == 0 and not book.world.knobs.zero_days_allowed):
            raise bad("`days_until_due` must be greater than 0.", param="days_until_due")
        extra["days"], row["due_date"] = days, seconds(now) + days * _DAY_S
        return
    check_due(due, now)
    extra["days"], row["due_date"] = None, due


def check_due(due: int, now: int) -> None:
    """A due date lies in the future, at most five years away."""
    if due <= seconds(now):
        raise bad("`due_date` must be an integer timestamp in the future.", param="due_date")
    if due > seconds(now) + 5 * 366 * _DAY_S:
        raise bad("`due_date` must be at most 5 years in the future.", param="due_date")


def set_plain(book: Book, row: Json, given: Json) -> None:
    """Set what parameters say of number, tax, texts and metadata."""
    if "number" in given:
        _set_number(book, row, given["number"])
    if given.get("automatic_tax"):
        row["automatic_tax"] = automatic_tax(on=given["automatic_tax"]["enabled"])
    if "default_tax_rates" in given:
        row["default_tax_rates"] = [_usable_rate(book, key) for key in given["default_tax_rates"] or []]
    if "custom_fields" in given:
        row["custom_fields"] = _custom_fields(given["custom_fields"])
    if "metadata" in given:
        row["metadata"] = merged(row["metadata"], given["metadata"])
    if given.get("payment_settings"):
        row["payment_settings"] = row["payment_settings"] | {
            name: value for name, value in given["payment_settings"].items() if name in row["payment_settings"]
        }
    for name in ("auto_advance", "description", "footer", "effective_at", "statement_descriptor"):
        if name in given:
            row[name] = given[name]
    if row["auto_advance"] is None:
        row["auto_advance"] = False


def _usable_rate(book: Book, key: str) -> Json:
    rate = book.get("tax_rate", key)
    if rate is None:
        raise missing("tax rate", key, param="default_tax_rates", status=400)
    if not rate["active"] or key in book.manual_rates:
        raise bad(f"The tax rate {key} is archived and cannot be used.", param="default_tax_rates")
    return dict(rate)


def _custom_fields(given: list[Json] | None) -> list[Json] | None:
    if given is not None and len(given) > 4:
        raise bad("An invoice can have at most 4 custom fields.", param="custom_fields")
    return given


def _set_number(book: Book, row: Json, number: str | None) -> None:
    taken = any(i["number"] == number and i["id"] != row["id"] for i in book.shelves["invoice"].rows.values())
    if number and taken:
        raise bad(f"An invoice with the number {number} already exists.", param="number")
    row["number"] = number


def told(book: Book, row: Json, before: Json, now: int) -> Json:
    """Tell of what differs from before; totals of a draft are counted first."""
    if row["status"] == "draft":
        recount(book, row)
    new = {name: value for name, value in row.items() if before.get(name) != value}
    row.update({name: before.get(name) for name in new})
    events.changed(book, row, now, "invoice.updated", **new)
    return row


def not_editable(text: str) -> Refused:
    """A change that comes too late."""
    return bad(text, code="invoice_not_editable")


def must_be_draft(row: Json) -> None:
    """Refuse changes to the lines of a finalized invoice."""
    if row["status"] != "draft":
        raise not_editable(f"This invoice is no longer editable: it is {row['status']}.")
