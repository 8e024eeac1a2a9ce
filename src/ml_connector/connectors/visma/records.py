"""The records that are read: where each kind lives, by which filters it is found, how a row of it is named."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ml_connector.connectors.shapes import SourceObject
from ml_connector.connectors.visma.observed import Row, text
from ml_connector.connectors.visma.translate import moment
from ml_connector.errors import UsageError


@dataclass(frozen=True, slots=True)
class Kind:
    """One resource: its key fields, the day it is of, and the filter by the party it belongs to."""

    path: str
    number: str
    day: str
    party: str = ""
    type: str = ""
    params: tuple[tuple[str, str], ...] = ()
    # Filters by which the list shows one record, and its fields that say them: where its path shows less or another.
    alone: tuple[tuple[str, str], ...] = ()
    links: tuple[tuple[str, str], ...] = ()  # what points elsewhere: by which filter it is found
    plain: frozenset[str] = frozenset()  # types whose number stands alone in the id; empty: none
    left_out: frozenset[str] = frozenset()  # fields that a record shows by one way of reading only
    whole: bool = False  # master data: also what was last changed before reading began is read
    first: tuple[tuple[str, str], ...] = ()  # whole, but the first sweep only brings these

    def parts(self, external_id: str) -> tuple[str, str]:
        """The type in front, where there is one, and the number: which may hold a slash itself."""
        of, slash, number = external_id.partition("/")
        if not self.type or not slash or (self.plain and of not in AGREEMENTS):
            return "", external_id
        return of, number


AGREEMENTS = frozenset({"Blanket", "StandardBlanket"})  # numbered apart from the orders that are made under them
_TAXED = (("expandTaxDetails", "true"),)
# VAT by id, notes and files stand in lists alone, and no list knows a number.
_SAME_DAY = (("customer", "customer"), ("documentDate", "documentDate"))
_SAME_BILL = (
    ("supplier", "supplier"),
    ("documentType", "documentType"),
    ("docDate", "date"),
    ("lastModifiedDateTime", "lastModifiedDateTime"),
)
NUMBERED = (("paymentNbr", ""), ("paymentType", ""))  # the path of one has no type: two may share the number
TIMES = frozenset({"documentDate", "docDate", "lastModifiedDateTime"})  # filters that want a condition
KINDS = {
    "customerinvoice": Kind(
        "/v1/customerinvoice", "referenceNumber", "documentDate", "customer", params=_TAXED, alone=_SAME_DAY
    ),
    "customerCreditNote": Kind(
        "/v1/customerCreditNote",
        "referenceNumber",
        "documentDate",
        "customer",
        params=(*_TAXED, ("expandApplications", "true")),
        alone=_SAME_DAY,
    ),
    "customerPayment": Kind("/v1/customerPayment", "refNbr", "applicationDate", "customer", "type", alone=NUMBERED),
    "supplierInvoice": Kind(
        "/v1/supplierInvoice",
        "referenceNumber",
        "date",
        "supplier",
        "documentType",
        params=(("expandNote", "true"), ("expandAttachment", "true")),
        alone=_SAME_BILL,
    ),
    "purchaseorder": Kind(
        "/v1/purchaseorder",
        "orderNbr",
        "date",
        "supplier",
        "orderType",
        plain=frozenset({"RegularOrder", "DropShip"}),
        whole=True,
        first=(("orderStatus", "Open"),),
    ),
    "purchasereceipt": Kind(
        "/v2/PurchaseReceipt",
        "receiptNbr",
        "date",
        "supplier",
        links=(("order", "poOrderNbr"),),
        left_out=frozenset({"note"}),
    ),
    "supplierPayment": Kind(
        "/v1/supplierPayment",
        "refNbr",
        "applicationDate",
        "supplier",
        "type",
        links=(("invoice", "invoiceRefNbr"),),
    ),
    "supplier": Kind(
        "/v1/supplier", "number", "lastModifiedDateTime", left_out=frozenset({"glAccounts", "note"}), whole=True
    ),
    "customer": Kind("/v1/customer", "number", "createdDateTime", left_out=frozenset({"glAccounts"})),
}


def kind_of(name: str) -> Kind:
    """Where records of this kind live. Raises UsageError for a kind that is not read."""
    found = KINDS.get(name)
    if found is None:
        raise UsageError(f"Visma records of kind {name!r} are not read.", record=name)
    return found


def source_object(name: str, kind: Kind, row: Row) -> SourceObject:
    """A row as a record."""
    number = text(row.get(kind.number)).strip()
    of = text(row.get(kind.type)) if kind.type else ""
    external_id = f"{of}/{number}" if of and of not in kind.plain else number
    occurred = moment(row.get(kind.day)) or moment(row.get("lastModifiedDateTime")) or datetime(1970, 1, 1, tzinfo=UTC)
    # The list's own count is not the record's; what only one way of reading shows would look like a change.
    payload = {field: value for field, value in row.items() if field != "metadata" and field not in kind.left_out}
    return SourceObject(name, external_id, payload, _stamp(row), occurred)


def _stamp(row: Mapping[str, Any]) -> str:
    """The row version as sortable text: it counts up, while times of change repeat an hour in autumn."""
    try:
        raw = base64.b64decode(text(row.get("timeStamp") or row.get("timestamp")), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    return raw.hex() if raw else text(row.get("lastModifiedDateTime"))
