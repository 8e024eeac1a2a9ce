"""The recipes of money that another system collected for an invoice of the ledger: P, and what gives it back.

P of what came, put against the invoice up to what is open of it; the rest stays available to the customer. Given back:
a credit note with the invoice's own accounts, VAT codes and dimensions, and R; R alone on a credit note that people
have made; R on the payment where only what stayed available goes back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ml_connector.finance.invoices import Application, CustomerInvoice, CustomerPayment, InvoiceLine, Ref, TaxDetail
from ml_connector.finance.ledger import LedgerInvoice
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Finding, Found, Plan, PlannedWrite, Related
from ml_connector.rules import closing
from ml_connector.rules.bookkeeping import Books, Sheet
from ml_connector.rules.customer_documents import blocked, customer_money
from ml_connector.rules.findings import approved, decided
from ml_connector.rules.ledger_lines import TaxedLine, taxed_lines
from ml_connector.rules.matching import PartyMatch
from ml_connector.rules.parties import Known
from ml_connector.rules.paybacks import Payback, plan_order_payback
from ml_connector.rules.receipts import CAPTURE, MEANS, Receipt
from ml_connector.rules.texts import begun, clipped


@dataclass(frozen=True, slots=True)
class Settled:
    """A payment and the invoice of the ledger that it pays, with how much of it goes there by the collecting system."""

    receipt: Receipt
    invoice: LedgerInvoice
    wanted: Money

    @property
    def customer(self) -> Known:
        because = f"customer of invoice {self.invoice.number}"
        return Known(self.invoice.customer, (), PartyMatch(self.invoice.customer, made=False, because=because))

    @property
    def excess(self) -> Money:
        """What was paid beyond the invoice."""
        return self.receipt.amount - self.wanted


def plan_collected_payment(settled: Settled, *, books: Books, related: Related) -> Plan:
    """P, put against the invoice up to what is open of it. A payment that stands keeps how it was put there."""
    receipt, invoice = settled.receipt, settled.invoice
    day = max(receipt.day, invoice.day)
    sheet = Sheet(receipt.key, record=receipt.record, day=day, facts=receipt.facts(CAPTURE), books=books)
    sheet.explain("party", invoice.customer, settled.customer.match.because)
    applied = _applied(settled, related)
    if applied < receipt.amount:
        sheet.note(_more_than_open(settled, applied))
    # Its key stands in the text: by that the way back tells our own payments from those of people.
    write = customer_money(
        sheet, "payment", MEANS, receipt.amount, customer=settled.customer,
        applied=(Application("Invoice", invoice.number, applied),) if applied else (), needs=(),
        text=f"{receipt.key}, {invoice.number}",
    )  # fmt: skip
    return Plan((write,) if write else (), tuple(sheet.findings))


def plan_collected_payback(
    back: Payback, settled: Settled, *, open_credit: Sequence[Found] | None, books: Books, related: Related
) -> Plan:
    """C and R; R alone on an open credit note that people made; R on the payment of what was paid too much."""
    invoice = settled.invoice
    booked, answer = related.posted.get(back.key), decided(related, "refund-credit-note")
    ours = isinstance(booked, CustomerInvoice)
    on_payment = isinstance(booked, CustomerPayment) and any(one.document == "Payment" for one in booked.applications)
    if settled.excess.minor > 0 and back.amount == settled.excess and not ours and (on_payment or booked is None):
        return _on_payment(back, settled, books)
    if not ours and answer != "none" and (open_credit or answer or booked):
        order = f"invoice {invoice.number}"
        return plan_order_payback(
            back, credit_key=None, order=order, customer=settled.customer, open_credit=open_credit, books=books,
            related=related,
        )  # fmt: skip
    return _credited(back, settled, books, related)


def _credited(back: Payback, settled: Settled, books: Books, related: Related) -> Plan:
    sheet = _sheet(back, back.key, settled, books)
    note = _credit_note(sheet, back, settled.invoice, related)
    paid = _sheet(back, f"{back.key}:paid", settled, books)
    money = customer_money(
        paid, "refund", MEANS, back.amount, customer=settled.customer,
        applied=(Application("CreditNote", Ref(back.key), back.amount),), needs=(back.key,), text=back.key,
    )  # fmt: skip
    if note is None or blocked(sheet.findings):
        return Plan((), (*sheet.findings, *paid.findings))
    credit = PlannedWrite(back.key, "credit_note", note, why=tuple(sheet.why.values()))
    return Plan((credit, *((money,) if money else ())), (*sheet.findings, *paid.findings))


def _on_payment(back: Payback, settled: Settled, books: Books) -> Plan:
    sheet = _sheet(back, back.key, settled, books)
    key = settled.receipt.key
    sheet.explain("refund of", key, f"just what was paid beyond invoice {settled.invoice.number}")
    money = customer_money(
        sheet, "refund", MEANS, back.amount, customer=settled.customer,
        applied=(Application("Payment", Ref(key), back.amount),), needs=(key,), text=back.key,
    )  # fmt: skip
    return Plan((money,) if money else (), tuple(sheet.findings))


def _credit_note(sheet: Sheet, back: Payback, invoice: LedgerInvoice, related: Related) -> CustomerInvoice | None:
    """A credit note of the invoice's own lines: all of them, or each in proportion."""
    if back.amount > invoice.total:
        sheet.note(_more_than_invoiced(back, invoice))
        return None
    lines = taxed_lines(invoice, sheet.books.chart)
    if isinstance(lines, Finding):
        sheet.note(lines)
        return None
    taken = _part(lines, back.amount)
    if back.amount != invoice.total and len({one.rate for one in lines}) > 1 and not approved(related, _MIX):
        sheet.note(_mixed(back, taken))
    vat = sum(one.vat.minor for one in taken)
    booked = sheet.book_on(closing.CUSTOMER, vat=vat != 0)
    if booked is None:
        return None
    return CustomerInvoice(
        kind="credit_note", customer=invoice.customer, day=booked, due_on=None, currency=invoice.currency,
        lines=tuple(_row(one) for one in taken), total=back.amount, vat_total=Money(vat, invoice.currency),
        reference=back.id, source=back.key, text=clipped(f"Refund {back.id} of invoice {invoice.number}"),
        tax_details=_tax_details(taken), branch=sheet.books.terms.branch,
        event_day=sheet.day if booked != sheet.day else None,
    )  # fmt: skip


