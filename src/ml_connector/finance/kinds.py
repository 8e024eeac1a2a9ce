"""The kinds of writes: what each holds, whether it must be released, and what becomes of one that changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ml_connector.finance.collection import (
    CollectionCredit,
    CollectionInvoice,
    InvoiceVoid,
    LedgerAttachment,
    LedgerNote,
    OutsidePayment,
)
from ml_connector.finance.dimensions import DimensionValue
from ml_connector.finance.documents import InvoiceAdjustment
from ml_connector.finance.invoices import CustomerInvoice, CustomerPayment, PartyCard, Reversal, SupplierInvoice
from ml_connector.finance.journal import JournalEntry
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
)
from ml_connector.finance.selling import PaymentApplication, SalesOrder


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of write.

    `released`: it is made as a draft, read back, and stands only when released. `read_back`: it is looked at in the
    target before it counts as done. `updated`: master data, sent again in place when its content changes; all else is
    reversed. `parcel`: how many rows of it share one call (None: each goes alone, or as its pool says); those that
    differ in one of the fields `apart` never do. `file`: its content may name a file of the source's (`file`, its id,
    and `file_name`), which is brought to the target once the draft is made. `deleted`: nothing is left of one that is
    taken back. `rests`: the target works on it for itself, so that a look at once tells nothing. `told`: words to
    somebody, which nothing takes back. `repeated`: sent again it is the same thing once more (a file under its name,
    words under their mark).
    """

    content: type[Any]
    released: bool = True
    read_back: bool = True
    updated: bool = False
    parcel: int | None = None
    apart: tuple[str, ...] = ()
    file: bool = False
    deleted: bool = False
    rests: bool = False
    told: bool = False
    repeated: bool = False


_CARD = Kind(PartyCard, released=False, read_back=False, updated=True)

KINDS: Mapping[str, Kind] = {
    "journal": Kind(JournalEntry),
    "customer_invoice": Kind(CustomerInvoice),
    "credit_note": Kind(CustomerInvoice),
    "debit_note": Kind(CustomerInvoice),
    "customer_payment": Kind(CustomerPayment),
    "customer_refund": Kind(CustomerPayment),
    "supplier_invoice": Kind(SupplierInvoice),
    "customer": _CARD,
    "supplier": _CARD,
    "dimension_value": Kind(DimensionValue, released=False, updated=True),
    "reverse_invoice": Kind(Reversal),
    "void_payment": Kind(Reversal),
    "collection_invoice": Kind(CollectionInvoice),
    "collection_credit": Kind(CollectionCredit, released=False),
    "outside_payment": Kind(OutsidePayment, released=False),
    "invoice_void": Kind(InvoiceVoid, released=False),
    **dict.fromkeys(
        ("external_payment", "external_payment_removal", "external_refund", "invoice_cancel"),
        Kind(InvoiceAdjustment, released=False),
    ),
    "ledger_attachment": Kind(LedgerAttachment, released=False, repeated=True),
    "ledger_note": Kind(LedgerNote, released=False, repeated=True),
    "reference_row": Kind(
        ReferenceRow, released=False, updated=True, parcel=500, apart=("kind", "list_key"), rests=True
    ),
    "supplier_card": Kind(SupplierCard, released=False, updated=True, parcel=200, rests=True),
    "order_header": Kind(OrderHeader, released=False, updated=True, parcel=500, rests=True),
    "order_line": Kind(OrderLine, released=False, updated=True, parcel=100, rests=True),
    "received_invoice": Kind(ReceivedInvoice, released=False, read_back=False, file=True, told=True),
    "acknowledgement": Kind(Acknowledgement, released=False, read_back=False, told=True),
    "transfer_answer": Kind(TransferAnswer, released=False, rests=True, told=True),
    "payment_answer": Kind(PaymentAnswer, released=False, rests=True, told=True),
    "ledger_coding": Kind(LedgerCoding),
    "sales_order": Kind(SalesOrder, deleted=True),
    "order_cancellation": Kind(Reversal, released=False),
    "payment_application": Kind(PaymentApplication),
    "application_freed": Kind(Reversal, released=False),
}
