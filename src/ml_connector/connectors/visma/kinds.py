"""Where each kind of document lives in this API: paths, versions, filters and whether If-Match counts by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ml_connector import jsontext
from ml_connector.connectors.shapes import Observed
from ml_connector.connectors.visma import observed
from ml_connector.connectors.visma.client import segment
from ml_connector.connectors.visma.payloads import PAYMENT_TYPES, supplier_type
from ml_connector.errors import Untranslatable, UsageError
from ml_connector.finance.invoices import CustomerPayment, Reversal, SupplierInvoice
from ml_connector.finance.plan import Content
from ml_connector.finance.procurement import LedgerCoding

Row = Mapping[str, Any]
Parse = Callable[[bytes], Any]


@dataclass(frozen=True, slots=True)
class Place:
    """One resource. `typed`: its remote ids are "Type/number", because numbers repeat between types.

    `background`: If-Match is only checked in calls that carry the background header. `parse_one` and `parse_list`
    make of an answer what is looked at.
    """

    create: str
    read: str
    observe: Callable[..., Observed]
    typed: bool = False
    background: bool = False
    attachments: str = ""
    lines: bool = False  # lists are paged by line, so that a document may come in several rows
    needs_condition: bool = True  # lastModifiedDateTime is ignored without its Condition; on journals it stands alone
    base_filter: tuple[tuple[str, str], ...] = ()
    parse_one: Parse = jsontext.parse
    parse_list: Parse = jsontext.parse

    def seen(self, rows: Sequence[Row], *, etag: str | None = None) -> Observed:
        """One document from the rows it came in. Raises Untranslatable where they are not what they should be."""
        try:
            return self.observe(rows if self.lines else rows[-1], etag=etag)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise Untranslatable(f"A row of {self.read} cannot be read: {error!r}.", field="row") from None

    def item(self, remote_id: str) -> str:
        """The path of one document."""
        kind, _, number = remote_id.rpartition("/")
        if self.typed and self.read == SUPPLIER_INVOICE:
            return f"{self.read}/{segment(kind)}/{segment(number)}" if kind else f"{self.read}/{segment(number)}"
        return f"{self.read}/{segment(number)}"


SUPPLIER_INVOICE = "/v1/supplierInvoice"

PLACES: dict[str, Place] = {
    "journal": Place(
        "/v2/journaltransaction",
        "/v2/journaltransaction",
        observed.journal,
        attachments="/v2/journaltransaction/module/GL/{number}/attachment",
        lines=True,
        needs_condition=False,
        base_filter=(("module", "GL"),),
        parse_one=observed.parse_batch,
        parse_list=observed.parse_batches,
    ),
    "customer_invoice": Place(
        "/v2/customerinvoice",
        "/v1/customerinvoice",
        observed.customer_document,
        background=True,
        attachments="/v1/customerinvoice/{number}/attachment",
    ),
    "credit_note": Place(
        "/v2/customerCreditNote",
        "/v1/customerCreditNote",
        observed.customer_document,
        background=True,
        attachments="/v1/customerCreditNote/{number}/attachment",
    ),
    "debit_note": Place(
        "/v2/customerDebitNote",
        "/v1/customerDebitNote",
        observed.customer_document,
        background=True,
        attachments="/v1/customerDebitNote/{number}/attachment",
    ),
    "customer_payment": Place(
        "/v1/customerPayment", "/v1/customerPayment", observed.payment, typed=True, background=True
    ),
    "supplier_invoice": Place(
        SUPPLIER_INVOICE,
        SUPPLIER_INVOICE,
        observed.supplier_invoice,
        typed=True,
        background=True,
        attachments="/v1/supplierInvoice/documentType/{type}/{number}/attachment",
    ),
    "customer": Place("/v1/customer", "/v1/customer", observed.party, background=True),
    "supplier": Place("/v1/supplier", "/v1/supplier", observed.party),
}
PLACES["customer_refund"] = PLACES["customer_payment"]
PLACES["ledger_coding"] = PLACES["supplier_invoice"]

PARTIES = frozenset({"customer", "supplier"})
CUSTOMER_DOCUMENTS = frozenset({"customer_invoice", "credit_note", "debit_note"})
PAYMENTS = frozenset({"customer_payment", "customer_refund"})
REVERSALS = frozenset({"reverse_invoice", "void_payment"})
VOIDED_BY = {"Payment": "VoidPayment", "Prepayment": "VoidPayment", "Refund": "VoidRefund"}


def result_kind(kind: str, content: Content | None = None) -> str:
    """The kind of document that a write of this kind makes: a reversal makes a credit note, a voiding one a payment."""
    if kind == "void_payment":
        return "customer_payment"
    if kind == "reverse_invoice":
        supplier = isinstance(content, Reversal) and content.document_type in ("SupplierInvoice", "CreditAdj")
        return "supplier_invoice" if supplier else "credit_note"
    return kind


def place_of(kind: str, content: Content | None = None) -> Place:
    """Where documents of this kind are read. Raises UsageError for a kind that is not written here."""
    found = PLACES.get(result_kind(kind, content))
    if found is None:
        raise UsageError(f"Visma documents of kind {kind!r} are not written.", record=kind)
    return found


def type_of(content: Content) -> str:
    """The vendor's document type where it is part of the address, else nothing."""
    if isinstance(content, CustomerPayment):
        return PAYMENT_TYPES[content.kind]
    if isinstance(content, SupplierInvoice):
        return supplier_type(content)
    if isinstance(content, LedgerCoding):
        return "Invoice"
    if isinstance(content, Reversal) and content.kind == "void_payment":
        return VOIDED_BY.get(content.document_type, "VoidPayment")
    if isinstance(content, Reversal) and result_kind(content.kind, content) == "supplier_invoice":
        return "DebitAdj"
    return ""
