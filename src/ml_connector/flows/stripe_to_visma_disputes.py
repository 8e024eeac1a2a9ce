"""Stripe disputes: told on the invoice that was paid, and the loss. Their money comes in rows of the account."""

from __future__ import annotations

from ml_connector.finance.documents import Capture, Dispute
from ml_connector.finance.journal import JournalEntry
from ml_connector.finance.ledger import LedgerInvoice
from ml_connector.finance.plan import Found, Hold, Ignore, Plan, PlannedWrite, Related, Verdict, Wait
from ml_connector.flows import stripe_to_visma_needs as need
from ml_connector.flows.verdicts import booked_day, is_before_go_live, verdict
from ml_connector.rules.bookkeeping import Books
from ml_connector.rules.claims import plan_outcome
from ml_connector.rules.days import business_day
from ml_connector.rules.dispute_flags import plan_flags


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
    if isinstance(outcome, Hold):
        return outcome
    # A loss whose money is not told yet comes with the next version of the dispute; the flag need not wait for it.
    return Plan(tuple(flags)) if flags else outcome


def _outcome(dispute: Dispute, related: Related, books: Books) -> Plan | Hold | Ignore | Wait:
    key = f"{books.terms.code}:dp:{dispute.id}:lost"
    posted = related.posted.get(key)
    loss = posted if isinstance(posted, JournalEntry) else None
    if dispute.state == "open" and loss is not None:
        # Lost is not the end where an appeal follows: the loss stands until that is won.
        return Plan((PlannedWrite(key, "journal", loss),))
    moved = [
        one for one in dispute.movements
        if one.occurred_at is None or not is_before_go_live(one.occurred_at, None, books.terms)
    ]  # fmt: skip
    if dispute.movements and not moved:
        return Ignore("its money moved before the go-live day")
    day = booked_day(key, related) or business_day(dispute.updated_at, books.terms, None)
    if dispute.state == "won":
        day = business_day(dispute.updated_at, books.terms, None)
    return plan_outcome(dispute, rows=moved, refunded=False, posted=loss, key=key, day=day, books=books)


def _invoices(dispute: Dispute, related: Related, books: Books) -> list[str]:
    """The numbers of the ledger's invoices that the disputed charge paid."""
    charge: Capture | None = related.one(need.charge(dispute.payment_id or ""))
    if charge is None or not need.is_ours(charge, related, books.terms):
        return []
    numbers = [
        need.ledger_number(related.one(need.invoice(row.invoice_id))) for row in need.rows_of(charge, related) or ()
    ]
    return [number for number in dict.fromkeys(numbers) if number and _in_ledger(number, related)]


def _in_ledger(number: str, related: Related) -> bool:
    found: tuple[Found, ...] = related.documents(need.ledger_invoice(number)) or ()
    return bool(found) and isinstance(found[0].document, LedgerInvoice)
