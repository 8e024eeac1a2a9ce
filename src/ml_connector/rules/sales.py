"""The recipe of a sale: one entry for an order, each payment a debit by its means, lines and VAT credited.

Dr clearing, till, gift cards, external (per payment, tip included); Cr sales, VAT, tips, gift cards sold; rounding
between.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from ml_connector.finance.documents import Capture, Sale, SaleReturn, Tender
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Finding, Plan, Related
from ml_connector.rules.bookkeeping import Books, Sheet, method_of, role_of
from ml_connector.rules.findings import approved, differs
from ml_connector.rules.goods import (
    RETURNED,
    SOLD,
    Policy,
    facts_of,
    gift_card_kind_unset,
    gross_of,
    policy_of,
    post_lines,
    post_rounding,
    post_tip,
)


def plan_sale(
    sale: Sale, captures: Mapping[str, Capture], *, key: str, day: date, books: Books, related: Related
) -> Plan:
    """One balanced journal for a completed order. `captures` by payment id tell the exact means and own fees.

    The answer rests on the order and its payments alone, so every payment of the order plans the very same write.
    """
    record = f"order {sale.id}"
    facts = replace(facts_of(sale, "sale"), status=sale.status or sale.state)
    sheet = Sheet(key, record=record, day=day, facts=facts, books=books)
    sheet.note(*check_totals(sale, tolerance=books.terms.tolerance_minor))
    policy = policy_of(books.terms, related)
    tenders = [exact_tender(tender, captures) for tender in sale.tenders]
    voucher = _paid_by_voucher(tenders, policy)
    untaxed = post_lines(
        sheet, sale.lines, sign=SOLD, policy=policy, taxed_before=(voucher, _paid_otherwise(tenders, voucher))
    )
    post_tip(sheet, sale.tip.minor, sign=SOLD, policy=policy)
    post_rounding(sheet, -sale.rounding.minor)
    for back in sale.returns:
        post_return(sheet, back, policy=policy, related=related)
    for tender in tenders:
        capture = captures.get(tender.payment_id)
        fee = capture.own_fee if capture else None
        less = min(untaxed, tender.amount.minor) if tender.means == "gift_card" else 0
        untaxed -= less
        post_means(sheet, tender.means, tender.amount.minor - less, policy=policy)
        post_own_fee(sheet, tender.means, fee)
    close_small_difference(sheet)
    write = sheet.write(f"Sale {sale.id}{_place_name(books, sale.location)}")
    return Plan((write,) if write else (), tuple(sheet.findings))


def check_totals(sale: Sale, *, tolerance: int) -> list[Finding]:
    """The source's totals against its parts: lines to the total, payments to what was due."""
    found = []
    parts = gross_of(sale.lines) + sale.tip.minor + sale.rounding.minor
    record = f"order {sale.id}"
    fix = "Read the order again; if it stays, book it by hand and ignore it here."
    if abs(parts - sale.total.minor) > tolerance:
        found.append(
            differs(
                "total-differs",
                "The total",
                stated=sale.total,
                found=Money(parts, sale.currency),
                record=record,
                fix=fix,
            )
        )
    due = sale.total.minor - sum(returned_total(back) for back in sale.returns)
    paid = sum(tender.amount.minor for tender in sale.tenders)
    if abs(paid - due) > tolerance:
        stated, sum_paid = Money(due, sale.currency), Money(paid, sale.currency)
        found.append(
            differs("payments-differ", "The amount due", stated=stated, found=sum_paid, record=record, fix=fix)
        )
    return found


def returned_total(back: SaleReturn) -> int:
    """What came back in one return, in minor units, without sign."""
    return gross_of(back.lines) + back.tip.minor + back.rounding.minor


def exact_tender(tender: Tender, captures: Mapping[str, Capture]) -> Tender:
    """The tender with the means its payment states: an order says only "other" for an external payment."""
    capture = captures.get(tender.payment_id)
    return tender if capture is None or capture.means == tender.means else replace(tender, means=capture.means)


