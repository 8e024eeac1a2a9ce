"""The recipe of a refund: what came back is taken off sales and VAT, money leaves by its destination.

Itemized refunds say their lines. An amount alone takes the VAT by the sale's mix and waits for a person; one that names
no sale waits too. More than was paid is never booked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from ml_connector.finance.documents import Capture, Refund, Sale, SaleLine
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Finding, Plan, PlannedWrite, Related
from ml_connector.rules.bookkeeping import Books, Sheet, role_of
from ml_connector.rules.findings import approved, decided, differs
from ml_connector.rules.goods import (
    RETURNED,
    SOLD,
    facts_of,
    gross_of,
    part_of,
    policy_of,
    post_lines,
    post_rounding,
    post_tip,
    share,
)
from ml_connector.rules.mapping import Facts
from ml_connector.rules.matching import RefundedBefore, over_refund, paid_for
from ml_connector.rules.sales import close_small_difference, post_means, returned_total, unlinked
from ml_connector.rules.texts import begun


@dataclass(frozen=True, slots=True)
class GivenBack:
    """What a refund takes back: lines, tip and rounding with positive amounts; `taken` are new goods of an exchange.

    `mixed`: the source gave only an amount, the VAT is our proposal. Amounts in minor units.
    """

    lines: tuple[SaleLine, ...]
    tip: int = 0
    rounding: int = 0
    taken: tuple[SaleLine, ...] = ()
    mixed: bool = False
    finding: Finding | None = None


def plan_refund(
    refund: Refund, *, capture: Capture | None, sale: Sale | None, back: Sale | None, before: RefundedBefore,
    key: str, day: date, books: Books, related: Related,
) -> Plan:  # fmt: skip
    """One journal for a refund.

    `back` is the order that holds the returned lines, `before` what was refunded earlier.
    """
    record = f"refund {refund.id}"
    location = refund.location or (sale.location if sale else None)
    facts = facts_of(sale, "refund") if sale is not None else Facts(type="refund")
    facts = replace(facts, location=location, currency=refund.amount.currency)
    sheet = Sheet(key, record=record, day=day, facts=facts, books=books)
    answers = {decided(related, code) for code in ("refund-unlinked", "refund-without-lines")}
    if refund.payment_id is None and "suspense" in answers:
        return _parked(sheet, refund, related)
    if refund.payment_id is None and not approved(related, "refund-unlinked"):
        return Plan((), (unlinked(record),))
    if capture is not None:
        sheet.note(over_refund(capture, refund, before=before, paid=paid_for(capture, sale)))
    given = given_back(refund, sale=sale, back=back)
    sheet.note(given.finding)
    _post_given(sheet, given, refund=refund, capture=capture, related=related)
    close_small_difference(sheet)
    write = sheet.write(f"Refund {refund.id}{f' of payment {refund.payment_id}' if refund.payment_id else ''}")
    if write is not None and given.mixed and not approved(related, "refund-vat-mix"):
        sheet.note(vat_mix(record, write))
    return Plan((write,) if write else (), tuple(sheet.findings))


def given_back(refund: Refund, *, sale: Sale | None, back: Sale | None) -> GivenBack:
    """The lines behind a refund, from the return order where it says them, else from the sale's mix."""
    amount = refund.amount.minor
    returns = back.returns if back is not None else ()
    if back is not None and returns and all(one.itemized for one in returns):
        return _itemized(refund, back, amount)
    if sale is not None:
        return _by_mix(refund, sale, amount)
    lines = tuple(line for one in returns for line in one.lines)
    if not lines:
        return GivenBack((), finding=Finding(
            "refund-without-lines",
            f"Refund {refund.id} says neither what came back nor which sale it belongs to. Answer suspense to park it, "
            "or book it by hand and ignore it here.",
            "lines",
        ))  # fmt: skip
    return GivenBack(lines, mixed=True)


