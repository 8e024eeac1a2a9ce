"""Canonical documents: what a source system says happened, in one language for all of them.

Amounts are as the source states them; nothing here knows an account. Ids are the source's own. Times are aware UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from ml_connector.finance.ledger import LedgerInvoice, LedgerPayment
from ml_connector.finance.money import Money
from ml_connector.finance.purchasing import PurchaseDocument

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
    article: str | None = None  # the source's id of what was sold, or its number (SKU) where that is all it says
    sku: str = ""  # its number as people see it, where a catalogue was asked
    categories: tuple[str, ...] = ()  # by name, the nearest first, then those above it

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
class InvoiceRow:
    """A payment of an invoice, or a refund on it, as the invoice lists it; `amount` is positive.

    `origin`: money moved through the processor (`id` is then its payment or refund), or a person recorded it.
    """

    id: str
    origin: Literal["processor", "recorded"]
    means: Means
    amount: Money
    day: date | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice of the source. Lines and tax are on its order, or here where it has none (`lines`)."""

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
    lines: tuple[SaleLine, ...] = ()  # they sum to `requested`
    payments: tuple[InvoiceRow, ...] = ()
    refunds: tuple[InvoiceRow, ...] = ()
    due: Money | None = None  # what is still open, as the source states it
    tip: Money | None = None  # given on top of `requested`
    issued_on: date | None = None
    recipient: Party | None = None  # a source without customer records names the customer on the invoice alone
    reference: str = ""
    parent_id: str | None = None
    balance_used: Money | None = None  # of what the processor owed the customer; no money came for it
    credited: Money | None = None  # by credit notes before it was paid
    overpaid: Money | None = None
    marks: Mapping[str, str] = field(default_factory=dict)  # what the seller's systems keep with it
    outside: Money | None = None  # paid without the processor, as people told it; None: that is not known


@dataclass(frozen=True, slots=True)
class InvoicePayment:
    """One payment of an invoice of the source: how much of a payment settles how much of the invoice.

    `origin` of `recorded`: somebody told the source of money that it never saw. `amount` is what was paid, or is asked
    for while it is open.
    """

    id: str
    invoice_id: str
    state: Literal["open", "paid", "canceled"]
    origin: Literal["processor", "recorded"]
    amount: Money
    created_at: datetime
    paid_at: datetime | None = None
    intent_id: str = ""
    charge_id: str = ""


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


@dataclass(frozen=True, slots=True)
class InvoiceAdjustment:
    """What people did in the ledger to an invoice that came from a source, told back to it. Moves no money there.

    Content of a planned write. `payment_id` names the recorded payment to remove.
    """

    kind: Literal["external_payment", "external_payment_removal", "external_refund", "invoice_cancel"]
    invoice_id: str
    source: str
    amount: Money | None = None
    day: date | None = None
    means: Means = "bank"
    payment_id: str = ""
    text: str = ""

    def __post_init__(self) -> None:
        moves = self.kind in {"external_payment", "external_refund"}
        if moves and (self.amount is None or self.amount.minor <= 0 or self.day is None):
            raise ValueError(f"an {self.kind} has a day and an amount above zero")
        if self.kind == "external_payment_removal" and not self.payment_id:
            raise ValueError("a removal names the payment")


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
    group: str = ""  # customer group or role of the source
    refused_numbers: tuple[str, ...] = ()  # VAT and organisation numbers as typed that are no such numbers
    attributes: tuple[tuple[str, str], ...] = ()  # of the ledger's own making: (id, value)


@dataclass(frozen=True, slots=True)
class Publication:
    """When an invoice of the source became the customer's; None: nobody can tell any more. `id` is the invoice's."""

    id: str
    published_at: datetime | None


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


Document = (
    Sale | Capture | Refund | Invoice | InvoicePayment | Payout | Dispute | Location | Party | Movement | Article
    | Publication
    | LedgerInvoice | LedgerPayment | PurchaseDocument
)  # fmt: skip
