"""What people do in Stripe's dashboard to an invoice of the ledger, beside every payment: no money of Stripe's moves.

Called paid, voided, given up: each asks a person what the ledger should show. What our own way out has told Stripe is
no such thing, and what the ledger shows already ends the question.
"""

from __future__ import annotations

from ml_connector.finance.collection import InvoiceVoid, OutsidePayment
from ml_connector.finance.documents import Invoice
from ml_connector.finance.ledger import LedgerInvoice
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Content, Finding, Hold, Ignore, Need, Related, Verdict
from ml_connector.flows import stripe_to_visma_asking as ask
from ml_connector.rules.findings import approved

LEDGER_INVOICE = "ledger_invoice"
"""The link by which an invoice is found by what is put against it in the ledger."""
PAID, VOIDED, GIVEN_UP = "paid-outside-stripe", "voided-in-stripe", "uncollectible-in-stripe"


def needs_of(invoice: Invoice, number: str) -> tuple[Need, ...]:
    """What we have told ourselves, and what the ledger shows now; nothing where all is as ever."""
    return (*ask.told_of(number), ask.ledger_balance(number)) if number and _code(invoice) else ()


def plan_told(invoice: Invoice, number: str, related: Related) -> Verdict | None:
    """What is asked about an invoice that people told Stripe of; None where nobody did."""
    code = _code(invoice)
    if not code:
        return None
    told = _told(invoice, number, related)
    paid = invoice.outside
    if code == PAID and paid is not None:
        paid -= Money(sum(one.amount.minor for one in told if isinstance(one, OutsidePayment)), paid.currency)
    if (code == PAID and (paid is None or paid.minor <= 0)) or any(isinstance(one, InvoiceVoid) for one in told):
        return Ignore("our own route told Stripe of it")
    left = _left(number, related)
    if left is not None and left.minor <= 0:
        return Ignore(f"invoice {number} is settled in Visma")
    if approved(related, code):
        return Ignore("a person settles it in Visma")
    proposal = {"decision": "approve", "invoice": number, "amount": str(paid or invoice.requested)}
    return Hold((Finding(code, _said(code, invoice, number, paid, left), "state", proposal),))


def _code(invoice: Invoice) -> str:
    """What somebody did to it there; empty where nobody did anything."""
    if invoice.state == "canceled":
        return VOIDED
    if invoice.state == "failed":
        return GIVEN_UP
    return PAID if invoice.outside is not None and invoice.outside.minor > 0 else ""


def _told(invoice: Invoice, number: str, related: Related) -> list[Content]:
    """What our way out has told Stripe of this invoice, or is telling just now."""
    answers = [one for need in ask.told_of(number) for one in related.documents(need) or ()]
    contents = {key: content for one in answers for key, content in one.contents.items()}
    told = (one for one in contents.values() if isinstance(one, OutsidePayment | InvoiceVoid))
    return [one for one in told if one.invoice == invoice.id]


def _left(number: str, related: Related) -> Money | None:
    """What is open of the ledger's invoice; None where it is not there."""
    found = related.one(ask.ledger_balance(number))
    document = found.document if found is not None else None
    return document.balance if isinstance(document, LedgerInvoice) else None


def _said(code: str, invoice: Invoice, number: str, paid: Money | None, left: Money | None) -> str:
    open_there = "Visma does not show it." if left is None else f"Visma has {left} of it open; nothing is booked."
    if code == PAID:
        return (
            f"Invoice {number} ({invoice.id}) was marked as paid in Stripe's dashboard: {paid} that never came through "
            f"Stripe. {open_there} Ask whoever marked it where the money is, and enter that payment in Visma, put "
            f"against invoice {number}: it is matched, and not told to Stripe again. This closes by itself when Visma "
            "shows the invoice paid. Approve when the payment will be entered; ignore it where nothing is to be booked."
        )
    if code == VOIDED:
        return (
            f"Invoice {number} of {invoice.requested} ({invoice.id}) was voided in Stripe's dashboard, and nobody can "
            f"pay it there. {open_there} Ask whoever voided it: where nothing is owed, credit it in Visma; where it "
            "is, collect it another way. This closes by itself when Visma shows it settled; approve when it is "
            "dealt with."
        )
    return (
        f"Invoice {number} of {invoice.requested} ({invoice.id}) was marked uncollectible in Stripe's dashboard; it "
        f"may still be paid there. {open_there} Ask whoever marked it: where it is given up, write it off or credit "
        "it in Visma. This closes by itself when Visma shows it settled or Stripe is paid; approve when it is dealt "
        "with."
    )
