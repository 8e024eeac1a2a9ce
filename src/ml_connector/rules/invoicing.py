"""The recipes of customer documents: an invoice from an order, its payments, what cancels it and what pays it back.

I: lines and VAT of the order, never the tip. P: each payment without its tip, applied to the invoice. The tip is a
journal; a part paid by gift card is a credit note on the liability; a refund is a credit note and money out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from ml_connector.finance.documents import Capture, Refund, Sale, SaleLine
from ml_connector.finance.invoices import (
    Application,
    CustomerInvoice,
    CustomerPayment,
    InvoiceLine,
    Number,
    Ref,
    TaxDetail,
)
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Finding, Plan, PlannedWrite, Related
from ml_connector.rules import closing
from ml_connector.rules.bookkeeping import Books, Place, Sheet, branch_of, method_of, role_of
from ml_connector.rules.findings import approved, differs
from ml_connector.rules.goods import SOLD, Policy, facts_of, gross_of, line_role, part_of, policy_of, post_tip, rate_of
from ml_connector.rules.mapping import Facts
from ml_connector.rules.matching import RefundedBefore, over_refund, paid_for
from ml_connector.rules.parties import Known, default_of
from ml_connector.rules.refunds import GivenBack, destination_of, given_back
from ml_connector.rules.sales import post_means, post_own_fee
from ml_connector.rules.texts import PAYMENT_TEXT, begun, clipped

Kind = Literal["customer_invoice", "credit_note"]


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
    write = _write(sheet, "credit_note", note, needs=(bill.key, *customer.needs))
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
    credit = _write(sheet, "credit_note", note, needs=(bill.key, *customer.needs))
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


def credit_note(
    sheet: Sheet, lines: Iterable[SaleLine], *, customer: Known, reference: str, text: str, policy: Policy,
    rounding: int = 0, applies_to: Number | None = None,
) -> CustomerInvoice | None:  # fmt: skip
    """A credit note of sale lines, on the day of the sheet; None when something is missing."""
    return _document(
        sheet,
        "credit_note",
        lines,
        customer=customer,
        reference=reference,
        text=text,
        policy=policy,
        rounding=rounding,
        applies_to=applies_to,
    )


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
    invoice = _document(
        sheet, "customer_invoice", sale.lines, customer=customer, reference=bill.number, due_on=bill.due_on,
        text=f"Invoice {bill.number}, order {sale.id}", policy=policy_of(sheet.books.terms, related),
        rounding=sale.rounding.minor + extra,
    )  # fmt: skip
    return _write(sheet, "customer_invoice", invoice, needs=customer.needs, why=customer)


def _document(
    sheet: Sheet, kind: Kind, lines: Iterable[SaleLine], *, customer: Known, reference: str, text: str, policy: Policy,
    rounding: int, due_on: date | None = None, applies_to: Number | None = None,
) -> CustomerInvoice | None:  # fmt: skip
    rows = [row for line in lines for row in invoice_rows(sheet, line, policy)]
    if rounding:
        rows.extend(plain_row(sheet, "rounding", rounding, "Rounding"))
    vat = sum(row.vat.minor for row in rows if row.vat is not None)
    if blocked(sheet.findings):
        return None
    if not rows:
        sheet.note(_nothing_to_invoice(sheet.record))
        return None
    booked = sheet.book_on(closing.CUSTOMER, vat=vat != 0)
    if booked is None:
        return None
    currency = sheet.currency
    return CustomerInvoice(
        kind=kind, customer=customer.number, day=booked, due_on=due_on, currency=currency, lines=tuple(rows),
        total=Money(sum(row.net.minor for row in rows) + vat, currency), vat_total=Money(vat, currency),
        reference=reference, source=sheet.key, text=clipped(text), applies_to=applies_to,
        tax_details=_tax_details(sheet, rows), branch=branch_of(sheet.books.terms, sheet.facts.location),
        event_day=sheet.day if booked != sheet.day else None,
    )  # fmt: skip


def invoice_rows(sheet: Sheet, line: SaleLine, policy: Policy) -> list[InvoiceLine]:
    """A sale line as an invoice line; without a VAT code of its own it gets the company's no-VAT code, always sent."""
    role, instead = line_role(sheet, line, policy)
    if role is None or not (line.net.minor or line.tax.minor):
        return []
    facts = replace(
        sheet.facts,
        type="refund" if sheet.facts.type == "refund" else "invoice",
        category=line.categories,
        article=line.names,
        vat_rate=rate_of(line),
    )
    place = sheet.place(role, facts, instead=instead)
    if place is None:
        return []
    code = place.choice.vat_code
    if code is None and line.tax.minor:
        sheet.missing(place.choice.role, "vat_code", facts)
        return []
    return _row(sheet, place, line.net, code=code, text=line.name, vat=line.tax if line.tax.minor else None, role=role)


def plain_row(sheet: Sheet, role: str, minor: int, text: str) -> list[InvoiceLine]:
    """An amount without VAT as an invoice line."""
    place = sheet.place(role, replace(sheet.facts, type=role))
    return _row(sheet, place, Money(minor, sheet.currency), code=None, text=text, vat=None, role=role) if place else []


def _row(
    sheet: Sheet, place: Place, net: Money, *, code: str | None, text: str, vat: Money | None, role: str
) -> list[InvoiceLine]:
    if code is None:
        code = sheet.books.mapper.choose("no_vat", sheet.facts).vat_code
    if code is None:
        sheet.missing("no_vat", "vat_code", sheet.facts)
        return []
    return [InvoiceLine(place.account, net, code, clipped(text), place.dimensions, vat, role)]


