"""The recipe of a dispute's outcome where the money moved in rows of its own: a claim lost becomes a loss.

Lost: Dr dispute loss; Cr dispute receivable, for what its rows left there. Won: nothing, the money came back as a row;
won on appeal after a loss: the loss mirrored. Relief of VAT after a loss is a person's decision.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from ml_connector.finance.documents import Dispute, DisputeMovement, Movement
from ml_connector.finance.journal import JournalEntry, mirrored
from ml_connector.finance.plan import Finding, Ignore, Plan, PlannedWrite, Wait
from ml_connector.rules import closing
from ml_connector.rules.bookkeeping import Books, Sheet
from ml_connector.rules.mapping import Facts


def plan_outcome(
    dispute: Dispute, *, rows: Sequence[Movement | DisputeMovement], refunded: bool, posted: JournalEntry | None,
    key: str, day: date, books: Books,
) -> Plan | Ignore | Wait:  # fmt: skip
    """What an outcome books. `rows`: what disputes moved for its payments; `refunded`: it was settled by a refund."""
    if dispute.state == "open":
        return Ignore("the dispute is open: its money is booked from its own rows")
    if dispute.state == "won":
        if posted is None:
            return Ignore("the dispute is won: the money comes back as a row of its own")
        return _appeal(dispute, posted, key=key, day=day, books=books)
    if not rows:
        if refunded:
            return Ignore("the dispute was settled by a refund, which is booked as one")
        return Wait("what the dispute took is not in the report yet")
    currency = rows[0].amount.currency
    if any(row.amount.currency != currency for row in rows):
        return Plan((), (_currencies(dispute),))
    claim = -sum(row.amount.minor for row in rows)
    if claim <= 0:
        return Ignore("the disputed money is back already: there is no loss")
    facts = Facts(currency=currency, type="dispute", status="lost")
    sheet = Sheet(key, record=f"dispute {dispute.id}", day=day, facts=facts, books=books)
    sheet.post("dispute_loss", claim)
    sheet.post("dispute_receivable", -claim)
    write = sheet.write(f"Dispute {dispute.id} lost")
    return Plan((write,) if write else (), tuple(sheet.findings))


def _appeal(dispute: Dispute, posted: JournalEntry, *, key: str, day: date, books: Books) -> Plan:
    record = f"dispute {dispute.id}"
    booked, against = closing.booking_day(
        day, ledgers=closing.GENERAL, vat=False, terms=books.terms, chart=books.chart, record=record
    )
    if against is not None:
        return Plan((), (against,))
    undone = mirrored(posted, day=booked, text=f"Dispute {dispute.id} won on appeal, takes back {posted.text}")
    loss = PlannedWrite(key, "journal", posted)
    return Plan((loss, PlannedWrite(f"{key}:appeal", "journal", undone, needs=(key,))))


def _currencies(dispute: Dispute) -> Finding:
    return Finding(
        "dispute-currencies",
        f"Dispute {dispute.id} moved money in several currencies. Book its loss by hand and ignore it here.",
        "currency",
    )
