"""The life of an invoice: draft, open, paid, void, uncollectible, deleted; numbers, due dates, customer balance."""

from __future__ import annotations

from typing import Any

from ml_connector_sandbox.stripe import balances, charges, events, lines, settling
from ml_connector_sandbox.stripe.currencies import LARGEST, check_amount, currency_of, smallest
from ml_connector_sandbox.stripe.invoice_sums import recount
from ml_connector_sandbox.stripe.refusals import Json, Refused, bad, missing
from ml_connector_sandbox.stripe.shapes import merged
from ml_connector_sandbox.stripe.state import Book
from ml_connector_sandbox.stripe.times import DAY, seconds

_DAY_S = DAY // 1_000_000
# What may still be changed on a finalized invoice: nothing that is printed as money or terms.
_LATE = {"metadata", "description", "footer", "expand"}


def customer_of(book: Book, key: str | None) -> Json:
    """The customer a parameter names. Refused (400) when there is none or it was deleted."""
    row = book.get("customer", key)
    if row is None or row.get("deleted"):
        raise missing("customer", str(key), param="customer", status=400)
    return row


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
    row = _blank(book, key, customer, currency, now)
    row["collection_method"] = method
    _set_terms(book, row, given, now)
    _set_plain(book, row, given)
    customer["currency"] = customer["currency"] or currency
    _bring_items(book, row, given, now)
    recount(book, row)
    events.made(book, row, now, "invoice.created")
    if row["auto_advance"]:
        _finalize_later(book, row, now)
    return row


