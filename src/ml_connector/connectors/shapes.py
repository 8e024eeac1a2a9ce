"""The shapes every connector fills in: what a system can do as data, and the three rooms the engine calls.

A connector folder offers `CONNECTOR`, `open_reader`, `open_writer` (where it writes), `WEBHOOKS` and `translate`.
The engine knows these shapes and no vendor.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

from ml_connector.finance.chart import Chart
from ml_connector.finance.documents import Document
from ml_connector.finance.ledger import AccountLine
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Found

Payload = Mapping[str, Any]

Sent = Any
"""What one submission sends: the content of its kind (`finance/kinds`), or a `Parcel` of such contents."""


@dataclass(frozen=True, slots=True)
class CredentialField:
    """One thing a person enters to connect. `secret` ones are sealed in the vault and never shown again."""

    name: str
    title: str
    secret: bool
    required: bool = True
    note: str = ""


@dataclass(frozen=True, slots=True)
class Stream:
    """Something that is read by polling: its first look-back, how often, and the overlap each reading repeats."""

    name: str
    every_s: int
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Connector:
    """One system as data: capability table, documentation and set-up forms are made from this."""

    name: str
    title: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    webhooks: bool
    credential_fields: tuple[CredentialField, ...]
    streams: tuple[Stream, ...]
    hosts: tuple[str, ...]  # https hosts that calls may go to
    default_base_url: str
    sandbox_base_url: str | None = None
    decides: Mapping[str, str] = field(default_factory=dict)
    """By kind of document: what it alone decides once the document is there, so that no dry run can promise it."""


@dataclass(frozen=True, slots=True)
class Named:
    """A record of the source by name only: it is to be fetched."""

    kind: str
    external_id: str


@dataclass(frozen=True, slots=True)
class SourceObject:
    """A record of the source as read: its payload untouched.

    `stamp` orders versions (the vendor's version or update time as sortable text; empty: by time of reading).
    `occurred_at` is the business moment used for priority and go-live.
    """

    kind: str
    external_id: str
    payload: Payload
    stamp: str
    occurred_at: datetime
    location: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a stream.

    `position` goes into the cursor together with what was stored; `more` asks for the next at once.

    `position` is text of the reader's own; it must survive a restart and never rest on a vendor cursor that expires.
    """

    objects: tuple[SourceObject, ...]
    named: tuple[Named, ...]
    position: str
    more: bool


@dataclass(frozen=True, slots=True)
class Absent:
    """The source says: there is no such record (any more)."""

    kind: str
    external_id: str
    why: str


class Reader(Protocol):
    """Reads one connection. Each method is bounded: pages, body sizes, time."""

    def page(self, stream: str, position: str | None, *, now: datetime, backfill_from: datetime | None = None) -> Page:
        """The next page of a stream after `position` (None: from the beginning, or from `backfill_from`)."""
        ...

    def fetch(
        self, kind: str, external_ids: Sequence[str], *, since: datetime | None = None
    ) -> list[SourceObject | Absent]:
        """The present state of these records, in as few calls as the vendor allows.

        `since` is a hint: all of them changed after this moment, so that a reader may list instead of asking one
        by one.
        """
        ...

    def find(self, kind: str, link: tuple[str, str], *, location: str | None) -> list[SourceObject]:
        """Records of this kind that point to something (an invoice by its order).

        A walk where the vendor has no filter.
        """
        ...

    def walk(self, kind: str, *, location: str | None, since: datetime) -> list[SourceObject]:
        """Every record of this kind at a location that may point to something newer than `since`, in one bounded walk.

        The engine remembers when it began: "nothing points there" is then an answer for everything older.
        """
        ...


@runtime_checkable
class ReadsFiles(Protocol):
    """A reader that also brings the files which the system keeps on its records. Not every reader does."""

    def attachment(self, kind: str, external_id: str, file_id: str) -> bytes:
        """The bytes of a file of this record, whole. Bounded by a size; from the system's own address only.

        Raises NotFound when it was taken away, Rejected when it is too large, Transient when it did not arrive.
        """
        ...


@dataclass(frozen=True, slots=True)
class Created:
    """A draft exists (or is being made, when `job_id` is set). `remote_id` addresses it in later calls."""

    remote_id: str
    number: str
    etag: str | None = None
    job_id: str | None = None
    released: bool = False  # master data: nothing to release


@dataclass(frozen=True, slots=True)
class Observed:
    """A document as the target shows it. `state`: draft (not in the ledger), released, pending (on its way), gone.

    `tokens` are all texts in which our reference token may stand. Amounts in minor units of `currency`. Fact
    `differences`: how it differs from what was sent, in words, where only the connector can tell.
    """

    remote_id: str
    number: str
    state: Literal["draft", "pending", "released", "gone"]
    status: str
    currency: str
    total: int
    vat: int | None
    day: str | None
    tokens: tuple[str, ...]
    etag: str | None = None
    base_total: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)  # rows of a parcel that it does not take, and why


