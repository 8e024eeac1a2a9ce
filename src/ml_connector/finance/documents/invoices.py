"""Invoices of a source, what was paid of them, and what the ledger tells back to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from ml_connector.finance.documents.parties import Party
from ml_connector.finance.documents.sales import Means, SaleLine
from ml_connector.finance.money import Money


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
class Publication:
    """When an invoice of the source became the customer's; None: nobody can tell any more. `id` is the invoice's."""

    id: str
    published_at: datetime | None


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
