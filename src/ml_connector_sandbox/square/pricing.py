"""What an order costs: discounts, inclusive and additive taxes, service charges; whole minor units, half to even.

The result is the order as Square shows it. Where the real rounding is not published, a line is the unit: each tax of
each line is rounded by itself, so that lines, taxes and totals always add up.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any

from ml_connector_sandbox.square.faults import Json, bad
from ml_connector_sandbox.square.state import Merchant

# Inclusive tax is taken out of gross_sales_money here and left in elsewhere.
_GROSS_WITHOUT_TAX = {"US", "CA", "JP"}


def whole(value: Decimal) -> int:
    """A fraction of minor units as whole ones, half to even."""
    return int(value.quantize(Decimal(1), ROUND_HALF_EVEN))


def number(text: Any, field: str) -> Decimal:
    """A quantity or percentage, which Square writes as text."""
    try:
        value = Decimal(text) if isinstance(text, str) else None
    except InvalidOperation:
        value = None
    if value is None or not value.is_finite() or value < 0:
        raise bad("INVALID_VALUE", f"`{text}` is not a decimal number in a string.", field=field)
    return value


def spread(amount: int, weights: Sequence[int]) -> list[int]:
    """The amount split by weights without losing a unit: the last part takes what rounding left."""
    total, given, seen, parts = sum(weights), 0, 0, []
    for weight in weights:
        seen += weight
        upto = amount * seen // total if total else 0
        parts.append(upto - given)
        given = upto
    return parts


def priced(merchant: Merchant, order: Json) -> Json:
    """The order's priced parts: line_items, taxes, discounts, service_charges and totals. `order` is as requested."""
    taxes = {t["uid"]: t for t in order.get("taxes") or []}
    lines = [_gross(merchant, line, n) for n, line in enumerate(order.get("line_items") or [])]
    discounts = _discount(merchant, lines, order.get("discounts") or [])
    for line in lines:
        _tax_line(merchant, line, taxes)
    charges = [_charge(merchant, c, lines, taxes) for c in order.get("service_charges") or []]
    result: Json = {"line_items": [line["out"] for line in lines]} if lines else {}
    if taxes:
        result["taxes"] = [_tax_total(merchant, t, lines, charges) for t in taxes.values()]
    if discounts:
        result["discounts"] = discounts
    if charges:
        result["service_charges"] = charges
    return result | _totals(merchant, lines, charges)


def _gross(merchant: Merchant, line: Json, n: int) -> Json:
    where = f"order.line_items[{n}]"
    quantity = number(line.get("quantity"), f"{where}.quantity")
    if "base_price_money" not in line:
        raise bad("MISSING_REQUIRED_PARAMETER", "A line without catalog price needs base_price_money.", field=where)
    base = merchant.amount(line["base_price_money"], f"{where}.base_price_money")
    extras = sum(
        merchant.amount(m.get("base_price_money"), f"{where}.modifiers.base_price_money")
        for m in line.get("modifiers") or []
    )
    gross = whole((base + extras) * quantity)
    return {"in": line, "gross": gross, "discount": 0, "out": {}, "taxes": [], "applied_discounts": []}


def _discount(merchant: Merchant, lines: list[Json], discounts: list[Json]) -> list[Json]:
    shown = []
    for discount in discounts:
        asked = {d.get("discount_uid") for line in lines for d in line["in"].get("applied_discounts") or []}
        by_order = discount.get("scope", "ORDER") == "ORDER"
        hit = [
            line
            for line in lines
            if line["in"].get("item_type") != "GIFT_CARD" and (by_order or discount["uid"] in _discount_uids(line))
        ]
        if not by_order and discount["uid"] not in asked:
            hit = []
        left = [line["gross"] - line["discount"] for line in hit]
        if discount.get("percentage") is not None:
            share = number(discount["percentage"], "order.discounts.percentage") / 100
            parts = [whole(rest * share) for rest in left]
        else:
            parts = spread(min(merchant.amount(discount.get("amount_money"), "order.discounts"), sum(left)), left)
        for line, part in zip(hit, parts, strict=True):
            line["discount"] += part
            line["applied_discounts"].append(
                {"uid": f"ad-{discount['uid']}", "discount_uid": discount["uid"], "applied_money": merchant.money(part)}
            )
        shown.append(discount | {"applied_money": merchant.money(sum(parts))})
    return shown


def _discount_uids(line: Json) -> set[str]:
    return {d["discount_uid"] for d in line["in"].get("applied_discounts") or []}


def _taxes_of(wanted: Json, taxes: dict[str, Json]) -> list[Json]:
    """Taxes of a line or charge: order-wide ones (not on gift cards) and those it names."""
    named = {t["tax_uid"] for t in wanted.get("applied_taxes") or []}
    for uid in named - taxes.keys():
        raise bad("INVALID_VALUE", f"The order has no tax `{uid}`.", field="order.line_items.applied_taxes.tax_uid")
    gift = wanted.get("item_type") == "GIFT_CARD"
    return [t for t in taxes.values() if t["uid"] in named or (t.get("scope", "ORDER") == "ORDER" and not gift)]


