"""What a shop's refund takes back: its own lines, the lines that are left, or an amount split by their mix.

The shop says how much of an order its earlier refunds took. One without lines that gives back everything left, such as
setting the status to refunded, takes back exactly what is left; of one that does not, nobody knows which goods it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from ml_connector.finance.documents import Refund, Sale, SaleLine, SaleReturn
from ml_connector.finance.money import Money, total
from ml_connector.rules.goods import gross_of, part_of


@dataclass(frozen=True, slots=True)
class TakenBack:
    """How the recipes for refunds see it: `back` holds the lines that came back, else the mix of `sale` is split."""

    sale: Sale
    back: Sale | None


def taken_back(refund: Refund, sale: Sale, earlier: Sequence[Refund], *, tolerance: int) -> TakenBack:
    """What this refund takes back of an order from which `earlier` ones, oldest first, took already."""
    returned = refund.returned
    if returned is not None and returned.itemized:
        return TakenBack(sale, _return_order(sale, refund, returned))
    rest = left_of(sale, earlier)
    if refund.amount == rest.total and abs(rest.rounding.minor) <= tolerance and rest.lines:
        whole = SaleReturn(sale.id, rest.lines, Money.zero(sale.currency), rest.rounding)
        return TakenBack(rest, _return_order(sale, refund, whole))
    return TakenBack(rest, None)


def left_of(sale: Sale, refunds: Iterable[Refund]) -> Sale:
    """The order without what refunds, oldest first, took of it: its total is exact, its lines as far as they say."""
    lines, given = sale.lines, Money.zero(sale.currency)
    for refund in refunds:
        given += refund.amount
        lines = _without(lines, refund)
    rest = sale.total - given
    return replace(sale, lines=lines, total=rest, rounding=Money(rest.minor - gross_of(lines), sale.currency))


def older_than(refund: Refund, others: Iterable[Refund]) -> tuple[Refund, ...]:
    """The refunds of the same order that were made before this one, oldest first, each once."""
    unique = {one.id: one for one in others if _place(one) < _place(refund)}
    return tuple(sorted(unique.values(), key=_place))


def is_deleted(refund: Refund, sale: Sale) -> bool:
    """Whether the shop has deleted a refund: each one changes its order, and an order read later does not name it."""
    return sale.updated_at > refund.occurred_at and all(stated.id != refund.id for stated in sale.refunds)


def sum_of(refunds: Iterable[Refund], currency: str) -> Money:
    """What refunds gave back in all."""
    return total((one.amount for one in refunds), currency)


def _place(refund: Refund) -> tuple[str, int, str]:
    number = refund.id.rpartition(":")[2]
    return refund.occurred_at.isoformat(), int(number) if number.isdecimal() else 0, refund.id


def _without(lines: tuple[SaleLine, ...], refund: Refund) -> tuple[SaleLine, ...]:
    back = refund.returned
    if back is not None and back.itemized:
        less = _less(lines, back.lines)
        if less is not None:
            return less
    whole = gross_of(lines)
    if refund.amount.minor >= whole:
        return ()
    # What the mix took, not what it would leave: the two may round apart, and all refunds together are the order.
    less = _less(part_of(lines, whole), part_of(lines, refund.amount.minor))
    return part_of(lines, whole - refund.amount.minor) if less is None else less


def _less(lines: tuple[SaleLine, ...], taken: tuple[SaleLine, ...]) -> tuple[SaleLine, ...] | None:
    """The lines without those taken; None where one of them is not among them."""
    left = list(lines)
    for one in taken:
        place = _place_in(left, one)
        if place is None:
            return None
        left[place] = _reduced(left[place], one)
    return tuple(line for line in left if line.net.minor or line.tax.minor)


def _place_in(lines: list[SaleLine], taken: SaleLine) -> int | None:
    """By its id; lines put together for a mix have lost theirs and are found by what they are booked by."""
    for known in (lambda line: line.uid == taken.uid, lambda line: _mark(line) == _mark(taken)):
        for place, line in enumerate(lines):
            if known(line) and _rates(taken) <= _rates(line) and len(_rates(line)) == len(line.taxes):
                return place
    return None


def _mark(line: SaleLine) -> tuple[object, ...]:
    return line.kind, line.categories, line.names, tuple(share.rate for share in line.taxes)


def _rates(line: SaleLine) -> set[Decimal | None]:
    return {share.rate for share in line.taxes}


def _reduced(line: SaleLine, taken: SaleLine) -> SaleLine:
    tax = {share.rate: share.amount for share in taken.taxes}
    zero = Money.zero(line.net.currency)
    taxes = tuple(replace(share, amount=share.amount - tax.get(share.rate, zero)) for share in line.taxes)
    return replace(line, net=line.net - taken.net, taxes=taxes, quantity=line.quantity - taken.quantity)


def _return_order(sale: Sale, refund: Refund, returned: SaleReturn) -> Sale:
    """The refund as the recipes know it: an order of its own that holds nothing but what came back."""
    zero = Money.zero(sale.currency)
    return replace(sale, id=refund.id, lines=(), tenders=(), rounding=zero, total=zero, returns=(returned,))
