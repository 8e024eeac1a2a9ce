"""The recipes of customer documents: an invoice from an order, its payments, what cancels it and what pays it back.

I: lines and VAT of the order, never the tip. P: each payment without its tip, applied to the invoice. The tip is a
journal; a part paid by gift card is a credit note on the liability; a refund is a credit note and money out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from ml_connector.finance.documents import Capture, Refund, Sale, SaleLine
from ml_connector.finance.invoices import (
    Application,
    Number,
    Ref,
)
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Finding, Plan, PlannedWrite, Related
from ml_connector.rules.bookkeeping import Books, Sheet, method_of, role_of
from ml_connector.rules.customer_documents import credit_note, customer_document, customer_money, planned
from ml_connector.rules.findings import approved, differs
from ml_connector.rules.goods import SOLD, Policy, facts_of, gross_of, part_of, policy_of, post_tip
from ml_connector.rules.mapping import Facts
from ml_connector.rules.matching import RefundedBefore, over_refund, paid_for
from ml_connector.rules.parties import Known
from ml_connector.rules.refunds import GivenBack, destination_of, given_back
from ml_connector.rules.sales import post_means, post_own_fee
from ml_connector.rules.texts import begun


@dataclass(frozen=True, slots=True)
class Bill:
    """What an invoice of the source says beside its order. `requested` None: the order's own total is asked for.

    `key` is that of the write that makes it; where the ledger makes it itself of an order, that of the order: then a
    payment is an `advance`, and `invoice` its number once it is known. `refunds`: money given back is paid out by us;
    by another system (`elsewhere`), for which the credit note is open; or nothing was paid yet (`owed`), and the credit
    note lowers the invoice.
    """

    key: str
    record: str
    number: str
    day: date
    due_on: date | None
    requested: Money | None
    refunds: Literal["out", "elsewhere", "owed"] = "out"
    advance: bool = False
    invoice: str | None = None

    @property
    def called(self) -> str:
        """What `key` stands for."""
        return "order" if self.advance else "invoice"

    @property
    def document(self) -> Number:
        """The invoice that a credit note lowers."""
        return self.invoice or Ref(self.key)


def plan_invoice(
    bill: Bill, sale: Sale, customer: Known, *, captures: Mapping[str, Capture], days: Mapping[str, date],
    books: Books, related: Related,
) -> Plan:  # fmt: skip
    """The customer's card where we make it, the invoice, and per payment what it books. `days` by payment id."""
    sheet = _sheet(bill.key, bill.record, bill.day, sale, books)
    sheet.note(*customer.findings)
    write = _invoice_write(sheet, bill, sale, customer, related=related)
    paid: list[Plan] = [
        plan_invoice_payment(capture, bill=bill, customer=customer, day=days[capture.id], books=books, related=related)
        for capture in captures.values()
    ]
    writes = (*customer.writes, *((write,) if write else ()), *(one for plan in paid for one in plan.writes))
    return Plan(writes, (*sheet.findings, *(one for plan in paid for one in plan.findings)))


def plan_invoice_payment(
    capture: Capture, *, bill: Bill, customer: Known, day: date, books: Books, related: Related
) -> Plan:
    """What one payment of an invoice books: P, or a credit note for a gift card; tip and own fee as journals."""
    key = f"{books.terms.code}:pay:{capture.id}"
    record = f"payment {capture.id}"
    method, currency = method_of(capture.means), capture.amount.currency
    facts = Facts(location=capture.location, method=method, type="payment", currency=currency)
    sheet = Sheet(key, record=record, day=max(day, bill.day), facts=facts, books=books)
    policy = policy_of(books.terms, related)
    if role_of(capture.means) == "gift_cards":
        write = _gift_card_part(sheet, capture, bill=bill, customer=customer, policy=policy)
    else:
        write = _payment(sheet, capture, bill=bill, customer=customer)
    if not capture.tip.minor and capture.own_fee is None:
        return Plan((write,) if write else (), tuple(sheet.findings))
    tip = Sheet(f"{key}:tip", record=record, day=day, facts=replace(facts, method=None, type="tip"), books=books)
    post_means(tip, capture.means, capture.tip.minor, policy=policy)
    post_tip(tip, capture.tip.minor, sign=SOLD, policy=policy)
    fee = Sheet(f"{key}:fee", record=record, day=day, facts=replace(facts, method=None, type="fee"), books=books)
    post_own_fee(fee, capture.means, capture.own_fee)
    made = (write, tip.write(f"Tip of payment {capture.id}"), fee.write(f"Fee of payment {capture.id}"))
    return Plan(tuple(one for one in made if one), (*sheet.findings, *tip.findings, *fee.findings))


