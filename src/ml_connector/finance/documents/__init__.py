"""Canonical documents: what a source system says happened, in one language for all of them.

Amounts are as the source states them; nothing here knows an account. Ids are the source's own. Times are aware UTC.
"""

from __future__ import annotations

from ml_connector.finance.documents.invoices import Invoice, InvoiceAdjustment, InvoicePayment, InvoiceRow, Publication
from ml_connector.finance.documents.parties import Address, Location, Party, Succession
from ml_connector.finance.documents.payments import Capture, Converted, Dispute, DisputeMovement, Refund
from ml_connector.finance.documents.payouts import Movement, MovementRole, Payout, PayoutEntry
from ml_connector.finance.documents.sales import (
    Article,
    Coupon,
    Means,
    Sale,
    SaleLine,
    SaleReturn,
    StatedRefund,
    TaxShare,
    Tender,
)
from ml_connector.finance.ledger import LedgerInvoice, LedgerPayment
from ml_connector.finance.purchasing import PurchaseDocument

Document = (
    Sale | Capture | Refund | Invoice | InvoicePayment | Payout | Dispute | Location | Party | Movement | Article
    | Publication | Succession
    | LedgerInvoice | LedgerPayment | PurchaseDocument
)  # fmt: skip

__all__ = [
    "Address",
    "Article",
    "Capture",
    "Converted",
    "Coupon",
    "Dispute",
    "DisputeMovement",
    "Document",
    "Invoice",
    "InvoiceAdjustment",
    "InvoicePayment",
    "InvoiceRow",
    "Location",
    "Means",
    "Movement",
    "MovementRole",
    "Party",
    "Payout",
    "PayoutEntry",
    "Publication",
    "Refund",
    "Sale",
    "SaleLine",
    "SaleReturn",
    "StatedRefund",
    "Succession",
    "TaxShare",
    "Tender",
]