def post_means(sheet: Sheet, means: str, minor: int, *, policy: Policy) -> None:
    """Debit (positive) or credit the place where money of this means waits."""
    if minor == 0:
        return
    role = role_of(means)
    if role is None:
        sheet.note(
            Finding(
                "means-unknown",
                f"{sheet.record} was paid by {means}, a means we do not know. Report it; book the record by hand "
                "meanwhile.",
                "means",
            )
        )
        return
    if role == "gift_cards" and policy.gift_cards is None:
        sheet.note(gift_card_kind_unset(sheet.record))
        return
    sheet.post(role, minor, facts=sheet.facts.paid_by(method_of(means)))


def post_own_fee(sheet: Sheet, means: str, fee: Money | None) -> None:
    """The fee of a payment outside the processor lowers what its own clearing account gets."""
    if fee is None or fee.minor == 0 or role_of(means) != "external":
        return
    role = fee_role(sheet)
    if role is None:
        return
    sheet.post(role, fee.minor, facts=replace(sheet.facts, method=means, type="fee"))
    sheet.post("external", -fee.minor, facts=replace(sheet.facts, method=means))


def fee_role(sheet: Sheet) -> str | None:
    """Where processor fees go: cost when exempt, settled by the monthly invoice when it carries VAT; unset is held."""
    policy = sheet.books.terms.fee_vat
    if policy is None:
        sheet.note(
            Finding(
                "fee-vat-unset",
                f"{sheet.record} has a processor fee, and nobody has said whether such fees are exempt from VAT or "
                "under "
                "reverse charge. Set the fee VAT of the route; your accountant or the processor's invoice tells which.",
                "fee_vat",
                {"choices": ["exempt", "reverse_charge"]},
            )
        )
        return None
    return "fee" if policy == "exempt" else "fee_settlement"


def post_return(sheet: Sheet, back: SaleReturn, *, policy: Policy, related: Related) -> None:
    """Goods that came back inside an order: its lines on the other side."""
    if back.sale_id is None and not approved(related, "refund-unlinked"):
        sheet.note(unlinked(sheet.record))
    if not back.itemized and not approved(related, "refund-vat-mix"):
        sheet.note(
            Finding(
                "refund-vat-mix",
                f"{sheet.record} takes back an amount without saying its VAT. Approve to book it as the source states "
                "it.",
                "vat",
                {"decision": "approve"},
            )
        )
    post_lines(sheet, back.lines, sign=RETURNED, policy=policy)
    post_tip(sheet, back.tip.minor, sign=RETURNED, policy=policy)
    post_rounding(sheet, back.rounding.minor)


def unlinked(record: str) -> Finding:
    """A refund that names no sale."""
    return Finding(
        "refund-unlinked",
        f"{record} names no sale that it takes back. Approve to book its own lines, answer suspense to park it, or "
        "ignore it.",
        "payment",
        {"choices": ["approve", "suspense"]},
    )


def close_small_difference(sheet: Sheet) -> None:
    """Put what is missing for balance, within the tolerance, on the rounding account."""
    off = sheet.off
    if off and abs(off) <= sheet.books.terms.tolerance_minor:
        sheet.explain(
            "rounding", str(Money(off, sheet.currency)), "the source's parts differ from its total within the tolerance"
        )
        post_rounding(sheet, -off)


def _paid_by_voucher(tenders: list[Tender], policy: Policy) -> int:
    if policy.gift_cards != "single":
        return 0
    return sum(tender.amount.minor - tender.tip.minor for tender in tenders if tender.means == "gift_card")


def _paid_otherwise(tenders: list[Tender], voucher: int) -> int:
    return sum(tender.amount.minor - tender.tip.minor for tender in tenders) - voucher


def _place_name(books: Books, location: str | None) -> str:
    here = books.terms.locations.get(location or "")
    return f", {here.name}" if here is not None and here.name else ""