def plan_cancel(
    bill: Bill, sale: Sale, customer: Known, *, paid: Money, day: date, books: Books, related: Related
) -> Plan:
    """The open balance of a cancelled invoice is credited; what was paid stays."""
    total = gross_of(sale.lines) + sale.rounding.minor
    left = total - paid.minor
    if left <= 0:
        return Plan(())
    sheet = _sheet(f"{bill.key}:cancel", bill.record, max(day, bill.day), sale, books)
    lines = sale.lines if not paid.minor else part_of(sale.lines, left - _rounding_left(sale, paid))
    note = credit_note(
        sheet, lines, customer=customer, reference=bill.number, text=f"Invoice {bill.number} cancelled",
        policy=policy_of(books.terms, related), rounding=_rounding_left(sale, paid), applies_to=bill.document,
    )  # fmt: skip
    write = planned(sheet, "credit_note", note, needs=(bill.key, *customer.needs))
    return Plan((write,) if write else (), tuple(sheet.findings))


def plan_invoice_refund(
    refund: Refund,
    *,
    capture: Capture,
    sale: Sale,
    back: Sale | None,
    bill: Bill,
    customer: Known,
    before: RefundedBefore,
    day: date,
    books: Books,
    related: Related,
) -> Plan:
    """A refund of an invoiced sale: a credit note, and its payment out; a tip given back is a journal."""
    key = f"{books.terms.code}:ref:{refund.id}"
    record = f"refund {refund.id}"
    facts = replace(facts_of(sale, "refund"), currency=refund.amount.currency)
    sheet = Sheet(key, record=record, day=max(day, bill.day), facts=facts, books=books)
    sheet.note(over_refund(capture, refund, before=before, paid=paid_for(capture, sale)), *customer.findings)
    given = given_back(refund, sale=sale, back=back)
    sheet.note(given.finding)
    policy = policy_of(books.terms, related)
    if given.mixed and not approved(related, "refund-vat-mix"):
        sheet.note(_mix(record, given))
    note = credit_note(
        sheet, given.lines, customer=customer, reference=refund.id, text=f"Refund {refund.id} of invoice {bill.number}",
        policy=policy, rounding=given.rounding, applies_to=bill.document if bill.refunds == "owed" else None,
    )  # fmt: skip
    credit = planned(sheet, "credit_note", note, needs=(bill.key, *customer.needs))
    out = Sheet(f"{key}:paid", record=record, day=sheet.day, facts=facts, books=books)
    paid_out = None
    if bill.refunds == "out":
        amount = refund.amount.minor - given.tip
        paid_out = _paid_out(out, refund, capture, customer=customer, credit_key=key, amount=amount)
    tip = Sheet(f"{key}:tip", record=record, day=day, facts=facts, books=books)
    post_tip(tip, given.tip, sign=-SOLD, policy=policy)
    post_means(tip, destination_of(refund, capture), -given.tip, policy=policy)
    made = (*customer.writes, credit, paid_out, tip.write(f"Tip of refund {refund.id}"))
    return Plan(tuple(one for one in made if one), (*sheet.findings, *out.findings, *tip.findings))


