"""Money between a source and its customers: captures, refunds and disputes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal

from ml_connector.finance.documents.sales import Means, SaleReturn
from ml_connector.finance.money import Money


@dataclass(frozen=True, slots=True)
class Capture:
    """One payment by a customer. `amount` without tip; `total` = amount + tip."""

    id: str
    state: Literal["pending", "completed", "canceled", "failed"]
    means: Means
    amount: Money
    tip: Money
    total: Money
    location: str | None
    order_id: str | None
    customer_id: str | None
    occurred_at: datetime
    updated_at: datetime
    fee: Money | None = None  # what the source states so far; the booked fee comes from the payout entry
    own_fee: Money | None = None  # fee of an external payment, outside the processor
    refunded: Money | None = None
    offline: bool = False
    in_person: bool = False  # taken at a till or terminal: no order of a web shop waits for it
    reference: str = ""
    net: Money | None = None  # what the account received in the sale's currency, as the source states it
    invoice_number: str = ""  # the number the seller gave the payment
    custom_id: str = ""  # whatever else the seller wrote on it
    converted: Converted | None = None
    intent_id: str = ""  # what groups the attempts to take one payment
    movement_id: str = ""  # the row of the processor's account that brought the money
    failed_movement_id: str = ""  # the row that took it back, when the payment failed after it had been credited
    failure: str = ""  # why it failed, in the source's words
    marks: Mapping[str, str] = field(default_factory=dict)  # what the seller's systems keep with it
    settles: tuple[tuple[str, str], ...] | None = None  # (its payment, the invoice) it pays; None: nobody has looked


@dataclass(frozen=True, slots=True)
class Converted:
    """An amount that the source put into another currency: what was credited or debited there, and its rate."""

    amount: Money
    rate: Decimal | None = None  # target units for one unit of the source's currency
    fee: Money | None = None  # where the fee was charged in that currency


@dataclass(frozen=True, slots=True)
class Refund:
    """Money given back. `amount` is positive. `return_order_id` is the order that holds the returned lines, if any."""

    id: str
    state: Literal["pending", "completed", "rejected", "failed"]
    amount: Money
    payment_id: str | None
    return_order_id: str | None
    location: str | None
    means: Means | None  # destination where the source names one; None: back to where the payment came from
    occurred_at: datetime
    updated_at: datetime
    reason: str = ""
    sale_id: str | None = None  # the sale it belongs to, where the source says so itself
    returned: SaleReturn | None = None  # what came back, where the refund itself lists it
    whole: bool | None = None  # the source calls it a refund of everything that was left
    by_processor: bool | None = None  # True: the processor moved the money; False: a person gave it back elsewhere
    payment_method: str = ""
    fee_returned: Money | None = None  # given back by the processor with this refund; not the original fee
    net: Money | None = None  # what left the account: amount less what was given back
    invoice_number: str = ""
    custom_id: str = ""
    converted: Converted | None = None
    intent_id: str = ""
    failed_movement_id: str = ""  # the row that brought the money back, when the refund failed


@dataclass(frozen=True, slots=True)
class Dispute:
    """A customer's bank questions a payment."""

    id: str
    state: Literal["open", "won", "lost"]
    amount: Money
    payment_id: str | None
    reason: str
    due_at: datetime | None
    updated_at: datetime
    opened_at: datetime | None = None
    outcome: str = ""  # the source's word
    stage: str = ""  # the source's word: inquiry, chargeback...
    refunded: Money | None = None
    payment_ids: tuple[str, ...] = ()  # all of them, where one dispute names several
    invoice_number: str = ""
    movements: tuple[DisputeMovement, ...] = ()


@dataclass(frozen=True, slots=True)
class DisputeMovement:
    """Money that a dispute moved on the seller's account, as its record tells it: negative is taken, positive given.

    `id` is the row of the processor's account, where the record names it; `fee` is taken beside the amount.
    """

    amount: Money
    reason: str
    occurred_at: datetime | None = None
    id: str = ""
    fee: Money | None = None