def _tax_details(sheet: Sheet, rows: list[InvoiceLine]) -> tuple[TaxDetail, ...]:
    """Base and VAT by VAT id, where rules name one for the rate.

    The source's own arithmetic, to be held against theirs.
    """
    sums: dict[str, tuple[int, int]] = {}
    for row in rows:
        number = _vat_id(sheet, row.vat_code) if row.vat is not None else None
        if number is not None and row.vat is not None:
            base, vat = sums.get(number, (0, 0))
            sums[number] = (base + row.net.minor, vat + row.vat.minor)
    return tuple(
        TaxDetail(number, Money(base, sheet.currency), Money(vat, sheet.currency))
        for number, (base, vat) in sums.items()
    )


def _vat_id(sheet: Sheet, code: str) -> str | None:
    """The VAT id that the ledger will take for a VAT code.

    None where the customer's zone would have to tell, and does not: then the ledger's own arithmetic is held against
    the source's total.
    """
    serving = [vat for vat in sheet.books.chart.vat_ids.values() if code in vat.categories]
    if len(serving) > 1:
        zone = default_of(sheet.books.terms, "customer", "vat_zone", sheet.facts.country or "")
        serving = [vat for vat in serving if zone in vat.zones]
    return serving[0].id if len(serving) == 1 else None


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
                f"{begun(sheet.record)} pays an invoice back to a gift card, which no payment of the ledger can "
                "do. "
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


def customer_money(
    sheet: Sheet, kind: Literal["payment", "prepayment", "refund"], means: str, amount: Money, *, customer: Known,
    applied: tuple[Application, ...], needs: tuple[str, ...], text: str,
) -> PlannedWrite | None:  # fmt: skip
    """A payment from or to the customer on the cash account of its means."""
    if amount.minor == 0:
        return None
    role = role_of(means)
    facts = sheet.facts.paid_by(method_of(means))
    place = sheet.place(role, facts) if role else None
    if place is None:
        return None
    if place.cash_account is None or place.choice.payment_method is None:
        sheet.missing(place.choice.role, "cash_account" if place.cash_account is None else "payment_method", facts)
        return None
    booked = sheet.book_on(closing.CUSTOMER_CASH, vat=False)
    if booked is None:
        return None
    content = CustomerPayment(
        kind=kind, customer=customer.number, day=booked, cash_account=place.cash_account,
        method=place.choice.payment_method, amount=amount, source=sheet.key, applications=applied,
        text=clipped(text, PAYMENT_TEXT), branch=branch_of(sheet.books.terms, sheet.facts.location),
        event_day=sheet.day if booked != sheet.day else None,
    )  # fmt: skip
    name = "customer_refund" if kind == "refund" else "customer_payment"
    sheet.explain("payment method", content.method, place.choice.reason("payment_method"))
    return PlannedWrite(sheet.key, name, content, needs=(*needs, *customer.needs), why=tuple(sheet.why.values()))


def _gift_card_part(
    sheet: Sheet, capture: Capture, *, bill: Bill, customer: Known, policy: Policy
) -> PlannedWrite | None:
    """A gift card pays by lowering what is owed to its holder: a credit note on the liability, without VAT."""
    line = SaleLine("gift-card", f"Gift card, payment {capture.id}", capture.amount, kind="gift_card")
    if policy.gift_cards == "single":
        sheet.note(
            Finding(
                "invoice-paid-by-voucher",
                f"{begun(sheet.record)} pays an invoice by single-purpose voucher, whose VAT was due when it "
                "was sold. "
                "Book it by hand and ignore it here.",
                "means",
            )
        )
        return None
    text = f"Gift card, payment {capture.id}"
    note = credit_note(
        sheet, [line], customer=customer, reference=capture.id, text=text, policy=policy, applies_to=Ref(bill.key)
    )
    return _write(sheet, "credit_note", note, needs=(bill.key, *customer.needs))


def _write(
    sheet: Sheet, kind: str, content: CustomerInvoice | None, *, needs: tuple[str, ...], why: Known | None = None
) -> PlannedWrite | None:
    if content is None or blocked(sheet.findings):
        return None
    reasons = (*((why.why,) if why else ()), *sheet.why.values())
    return PlannedWrite(sheet.key, kind, content, needs=needs, why=reasons)


def blocked(findings: Iterable[Finding]) -> bool:
    """Whether any of these stops the record."""
    return any(finding.blocks for finding in findings)


def _sheet(key: str, record: str, day: date, sale: Sale, books: Books) -> Sheet:
    facts = replace(facts_of(sale, "invoice"), status=sale.status or sale.state)
    return Sheet(key, record=record, day=day, facts=facts, books=books)


def _rounding_left(sale: Sale, paid: Money) -> int:
    return 0 if paid.minor else sale.rounding.minor


def _mix(record: str, given: GivenBack) -> Finding:
    parts = [f"{line.name}: {line.net} + VAT {line.tax}" for line in given.lines]
    return Finding(
        "refund-vat-mix",
        f"{begun(record)} gives back an amount without saying which goods. The proposal splits it by the VAT "
        "mix of "
        "the invoice. Approve it, or correct the refund in the source.",
        "vat",
        {"decision": "approve", "lines": parts},
    )


def _nothing_to_invoice(record: str) -> Finding:
    return Finding(
        "nothing-to-invoice",
        f"{begun(record)} has no line with an amount. Ignore it here, or correct its order.",
        "lines",
    )
