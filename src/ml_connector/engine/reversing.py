"""What takes a posted write back: its mirror in the journal, or the ledger's own reversing call."""

from __future__ import annotations

import json
from typing import Any

from ml_connector.engine.books import Books
from ml_connector.engine.works import Works
from ml_connector.finance.encoding import booked_hash, decode_content, encode, expected, text_of
from ml_connector.finance.invoices import CustomerInvoice, CustomerPayment, Reversal, SupplierInvoice
from ml_connector.finance.journal import JournalEntry, mirrored
from ml_connector.finance.plan import Content, Finding
from ml_connector.rules import closing
from ml_connector.store.writes import Write


def reversal_row(works: Works, old: Write, books: Books, *, trip_id: str, now: int) -> dict[str, Any] | Finding:
    """A new open write under the reversal's key that takes `old` back, or why that cannot be done here."""
    content = decode_content(old.kind, json.loads(old.content)["content"])
    opposite = opposite_of(content, old, books)
    if isinstance(opposite, Finding):
        return opposite
    kind, reversing = opposite
    worth = expected(reversing)
    why = [["reversal", old.number or old.key, f"takes back {old.key}"]]
    return {
        "id": works.ids.new(),
        "workspace_id": books.company.workspace_id,
        "company_id": books.company.id,
        "trip_id": trip_id,
        "target_id": old.target_id,
        "key": reversal_key(old),
        "revision": old.revision,
        "kind": kind,
        "content": text_of({"content": encode(reversing), "why": why}),
        "hash": booked_hash(kind, reversing),
        "amount": worth.total if worth else None,
        "currency": worth.currency if worth else None,
        "pool_key": None,
        "reverses_id": old.id,
        "state": "open",
        "position": 0,
        "created_at": now,
        "updated_at": now,
    }


def reversal_key(old: Write) -> str:
    """`{key}:rev`; each later revision is taken back under a key of its own, because reversals stay in the books."""
    return f"{old.key}:rev" if old.revision == 1 else f"{old.key}:rev{old.revision}"


def opposite_of(content: Content, old: Write, books: Books) -> tuple[str, Content] | Finding:
    """(kind, content) of what takes this back. Journals are mirrored, in an open period; the rest by the ledger's
    calls.
    """
    number = old.number or old.remote_id or ""
    if isinstance(content, JournalEntry):
        period = books.chart.period_of(content.day)
        stays = period is not None and closing.is_open(period, closing.CASH)
        day = content.day if stays else closing.next_open(content.day, ledgers=closing.CASH, chart=books.chart)
        if day is None:
            sentence = (
                f"{number} cannot be reversed: no period is open on or after {content.day}. Open a period in Visma."
            )
            return Finding("period-closed", sentence, field=old.key)
        return "journal", mirrored(content, day=day, text=f"reverses {number}")
    if isinstance(content, CustomerPayment):
        kind = "Refund" if content.kind == "refund" else "Payment"
        return "void_payment", Reversal("void_payment", number, kind, content.source)
    if isinstance(content, CustomerInvoice) and content.kind == "customer_invoice":
        return "reverse_invoice", Reversal("reverse_invoice", number, "Invoice", content.source)
    if isinstance(content, SupplierInvoice):
        return "reverse_invoice", Reversal("reverse_invoice", number, "SupplierInvoice", content.source)
    sentence = f"{number} is of a kind that only a person can take back in Visma. Do so there, then ignore the record."
    return Finding("reversal-by-hand", sentence, field=old.key)
