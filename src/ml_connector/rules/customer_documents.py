"""Documents of the ledger's customers: invoices and credit notes of sale lines, payments on a cash account."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Literal

from ml_connector.finance.documents import SaleLine
from ml_connector.finance.invoices import (
    Application,
    CustomerInvoice,
    CustomerPayment,
    InvoiceLine,
    Number,
    TaxDetail,
)
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Finding, PlannedWrite
from ml_connector.rules import closing
from ml_connector.rules.bookkeeping import Place, Sheet, branch_of, method_of, role_of
from ml_connector.rules.goods import Policy, line_role, rate_of
from ml_connector.rules.parties import Known, default_of
from ml_connector.rules.texts import PAYMENT_TEXT, begun, clipped

Kind = Literal["customer_invoice", "credit_note"]


def customer_document(
    sheet: Sheet, kind: Kind, lines: Iterable[SaleLine], *, customer: Known, reference: str, text: str, policy: Policy,
    rounding: int, due_on: date | None = None, applies_to: Number | None = None,
) -> CustomerInvoice | None:  # fmt: skip
    """Sale lines with their VAT as one document, on the day of the sheet; None when something is missing."""
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


def credit_note(
    sheet: Sheet, lines: Iterable[SaleLine], *, customer: Known, reference: str, text: str, policy: Policy,
    rounding: int = 0, applies_to: Number | None = None,
) -> CustomerInvoice | None:  # fmt: skip
    """A credit note of sale lines, as `customer_document`."""
    return customer_document(
        sheet, "credit_note", lines, customer=customer, reference=reference, text=text, policy=policy,
        rounding=rounding, applies_to=applies_to,
    )  # fmt: skip


def planned(
    sheet: Sheet, kind: str, content: CustomerInvoice | None, *, needs: tuple[str, ...], why: Known | None = None
) -> PlannedWrite | None:
    """The write of a document that nothing stands against. `why`: the choice of its customer is told too."""
    if content is None or blocked(sheet.findings):
        return None
    reasons = (*((why.why,) if why else ()), *sheet.why.values())
    return PlannedWrite(sheet.key, kind, content, needs=needs, why=reasons)


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


def blocked(findings: Iterable[Finding]) -> bool:
    """Whether any of these stops the record."""
    return any(finding.blocks for finding in findings)


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


def _nothing_to_invoice(record: str) -> Finding:
    return Finding(
        "nothing-to-invoice",
        f"{begun(record)} has no line with an amount. Ignore it here, or correct its order.",
        "lines",
    )
