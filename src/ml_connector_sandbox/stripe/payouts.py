"""Payouts: automatic ones with their content, manual ones without; in transit, paid, failed after all, canceled."""

from __future__ import annotations

from dataclasses import dataclass

from ml_connector_sandbox.stripe import events, ledger
from ml_connector_sandbox.stripe.currencies import WHOLE_PAYOUTS, check_amount
from ml_connector_sandbox.stripe.ledger import Movement
from ml_connector_sandbox.stripe.refusals import Json, bad
from ml_connector_sandbox.stripe.state import Book
from ml_connector_sandbox.stripe.times import seconds


@dataclass(frozen=True, slots=True)
class Terms:
    """What kind of payout it is."""

    automatic: bool = True
    transit_s: float | None = None
    reconciled_s: float | None = None
    description: str | None = None
    statement_descriptor: str | None = None
    method: str = "standard"


def available(book: Book, currency: str, now: int, *, pending: bool = False) -> list[Json]:
    """The ledger's lines in a currency that no payout has taken yet; with `pending` those of the next days too."""
    rows = (book.shelves["balance_transaction"].rows[key] for key in book.unpaid)
    return [r for r in rows if r["currency"] == currency and (pending or r["available_on"] <= seconds(now))]


def run(book: Book, currency: str, now: int, terms: Terms, *, pending: bool = False) -> Json | None:
    """The automatic payout of a currency: everything available, even below zero. None when there is nothing."""
    content = available(book, currency, now, pending=pending)
    if not content:
        return None
    taken = {row["id"] for row in content}
    book.unpaid = [key for key in book.unpaid if key not in taken]
    return _make(book, sum(row["net"] for row in content), currency, now, terms, [row["id"] for row in content])


def by_hand(book: Book, amount: int, currency: str, now: int, terms: Terms) -> Json:
    """A manual payout of part of the balance. Refused above it."""
    check_amount(amount, currency)
    if amount <= 0 or (currency in WHOLE_PAYOUTS and amount % 100):
        raise bad(f"Invalid amount for a payout in {currency.upper()}: {amount}", param="amount")
    have = sum(row["net"] for row in available(book, currency, now))
    if amount > have:
        raise bad("You have insufficient funds in your Stripe account for this transfer.", code="balance_insufficient")
    made = _make(book, amount, currency, now, terms, [])
    book.unpaid.append(made["balance_transaction"])
    return made


def _make(book: Book, amount: int, currency: str, now: int, terms: Terms, content: list[str]) -> Json:
    world, knobs = book.world, book.world.knobs
    transit = world.delay(knobs.payout_transit_s if terms.transit_s is None else terms.transit_s)
    key = book.key("payout")
    line = ledger.post(
        book, Movement(-amount, currency, "payout", "payout", key, description="STRIPE PAYOUT", at_once=True), now
    )
    row: Json = {
        "id": key, "object": "payout", "amount": amount, "application_fee": None, "application_fee_amount": None,
        "arrival_date": seconds(now + transit), "automatic": terms.automatic, "balance_transaction": line["id"],
        "created": seconds(now), "currency": currency, "description": terms.description or "STRIPE PAYOUT",
        "destination": book.world.mint.key("ba"), "failure_balance_transaction": None, "failure_code": None,
        "failure_message": None, **book.mode(), "metadata": {}, "method": terms.method, "original_payout": None,
        "payout_method": None,
        "reconciliation_status": "in_progress" if terms.automatic else "not_applicable", "reversed_by": None,
        "source_type": "card", "statement_descriptor": terms.statement_descriptor, "status": "pending",
        "trace_id": {"status": "pending", "value": None}, "type": "bank_account",
    }  # fmt: skip
    events.made(book, row, now, "payout.created")
    if terms.automatic:
        book.payout_content[key] = [*content, line["id"]]
    _travel(book, row, now, transit, terms)
    return row


def _travel(book: Book, row: Json, now: int, transit: int, terms: Terms) -> None:
    world, knobs = book.world, book.world.knobs

    def leave(at: int) -> None:
        if row["status"] == "pending":
            events.changed(book, row, at, "payout.updated", status="in_transit")

    def arrive(at: int) -> None:
        if row["status"] in {"pending", "in_transit"}:
            events.changed(book, row, at, "payout.paid", status="paid")

    def reconcile(at: int) -> None:
        if row["status"] != "canceled":
            name = "payout.reconciliation_completed"
            events.changed(book, row, at, "payout.updated", name, reconciliation_status="completed")

    def trace(at: int) -> None:
        if row["status"] == "paid":
            value = {"status": "supported", "value": f"TR{world.mint.capitals(12)}"}
            events.changed(book, row, at, "payout.updated", trace_id=value)

    world.later(now + transit // 2, leave)
    world.later(now + transit, arrive)
    world.later(now + transit + world.delay(knobs.trace_s), trace)
    if terms.automatic:
        wait = knobs.reconciliation_s if terms.reconciled_s is None else terms.reconciled_s
        world.later(now + world.delay(wait), reconcile)


def pay(book: Book, row: Json, now: int) -> Json:
    """It arrives now."""
    if row["status"] not in {"pending", "in_transit"}:
        raise bad(f"Payout {row['id']} is {row['status']} already.")
    return events.changed(book, row, now, "payout.paid", status="paid", arrival_date=seconds(now))


def fail(book: Book, row: Json, now: int, *, code: str = "account_closed") -> Json:
    """It failed, maybe after it was paid: the money is back in the balance, its content stays as it was."""
    return _back(book, row, now, "payout_failure", ("payout.failed",), {
        "status": "failed", "failure_code": code, "failure_message": "The bank account has been closed.",
    })  # fmt: skip


def cancel(book: Book, row: Json, now: int) -> Json:
    """Called off before it left."""
    if row["status"] != "pending":
        text = f"Payouts can only be canceled while pending: {row['id']} is {row['status']}."
        raise bad(text, code="payout_already_canceled" if row["status"] == "canceled" else "")
    return _back(book, row, now, "payout_cancel", ("payout.canceled",), {"status": "canceled"})


def _back(book: Book, row: Json, now: int, kind: str, names: tuple[str, ...], fields: Json) -> Json:
    if row["status"] in {"failed", "canceled"}:
        raise bad(f"Payout {row['id']} is {row['status']} already.")
    line = ledger.post(
        book, Movement(row["amount"], row["currency"], kind, "payout_reversal", row["id"], at_once=True), now
    )
    return events.changed(book, row, now, *names, failure_balance_transaction=line["id"], **fields)


def content_of(book: Book, row: Json) -> list[Json]:
    """What an automatic payout paid out, its own line included. Refused for others, and before it is reconciled."""
    if not row["automatic"]:
        text = "Balance transaction history can only be filtered on automatic transfers, not manual."
        raise bad(text, param="payout")
    if row["reconciliation_status"] != "completed":
        text = f"The payout {row['id']} has not been reconciled yet."
        raise bad(text, code="payout_reconciliation_not_ready", param="payout")
    shelf = book.shelves["balance_transaction"].rows
    return [shelf[key] for key in reversed(book.payout_content[row["id"]])]
