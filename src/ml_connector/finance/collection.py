"""What is written to a system that collects the ledger's invoices, and what is written back to the ledger about it.

These are the contents of planned writes. A `Ref` stands for what is only known once another write is done.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from ml_connector.finance.invoices import Number
from ml_connector.finance.money import Money

Marks = tuple[tuple[str, str], ...]
"""Names and values that the other system keeps with an object and shows to nobody: by them it is found again."""

MOST_LINES = 250


@dataclass(frozen=True, slots=True)
class CollectionLine:
    """One line with its VAT exactly as the ledger has it. `vat_percent` None: no VAT is said at all.

    `exempt` says why a VAT of zero is none: reverse_charge, zero_rated or customer_exempt.
    """

    text: str
    net: Money
    vat: Money
    vat_percent: Decimal | None = None
    vat_name: str = ""
    exempt: str = ""
    line: int = 0  # of the ledger's document


@dataclass(frozen=True, slots=True)
class CollectionInvoice:
    """An invoice of the ledger, to be paid through another system. Never mailed from there.

    A due date that has passed when it is sent is moved there to the next day; `due_on` stays the true one.
    """

    customer: Number
    number: str
    day: date
    due_on: date | None
    currency: str
    lines: tuple[CollectionLine, ...]
    total: Money
    vat_total: Money
    source: str
    reference: str = ""
    text: str = ""
    marks: Marks = ()

    def __post_init__(self) -> None:
        _sums(self.lines, self.total, self.vat_total)
        if len(self.lines) > MOST_LINES:
            raise ValueError(f"a collected invoice has at most {MOST_LINES} lines")
        if self.total.minor <= 0:
            raise ValueError("what is collected is above zero")


@dataclass(frozen=True, slots=True)
class CollectionCredit:
    """A credit note of the ledger on an invoice that is collected elsewhere; it lowers what is open there."""

    invoice: Number
    number: str
    day: date
    currency: str
    lines: tuple[CollectionLine, ...]
    total: Money
    vat_total: Money
    source: str
    marks: Marks = ()

    def __post_init__(self) -> None:
        _sums(self.lines, self.total, self.vat_total)
        if self.total.minor <= 0:
            raise ValueError("a credit is above zero")


@dataclass(frozen=True, slots=True)
class OutsidePayment:
    """Money that people booked in the ledger for an invoice that is collected elsewhere. Moves none there.

    `whole`: it pays all that is open there. `document`: the ledger's number of it.
    """

    kind: Literal["outside_payment", "outside_payment_removal", "outside_refund"]
    invoice: Number
    amount: Money
    day: date
    whole: bool
    document: str
    source: str
    means: str = "bank"
    marks: Marks = ()

    def __post_init__(self) -> None:
        if self.amount.minor <= 0:
            raise ValueError("money paid elsewhere is above zero")


@dataclass(frozen=True, slots=True)
class InvoiceVoid:
    """Takes back an invoice that is collected elsewhere, nothing of which was paid."""

    invoice: Number
    document: str  # the ledger's credit note that is the reason
    source: str


LedgerKind = Literal["customer_invoice", "credit_note"]


@dataclass(frozen=True, slots=True)
class LedgerAttachment:
    """A text file on a document of the ledger, a line an entry. The same name again is a new version of it."""

    document: LedgerKind
    number: Number
    file_name: str
    lines: tuple[Number, ...]
    source: str
    customer: str = ""  # of the document, with its day: by these it is read back
    day: date | None = None


@dataclass(frozen=True, slots=True)
class LedgerNote:
    """Words added to the note of a document of the ledger; what stands there is kept. `lines` as of an attachment.

    `stop_dunning` and `no_debt_collection` are set where True, and left alone where None.
    """

    document: LedgerKind
    number: Number
    lines: tuple[Number, ...]
    source: str
    stop_dunning: bool | None = None
    no_debt_collection: bool | None = None


def _sums(lines: tuple[CollectionLine, ...], total: Money, vat_total: Money) -> None:
    if not lines:
        raise ValueError("it has at least one line")
    vat = sum(line.vat.minor for line in lines)
    if vat != vat_total.minor:
        raise ValueError(f"the VAT of the lines is {Money(vat, total.currency)}, not {vat_total}")
    off = sum(line.net.minor for line in lines) + vat - total.minor
    if off:
        raise ValueError(f"lines and VAT differ from the total by {Money(off, total.currency)}")