def vat_mix(record: str, write: PlannedWrite) -> Finding:
    """Ask whether VAT by the sale's mix is right, showing the entry it would make."""
    postings = getattr(write.content, "postings", ())
    lines = [f"{'Dr' if line.amount.minor > 0 else 'Cr'} {line.account} {abs(line.amount)}" for line in postings]
    return Finding(
        "refund-vat-mix",
        f"{begun(record)} gives back an amount without saying which goods. The proposal splits it by the VAT "
        "mix of "
        "the sale. Approve it, or correct the refund in the source.",
        "vat",
        {"decision": "approve", "entry": lines},
    )


def destination_of(refund: Refund, capture: Capture | None) -> str:
    """How the money goes back: as the source says, else the way it came."""
    if refund.means is not None:
        return refund.means
    return capture.means if capture is not None else "card"


def _itemized(refund: Refund, back: Sale, amount: int) -> GivenBack:
    lines = tuple(line for one in back.returns for line in one.lines)
    tip = sum(one.tip.minor for one in back.returns)
    rounding = sum(one.rounding.minor for one in back.returns)
    came_back = sum(returned_total(one) for one in back.returns)
    taken = gross_of(back.lines) + back.tip.minor + back.rounding.minor
    if taken or back.lines:
        whole = GivenBack(lines, tip - back.tip.minor, rounding - back.rounding.minor, taken=back.lines)
        # Payments and a refund in one exchange cannot be told apart by amount: the order's own journal has the lines.
        if back.tenders or came_back - taken != amount:
            return replace(whole, finding=_differs(refund, came_back - taken))
        return whole
    if came_back == amount:
        return GivenBack(lines, tip, rounding)
    if came_back < amount:
        return GivenBack(lines, tip, rounding, finding=_differs(refund, came_back))
    # The return was paid back by several refunds (a split payment): each takes its share of the lines.
    of_lines, of_tip, of_rounding = share([gross_of(lines), tip, rounding], amount, came_back)
    return GivenBack(part_of(lines, of_lines), of_tip, of_rounding)


def _by_mix(refund: Refund, sale: Sale, amount: int) -> GivenBack:
    if amount == sale.total.minor:
        return GivenBack(sale.lines, sale.tip.minor, sale.rounding.minor, mixed=True)
    goods = gross_of(sale.lines)
    if amount <= goods:
        return GivenBack(part_of(sale.lines, amount), mixed=True)
    tip = min(amount - goods, sale.tip.minor)
    rest = amount - goods - tip
    if rest > max(sale.rounding.minor, 0):
        return GivenBack(sale.lines, tip, rest, mixed=True, finding=_differs(refund, sale.total.minor))
    return GivenBack(sale.lines, tip, rest, mixed=True)


def _differs(refund: Refund, found: int) -> Finding:
    return differs(
        "refund-differs",
        "The amount",
        stated=refund.amount,
        found=Money(found, refund.amount.currency),
        record=f"refund {refund.id}",
        fix="Read the return order again; if it stays, book it by hand and ignore it here.",
    )


def _post_given(sheet: Sheet, given: GivenBack, *, refund: Refund, capture: Capture | None, related: Related) -> None:
    policy = policy_of(sheet.books.terms, related)
    means = destination_of(refund, capture)
    to_voucher = policy.gift_cards == "single" and role_of(means) == "gift_cards"
    taxed_before = (refund.amount.minor, 0) if to_voucher else (0, 1)
    untaxed = post_lines(sheet, given.lines, sign=RETURNED, policy=policy, taxed_before=taxed_before)
    untaxed -= post_lines(sheet, given.taken, sign=SOLD, policy=policy, taxed_before=taxed_before)
    post_tip(sheet, given.tip, sign=RETURNED, policy=policy)
    post_rounding(sheet, given.rounding)
    post_means(sheet, means, untaxed - refund.amount.minor, policy=policy)


def _parked(sheet: Sheet, refund: Refund, related: Related) -> Plan:
    sheet.explain("suspense", str(refund.amount), "a person chose to park a refund that names no sale")
    sheet.post("suspense", refund.amount.minor)
    post_means(sheet, destination_of(refund, None), -refund.amount.minor, policy=policy_of(sheet.books.terms, related))
    write = sheet.write(f"Refund {refund.id}, parked")
    return Plan((write,) if write else (), tuple(sheet.findings))
