"""Sale lines on a sheet: which role each kind of line has, its VAT, and shares of lines for partial refunds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from ml_connector.finance.documents import Sale, SaleLine, TaxShare
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Finding, Related
from ml_connector.finance.rulebook import Terms
from ml_connector.rules.bookkeeping import Sheet
from ml_connector.rules.findings import decided
from ml_connector.rules.mapping import Facts

SOLD = -1  # a sale credits its lines
RETURNED = 1  # a return debits them

ROLES: dict[str, tuple[str, str | None]] = {
    "goods": ("sales", None),
    "custom": ("sales", None),
    "fee": ("service_charge", "sales"),
    "service_charge": ("service_charge", "sales"),
    "auto_gratuity": ("service_charge", "sales"),
    "shipping": ("shipping", "sales"),
    "discount": ("discount", "sales"),
    "gift_card": ("gift_cards", None),
}
"""Role by kind of line, and the role asked when no rule speaks of the first."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What a person has said about things only a person knows; None: not said yet."""

    gift_cards: Literal["multi", "single"] | None
    gratuity_taxed: bool | None
    tips_are: Literal["liability", "sales"]


def policy_of(terms: Terms, related: Related) -> Policy:
    """The route's terms, or what was decided for this very record."""
    kind = decided(related, "gift-card-kind")
    gratuity = decided(related, "gratuity-policy")
    return Policy(
        gift_cards="multi" if kind == "multi" else "single" if kind == "single" else terms.gift_cards,
        gratuity_taxed=gratuity == "taxed" if gratuity in {"taxed", "untaxed"} else terms.gratuity_taxed,
        tips_are=terms.tips_are,
    )


def facts_of(sale: Sale, type_: str) -> Facts:
    """What a sale tells about each of its lines. `customer_group`: vat_number, company or consumer, by its buyer."""
    buyer = sale.buyer
    group = None
    if buyer is not None:
        group = "vat_number" if buyer.vat_number else "company" if buyer.is_company else "consumer"
    return Facts(
        location=sale.location, method=sale.payment_method or None, type=type_, currency=sale.currency,
        country=sale.country or None, customer_group=group, status=sale.status or None,
    )  # fmt: skip


def rate_of(line: SaleLine) -> Decimal | None:
    """The line's whole VAT rate in percent: 0 without tax, None when the source gives only amounts."""
    if not line.taxes:
        return _NO_VAT
    if len(line.taxes) == 1:
        return line.taxes[0].rate
    rates = [share.rate for share in line.taxes]
    return None if None in rates else sum((rate for rate in rates if rate is not None), Decimal(0))


def post_lines(
    sheet: Sheet, lines: Iterable[SaleLine], *, sign: int, policy: Policy, taxed_before: tuple[int, int] = (0, 1)
) -> int:
    """Post lines (sign SOLD or RETURNED) and their VAT.

    `taxed_before` = (paid by single-purpose voucher, paid otherwise): the voucher's part was taxed when it was sold, so
    its VAT is left out here. Returns the VAT left out, in minor units, without sign of the posting.
    """
    facts = sheet.facts.of(type_="sale" if sign == SOLD else "refund")
    left_out = 0
    for line in lines:
        role, instead = line_role(sheet, line, policy)
        if role is None:
            continue
        if role == "gift_cards":
            _post_gift_card(sheet, line, sign=sign, facts=facts)
        elif line.kind == "auto_gratuity" and not policy.gratuity_taxed:
            post_tip(sheet, line.net.minor, sign=sign, policy=policy)
        else:
            left_out += _post_line(sheet, line, role, instead, sign=sign, facts=facts, taxed_before=taxed_before)
    return left_out


def line_role(sheet: Sheet, line: SaleLine, policy: Policy) -> tuple[str | None, str | None]:
    """The role of a line, and the one asked when no rule speaks of it. (None, None): a finding was noted."""
    against = None
    if line.kind == "gift_card":
        against = _gift_card_against(sheet, line, policy)
    elif line.kind == "auto_gratuity":
        against = _gratuity_against(sheet, line, policy)
        if against is None and not policy.gratuity_taxed:
            return tip_role(policy), None
    if against is not None:
        sheet.note(against)
        return None, None
    return ROLES[line.kind]


