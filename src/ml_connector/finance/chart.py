"""The ledger's set-up as it was read at one moment: accounts, dimensions, VAT, periods, currencies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Literal


@dataclass(frozen=True, slots=True)
class Account:
    """A GL account. `control` names the sub-ledger that owns it (None: open to journals)."""

    number: str
    description: str = ""
    type: Literal["Asset", "Liability", "Income", "Expense"] = "Asset"
    active: bool = True
    manual_entry: bool = True
    control: str | None = None
    cash_account: bool = False
    currency: str | None = None
    tax_category: str | None = None


@dataclass(frozen=True, slots=True)
class CashAccount:
    """A cash account: one currency, one GL account and its fixed subaccount segments."""

    number: str
    account: str
    currency: str
    description: str = ""
    dimensions: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Segment:
    """One dimension: its values, True where active, and what people call each.

    `length`: how many characters a value may have; 0 where the ledger does not say.
    """

    id: int
    description: str
    values: Mapping[str, bool]
    names: Mapping[str, str] = field(default_factory=dict)
    length: int = 0
    auto_number: bool = False  # the ledger gives the values numbers of its own


@dataclass(frozen=True, slots=True)
class VatId:
    """One VAT id: the category x zone pairs it serves, its rates by start day, and the accounts VAT is booked on."""

    id: str
    description: str
    type: str
    rates: tuple[tuple[date, Decimal], ...]
    categories: tuple[str, ...]
    zones: tuple[str, ...]
    payable_account: str | None = None
    claimable_account: str | None = None
    reverse: bool = False
    not_after: date | None = None

    def rate_on(self, day: date) -> Decimal | None:
        """The rate in percent that holds on `day`; None before the first."""
        valid = [rate for start, rate in self.rates if start <= day]
        return valid[-1] if valid else None


@dataclass(frozen=True, slots=True)
class Period:
    """A financial period: which sub-ledgers are closed in it."""

    id: str  # YYYYPP
    starts_on: date
    active: bool
    closed: frozenset[str] = frozenset()  # of: general_ledger, customer_ledger, supplier_ledger, cash_management


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch of the company."""

    number: str
    name: str
    active: bool = True
    main: bool = False
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Ledger:
    """A ledger; only an Actual one is booked."""

    number: str
    description: str
    balance_type: str
    currency: str | None


@dataclass(frozen=True, slots=True)
class CurrencyUse:
    """A currency the company keeps; `precision` decimals."""

    id: str
    base: bool
    precision: int


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything planning checks against. `read_at` is the oldest part's moment of reading (aware UTC)."""

    read_at: datetime
    accounts: Mapping[str, Account] = field(default_factory=dict)
    cash_accounts: Mapping[str, CashAccount] = field(default_factory=dict)
    segments: Mapping[int, Segment] = field(default_factory=dict)
    vat_ids: Mapping[str, VatId] = field(default_factory=dict)
    vat_codes: Mapping[str, bool] = field(default_factory=dict)
    vat_zones: tuple[str, ...] = ()
    periods: tuple[Period, ...] = ()
    branches: Mapping[str, Branch] = field(default_factory=dict)
    ledgers: Mapping[str, Ledger] = field(default_factory=dict)
    currencies: Mapping[str, CurrencyUse] = field(default_factory=dict)
    payment_methods: Mapping[str, bool] = field(default_factory=dict)

    @property
    def base_currency(self) -> str | None:
        return next((use.id for use in self.currencies.values() if use.base), None)

    def period_of(self, day: date) -> Period | None:
        """The period with the greatest start on or before `day`.

        Whether the ledger's end dates are inclusive is unknown.
        """
        found: Period | None = None
        for period in self.periods:
            if period.starts_on <= day and (found is None or period.starts_on > found.starts_on):
                found = period
        return found

    def cash_account_on(self, account: str) -> tuple[CashAccount, ...]:
        """The cash accounts kept on one GL account."""
        return tuple(cash for cash in self.cash_accounts.values() if cash.account == account)