def _blank(book: Book, key: str, customer: Json, currency: str, now: int) -> Json:
    moment = seconds(now)
    return {
        "id": key, "object": "invoice", "account_country": book.account.country, "account_name": book.account.name,
        "account_tax_ids": None, "amount_due": 0, "amount_overpaid": 0, "amount_paid": 0, "amount_remaining": 0,
        "amount_shipping": 0, "application": None, "attempt_count": 0, "attempted": False, "auto_advance": False,
        "automatic_tax": automatic_tax(on=book.world.knobs.automatic_tax), "automatically_finalizes_at": None,
        "billing_reason": "manual", "collection_method": "charge_automatically", "created": moment,
        "currency": currency, "custom_fields": None, "customer": customer["id"], "customer_account": None,
        **_printed(book, customer), "default_payment_method": None, "default_source": None, "default_tax_rates": [],
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


def _printed(book: Book, customer: Json) -> Json:
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


def _set_terms(book: Book, row: Json, given: Json, now: int) -> None:
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


def _set_plain(book: Book, row: Json, given: Json) -> None:
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
        _set_terms(book, changed, given, now)
    _set_plain(book, changed, given)
    if row["status"] == "draft":
        lines.check_ways(book, changed, where="default_tax_rates")
        lines.retax(book, changed)
    row.update({name: value for name, value in changed.items() if before[name] != value})
    return told(book, row, before, now)


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


def finalize(book: Book, row: Json, now: int, *, auto_advance: bool | None = None) -> Json:
    """Draft to open: number, links, the customer's balance, a payment intent; to paid when nothing is due."""
    must_be_draft(row)
    customer = customer_of(book, row["customer"])
    own = book.lines[row["id"]]
    if not own:
        text = "You cannot finalize an invoice without line items."
        raise bad(text, code="invoice_no_customer_line_items")
    if row["collection_method"] == "send_invoice":
        check_email(book, customer, "create")
        check_email(book, customer, "finalize")
        days = book.extra[row["id"]]["days"]
        if days is None:
            check_due(row["due_date"], now)
    recount(book, row)
    check_amount(row["total"], row["currency"], param="total")
    if abs(row["total"]) > LARGEST:
        raise bad("Amount must be no more than 999,999.99", code="amount_too_large", param="total")
    before = dict(row)
    _print(book, row, customer, now, auto_advance=auto_advance)
    _apply_balance(book, row, now)
    book.extra[row["id"]]["token"] = book.world.mint.letters(60)
    due, row["status"] = row["amount_due"], "open"
    if due > 0:
        intent = charges.new_intent(book, due, row["currency"], now, customer=row["customer"], invoice=row)
        payment = {"type": "payment_intent", "payment_intent": intent["id"]}
        settling.new_row(book, row, payment, due, now, default=True)
        _watch_due(book, row)
    told(book, row, before, now)
    events.emit(book, "invoice.finalized", row, now)
    if due == 0:
        settling.settle(book, row, now, {"amount_remaining": 0}, collected=True)
    return row


def _print(book: Book, row: Json, customer: Json, now: int, *, auto_advance: bool | None) -> None:
    """Everything a finalized invoice keeps for ever."""
    row.update(_printed(book, customer))
    if not row["number"]:
        row["number"] = f"{customer['invoice_prefix']}-{customer['next_invoice_sequence']:04d}"
        customer["next_invoice_sequence"] += 1
    days = book.extra[row["id"]]["days"]
    if days is not None:
        row["due_date"] = seconds(now) + days * _DAY_S
    row["effective_at"] = row["effective_at"] or seconds(now)
    row["status_transitions"] = row["status_transitions"] | {"finalized_at": seconds(now)}
    row["automatically_finalizes_at"] = None
    if auto_advance is not None:
        row["auto_advance"] = auto_advance
    row["payment_settings"] = dict(row["payment_settings"])


def _apply_balance(book: Book, row: Json, now: int) -> None:
    """Credit lowers what is due, debt and negative totals go the other way, too little to charge is carried on."""
    customer, currency, total = row["customer"], row["currency"], row["total"]
    start = row["starting_balance"]
    due = max(total + start, 0)
    end = total + start - due  # what is left of the credit, negative or nothing
    kind = "applied_to_invoice"
    if 0 < due < smallest(currency):
        end, due, kind = due, 0, "invoice_too_small"
    if end != start:
        balances.move(book, customer, currency, end - start, kind=kind, now=now, invoice=row["id"])
    row.update(ending_balance=end, amount_due=due, amount_remaining=due)
    book.extra[row["id"]]["applied"] = end - start


def _finalize_later(book: Book, row: Json, now: int) -> None:
    due = now + book.world.delay(book.world.knobs.auto_finalize_s)
    row["automatically_finalizes_at"] = seconds(due)

    def act(at: int) -> None:
        if row["status"] != "draft" or not row["auto_advance"] or row["id"] not in book.shelves["invoice"].rows:
            return
        try:
            finalize(book, row, at)
        except Refused as refused:
            error = {"code": refused.code or None, "message": refused.message, "type": refused.kind}
            events.changed(
                book, row, at, "invoice.updated", "invoice.finalization_failed", last_finalization_error=error
            )

    book.world.later(due, act)


def _watch_due(book: Book, row: Json) -> None:
    if row["due_date"] is None:
        return

    def act(at: int) -> None:
        if row["status"] == "open":
            events.emit(book, "invoice.overdue", row, at)

    book.world.later((row["due_date"] + 1) * 1_000_000, act)


def send(book: Book, row: Json, now: int) -> Json:
    """Mail an open invoice; of a draft only where the knob lets sending finalize."""
    if row["collection_method"] != "send_invoice":
        text = "You can only manually send an invoice if its collection method is 'send_invoice'."
        raise bad(text, param="collection_method")
    if row["status"] == "draft" and book.world.knobs.send_draft:
        finalize(book, row, now)
    if row["status"] not in {"open", "paid", "uncollectible"}:
        raise bad(f"You can only send an open invoice: this one is {row['status']}.")
    book.mails.append({"kind": "invoice", "id": row["id"], "to": row["customer_email"], "at": seconds(now)})
    events.emit(book, "invoice.sent", row, now)
    return row


def void(book: Book, row: Json, now: int) -> Json:
    """Open or uncollectible to void, unless money is there or on its way; applied credit goes back."""
    if row["status"] not in {"open", "uncollectible"}:
        raise bad(f"You can only void an open or uncollectible invoice: this one is {row['status']}.")
    paid = [r for r in book.shelves["invoice_payment"].having("invoice", row["id"]) if r["status"] == "paid"]
    if paid:
        raise bad("You cannot void an invoice that has payments.")
    if _processing(book, row) and not book.world.knobs.void_while_processing:
        raise bad("This invoice has a payment that is processing and cannot be voided until it ended.")
    moments = row["status_transitions"] | {"voided_at": seconds(now)}
    events.changed(
        book, row, now, "invoice.updated", "invoice.voided", status="void", status_transitions=moments,
        auto_advance=False,
    )  # fmt: skip
    settling.close_rows(book, row, now, reason="void_invoice")
    applied = book.extra[row["id"]].get("applied", 0)
    if applied:
        kind = "unapplied_from_invoice"
        balances.move(book, row["customer"], row["currency"], -applied, kind=kind, now=now, invoice=row["id"])
    return row


def _processing(book: Book, row: Json) -> bool:
    rows = book.shelves["invoice_payment"].having("invoice", row["id"])
    intents = (book.get("payment_intent", r["payment"].get("payment_intent")) for r in rows)
    return any(intent is not None and intent["status"] == "processing" for intent in intents)


def mark_uncollectible(book: Book, row: Json, now: int) -> Json:
    """Open to uncollectible; it may still be paid or voided."""
    if row["status"] != "open":
        raise bad(f"You can only mark an open invoice uncollectible: this one is {row['status']}.")
    moments = row["status_transitions"] | {"marked_uncollectible_at": seconds(now)}
    details = {"uncollectible": {"reason": "payment_not_received"}}
    return events.changed(
        book, row, now, "invoice.updated", "invoice.marked_uncollectible", status="uncollectible",
        status_transitions=moments, status_details=details,
    )  # fmt: skip


def pay_out_of_band(book: Book, row: Json, now: int) -> Json:
    """Paid outside Stripe, whole: no charge, no fee; whether it makes a row is a knob, as nobody knows."""
    if row["status"] == "paid":
        raise bad("Invoice is already paid")
    if row["status"] not in {"open", "uncollectible"}:
        raise bad(f"This invoice cannot be paid: it is {row['status']}.")
    if _processing(book, row):
        raise bad("This invoice has a payment that is processing: wait for its end.")
    if book.world.knobs.out_of_band_row:
        payment = {"type": "payment_record", "payment_record": book.key("payment_record")}
        made = settling.new_row(book, row, payment, row["amount_remaining"], now, default=False)
        moments = {"canceled_at": None, "paid_at": seconds(now)}
        made.update(status="paid", amount_paid=row["amount_remaining"], status_transitions=moments)
    sums = {"amount_paid": row["amount_paid"] + row["amount_remaining"], "amount_remaining": 0}
    settling.settle(book, row, now, sums, collected=False)
    return row


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
