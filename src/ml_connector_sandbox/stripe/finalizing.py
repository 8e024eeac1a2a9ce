"""From draft to open: number, links, the customer's balance, a payment intent; at once or an hour later."""

from __future__ import annotations

from ml_connector_sandbox.core.instants import DAY
from ml_connector_sandbox.stripe import balances, charges, events, settling
from ml_connector_sandbox.stripe.currencies import LARGEST, check_amount, smallest
from ml_connector_sandbox.stripe.invoice_fields import check_due, check_email, customer_of, must_be_draft, printed, told
from ml_connector_sandbox.stripe.invoice_sums import recount
from ml_connector_sandbox.stripe.refusals import Json, Refused, bad
from ml_connector_sandbox.stripe.state import Book
from ml_connector_sandbox.stripe.times import seconds

_DAY_S = DAY // 1_000_000


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
    row.update(printed(book, customer))
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


def finalize_later(book: Book, row: Json, now: int) -> None:
    """A draft with `auto_advance` is finalized by itself after an hour, if that still holds then."""
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