@dataclass(frozen=True, slots=True)
class Context:
    """What a call about one submission needs to know besides its content."""

    token: str
    key: str
    remote_id: str = ""
    etag: str | None = None
    started_at: datetime | None = None  # when the first call for it began: look-ups start here
    party: str | None = None
    ordinal: int = 1  # how often this has been sent before and refused, and once more
    file: str = ""  # which file it must carry: reading back tells the names of those it does (fact `files`)


class Writer(Protocol):
    """Writes one target. One method, one HTTP call (attachments aside); decides nothing and retries nothing.

    Errors: Rejected (surely not done), NotAuthorized, RateLimited and Transient raised before anything was sent or with
    a clear refusal (surely not done), Conflict (ETag), UnknownOutcome (nobody knows).
    """

    def create(self, kind: str, content: Sent, context: Context) -> Created: ...

    def release(self, kind: str, content: Sent, context: Context) -> None: ...

    def attach(self, kind: str, context: Context, *, file_name: str, body: bytes) -> None: ...

    def find(self, kind: str, contexts: Sequence[tuple[Sent, Context]]) -> dict[str, list[Observed]]:
        """Look for our tokens: one listing for all of them. Every token is a key of the answer."""
        ...

    def observe(self, kind: str, contexts: Sequence[tuple[Sent, Context]]) -> dict[str, Observed]:
        """Read back these documents, by listing where that is cheaper than one by one; answer by remote id."""
        ...

    def look_up(self, kind: str, fields: Mapping[str, str]) -> list[Found]:
        """Parties in the target that fit these fields (number, org_number, vat_number, email)."""
        ...

    def chart(self) -> Chart:
        """The whole set-up, read now."""
        ...


@runtime_checkable
class TellsHowFar(Protocol):
    """A reader whose positions say how far they are."""

    def reached(self, stream: str, position: str) -> datetime | None:
        """Everything older was given; None for a stream that is not read in order of time."""
        ...


@dataclass(frozen=True, slots=True)
class Balances:
    """What a processor says it holds for us to use, by currency, at a moment it knows everything of."""

    as_of: datetime
    available: Mapping[str, Money]


@runtime_checkable
class StatesBalances(Protocol):
    """A reader of a processor that states its own balance."""

    def balances(self, at: datetime) -> Balances:
        """As it stood then, or at the latest moment before that the processor knows."""
        ...


Held = Callable[[str, datetime], Collection[str]]
"""(kind, since) -> ids of that kind, made since, that we hold."""


@runtime_checkable
class Compares(Protocol):
    """A reader that compares what a source lists with what we hold of it, to find what vanished without a word."""

    def compare_with(self, held: Held) -> None:
        """Asked before a page is read."""
        ...


class Directory(Protocol):
    """Every party of one kind as it stood at one moment; looking one up calls nobody."""

    @property
    def calls(self) -> int:
        """What reading it took."""
        ...

    def look_up(self, fields: Mapping[str, str]) -> list[Found]:
        """As the writer's own `look_up`."""
        ...


@runtime_checkable
class ReadsDirectories(Protocol):
    """A writer that can read all parties at once, where that is cheaper than many look-ups."""

    def directory(self, kind: str, *, before: Directory | None, most_calls: int) -> Directory | int | None:
        """All parties of a kind; of a directory that was read `before`, only what changed since is read.

        An int: how many calls it takes, where that is more than `most_calls` (one call has told so). None: this kind
        has none, or it is too long to be kept.
        """
        ...


@runtime_checkable
class ShowsAccounts(Protocol):
    """A writer whose target shows what stands on its accounts, whoever booked it."""

    def account_lines(self, account: str, *, chart: Chart) -> Iterator[AccountLine]:
        """Every line in the books on this account, of the actual ledgers and all periods of the chart.

        A call a thousand lines.
        """
        ...


