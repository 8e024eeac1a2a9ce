"""Documents of purchasing: what a ledger says of suppliers, orders, receipts and what it owes; what was approved.

Beside `documents`: amounts as the source states them, prices and quantities as exact decimals, ids the source's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from ml_connector.finance.journal import Dimensions
from ml_connector.finance.money import Money


@dataclass(frozen=True, slots=True)
class SupplierAddress:
    """An address of a supplier. `country` is ISO 3166 alpha-2."""

    role: Literal["main", "remittance", "delivery"]
    lines: tuple[str, ...] = ()
    postal_code: str = ""
    city: str = ""
    region: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class PaymentDetail:
    """One number of a supplier's bank details, and what the ledger calls it ("IBAN", "Bankgiro", "SWIFT")."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class LedgerSupplier:
    """A supplier of the ledger, whole."""

    number: str
    name: str
    status: str  # the ledger's word: Active, OneTime, OnHold, HoldPayments, Inactive
    currency: str = ""
    term: str = ""
    supplier_class: str = ""
    payment_method: str = ""
    paid_by: str = ""  # which of its account numbers is used: IBAN, BBAN, BANKGIRO, PLUSGIRO
    details: tuple[PaymentDetail, ...] = ()
    org_number: str = ""
    vat_number: str = ""
    our_account: str = ""
    contact: str = ""
    email: str = ""
    phone: str = ""
    addresses: tuple[SupplierAddress, ...] = ()
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PurchaseOrderLine:
    """A line of a purchase order. `kind` is the ledger's word for what it is (GoodsForInventory, Service...)."""

    number: int
    kind: str
    quantity: Decimal
    unit_price: Decimal
    net: Money
    unit: str = ""
    base_quantity: Decimal | None = None
    text: str = ""
    article: str = ""
    article_name: str = ""
    supplier_article: str = ""
    vat_code: str = ""
    account: str = ""
    dimensions: Dimensions = ()
    project: str = ""
    completed: bool = False
    canceled: bool = False
    overreceipt_allowed: bool = False


@dataclass(frozen=True, slots=True)
class PurchaseOrder:
    """A purchase order. `type`, `status` are the ledger's words; `hold` with status Open means: not approved."""

    number: str
    type: str
    status: str
    hold: bool
    supplier: str
    currency: str
    lines: tuple[PurchaseOrderLine, ...]
    day: date | None = None
    promised: date | None = None
    text: str = ""
    term: str = ""
    supplier_reference: str = ""
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    """A line of a receipt, and the order's line it is for (empty: for none)."""

    number: int
    quantity: Decimal
    unit_cost: Decimal
    unit: str = ""
    base_quantity: Decimal | None = None
    order_type: str = ""
    order_number: str = ""
    order_line: int = 0


@dataclass(frozen=True, slots=True)
class PurchaseReceipt:
    """Goods that came in (PoReceipt) or went back (PoReturn)."""

    number: str
    type: str
    status: str
    supplier: str
    lines: tuple[ReceiptLine, ...]
    day: date | None = None
    supplier_reference: str = ""
    updated_at: datetime | None = None

    @property
    def orders(self) -> tuple[str, ...]:
        """The numbers of the orders it is for, each once."""
        return tuple(dict.fromkeys(line.order_number for line in self.lines if line.order_number))


@dataclass(frozen=True, slots=True)
class LedgerInvoiceLine:
    """A line of a supplier's document in the ledger. `net` in the document's currency."""

    number: int
    net: Money
    text: str = ""
    quantity: Decimal | None = None
    account: str = ""
    vat_code: str = ""
    order: str = ""
    order_line: str = ""


@dataclass(frozen=True, slots=True)
class LedgerFile:
    """A file that the ledger keeps on a document."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class LedgerSupplierInvoice:
    """A supplier's document in the ledger, released or not. `note` may hold the key of what it came from."""

    type: str
    number: str
    status: str
    supplier: str
    currency: str
    total: Money
    vat_total: Money
    lines: tuple[LedgerInvoiceLine, ...]
    day: date | None = None
    due_on: date | None = None
    supplier_name: str = ""
    reference: str = ""  # the supplier's own number
    payment_reference: str = ""
    term: str = ""
    note: str = ""
    text: str = ""
    files: tuple[LedgerFile, ...] = ()
    updated_at: datetime | None = None
    period: str = ""  # in which it stands or will stand


@dataclass(frozen=True, slots=True)
class SettledInvoice:
    """What one payment took of one document. Amounts in the document's currency."""

    document_type: str
    number: str
    paid: Money
    discount: Money


@dataclass(frozen=True, slots=True)
class LedgerSupplierPayment:
    """A payment to a supplier. `type` Payment, VoidPayment...; only what is `released` has moved money."""

    type: str
    number: str
    status: str
    released: bool
    supplier: str
    currency: str
    settled: tuple[SettledInvoice, ...]
    day: date | None = None
    method: str = ""
    reference: str = ""
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DueRule:
    """Credit terms as the ledger keeps them, in its own words."""

    kind: str = ""
    days: int | None = None
    day_of_month: int | None = None
    discount_days: int | None = None
    discount_percent: Decimal | None = None
    instalments: bool = False


@dataclass(frozen=True, slots=True)
class ReferenceValue:
    """One row of the ledger's set-up: an account, a segment's value, a VAT category, credit terms."""

    kind: Literal["account", "segment_value", "vat_category", "credit_term"]
    code: str
    name: str
    active: bool = True
    segment: int = 0
    rule: DueRule | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CodingRow:
    """One row of an approved document: net and gross, and where it is booked."""

    external_code: str
    index: int
    net: Money | None
    gross: Money | None
    account: str = ""
    cost_center: str = ""
    project: str = ""
    dimensions: tuple[tuple[int, str], ...] = ()  # dimension 1 to 10 there
    tax_code: str = ""
    tax_percent: Decimal | None = None
    tax: Money | None = None
    second_tax_percent: Decimal | None = None
    second_tax: Money | None = None
    text: str = ""
    order: str = ""
    order_line: str = ""
    receipt: str = ""
    receipt_line: str = ""
    quantity: Decimal | None = None


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """An answer that a document already has."""

    external_code: str
    success: bool
    voucher: str = ""


@dataclass(frozen=True, slots=True)
class ApprovedInvoice:
    """A supplier's invoice that people coded and approved. `status` is the source's word; amounts may be missing."""

    id: str
    status: str
    company: str
    supplier: str
    currency: str
    payment_block: bool
    number: str = ""
    net: Money | None = None
    gross: Money | None = None
    tax: Money | None = None
    day: date | None = None
    due_on: date | None = None
    voucher_day: date | None = None
    payment_reference: str = ""
    term: str = ""
    type_code: str = ""
    text: str = ""
    orders: tuple[str, ...] = ()
    rows: tuple[CodingRow, ...] = ()
    transfers: tuple[GivenAnswer, ...] = ()
    payments: tuple[GivenAnswer, ...] = ()
    voucher: str = ""
    document_id: str = ""  # by which the network knows it: the one trace of a document that we sent in
    updated_at: datetime | None = None


PurchaseDocument = (
    LedgerSupplier
    | PurchaseOrder
    | PurchaseReceipt
    | LedgerSupplierInvoice
    | LedgerSupplierPayment
    | ReferenceValue
    | ApprovedInvoice
)
