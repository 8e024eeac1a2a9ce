"""Approved invoices: their states, the acknowledge, and what the ledger's responses change in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from ml_connector_sandbox.basware import refusals
from ml_connector_sandbox.basware.refusals import Fault, Json, Refused, bad
from ml_connector_sandbox.basware.state import Item, Posted, Tenant, World
from ml_connector_sandbox.basware.times import stamp
from ml_connector_sandbox.core.instants import day_of

STATES = (
    "WaitingForPrebook", "PrebookInProgress", "Prebooked", "PrebookFailed", "WaitingForTransfer", "TransferInProgress",
    "Transferred", "TransferFailed", "WaitingForPrebookCancelation", "PrebookCancelationInProgress",
    "PrebookCanceled", "PrebookCancelFailed", "WaitingToBeRemoved", "Removed", "RemoveFailed", "WaitingToBeReturned",
    "Returned", "ReturnFailed", "WaitingToBeCompleted", "CompletionInProgress", "Completed", "CompletionFailed", "Paid",
    "New", "WaitingForEnrichmentTransfer", "EnrichmentTransferInProgress", "EnrichmentTransferred",
    "EnrichmentTransferFailed", "InDocumentFilter", "DocumentFilterReleased",
)  # fmt: skip
_STARTED = {"WaitingForTransfer": "TransferInProgress", "WaitingForPrebook": "PrebookInProgress"}
_OPEN_FOR = {
    "transferResponses": ("WaitingForTransfer", "TransferInProgress"),
    "prebookResponses": ("WaitingForPrebook", "PrebookInProgress"),
    "paymentResponses": ("Transferred", "Paid"),
}
_KEPT_RESPONSES = 100
# What a payment response sets: a field it leaves out is cleared.
_PAYMENT_FIELDS = {
    "paymentMethod": "paymentMethod",
    "paymentTermCode": "paymentTermCode",
    "paymentMessage": "paymentMessage",
    "paymentReversalDocument": "paymentRevelsalDocument",  # the vendor spells the document's field so
}


@dataclass(slots=True)
class Document:
    """One invoice. `content` is what the interface shows, nulls included; amounts are Decimal."""

    content: Json
    updated: int
    kind: str
    via: str = "inside"  # or network, smartpdf
    pdf: bytes = b""
    payment: Json = field(default_factory=dict)  # the last successful payment response, as P2P keeps it
    offered: int = 0  # how often it came to wait for the ledger

    @property
    def id(self) -> str:
        """The invoiceId."""
        return str(self.content["invoiceId"])

    @property
    def status(self) -> str:
        """The processingStatus."""
        return str(self.content["processingStatus"])


def move(world: World, tenant: Tenant, document: Document, status: str, at: int) -> None:
    """Into another state; those that wait for the ledger are announced."""
    document.content["processingStatus"] = status
    touch(document, at)
    if status.startswith("Waiting"):
        document.offered += 1
        world.desk.emit(tenant, "AccountingDocuments", status, document.id, at)


def touch(document: Document, at: int) -> None:
    """The document changed."""
    document.updated = at
    document.content["lastUpdated"] = stamp(at)


def acknowledge(world: World, tenant: Tenant, document: Document, at: int) -> None:
    """The ledger has taken the document: 405 when that was said before, 400 in any other state."""
    if document.status in _STARTED.values():
        raise Refused(405)
    if document.status not in _STARTED:
        raise Refused(400, mute=True)
    move(world, tenant, document, _STARTED[document.status], at)


def note_response(document: Document, name: str, body: Json, at: int) -> bool:
    """Keep a response on the document; true when the very same one was there. Refused where states forbid it."""
    mute = name != "transferResponses"
    if document.status not in _OPEN_FOR[name]:
        text = f"{name} are not allowed in state {document.status}."
        raise Refused(400, Fault(refusals.NOT_ALLOWED, text, body["externalCode"]), mute=mute)
    listed: list[Json] = document.content.setdefault(name, [])
    for old in listed:
        if old["externalCode"] == body["externalCode"]:
            if mute:
                raise Refused(409, Fault(refusals.CONFLICT, "externalCode was used before.", body["externalCode"]))
            if old != body:
                raise bad(refusals.INVALID, "externalCode was used for another response.", body["externalCode"])
            return True
    listed.append(body)
    del listed[:-_KEPT_RESPONSES]
    touch(document, at)
    return False


def take_response(world: World, tenant: Tenant, posted: Posted, item: Item, at: int) -> None:
    """The worker's part: what the response does to the document."""
    document = tenant.documents[item.parent or ""]
    if item.unchanged:
        item.status = "NotProcessed"
        return
    name = posted.entity_type[0].lower() + posted.entity_type[1:] + "s"
    if document.status not in _OPEN_FOR[name]:
        item.fail(f"{posted.entity_type} is not possible in state {document.status}")
        return
    item.status = "Success"
    if name == "paymentResponses":
        _pay(document, item.content, at)
        return
    done, failed = ("Prebooked", "PrebookFailed") if name == "prebookResponses" else ("Transferred", "TransferFailed")
    if not item.content["success"]:
        move(world, tenant, document, failed, at)
        _reoffer(world, tenant, document, at)
        return
    for field_name in ("voucherNumber1", "voucherNumber2", "paymentBlock"):
        if field_name in item.content:
            document.content[field_name] = item.content[field_name]
    if done == "Prebooked":
        document.content["prebooked"] = True
    move(world, tenant, document, done, at)


def _pay(document: Document, content: Json, at: int) -> None:
    if not content["success"]:
        return
    today = f"{day_of(at).isoformat()}T00:00:00"
    document.payment = {name: value for name, value in content.items() if name != "externalCode"}
    document.payment.setdefault("paymentDate", today)
    for given, shown in _PAYMENT_FIELDS.items():
        document.content[shown] = content.get(given)
    document.content["paymentBlock"] = content["paymentBlock"]
    gross = Decimal(document.content.get("grossSum") or 0)
    paid = content.get("paidTotal")
    whole = paid is not None and gross != 0 and Decimal(paid) / gross >= 1
    document.content["processingStatus"] = "Paid" if whole else "Transferred"
    touch(document, at)


def _reoffer(world: World, tenant: Tenant, document: Document, at: int) -> None:
    """A user repairs a failed document and offers it again, under the same invoiceId."""
    if world.knobs.reoffer_s <= 0:
        return
    failed = document.status
    waiting = "WaitingForPrebook" if failed == "PrebookFailed" else "WaitingForTransfer"

    def again(due: int) -> None:
        if document.status == failed:
            move(world, tenant, document, waiting, due)

    world.later(at + world.span(world.knobs.reoffer_s), again)