def _split(merchant: Merchant, amount: int, taxes: list[Json]) -> tuple[int, int, list[Json]]:
    """(inclusive tax, additive tax, applied_taxes) of an amount."""
    rates = {t["uid"]: number(t.get("percentage") or "0", "order.taxes.percentage") for t in taxes}
    inside = [t for t in taxes if t.get("type") == "INCLUSIVE"]
    whole_rate = 100 + sum((rates[t["uid"]] for t in inside), Decimal(0))
    parts = {t["uid"]: whole(amount * rates[t["uid"]] / whole_rate) for t in inside}
    inclusive = sum(parts.values())
    for tax in taxes:
        if tax["uid"] not in parts:
            parts[tax["uid"]] = whole((amount - inclusive) * rates[tax["uid"]] / 100)
    applied = [
        {"uid": f"at-{t['uid']}", "tax_uid": t["uid"], "applied_money": merchant.money(parts[t["uid"]])} for t in taxes
    ]
    return inclusive, sum(parts.values()) - inclusive, applied


def _tax_line(merchant: Merchant, line: Json, taxes: dict[str, Json]) -> None:
    request, money = line["in"], merchant.money
    taxable = line["gross"] - line["discount"]
    inclusive, additive, applied = _split(merchant, taxable, _taxes_of(request, taxes))
    gross = line["gross"] - (inclusive if merchant.country in _GROSS_WITHOUT_TAX else 0)
    keep = {k: v for k, v in request.items() if k not in {"applied_taxes", "applied_discounts"} and v is not None}
    line["net"], line["taxable"], line["applied"] = taxable - inclusive, taxable, applied
    line["out"] = (
        keep
        | {"item_type": request.get("item_type") or "ITEM"}
        | ({"applied_taxes": applied} if applied else {})
        | ({"applied_discounts": line["applied_discounts"]} if line["applied_discounts"] else {})
        | {
            "variation_total_price_money": money(line["gross"]),
            "gross_sales_money": money(gross),
            "total_tax_money": money(inclusive + additive),
            "total_discount_money": money(line["discount"]),
            "total_money": money(taxable + additive),
            "total_service_charge_money": money(0),
        }
    )
    line["tax"], line["total"] = inclusive + additive, taxable + additive


def _charge(merchant: Merchant, charge: Json, lines: list[Json], taxes: dict[str, Json]) -> Json:
    money = merchant.money
    phase = charge.get("calculation_phase") or "SUBTOTAL_PHASE"
    base = sum(line["taxable"] if phase == "SUBTOTAL_PHASE" else line["total"] for line in lines)
    if charge.get("percentage") is not None:
        applied = whole(base * number(charge["percentage"], "order.service_charges.percentage") / 100)
    else:
        applied = merchant.amount(charge.get("amount_money"), "order.service_charges.amount_money")
    taxable = bool(charge.get("taxable")) and phase == "SUBTOTAL_PHASE"
    inclusive, additive, parts = _split(merchant, applied, _taxes_of(charge, taxes) if taxable else [])
    keep = {k: v for k, v in charge.items() if k != "applied_taxes" and v is not None}
    return (
        keep
        | {"calculation_phase": phase, "taxable": taxable, "treatment_type": "LINE_ITEM_TREATMENT", "scope": "ORDER"}
        | {"type": charge.get("type") or "CUSTOM", "applied_money": money(applied)}
        | {"total_money": money(applied + additive), "total_tax_money": money(inclusive + additive)}
        | ({"applied_taxes": parts} if parts else {})
    )


def _tax_total(merchant: Merchant, tax: Json, lines: list[Json], charges: list[Json]) -> Json:
    applied = [a for line in lines for a in line["applied"]] + [
        a for charge in charges for a in charge.get("applied_taxes") or []
    ]
    total = sum(a["applied_money"]["amount"] for a in applied if a["tax_uid"] == tax["uid"])
    return {"type": "ADDITIVE", "scope": "ORDER"} | tax | {"applied_money": merchant.money(total)}


def _totals(merchant: Merchant, lines: list[Json], charges: list[Json]) -> Json:
    money = merchant.money
    tax = sum(line["tax"] for line in lines) + sum(c["total_tax_money"]["amount"] for c in charges)
    service = sum(c["total_money"]["amount"] for c in charges)
    return {
        "total_money": money(sum(line["total"] for line in lines) + service),
        "total_tax_money": money(tax),
        "total_discount_money": money(sum(line["discount"] for line in lines)),
        "total_tip_money": money(0),
        "total_service_charge_money": money(sum(c["applied_money"]["amount"] for c in charges)),
    }
