"""Everything the pretend Square knows: merchants, applications, tokens, knobs, work that is due later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ml_connector_sandbox.core.agenda import Agenda
from ml_connector_sandbox.square.faults import Json, Refused, bad, not_found
from ml_connector_sandbox.square.ids import Mint
from ml_connector_sandbox.square.shelves import Shelf, Stored
from ml_connector_sandbox.square.times import stamp

if TYPE_CHECKING:
    from ml_connector_sandbox.square.bulk import Block, EntryRun
    from ml_connector_sandbox.square.webhooks import Desk

READ_SCOPES = (
    "MERCHANT_PROFILE_READ", "PAYMENTS_READ", "ORDERS_READ", "INVOICES_READ", "CUSTOMERS_READ", "VENDOR_READ",
    "PAYOUTS_READ", "ITEMS_READ", "DISPUTES_READ", "GIFTCARDS_READ", "BANK_ACCOUNTS_READ",
)  # fmt: skip
WRITE_SCOPES = (
    "MERCHANT_PROFILE_WRITE", "PAYMENTS_WRITE", "ORDERS_WRITE", "INVOICES_WRITE", "CUSTOMERS_WRITE", "VENDOR_WRITE",
    "ITEMS_WRITE", "DISPUTES_WRITE", "GIFTCARDS_WRITE",
)  # fmt: skip
ALL_SCOPES = READ_SCOPES + WRITE_SCOPES


@dataclass(slots=True)
class Knobs:
    """How this Square behaves where the real one is unknown, slow or unkind. Names are those of the `knobs` verb."""

    fee_percent: str = "1.00"  # of total_money, of means that reach a payout
    fee_fixed: int = 0  # minor units per payment
    fee_delay_s: float = 10.0  # until processing_fee shows on the payment
    tax_on_fee_percent: str = "0"  # above 0: one TAX_ON_FEE entry per charge
    refund_delay_s: float = 5.0  # PENDING -> COMPLETED
    refund_returns_fee: bool = False
    payout_paid_delay_s: float = 86400.0  # SENT -> PAID or FAILED
    auto_payout: bool = False  # a BATCH per location at each local cut-off
    payout_cutoff: str = "00:00"  # local time, unless the location has its own
    currency_code_share: float = 0.5  # payouts and entries that say `currency_code` instead of `currency`
    offline_created_at: str = "upload"  # or "device"
    offline_hidden_by_default: bool = True
    tip_in_total: bool = True  # whether an order's total_money holds the tip
    list_lag_s: float = 0.0  # lists do not show what changed within this time; single reads do
    empty_pages: float = 0.0  # share of pages that are empty and have a cursor; SDK pagers stop at them
    short_pages: float = 0.0  # share of pages shorter than asked, with a cursor
    test_shape: str = "spec"  # or "root": the answer of a subscription's test call
    default_version: str = "2025-08-20"  # the application's pinned Square-Version
    duplicate_share: float = 0.05  # webhooks sent twice
    lost_share: float = 0.0  # webhooks never sent
    shuffle: bool = False  # order of delivery
    vendors_enabled: bool = True  # False: 403, as for sellers without a retail plan
    merge_repoints: bool = False  # whether invoices and orders name the customer that a merge made, without any event


@dataclass(slots=True)
class Token:
    """An access token. A personal one has no expiry and every right."""

    value: str
    application_id: str
    merchant_id: str
    scopes: tuple[str, ...]
    expires: int | None
    short_lived: bool = False
    revoked: bool = False

    @property
    def personal(self) -> bool:
        """Whether it is a personal access token."""
        return self.expires is None


@dataclass(slots=True)
class RefreshToken:
    """A refresh token; one of the PKCE flow is single use and ends after 90 days."""

    value: str
    application_id: str
    merchant_id: str
    scopes: tuple[str, ...]
    expires: int | None = None
    used: bool = False


@dataclass(slots=True)
class Code:
    """An authorization code on its way back to the application."""

    value: str
    application_id: str
    merchant_id: str
    scopes: tuple[str, ...]
    expires: int
    redirect_uri: str | None
    challenge: str | None
    used: bool = False


@dataclass(slots=True)
class Application:
    """A developer's application; its owner's personal token rules its webhooks and events."""

    id: str
    secret: str
    owner_id: str
    redirect_uri: str | None
    grants: dict[str, tuple[str, ...]] = field(default_factory=dict)  # merchant id -> scopes
    events_enabled: bool = False
    events: list[tuple[int, Json]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Movement:
    """Money that moved, noted beside the objects so that a ledger can be checked against it. Amounts in minor units."""

    kind: str  # sale, tender, refund, fee, payout, dispute, adjustment
    at: int
    location_id: str
    amount: int
    subject: str  # id of the order, payment, refund, payout, entry
    means: str = ""
    tip: int = 0
    vat: tuple[tuple[str, int], ...] = ()
    gift_cards: int = 0  # part of the amount that is gift cards sold
    service: int = 0  # part of the amount that is service charges, tax included
    rounding: int = 0
    invoice_id: str = ""


@dataclass(slots=True)
class Merchant:
    """One seller and all its objects."""

    id: str
    name: str
    country: str
    currency: str
    created: int
    taxes: tuple[str, ...]
    locations: dict[str, Json] = field(default_factory=dict)
    cutoffs: dict[str, str] = field(default_factory=dict)
    payments: Shelf = field(default_factory=Shelf)
    orders: Shelf = field(default_factory=Shelf)
    refunds: Shelf = field(default_factory=Shelf)
    invoices: Shelf = field(default_factory=Shelf)
    customers: Shelf = field(default_factory=Shelf)
    vendors: Shelf = field(default_factory=Shelf)
    payouts: Shelf = field(default_factory=Shelf)
    disputes: Shelf = field(default_factory=Shelf)
    catalog: Shelf = field(default_factory=Shelf)
    gift_cards: Shelf = field(default_factory=Shelf)
    activities: Shelf = field(default_factory=Shelf)
    balance: dict[str, list[Json]] = field(default_factory=dict)  # location -> payout entries not yet paid out
    entries: dict[str, list[EntryRun]] = field(default_factory=dict)  # payout -> its entries, in runs
    blocks: list[Block] = field(default_factory=list)
    movements: list[Movement] = field(default_factory=list)
    invoice_of_order: dict[str, str] = field(default_factory=dict)
    api_orders: set[str] = field(default_factory=set)  # these have `version` and events
    fees: dict[str, int] = field(default_factory=dict)  # payment id -> Square's fee
    refunded: dict[str, dict[str, int]] = field(default_factory=dict)  # order -> line uid -> millionths returned
    variations: dict[str, str] = field(default_factory=dict)  # VAT percentage -> a catalog variation sold at it
    invoice_numbers: dict[str, int] = field(default_factory=dict)  # location -> last number

    @property
    def main_location_id(self) -> str:
        """The location that lists without `location_id` mean."""
        return next(iter(self.locations))

    def location(self, key: str | None) -> Json:
        """A location by id; empty or `main` is the main one. 404 otherwise."""
        key = self.main_location_id if key in {None, "", "main"} else key
        if key not in self.locations:
            raise not_found("Location", str(key))
        return self.locations[key]

    def zone(self, location_id: str) -> str:
        """The IANA time zone of a location."""
        return str(self.locations[location_id]["timezone"])

    def money(self, amount: int) -> Json:
        """An amount in the merchant's currency."""
        return {"amount": amount, "currency": self.currency}

    def amount(self, money: Any, field_name: str, *, signed: bool = False) -> int:
        """The minor units of a Money a caller sent. Refused when malformed or of another currency."""
        if (
            not isinstance(money, dict)
            or isinstance(money.get("amount"), bool)
            or not isinstance(money.get("amount"), int)
        ):
            raise bad("EXPECTED_INTEGER", "Expected a Money with an integer amount.", field=f"{field_name}.amount")
        if money.get("currency") != self.currency:
            raise bad("CURRENCY_MISMATCH", f"Expected currency {self.currency}.", field=f"{field_name}.currency")
        if money["amount"] < 0 and not signed:
            raise bad("VALUE_TOO_LOW", "Expected an amount of at least 0.", field=f"{field_name}.amount")
        return int(money["amount"])


