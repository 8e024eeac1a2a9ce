"""What an invoice costs: items, discounts, tax, shipping and custom amount, as PayPal computes and shows them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from ml_connector_sandbox.paypal.money import half_up, minor, wire
from ml_connector_sandbox.paypal.refusals import Json, bad

_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_LIMIT = 1_000_000
_MOST_ITEMS = 100


@dataclass(frozen=True, slots=True)
class Sums:
    """The total in minor units, the breakdown and the items as shown."""

    total: int
    breakdown: Json
    items: list[Json]


@dataclass(slots=True)
class _Line:
    amount: int  # quantity x unit price
    discount: int
    percent: Decimal
    share: Decimal = Decimal(0)  # of the invoice discount


def add_up(body: Json, currency: str) -> Sums:
    """The sums of an invoice as sent. Refused with 400 where a number is malformed or of another currency."""
    items = body.get("items") or []
    if not 1 <= len(items) <= _MOST_ITEMS:
        raise bad("INVALID_ARRAY_LENGTH", f"From 1 to {_MOST_ITEMS} items.", field="/items")
    lines = [_line(item, currency, n) for n, item in enumerate(items)]
    asked = (body.get("amount") or {}).get("breakdown") or {}
    settings = body.get("configuration") or {}
    base = sum(line.amount - line.discount for line in lines)
    reduction = _reduction((asked.get("discount") or {}).get("invoice_discount") or {}, base, currency)
    for line in lines:
        line.share = Decimal(reduction) * (line.amount - line.discount) / base if base else Decimal(0)
    inclusive = bool(settings.get("tax_inclusive", False))
    after = bool(settings.get("tax_calculated_after_discount", True))
    taxes = [_tax(line, inclusive=inclusive, after=after) for line in lines]
    shipping, shipping_tax = _shipping(asked.get("shipping") or {}, currency)
    extra = _money(asked["custom"]["amount"], currency, "/amount/breakdown/custom") if asked.get("custom") else 0
    item_total = sum(line.amount for line in lines) - (sum(taxes) if inclusive else 0)
    total = item_total - sum(line.discount for line in lines) - reduction + sum(taxes) + shipping_tax + shipping + extra
    breakdown: Json = {"item_total": wire(item_total, currency), "tax_total": wire(sum(taxes) + shipping_tax, currency)}
    breakdown["discount"] = {
        "item_discount": wire(-sum(line.discount for line in lines), currency),
        "invoice_discount": ((asked.get("discount") or {}).get("invoice_discount") or {})
        | {"amount": wire(-reduction, currency)},
    }
    if asked.get("shipping"):
        breakdown["shipping"] = asked["shipping"] | {"amount": wire(shipping, currency)}
        if shipping_tax:
            breakdown["shipping"]["tax"] = asked["shipping"]["tax"] | {"amount": wire(shipping_tax, currency)}
    if asked.get("custom"):
        breakdown["custom"] = asked["custom"] | {"amount": wire(extra, currency)}
    return Sums(total, breakdown, [_item(i, x, t, currency) for i, x, t in zip(items, lines, taxes, strict=True)])


def _line(item: Json, currency: str, n: int) -> _Line:
    where = f"/items/{n}"
    unit = _money(item["unit_amount"], currency, f"{where}/unit_amount")
    quantity = _decimal(item["quantity"], 5, f"{where}/quantity")
    amount = half_up(unit * quantity)
    percent = Decimal(0)
    if item.get("tax"):
        percent = _decimal(str(item["tax"].get("percent", "0")), 5, f"{where}/tax/percent")
    return _Line(amount, _reduction(item.get("discount") or {}, amount, currency), percent)


def _reduction(discount: Json, base: int, currency: str) -> int:
    if "percent" in discount:
        return half_up(Decimal(base) * _decimal(discount["percent"], 5, "/discount/percent") / 100)
    # What was read back may be sent again: its amount is negative there.
    return abs(_money(discount["amount"], currency, "/discount/amount")) if "amount" in discount else 0


def _tax(line: _Line, *, inclusive: bool, after: bool) -> int:
    taxed = Decimal(line.amount) - (line.discount + line.share if after else 0)
    return half_up(taxed * line.percent / (100 + line.percent if inclusive else 100))


def _shipping(shipping: Json, currency: str) -> tuple[int, int]:
    amount = _money(shipping["amount"], currency, "/amount/breakdown/shipping") if "amount" in shipping else 0
    percent = str((shipping.get("tax") or {}).get("percent", "0"))
    return amount, half_up(amount * _decimal(percent, 5, "/amount/breakdown/shipping/tax/percent") / 100)


def _item(item: Json, line: _Line, tax: int, currency: str) -> Json:
    shown = dict(item)
    if item.get("tax"):
        shown["tax"] = item["tax"] | {"amount": wire(tax, currency)}
    if item.get("discount"):
        shown["discount"] = item["discount"] | {"amount": wire(line.discount, currency)}
    return shown


def _decimal(value: str, places: int, where: str) -> Decimal:
    if not _NUMBER.fullmatch(value) or abs(Decimal(value)) > _LIMIT or len(value.partition(".")[2]) > places:
        text = f"A number of at most {places} decimals within one million."
        raise bad("INVALID_DECIMAL_VALUE", text, field=where, value=value)
    return Decimal(value)


def _money(money: Json, currency: str, where: str) -> int:
    if money.get("currency_code") != currency:
        text = "The currency must be the invoice's."
        raise bad(
            "INVALID_PARAMETER_VALUE", text, field=f"{where}/currency_code", value=str(money.get("currency_code"))
        )
    try:
        return minor(str(money.get("value")), currency)
    except ValueError as error:
        raise bad("INVALID_DECIMAL_VALUE", str(error), field=f"{where}/value", value=str(money.get("value"))) from None
