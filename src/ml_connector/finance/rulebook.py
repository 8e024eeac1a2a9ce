"""Mapping rules and the terms of a route: values that people write and every posting keeps the version of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal

from ml_connector.finance.purchase_terms import PurchaseTerms

ROLES = frozenset(
    "clearing bank till transit sales shipping discount fee dispute_fee dispute_loss write_off rounding "
    "currency_difference "
    "vat vat_input tips gift_cards suspense reserve dispute_receivable fee_settlement no_vat customer supplier "
    "external "
    "payout_adjustment service_charge accrual collect".split()
)


@dataclass(frozen=True, slots=True)
class When:
    """Conditions of a rule; an empty one holds always. Several values in one condition: any of them.

    `amount_from`/`amount_to` are major units of the question's currency, both inclusive. `attribute` is an attribute of
    the customer in the ledger with its value, "ID=VALUE".
    """

    location: tuple[str, ...] = ()
    method: tuple[str, ...] = ()
    type: tuple[str, ...] = ()
    currency: tuple[str, ...] = ()
    country: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    article: tuple[str, ...] = ()
    customer_group: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    vat_rate: tuple[Decimal, ...] = ()
    customer_number: tuple[str, ...] = ()
    attribute: tuple[str, ...] = ()
    branch: tuple[str, ...] = ()
    credit_terms: tuple[str, ...] = ()
    amount_from: Decimal | None = None
    amount_to: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """For these `roles`, `when` the conditions hold: what to use. An outcome left empty is left to a later rule.

    The first rule that matches *and sets a field* decides that field.
    """

    id: str
    roles: tuple[str, ...]
    when: When = field(default_factory=When)
    account: str | None = None
    cash_account: str | None = None
    dimensions: tuple[tuple[int, str], ...] = ()
    vat_code: str | None = None
    vat_id: str | None = None
    customer: str | None = None
    supplier: str | None = None
    payment_method: str | None = None
    project: str | None = None
    collect: str | None = None  # yes or no
    note: str = ""

    def __post_init__(self) -> None:
        unknown = set(self.roles) - ROLES
        if unknown or not self.roles:
            raise ValueError(
                f"rule {self.id}: {', '.join(sorted(unknown)) or 'nothing'} is not a role. Use a role of the flow."
            )
        if self.collect not in {None, "yes", "no"}:
            raise ValueError(f'rule {self.id}: collect is {self.collect[:20]!r}. Say "yes" or "no".')
        if wrong := [one for one in self.when.attribute if "=" not in one]:
            raise ValueError(f"rule {self.id}: attribute {wrong[0][:60]!r} has no value. Write it like ID=VALUE.")


@dataclass(frozen=True, slots=True)
class Rulebook:
    """An ordered list of rules, one immutable version of it."""

    version: int
    valid_from: date
    rules: tuple[Rule, ...] = ()


Mode = Literal["per_record", "batch", "daily", "per_payout"]


@dataclass(frozen=True, slots=True)
class LocationTerms:
    """What holds for one location of the source."""

    time_zone: str | None = None
    close_of_day_minutes: int = 0  # a day ends this many minutes after local midnight
    branch: str | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """The business settings of one route. None where a person must say: records that need it are held."""

    code: str = "sq"  # the source connection's code, first part of every key
    time_zone: str = "UTC"
    locations: Mapping[str, LocationTerms] = field(default_factory=dict)
    go_live: date | None = None
    mode: Mode = "per_record"
    payout_to: Literal["bank", "transit"] = "bank"
    late: Literal["hold", "next_open"] = "hold"
    vat_reported_until: date | None = None
    tolerance_minor: int = 0
    gift_cards: Literal["multi", "single"] | None = None
    gratuity_taxed: bool | None = None
    tips_are: Literal["liability", "sales"] = "liability"
    fee_vat: Literal["exempt", "reverse_charge"] | None = None
    business_orders: bool = False  # orders of a known business customer become invoices
    corrections: Literal["ask", "automatic"] = "ask"
    batch_size: int = 100
    batch_age_s: int = 60
    day_grace_minutes: int = 60
    branch: str | None = None
    ledger: str | None = None
    new_dimension_values: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    """Values of segments that the ledger lacks and a person approved: segment -> value -> description. Made there with
    the first record that needs them."""
    party_defaults: Mapping[str, str] = field(default_factory=dict)
    needs_limit_h: int = 72
    # A shop's orders. Statuses are the shop's own words; refunded orders were sold too, completed follows processing.
    order_statuses: tuple[str, ...] = ("processing", "completed")
    gateway_statuses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # instead, for one payment method
    order_document: Literal["invoice", "journal", "sales_order"] = "invoice"
    order_type: str = "SO"  # of the ledger's sales orders
    order_items: Mapping[str, str] = field(default_factory=dict)
    """What is sold -> item of the ledger: a role of lines (sales, shipping, service_charge, discount, gift_cards,
    rounding), or "sku:" and an article number; an article of no such name is looked for by its own number."""
    order_patience_days: int = 30  # a person is asked when the ledger has not invoiced a paid order for so long
    advances: Literal["warn", "hold"] = "warn"  # VAT may be due when an order is paid before it is invoiced
    guests: Literal["collective", "person"] = "collective"  # with a VAT or organisation number always their own card
    collective_customers: Mapping[str, str] = field(default_factory=dict)  # "VAT zone or country:currency" -> number
    gateways_elsewhere: Mapping[str, str] = field(default_factory=dict)
    """Payment method -> who books its money: the key of the processor's payments without their id ("pp:cap", "sq:pay",
    "st:ch"), or "ledger": a bank feed or a person there."""
    gift_card_words: tuple[str, ...] = ()  # of an article, a fee's name or a coupon: it is a gift card
    # Invoices of the ledger that another system collects.
    collect: Literal["marked", "all", "rules"] = "marked"  # rules: those of role collect say yes or no
    collect_methods: tuple[str, ...] = ()  # an invoice with one of these payment methods of the ledger is marked
    collect_customers: tuple[str, ...] = ()  # and so is every invoice of these customers
    collect_classes: tuple[str, ...] = ()  # and of every customer of these classes
    collect_attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """And of every customer with one of these values in the attribute of this id."""
    collect_by_name: bool = False  # a customer of the same name there is the same; else a person is asked
    collect_part_payments: Literal["ask", "record"] = "ask"  # part of an invoice was paid to the bank: tell it there
    unknown_receipts: Literal["suspense", "hold"] = "suspense"  # of a collecting system: paid no invoice, no rule
    adjust_invoices: bool = False  # what people do in the ledger to an invoice of the source is told back to it
    dispute_stops_dunning: bool = False
    dispute_no_debt_collection: bool = False
    dispute_lost: Literal["loss", "owed"] = "loss"  # owed: the customer still owes the invoice, by a debit note
    supplier_groups: tuple[str, ...] = ()  # the shop's customer groups whose members are suppliers; "*": all
    asks_articles: bool = False
    """Set from the route's rules, never by people: some rule asks for a category or an article."""
    purchase: PurchaseTerms = field(default_factory=PurchaseTerms)  # how the company stands in a purchase system
