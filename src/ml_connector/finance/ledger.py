"""What the ledger itself shows: invoices, credit notes and payments that people made there, lines on its accounts.

Amounts of documents are in their own currency. Numbers, accounts and VAT codes are the ledger's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from ml_connector.finance.journal import Dimensions
from ml_connector.finance.money import Money

LedgerState = Literal["draft", "open", "closed", "voided", "other"]
"""draft: not in the books yet; open: something is left of it; closed: nothing is."""


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One line: `net` without VAT, after discounts.

    `vat_code` is the VAT category; which VAT it leads to, and how much, only the document's taxes say.
    """

    number: int
    text: str
    net: Money
    account: str
    vat_code: str
    dimensions: Dimensions = ()
    article: str = ""


@dataclass(frozen=True, slots=True)
class LedgerTax:
    """The VAT of one VAT id on a document. Base and VAT may be in base currency: they count when they sum up."""

    vat_id: str
    rate: Decimal | None
    base: Money
    vat: Money


@dataclass(frozen=True, slots=True)
class LedgerApplication:
    """So much of a payment or credit note is put against another document."""

    document: str  # the ledger's word: Invoice, CreditNote, Payment...
    number: str
    amount: Money


@dataclass(frozen=True, slots=True)
class LedgerInvoice:
    """A customer invoice, or a credit or debit note. `total` includes `vat_total`; `balance` is what is open of it.

    `taxes` None: the ledger did not show them.
    """

    kind: Literal["invoice", "credit_note", "debit_note", "other"]
    number: str
    state: LedgerState
    customer: str
    currency: str
    day: date
    due_on: date | None
    lines: tuple[LedgerLine, ...]
    total: Money
    balance: Money
    vat_total: Money
    updated_at: datetime
    taxes: tuple[LedgerTax, ...] | None = None
    customer_name: str = ""
    payment_method: str = ""
    reference: str = ""  # the customer's own order number, or what a person typed
    text: str = ""
    note: str = ""
    applications: tuple[LedgerApplication, ...] = ()
    branch: str = ""
    credit_terms: str = ""

    @property
    def id(self) -> str:
        return self.number


@dataclass(frozen=True, slots=True)
class LedgerPayment:
    """Money from or to a customer, or what voids it. `text` is what stands on it for people."""

    kind: Literal["payment", "prepayment", "refund", "void_payment", "void_refund", "other"]
    number: str
    state: LedgerState
    customer: str
    currency: str
    day: date
    amount: Money
    updated_at: datetime
    cash_account: str = ""
    method: str = ""
    reference: str = ""
    text: str = ""
    applications: tuple[LedgerApplication, ...] = ()

    @property
    def id(self) -> str:
        """Kind and number: numbers repeat between kinds."""
        return f"{self.kind}/{self.number}"


@dataclass(frozen=True, slots=True)
class AccountLine:
    """One line on an account of the ledger, debit positive. `document`: the number that people know it by.

    `base_minor` in base currency; `minor` in `currency`, which is empty where the ledger tells none.
    """

    document: str
    day: date
    text: str
    base_minor: int
    currency: str = ""
    minor: int = 0

    def on(self, currency: str, *, base: str | None) -> int:
        """What it adds to an account that is kept in this currency, in minor units."""
        if currency == base:
            return self.base_minor
        return self.minor if self.currency == currency else 0
