"""Stripe disputes: told on the invoice that was paid, and the loss. Their money comes in rows of the account."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from ml_connector.finance.documents import Capture, Dispute, DisputeMovement
from ml_connector.finance.journal import JournalEntry
from ml_connector.finance.ledger import LedgerInvoice
from ml_connector.finance.money import total
from ml_connector.finance.plan import Found, Ignore, Plan, PlannedWrite, Related, Verdict, Wait
from ml_connector.flows import stripe_to_visma_asking as ask
from ml_connector.flows import stripe_to_visma_needs as need
from ml_connector.flows.verdicts import booked_day, is_before_go_live, verdict
from ml_connector.rules.bookkeeping import Books, Sheet
from ml_connector.rules.claims import plan_outcome
from ml_connector.rules.days import business_day
from ml_connector.rules.dispute_flags import plan_flags
from ml_connector.rules.mapping import Facts
from ml_connector.rules.owed_again import plan_owed_again


def plan_dispute_record(dispute: Dispute, related: Related, books: Books) -> Verdict:
    """The flags on the invoices behind a dispute, and what its outcome books."""
    outcome = _outcome(dispute, related, books)
    if isinstance(outcome, Plan) and any(finding.blocks for finding in outcome.findings):
        return verdict(outcome)
    key = f"{books.terms.code}:dp:{dispute.id}"
    flags = [
        write
        for number in _invoices(dispute, related, books)
        for write in plan_flags(dispute, number, key=key, terms=books.terms, related=related)
    ]
    if isinstance(outcome, Plan):
        return verdict(Plan((*flags, *outcome.writes), outcome.findings))
    # A loss whose money is not told yet comes with the next version of the dispute; the flag need not wait for it.
    return Plan(tuple(flags)) if flags else outcome


def _outcome(dispute: Dispute, related: Related, books: Books) -> Plan | Ignore | Wait:
    key = f"{books.terms.code}:dp:{dispute.id}:lost"
    owed = f"{books.terms.code}:dp:{dispute.id}:owed"
    posted = related.posted.get(key)
    loss = posted if isinstance(posted, JournalEntry) else None
    if dispute.state == "open":
        # Lost is not the end where an appeal follows: what was booked for the loss stands until that is won.
        kinds = {key: "journal", owed: "debit_note"}
        standing = [PlannedWrite(one, kinds[one], related.posted[one]) for one in kinds if one in related.posted]
        if standing:
            return Plan(tuple(standing))
    moved = [
        one for one in dispute.movements
        if one.occurred_at is None or not is_before_go_live(one.occurred_at, None, books.terms)
    ]  # fmt: skip
    if dispute.movements and not moved:
        return Ignore("its money moved before the go-live day")
    day = business_day(dispute.updated_at, books.terms, None)
    if dispute.state == "lost":
        day = booked_day(key, related) or booked_day(owed, related) or day
    made = plan_outcome(dispute, rows=moved, refunded=False, posted=loss, key=key, day=day, books=books)
    if dispute.state == "lost" and isinstance(made, Plan) and made.writes and books.terms.dispute_lost == "owed":
        return _owed(dispute, moved, owed, day, related=related, books=books) or made
    return made


def _owed(
    dispute: Dispute, moved: Sequence[DisputeMovement], key: str, day: date, *, related: Related, books: Books
) -> Plan | None:
    """A debit note to the customer of the one invoice that was paid; None where it is none, or in another currency."""
    claim = -total((one.amount for one in moved), moved[0].amount.currency)
    bills = [_ledger_invoice(number, related) for number in _invoices(dispute, related, books)]
    bill = bills[0] if len(bills) == 1 else None
    if bill is None or bill.currency != claim.currency:
        return None
    facts = Facts(currency=claim.currency, type="dispute", status="lost")
    sheet = Sheet(key, record=f"dispute {dispute.id}", day=day, facts=facts, books=books)
    return plan_owed_again(dispute, claim, bill, sheet)


def _invoices(dispute: Dispute, related: Related, books: Books) -> list[str]:
    """The numbers of the ledger's invoices that the disputed charge paid."""
    charge: Capture | None = related.one(ask.charge(dispute.payment_id or ""))
    if charge is None or not need.is_ours(charge, related, books.terms):
        return []
    numbers = [
        need.ledger_number(related.one(ask.invoice(row.invoice_id))) for row in need.rows_of(charge, related) or ()
    ]
    return [number for number in dict.fromkeys(numbers) if number and _ledger_invoice(number, related) is not None]


def _ledger_invoice(number: str, related: Related) -> LedgerInvoice | None:
    found: tuple[Found, ...] = related.documents(ask.ledger_invoice(number)) or ()
    document = found[0].document if found else None
    return document if isinstance(document, LedgerInvoice) else None
