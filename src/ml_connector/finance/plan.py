"""Plans: everything that should be written for one record, decided before anything is sent."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from ml_connector.finance.collection import (
    CollectionCredit,
    CollectionInvoice,
    InvoiceVoid,
    LedgerAttachment,
    LedgerNote,
    OutsidePayment,
)
from ml_connector.finance.dimensions import DimensionValue
from ml_connector.finance.documents import Document, InvoiceAdjustment
from ml_connector.finance.invoices import CustomerInvoice, CustomerPayment, PartyCard, Reversal, SupplierInvoice
from ml_connector.finance.journal import JournalEntry
from ml_connector.finance.procurement import (
    Acknowledgement,
    LedgerCoding,
    OrderHeader,
    OrderLine,
    PaymentAnswer,
    ReceivedInvoice,
    ReferenceRow,
    SupplierCard,
    TransferAnswer,
)
from ml_connector.finance.rulebook import Rulebook
from ml_connector.finance.selling import PaymentApplication, SalesOrder

Content = (
    JournalEntry | CustomerInvoice | CustomerPayment | SupplierInvoice | PartyCard | Reversal
    | CollectionInvoice | CollectionCredit | OutsidePayment | InvoiceVoid | LedgerAttachment | LedgerNote
    | ReferenceRow | SupplierCard | OrderHeader | OrderLine | ReceivedInvoice | Acknowledgement | TransferAnswer
    | PaymentAnswer | LedgerCoding | InvoiceAdjustment | SalesOrder | PaymentApplication
    | DimensionValue
)  # fmt: skip
"""What a write books. Sent alone, in a pool's voucher, or as a row of a `Parcel`."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong or doubtful: a stable `code`, a sentence, the field, and what would mend it."""

    code: str
    sentence: str
    field: str = ""
    proposal: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    blocks: bool = True


@dataclass(frozen=True, slots=True)
class Parcel:
    """Rows of one kind that share a call: each with the key of its write, and how often that was refused before."""

    kind: str
    rows: tuple[tuple[str, Any], ...]
    again: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why something was chosen: `what` (clearing account), `chosen` (1580), `because` (rule 7: currency = EUR)."""

    what: str
    chosen: str
    because: str


@dataclass(frozen=True, slots=True)
class PlannedWrite:
    """One effect of one record in the target.

    `key` names the economic event ("sq:sale:O1"); `needs` are keys that must be done first; writes with the same `pool`
    may share one document in the target (None: alone). `into` says to which side of the route it goes: the target, or
    back into the source (the note that tells where an invoice went).
    """

    key: str
    kind: str
    content: Content
    needs: tuple[str, ...] = ()
    pool: str | None = None
    why: tuple[Explanation, ...] = ()
    into: Literal["target", "source"] = "target"


@dataclass(frozen=True, slots=True)
class Wait:
    """Not yet: the record itself must change (an order still open), or time must pass.

    `until` None: until it changes. A person is asked after `patience_h` hours; None: as many as the route's terms say.
    """

    reason: str
    until: datetime | None = None
    patience_h: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """All writes that should exist for one record, and warnings that do not block.

    `rest`: more is to be written once the target has made something of these itself (an invoice of an order), which is
    looked for while they stand.
    """

    writes: tuple[PlannedWrite, ...]
    findings: tuple[Finding, ...] = ()
    rest: Wait | None = None


@dataclass(frozen=True, slots=True)
class Ignore:
    """Nothing is to be booked, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Hold:
    """A person must look: nothing of the record is sent until then."""

    findings: tuple[Finding, ...]


Verdict = Plan | Ignore | Hold | Wait


