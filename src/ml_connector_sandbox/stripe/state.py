"""What the pretend Stripe knows: accounts, their books (one per mode), keys, knobs, what is due later."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ml_connector_sandbox.core.agenda import Agenda
from ml_connector_sandbox.stripe.ids import Mint
from ml_connector_sandbox.stripe.refusals import Json
from ml_connector_sandbox.stripe.shelves import Shelf
from ml_connector_sandbox.stripe.times import seconds

if TYPE_CHECKING:
    from ml_connector_sandbox.stripe.desk import Desk

API_VERSION = "2026-10-28.endive"

# kind -> (id prefix, indexed fields)
KINDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "customer": ("cus", ()),
    "tax_id": ("txi", ("customer",)),
    "customer_balance_transaction": ("cbtxn", ("customer",)),
    "tax_rate": ("txr", ()),
    "invoice": ("in", ("customer",)),
    "invoiceitem": ("ii", ("customer",)),
    "invoice_payment": ("inpay", ("invoice", "payment.payment_intent", "payment.payment_record")),
    "payment_record": ("pr", ()),
    "credit_note": ("cn", ("invoice", "customer")),
    "payment_intent": ("pi", ("customer",)),
    "charge": ("ch", ("payment_intent", "customer")),
    "refund": ("re", ("charge", "payment_intent")),
    "dispute": ("dp", ("charge", "payment_intent")),
    "payout": ("po", ()),
    "balance_transaction": ("txn", ("source",)),
    "event": ("evt", ()),
    "webhook_endpoint": ("we", ()),
}


@dataclass(slots=True)
class Knobs:
    """Everything about the vendor that is unknown, differs, or should be worse than usual. See README.md."""

    fee_percent: str = "1.4"
    fee_fixed: int = 180
    dispute_fee: int = 15000
    balance_delay_s: float = 1.0
    available_s: float = 2 * 86400.0
    search_lag_s: float = 60.0
    payout_transit_s: float = 86400.0
    reconciliation_s: float = 600.0
    trace_s: float = 10 * 86400.0
    auto_finalize_s: float = 3600.0
    idempotency_s: float = 86400.0
    in_progress_s: float = 0.0
    calls_per_s: int = 0
    should_retry: str = ""
    automatic_tax: bool = False
    missing_email_at: str = "create"
    zero_days_allowed: bool = False
    void_while_processing: bool = False
    out_of_band_row: bool = False
    overpaid_counts: bool = True
    send_draft: bool = False
    url_changes: bool = True
    duplicate_share: float = 0.05
    lost_share: float = 0.0
    shuffle: bool = False
    delay_s: float = 0.0
    signature: str = "good"
    test_retries_min: str = "5,60,180"


@dataclass(slots=True)
class ApiKey:
    """A secret of an account in one mode; `grants` of None means all (an `sk_` key)."""

    secret: str
    account_id: str
    livemode: bool
    grants: dict[str, str] | None = None
    expired: bool = False
    calls: list[int] = field(default_factory=list)  # moments of the last second


@dataclass(slots=True)
class Failure:
    """The next matching calls fail like this."""

    status: int
    operation: str
    times: int
    after_commit: bool = False
    stored: str = "error"
    should_retry: str = ""
    code: str = ""
    retry_after: str = ""
    rolled_back: bool = False


@dataclass(slots=True)
class Account:
    """A Stripe account: what both of its modes share."""

    id: str
    name: str
    country: str
    currency: str
    settles: tuple[str, ...]
    email: str
    created: int
    test: Book = field(init=False)
    live: Book = field(init=False)

    def book(self, *, livemode: bool) -> Book:
        """The books of one mode."""
        return self.live if livemode else self.test


class Book:
    """Everything of one account in one mode; test and live never see each other."""

    def __init__(self, world: World, account: Account, *, livemode: bool) -> None:
        self.world = world
        self.account = account
        self.livemode = livemode
        self.shelves = {kind: Shelf(fields) for kind, (_, fields) in KINDS.items()}
        self.extra: dict[str, Json] = {}  # object id -> what the wire does not show
        self.lines: dict[str, list[Json]] = {}  # invoice or credit note id -> all its lines
        self.credit: dict[tuple[str, str], int] = {}  # (customer, currency) -> balance, negative is theirs
        self.unpaid: list[str] = []  # balance transactions not yet in a payout
        self.payout_content: dict[str, list[str]] = {}
        self.manual_rates: set[str] = set()
        self.secrets: dict[str, list[tuple[str, int]]] = {}  # endpoint -> (secret, valid until)
        self.copies: dict[str, list[tuple[int, Json]]] = {}  # what search saw when
        self.replays: dict[str, Any] = {}
        self.mails: list[Json] = []

    def key(self, kind: str) -> str:
        """A fresh id of that kind."""
        return self.world.mint.key(KINDS[kind][0])

    def get(self, kind: str, key: str | None) -> Json | None:
        """The stored object, not a copy."""
        return self.shelves[kind].rows.get(key) if key else None

    def put(self, row: Json, now: int) -> Json:
        """Shelve a new object."""
        self.world.running += 1
        self.shelves[row["object"]].put(row, created=row.get("created", seconds(now)), n=self.world.running)
        return row

    def mode(self) -> Json:
        """The `livemode` field of this book's objects."""
        return {"livemode": self.livemode}


class World:
    """All accounts, the clock's last reading, what is due later, and chance."""

    def __init__(self, seed: int, time_scale: float) -> None:
        self.mint = Mint(seed)
        self.time_scale = time_scale
        self.knobs = Knobs()
        self.accounts: dict[str, Account] = {}
        self.keys: dict[str, ApiKey] = {}
        self.failures: list[Failure] = []
        self.now = 0
        self.running = 0
        self.cause: tuple[str | None, str | None] = (None, None)  # request id and idempotency key behind an event
        self.mishaps: Counter[str] = Counter()
        self.agenda = Agenda()
        self.desk: Desk

    def later(self, at: int, act: Callable[[int], None]) -> None:
        """Do something when that moment has come."""
        self.agenda.add(at, act)

    def delay(self, seconds_: float) -> int:
        """One of the vendor's own delays in microseconds, stretched."""
        return round(seconds_ * self.time_scale * 1_000_000)

    def advance(self, now: int) -> None:
        """Let everything due by then happen, in order, each at its own moment."""
        cause, self.cause = self.cause, (None, None)
        for at, act in self.agenda.until(now):
            self.now = max(self.now, at)
            act(at)
        self.now = max(self.now, now)
        self.cause = cause

    def add_account(self, account: Account) -> None:
        """Open both books of a new account."""
        account.test = Book(self, account, livemode=False)
        account.live = Book(self, account, livemode=True)
        self.accounts[account.id] = account
