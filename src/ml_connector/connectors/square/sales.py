"""Orders: lines, taxes, service charges, tips, rounding and returns, added up against what Square states. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Literal

from ml_connector.connectors.square.fields import Fields
from ml_connector.connectors.square.means import of_tender
from ml_connector.finance.documents import Sale, SaleLine, SaleReturn, TaxShare, Tender
from ml_connector.finance.money import Money

Kind = Literal["goods", "custom", "service_charge", "auto_gratuity", "gift_card", "shipping", "fee", "discount"]
Rates = Mapping[str, tuple[Decimal | None, str]]  # tax uid -> percentage, name

STATES: Mapping[str, Literal["open", "completed", "canceled", "draft"]] = {
    "OPEN": "open",
    "COMPLETED": "completed",
    "CANCELED": "canceled",
    "DRAFT": "draft",
}
ITEM_TYPES: Mapping[str, Kind] = {"": "goods", "ITEM": "goods", "CUSTOM_AMOUNT": "custom", "GIFT_CARD": "gift_card"}
ONE = Decimal(1)


def sale_of(order: Fields) -> Sale:
    """An order. Raises Untranslatable when its lines do not add up to its total, in every state but draft."""
    stated = order.money("total_money", negative=bool(order.node.get("returns")))
    currency = stated.currency
    rates = _rates(order, "taxes")
    lines = (
        *_lines(order, "line_items", currency, rates=rates),
        *_charges(order, "service_charges", currency, rates=rates),
    )
    returns = tuple(_returns(order, currency))
    tenders = tuple(_tenders(order, currency))
    state = STATES.get(order.text("state"), "open")  # unknown: as if not finished yet, so nothing is booked
    tip = order.minor("total_tip_money", currency) or sum(tender.tip.minor for tender in tenders)
    rounding = _rounding(order, currency)
    total = stated.minor
    if state != "draft":
        total = _checked(
            order, stated.minor, tip=tip, rest=sum(line.gross.minor for line in lines) + rounding, returns=returns
        )
    created = order.moment("created_at")
    return Sale(
        id=order.id("id"),
        state=state,
        currency=currency,
        location=order.id_or_none("location_id"),
        lines=lines,
        tenders=tenders,
        tip=Money(tip, currency),
        rounding=Money(rounding, currency),
        total=Money(total, currency),
        created_at=created,
        updated_at=order.moment_or_none("updated_at") or created,
        closed_at=order.moment_or_none("closed_at"),
        customer_id=order.id_or_none("customer_id"),
        returns=returns,
        reference=order.text("reference_id") or order.text("ticket_name"),
    )


def _checked(order: Fields, stated: int, *, tip: int, rest: int, returns: tuple[SaleReturn, ...]) -> int:
    """Lines + tip + rounding, when that is what `total_money` says.

    Whether `total_money` holds the tip, and whether that of an order with returns has them taken off, is not
    documented: each way is accepted, none is guessed at.
    """
    returned = sum(_returned(one) for one in returns)
    if stated in {rest + tip, rest, rest + tip - returned, rest - returned}:
        return rest + tip
    return order.fail("total_money", f"is {stated} while lines and rounding make {rest}, tip {tip}, returns {returned}")


def _returned(one: SaleReturn) -> int:
    return sum(line.gross.minor for line in one.lines) + one.tip.minor + one.rounding.minor


def _rates(owner: Fields, key: str) -> Rates:
    if not owner.node.get(key):
        return {}
    return {
        uid: (tax.decimal_or_none("percentage"), tax.text("name"))
        for tax in owner.parts(key)
        if (uid := tax.text("uid"))
    }


def _lines(owner: Fields, key: str, currency: str, *, rates: Rates) -> Iterator[SaleLine]:
    for item in owner.parts(key):
        kind = ITEM_TYPES.get(item.text("item_type"))
        if kind is None:  # it could be a liability like a gift card: booking it as revenue would be a guess
            item.fail("item_type", "is a kind of line that is not known")
        yield _line(item, currency, kind=kind, rates=rates)


def _charges(owner: Fields, key: str, currency: str, *, rates: Rates) -> Iterator[SaleLine]:
    """Service charges as lines of their own; apportioned ones are inside the lines already."""
    if not owner.node.get(key):
        return
    for charge in owner.parts(key):
        if charge.text("treatment_type") != "APPORTIONED_TREATMENT":
            gratuity = charge.text("type") == "AUTO_GRATUITY"
            yield _line(charge, currency, kind="auto_gratuity" if gratuity else "service_charge", rates=rates)


def _line(item: Fields, currency: str, *, kind: Kind, rates: Rates) -> SaleLine:
    """Net is total - tax, for additive and inclusive taxes alike.

    `gross_sales_money` differs by country and is not used.
    """
    gross = item.money("total_money", currency).minor
    tax = item.minor("total_tax_money", currency)
    return SaleLine(
        uid=item.text("uid"),
        name=item.text("name"),
        net=Money(gross - tax, currency),
        taxes=_taxes(item, currency, tax=tax, rates=rates),
        kind=kind,
        quantity=item.decimal_or_none("quantity") or ONE,
        article=item.id_or_none("catalog_object_id"),
    )


def _taxes(item: Fields, currency: str, *, tax: int, rates: Rates) -> tuple[TaxShare, ...]:
    """The line's taxes by rate.

    What `applied_taxes` does not break down stands alone, without a rate: rules must say what it is.
    """
    shares = []
    for applied in item.parts("applied_taxes"):
        rate, name = rates.get(applied.text("tax_uid"), (None, ""))
        amount = applied.money_or_none("applied_money", currency)
        if amount is not None and (amount.minor or rate is not None):
            shares.append(TaxShare(rate, amount, name))
            tax -= amount.minor
    if tax:
        shares.append(TaxShare(None, Money(tax, currency)))
    return tuple(shares)


def _tenders(order: Fields, currency: str) -> Iterator[Tender]:
    for tender in order.parts("tenders"):
        yield Tender(
            payment_id=tender.id_or_none("payment_id") or tender.id("id"),
            means=of_tender(tender),
            amount=Money(tender.minor("amount_money", currency), currency),
            tip=Money(tender.minor("tip_money", currency), currency),
            occurred_at=tender.moment_or_none("created_at"),
        )


def _returns(order: Fields, currency: str) -> Iterator[SaleReturn]:
    if not order.node.get("returns"):
        return
    for one in order.parts("returns"):
        rates = _rates(one, "return_taxes")
        goods = tuple(_lines(one, "return_line_items", currency, rates=rates))
        charges = tuple(_charges(one, "return_service_charges", currency, rates=rates))
        tip = sum(part.minor("applied_money", currency) for part in one.parts("return_tips"))
        yield SaleReturn(
            sale_id=one.id_or_none("source_order_id"),
            lines=(*goods, *charges),
            tip=Money(tip, currency),
            rounding=Money(_rounding(one, currency), currency),
            itemized=not _amount_only((*goods, *charges)),
        )


def _amount_only(lines: tuple[SaleLine, ...]) -> bool:
    """A refund by amount makes one CUSTOM_AMOUNT return line without tax, whatever the sale's taxes were."""
    return all(line.kind == "custom" and not line.taxes for line in lines)


def _rounding(owner: Fields, currency: str) -> int:
    adjustment = owner.part_or_none("rounding_adjustment")
    return 0 if adjustment is None else adjustment.minor("amount_money", currency, negative=True)
