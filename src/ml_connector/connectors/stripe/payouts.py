"""Payouts with what they consist of. Pure.

Only an automatic payout whose reconciliation is completed lists its balance transactions; the reader puts them beside
it under ENTRIES. The payout's own line is none of its content.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ml_connector.connectors.stripe.fields import Fields
from ml_connector.connectors.stripe.movements import movement_of
from ml_connector.finance.documents import Movement, Payout, PayoutEntry

ENTRIES = "balance_transactions"  # of ours: what GET /v1/balance_transactions?payout= listed
MOST_ENTRIES = 10_000  # a payout with more is proven by the balance alone
STATES: Mapping[str, Literal["sent", "paid", "failed"]] = {
    "pending": "sent",
    "in_transit": "sent",
    "paid": "paid",
    "failed": "failed",
    "canceled": "failed",  # it left the balance when it was made and came back
}
OWN_LINE = frozenset({"payout", "payout_reversal"})
DESTINATIONS: Mapping[str, str] = {"bank_account": "bank_account", "card": "card"}


def payout_of(payout: Fields) -> Payout:
    """A payout; negative when Stripe takes money from the bank."""
    currency = payout.currency()
    status = payout.text("status")
    state = STATES.get(status)
    if state is None:
        payout.fail("status", f"is {status[:40] or 'missing'}, a state of payouts that we do not know")
    id_, created = payout.id("id"), payout.moment("created")
    rows = [movement_of(row) for row in payout.parts(ENTRIES, most=MOST_ENTRIES)]
    entries = tuple(_entry(row, id_) for row in rows if not (row.code in OWN_LINE and row.reference_id == id_))
    return Payout(
        id=id_,
        state=state,
        amount=payout.money("amount", currency),
        location=None,
        destination=DESTINATIONS.get(payout.text("type"), "bank_account"),
        itemized=payout.node.get(ENTRIES) is not None,
        entries=entries,
        arrives_on=payout.day_or_none("arrival_date"),
        created_at=created,
        updated_at=created,
        reference=payout.text("statement_descriptor"),
    )


def _entry(row: Movement, payout_id: str) -> PayoutEntry:
    fee = -row.fee if row.fee is not None else row.amount - row.amount
    return PayoutEntry(
        row.id, row.code, row.amount, fee, row.net, row.occurred_at, payment_id=row.reference_id, payout_id=payout_id
    )
