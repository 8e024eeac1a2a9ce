"""Canonical documents: what a source system says happened, in one language for all of them.

Amounts are as the source states them; nothing here knows an account. Ids are the source's own. Times are aware UTC.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from ml_connector.finance.money import Money

Means = str
"""How money came or went: card, wallet, bank, bnpl, account, cash, gift_card, external, external:{type}, other."""


@dataclass(frozen=True, slots=True)
class TaxShare:
    """The part of one tax in a line. `rate` in percent ("25", "12.5"); None when the source gives only an amount."""

    rate: Decimal | None
    amount: Money
    name: str = ""


@dataclass(frozen=True, slots=True)
class SaleLine:
    """One line: `net` without tax, after discounts; `taxes` on top of it."""

    uid: str
    name: str
    net: Money
    taxes: tuple[TaxShare, ...] = ()
    kind: Literal["goods", "custom", "service_charge", "auto_gratuity", "gift_card", "shipping", "fee", "discount"] = (
        "goods"
    )
    quantity: Decimal = Decimal(1)
    article: str | None = None
    category: str | None = None

    @property
    def tax(self) -> Money:
        return Money(sum(share.amount.minor for share in self.taxes), self.net.currency)

    @property
    def gross(self) -> Money:
        return Money(self.net.minor + sum(share.amount.minor for share in self.taxes), self.net.currency)


@dataclass(frozen=True, slots=True)
class Tender:
    """One payment of an order: `amount` includes `tip`."""

    payment_id: str
    means: Means
    amount: Money
    tip: Money
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SaleReturn:
    """Goods that came back inside an order: lines with positive amounts, and the sale they came from (None:
    unlinked).
    """

    sale_id: str | None
    lines: tuple[SaleLine, ...]
    tip: Money
    rounding: Money
    itemized: bool = True


@dataclass(frozen=True, slots=True)
class Sale:
    """An order. `total` = lines + taxes + tip + rounding, as the source states it."""

    id: str
    state: Literal["open", "completed", "canceled", "draft"]
    currency: str
    location: str | None
    lines: tuple[SaleLine, ...]
    tenders: tuple[Tender, ...]
    tip: Money
    rounding: Money
    total: Money
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None = None
    customer_id: str | None = None
    returns: tuple[SaleReturn, ...] = ()
    reference: str = ""


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
    reference: str = ""


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


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice of the source. Lines and tax are on its order."""

    id: str
    number: str
    state: Literal[
        "draft", "scheduled", "open", "part_paid", "paid", "part_refunded", "refunded", "canceled", "failed", "pending"
    ]
    order_id: str | None
    location: str | None
    customer_id: str | None
    currency: str
    requested: Money  # sum of the payment requests
    completed: Money  # paid so far, as the invoice states it
    due_on: date | None
    published_at: datetime | None
    scheduled_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True)
class PayoutEntry:
    """One movement inside a payout: `net` = `gross` - `fee`. `type` is the source's word, `role` ours (see the
    flow).
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
class Dispute:
    """A customer's bank questions a payment."""

    id: str
    state: Literal["open", "won", "lost"]
    amount: Money
    payment_id: str | None
    reason: str
    due_at: datetime | None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Location:
    """A place of business of the source."""

    id: str
    name: str
    active: bool
    time_zone: str
    currency: str
    country: str


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address; every part may be empty. `country` is ISO 3166 alpha-2."""

    lines: tuple[str, ...] = ()
    postal_code: str = ""
    city: str = ""
    region: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class Party:
    """A customer or a supplier of the source."""

    id: str
    role: Literal["customer", "supplier"]
    name: str
    active: bool
    email: str = ""
    phone: str = ""
    address: Address = field(default_factory=Address)
    org_number: str = ""
    vat_number: str = ""
    account_number: str = ""
    is_company: bool = False
    contact: str = ""
    merged_into: str | None = None
    updated_at: datetime | None = None
    note: str = ""
    origin: str = ""  # how the source came to know the party, in its own word


Document = Sale | Capture | Refund | Invoice | Payout | Dispute | Location | Party
