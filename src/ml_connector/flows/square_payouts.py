"""Square payouts with their entries, and the outcome of disputes."""

from __future__ import annotations

from ml_connector.finance.documents import Dispute, Payout, PayoutEntry
from ml_connector.finance.journal import JournalEntry
from ml_connector.finance.plan import Hold, Ignore, Need, Plan, Related, Verdict
from ml_connector.flows import square_needs as need
from ml_connector.flows.square_entries import ENTRIES
from ml_connector.flows.square_verdicts import unmapped
from ml_connector.flows.verdicts import booked_day, too_old, verdict
from ml_connector.rules.bookkeeping import Books
from ml_connector.rules.days import business_day
from ml_connector.rules.disputes import plan_dispute, plan_dispute_entry
from ml_connector.rules.payouts import disputed, plan_failed_payout, plan_payout


def plan_payout_record(payout: Payout, related: Related, books: Books) -> Verdict:
    """What a payout becomes: its journal, one for each dispute entry, and the mirror of a failed one."""
    terms = books.terms
    key = f"{terms.code}:po:{payout.id}"
    day = payout.arrives_on or business_day(payout.created_at, terms, payout.location)
    if terms.go_live is not None and day < terms.go_live:
        return Ignore(too_old(day, terms))
    if new := unmapped(payout.location, terms):
        return Hold((new,))
    # Square may move the arrival day after we booked; the money is the same, so the day we booked stands.
    day = booked_day(key, related) or day
    matched = {entry.id for entry in payout.entries if _is_matched(entry, payout, related)}
    parts = [plan_payout(payout, roles=ENTRIES, matched=matched, key=key, day=day, books=books, related=related)]
    parts.extend(
        plan_dispute_entry(entry, payout=payout, key=f"{terms.code}:dp:{entry.id}", day=day, books=books)
        for entry in disputed(payout, ENTRIES)
    )
    if payout.state == "failed":
        gone = f"{key}:failed"
        failed_on = booked_day(gone, related) or max(day, business_day(payout.updated_at, terms, payout.location))
        parts.append(plan_failed_payout(payout, key=gone, day=failed_on, books=books, payout_key=key))
    writes = tuple(write for part in parts for write in part.writes)
    return verdict(Plan(writes, tuple(finding for part in parts for finding in part.findings)))


def plan_dispute_record(dispute: Dispute, related: Related, books: Books) -> Verdict:
    """What the outcome of a dispute becomes; its money came with payouts."""
    key = f"{books.terms.code}:dp:{dispute.id}:lost"
    loss = related.posted.get(key)
    made = plan_dispute(
        dispute,
        payouts=related.documents(need.payouts_of_dispute(dispute)),
        key=key,
        books=books,
        posted=loss if isinstance(loss, JournalEntry) else None,
        day=business_day(dispute.updated_at, books.terms, None),
    )
    return verdict(made) if isinstance(made, Plan) else made


def _is_matched(entry: PayoutEntry, payout: Payout, related: Related) -> bool:
    """Whether the payout that an entry speaks of is known: failed, or paid out by itself."""
    role = ENTRIES.role(entry)
    if role not in {"returned", "matched"}:
        return False
    others = (one for one in related.documents(need.payout_of_amount(entry, payout)) or () if one.id != payout.id)
    return any(one.state == "failed" if role == "returned" else not one.itemized for one in others)


def payout_id(asked: Need, related: Related) -> str | None:
    """The payout that answers a need, by id."""
    found = related.one(asked)
    return found.id if isinstance(found, Payout) else None
