"""The sums of an invoice from its lines, taxes and the customer's balance."""

from __future__ import annotations

from ml_connector_sandbox.stripe.refusals import Json
from ml_connector_sandbox.stripe.state import Book


def recount(book: Book, invoice: Json) -> None:
    """All totals of a draft, with the customer's balance of this moment."""
    lines = book.lines[invoice["id"]]
    subtotal = sum(line["subtotal"] for line in lines)
    exclusive = sum(t["amount"] for line in lines for t in line["taxes"] if t["tax_behavior"] == "exclusive")
    inclusive = sum(t["amount"] for line in lines for t in line["taxes"] if t["tax_behavior"] == "inclusive")
    total = subtotal + exclusive
    balance = book.credit.get((str(invoice["customer"]), invoice["currency"]), 0)
    due = max(total + balance, 0)
    invoice.update(
        subtotal=subtotal, subtotal_excluding_tax=subtotal - inclusive, total=total,
        total_excluding_tax=subtotal - inclusive, total_taxes=_totals(lines), starting_balance=balance,
        amount_due=due, amount_remaining=due,
    )  # fmt: skip


def _totals(lines: list[Json]) -> list[Json]:
    """Taxes summed over lines by rate, behaviour and reason."""
    sums: dict[tuple[str, str, str], Json] = {}
    for tax in (t for line in lines for t in line["taxes"]):
        key = (tax["tax_rate_details"]["tax_rate"], tax["tax_behavior"], tax["taxability_reason"])
        if key in sums:
            sums[key]["amount"] += tax["amount"]
            sums[key]["taxable_amount"] += tax["taxable_amount"]
        else:
            sums[key] = dict(tax)
    return list(sums.values())