class Clock:
    """The latest instant the caller has told, in microseconds."""

    now: int = 0


class World:
    """The whole of it. Time moves only when a caller tells it."""

    def __init__(self, seed: int, time_scale: float) -> None:
        self.seed = seed
        self.time_scale = time_scale
        self.mint = Mint(seed)
        self.clock = Clock()
        self.knobs = Knobs()
        self.merchants: dict[str, Merchant] = {}
        self.applications: dict[str, Application] = {}
        self.tokens: dict[str, Token] = {}
        self.refresh_tokens: dict[str, RefreshToken] = {}
        self.migration_tokens: dict[str, RefreshToken] = {}
        self.codes: dict[str, Code] = {}
        self.answers: dict[tuple[str, str, str], tuple[str, int, bytes]] = {}  # idempotency
        self.mishaps: list[str] = []
        self.agenda = Agenda()
        self.desk: Desk
        # Told of each captured payment (merchant, order, payment, now): how invoices learn of theirs.
        self.captured: Callable[[Merchant, Stored, Stored, int], None] = lambda *_: None

    def later(self, due: int, act: Callable[[int], None]) -> None:
        """Have something happen at an instant, which it is told. The past is made up for at the next advance."""
        self.agenda.add(due, act)

    def after(self, now: int, seconds: float) -> int:
        """The instant so many seconds after another, on the scaled clock of the vendor's own delays."""
        return now + round(seconds * self.time_scale * 1_000_000)

    def advance(self, now: int) -> None:
        """Let time pass up to an instant: everything due happens, in order, each at its own time."""
        for due, act in self.agenda.until(now):
            self.clock.now = max(self.clock.now, due)
            try:
                act(due)
            except (Refused, ValueError) as error:
                # No caller asked for this step, so none may be told it failed: it is noted and shown by `truth`.
                self.mishaps.append(f"{stamp(due)} {error}")
        self.clock.now = max(self.clock.now, now)

    def merchant(self, key: str | None) -> Merchant:
        """A merchant by id, or the first one. ValueError when there is none."""
        if not self.merchants:
            raise ValueError("No merchant yet: call seed_merchant first.")
        if key is None:
            return next(iter(self.merchants.values()))
        if key not in self.merchants:
            raise ValueError(f"No merchant {key}: use the merchant_id that seed_merchant returned.")
        return self.merchants[key]


def must(row: Stored | None, kind: str, key: str) -> Stored:
    """The row, or Square's 404."""
    if row is None:
        raise not_found(kind, key)
    return row