def tip_role(policy: Policy) -> str:
    """Tips are owed to the staff until payroll, or sales where the company keeps them."""
    return "tips" if policy.tips_are == "liability" else "sales"


def post_tip(sheet: Sheet, minor: int, *, sign: int, policy: Policy) -> None:
    """A tip carries no VAT."""
    if not minor:
        return
    role = tip_role(policy)
    place = sheet.place(role, replace(sheet.facts, type="tip", vat_rate=_NO_VAT))
    if place is not None:
        sheet.put(role, place, sign * minor)


def post_rounding(sheet: Sheet, minor: int) -> None:
    """Rounding of cash or of shares: own account, no VAT code. Positive is debit."""
    if minor:
        sheet.post("rounding", minor, facts=sheet.facts.of(type_="rounding"))


def gross_of(lines: Iterable[SaleLine]) -> int:
    """What lines come to with tax, in minor units."""
    return sum(line.net.minor + sum(share.amount.minor for share in line.taxes) for line in lines)


def share(parts: Sequence[int], amount: int, whole: int) -> list[int]:
    """`amount` of `whole` spread over `parts` (which sum to `whole`), largest remainders first: nothing is lost."""
    if whole == 0:
        return [0 for _ in parts]
    rough = [divmod(part * amount, whole) for part in parts]
    spread = [quotient for quotient, _ in rough]
    order = sorted(range(len(parts)), key=lambda place: (-abs(rough[place][1]), place))
    for place in order[: amount - sum(spread)]:
        spread[place] += 1
    return spread


def part_of(lines: Sequence[SaleLine], amount: int) -> tuple[SaleLine, ...]:
    """The lines shrunk to `amount` (gross, minor units) in the proportion of their mix of rates."""
    alike = _merged(lines)
    grosses = [gross_of([line]) for line in alike]
    return tuple(
        _shrunk(line, part, gross)
        for line, part, gross in zip(alike, share(grosses, amount, sum(grosses)), grosses, strict=True)
        if part
    )


_NO_VAT = Decimal(0)


def _post_line(
    sheet: Sheet,
    line: SaleLine,
    role: str,
    instead: str | None,
    *,
    sign: int,
    facts: Facts,
    taxed_before: tuple[int, int],
) -> int:
    rate, mapper = rate_of(line), sheet.books.mapper
    categories, names = (line.categories, line.names) if mapper.asks_articles else ((), ())
    asked = Facts(
        facts.location, facts.method, facts.type, facts.currency, facts.country, categories, names,
        facts.customer_group, facts.status, rate, line.net.decimal().copy_abs() if mapper.asks_amount(role) else None,
    )  # fmt: skip
    place = sheet.place(role, asked, instead=instead)
    if place is None:
        return 0
    code = place.choice.vat_code
    voucher, otherwise = taxed_before
    if voucher == 0:
        sheet.put(role, place, sign * line.net.minor, vat_code=code, vat_rate=rate if code is not None else None)
        _post_vat(sheet, line.taxes, sign=sign, facts=asked, code=code)
        return 0
    before, now = (amount.minor for amount in line.net.split((voucher, otherwise)))
    sheet.put(role, place, sign * before)
    sheet.put(role, place, sign * now, vat_code=code, vat_rate=rate if code is not None else None)
    halves = [(one, one.amount.split((voucher, otherwise))) for one in line.taxes]
    _post_vat(sheet, [replace(one, amount=half[1]) for one, half in halves], sign=sign, facts=asked, code=code)
    return sum(half[0].minor for _, half in halves)


def _post_vat(sheet: Sheet, taxes: Iterable[TaxShare], *, sign: int, facts: Facts, code: str | None) -> None:
    for one in taxes:
        asked = facts if one.rate == facts.vat_rate else replace(facts, vat_rate=one.rate)
        sheet.post_vat(sign * one.amount.minor, facts=asked, net_code=code)


