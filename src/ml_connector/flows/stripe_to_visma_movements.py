"""Stripe's balance transactions: the complete account. Each moves clearing once, by itself or through its document.

Charges and refunds are booked by their own records, so their rows bring the fee and the change of currency. Payouts,
disputes, fees, reserves and all else are booked from the row.
"""

from __future__ import annotations

from dataclasses import replace

from ml_connector.finance.documents import Capture, Movement, Payout, Refund
from ml_connector.finance.journal import JournalEntry
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Finding, Hold, Ignore, Plan, Related, Verdict, Wait
from ml_connector.finance.rulebook import Terms
from ml_connector.flows import stripe_to_visma_needs as need
from ml_connector.flows.verdicts import before_go_live, booked_day, is_before_go_live, verdict
from ml_connector.rules.bookkeeping import Books
from ml_connector.rules.days import business_day
from ml_connector.rules.findings import differs
from ml_connector.rules.matching import payout_difference
from ml_connector.rules.movements import plan_movement, suspended
from ml_connector.rules.payouts import EntryRoles, plan_failed_payout, plan_payout
from ml_connector.rules.pooling import pool_of
from ml_connector.rules.settlements import plan_settlement
from ml_connector.rules.texts import begun

_WHOLE = EntryRoles({})  # a payout's content is booked from its own rows


def plan_movement_record(row: Movement, related: Related, books: Books) -> Verdict:
    """What one row of the account becomes."""
    if early := before_go_live(row.occurred_at, None, books.terms):
        return early
    made = _planned(row, related, books)
    if isinstance(made, Plan) and row.state == "unknown":
        made = replace(made, findings=(*made.findings, _status(row)))
    return verdict(made) if isinstance(made, Plan) else made


def plan_payout_record(payout: Payout, related: Related, books: Books) -> Verdict:
    """A payout itself: its content must add up. Its own row in the account books it."""
    if early := before_go_live(payout.created_at, None, books.terms):
        return early
    if against := _payout_differs(payout, books):
        return Hold((against,))
    return Ignore("its balance transaction books it")


def key_of(row: Movement, books: Books) -> str:
    """The key of a row."""
    return f"{books.terms.code}:bt:{row.id}"


def _planned(row: Movement, related: Related, books: Books) -> Plan | Hold | Ignore | Wait:
    asked = need.behind(row)
    behind = related.one(asked) if asked is not None else None
    if isinstance(behind, Capture):
        return _of_charge(row, behind, related, books)
    if isinstance(behind, Refund):
        return _of_refund(row, behind, books)
    if isinstance(behind, Payout):
        return _of_payout(row, behind, related, books)
    day = business_day(row.occurred_at, books.terms, None)
    if asked is not None and row.role in {"receipt", "refund"}:
        if related.documents(asked) is None:
            return Wait(f"{row.reference_id or 'what it names'} is not read yet")
        return suspended(row, key=key_of(row, books), day=day, books=books, warning=_unnamed(row))
    if row.code == "tax" and books.terms.fee_vat == "exempt":
        return Hold((_vat_charged(row),))
    return plan_movement(row, as_role=row.role, key=key_of(row, books), day=day, books=books)


def _of_charge(row: Movement, charge: Capture, related: Related, books: Books) -> Plan | Ignore | Wait:
    """Fee and currency of a charge, or of its failure after it had been credited."""
    if charge.state == "pending":
        return Wait(f"charge {charge.id} is pending as it was last read")
    failure = row.id == charge.failed_movement_id or row.amount.minor < 0
    keys = () if failure else need.money_keys(charge, related, books.terms)
    if not failure and charge.state == "completed" and not need.is_ours(charge, related, books.terms):
        return Wait(f"charge {charge.id} does not name this row as it was last read")
    moved = -charge.amount if failure else charge.amount
    return _settled(row, moved, keys, f"charge {charge.id}", books)


def _of_refund(row: Movement, refund: Refund, books: Books) -> Plan | Ignore | Wait:
    """Fee and currency of a refund, or of its failure."""
    failure = row.id == refund.failed_movement_id or row.amount.minor > 0
    return _settled(row, refund.amount if failure else -refund.amount, (), f"refund {refund.id}", books)


