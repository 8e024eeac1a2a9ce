"""The master data of one company: accounts, segments, VAT, periods, currencies, branches."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

ZERO = Decimal(0)
LEDGERS = (
    "GeneralLedger",
    "CustomerLedger",
    "SupplierLedger",
    "CashManagement",
    "InventoryManagement",
    "FixedAssets",
)  # a period closes for each of these separately


@dataclass(slots=True)
class Account:
    """A general ledger account. `control_module` AR or AP marks a sub-ledger's control account."""

    id: int
    number: str
    description: str
    type: str
    modified: datetime
    stamp: int
    active: bool = True
    currency: str | None = None
    cash: bool = False
    control_module: str = ""
    manual: bool = True
    tax_category: str = ""
    net_income: bool = False
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Subaccount:
    """One combination of segment values."""

    id: int
    values: tuple[str, ...]
    description: str
    modified: datetime
    stamp: int
    active: bool = True

    @property
    def number(self) -> str:
        """The combination as it is written."""
        return "-".join(self.values)


@dataclass(slots=True)
class SegmentValue:
    """One value of a segment, such as a department."""

    value: str
    description: str
    guid: str
    modified: datetime
    stamp: int
    active: bool = True


@dataclass(slots=True)
class Segment:
    """One segment of a dimension; its values have a fixed length."""

    id: int
    description: str
    length: int
    guid: str
    modified: datetime
    stamp: int
    values: dict[str, SegmentValue] = field(default_factory=dict)


@dataclass(slots=True)
class CashAccount:
    """A cash account: one GL account, one subaccount, one currency."""

    number: str
    description: str
    account: Account
    sub: Subaccount
    currency: str
    methods: frozenset[str]
    modified: datetime


@dataclass(slots=True)
class Vat:
    """A VAT id: its rates by date, and the categories and zones it belongs to."""

    id: str
    description: str
    payable: Account | None
    claimable: Account | None
    rates: list[tuple[date, Decimal]]
    categories: frozenset[str]
    zones: frozenset[str]
    modified: datetime
    reverse: bool = False
    not_valid_after: date | None = None

    def rate(self, on: date) -> Decimal:
        """Percent in force on that day; before the first schedule nothing."""
        found = ZERO
        for start, percent in self.rates:
            if start <= on:
                found = percent
        return found


@dataclass(slots=True)
class VatCategory:
    """What a line's `vatCodeId` names."""

    id: str
    description: str
    modified: datetime
    active: bool = True


@dataclass(slots=True)
class VatZone:
    """What a customer or supplier belongs to."""

    id: str
    description: str
    default_category: str = ""


@dataclass(slots=True)
class Period:
    """A month. `closed` names the ledgers it is closed in; the end day is exclusive."""

    id: str  # YYYYMM
    start: date
    end: date
    active: bool = True
    closed: set[str] = field(default_factory=set)


@dataclass(slots=True)
class NumberSeries:
    """A number series. The vendor shows no link to a document type; here `id` is known to the code."""

    id: str
    description: str
    prefix: str
    width: int
    last: int
    manual: bool = False

    def take(self) -> str:
        """The next number."""
        self.last += 1
        return self.shown(self.last)

    def shown(self, number: int) -> str:
        """A number as it is written."""
        return f"{self.prefix}{number:0{self.width}d}"


@dataclass(slots=True)
class Chart:
    """All master data of a company."""

    base_currency: str
    currencies: dict[str, tuple[str, str, int]] = field(default_factory=dict)  # id -> description, symbol, decimals
    rates: dict[str, list[tuple[date, Decimal]]] = field(default_factory=dict)  # to base currency
    accounts: dict[str, Account] = field(default_factory=dict)
    segments: dict[int, Segment] = field(default_factory=dict)
    default_segments: tuple[str, ...] = ()
    subaccounts: dict[tuple[str, ...], Subaccount] = field(default_factory=dict)
    cash_accounts: dict[str, CashAccount] = field(default_factory=dict)
    cash_by_account: dict[str, list[CashAccount]] = field(default_factory=dict)
    vats: dict[str, Vat] = field(default_factory=dict)
    categories: dict[str, VatCategory] = field(default_factory=dict)
    zones: dict[str, VatZone] = field(default_factory=dict)
    periods: dict[str, Period] = field(default_factory=dict)
    ledgers: dict[str, dict[str, Any]] = field(default_factory=dict)
    branches: dict[str, dict[str, Any]] = field(default_factory=dict)
    organizations: dict[str, dict[str, Any]] = field(default_factory=dict)
    payment_methods: dict[str, dict[str, Any]] = field(default_factory=dict)
    credit_terms: dict[str, tuple[str, int]] = field(default_factory=dict)  # id -> description, days
    credit_term_fields: dict[str, dict[str, Any]] = field(default_factory=dict)  # id -> what the API shows beyond them
    reason_codes: dict[str, tuple[str, Decimal]] = field(default_factory=dict)  # id -> account, limit
    series: dict[str, NumberSeries] = field(default_factory=dict)
    defaults: dict[str, str] = field(default_factory=dict)  # role -> account number

    def decimals(self, currency: str) -> int:
        """Decimal places of a currency."""
        return self.currencies[currency][2]

    def rounded(self, amount: Decimal, currency: str) -> Decimal:
        """An amount at the precision of its currency, halves away from zero."""
        return amount.quantize(_STEP[self.decimals(currency)], ROUND_HALF_UP)

    def rate(self, currency: str, on: date) -> Decimal | None:
        """Units of base currency for one of `currency` on that day; None when there is no rate."""
        if currency == self.base_currency:
            return Decimal(1)
        found = None
        for start, rate in self.rates.get(currency, ()):
            if start <= on:
                found = rate
        return found

    def period_of(self, on: date) -> Period | None:
        """The period a day belongs to."""
        return self.periods.get(f"{on.year:04d}{on.month:02d}")


_STEP = {0: Decimal(1), 2: Decimal("0.01"), 3: Decimal("0.001")}
