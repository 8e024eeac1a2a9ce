"""Stripe to Visma.net: what became of the ledger's invoices that Stripe collects, and of all money on its account.

Events are doorbells: every record is planned from its own state, in whatever order it is read. Charges book customer
payments, refunds credit notes and money out, disputes flags and losses. Balance transactions are the complete account:
each is booked once, beside its document or by itself, so that clearing is what Stripe shows as its balance.
"""

from __future__ import annotations

from ml_connector.finance.chart import Chart
from ml_connector.finance.documents import (
    Capture,
    Dispute,
    Document,
    Invoice,
    InvoicePayment,
    Movement,
    Payout,
    Refund,
)
from ml_connector.finance.plan import Ignore, Related, Verdict
from ml_connector.finance.rulebook import Rulebook, Terms
from ml_connector.flows import stripe_to_visma_needs as need
from ml_connector.flows.flow import Flow
from ml_connector.flows.stripe_to_visma_charges import plan_charge_record
from ml_connector.flows.stripe_to_visma_disputes import plan_dispute_record
from ml_connector.flows.stripe_to_visma_invoices import plan_invoice_payment_record, plan_invoice_record
from ml_connector.flows.stripe_to_visma_movements import plan_movement_record, plan_payout_record
from ml_connector.flows.stripe_to_visma_outside import LEDGER_INVOICE
from ml_connector.flows.stripe_to_visma_refunds import plan_refund_record
from ml_connector.rules.bookkeeping import Books

KINDS = ("balance_transaction", "charge", "refund", "dispute", "payout", "invoice", "invoice_payment")

ROLES = (
    "clearing", "bank", "transit", "fee", "fee_settlement", "sales", "vat", "no_vat", "customer", "reserve",
    "dispute_receivable", "dispute_fee", "dispute_loss", "currency_difference", "payout_adjustment", "suspense",
)  # fmt: skip
"""The roles this flow asks rules for."""

SIBLINGS = (
    ("order", "transaction", "transaction"), ("refund", "transaction", "transaction"),
    # What people put against an invoice in the ledger has the questions about it look again.
    ("customerPayment", "invoice", LEDGER_INVOICE), ("customerCreditNote", "invoice", LEDGER_INVOICE),
)  # fmt: skip


def plan(document: Document, related: Related, *, terms: Terms, rulebook: Rulebook, chart: Chart) -> Verdict:
    """Everything that should exist in the ledger for one Stripe record, or why nothing does."""
    books = Books.of(rulebook, chart, terms)
    if isinstance(document, Movement):
        return plan_movement_record(document, related, books)
    if isinstance(document, Capture):
        return plan_charge_record(document, related, books)
    if isinstance(document, Refund):
        return plan_refund_record(document, related, books)
    if isinstance(document, Dispute):
        return plan_dispute_record(document, related, books)
    if isinstance(document, Payout):
        return plan_payout_record(document, related, books)
    if isinstance(document, InvoicePayment):
        return plan_invoice_payment_record(document, related, books)
    if isinstance(document, Invoice):
        return plan_invoice_record(document, related, books)
    return Ignore("Stripe tells nothing to book by it")


FLOW = Flow(
    name="stripe_to_visma", source="stripe", target="visma", kinds=KINDS, roles=ROLES,
    needs=need.needs, plan=plan, links=need.links, moves=("balance_transaction",), siblings=SIBLINGS,
    makers=(
        ("inpay", "charge", "invoice_payment"), ("dp", "dispute", ""), ("bt", "balance_transaction", ""),
        ("po", "balance_transaction", "source"),
    ),
)  # fmt: skip
