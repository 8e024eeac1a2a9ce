"""Everything a pretend shop knows: its settings, keys, goods, customers, orders and knobs."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from ml_connector_sandbox.woocommerce.faults import Json
from ml_connector_sandbox.woocommerce.ids import Mint

if TYPE_CHECKING:
    from ml_connector_sandbox.woocommerce.bulk import Block
    from ml_connector_sandbox.woocommerce.webhooks import Desk

ADMIN_ROLES = ("administrator", "shop_manager")
STATUSES = (
    "pending", "processing", "on-hold", "completed", "cancelled", "refunded", "failed", "checkout-draft",
)  # fmt: skip
PAID = ("processing", "completed")
ZERO = Decimal(0)


@dataclass(slots=True)
class Knobs:
    """How this shop behaves where hosting, plugins and versions differ. Names are those of the `knobs` verb."""

    tls: bool = False  # WordPress believes the request came by TLS: Basic and query-string keys are accepted
    strip_authorization: bool = False  # the web server drops the Authorization header
    permalinks: str = "pretty"  # pretty, pathinfo (only below /index.php/), plain (no JSON address at all)
    hpos: bool = True  # totals on a page past the end are 0, not the true ones
    drafts_in_default_list: bool = True  # `status=any` shows checkout-draft
    knows_dates_are_gmt: bool = True  # false: a very old shop that ignores the parameter
    paging_headers: bool = True  # false: a proxy strips X-WP-Total, X-WP-TotalPages and Link
    root_open: bool = True  # false: a hardening plugin closes GET /wp-json/ with 401
    php_notice: bool = False  # debug output stands before the JSON
    page_instead: str = ""  # coming_soon, login (200 HTML), maintenance (503 HTML), firewall (403 HTML)
    redirect_to: str = ""  # every call is answered 301 with this address in front of its path
    blocked_methods: str = ""  # comma list, e.g. PUT,DELETE: 403 HTML
    blocked_agents: str = ""  # comma list of beginnings, e.g. python-,curl: 403 HTML
    heavy_rows: int = 0  # above 0: a page of more rows than this is a 500 HTML page
    cache_s: int = 0  # GET answers are served again for so long, unless the address or Cache-Control differs
    refund_touches_order: bool = False  # whether a partial refund moves the order's date_modified
    job_delay_s: float = 2.0  # an event's delivery waits so long for a background run, times time_scale
    job_shuffle: bool = True  # jobs of one run go out in any order
    lost_share: float = 0.0  # deliveries that die in the background run
    failure_limit: int = 5  # a webhook is disabled when its counter is above this and it fails again
    loopback_webhooks: bool = True  # false: private hosts and odd ports are never called, as in the real one


@dataclass(slots=True)
class ApiKey:
    """A REST key of a user. The real shop keeps a hash of the key; the sandbox the key."""

    key_id: int
    consumer_key: str
    secret: str
    permissions: str  # read, write, read_write
    user_id: int
    description: str
    nonces: dict[str, int] = field(default_factory=dict)  # nonce -> its timestamp


@dataclass(slots=True)
class User:
    """A WordPress user: an owner of keys or a registered customer."""

    id: int
    role: str
    email: str
    username: str
    created: int
    modified: int | None = None
    first_name: str = ""
    last_name: str = ""
    billing: Json = field(default_factory=dict)
    shipping: Json = field(default_factory=dict)
    meta: list[Json] = field(default_factory=list)
    paying: bool = False


@dataclass(slots=True)
class Rate:
    """A tax rate of the shop. `percent` has four decimals on the wire."""

    id: int
    country: str
    percent: Decimal
    name: str
    tax_class: str = ""  # "" is the standard class
    state: str = ""
    priority: int = 1
    compound: bool = False
    shipping: bool = True
    order: int = 0


@dataclass(slots=True)
class TaxLine:
    """A rate as an order remembers it, even when the shop has deleted the rate since."""

    id: int
    rate_id: int
    code: str
    label: str
    percent: Decimal
    compound: bool
    tax: Decimal = ZERO
    shipping_tax: Decimal = ZERO


@dataclass(slots=True)
class Line:
    """A line of goods, shipping or a fee. Amounts are net; `taxes` is rate id -> (before coupons, after)."""

    id: int
    kind: str  # line_item, shipping, fee
    name: str
    subtotal: Decimal
    total: Decimal
    taxes: dict[int, tuple[Decimal, Decimal]] = field(default_factory=dict)
    quantity: int = 1
    product_id: int = 0
    variation_id: int = 0
    sku: str | None = ""
    parent_name: str | None = None
    tax_class: str = ""
    taxable: bool = True
    method_id: str = ""
    instance_id: str = ""
    meta: list[Json] = field(default_factory=list)


@dataclass(slots=True)
class CouponLine:
    """A coupon used on an order. What it took off is inside the line totals already."""

    id: int
    code: str
    kind: str
    nominal: Decimal
    discount: Decimal = ZERO
    discount_tax: Decimal = ZERO
    meta: list[Json] = field(default_factory=list)


@dataclass(slots=True)
class Sums:
    """Totals of an order as the shop stored them when it last calculated."""

    discount: Decimal = ZERO
    discount_tax: Decimal = ZERO
    shipping: Decimal = ZERO
    shipping_tax: Decimal = ZERO
    cart_tax: Decimal = ZERO
    total: Decimal = ZERO


@dataclass(slots=True)
class Refund:
    """A refund of an order. Amounts are positive here and negative on the wire; `amount` None prints as ""."""

    id: int
    parent_id: int
    created: int
    amount: Decimal | None
    reason: str
    by: int
    paid: bool
    lines: list[Line] = field(default_factory=list)
    tax_lines: list[TaxLine] = field(default_factory=list)
    meta: list[Json] = field(default_factory=list)
    full: bool = False


@dataclass(slots=True)
class Note:
    """A note on an order."""

    id: int
    text: str
    author: str
    created: int
    for_customer: bool


@dataclass(slots=True)
class Order:
    """An order. Times are whole seconds, None where nothing happened."""

    id: int
    number: str
    key: str
    status: str
    currency: str
    prices_include_tax: bool
    created: int
    modified: int
    created_via: str
    customer_id: int = 0
    paid: int | None = None
    completed: int | None = None
    billing: Json = field(default_factory=dict)
    shipping: Json = field(default_factory=dict)
    payment_method: str = ""
    payment_title: str = ""
    transaction_id: str = ""
    customer_note: str = ""
    parent_id: int = 0
    lines: list[Line] = field(default_factory=list)
    coupons: list[CouponLine] = field(default_factory=list)
    tax_lines: list[TaxLine] = field(default_factory=list)
    sums: Sums = field(default_factory=Sums)
    refunds: list[Refund] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    meta: list[Json] = field(default_factory=list)

    def refunded(self) -> Decimal:
        """How much was given back so far."""
        return sum((r.amount or ZERO for r in self.refunds), ZERO)

    def of(self, kind: str) -> list[Line]:
        """Lines of one kind."""
        return [line for line in self.lines if line.kind == kind]


@dataclass(slots=True)
class Store:
    """One shop. `path` is the folder it lives in (""), `home` its own idea of its address ("" until first asked)."""

    name: str
    path: str
    home: str
    zone_name: str
    mint: Mint
    version: str = "10.5.0"
    wordpress: str = "6.9.7"
    knobs: Knobs = field(default_factory=Knobs)
    settings: dict[str, dict[str, str]] = field(default_factory=dict)  # group -> option id -> value
    keys: dict[str, ApiKey] = field(default_factory=dict)
    users: dict[int, User] = field(default_factory=dict)
    rates: dict[int, Rate] = field(default_factory=dict)
    tax_classes: dict[str, str] = field(default_factory=dict)  # slug -> name
    gateways: dict[str, Json] = field(default_factory=dict)
    products: dict[int, Json] = field(default_factory=dict)  # variations too: parent_id is not 0
    coupons: dict[int, Json] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)
    extra_statuses: dict[str, str] = field(default_factory=dict)  # of plugins: slug -> name
    plugins: list[Json] = field(default_factory=list)
    cache: dict[str, tuple[int, bytes, tuple[tuple[str, str], ...]]] = field(default_factory=dict)
    _next: dict[str, int] = field(default_factory=dict)
    desk: Desk = field(init=False)

    def number(self, space: str = "post") -> int:
        """The next id of an id space; orders, refunds, goods and coupons share `post`."""
        self._next[space] = self._next.get(space, 0) + 1
        return self._next[space]

    def reserve(self, n: int, space: str = "post") -> int:
        """The first of n ids in a row."""
        first = self._next.get(space, 0) + 1
        self._next[space] = first + n - 1
        return first

    def free_from(self, first: int, space: str = "post") -> None:
        """Ids from this one on are given out anew."""
        self._next[space] = first - 1

    @property
    def zone(self) -> ZoneInfo:
        """The shop's time zone."""
        return ZoneInfo(self.zone_name)

    def option(self, key: str, group: str = "general") -> str:
        """A setting's value as text."""
        return self.settings[group][key]

    @property
    def currency(self) -> str:
        """The shop's currency; an order may have another."""
        return self.option("woocommerce_currency")

    @property
    def decimals(self) -> int:
        """Decimals of all amounts, whatever the currency."""
        return int(self.option("woocommerce_price_num_decimals"))

    @property
    def inclusive(self) -> bool:
        """Whether prices are typed with tax."""
        return self.option("woocommerce_prices_include_tax", "tax") == "yes"

    @property
    def at_subtotal(self) -> bool:
        """Whether tax is rounded once per order instead of per line."""
        return self.option("woocommerce_tax_round_at_subtotal", "tax") == "yes"

    @property
    def country(self) -> str:
        """The shop's base country."""
        return self.option("woocommerce_default_country").partition(":")[0]

    def statuses(self) -> dict[str, str]:
        """All order statuses: slug -> name."""
        names = {slug: slug.replace("-", " ").capitalize() for slug in STATUSES}
        return names | {"checkout-draft": "Draft"} | self.extra_statuses

    def admin(self) -> User:
        """The user that owns keys unless told otherwise."""
        return next(user for user in self.users.values() if user.role == "administrator")
