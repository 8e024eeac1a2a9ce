"""Orders and refunds, added up against what WooCommerce states. Pure.

An order's `total` never shrinks by a refund, and coupons are inside the lines already. What lines and total do not
share is `rounding`; more than rounding can explain is Untranslatable.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Literal

from ml_connector.connectors.woocommerce.amounts import rounded, scaled
from ml_connector.connectors.woocommerce.fields import Fields, plain
from ml_connector.connectors.woocommerce.lines import lines_of, rates_of, raw_lines, stated
from ml_connector.connectors.woocommerce.numbers import is_yes
from ml_connector.connectors.woocommerce.parties import buyer_of, country_of
from ml_connector.finance.documents import Coupon, Refund, Sale, SaleReturn, StatedRefund, Tender
from ml_connector.finance.money import Money, exponent

State = Literal["open", "completed", "canceled", "draft"]
DRAFTS = frozenset({"checkout-draft", "auto-draft", "draft"})
# A status of a plugin ("shipped") is open until the shop's settings say what it means: nothing is booked by a guess.
STATES: Mapping[str, State] = {
    **dict.fromkeys(DRAFTS, "draft"),
    "pending": "open",
    "on-hold": "open",
    "processing": "completed",
    "completed": "completed",
    "refunded": "completed",  # the sale took place; what was given back are records of their own
    "cancelled": "canceled",
    "failed": "canceled",
    "trash": "canceled",
}


def sale_of(order: Fields) -> Sale:
    """An order. Raises Untranslatable when its lines do not add up to its total, in every state but draft."""
    currency = order.currency("currency")
    id_, status = order.id("id"), order.text("status")
    state = STATES.get(status, "open")
    total = rounded(scaled(order.needed_number("total"), currency))
    raw = raw_lines(order, currency, rates_of(order))
    tax = order.number_or_none("total_tax")
    lines = lines_of(raw, currency, total=total, tax=None if tax is None else rounded(scaled(tax, currency)))
    rounding = total - sum(line.gross.minor for line in lines)
    if state != "draft" and abs(rounding) > _tolerance(currency, len(raw)):
        order.fail("total", f"is {total} where lines, shipping and fees make {total - rounding} (minor units)")
    created = order.moment("date_created_gmt")
    updated = order.moment_or_none("date_modified_gmt") or created
    buyer = buyer_of(order, updated_at=updated)
    paid_at = order.moment_or_none("date_paid_gmt")
    method = order.text("payment_method").strip()
    transaction_id = order.text("transaction_id").strip()
    customer_id = order.id_or_none("customer_id")
    return Sale(
        id=id_,
        state=state,
        currency=currency,
        location=None,
        lines=lines,
        tenders=_tenders(id_, method, transaction_id, amount=Money(total, currency), paid_at=paid_at),
        tip=Money.zero(currency),
        rounding=Money(rounding, currency),
        total=Money(total, currency),
        created_at=created,
        updated_at=updated,
        closed_at=order.moment_or_none("date_completed_gmt"),
        customer_id=customer_id,
        reference=order.text("number").strip() or id_,
        status=status,
        payment_method=method,
        payment_title=plain(order.text("payment_method_title")),
        transaction_id=transaction_id,
        paid_at=paid_at,
        buyer=buyer,
        guest=customer_id is None,
        country=country_of(order.part("shipping")) or buyer.address.country,
        prices_include_tax=order.flag_or_none("prices_include_tax"),
        vat_exempt=is_yes(order, "is_vat_exempt"),
        coupons=tuple(_coupons(order, currency)),
        refunds=tuple(_refunds(order, currency)),
        origin=order.text("created_via"),
        identity=order.text("order_key"),
    )


def refund_of(around: Fields) -> Refund:
    """A refund with the bits of its order that it lacks: `{"refund": ..., "order": {"currency", "tax_lines", ...}}`.

    One by amount alone, by status or by quantity has no lines: `itemized` is false, the VAT is to be decided.
    """
    refund, order = around.part("refund"), around.part("order")
    refund.record = refund.id("id")
    currency = order.currency("currency")
    parent = refund.id_or_none("parent_id") or order.id("id")
    raw = raw_lines(refund, currency, rates_of(refund, rates_of(order)), sign=-1)
    given = refund.number_or_none("amount")
    amount = rounded(stated(raw) if given is None else scaled(given, currency))
    if amount < 0:
        refund.fail("amount", "is below zero")
    lines = lines_of(raw, currency, total=amount)
    rounding = amount - sum(line.gross.minor for line in lines)
    fits = bool(lines) and abs(rounding) <= _tolerance(currency, len(raw))
    created = refund.moment("date_created_gmt")
    returned = SaleReturn(
        sale_id=parent,
        lines=lines if fits else (),
        tip=Money.zero(currency),
        rounding=Money(rounding if fits else 0, currency),
        itemized=fits,
    )
    return Refund(
        id=f"{parent}:{refund.id('id')}",
        state="completed",
        amount=Money(amount, currency),
        payment_id=order.text("transaction_id").strip() or None,
        return_order_id=None,
        location=None,
        means=None,
        occurred_at=created,
        updated_at=created,
        reason=plain(refund.text("reason")),
        sale_id=parent,
        returned=returned,
        whole=_whole(refund),
        by_processor=refund.flag_or_none("refunded_payment"),
        payment_method=order.text("payment_method").strip(),
    )


def _tolerance(currency: str, amounts: int) -> int:
    """What rounding can make: one unit of money, or one minor unit an amount where there are many."""
    return int(max(10 ** exponent(currency), 2 * amounts))


def _tenders(id_: str, method: str, transaction_id: str, *, amount: Money, paid_at: object) -> tuple[Tender, ...]:
    """One payment of the whole where the order is marked paid. The mark is no proof: a person may have set it."""
    if not paid_at or not amount.minor:
        return ()
    means = f"external:{method}" if method else "external"
    return (Tender(transaction_id or f"order-{id_}", means, amount, Money.zero(amount.currency)),)


def _coupons(order: Fields, currency: str) -> Iterator[Coupon]:
    for coupon in order.parts("coupon_lines"):
        yield Coupon(
            code=plain(coupon.text("code")),
            net=_money(coupon.number("discount"), currency),
            tax=_money(coupon.number("discount_tax"), currency),
            type=coupon.text("discount_type"),
        )


def _refunds(order: Fields, currency: str) -> Iterator[StatedRefund]:
    parent = order.id("id")
    for refund in order.parts("refunds"):
        yield StatedRefund(
            id=f"{parent}:{refund.id('id')}",
            amount=_money(abs(refund.number("total")), currency),
            reason=plain(refund.text("reason")),
        )


def _whole(refund: Fields) -> bool | None:
    for meta in refund.parts("meta_data"):
        if meta.node.get("key") == "_refund_type":
            return {"full": True, "partial": False}.get(meta.text("value"))
    return None


def _money(amount: Decimal, currency: str) -> Money:
    return Money(rounded(scaled(amount, currency)), currency)
