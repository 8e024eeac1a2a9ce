"""What is written to a ledger besides journal entries: invoices, payments, parties and what takes them back.

These are the contents of planned writes. A `Ref` stands for a number that is only known once another write is done.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal

from ml_connector.finance import refs
from ml_connector.finance.documents import Address
from ml_connector.finance.journal import Dimensions
from ml_connector.finance.money import Money
from ml_connector.finance.totals import check_total

Ref = refs.Ref  # journals refer to other writes too
Number = refs.Number


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One line: quantity 1, `net` extended.

    `vat_code` is always sent (the company's no-VAT category where there is none).
    """

    account: str
    net: Money
    vat_code: str
    text: str
    dimensions: Dimensions = ()
    vat: Money | None = None  # what the source says this line's VAT is
    role: str = "sales"


@dataclass(frozen=True, slots=True)
class TaxDetail:
    """The source's VAT of one VAT id, sent where Visma's own arithmetic differs within the tolerance."""

    vat_id: str
    base: Money
    vat: Money


@dataclass(frozen=True, slots=True)
class CustomerInvoice:
    """An invoice, credit note or debit note to a customer. All amounts positive; `total` includes `vat_total`."""

    kind: Literal["customer_invoice", "credit_note", "debit_note"]
    customer: Number
    day: date
    due_on: date | None
    currency: str
    lines: tuple[InvoiceLine, ...]
    total: Money
    vat_total: Money
    reference: str  # the source's own number, for people
    source: str
    text: str = ""
    applies_to: Number | None = None  # a credit note: the invoice whose open balance it lowers
    tax_details: tuple[TaxDetail, ...] = ()
    branch: str | None = None
    event_day: date | None = None  # the true day where a late policy chose another
    identity: str | None = None  # which of the things that its source gave the same id it is of

    def __post_init__(self) -> None:
        check_total((line.net for line in self.lines), vat=self.vat_total, total=self.total)
        if not self.lines:
            raise ValueError("an invoice has at least one line")


@dataclass(frozen=True, slots=True)
class Application:
    """Part of a payment put against one document."""

    document: Literal["Invoice", "CreditNote", "Payment", "Prepayment"]
    number: Number
    amount: Money
    write_off: Money | None = None


@dataclass(frozen=True, slots=True)
class CustomerPayment:
    """Money from (payment, prepayment) or back to (refund) a customer, in the cash account's currency."""

    kind: Literal["payment", "prepayment", "refund"]
    customer: Number
    day: date
    cash_account: str
    method: str
    amount: Money
    source: str
    applications: tuple[Application, ...] = ()
    text: str = ""
    branch: str | None = None
    event_day: date | None = None  # the true day where a late policy chose another


@dataclass(frozen=True, slots=True)
class PurchaseLink:
    """The line of an order or a receipt that an invoice's line is for. Stock is linked to its receipt alone."""

    kind: Literal["order", "receipt"]
    number: str
    line: int


@dataclass(frozen=True, slots=True)
class SupplierInvoiceLine:
    """One cost line. Negative for what lowers the invoice. `link`: what was ordered or received, `quantity` of it."""

    account: str
    net: Money
    vat_code: str
    text: str
    dimensions: Dimensions = ()
    link: PurchaseLink | None = None
    quantity: Decimal | None = None
    project: str | None = None


@dataclass(frozen=True, slots=True)
class SupplierInvoice:
    """An invoice from a supplier; a negative `total` becomes a debit adjustment with positive amounts.

    `posting_day` names the period where it is not the invoice's own; `pay_selected` False: not to be paid yet. Where
    `document` names what it was made from, the same amounts of another document are another booking.
    """

    supplier: Number
    day: date
    due_on: date | None
    currency: str
    lines: tuple[SupplierInvoiceLine, ...]
    total: Money
    vat_total: Money
    reference: str
    source: str
    text: str = ""
    tax_details: tuple[TaxDetail, ...] = ()
    payment_reference: str = ""  # what the supplier wants to see on the payment (KID, OCR)
    posting_day: date | None = None
    pay_selected: bool | None = None
    document: str = ""


@dataclass(frozen=True, slots=True)
class PartyCard:
    """A customer or supplier as the ledger should know it. Empty text means: leave what is there."""

    kind: Literal["customer", "supplier"]
    name: str
    source: str
    status: Literal["Active", "OnHold", "Inactive"] = "Active"
    number: str | None = None  # known: update; None: the ledger's series gives one
    party_class: str | None = None
    currency: str | None = None
    terms: str | None = None
    vat_zone: str | None = None
    payment_method: str | None = None
    email: str = ""
    phone: str = ""
    contact: str = ""
    address: Address = field(default_factory=Address)
    org_number: str = ""
    vat_number: str = ""
    account_number: str = ""


@dataclass(frozen=True, slots=True)
class Reversal:
    """Takes back a document by the ledger's own call.

    An invoice (credit note), a payment (void), a sales order that nothing was made of; what an advance that is voided
    was put against (`document_type` and `number`) is free again by that.
    """

    kind: Literal["reverse_invoice", "void_payment", "order_cancellation", "application_freed"]
    number: Number
    document_type: str
    source: str