def _gift_card_against(sheet: Sheet, line: SaleLine, policy: Policy) -> Finding | None:
    """What stands against booking a gift card line."""
    taxed = line.tax.minor != 0
    if policy.gift_cards is None:
        return gift_card_kind_unset(sheet.record)
    if policy.gift_cards == "multi" and taxed:
        what = "is multi-purpose, yet the source puts VAT on its sale"
        return _gift_card_finding("gift-card-taxed", sheet.record, what)
    if policy.gift_cards == "single" and not taxed:
        what = "is single-purpose, yet the source puts no VAT on its sale"
        return _gift_card_finding("gift-card-untaxed", sheet.record, what)
    return None


def _post_gift_card(sheet: Sheet, line: SaleLine, *, sign: int, facts: Facts) -> None:
    """A card sold is a debt to its holder. Single-purpose: the VAT is due at once; multi-purpose: when it is used."""
    asked = replace(facts, type="gift_card", vat_rate=rate_of(line))
    taxed = line.tax.minor != 0
    place = sheet.place("gift_cards", asked)
    if place is None:
        return
    code = place.choice.vat_code if taxed else None
    if taxed and code is None:
        code = sheet.books.mapper.choose("sales", replace(asked, type=facts.type)).vat_code
    sheet.put("gift_cards", place, sign * line.net.minor, vat_code=code, vat_rate=asked.vat_rate if code else None)
    _post_vat(sheet, line.taxes, sign=sign, facts=asked, code=code)


def gift_card_kind_unset(record: str) -> Finding:
    """Nobody has said whether gift cards are taxed when sold or when used."""
    return Finding(
        "gift-card-kind",
        f"{record} sells or takes a gift card, and nobody has said whether cards are multi-purpose (taxed when used) "
        "or "
        "single-purpose (taxed when sold). Answer multi or single here, or set it for the route.",
        "gift_cards",
        {"choices": ["multi", "single"]},
    )


def _gift_card_finding(code: str, record: str, what: str) -> Finding:
    return Finding(
        code,
        f"A gift card in {record} {what}. Correct the tax of the card in the source or the kind of card here.",
        "gift_cards",
        {"choices": ["multi", "single"]},
    )


def _gratuity_against(sheet: Sheet, line: SaleLine, policy: Policy) -> Finding | None:
    if policy.gratuity_taxed is None:
        what = "and nobody has said whether it is taxed. Answer taxed or untaxed here, or set it for the route."
        return Finding(
            "gratuity-policy",
            f"{sheet.record} has an automatic gratuity, {what}",
            "gratuity",
            {"choices": ["taxed", "untaxed"]},
        )
    if policy.gratuity_taxed == bool(line.tax.minor):
        return None
    has, said = ("VAT", "untaxed") if line.tax.minor else ("no VAT", "taxed")
    return Finding(
        "gratuity-tax-differs",
        f"The automatic gratuity of {sheet.record} has {has} at the source, and the route says it is {said}. "
        "Correct the tax in the source, or answer for this record.",
        "gratuity",
        {"choices": ["taxed", "untaxed"]},
    )


def _merged(lines: Sequence[SaleLine]) -> tuple[SaleLine, ...]:
    """Lines that are booked alike, put together, so that shares round once for each VAT rate and not once a line."""
    alike: dict[tuple[object, ...], SaleLine] = {}
    for line in lines:
        mark = (line.kind, line.categories, line.names, tuple(one.rate for one in line.taxes))
        first = alike.get(mark)
        if first is None:
            alike[mark] = line
            continue
        taxes = tuple(
            replace(one, amount=one.amount + other.amount) for one, other in zip(first.taxes, line.taxes, strict=True)
        )
        alike[mark] = replace(first, net=first.net + line.net, taxes=taxes)
    return tuple(alike.values())


def _shrunk(line: SaleLine, part: int, gross: int) -> SaleLine:
    if part == gross:
        return line
    currency = line.net.currency
    net, *taxes = share([line.net.minor, *(one.amount.minor for one in line.taxes)], part, gross)
    halves = zip(line.taxes, taxes, strict=True)
    return replace(
        line, net=Money(net, currency), taxes=tuple(replace(one, amount=Money(tax, currency)) for one, tax in halves)
    )