@dataclass(frozen=True, slots=True)
class Need:
    """Something that must be known before a record can be planned.

    Either a stored record of the source (`kind` + `id`, or `kind` + `link`: whatever record of that kind points there),
    or a look-up in the target (`system` target, `fields`). "Not there" is an answer where `optional`: it counts only
    when read after `since`. A need that is not optional and not met lets the record wait. A `sibling` is another
    connection of the same company: its records that point to the same thing, and what they are booked as. `kept` is
    what is stored of the source already: that it is not is an answer at once. What belongs to a write (the field `of`
    of a look-up) that is on its way is waited for where `awaited`; a party whose card (`binding`) is on its way counts
    as made then. `own` is what we have written ourselves: of this kind into the source under one of its `ids` there
    (parted by |), with a key that begins with `prefix`, or whatever needs the write with the key `needing`.
    """

    kind: str
    id: str | None = None
    link: tuple[str, str] | None = None
    system: Literal["source", "kept", "target", "sibling", "own"] = "source"
    fields: tuple[tuple[str, str], ...] = ()
    optional: bool = False
    since: datetime | None = None
    location: str | None = None
    awaited: bool = False
    name: str = dataclasses.field(init=False, repr=False, compare=False)  # one text that identifies what is needed

    def __post_init__(self) -> None:
        what = self.id or self.link or ",".join(f"{k}={v}" for k, v in self.fields)
        object.__setattr__(self, "name", need_name(self.kind, what, system=self.system))

    @property
    def said(self) -> str:
        """What is needed, as a sentence names it."""
        kind = self.kind.replace("_", " ")
        if self.id:
            return f"{kind} {self.id}"
        if self.link:
            return f"the {kind} of {self.link[0].replace('_', ' ')} {self.link[1]}"
        return f"the {kind} with {', '.join(f'{name} {value}' for name, value in self.fields)}"


def need_name(kind: str, what: str | tuple[str, str], *, system: str = "source") -> str:
    """The name of a need for a record by its id, or by the (name, value) of a link."""
    return f"{system}:{kind}:{what if isinstance(what, str) else ':'.join(what)}"


@dataclass(frozen=True, slots=True)
class Found:
    """The answer to a target look-up: the party's number and what was found about it."""

    number: str
    name: str = ""
    status: str = "Active"
    how: str = "matched"  # made, matched, decided
    currency: str | None = None
    facts: Mapping[str, str] = dataclasses.field(default_factory=dict)
    document: Document | None = None  # the whole document, where one was looked for


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The answer of a sibling: what another connection's record of the same event is booked as.

    `record` names it for people, `state` and `reason` are of its trip (`unread`: the sibling may hold a record that we
    have not read yet, and `reading` is the connection and stream that will tell), `contents` its live writes by key.
    """

    record: str
    state: str
    reason: str
    contents: Mapping[str, Content]
    reading: tuple[str, str] | None = None


Answer = tuple[Document, ...] | tuple[Found, ...] | tuple[Elsewhere, ...]


@dataclass(frozen=True, slots=True)
class Related:
    """What is known around a record: answers by need name (an empty tuple: looked for and not there), and decisions.

    `decisions` are what people answered in review: {finding code: decision text}. `posted` tells, by key, amounts
    already booked under other keys that a rule must see (refunds of the same sale). `rulebook`: the rules in force,
    where what is needed follows from them; None while a record is only being read.
    """

    answers: Mapping[str, Answer] = dataclasses.field(default_factory=dict)
    decisions: Mapping[str, str] = dataclasses.field(default_factory=dict)
    posted: Mapping[str, Content] = dataclasses.field(default_factory=dict)
    rulebook: Rulebook | None = None

    def documents(self, need: Need) -> tuple[Any, ...] | None:
        """The answer to a need; None when nobody has looked yet."""
        return self.answers.get(need.name)

    def one(self, need: Need) -> Any | None:
        """The single document that answers a need; None when absent or unknown."""
        found = self.answers.get(need.name)
        return found[0] if found else None


@dataclass(frozen=True, slots=True)
class Expected:
    """What must be read back from the target before a draft may be released."""

    currency: str
    total: int  # minor units: debit total of a journal, total of an invoice, amount of a payment
    vat: int | None = None
    day: date | None = None
    tolerance: int = 0  # minor units by which total and VAT may differ, as the target works them out for itself
