"""What is written to a purchase system: master data, orders, invoices for approval, answers. Contents of writes.

Every value is the whole record as it shall stand there: a re-send overwrites all of it. `external_code` is its key
there, ours, at most 36 characters; it never changes for a record. `source` is our own key. Prices and quantities are
exact decimals (a price may have more decimals than its currency), sums are money.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal

from ml_connector.finance.invoices import Ref, SupplierInvoiceLine, TaxDetail
from ml_connector.finance.money import Money

ReferenceKind = Literal["account", "cost_center", "list", "tax_code", "payment_term", "project", "exchange_rate"]


def external_code(namespace: str, *parts: str) -> str:
    """The key of a record there: a UUIDv5 in the namespace of one tenant, the same whenever it is made again.

    Raises ValueError when `namespace` is no UUID.
    """
    return str(uuid.uuid5(uuid.UUID(namespace), "|".join(parts)))


@dataclass(frozen=True, slots=True)
class PaymentTermRule:
    """How a due date follows from an invoice's: days, then to the end of that or a later month; a cash discount.

    `automatic` False: it cannot be expressed (instalments); people enter due dates by hand.
    """

    automatic: bool = True
    days: int | None = None
    days_after_month: int | None = None
    month_ends: int | None = None  # 1: the end of that month, 2: of the next...
    discount_days: int | None = None
    discount_percent: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ReferenceRow:
    """One row of reference data for one company: account, cost centre, list row, tax code, payment term...

    `list_key` and `columns` (text_1...) are a list row's; `percent` a tax code's; `rate`, `currency_to` an exchange
    rate's, whose `code` is the currency it is from. `spare` names the column that may count how often it was sent.
    """

    kind: ReferenceKind
    external_code: str
    company: str
    code: str
    name: str
    source: str
    active: bool = True
    languages: tuple[str, ...] = ("en-US",)
    list_key: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    spare: str = ""
    percent: Decimal | None = None
    term: PaymentTermRule | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    rate: Decimal | None = None
    currency_to: str = ""


@dataclass(frozen=True, slots=True)
class CardAddress:
    """An address of a supplier."""

    external_code: str
    role: Literal["postal", "remittance", "delivery"]
    name: str
    lines: tuple[str, ...] = ()
    postal_code: str = ""
    city: str = ""
    region: str = ""
    country: str = ""
    default: bool = False


@dataclass(frozen=True, slots=True)
class BankAccount:
    """One bank account by its numbers: `bban` is any national form (bankgiro, plusgiro too)."""

    iban: str = ""
    bban: str = ""
    bic: str = ""
    bank_name: str = ""


@dataclass(frozen=True, slots=True)
class SupplierCard:
    """A supplier. `accounts` are unique, the first is the default. `payment_denied`: known, but not to be paid now."""

    external_code: str
    company: str
    number: str
    name: str
    source: str
    source_system: str
    active: bool = True
    payment_denied: bool = False
    supplier_class: str = ""
    our_account: str = ""  # by which the supplier knows us
    identifiers: tuple[tuple[str, str], ...] = ()  # (scheme, id)
    addresses: tuple[CardAddress, ...] = ()
    contact: str = ""
    email: str = ""
    phone: str = ""
    term: str = ""
    payment_method: str = ""
    currency: str = ""
    accounts: tuple[BankAccount, ...] = ()


@dataclass(frozen=True, slots=True)
class OrderHeader:
    """An order's head. Number, source system, company and organization name it there and never change.

    `lines` remembers every line number it ever had: one that is gone must still be taken out there.
    """

    external_code: str
    number: str
    order_type: str
    company: str
    organization: str
    source_system: str
    currency: str
    supplier: str
    source: str
    lines: tuple[str, ...] = ()
    created: date | None = None
    promised: date | None = None
    description: str = ""
    term: str = ""
    reference: str = ""
    closed: bool = False
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Coding:
    """Where a part of a line is booked. `dimensions`: (cost_center | project | dim1...dim10, value)."""

    external_code: str
    index: int
    quantity: Decimal
    account: str = ""
    dimensions: tuple[tuple[str, str], ...] = ()
    tax_code: str = ""


@dataclass(frozen=True, slots=True)
class GoodsReceipt:
    """A line of a receipt: negative `quantity` takes back `reverses`, the external code of another one."""

    external_code: str
    number: str
    line: str
    quantity: Decimal
    net_price: Decimal
    received: date | None = None
    delivery_note: str = ""
    reverses: str = ""


@dataclass(frozen=True, slots=True)
class OrderLine:
    """A line of an order with its coding and all its receipts. `closed`, `deleted`: soft; nothing is ever removed."""

    external_code: str
    order_code: str
    company: str
    number: str
    position: int
    quantity: Decimal
    source: str
    returned: bool = False  # goods that go back: the price is negative
    net_price: Decimal | None = None
    net_sum: Money | None = None
    currency: str = ""
    unit: str = ""
    tax_code: str = ""
    tax_percent: Decimal | None = None
    article: str = ""  # the supplier's, else ours
    own_article: str = ""
    article_name: str = ""
    description: str = ""
    receipt_required: bool = False
    receipt_based: bool = False
    overreceipt_allowed: bool = False
    closed: bool = False
    deleted: bool = False
    coding: tuple[Coding, ...] = ()
    receipts: tuple[GoodsReceipt, ...] = ()


@dataclass(frozen=True, slots=True)
class PartyOnNetwork:
    """A party as an e-invoice names it: `endpoint` (address) with its scheme, registration and VAT numbers."""

    name: str
    endpoint: str = ""
    endpoint_scheme: str = ""
    org_number: str = ""
    vat_number: str = ""


@dataclass(frozen=True, slots=True)
class ReceivedLine:
    """A line of a supplier's invoice as it is handed on for approval."""

    number: str
    net: Money
    text: str
    quantity: Decimal | None = None
    percent: Decimal | None = None
    order: str = ""
    order_line: str = ""


