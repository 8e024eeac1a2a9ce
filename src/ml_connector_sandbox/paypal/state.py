"""Everything the pretend PayPal knows: merchants, applications, tokens, knobs, work that is due later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from ml_connector_sandbox.core.agenda import Agenda
from ml_connector_sandbox.core.failures import Failure
from ml_connector_sandbox.paypal.ids import Mint
from ml_connector_sandbox.paypal.ledger import Ledger, Payer
from ml_connector_sandbox.paypal.refusals import Json, Refused, not_found
from ml_connector_sandbox.paypal.times import stamp

if TYPE_CHECKING:
    from ml_connector_sandbox.paypal.disputes import Dispute
    from ml_connector_sandbox.paypal.invoices import Invoice
    from ml_connector_sandbox.paypal.orders import Order
    from ml_connector_sandbox.paypal.payments import Authorization, Capture, Refund
    from ml_connector_sandbox.paypal.payouts import Batch
    from ml_connector_sandbox.paypal.webhooks import Desk

T = TypeVar("T")
SERVICES = "https://uri.paypal.com/services/"
PAYOUTS_SCOPE = "https://uri.paypal.com/payments/payouts"
ALL_SCOPES = (
    *(
        SERVICES + suffix
        for suffix in (
            "payments/payment", "payments/payment/authcapture", "payments/refund", "reporting/search/read",
            "reporting/balances/read", "invoicing/invoices/read", "invoicing/invoices/readwrite",
            "disputes/read-seller", "disputes/update-seller", "applications/webhooks",
            "applications/verify-webhook-signature",
        )
    ),
    PAYOUTS_SCOPE,
)  # fmt: skip


@dataclass(slots=True)
class Knobs:
    """How this PayPal behaves where the real one is unknown, slow or unkind. Names are those of the `knobs` verb."""

    # hosts
    base_url: str = "https://api-m.sandbox.paypal.com"  # of links; not where this server listens, on purpose
    cert_base_url: str = "https://api.sandbox.paypal.com"  # of PAYPAL-CERT-URL
    # tokens and limits
    token_life_s: float = 32400.0
    token_reuse: bool = True  # the same token again, with a smaller expires_in
    calls_per_minute: int = 0  # per application; above: 429. 0: no limit
    tokens_per_minute: int = 0
    retry_after: str = "30"  # of those 429; empty: no header
    # money
    fee_percent: str = "3.40"
    fee_fixed: str = "0.35"  # in whole units of the payment's currency
    refund_delay_s: float = 0.0  # above 0: refunds start PENDING
    refund_limit: int = 10  # refunds per capture
    refund_days: int = 180
    partial_refunds: bool = True
    unique_invoice_ids: bool = True  # DUPLICATE_INVOICE_ID
    refunds_need_funds: bool = False  # True: REFUND_FAILED_INSUFFICIENT_FUNDS instead of a negative balance
    fee_back_as: str = "amount"  # a fee given back is part of the T1107 row; "row": a T1109 row of its own
    refund_conversion_names: str = "refund"  # T02 rows of a refund point at the refund or at the "sale"
    conversion_rows: bool = True  # False: no T02 rows, as PayPal's own sandbox
    reversed_status: str = "V"  # of a payment's row after T1106 or T1201; "S" leaves it
    # idempotency
    replay_status: int = 200  # of a repeated PayPal-Request-Id
    in_progress_s: float = 0.0  # a repeat within that time: 409 PREVIOUS_REQUEST_IN_PROGRESS
    # reports
    report_lag_s: float = 10800.0  # last_refreshed_datetime = now - lag, times time_scale
    report_order: str = "updated"  # which time a window selects on: or "initiated"
    newest_first: bool = False  # pages shift while rows arrive
    field_shapes: bool = False  # what samples show against the file: +0000, B- ids, empty arrays, page from 0
    resultset_limit: int = 10000
    late_share: float = 0.0  # rows that reports show late
    late_s: float = 86400.0
    fee_late_s: float = 0.0  # above 0: a sale's row shows its fee only after that time
    twin_share: float = 0.0  # sales with a second, not balance-affecting row of the same id
    odd_status_share: float = 0.0  # T04 rows with status R
    # payments of others
    foreign_status: int = 404  # GET of a payment of another app: or 403
    invoice_payments_readable: bool = False  # whether GET shows payments of PayPal invoices
    # invoices
    external_paid_status: str = "MARKED_AS_PAID"  # or PAID; refunds likewise
    external_part_payments: bool = True  # recording less than the total; False: CANNOT_PROCESS_PAYMENTS
    refunds_count_paypal: bool = False  # whether outside refunds may draw on PAYPAL payments too
    gratuity_in_payments: bool = False  # whether a payment row includes the tip
    invoice_event_shape: str = "wrapped"  # resource.invoice; "plain": the invoice itself
    # webhooks
    certificate: str = "good"  # kind of the leaf in use, see `certificates`
    signature: str = "good"  # or broken, wrong_webhook, sha1
    duplicate_share: float = 0.05
    lost_share: float = 0.0
    shuffle: bool = False
    denied_name: str = "PAYMENT.CAPTURE.DECLINED"  # or PAYMENT.CAPTURE.DENIED


@dataclass(slots=True)
class App:
    """A REST application of one merchant: client credentials and the scopes new tokens get."""

    client_id: str
    secret: str
    app_id: str
    merchant_id: str
    scopes: tuple[str, ...]
    token: str = ""  # the latest one
    calls: list[int] = field(default_factory=list)  # instants of the last minute
    token_calls: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Token:
    """An access token; its scopes are those of the moment it was minted."""

    value: str
    client_id: str
    scopes: tuple[str, ...]
    expires: int
    nonce: str
    revoked: bool = False


@dataclass(slots=True)
class Merchant:
    """One PayPal account and all its objects."""

    id: str
    name: str
    email: str
    country: str
    currency: str  # primary
    held: tuple[str, ...]  # currencies kept as balances of their own; others are converted to the primary
    created: int
    ledger: Ledger = field(default_factory=Ledger)
    captures: dict[str, Capture] = field(default_factory=dict)
    refunds: dict[str, Refund] = field(default_factory=dict)
    authorizations: dict[str, Authorization] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    invoices: dict[str, Invoice] = field(default_factory=dict)
    disputes: dict[str, Dispute] = field(default_factory=dict)
    batches: dict[str, Batch] = field(default_factory=dict)
    used_invoice_ids: set[str] = field(default_factory=set)
    last_invoice_number: int = 0
    payers: list[Payer] = field(default_factory=list)


class World:
    """The whole of it. Time moves only when a caller tells it."""

    def __init__(self, seed: int, time_scale: float) -> None:
        self.seed = seed
        self.time_scale = time_scale
        self.mint = Mint(seed)
        self.now = 0
        self.knobs = Knobs()
        self.merchants: dict[str, Merchant] = {}
        self.apps: dict[str, App] = {}  # by client id
        self.tokens: dict[str, Token] = {}
        # (client id, operation with ids, key) -> (first seen, resource kind, resource id)
        self.requests: dict[tuple[str, str, str], tuple[int, str]] = {}
        self.failures: list[Failure] = []
        self.mishaps: list[str] = []
        self.agenda = Agenda()
        self.desk: Desk
        # Told of each capture that ended and each refund that went out: how invoices learn of theirs.
        self.captured: Callable[[Merchant, Capture, int], None] = lambda *_: None
        self.refunded: Callable[[Merchant, Refund, int], None] = lambda *_: None

    def later(self, due: int, act: Callable[[int], None]) -> None:
        """Have something happen at an instant, which it is told. The past is made up for at the next advance."""
        self.agenda.add(due, act)

    def span(self, seconds: float) -> int:
        """Microseconds of so many seconds on the scaled clock of the vendor's own delays."""
        return round(seconds * self.time_scale * 1_000_000)

    def advance(self, now: int) -> None:
        """Let time pass up to an instant: everything due happens, in order, each at its own time."""
        for due, act in self.agenda.until(now):
            self.now = max(self.now, due)
            try:
                act(due)
            except (Refused, ValueError) as error:
                # No caller asked for this step, so none may be told it failed: it is noted and shown by `truth`.
                self.mishaps.append(f"{stamp(due)} {error}")
        self.now = max(self.now, now)

    def merchant(self, key: str | None) -> Merchant:
        """A merchant by id, or the first one. ValueError when there is none."""
        if not self.merchants:
            raise ValueError("No merchant yet: call seed_merchant first.")
        if key is None:
            return next(iter(self.merchants.values()))
        if key not in self.merchants:
            raise ValueError(f"No merchant {key}: use the merchant_id that seed_merchant returned.")
        return self.merchants[key]

    def app_of(self, merchant: Merchant, client_id: str | None = None) -> App:
        """An application of the merchant: the named one, else its first. ValueError when it has none."""
        own = [a for a in self.apps.values() if a.merchant_id == merchant.id and client_id in {None, a.client_id}]
        if not own:
            raise ValueError(f"Merchant {merchant.id} has no such application: use a client_id of seed_merchant.")
        return own[0]

    def link(self, path: str, rel: str, method: str = "GET") -> Json:
        """A HATEOAS link."""
        return {"href": self.knobs.base_url + path, "rel": rel, "method": method}


def must(found: T | None) -> T:
    """The thing, or PayPal's 404."""
    if found is None:
        raise not_found()
    return found
