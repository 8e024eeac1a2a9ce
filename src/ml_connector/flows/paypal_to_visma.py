"""PayPal to Visma.net: what each record of a PayPal account becomes in the ledger.

The report of transactions is the complete source: every row that moved the balance is booked once, so that clearing is
what PayPal shows as available. Captures and refunds that events tell of share the key of their row and add what the row
does not say; invoices become customer documents; disputes say how a claim ended.
"""

from __future__ import annotations

from ml_connector.finance.chart import Chart
from ml_connector.finance.documents import Capture, Dispute, Document, Invoice, Movement, Refund
from ml_connector.finance.plan import Ignore, Related, Verdict
from ml_connector.finance.rulebook import Rulebook, Terms
from ml_connector.flows import paypal_needs as need
from ml_connector.flows.flow import Flow
from ml_connector.flows.paypal_invoices import plan_invoice_record
from ml_connector.flows.paypal_movements import plan_dispute_record, plan_row_record
from ml_connector.flows.paypal_receipts import plan_capture_record
from ml_connector.flows.paypal_refunds import plan_refund_record
from ml_connector.flows.paypal_shops import SIBLINGS
from ml_connector.rules.bookkeeping import Books

KINDS = ("transaction", "capture", "refund", "invoice", "dispute")

ROLES = (
    "clearing", "bank", "transit", "sales", "vat", "no_vat", "shipping", "discount", "rounding", "customer", "fee",
    "fee_settlement", "reserve", "dispute_receivable", "dispute_fee", "dispute_loss", "payout_adjustment", "suspense",
    "currency_difference",
)  # fmt: skip
"""The roles this flow asks rules for."""


def plan(document: Document, related: Related, *, terms: Terms, rulebook: Rulebook, chart: Chart) -> Verdict:
    """Everything that should exist in the ledger for one PayPal record, or why nothing does."""
    books = Books.of(rulebook, chart, terms)
    if isinstance(document, Movement):
        return plan_row_record(document, related, books)
    if isinstance(document, Capture):
        return plan_capture_record(document, related, books)
    if isinstance(document, Refund):
        return plan_refund_record(document, related, books)
    if isinstance(document, Invoice):
        return plan_invoice_record(document, related, books)
    if isinstance(document, Dispute):
        return plan_dispute_record(document, related, books)
    return Ignore("PayPal tells nothing to book by it")


FLOW = Flow(
    name="paypal_to_visma", source="paypal", target="visma", kinds=KINDS, roles=ROLES,
    needs=need.needs, plan=plan, links=need.links, moves=("transaction",), siblings=SIBLINGS,
    makers=(("cap", "transaction", "transaction"), ("ref", "transaction", "transaction")),
)  # fmt: skip
