"""Everything the pretend Basware knows: tenants with their records, requests and documents; tokens; work due later."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ml_connector_sandbox.basware.ids import Mint
from ml_connector_sandbox.basware.knobs import Knobs
from ml_connector_sandbox.basware.refusals import Json
from ml_connector_sandbox.core.agenda import Agenda
from ml_connector_sandbox.core.failures import Failure
from ml_connector_sandbox.core.instants import SECOND

if TYPE_CHECKING:
    from ml_connector_sandbox.basware.documents import Document
    from ml_connector_sandbox.basware.network import Parcel
    from ml_connector_sandbox.basware.pushes import Desk

_RESOURCES = (
    "accounts costCenters lists taxCodes paymentTerms projects exchangeRates vendors matchingOrders matchingOrderLines"
    " accountingDocuments errorFeedbacks subscriptions"
).split()
ALL_SCOPES = tuple(
    [f"{name}.{right}" for name in _RESOURCES for right in ("read", "write", "delete")]
    + ["requestStatus.read", "requestStatus.write", "tasks.read", "taskStatus.read", "importDocuments.write"]
)


@dataclass(slots=True)
class Client:
    """An OAuth client, or a user of Basic authentication (`life_s` 0)."""

    id: str
    secret: str
    tenant_id: str
    scopes: tuple[str, ...]
    life_s: int = 0


@dataclass(slots=True)
class Token:
    """An access token; its scopes are those it was asked for."""

    value: str
    client_id: str
    tenant_id: str
    scopes: tuple[str, ...]
    expires: int
    revoked: bool = False


@dataclass(slots=True)
class Company:
    """A company of the organization: its element codes, and how parcels from outside find it."""

    code: str
    name: str
    currency: str
    elements: tuple[str, ...]
    endpoint: str  # e-invoice address
    email: str  # where its images are sent


@dataclass(slots=True)
class Record:
    """One record. `content` is the interface's newest version, `p2p` what the target system took."""

    external_code: str
    content: Json
    updated: int
    version: int
    received: dict[int, int] = field(default_factory=dict)  # version -> when
    done: int = 0  # highest version the worker has finished
    open: int = 0  # versions not finished
    p2p: Json | None = None
    patched: int = 0
    removed: bool = False  # from the interface alone: the target system keeps it


@dataclass(slots=True)
class Item:
    """One record of a request and what became of it."""

    external_code: str
    version: int
    content: Json
    parent: str | None = None
    unchanged: bool = False  # the interface held the same content already: it is not forwarded
    status: str = "InProgress"
    errors: list[Json] = field(default_factory=list)
    before: Json | None = None  # what the target system held
    undone: bool = False

    def fail(self, message: str, category: str = "DataValidation") -> None:
        """One more error."""
        self.status = "Error"
        self.errors.append({"type": "Error", "message": message, "category": category})

    def warn(self, message: str) -> None:
        """One more warning; an error stays one."""
        self.status = "Error" if self.status == "Error" else "Warning"
        self.errors.append({"type": "Warning", "message": message, "category": "DataValidation"})


@dataclass(slots=True)
class Posted:
    """One writing request on its way to the target system."""

    request_id: str
    entity_type: str
    entity_version: str
    operation: str
    resource: str  # key of the tenant's records, or "documents"
    received: int
    visible: int
    due: int
    updated: int
    items: list[Item]
    changed_by: str
    done: bool = False
    acknowledged: bool = False

    @property
    def status(self) -> str:
        """The request's status, gathered from its items."""
        if not self.done:
            return "InProgress"
        result = "Error" if any(item.status == "Error" for item in self.items) else "Success"
        return f"Acknowledged{result}" if self.acknowledged else result


@dataclass(slots=True)
class Tenant:
    """One customer of Basware. `schemes` None: any identifier scheme is configured."""

    id: str
    name: str
    companies: dict[str, Company]
    currencies: set[str]
    schemes: set[str] | None
    accounts: dict[str, str]  # "expense" and "unknown_cost_center": codes of generated documents
    records: dict[str, dict[str, Record]] = field(default_factory=dict)
    index: dict[tuple[str, str], dict[str, None]] = field(default_factory=dict)  # resource, key -> externalCodes
    requests: dict[str, Posted] = field(default_factory=dict)
    documents: dict[str, Document] = field(default_factory=dict)
    parcels: dict[str, Parcel] = field(default_factory=dict)  # by bumId
    calls: list[int] = field(default_factory=list)  # instants of the last minute
    invoiced: dict[str, Json] = field(default_factory=dict)  # line -> quantities invoiced, by receipt
    last_invoice: int = 0

    def table(self, resource: str) -> dict[str, Record]:
        """The records of a resource by externalCode."""
        return self.records.setdefault(resource, {})

    def known(self, resource: str) -> Iterator[Json]:
        """What the target system holds of a resource."""
        return (record.p2p for record in self.table(resource).values() if record.p2p is not None)


@dataclass(slots=True)
class Page:
    """Where a listing goes on: the same question, the keys that are left."""

    question: str
    left: list[str]


@dataclass(slots=True)
class Kept:
    """An answer behind a pre-signed address, or a place for an upload."""

    tenant_id: str
    host: str
    expires: int
    body: bytes
    content_type: str
    headers: tuple[tuple[str, str], ...] = ()
    bum_id: str = ""  # of an upload


class World:
    """The whole of it. Time moves only when a caller tells it."""

    def __init__(self, seed: int, time_scale: float) -> None:
        self.seed = seed
        self.time_scale = time_scale
        self.mint = Mint(seed)
        self.now = 0
        self.knobs = Knobs()
        self.tenants: dict[str, Tenant] = {}
        self.clients: dict[str, Client] = {}
        self.users: dict[str, Client] = {}
        self.network_users: dict[str, Client] = {}
        self.tokens: dict[str, Token] = {}
        self.pages: dict[str, Page] = {}
        self.kept: dict[str, Kept] = {}
        self.failures: list[Failure] = []
        self.slow: list[tuple[str, float, int]] = []  # entity type or "", seconds, times
        self.warnings: dict[str, str] = {}  # externalCode -> what its next version is warned of
        self.errors: dict[str, str] = {}  # externalCode -> why its next version fails
        self.client_tokens: dict[tuple[str, str], tuple[str, str]] = {}  # tenant, clientToken -> bumId, content hash
        self.mishaps: list[str] = []
        self.agenda = Agenda()
        self.desk: Desk

    def later(self, due: int, act: Callable[[int], None]) -> None:
        """Have something happen at an instant, which it is told."""
        self.agenda.add(due, act)

    def span(self, seconds: float) -> int:
        """Microseconds of so many seconds on the scaled clock of the vendor's own delays."""
        return round(seconds * self.time_scale * SECOND)

    def advance(self, now: int) -> None:
        """Let time pass up to an instant: everything due happens, in order, each at its own time."""
        for due, act in self.agenda.until(now):
            self.now = max(self.now, due)
            try:
                act(due)
            except ValueError as error:  # no caller asked for this step: `truth` shows it
                self.mishaps.append(str(error))
        self.now = max(self.now, now)

    def tenant(self, key: object = None) -> Tenant:
        """A tenant by id, or the first one. ValueError when there is none."""
        if not self.tenants:
            raise ValueError("No tenant yet: call seed_tenant first.")
        if key is None:
            return next(iter(self.tenants.values()))
        if key not in self.tenants:
            raise ValueError(f"No tenant {key}: use the tenant_id that seed_tenant returned.")
        return self.tenants[str(key)]
