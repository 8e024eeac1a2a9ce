"""One company: its tenant, its preferences, its chart, its documents, its clock and row versions."""

from __future__ import annotations

import base64
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from ml_connector_sandbox.visma.chart import Chart
from ml_connector_sandbox.visma.journal import Ledger

if TYPE_CHECKING:
    from ml_connector_sandbox.visma.items import Item
    from ml_connector_sandbox.visma.parties import Party
    from ml_connector_sandbox.visma.payables import SupplierDocument
    from ml_connector_sandbox.visma.payments import Payment
    from ml_connector_sandbox.visma.receivables import CustomerDocument
    from ml_connector_sandbox.visma.sales_orders import SalesOrder

SALES_SCOPES = tuple(f"visma.net.erp.salesorder:{verb}" for verb in ("read", "write"))  # of a service of its own
SCOPES = tuple(f"vismanet_erp_service_api:{verb}" for verb in ("read", "create", "update", "delete"))


@dataclass(slots=True)
class Preferences:
    """The switches a company's administrator has, and those that settle what the fact sheet leaves open."""

    hold_on_entry: bool = False
    auto_post_on_release: bool = True
    validate_control_totals: bool = False
    auto_create_subaccounts: bool = True
    vat_tolerance: Decimal = Decimal(0)
    action_answer: str = "declared"  # declared | job | result | accepted_result | empty
    customer_answer: str = "created"  # created | job
    job_seconds: float = 0.0
    location_host: str = "request"  # request | api | legacy
    void_releases: bool = False
    reversal_on_hold: bool = False
    applications_before_release: bool = True
    notes_on_single: bool = False  # does GET of one supplier or supplier invoice show its note unasked?
    order_totals: bool = True  # does GET of one sales order show its totals unasked?
    order_status_object: bool = True  # does it show its status as an object with flags?
    files_lost: int = 0  # so many of the next files are taken and not kept
    files_cut: int = 0  # so many of the next files are kept in half
    page_cap: int = 1000
    default_page: int = 100
    company_header: str = "ignored"  # ignored | required
    licensed: bool = True


@dataclass(slots=True)
class Attachment:
    """A file on a document; the same name again is a new revision."""

    id: str
    name: str
    revision: int
    content: bytes
    content_type: str


@dataclass(slots=True)
class Subscription:
    """One webhook address with its signature key. Empty `events` means all."""

    url: str
    key: str
    events: frozenset[str]
    duplicate: float = 0.0
    lost: float = 0.0


@dataclass(slots=True)
class Company:
    """One set of books. `approval` is unapproved, approved or revoked."""

    tenant_id: str
    customer_tenant_id: str
    company_id: int
    name: str
    client_id: str
    zone: ZoneInfo
    chart: Chart
    random: Random
    approval: str = "approved"
    scopes: tuple[str, ...] = SCOPES + SALES_SCOPES
    preferences: Preferences = field(default_factory=Preferences)
    ledger: Ledger = field(default_factory=Ledger)
    customers: dict[str, Party] = field(default_factory=dict)
    suppliers: dict[str, Party] = field(default_factory=dict)
    customer_documents: dict[tuple[str, str], CustomerDocument] = field(default_factory=dict)
    payments: dict[tuple[str, str], Payment] = field(default_factory=dict)
    supplier_documents: dict[tuple[str, str], SupplierDocument] = field(default_factory=dict)
    supplier_payments: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)  # by type and number
    purchase_orders: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    purchase_receipts: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    items: dict[str, Item] = field(default_factory=dict)  # by number in capitals
    sales_orders: dict[tuple[str, str], SalesOrder] = field(default_factory=dict)  # by type and number
    attachments: dict[str, Attachment] = field(default_factory=dict)
    attributes: dict[str, dict[str, Any]] = field(default_factory=dict)  # of customers, by id
    subscriptions: list[Subscription] = field(default_factory=list)
    events: deque[tuple[str, str, str]] = field(default_factory=deque)  # event, entity, key
    last_stamp: int = 1_000_000
    last_id: int = 0

    def local(self, at: datetime) -> datetime:
        """The company's own clock: local, without zone, to the millisecond. The API never says which zone it is."""
        there = at.astimezone(self.zone)
        return there.replace(microsecond=there.microsecond // 1000 * 1000, tzinfo=None)

    def stamp(self) -> int:
        """The next row version."""
        self.last_stamp += 1
        return self.last_stamp

    def identity(self) -> int:
        """The next internal id."""
        self.last_id += 1
        return self.last_id

    def guid(self) -> str:
        """A guid drawn from the seed."""
        return str(UUID(int=self.random.getrandbits(128), version=4))

    def tell(self, event: str, entity: str, key: str) -> None:
        """Note that something happened which webhooks tell of."""
        if self.subscriptions:
            self.events.append((event, entity, key))


def row_version(stamp: int) -> str:
    """A row version as `timeStamp` shows it: eight bytes in base64."""
    return base64.b64encode(stamp.to_bytes(8, "big")).decode()
