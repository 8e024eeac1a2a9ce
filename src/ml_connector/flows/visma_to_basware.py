"""Visma to Basware: what each record of the ledger becomes there. Pure.

The order of work stands in the writes' needs: payment terms, then suppliers, then heads of orders, then their lines
with receipts, once the codes that they name are there. Each record waits for its own alone. All is updated in place by
its external code, nothing is deleted.
"""

from __future__ import annotations

from ml_connector.finance.chart import Chart
from ml_connector.finance.documents import Document
from ml_connector.finance.plan import Hold, Ignore, Need, Related, Verdict
from ml_connector.finance.purchasing import (
    LedgerSupplier,
    LedgerSupplierInvoice,
    LedgerSupplierPayment,
    PurchaseOrder,
    PurchaseReceipt,
    ReferenceValue,
)
from ml_connector.finance.rulebook import Rulebook, Terms
from ml_connector.flows.flow import Flow
from ml_connector.flows.visma_to_basware_invoices import invoice_need, payments_need, plan_invoice_out, plan_payment
from ml_connector.flows.visma_to_basware_orders import (
    SENT_TYPES,
    order_coding_needs,
    order_need,
    plan_order,
    plan_receipt,
    receipts_need,
    supplier_need,
)
from ml_connector.flows.visma_to_basware_reference import plan_reference, term_need
from ml_connector.flows.visma_to_basware_suppliers import plan_supplier
from ml_connector.rules.bookkeeping import Books
from ml_connector.rules.purchase_codes import unready

KINDS = (
    "account", "segmentvalue", "vatcategory", "creditterm", "supplier", "purchaseorder", "purchasereceipt",
    "supplierInvoice", "supplierPayment",
)  # fmt: skip
ROLES = ("accrual",)
"""The roles this flow asks rules for."""


def plan(document: Document, related: Related, *, terms: Terms, rulebook: Rulebook, chart: Chart) -> Verdict:
    """Everything that should exist there for one record of the ledger, or why nothing does."""
    against = unready(terms)
    if against is not None:
        return Hold((against,))
    books = Books.of(rulebook, chart, terms)
    if isinstance(document, ReferenceValue):
        return plan_reference(document, related, terms, chart)
    if isinstance(document, LedgerSupplier):
        return plan_supplier(document, related, terms)
    if isinstance(document, PurchaseOrder):
        return plan_order(document, related, books)
    if isinstance(document, PurchaseReceipt):
        return plan_receipt(document, related, books)
    if isinstance(document, LedgerSupplierInvoice):
        return plan_invoice_out(document, related, books)
    if isinstance(document, LedgerSupplierPayment):
        return plan_payment(document, related, books)
    return Ignore("Basware is told of no such record")


def needs(document: Document, related: Related, terms: Terms) -> tuple[Need, ...]:
    """Every need of a document, answered or not."""
    if isinstance(document, LedgerSupplier):
        return (term_need(document.term),) if document.term else ()
    if isinstance(document, PurchaseOrder):
        return _of_order(document, terms)
    if isinstance(document, PurchaseReceipt):
        return _of_receipt(document, related)
    if isinstance(document, LedgerSupplierInvoice):
        return (supplier_need(document.supplier),) if terms.purchase.mode == "visma_receives" else ()
    if isinstance(document, LedgerSupplierPayment) and terms.purchase.payments:
        numbers = dict.fromkeys(one.number for one in document.settled if one.document_type == "Invoice")
        return tuple(need for number in numbers for need in (invoice_need(number), payments_need(document, number)))
    return ()


def links(document: Document) -> tuple[tuple[str, str], ...]:
    """By which (name, value) other records find this one: a receipt by its orders, a payment by its invoices.

    An order by what its key calls it.
    """
    if isinstance(document, PurchaseOrder):
        return (("named", f"{document.type}:{document.number}"),)
    if isinstance(document, PurchaseReceipt):
        return tuple(("order", number) for number in document.orders)
    if isinstance(document, LedgerSupplierPayment):
        return tuple(("invoice", one) for one in dict.fromkeys(row.number for row in document.settled))
    return ()


def _of_order(order: PurchaseOrder, terms: Terms) -> tuple[Need, ...]:
    if order.type not in SENT_TYPES:
        return ()
    term = (term_need(order.term),) if order.term else ()
    coded = order_coding_needs(order, terms)
    return (supplier_need(order.supplier), receipts_need(order), *term, *coded)


def _of_receipt(receipt: PurchaseReceipt, related: Related) -> tuple[Need, ...]:
    found = []
    for number in receipt.orders:
        found.append(order_need(number))
        order = related.one(order_need(number))
        if isinstance(order, PurchaseOrder):
            found.append(receipts_need(order))
    return tuple(found)


FLOW = Flow(
    name="visma_to_basware", source="visma", target="basware", kinds=KINDS, roles=ROLES, needs=needs, plan=plan,
    links=links,
    makers=(
        ("term", "creditterm", ""), ("supplier", "supplier", ""), ("order", "purchaseorder", "named"),
    ),
)  # fmt: skip
