"""How a stored object looks on the wire at a moment: cut lists, states that time alone changes, fresh links."""

from __future__ import annotations

import copy

from ml_connector_sandbox.core.instants import DAY, HOUR
from ml_connector_sandbox.stripe.invoice_sums import recount
from ml_connector_sandbox.stripe.refusals import Json
from ml_connector_sandbox.stripe.state import Book
from ml_connector_sandbox.stripe.times import seconds

INLINE = 10  # lines an object shows of itself


def shown(book: Book, row: Json, now: int) -> Json:
    """A copy for the wire, with ids where other objects stand."""
    kind = row.get("object")
    if kind == "invoice" and row["status"] == "draft":
        recount(book, row)
    answer = copy.deepcopy(row)
    if kind == "invoice":
        answer["lines"] = cut(book.lines[row["id"]], f"/v1/invoices/{row['id']}/lines")
        _fresh_links(book, answer, now)
    elif kind == "credit_note":
        answer["lines"] = cut(book.lines[row["id"]], f"/v1/credit_notes/{row['id']}/lines")
    elif kind == "balance_transaction":
        answer["status"] = state_of(row, now)
    elif kind == "dispute":
        for line in answer["balance_transactions"]:
            line["status"] = state_of(line, now)
    elif kind == "customer":
        answer["balance"] = book.credit.get((row["id"], str(row["currency"])), 0)
    return answer


def cut(lines: list[Json], url: str) -> Json:
    """A list inside an object: the first ten, and how many there are."""
    head = copy.deepcopy(lines[:INLINE])
    return {"object": "list", "data": head, "has_more": len(lines) > INLINE, "total_count": len(lines), "url": url}


def state_of(line: Json, now: int) -> str:
    """A balance transaction is pending until its day has come."""
    return "available" if line["available_on"] <= seconds(now) else "pending"


def _fresh_links(book: Book, answer: Json, now: int) -> None:
    """Every read gives links of its own, good for ten days; 30 days after the due date there are none."""
    token = book.extra[answer["id"]].get("token")
    if answer["status"] == "draft" or token is None:
        return
    end = 30 * DAY // 1_000_000 + (answer["due_date"] or answer["created"])
    if seconds(now) > end:
        answer["hosted_invoice_url"] = answer["invoice_pdf"] = None
        return
    hour = now // HOUR if book.world.knobs.url_changes else 0
    where = f"{book.account.id}/{'live' if book.livemode else 'test'}_{token}{hour:x}"
    answer["hosted_invoice_url"] = f"https://invoice.stripe.com/i/{where}?s=ap"
    answer["invoice_pdf"] = f"https://pay.stripe.com/invoice/{where}/pdf?s=ap"