@dataclass(frozen=True, slots=True)
class ReceivedInvoice:
    """A supplier's invoice that came to the ledger first, handed on for approval: by its file, else by its data.

    `document_id` is ours (a UUID); a file gets another one there, which the write's remote id keeps. `file` is the id
    of the attachment in the ledger, `file_name` its name.
    """

    document_id: str
    client_token: str
    number: str
    day: date
    currency: str
    total: Money
    vat_total: Money
    supplier: PartyOnNetwork
    buyer: PartyOnNetwork
    source: str
    due_on: date | None = None
    reference: str = ""  # the payment reference (KID, OCR)
    iban: str = ""
    lines: tuple[ReceivedLine, ...] = ()
    file: str = ""
    file_name: str = ""
    mailbox: str = ""  # where a file is received, and who is told of trouble with it
    notify: str = ""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """We have a document of theirs and will answer for it."""

    document_id: str
    source: str
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class TransferAnswer:
    """What became of a document in the ledger. Refused ones go back to people there with `message`."""

    external_code: str
    document_id: str
    success: bool
    message: str
    source: str
    source_system: str
    voucher: str | Ref = ""
    day: date | None = None
    payment_block: bool = False
    attempt: int = 1

    def __post_init__(self) -> None:
        if not self.message:
            raise ValueError("an answer has a message")


@dataclass(frozen=True, slots=True)
class PaymentAnswer:
    """What is paid of a document: the whole picture each time, as fields left out are cleared there."""

    external_code: str
    document_id: str
    source: str
    source_system: str
    paid: Money
    day: date
    discount: Money | None = None
    method: str = ""
    term: str = ""
    number: str = ""
    document: str = ""
    reversal: str = ""
    message: str = ""
    payment_block: bool = False


@dataclass(frozen=True, slots=True)
class LedgerCoding:
    """What people decided elsewhere about an invoice that waits in the ledger: its lines, all of them, and its release.

    Content of a write into the ledger. `number` of a document of type Invoice.
    """

    number: str
    currency: str
    lines: tuple[SupplierInvoiceLine, ...]
    total: Money
    vat_total: Money
    source: str
    pay_selected: bool | None = None
    tax_details: tuple[TaxDetail, ...] = ()
    day: date | None = None  # of the invoice, and its period there: they stay as they are
    period: str = ""

    def __post_init__(self) -> None:
        if sum(line.net.minor for line in self.lines) + self.vat_total.minor != self.total.minor:
            raise ValueError("lines and VAT differ from the total")
