"""What takes one document back: its mirror, the ledger's own reversing call, another document, or a person."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from ml_connector.engine.books import Books
from ml_connector.finance.dimensions import DimensionValue
from ml_connector.finance.invoices import CustomerInvoice, CustomerPayment, Reversal, SupplierInvoice
from ml_connector.finance.journal import JournalEntry, mirrored
from ml_connector.finance.plan import Content, Finding
from ml_connector.finance.selling import PaymentApplication, SalesOrder
from ml_connector.rules import closing
from ml_connector.store.writes import Write

_PAYMENT_TYPES = {"payment": "Payment", "prepayment": "Prepayment", "refund": "Refund"}


def opposite_of(content: Content, old: Write, books: Books, *, freed: bool) -> tuple[str, Content] | Finding:
    """(kind, content) of what takes this back.

    Journals are mirrored, in an open period and VAT return; the rest by the ledger's calls.
    """
    number = old.number or old.remote_id or ""
    if isinstance(content, JournalEntry | DimensionValue):
        return _mirror(content, old, books, number)
    if isinstance(content, PaymentApplication) and freed:
        return "application_freed", Reversal("application_freed", old.remote_id or "", "Invoice", content.source)
    if isinstance(content, CustomerPayment):
        return _void(content, old, books, number)
    if isinstance(content, SalesOrder):
        return "order_cancellation", Reversal("order_cancellation", number, content.type, content.source)
    if isinstance(content, CustomerInvoice) and content.kind == "customer_invoice":
        return _reversed_invoice(content, old, books, number)
    if isinstance(content, CustomerInvoice) and content.kind == "credit_note" and content.applies_to is None:
        return _debit_note(content, old, books, number)
    if isinstance(content, SupplierInvoice):
        return "reverse_invoice", Reversal("reverse_invoice", number, "SupplierInvoice", content.source)
    return Finding("reversal-by-hand", _by_hand(content, number), field=old.key)


def _mirror(
    content: JournalEntry | DimensionValue, old: Write, books: Books, number: str
) -> tuple[str, Content] | Finding:
    """The same lines turned round; master data is never taken away, as others may name it: it is not used any more."""
    if isinstance(content, DimensionValue):
        return "dimension_value", replace(content, active=False)
    day = _day_back(content.day, closing.CASH, books, vat=content.vat_transaction)
    if day is None:
        return _never_open(content.day, old, number)
    return "journal", mirrored(content, day=day, text=f"reverses {number}")


def _reversed_invoice(content: CustomerInvoice, old: Write, books: Books, number: str) -> tuple[str, Content] | Finding:
    """By the ledger's own call, which takes over the invoice's day.

    Where that is closed, or its VAT reported: by a credit note of the same lines in the next open period, put against
    the invoice.
    """
    day = _day_back(content.day, closing.CUSTOMER, books, vat=True)
    if day is None:
        return _never_open(content.day, old, number)
    if day == content.day:
        return "reverse_invoice", Reversal("reverse_invoice", number, "Invoice", content.source)
    note = replace(
        content, kind="credit_note", day=day, due_on=None, text=f"reverses {number}", applies_to=number,
        event_day=content.event_day or content.day,
    )  # fmt: skip
    return "credit_note", note


def _void(content: CustomerPayment, old: Write, books: Books, number: str) -> tuple[str, Content] | Finding:
    """Visma voids a payment in the payment's own period; where that is closed, a person chooses the way."""
    period = books.chart.period_of(content.day)
    if period is None or closing.is_open(period, closing.CUSTOMER_CASH):
        return "void_payment", Reversal("void_payment", number, _PAYMENT_TYPES[content.kind], content.source)
    note, entry = "debit note", f"debits suspense and credits cash account {content.cash_account}"
    if content.kind == "refund":
        note, entry = "credit note", f"debits cash account {content.cash_account} and credits suspense"
    sentence = (
        f"{content.kind.capitalize()} {number} of {content.amount} stands in period {period.id}, which is closed, and "
        "Visma voids it there only. Open the period in the customer ledger, cash management and the general ledger and "
        f"try again. Or, in Visma and in an open period, write its customer a {note} of {content.amount} without VAT "
        f"on the suspense account, and a journal that {entry}; then leave the record as it is here."
    )
    return Finding("period-closed", sentence, field=old.key)


def _by_hand(content: Content, number: str) -> str:
    """Why only a person can take a document back, and how."""
    if isinstance(content, CustomerInvoice) and content.applies_to is not None:
        to = content.applies_to
        against = f"invoice {to}" if isinstance(to, str) else f"the invoice of {to.key}"
        return (
            f"Credit note {number} lowers {against}, and no call of Visma frees it again. In Visma, reverse its "
            "application and take it back or correct it there; then answer ignore: what stands here stays until the "
            "record changes once more."
        )
    if isinstance(content, CustomerInvoice) and content.kind == "debit_note":
        on = ", ".join(dict.fromkeys(line.account for line in content.lines))
        codes = ", ".join(dict.fromkeys(line.vat_code for line in content.lines))
        return (
            f"Debit note {number} of {content.total} to customer {content.customer} ({content.text}) is owed no "
            "longer, and no call of Visma takes a debit note back. In Visma, write a credit note of "
            f"{content.total} to customer {content.customer} on account {on} with VAT code {codes}, and put it against "
            "the debit note; where the customer has paid that already, pay it back or leave it available. Then answer "
            "ignore: what stands here stays until the record changes once more."
        )
    if isinstance(content, PaymentApplication):
        return (
            f"Advance {number} is put against invoice {content.invoice} with {content.amount}, and no call of Visma "
            "frees it again. In Visma, credit the invoice, void the advance where its money went back, and close or "
            "return the sales order; then answer ignore: what stands here stays until the record changes once more."
        )
    return f"{number} is of a kind that only a person can take back in Visma. Do so there, then ignore the record."


def _debit_note(content: CustomerInvoice, old: Write, books: Books, number: str) -> tuple[str, Content] | Finding:
    """A credit note has no reversing call: a debit note of the same lines, which stays open beside it.

    One that lowered an invoice is a person's matter: what it was put against cannot be freed again by a call.
    """
    day = _day_back(content.day, closing.CUSTOMER, books, vat=True)
    if day is None:
        return _never_open(content.day, old, number)
    note = replace(
        content, kind="debit_note", day=day, due_on=day, text=f"reverses {number}",
        event_day=content.event_day or (content.day if day != content.day else None),
    )  # fmt: skip
    return "debit_note", note


def _day_back(day: date, ledgers: frozenset[str], books: Books, *, vat: bool) -> date | None:
    """On which day it is taken back. VAT is the company's: the latest day that any of its routes states as reported."""
    stated = [road.terms.vat_reported_until for road in books.roads.values()]
    reported = max((until for until in stated if until is not None), default=None)
    return closing.day_to_take_back(
        day, ledgers=ledgers, vat_reported_until=reported if vat else None, chart=books.chart
    )


def _never_open(day: date, old: Write, number: str) -> Finding:
    sentence = f"{number} cannot be reversed: no period is open on or after {day}. Open a period in Visma."
    return Finding("period-closed", sentence, field=old.key)
