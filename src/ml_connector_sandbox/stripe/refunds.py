"""Refunds: succeeded, pending, failed after all, canceled; their money and what they leave on the charge."""

from __future__ import annotations

from decimal import Decimal

from ml_connector_sandbox.stripe import events, ledger
from ml_connector_sandbox.stripe.ledger import Movement
from ml_connector_sandbox.stripe.refusals import Json, bad
from ml_connector_sandbox.stripe.shapes import merged
from ml_connector_sandbox.stripe.state import Book
from ml_connector_sandbox.stripe.times import seconds


def refundable(charge: Json) -> int:
    """What is left to refund."""
    return int(charge["amount_captured"]) - int(charge["amount_refunded"])


def refund(
    book: Book, charge: Json, amount: int, now: int, *, pending: str = "", rate: Decimal | None = None,
    reason: str | None = None, metadata: Json | None = None,
) -> Json:  # fmt: skip
    """Give money back. `pending`: insufficient_funds moves no money yet, processing has moved it already."""
    if charge["status"] != "succeeded":
        raise bad(f"Charge {charge['id']} has not succeeded and cannot be refunded.", param="charge")
    if refundable(charge) <= 0:
        raise bad(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    if not 0 < amount <= refundable(charge):
        text = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({refundable(charge)})"
        raise bad(text, param="amount")
    if charge["disputed"] and book.extra[charge["id"]].get("chargeback"):
        raise bad(f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed")
    card = book.extra[charge["id"]]["type"] == "charge"
    key = book.key("refund") if card else book.world.mint.key("pyr")
    row: Json = {
        "id": key, "object": "refund", "amount": amount, "balance_transaction": None, "charge": charge["id"],
        "created": seconds(now), "currency": charge["currency"], "customer": charge["customer"],
        "destination_details": {"type": "card", "card": {"type": "pending" if pending else "refund"}} if card else None,
        "metadata": merged({}, metadata), "payment_intent": charge["payment_intent"], "reason": reason,
        "receipt_number": None, "source_transfer_reversal": None,
        "status": "pending" if pending else "succeeded", "transfer_reversal": None,
    }  # fmt: skip
    row |= {"pending_reason": pending} if pending else {}
    book.extra[key] = {"rate": rate or book.extra[charge["id"]]["rate"], "credit_note": False}
    if pending != "insufficient_funds":
        _withdraw(book, row, charge, now)
    events.made(book, row, now, "refund.created")
    total = charge["amount_refunded"] + amount
    whole = total == charge["amount"]
    events.changed(book, charge, now, "charge.refunded", amount_refunded=total, refunded=whole)
    return row


def _withdraw(book: Book, row: Json, charge: Json, now: int) -> None:
    kind = "refund" if book.extra[charge["id"]]["type"] == "charge" else "payment_refund"
    line = ledger.post(
        book,
        Movement(
            -row["amount"], row["currency"], kind, "refund", row["id"], rate=book.extra[row["id"]]["rate"],
            description="REFUND FOR CHARGE",
        ),
        now,
    )  # fmt: skip
    row["balance_transaction"] = line["id"]


def succeed(book: Book, row: Json, now: int) -> Json:
    """A pending refund has gone through."""
    if row["status"] != "pending":
        raise bad(f"Refund {row['id']} is {row['status']}, not pending.")
    charge = book.shelves["charge"].rows[row["charge"]]
    before = row["balance_transaction"]
    if before is None:
        _withdraw(book, row, charge, now)
    line, row["balance_transaction"] = row["balance_transaction"], before
    row.pop("pending_reason", None)
    return events.changed(
        book, row, now, "refund.updated", "charge.refund.updated", status="succeeded", balance_transaction=line
    )


def fail(book: Book, row: Json, now: int, *, reason: str = "lost_or_stolen_card") -> Json:
    """The money came back (category refund_failure), or never went; the charge counts less as refunded."""
    return _undo(book, row, now, "failed", {"failure_reason": reason}, ("refund.updated", "refund.failed"))


def cancel(book: Book, row: Json, now: int) -> Json:
    """A pending refund is called off."""
    if row["status"] not in {"pending", "requires_action"}:
        raise bad(f"Refund {row['id']} is {row['status']} and cannot be canceled.")
    return _undo(book, row, now, "canceled", {}, ("refund.updated",))


def _undo(book: Book, row: Json, now: int, status: str, fields: Json, names: tuple[str, ...]) -> Json:
    if row["status"] in {"failed", "canceled"}:
        raise bad(f"Refund {row['id']} is {row['status']} already.")
    charge = book.shelves["charge"].rows[row["charge"]]
    if row["balance_transaction"] is not None:
        kind = "refund_failure" if book.extra[charge["id"]]["type"] == "charge" else "payment_refund"
        movement = Movement(
            row["amount"], row["currency"], kind, "refund_failure", row["id"], rate=book.extra[row["id"]]["rate"]
        )
        fields = fields | {"failure_balance_transaction": ledger.post(book, movement, now)["id"]}
    row.pop("pending_reason", None)
    events.changed(book, row, now, *names, status=status, **fields)
    total = charge["amount_refunded"] - row["amount"]
    events.changed(book, charge, now, "charge.updated", amount_refunded=total, refunded=False)
    return row
