"""Lines of orders and refunds: net and tax of each rate, exact, from amounts that carry more decimals. Pure.

WooCommerce states every line without tax, after coupons, whatever `prices_include_tax` says; `price` is a rounded unit
price and is never used. A fee may carry several rates at once, each on its own part: it becomes one line for each rate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from ml_connector.connectors.woocommerce.amounts import apportion, rounded, scaled
from ml_connector.connectors.woocommerce.fields import ZERO, Fields, id_of, plain
from ml_connector.finance.documents import SaleLine, TaxShare
from ml_connector.finance.money import Money

Kind = Literal["goods", "shipping", "fee", "discount"]
ONE_MINOR = Decimal(1)
HUNDRED = Decimal(100)
HALF = Decimal("0.5")
MICRO = Decimal("0.000001")
MAX_RATE = Decimal(1000)


@dataclass(frozen=True, slots=True)
class Rate:
    """One tax of an order: its percentage (None: the order does not say), its label, whether it taxes other taxes."""

    percent: Decimal | None
    name: str = ""
    compound: bool = False


@dataclass(frozen=True, slots=True)
class RawLine:
    """A line before rounding: amounts in minor units with all their decimals; `taxes` by rate."""

    uid: str
    name: str
    kind: Kind
    net: Decimal
    taxes: tuple[tuple[Rate, Decimal], ...]
    quantity: Decimal
    article: str | None
    listed: str | None = None


def rates_of(owner: Fields, before: Mapping[str, Rate] | None = None) -> dict[str, Rate]:
    """Rate id -> rate, from `tax_lines`: a rate that the shop has deleted since is still told there."""
    found = dict(before or {})
    for line in owner.parts("tax_lines"):
        rate_id = line.id_or_none("rate_id")
        if rate_id is None:
            continue
        percent = line.number_or_none("rate_percent")
        if percent is not None and not 0 <= percent <= MAX_RATE:
            line.fail("rate_percent", "is no percentage")
        name = plain(line.text("label") or line.text("rate_code"))
        if percent is not None or rate_id not in found:
            found[rate_id] = Rate(percent, name, bool(line.flag_or_none("compound")))
    return found


def raw_lines(owner: Fields, currency: str, rates: Mapping[str, Rate], *, sign: int = 1) -> list[RawLine]:
    """All lines of an order (`sign` 1) or, with amounts turned positive, of a refund (-1). Empty lines are left out."""
    found: list[RawLine] = []
    kinds: tuple[tuple[str, Kind], ...] = (
        ("line_items", "goods"),
        ("shipping_lines", "shipping"),
        ("fee_lines", "fee"),
    )
    for key, kind in kinds:
        for line in owner.parts(key):
            found += _parts(_raw(line, kind, currency, rates=rates, sign=sign))
    return [line for line in found if line.net or any(amount for _, amount in line.taxes)]


def lines_of(raw: Sequence[RawLine], currency: str, *, total: int, tax: int | None = None) -> tuple[SaleLine, ...]:
    """The lines in whole minor units. `tax` is what the source states as all tax, `total` all net and tax.

    What rounding alone explains is spread over the amounts that have more decimals than the currency.
    """
    taxes = [amount for line in raw for _, amount in line.taxes]
    all_tax = rounded(sum(taxes, ZERO)) if tax is None else tax
    whole_taxes = apportion(taxes, all_tax)
    nets = apportion([line.net for line in raw], total - sum(whole_taxes))
    made, place = [], 0
    for line, net in zip(raw, nets, strict=True):
        amounts = whole_taxes[place : place + len(line.taxes)]
        place += len(line.taxes)
        shares = (
            TaxShare(rate.percent, Money(amount, currency), rate.name)
            for (rate, _), amount in zip(line.taxes, amounts, strict=True)
        )
        kept = tuple(share for share in shares if share.amount or share.rate is not None)
        made.append(SaleLine(
            line.uid, line.name, Money(net, currency), kept, line.kind, line.quantity, line.article, listed=line.listed
        ))  # fmt: skip
    return tuple(made)


def stated(raw: Sequence[RawLine]) -> Decimal:
    """All net and tax of the lines, unrounded, in minor units."""
    return sum((line.net + sum((amount for _, amount in line.taxes), ZERO) for line in raw), ZERO)


def _raw(line: Fields, kind: Kind, currency: str, *, rates: Mapping[str, Rate], sign: int) -> RawLine:
    net = scaled(line.number("total"), currency) * sign
    quantity = line.number_or_none("quantity")
    return RawLine(
        uid=_original(line) or line.id_or_none("id") or line.where,
        name=plain(line.text("method_title" if kind == "shipping" else "name")),
        kind="discount" if kind == "fee" and net < 0 else kind,
        net=net,
        taxes=_taxes(line, currency, rates=rates, sign=sign),
        quantity=abs(quantity) if quantity else Decimal(1 if sign > 0 else 0),  # money given back brings no goods
        article=_article(line, kind),
        listed=line.id_or_none("product_id") if kind == "goods" else None,
    )


def _original(line: Fields) -> str | None:
    """The line of the order that a line of a refund takes back."""
    for meta in line.parts("meta_data"):
        if meta.node.get("key") == "_refunded_item_id":
            return id_of(meta.node.get("value"))
    return None


def _article(line: Fields, kind: Kind) -> str | None:
    if kind == "shipping":
        return line.text("method_id") or None
    if kind != "goods":
        return None
    return line.text("sku").strip() or line.id_or_none("variation_id") or line.id_or_none("product_id")


def _taxes(line: Fields, currency: str, *, rates: Mapping[str, Rate], sign: int) -> tuple[tuple[Rate, Decimal], ...]:
    """Tax by rate. What `total_tax` holds and no rate explains is a share of its own, without a rate."""
    shares: list[tuple[Rate, Decimal]] = []
    for tax in line.parts("taxes"):
        amount = tax.number_or_none("total")
        rate = rates.get(tax.id_or_none("id") or "", Rate(None))
        if amount is not None and (amount or rate.percent == 0):  # "": this rate says nothing about this line
            shares.append((rate, scaled(amount, currency) * sign))
    whole = line.number_or_none("total_tax")
    if whole is None:
        return tuple(shares)
    rest = scaled(whole, currency) * sign - sum((amount for _, amount in shares), ZERO)
    if abs(rest) <= ONE_MINOR * max(1, len(shares)):
        return tuple(shares)
    if shares and whole == whole.to_integral_value() and abs(rest) <= scaled(HALF, currency):
        # a shop without decimals rounds each line's tax to whole units of money, but not its parts
        most = max(range(len(shares)), key=lambda place: abs(shares[place][1]))
        shares[most] = (shares[most][0], shares[most][1] + rest)
        return tuple(shares)
    return (*shares, (Rate(None), rest))


def _parts(line: RawLine) -> Iterator[RawLine]:
    """The line, or one for each rate where its rates share the net amount instead of all taxing all of it."""
    if len(line.taxes) < 2 or any(not _splits(rate) for rate, _ in line.taxes):
        yield line
        return
    bases = [_base(rate, amount) for rate, amount in line.taxes]
    slack = [ONE_MINOR * HUNDRED / rate.percent if rate.percent else ZERO for rate, _ in line.taxes]
    taxed = [place for place, (rate, _) in enumerate(line.taxes) if rate.percent]
    if all(abs(bases[place] - line.net) <= slack[place] for place in taxed):
        yield line  # every rate taxes all of it
        return
    rest = line.net - sum(bases, ZERO)
    zero = [place for place in range(len(bases)) if place not in taxed]
    if abs(rest) <= sum(slack, ZERO):
        bases[taxed[0]] += rest
    elif zero:
        bases[zero[0]] += rest
    elif rest * line.net < 0 or abs(rest) > abs(line.net):
        yield line  # not to be explained: the rules see all rates on one line
        return
    for place, ((rate, amount), base) in enumerate(zip(line.taxes, bases, strict=True), start=1):
        yield _part(line, place, base, ((rate, amount),))
    if not zero and abs(rest) > sum(slack, ZERO):
        yield _part(line, 0, rest, ())


def _part(line: RawLine, place: int, net: Decimal, taxes: tuple[tuple[Rate, Decimal], ...]) -> RawLine:
    return RawLine(f"{line.uid}:{place}", line.name, line.kind, net, taxes, Decimal(1), line.article)


def _splits(rate: Rate) -> bool:
    return rate.percent is not None and not rate.compound


def _base(rate: Rate, tax: Decimal) -> Decimal:
    """The amount that a tax of this rate was put on."""
    return (tax * HUNDRED / rate.percent).quantize(MICRO) if rate.percent else ZERO
