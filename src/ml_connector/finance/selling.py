"""Selling by order: the ledger makes the invoice of what was ordered; what was paid before is put against it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from ml_connector.finance.money import Money
from ml_connector.finance.refs import Number
from ml_connector.finance.totals import check_total


@dataclass(frozen=True, slots=True)
class SalesOrderLine:
    """So many of one item of the ledger, for `net` in all. Accounts are the item's own; `vat_code` is always sent."""

    item: str
    quantity: Decimal
    net: Money
    vat_code: str
    text: str
    vat: Money | None = None  # what the source says this line's VAT is
    role: str = "sales"


@dataclass(frozen=True, slots=True)
class SalesOrder:
    """What a customer ordered. `total` includes `vat_total`; the ledger's own may differ by `tolerance` minor units."""

    customer: Number
    day: date
    type: str
    currency: str
    lines: tuple[SalesOrderLine, ...]
    total: Money
    vat_total: Money
    reference: str  # the source's own number, for people
    source: str
    text: str = ""
    tolerance: int = 0
    branch: str | None = None
    identity: str | None = None  # which of the orders that its source gave the same id it is of

    def __post_init__(self) -> None:
        check_total((line.net for line in self.lines), vat=self.vat_total, total=self.total)
        if not self.lines:
            raise ValueError("an order has at least one line")


@dataclass(frozen=True, slots=True)
class PaymentApplication:
    """Part of a customer's payment, by its remote id, put against an invoice that stands by now.

    `owed` is what the invoice was open for as this was planned: that much less is how it is told that it happened.
    """

    payment: Number
    invoice: str
    amount: Money
    owed: Money
    source: str
