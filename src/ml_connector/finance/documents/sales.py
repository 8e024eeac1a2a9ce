"""What was sold: orders with their lines, tenders and returns, and the articles of a catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from ml_connector.finance.documents.parties import Party
from ml_connector.finance.money import Money

Means = str
"""How money came or went: card, wallet, bank, bnpl, account, cash, gift_card, external, external:{type}, other."""


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
    status: str = ""  # the source's own word where `state` says less: a shop's custom statuses too
    payment_method: str = ""  # the gateway or method by which the buyer chose to pay, in the source's word
    payment_title: str = ""  # how the shop shows it; free text
    transaction_id: str = ""  # the processor's id of the payment, where the source was told
    paid_at: datetime | None = None  # when the source marked it paid: no proof that money came
    buyer: Party | None = None  # name and address as agreed in this order; its id is a guest's own without customer_id
    guest: bool = False
    country: str = ""  # where it goes to (ISO 3166 alpha-2), else where the buyer is
    prices_include_tax: bool | None = None
    vat_exempt: bool = False
    coupons: tuple[Coupon, ...] = ()
    refunds: tuple[StatedRefund, ...] = ()
    origin: str = ""  # how the order came about, in the source's word
    identity: str = ""  # differs when the source gave the same id to another order (after a restored backup)


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
    article: str | None = None  # the source's id of what was sold, or its number (SKU) where that is all it says
    sku: str = ""  # its number as people see it, where a catalogue was asked
    categories: tuple[str, ...] = ()  # by name, the nearest first, then those above it
    listed: str | None = None  # the id under which a catalogue lists it, where that is not `article`

    @property
    def names(self) -> tuple[str, ...]:
        """What rules may call the article: by the source's id and by its number."""
        return tuple(name for name in (self.article, self.sku) if name)

    @property
    def tax(self) -> Money:
        return Money(sum(share.amount.minor for share in self.taxes), self.net.currency)

    @property
    def gross(self) -> Money:
        return Money(self.net.minor + sum(share.amount.minor for share in self.taxes), self.net.currency)


@dataclass(frozen=True, slots=True)
class TaxShare:
    """The part of one tax in a line. `rate` in percent ("25", "12.5"); None when the source gives only an amount."""

    rate: Decimal | None
    amount: Money
    name: str = ""


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
    """Goods that came back inside an order: lines with positive amounts.

    And the sale they came from (None: unlinked).
    """

    sale_id: str | None
    lines: tuple[SaleLine, ...]
    tip: Money
    rounding: Money
    itemized: bool = True


@dataclass(frozen=True, slots=True)
class Coupon:
    """A coupon of a sale: informational, the lines are already reduced by it. `net` and `tax` are positive."""

    code: str
    net: Money
    tax: Money
    type: str = ""


@dataclass(frozen=True, slots=True)
class StatedRefund:
    """A refund as its sale names it: its `id`, the positive amount, the reason. The refund is a record of its own."""

    id: str
    amount: Money
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Article:
    """Something a source sells, as its catalogue has it. `categories` by name: the nearest first, then those above.

    `unknown`: the catalogue has nothing of this id (any more). `hidden`: the source does not show us its catalogue.
    """

    id: str
    state: Literal["known", "unknown", "hidden"]
    name: str = ""
    sku: str = ""
    categories: tuple[str, ...] = ()
