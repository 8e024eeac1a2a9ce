"""What really happened: sums of the whole ledger, what is owed, and the state of every object."""

from __future__ import annotations

from collections import Counter

from ml_connector_sandbox.stripe.refusals import Json
from ml_connector_sandbox.stripe.rendering import shown
from ml_connector_sandbox.stripe.state import Book

_STATEFUL = ("invoice", "invoice_payment", "payment_intent", "charge", "refund", "dispute", "payout", "credit_note")
_INVOICE = (
    "number", "status", "currency", "customer", "total", "amount_due", "amount_paid", "amount_remaining",
    "amount_overpaid", "pre_payment_credit_notes_amount", "post_payment_credit_notes_amount", "metadata",
)  # fmt: skip


def truth(book: Book, now: int, *, detail: bool) -> Json:
    """Everything at once, amounts in API minor units; with `detail` every object as the wire shows it too."""
    rows = list(book.shelves["balance_transaction"].rows.values())
    answer: Json = {
        "account_id": book.account.id, "livemode": book.livemode, "categories": categories(rows),
        "totals": _totals(rows), "not_paid_out": _totals([r for r in rows if r["id"] in set(book.unpaid)]),
        "counts": {kind: len(shelf) for kind, shelf in book.shelves.items()},
        "statuses": {
            kind: dict(Counter(row["status"] for row in book.shelves[kind].rows.values())) for kind in _STATEFUL
        },
        "states": {
            kind: {key: row["status"] for key, row in book.shelves[kind].rows.items()} for kind in _STATEFUL
        },
        "invoices": {
            key: {name: row[name] for name in _INVOICE} for key, row in book.shelves["invoice"].rows.items()
        },
        "customer_credit": _credit(book), "mails": list(book.mails),
        "webhooks": book.world.desk.counts | {"waiting": book.world.desk.waiting_count()},
    }  # fmt: skip
    if detail:
        answer["objects"] = {
            kind: [row if row.get("deleted") else shown(book, row, now) for row in shelf.rows.values()]
            for kind, shelf in book.shelves.items()
            if kind != "event"
        }
    return answer


def categories(rows: list[Json]) -> Json:
    """Currency -> reporting category -> count, amount, fee, net."""
    sums: dict[str, dict[str, dict[str, int]]] = {}
    for row in rows:
        empty = {"count": 0, "amount": 0, "fee": 0, "net": 0}
        one = sums.setdefault(row["currency"], {}).setdefault(row["reporting_category"], empty)
        one["count"] += 1
        for name in ("amount", "fee", "net"):
            one[name] += row[name]
    return sums


def _totals(rows: list[Json]) -> Json:
    sums: dict[str, dict[str, int]] = {}
    for row in rows:
        one = sums.setdefault(row["currency"], {"count": 0, "amount": 0, "fee": 0, "net": 0})
        one["count"] += 1
        for name in ("amount", "fee", "net"):
            one[name] += row[name]
    return sums


def _credit(book: Book) -> Json:
    found: dict[str, dict[str, int]] = {}
    for (customer, currency), amount in book.credit.items():
        if amount:
            found.setdefault(customer, {})[currency] = amount
    return found
