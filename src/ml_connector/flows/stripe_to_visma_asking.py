"""What a Stripe record may ask for, by name: records of Stripe, documents of the ledger, orders of a connected shop."""

from __future__ import annotations

from ml_connector.finance.documents import Capture, InvoicePayment, Refund
from ml_connector.finance.plan import Need


def charge(charge_id: str) -> Need:
    """A charge by its id; another account's is not there."""
    return Need(kind="charge", id=charge_id, optional=True)


def refund(refund_id: str) -> Need:
    """A refund by its id."""
    return Need(kind="refund", id=refund_id, optional=True)


def payout(payout_id: str) -> Need:
    """A payout by its id."""
    return Need(kind="payout", id=payout_id, optional=True)


def movement(movement_id: str) -> Need:
    """The row of the account that brought a charge's money."""
    return Need(kind="balance_transaction", id=movement_id)


def failed_by(kind: str, movement_id: str) -> Need:
    """The charge or refund whose failure a row of the account is."""
    return Need(kind=kind, link=("movement", movement_id))


def charge_of_row(row: InvoicePayment) -> Need:
    """The charge behind a payment of an invoice."""
    return charge(row.charge_id) if row.charge_id else Need(kind="charge", link=("intent", row.intent_id))


def row(row_id: str) -> Need:
    """A payment of an invoice by its id."""
    return Need(kind="invoice_payment", id=row_id)


def rows_of_invoice(invoice_id: str) -> Need:
    """The payments of an invoice that were read; whoever asks has one of them already."""
    return Need(kind="invoice_payment", link=("invoice", invoice_id))


def rows_without_intent(paid: Capture) -> Need:
    """The payments of invoices by a charge that has no payment intent, by which alone the source finds them."""
    return Need(kind="invoice_payment", link=("charge", paid.id), optional=True, since=paid.occurred_at)


def invoice(invoice_id: str) -> Need:
    """An invoice as it is collected."""
    return Need(kind="invoice", id=invoice_id)


def ledger_invoice(number: str) -> Need:
    """The ledger's own invoice, whole."""
    return Need(kind="ledger_invoice", system="target", fields=(("number", number),), optional=True)


def ledger_balance(number: str) -> Need:
    """The ledger's own invoice as it stands this very moment: what a person books ends a question about it."""
    return Need(kind="ledger_balance", system="target", fields=(("number", number),), optional=True)


def told_of(number: str) -> tuple[Need, Need]:
    """What people put against an invoice in the ledger, and what our way out has told or is telling of it."""
    return (
        Need(kind="customerPayment", link=("invoice", number), system="sibling"),
        Need(kind="customerCreditNote", link=("invoice", number), system="sibling"),
    )


def refunds_of(charge_id: str) -> Need:
    """The refunds of a charge that were read; whoever asks is one of them."""
    return Need(kind="refund", link=("charge", charge_id))


def credit_note(back: Refund, *, invoice_number: str = "", of: str = "") -> Need:
    """Open credit notes that people made for an invoice of the ledger, or for the payment with this key."""
    named = ("invoice", invoice_number) if invoice_number else ("of", of)
    fields = (named, ("minor", str(back.amount.minor)), ("currency", back.amount.currency))
    return Need(kind="credit_note", system="target", fields=fields, optional=True)


def orders_of(paid: Capture) -> tuple[Need, ...]:
    """The order of a connected shop that a charge is for: shops name the charge or its payment intent."""
    return tuple(
        Need(kind="order", link=("transaction", name), system="sibling", since=paid.occurred_at)
        for name in (paid.id, paid.intent_id)
        if name
    )


def shop_refunds_of(paid: Capture) -> tuple[Need, ...]:
    """The refunds that a connected shop has made of the order of a charge."""
    return tuple(
        Need(kind="refund", link=("transaction", name), system="sibling") for name in (paid.id, paid.intent_id) if name
    )
