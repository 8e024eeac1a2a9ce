"""The recipes of disputes: money taken by the customer's bank is a claim until the outcome is known.

Taken: Dr dispute receivable, Dr dispute fee; Cr clearing. Given back: mirrored. Lost: Dr dispute loss; Cr dispute
receivable; a win on appeal mirrors the loss. Relief of VAT after a loss is a person's decision.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from ml_connector.finance.documents import Dispute, Payout, PayoutEntry
from ml_connector.finance.journal import JournalEntry, mirrored
from ml_connector.finance.plan import Ignore, Plan, PlannedWrite, Wait
from ml_connector.rules import closing
from ml_connector.rules.bookkeeping import Books, Sheet
from ml_connector.rules.mapping import Facts


def plan_dispute_entry(entry: PayoutEntry, *, payout: Payout, key: str, day: date, books: Books) -> Plan:
    """The journal of one dispute entry of a payout.

    It is dated like the payout, so that clearing empties on that day.
    """
    currency = entry.net.currency
    facts = Facts(location=payout.location, currency=currency, type="dispute")
    sheet = Sheet(key, record=f"dispute entry {entry.id}", day=day, facts=facts, books=books)
    sheet.post("dispute_receivable", -(entry.net.minor + entry.fee.minor))
    sheet.post("dispute_fee", entry.fee.minor)
    sheet.post("clearing", entry.net.minor)
    named = f" of dispute {entry.dispute_id}" if entry.dispute_id else ""
    write = sheet.write(f"Dispute entry {entry.id}{named}")
    return Plan((write,) if write else (), tuple(sheet.findings))


def plan_dispute(
    dispute: Dispute,
    *,
    payouts: Iterable[Payout] | None,
    posted: JournalEntry | None,
    key: str,
    day: date,
    books: Books,
) -> Plan | Ignore | Wait:
    """What the outcome of a dispute books. `payouts` hold its entries, `posted` is the loss as booked before."""
    if dispute.state == "open":
        return Ignore("the dispute is open: its money is booked with the payout that took it")
    if dispute.state == "won" and posted is None:
        return Ignore("the dispute is won: the money comes back as an entry of a payout")
    if dispute.state == "won" and posted is not None:
        booked, against = closing.booking_day(
            day,
            ledgers=closing.GENERAL,
            vat=False,
            terms=books.terms,
            chart=books.chart,
            record=f"dispute {dispute.id}",
        )
        if against is not None:
            return Plan((), (against,))
        undone = mirrored(posted, day=booked, text=f"Dispute {dispute.id} won on appeal, takes back {posted.text}")
        loss = PlannedWrite(key, "journal", posted)
        return Plan((loss, PlannedWrite(f"{key}:appeal", "journal", undone, needs=(key,))))
    entries = {entry.id: entry for one in payouts or () for entry in one.entries if entry.dispute_id == dispute.id}
    if not entries:
        return Wait("the payout that took the disputed money is not read yet")
    claim = -sum(entry.net.minor + entry.fee.minor for entry in entries.values())
    if claim <= 0:
        return Ignore("the disputed money is back already: there is no loss")
    location = next((one.location for one in payouts or ()), None)
    facts = Facts(location=location, currency=dispute.amount.currency, type="dispute", status="lost")
    sheet = Sheet(key, record=f"dispute {dispute.id}", day=day, facts=facts, books=books)
    sheet.post("dispute_loss", claim)
    sheet.post("dispute_receivable", -claim)
    write = sheet.write(f"Dispute {dispute.id} lost")
    return Plan((write,) if write else (), tuple(sheet.findings))