def _invoice_write(sheet: Sheet, bill: Bill, sale: Sale, customer: Known, *, related: Related) -> PlannedWrite | None:
    total = Money(gross_of(sale.lines) + sale.rounding.minor, sale.currency)
    requested = bill.requested or total
    extra = requested.minor - total.minor
    if abs(extra) > sheet.books.terms.tolerance_minor:
        fix = "Read invoice and order again; if it stays, book it by hand and ignore it here."
        sheet.note(
            differs("invoice-total-differs", "The total", stated=requested, found=total, record=bill.record, fix=fix)
        )
        return None
    invoice = customer_document(
        sheet, "customer_invoice", sale.lines, customer=customer, reference=bill.number, due_on=bill.due_on,
        text=f"Invoice {bill.number}, order {sale.id}", policy=policy_of(sheet.books.terms, related),
        rounding=sale.rounding.minor + extra,
    )  # fmt: skip
    return planned(sheet, "customer_invoice", invoice, needs=customer.needs, why=customer)


def _payment(sheet: Sheet, capture: Capture, *, bill: Bill, customer: Known) -> PlannedWrite | None:
    applied = () if bill.advance else (Application("Invoice", Ref(bill.key), capture.amount),)
    return customer_money(
        sheet, "prepayment" if bill.advance else "payment", capture.means, capture.amount, customer=customer,
        applied=applied, needs=(bill.key,),
        text=f"Payment {capture.id}, {bill.called} {bill.number}",
    )  # fmt: skip


def _paid_out(
    sheet: Sheet, refund: Refund, capture: Capture, *, customer: Known, credit_key: str, amount: int
) -> PlannedWrite | None:
    means = destination_of(refund, capture)
    if role_of(means) == "gift_cards":
        sheet.note(
            Finding(
                "invoice-refund-to-gift-card",
                f"{begun(sheet.record)} pays an invoice back to a gift card, which no payment of the ledger can do. "
                "Book a debit note on the gift card liability by hand and ignore it here.",
                "means",
            )
        )
        return None
    given = Money(amount, sheet.currency)
    applied = (Application("CreditNote", Ref(credit_key), given),)
    text = f"Refund {refund.id}"
    return customer_money(
        sheet, "refund", means, given, customer=customer, applied=applied, needs=(credit_key,), text=text
    )


def _gift_card_part(
    sheet: Sheet, capture: Capture, *, bill: Bill, customer: Known, policy: Policy
) -> PlannedWrite | None:
    """A gift card pays by lowering what is owed to its holder: a credit note on the liability, without VAT."""
    line = SaleLine("gift-card", f"Gift card, payment {capture.id}", capture.amount, kind="gift_card")
    if policy.gift_cards == "single":
        sheet.note(
            Finding(
                "invoice-paid-by-voucher",
                f"{begun(sheet.record)} pays an invoice by single-purpose voucher, whose VAT was due when it was "
                "sold. Book it by hand and ignore it here.",
                "means",
            )
        )
        return None
    text = f"Gift card, payment {capture.id}"
    note = credit_note(
        sheet, [line], customer=customer, reference=capture.id, text=text, policy=policy, applies_to=Ref(bill.key)
    )
    return planned(sheet, "credit_note", note, needs=(bill.key, *customer.needs))


def _sheet(key: str, record: str, day: date, sale: Sale, books: Books) -> Sheet:
    facts = replace(facts_of(sale, "invoice"), status=sale.status or sale.state)
    return Sheet(key, record=record, day=day, facts=facts, books=books)


def _rounding_left(sale: Sale, paid: Money) -> int:
    return 0 if paid.minor else sale.rounding.minor


def _mix(record: str, given: GivenBack) -> Finding:
    parts = [f"{line.name}: {line.net} + VAT {line.tax}" for line in given.lines]
    return Finding(
        "refund-vat-mix",
        f"{begun(record)} gives back an amount without saying which goods. The proposal splits it by the VAT mix "
        "of the invoice. Approve it, or correct the refund in the source.",
        "vat",
        {"decision": "approve", "lines": parts},
    )
