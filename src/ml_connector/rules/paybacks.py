"""The recipes of money given back through a processor: a refund follows what its payment was booked as.

An invoice: credit note and R, or R alone on a credit note that people have made in the ledger. An unapplied payment: R
on a credit note, or a person decides. An anonymous sale: its journal mirrored in part. Suspense: suspense. A fee that
comes back: Dr clearing; Cr fee, once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from ml_connector.finance.documents import Sale, SaleLine
from ml_connector.finance.invoices import Application, CustomerInvoice, CustomerPayment, Ref
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Finding, Found, Plan, PlannedWrite, Related
from ml_connector.rules.bookkeeping import Books, Sheet
from ml_connector.rules.customer_documents import blocked, credit_note, customer_money
from ml_connector.rules.findings import approved, decided
from ml_connector.rules.goods import gross_of, part_of, policy_of, rate_of
from ml_connector.rules.invoicing import Bill
from ml_connector.rules.mapping import Facts
from ml_connector.rules.parties import Known
from ml_connector.rules.receipts import MEANS, Anonymous, post_fee, post_sale
from ml_connector.rules.texts import begun


@dataclass(frozen=True, slots=True)
class Payback:
    """One refund: `amount` and `fee_back` positive. `payment_id` None: nobody knows what it gives back."""

    id: str
    key: str
    amount: Money
    fee_back: Money
    day: date
    payment_id: str | None
    means: str = MEANS
    location: str | None = None

    @property
    def record(self) -> str:
        return f"refund {self.id}"

    def facts(self, type_: str = "refund") -> Facts:
        """What rules may ask about it."""
        return Facts(method=self.means, type=type_, currency=self.amount.currency, location=self.location)


def plan_anonymous_payback(back: Payback, sale: Anonymous, *, books: Books) -> Plan:
    """Dr sales, Dr VAT; Cr clearing, as the sale was booked; a fee given back stays in clearing."""
    sheet = _sheet(back, back.key, books)
    post_sale(sheet, sale, back.amount, sign=1)
    return _with_money(sheet, back)


def plan_unplaced_payback(back: Payback, *, books: Books, warning: Finding | None = None) -> Plan:
    """Dr suspense; Cr clearing."""
    sheet = _sheet(back, back.key, books)
    sheet.post("suspense", back.amount.minor)
    sheet.note(warning)
    return _with_money(sheet, back)


def plan_invoice_payback(
    back: Payback, *, bill: Bill, sale: Sale, customer: Known, open_credit: Sequence[Found] | None, books: Books,
    related: Related,
) -> Plan:  # fmt: skip
    """C + R; R alone where the ledger has an open credit note of that invoice and amount. None: nobody has looked."""
    sheet = _sheet(back, back.key, books)
    sheet.day = max(back.day, bill.day)
    sheet.note(*customer.findings)
    answer = _answered(related)
    booked = related.posted.get(back.key)
    if open_credit is None and not answer and booked is None:
        sheet.note(_credit_note_unknown(back, bill))
        return Plan((), tuple(sheet.findings))
    ours = isinstance(booked, CustomerInvoice)  # our own credit note stands: what people made since is another's
    if answer != "none" and not ours and (open_credit or answer or booked):
        return _on_credit_note(back, sheet, open_credit, customer=customer, books=books, related=related)
    lines, mixed = _returned(sale, back.amount)
    if mixed and not approved(related, "refund-vat-mix"):
        sheet.note(_mix(back, lines))
    if gross_of(lines) != back.amount.minor:
        sheet.note(_more_than_invoiced(back, sale))
    note = credit_note(
        sheet, lines, customer=customer, reference=back.id, text=f"Refund {back.id} of invoice {bill.number}",
        policy=policy_of(books.terms, related),
    )  # fmt: skip
    made: list[PlannedWrite] = []
    if note is not None and not blocked(sheet.findings):
        needs = (bill.key, *customer.needs)
        made.append(PlannedWrite(back.key, "credit_note", note, needs=needs, why=tuple(sheet.why.values())))
    paid = _sheet(back, f"{back.key}:paid", books)
    paid.day = sheet.day
    applied = (Application("CreditNote", Ref(back.key), back.amount),)
    money = customer_money(
        paid,
        "refund",
        back.means,
        back.amount,
        customer=customer,
        applied=applied,
        needs=(back.key,),
        text=begun(back.record),
    )
    return _with_fee(back, [*made, money], [*sheet.findings, *paid.findings], books=books)


def plan_customer_payback(
    back: Payback,
    *,
    payment_key: str,
    customer: Known,
    open_credit: Sequence[Found] | None,
    books: Books,
    related: Related,
) -> Plan:
    """R of a payment whose invoice we do not know: on the ledger's open credit note, or on the payment itself."""
    sheet = _sheet(back, back.key, books)
    sheet.note(*customer.findings)
    answer = _answered(related)
    if answer != "payment" and (open_credit or answer not in {"", "none"} or _booked_on(back, related)):
        return _on_credit_note(back, sheet, open_credit, customer=customer, books=books, related=related)
    if answer != "payment":
        sheet.note(_needs_credit_note(back))
        return Plan((), tuple(sheet.findings))
    applied = (Application("Payment", Ref(payment_key), back.amount),)
    money = customer_money(
        sheet, "refund", back.means, back.amount, customer=customer, applied=applied, needs=(payment_key,),
        text=begun(back.record),
    )  # fmt: skip
    return _with_fee(back, [money], sheet.findings, books=books)