@runtime_checkable
class Discards(Protocol):
    """A writer whose drafts may be deleted again, as nothing has come of them yet."""

    def discard(self, kind: str, content: Sent, context: Context) -> None:
        """Delete a draft; what is gone already is no error."""
        ...


@dataclass(frozen=True, slots=True)
class RateHeaders:
    """What an answer says of its rate window: calls allowed, calls left, seconds until it ends, the policy's name."""

    limit: int
    remaining: int
    reset_s: int
    policy: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of a ping: what was proven, and in words what is missing."""

    name: str
    ok: bool
    sentence: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Ping:
    """The answer of a ping: who answered, and each permission tried harmlessly."""

    ok: bool
    account: str  # the merchant, company... as the vendor names it
    checks: tuple[Check, ...]
    facts: Mapping[str, str] = field(default_factory=dict)


class Delivered(NamedTuple):
    """What one verified webhook delivery says: at most a hint to read something. A tuple, as doors make thousands.

    `event_id` None: the vendor gives none that can be trusted, nothing is deduplicated. `kind` None: a type we do not
    know or do not need, `ignored` says which.
    """

    event_id: str | None
    account_ref: str | None
    kind: str | None
    external_id: str | None
    event_type: str
    occurred_at: datetime | None
    ignored: str | None = None


class Webhooks(Protocol):
    """The verifying half of a webhook door. Pure: bytes and headers in."""

    def verify(self, body: bytes, headers: Mapping[str, str], *, url: str, keys: Sequence[str], now: datetime) -> None:
        """Raise BadSignature unless one of the keys signed these very bytes. Header names are lower case."""
        ...

    def read(self, body: bytes, headers: Mapping[str, str]) -> list[Delivered]:
        """What the verified bytes say. Raises Untranslatable for bodies that are no event."""
        ...


Opinion = Callable[[str, Mapping[str, str], bytes], bool]
"""(key of the door, headers, raw body) -> whether the vendor itself says that it sent this. Calls out: never waited for
by a door."""


@runtime_checkable
class Vouchable(Protocol):
    """A door whose vendor can be asked about a delivery that cannot be verified here."""

    def through(self, opinion: Opinion) -> Webhooks:
        """The same door, with somebody to ask."""
        ...


Translate = Callable[[str, Payload], Document]
"""(kind, payload) -> canonical document. Raises Untranslatable naming the field."""


@dataclass(frozen=True, slots=True)
class Subscribed:
    """The vendor's webhook subscription as it is now. `changes` in words; `signature_key` belongs in the vault."""

    changes: tuple[str, ...]
    signature_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Handover:
    """How a system hands a key over by a post of its own, once a person has agreed on its page.

    `authorize_url(base_url, app_name, state, callback_url, return_url, root, allowed)` is that page; the post names the
    state (`state_of`) and holds the credentials (`received`); `agreed` reads what the browser comes back with.
    """

    authorize_url: Callable[..., str]
    state_of: Callable[[bytes], str]
    received: Callable[..., Mapping[str, str]]
    agreed: Callable[[Mapping[str, str]], bool]
    max_body_bytes: int


@dataclass(frozen=True, slots=True)
class System:
    """A connector folder's doors, as the engine opens them. What a system does not offer is None."""

    connector: Connector
    open_reader: Callable[..., Reader] | None
    open_writer: Callable[..., Writer] | None
    ping: Callable[..., Ping]
    translate: Translate | None
    webhooks: Webhooks | None
    rate_of: Callable[[Any], RateHeaders | None] | None = None
    refresh: Callable[..., Mapping[str, str]] | None = None  # new credentials in good time, where the vendor's expire
    refresh_due: Callable[..., bool] | None = None
    watch: Callable[..., Subscribed | None] | None = None  # registers and repairs the webhook subscription
    open_http: Callable[..., Any] | None = None  # a system whose hosts are its customers' own opens its line itself
    webhook_body_bytes: int = 1_048_576  # vendors' events are a few kB; more is an attack or a mistake
    authorize_url: Callable[..., str] | None = None
    exchange_code: Callable[..., Mapping[str, str]] | None = None
    handover: Handover | None = None
    accepts: Callable[..., None] | None = None  # (credentials, base URL): raises for what can never work; calls nothing
    vouch: Callable[..., bool] | None = None  # (reader, door key, headers, body): the vendor's own word for a delivery
