"""Stripe invoices and their payments: what they say is booked by the charges behind them, and asked where none is."""

from __future__ import annotations

from ml_connector.finance.documents import Capture, Invoice, InvoicePayment
from ml_connector.finance.plan import Finding, Hold, Ignore, Related, Verdict, Wait
from ml_connector.flows import stripe_to_visma_asking as ask
from ml_connector.flows import stripe_to_visma_needs as need
from ml_connector.flows import stripe_to_visma_outside as outside
from ml_connector.flows.verdicts import before_go_live
from ml_connector.rules.bookkeeping import Books
from ml_connector.rules.findings import approved


def plan_invoice_payment_record(row: InvoicePayment, related: Related, books: Books) -> Verdict:
    """A payment of an invoice: its charge books it, so that one payment is asked about once."""
    if row.state == "canceled":
        return Ignore("it was canceled")
    if row.state == "open":
        return Ignore("it is open: nothing is paid yet")
    if row.origin == "recorded":
        return Ignore("it is money from outside Stripe, told there by people or by our own route")
    if early := before_go_live(row.paid_at or row.created_at, None, books.terms):
        return early
    charges: tuple[Capture, ...] = related.documents(ask.charge_of_row(row)) or ()
    if any(row.charge_id == one.id or row.id in dict(one.settles or ()) for one in charges):
        return Ignore("its charge books it")
    return Wait("no charge that was read names it yet")


def plan_invoice_record(invoice: Invoice, related: Related, books: Books) -> Verdict:
    """An invoice: paid is no proof of money. What was paid without any, or too much, a person must look at."""
    del books
    if not need.ledger_number(invoice):
        return Ignore("it did not come from Visma; its charges are booked by themselves")
    if invoice.balance_used is not None and invoice.balance_used.minor > 0 and not approved(related, _BALANCE):
        return Hold((_from_balance(invoice),))
    if invoice.overpaid is not None and invoice.overpaid.minor > 0 and not approved(related, _OVERPAID):
        return Hold((_overpaid(invoice),))
    asked = outside.plan_told(invoice, need.ledger_number(invoice), related)
    if asked is not None:
        return asked
    return Ignore(f"it is {invoice.state.replace('_', ' ')}: its payments are booked by their charges")


_BALANCE, _OVERPAID = "collected-from-balance", "collected-overpaid"


def _from_balance(invoice: Invoice) -> Finding:
    return Finding(
        _BALANCE,
        f"Invoice {invoice.id} took {invoice.balance_used} from what Stripe owed the customer, and no money came for "
        f"it. Put what customer {invoice.marks.get(need.CUSTOMER_MARK, '')} has available in Visma against invoice "
        f"{need.ledger_number(invoice)}, then approve.",
        "balance",
        {"decision": "approve", "amount": str(invoice.balance_used)},
    )


def _overpaid(invoice: Invoice) -> Finding:
    return Finding(
        _OVERPAID,
        f"Invoice {invoice.id} was paid {invoice.overpaid} too much, which Stripe keeps for the customer's next "
        f"invoice. In Visma it stays available on the payment of invoice {need.ledger_number(invoice)}: pay it back, "
        "or put it against the next invoice when Stripe does. Then approve.",
        "amount",
        {"decision": "approve", "amount": str(invoice.overpaid)},
    )