_MIX = "refund-vat-mix"


def _part(lines: Sequence[TaxedLine], amount: Money) -> list[TaxedLine]:
    """The lines scaled to a gross amount; each keeps its own proportion of VAT."""
    gross = [one.gross.minor for one in lines]
    if sum(gross) == amount.minor:
        return list(lines)
    charged = [one for one in lines if one.gross.minor > 0]
    made = []
    for one, share in zip(charged, amount.split([one.gross.minor for one in charged]), strict=True):
        vat = Money(_rounded(share.minor * one.vat.minor, one.gross.minor), amount.currency)
        if share:
            made.append(replace(one, line=replace(one.line, net=share - vat), vat=vat))
    return made


def _rounded(top: int, bottom: int) -> int:
    """Half up, of a fraction not below zero."""
    return (2 * top + bottom) // (2 * bottom)


def _row(one: TaxedLine) -> InvoiceLine:
    line = one.line
    return InvoiceLine(
        line.account, line.net, line.vat_code, clipped(line.text or f"Line {line.number}"), line.dimensions,
        one.vat or None,
    )  # fmt: skip


def _tax_details(lines: Sequence[TaxedLine]) -> tuple[TaxDetail, ...]:
    sums: dict[str, tuple[Money, Money]] = {}
    for one in lines:
        if one.vat_id and one.vat:
            zero = Money.zero(one.vat.currency)
            base, vat = sums.get(one.vat_id, (zero, zero))
            sums[one.vat_id] = (base + one.line.net, vat + one.vat)
    return tuple(TaxDetail(vat_id, base, vat) for vat_id, (base, vat) in sums.items())


def _applied(settled: Settled, related: Related) -> Money:
    booked = related.posted.get(settled.receipt.key)
    currency = settled.receipt.amount.currency
    if isinstance(booked, CustomerPayment):
        return Money(sum(one.amount.minor for one in booked.applications if one.document == "Invoice"), currency)
    return Money(max(0, min(settled.wanted.minor, settled.invoice.balance.minor)), currency)


def _sheet(back: Payback, key: str, settled: Settled, books: Books) -> Sheet:
    day = max(back.day, settled.receipt.day, settled.invoice.day)
    return Sheet(key, record=back.record, day=day, facts=back.facts(), books=books)


def _more_than_open(settled: Settled, applied: Money) -> Finding:
    receipt, invoice = settled.receipt, settled.invoice
    return Finding(
        "paid-more-than-open",
        f"{begun(receipt.record)} of {receipt.amount} for invoice {invoice.number}: {applied} of it is put against the "
        f"invoice, and {receipt.amount - applied} stays available to customer {invoice.customer}. Put it against "
        "another invoice or pay it back; the collecting system may use it for the customer's next invoice by itself.",
        "amount",
        {"applied": str(applied), "available": str(receipt.amount - applied)},
        blocks=False,
    )


def _more_than_invoiced(back: Payback, invoice: LedgerInvoice) -> Finding:
    return Finding(
        "refund-differs",
        f"{begun(back.record)} gives back {back.amount}, and invoice {invoice.number} has {invoice.total}. "
        "Book it by hand and ignore it here.",
        "amount",
    )


def _mixed(back: Payback, lines: Sequence[TaxedLine]) -> Finding:
    parts = [f"{one.line.text}: {one.line.net} + VAT {one.vat}" for one in lines]
    return Finding(
        _MIX,
        f"{begun(back.record)} gives back {back.amount} of an invoice with several VAT rates without saying which "
        "goods. The proposal splits it by the invoice's mix. Approve it, or make the credit note in Visma.",
        "vat",
        {"decision": "approve", "lines": parts},
    )
