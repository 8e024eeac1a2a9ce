"""Keys and codes of purchasing: how records of the ledger are called in the purchase system, once and for all."""

from __future__ import annotations

import uuid
from datetime import date
from decimal import Decimal

from ml_connector.finance.chart import Chart
from ml_connector.finance.invoices import Ref
from ml_connector.finance.plan import Content, Finding, PlannedWrite, Related
from ml_connector.finance.procurement import (
    Acknowledgement,
    LedgerCoding,
    OrderHeader,
    OrderLine,
    PaymentAnswer,
    ReceivedInvoice,
    ReferenceRow,
    SupplierCard,
    TransferAnswer,
    external_code,
)
from ml_connector.finance.rulebook import Terms

CODE = 25  # characters of most codes there
COMPANY = 25
KIND_OF: dict[type, str] = {
    ReferenceRow: "reference_row",
    SupplierCard: "supplier_card",
    OrderHeader: "order_header",
    OrderLine: "order_line",
    ReceivedInvoice: "received_invoice",
    Acknowledgement: "acknowledgement",
    TransferAnswer: "transfer_answer",
    PaymentAnswer: "payment_answer",
    LedgerCoding: "ledger_coding",
}


def unready(terms: Terms) -> Finding | None:
    """What a person must still say before anything is sent: the tenant's namespace and the company's code there."""
    purchase = terms.purchase
    try:
        named = bool(uuid.UUID(purchase.namespace).int)
    except ValueError:
        named = False
    if named and 1 <= len(purchase.company) <= COMPANY and len(purchase.organization or purchase.company) >= 2:
        return None
    missing = "namespace" if not named else "company"
    return Finding(
        "purchase-terms-missing",
        f"The route's purchase terms lack a usable {missing}: the namespace is a UUID, made once for the tenant "
        "(`uuidgen` makes one) and never changed, the company its code in Basware (2 to 25 characters). Say both with "
        "`ml-connector route terms set`; all waits until then.",
        f"purchase.{missing}",
        {"terms": {"purchase": {missing: ""}}},
    )


def code(terms: Terms, *parts: str) -> str:
    """The external code of a record of this company."""
    return external_code(terms.purchase.namespace, parts[0], terms.purchase.company, *parts[1:])


def key(terms: Terms, *parts: str) -> str:
    """The key of a write about a record of the ledger."""
    return ":".join((terms.code, *parts))


def document_key(terms: Terms, document_id: str) -> str:
    """The key of what an approved document becomes in the ledger: it stands in the note there."""
    return f"{terms.purchase.code}:doc:{document_id}"


def parcel(terms: Terms, kind: str, resource: str = "") -> str:
    """The pool of rows that may share a call: one kind, one resource, one company."""
    return ":".join(part for part in (terms.code, "parcel", kind, resource) if part)


def too_long(value: str, field: str, record: str, most: int = CODE) -> Finding | None:
    """A code that does not fit there: cut, it would name another record."""
    if len(value) <= most:
        return None
    return Finding(
        "code-too-long",
        f"{field} {value} of {record} has {len(value)} characters; Basware takes {most}. Shorten it in Visma.",
        field,
    )


def percent_of(chart: Chart, vat_code: str, *, zone: str, day: date) -> Decimal | None:
    """The rate of a VAT category in one zone on a day; None where no VAT id says it."""
    for vat in chart.vat_ids.values():
        if (
            vat_code in vat.categories
            and (not zone or zone in vat.zones)
            and (vat.not_after is None or day <= vat.not_after)
        ):
            rate = vat.rate_on(day)
            if rate is not None:
                return rate
    return None


def standing(related: Related, *, into: str = "") -> tuple[PlannedWrite, ...]:
    """What is written for a record already, as it stands: planned again it changes nothing."""
    return tuple(
        PlannedWrite(
            one,
            kind_of(content),
            content,
            into="source" if into and isinstance(content, Acknowledgement | TransferAnswer) else "target",
        )
        for one, content in related.posted.items()
    )


def kind_of(content: Content) -> str:
    """The kind of write that holds this content."""
    return KIND_OF.get(type(content), "supplier_invoice")


def ref(key_: str) -> Ref:
    """The number that the write with this key becomes."""
    return Ref(key_)
