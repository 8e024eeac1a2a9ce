"""The recipe of a lost dispute that the customer still owes: a debit note without VAT, instead of a loss.

Dr receivables; Cr dispute receivable. The payment that was disputed stays on its invoice.
"""

from __future__ import annotations

from ml_connector.finance.documents import Dispute
from ml_connector.finance.invoices import CustomerInvoice, InvoiceLine
from ml_connector.finance.ledger import LedgerInvoice
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Plan, PlannedWrite
from ml_connector.rules import closing
from ml_connector.rules.bookkeeping import Sheet
from ml_connector.rules.texts import clipped


def plan_owed_again(dispute: Dispute, claim: Money, invoice: LedgerInvoice, sheet: Sheet) -> Plan:
    """The debit note for what a lost dispute took, in the invoice's currency. The write has the key of the sheet."""
    place = sheet.place("dispute_receivable", sheet.facts)
    code = sheet.books.mapper.choose("no_vat", sheet.facts).vat_code
    if code is None:
        sheet.missing("no_vat", "vat_code", sheet.facts)
    day = sheet.book_on(closing.CUSTOMER, vat=False)
    if place is None or code is None or day is None:
        return Plan((), tuple(sheet.findings))
    text = clipped(f"Dispute {dispute.id} lost, invoice {invoice.number} is owed again")
    line = InvoiceLine(place.account, claim, code, text, place.dimensions, role="dispute_receivable")
    note = CustomerInvoice(
        kind="debit_note", customer=invoice.customer, day=day, due_on=day, currency=claim.currency, lines=(line,),
        total=claim, vat_total=Money.zero(claim.currency), reference=dispute.id, source=sheet.key, text=text,
        branch=sheet.books.terms.branch, event_day=sheet.day if day != sheet.day else None,
    )  # fmt: skip
    write = PlannedWrite(sheet.key, "debit_note", note, why=tuple(sheet.why.values()))
    return Plan((write,), tuple(sheet.findings))
