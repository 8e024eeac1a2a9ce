"""What writes to a system: drafts, what is seen of them, the writer, and what some writers do besides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, runtime_checkable

from ml_connector.finance.chart import Chart
from ml_connector.finance.ledger import AccountLine
from ml_connector.finance.plan import Found

Sent = Any
"""What one submission sends: the content of its kind (`finance/kinds`), or a `Parcel` of such contents."""


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

    def create(self, kind: str, content: Sent, context: Context) -> Created:
        """Make the draft; what needs no release stands at once (`released`)."""
        ...

    def release(self, kind: str, content: Sent, context: Context) -> None:
        """Ask for the release of one draft. Whether it happened is for `observe` to tell."""
        ...

    def attach(self, kind: str, context: Context, *, file_name: str, body: bytes) -> None:
        """Put a file on the document of `context.remote_id`. The same name again is the same file."""
        ...

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
