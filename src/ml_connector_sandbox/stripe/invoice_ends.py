"""What becomes of a finalized invoice: mailed, void, uncollectible, paid outside Stripe."""

from __future__ import annotations

from ml_connector_sandbox.stripe import balances, events, settling
from ml_connector_sandbox.stripe.finalizing import finalize
from ml_connector_sandbox.stripe.refusals import Json, bad
from ml_connector_sandbox.stripe.state import Book
from ml_connector_sandbox.stripe.times import seconds


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