def plan_order_payback(
    back: Payback, *, credit_key: str | None, order: str, customer: Known, open_credit: Sequence[Found] | None,
    books: Books, related: Related,
) -> Plan:  # fmt: skip
    """R on the credit note that a shop's route makes of the refund; else on one that people made in the ledger."""
    sheet = _sheet(back, back.key, books)
    if credit_key is None:
        if open_credit or _answered(related) not in {"", "none", "payment"} or _booked_on(back, related):
            return _on_credit_note(back, sheet, open_credit, customer=customer, books=books, related=related)
        sheet.note(_not_in_shop(back, order))
        return Plan((), tuple(sheet.findings))
    applied = (Application("CreditNote", Ref(credit_key), back.amount),)
    money = customer_money(
        sheet, "refund", back.means, back.amount, customer=customer, applied=applied, needs=(credit_key,),
        text=f"{begun(back.record)}, {order}",
    )  # fmt: skip
    return _with_fee(back, [money], sheet.findings, books=books)


def _on_credit_note(
    back: Payback, sheet: Sheet, found: Sequence[Found] | None, *, customer: Known, books: Books, related: Related
) -> Plan:
    """R alone, on the credit note that a person named, that it was booked on before, or that certainly is the one."""
    said = related.decisions.get("refund-credit-note", "").strip() if _answered(related) else ""
    said = "" if said.casefold() in {"none", "payment"} else said
    number = said or _booked_on(back, related) or _certain(back, found or ())
    if not number:
        sheet.note(_uncertain_credit_notes(back, found or ()))
        return Plan((), tuple(sheet.findings))
    sheet.explain("credit note", number, "a person named it" if said else "open, of that invoice and amount")
    applied = (Application("CreditNote", number, back.amount),)
    money = customer_money(
        sheet, "refund", back.means, back.amount, customer=customer, applied=applied, needs=(), text=begun(back.record)
    )
    return _with_fee(back, [money], sheet.findings, books=books)


def _answered(related: Related) -> str:
    """What a person said of the credit note: a number, none or payment. A bare yes says nothing here."""
    return "" if approved(related, "refund-credit-note") else decided(related, "refund-credit-note")


def _booked_on(back: Payback, related: Related) -> str:
    """The credit note of the ledger on which this very refund was booked before: it is closed now, and stays."""
    booked = related.posted.get(back.key)
    if not isinstance(booked, CustomerPayment):
        return ""
    return next((str(one.number) for one in booked.applications if one.document == "CreditNote"), "")


def _certain(back: Payback, found: Sequence[Found]) -> str:
    """The one credit note that names the document and has just this amount; nothing else counts."""
    if len(found) != 1 or found[0].facts.get("by") == "amount":
        return ""
    open_minor = found[0].facts.get("open")
    return found[0].number if open_minor in (None, str(back.amount.minor)) else ""


