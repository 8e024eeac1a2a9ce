"""Who a source deals with, and where it does business."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal


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
    merged: bool = False  # the source made it of others, whichever those were
    formerly: tuple[Party, ...] = ()  # those that became this one
    updated_at: datetime | None = None
    note: str = ""
    origin: str = ""  # how the source came to know the party, in its own word
    group: str = ""  # customer group or role of the source
    refused_numbers: tuple[str, ...] = ()  # VAT and organisation numbers as typed that are no such numbers
    attributes: tuple[tuple[str, str], ...] = ()  # of the ledger's own making: (id, value)

    @property
    def is_of_others(self) -> bool:
        """Whether others became this one, be they known or not."""
        return self.merged or bool(self.formerly)


@dataclass(frozen=True, slots=True)
class Succession:
    """A party of the source became another: `id` is of the one that is no more."""

    id: str
    became: str


@dataclass(frozen=True, slots=True)
class Location:
    """A place of business of the source."""

    id: str
    name: str
    active: bool
    time_zone: str
    currency: str
    country: str