def _settled(row: Movement, moved: Money, keys: tuple[str, ...], document: str, books: Books) -> Plan | Ignore:
    day = business_day(row.occurred_at, books.terms, None)
    made = plan_settlement(row, moved, key=key_of(row, books), day=day, books=books, needs=keys)
    if made.findings:
        return made
    return _shared(made, books.terms) if made.writes else Ignore(f"{document} books it, and it has no fee")


def _shared(made: Plan, terms: Terms) -> Plan:
    """A fee alone names nobody, so it may share a voucher with others.

    The content of a payout comes too late for one of its own: its fees are those of their days.
    """
    if len(made.writes) != 1 or not isinstance(made.writes[0].content, JournalEntry):
        return made
    mode = "daily" if terms.mode == "per_payout" else terms.mode
    pool = pool_of(replace(terms, mode=mode), made.writes[0].content, location=None, payout=None)
    return Plan((replace(made.writes[0], pool=pool),))


def _of_payout(row: Movement, payout: Payout, related: Related, books: Books) -> Plan | Wait:
    """Dr bank; Cr clearing, on the day it arrives; mirrored once where it failed. A fee beside it (instant payouts)."""
    terms = books.terms
    if _payout_differs(payout, books):
        return Wait(f"payout {payout.id} does not add up; its own question says by how much")
    key = f"{terms.code}:po:{payout.id}"
    happened = business_day(row.occurred_at, terms, None)
    if row.role == "withdrawal_returned" and is_before_go_live(payout.created_at, None, terms):
        return plan_movement(row, as_role=row.role, key=key_of(row, books), day=happened, books=books)
    fee = plan_settlement(row, row.amount, key=key_of(row, books), day=happened, books=books)
    if row.role == "withdrawal_returned":
        whole = replace(payout, amount=row.amount)
        gone = f"{key}:failed"
        day = booked_day(gone, related) or max(happened, payout.arrives_on or happened)
        made = plan_failed_payout(whole, key=gone, day=day, books=books, payout_key=key)
    else:
        whole = replace(payout, amount=-row.amount, itemized=False, entries=(), stated_fee=None)
        # The arrival may move after it was booked; the money is the same, so the day that was booked stands.
        day = booked_day(key, related) or payout.arrives_on or happened
        made = plan_payout(whole, roles=_WHOLE, matched=(), key=key, day=day, books=books, related=related)
    return Plan((*made.writes, *fee.writes), (*made.findings, *fee.findings))


def _payout_differs(payout: Payout, books: Books) -> Finding | None:
    off = payout_difference(payout)
    if abs(off.minor) <= books.terms.tolerance_minor:
        return None
    fix = "Read the payout again; rows may be missing. If it stays, book it by hand and ignore it and its row here."
    found = payout.amount - off
    return differs(
        "payout-differs", "The amount", stated=payout.amount, found=found, record=f"payout {payout.id}", fix=fix
    )


def _unnamed(row: Movement) -> Finding:
    return Finding(
        "movement-unnamed",
        f"{begun(f'movement {row.id}')} of {row.amount} ({row.code}) names {row.reference_id or 'nothing'}, which this "
        "account does not show: it is on suspense. Find out what it is and move it by hand.",
        "source",
        blocks=False,
    )


def _status(row: Movement) -> Finding:
    return Finding(
        "movement-status",
        f"{begun(f'movement {row.id}')} of {row.amount} has a status that we do not know. It is booked, as it stands "
        "in the account; see in Stripe what became of it and report the status.",
        "status",
        blocks=False,
    )


def _vat_charged(row: Movement) -> Finding:
    return Finding(
        "fee-vat-charged",
        f"{begun(f'movement {row.id}')} takes {-row.amount} tax on fees, and the route says fees are exempt. Set the "
        "fee VAT of the route to reverse charge (settled by the processor's monthly invoice), then plan again.",
        "fee_vat",
        {"fee_vat": "reverse_charge"},
    )