def _with_fee(back: Payback, made: Sequence[PlannedWrite | None], findings: Sequence[Finding], *, books: Books) -> Plan:
    fee = _sheet(back, f"{back.key}:fee", books)
    fee.facts = back.facts("fee")
    post_fee(fee, -back.fee_back.minor)
    fee.post("clearing", back.fee_back.minor)
    writes = (*made, fee.write(f"Fee given back with {back.record}"))
    return Plan(tuple(one for one in writes if one is not None), (*findings, *fee.findings))


def _with_money(sheet: Sheet, back: Payback) -> Plan:
    post_fee(sheet, -back.fee_back.minor)
    sheet.post("clearing", back.fee_back.minor - back.amount.minor)
    of = f" of payment {back.payment_id}" if back.payment_id else ""
    write = sheet.write(f"{begun(back.record)}{of}")
    return Plan((write,) if write else (), tuple(sheet.findings))


def _sheet(back: Payback, key: str, books: Books) -> Sheet:
    return Sheet(key, record=back.record, day=back.day, facts=back.facts(), books=books)


def _returned(sale: Sale, amount: Money) -> tuple[tuple[SaleLine, ...], bool]:
    """The lines that an amount gives back, and whether the split is our proposal: one VAT rate leaves no choice."""
    whole = gross_of(sale.lines)
    if amount.minor == whole:
        return sale.lines, False
    lines = tuple(line for line in sale.lines if line.gross.minor > 0)
    if amount.minor > gross_of(lines):
        return sale.lines, False
    kinds = {(line.kind, rate_of(line)) for line in sale.lines}
    return part_of(lines, amount.minor), len(kinds) > 1


def _mix(back: Payback, lines: Sequence[SaleLine]) -> Finding:
    parts = [f"{line.name}: {line.net} + VAT {line.tax}" for line in lines]
    return Finding(
        "refund-vat-mix",
        f"{begun(back.record)} gives back {back.amount} of an invoice with several VAT rates without saying which "
        "goods. The proposal splits it by the invoice's mix. Approve it, or make the credit note in Visma.",
        "vat",
        {"decision": "approve", "lines": parts},
    )


def _more_than_invoiced(back: Payback, sale: Sale) -> Finding:
    return Finding(
        "refund-differs",
        f"{begun(back.record)} gives back {back.amount}, and its invoice {sale.reference} has {sale.total}. "
        "Book it by hand and ignore it here.",
        "amount",
    )


def _needs_credit_note(back: Payback) -> Finding:
    return Finding(
        "refund-credit-note",
        f"{begun(back.record)} of {back.amount} gives back a payment whose invoice is not known here. Make the credit "
        "note in Visma and answer its number, or answer payment if that payment is still unapplied.",
        "credit_note",
        {"accept": "payment", "choices": ["payment"]},
    )


def _credit_note_unknown(back: Payback, bill: Bill) -> Finding:
    return Finding(
        "refund-credit-note",
        f"{begun(back.record)} of {back.amount} gives back invoice {bill.number}. Answer the number of the credit note "
        "that was made for it in Visma, or none: then it is made here.",
        "credit_note",
        {"accept": "none", "choices": ["none"]},
    )


def _not_in_shop(back: Payback, order: str) -> Finding:
    return Finding(
        "refund-credit-note",
        f"{begun(back.record)} of {back.amount} gives back {order}, which the shop has not credited with that amount. "
        "Make the refund in the shop too; it is read by itself. Or make a credit note in Visma and answer its number.",
        "credit_note",
    )


def _uncertain_credit_notes(back: Payback, found: Sequence[Found]) -> Finding:
    numbers = sorted({one.number for one in found})
    return Finding(
        "refund-credit-note",
        f"The ledger has open for {back.record} of {back.amount}: {', '.join(map(_told, found))}. Answer the number of "
        "the one that was made for it, or none: then it is made here.",
        "credit_note",
        {"choices": [*numbers, "none"]},
    )


def _told(one: Found) -> str:
    return f"{one.number} ({one.facts['said']})" if one.facts.get("said") else one.number
