"""The processor's own account: payouts to the bank and every row that moved it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from ml_connector.finance.documents.parties import Party
from ml_connector.finance.money import Money


@dataclass(frozen=True, slots=True)
class Payout:
    """A transfer from the processor to the bank (negative: from the bank). `itemized` False: it has no entries."""

    id: str
    state: Literal["sent", "paid", "failed"]
    amount: Money
    location: str | None
    destination: str  # bank_account, card, square_balance, square_stored_balance...
    itemized: bool
    entries: tuple[PayoutEntry, ...]
    arrives_on: date | None
    created_at: datetime
    updated_at: datetime
    stated_fee: Money | None = None
    reference: str = ""


@dataclass(frozen=True, slots=True)
class PayoutEntry:
    """One movement inside a payout: `net` = `gross` - `fee`.

    `type` is the source's word, `role` ours (see the flow).
    """

    id: str
    type: str
    gross: Money
    fee: Money
    net: Money
    occurred_at: datetime | None = None
    payment_id: str | None = None
    refund_id: str | None = None
    dispute_id: str | None = None
    payout_id: str | None = None


MovementRole = Literal[
    "receipt", "sent", "refund", "fee", "fee_returned", "conversion", "funding", "withdrawal", "withdrawal_returned",
    "reserve", "dispute", "mirror", "transfer", "card", "bonus", "none", "other",
]  # fmt: skip
"""What a movement is in the books: `receipt` and `sent` payments; `reserve` money held or released; `mirror` takes back
what it refers to; `none` moved no money; `other` nobody can say: suspense."""


@dataclass(frozen=True, slots=True)
class Movement:
    """One row of a processor's own account: `amount` and `fee` signed from our side, the balance moves by their sum.

    `id` is unique; `transaction_id` need not be: one may stand in several rows. `code` is the source's word, `role`
    ours.
    """

    id: str
    transaction_id: str
    code: str
    role: MovementRole
    state: Literal["completed", "pending", "denied", "reversed", "unknown"]
    amount: Money
    fee: Money | None  # below zero when it was taken; None: none is stated
    occurred_at: datetime
    updated_at: datetime
    reference_id: str | None = None
    reference_type: Literal["transaction", "order", "subscription", "agreement", "other"] | None = None
    status: str = ""  # the source's word
    invoice_id: str | None = None  # the source's own invoice that was paid
    invoice_number: str = ""
    custom_id: str = ""
    balance: Money | None = None  # what was available after it
    party: Party | None = None
    text: str = ""
    rate: Decimal | None = None  # it came from an amount in another currency, at this rate

    @property
    def net(self) -> Money:
        """What the balance moved by. Raises ValueError where the fee is in another currency."""
        return self.amount if self.fee is None else self.amount + self.fee
