"""A shop's order lines made ready for the books: gift cards told from discounts, untaxed lines never taken for granted.

A shop keeps gift cards as products, as negative fees or as coupons; a line without any tax may be export, exempt, or an
error of its settings. Neither is guessed: the route's words, a rule or a person says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ml_connector.finance.documents import Coupon, Sale, SaleLine
from ml_connector.finance.plan import Finding, Related
from ml_connector.finance.rulebook import Rule, Terms
from ml_connector.rules.findings import approved, decided
from ml_connector.rules.goods import ROLES, facts_of, policy_of, rate_of
from ml_connector.rules.mapping import Choice, Facts, Mapper, matches
from ml_connector.rules.rulefile import rule_toml
from ml_connector.rules.texts import begun

_TAXABLE = frozenset({"goods", "custom", "shipping", "fee"})
_UNTAXED = "discount-or-gift-card"


def recognised(lines: Iterable[SaleLine], terms: Terms, related: Related) -> tuple[SaleLine, ...]:
    """The lines with gift cards marked as such, by the route's words or by what a person said of this record."""
    all_lines = tuple(lines)
    if decided(related, _UNTAXED) == "gift_card":
        doubtful = {line.uid for line in _doubtful(all_lines, terms)}
        all_lines = tuple(replace(line, kind="gift_card") if line.uid in doubtful else line for line in all_lines)
    return tuple(replace(line, kind="gift_card") if _is_gift_card(line, terms) else line for line in all_lines)


def against_lines(sale: Sale, terms: Terms, related: Related, mapper: Mapper) -> tuple[Finding, ...]:
    """What stands against booking an order's recognised lines as they are."""
    record = f"order {sale.reference or sale.id}"
    found = [*_against_gift_cards(sale, terms, related, record), *_untreated(sale, mapper, record)]
    doubt = untaxed_reduction(sale.lines, record, terms, related)
    return (*found, doubt) if doubt is not None else tuple(found)


def untaxed_reduction(lines: tuple[SaleLine, ...], record: str, terms: Terms, related: Related) -> Finding | None:
    """Recognised lines that are lowered by an amount of which nobody knows what it is."""
    if not _doubtful(lines, terms) or decided(related, _UNTAXED) == "discount":
        return None
    return Finding(
        _UNTAXED,
        f"{begun(record)} is lowered by an amount without VAT, and its goods carry VAT: a gift card that was "
        "used, or a discount that the shop did not tax. Answer gift_card or discount; the route's gift card words "
        "answer for good.",
        "lines",
        {"choices": ["gift_card", "discount"]},
    )


def _is_gift_card(line: SaleLine, terms: Terms) -> bool:
    if line.kind not in {"goods", "custom", "fee", "discount"}:
        return False
    return _named((line.name, line.article or ""), terms)


def _named(texts: Iterable[str], terms: Terms) -> bool:
    words = [word.strip().casefold() for word in terms.gift_card_words]
    return any(word and word in text.casefold() for word in words for text in texts)


def _doubtful(lines: tuple[SaleLine, ...], terms: Terms) -> list[SaleLine]:
    """Reductions without tax of goods with tax: a discount would have lowered the tax as well."""
    if not any(line.tax.minor for line in lines):
        return []
    return [
        line for line in lines
        if line.kind == "discount" and line.net.minor < 0 and not _is_taxed(line) and not _is_gift_card(line, terms)
    ]  # fmt: skip


def _is_taxed(line: SaleLine) -> bool:
    """A few cents carry a rate and no cent of tax."""
    return any(share.rate or share.amount for share in line.taxes)


def _against_gift_cards(sale: Sale, terms: Terms, related: Related, record: str) -> list[Finding]:
    found = []
    used = any(line.kind == "gift_card" and line.net.minor < 0 for line in sale.lines)
    if used and policy_of(terms, related).gift_cards == "single":
        found.append(Finding(
            "invoice-paid-by-voucher",
            f"{begun(record)} is paid by single-purpose voucher, whose VAT was due when it was sold. "
            "Book it by hand and ignore it here.", "gift_cards",
        ))  # fmt: skip
    if not approved(related, "gift-card-as-coupon"):
        cards = (coupon for coupon in sale.coupons if _named((coupon.code, coupon.type), terms))
        found.extend(_as_coupon(coupon, record) for coupon in cards)
    return found


def _as_coupon(coupon: Coupon, record: str) -> Finding:
    return Finding(
        "gift-card-as-coupon",
        f"In {record} gift card {coupon.code} of {coupon.net + coupon.tax} counts as a coupon: it lowered sales and "
        "VAT by itself, although a card is money. Approve to book it as the discount that the shop states, or book the "
        "order by hand and ignore it here.",
        "coupons",
        {"decision": "approve", "net": str(coupon.net), "vat": str(coupon.tax)},
    )


def _untreated(sale: Sale, mapper: Mapper, record: str) -> list[Finding]:
    """Lines without any tax of which no rule says, by country, buyer or article, what they are."""
    facts = facts_of(sale, "invoice")
    found: dict[str, Finding] = {}
    for line in sale.lines:
        if line.kind not in _TAXABLE or line.taxes or not line.net.minor:
            continue
        role, instead = ROLES[line.kind]
        asked = replace(facts, vat_rate=rate_of(line), article=line.names, category=line.categories)
        choice = mapper.choose(role, asked)
        if choice.account is None and instead is not None:
            choice = mapper.choose(instead, asked)
        if choice.account is None or _is_said(mapper, (role, instead or role, "no_vat"), asked):
            continue
        found.setdefault(choice.role, _treatment_unsaid(choice, asked, line=line, record=record))
    return list(found.values())


def _is_said(mapper: Mapper, roles: Iterable[str], facts: Facts) -> bool:
    return any(
        (rule.when.country or rule.when.customer_group or rule.when.article or rule.when.category)
        and matches(rule.when, facts)
        for role in roles
        for rule in mapper.rules_for(role)
    )


def _treatment_unsaid(choice: Choice, facts: Facts, *, line: SaleLine, record: str) -> Finding:
    """The proposal says for this country and kind of buyer what the general rule would have chosen."""
    place = "-".join(part for part in (facts.country, facts.customer_group) if part)
    said = {"country": (facts.country,) if facts.country else (), "vat_rate": (facts.vat_rate,)}
    group = (facts.customer_group,) if facts.customer_group else ()
    rule = Rule(
        f"{choice.role}-untaxed-{place}".casefold(), (choice.role,), account=choice.account, vat_code=choice.vat_code
    )
    when = replace(rule.when, customer_group=group, **said)  # type: ignore[arg-type]
    return Finding(
        "mapping-missing",
        f"{begun(record)} has {line.name} without any tax, sold to {facts.country or 'no country'} "
        f"({facts.customer_group or 'buyer unknown'}). No rule says by country, customer group or article whether that "
        "is export, a sale to a business abroad, or exempt. Accept the proposed rule, or correct the shop's taxes.",
        f"{choice.role}.country",
        {"rule": rule_toml(replace(rule, when=when)), "role": choice.role, "field": "country"},
    )
