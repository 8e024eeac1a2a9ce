"""What a played day must add up to, from its script alone, with fractions: shares no arithmetic with pricing."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from ml_connector_sandbox.woocommerce.faults import Json

if TYPE_CHECKING:
    from ml_connector_sandbox.woocommerce.play import Step

_WAITING = ("bacs", "cheque")


@dataclass(slots=True)
class Sum:
    """One order in minor units: net and tax of each line by the index it is shown at, and the whole."""

    lines: list[tuple[int, dict[str, int]]] = field(default_factory=list)
    goods: int = 0  # how many of the lines are goods
    shipping: int = 0
    fees: int = 0
    discount: int = 0

    @property
    def net(self) -> int:
        """All lines without tax."""
        return sum(net for net, _ in self.lines)

    @property
    def tax(self) -> Counter[str]:
        """Tax by rate."""
        found: Counter[str] = Counter()
        for _, taxes in self.lines:
            found.update(taxes)
        return found

    @property
    def gross(self) -> int:
        """What the buyer owes."""
        return self.net + sum(self.tax.values())


def half_up(value: Fraction) -> int:
    """Nearest, a tie away from zero."""
    return int(math.copysign(math.floor(abs(value) + Fraction(1, 2)), value)) if value else 0


def half_down(value: Fraction) -> int:
    """Nearest, a tie towards zero."""
    return int(math.copysign(math.ceil(abs(value) - Fraction(1, 2)), value)) if value else 0


def sum_of(wanted: Json, *, inclusive: bool) -> Sum:
    """What an order of the script costs, tax rounded per line."""
    result, near = Sum(), half_down if inclusive else half_up
    exempt = bool(wanted.get("vat_exempt"))
    lines = wanted["lines"]
    rates = [str(line["tax"]) for line in lines]
    typed = [_cents(line["price"]) * int(line.get("quantity", 1)) for line in lines]
    if exempt and inclusive:
        typed = [price * 100 / (100 + Fraction(rate)) for price, rate in zip(typed, rates, strict=True)]
    raw: dict[str, Fraction] = {}
    for price, cut, rate in zip(typed, _cuts(wanted, typed), rates, strict=True):
        share = Fraction(0) if exempt else Fraction(rate)
        tax = (price - cut) * share / (100 + share if inclusive else 100)
        before = price * share / (100 + share if inclusive else 100)
        net = half_up(price - cut - (near(tax) if inclusive else 0))
        result.lines.append((net, {} if exempt else {rate: near(tax)}))
        result.discount += half_up(price - (near(before) if inclusive else 0)) - net
        raw[rate] = raw.get(rate, Fraction(0)) + tax
    result.goods = len(lines)
    _sides(result, wanted, raw, standard="25" if "25" in rates else rates[0], exempt=exempt, near=near)
    return result


def _sides(result: Sum, wanted: Json, raw: dict[str, Fraction], *, standard: str, exempt: bool, near: Any) -> None:
    goods = result.net
    if wanted.get("shipping") is not None:
        net = _cents(wanted["shipping"])
        result.shipping = int(net)
        result.lines.append((int(net), {} if exempt else {standard: near(net * Fraction(standard) / 100)}))
    for fee in wanted.get("fees") or []:
        net = _cents(fee["amount"])
        result.fees += int(net)
        if net < 0:
            taxes = {rate: near(tax * net / goods) for rate, tax in raw.items()}
        else:
            taxes = {"25": near(net * 25 / 100)}
        result.lines.append((int(net), {} if exempt else taxes))


def _cuts(wanted: Json, typed: Sequence[Fraction]) -> list[int]:
    coupons = wanted.get("coupons") or []
    if not coupons:
        return [0] * len(typed)
    coupon = coupons[0]
    if coupon.get("type", "percent") == "percent":
        return [half_up(price * Fraction(str(coupon["amount"])) / 100) for price in typed]
    whole, amount = sum(typed, Fraction(0)), _cents(coupon["amount"])
    ends = [half_up(min(amount, whole) * sum(typed[: n + 1], Fraction(0)) / whole) for n in range(len(typed))]
    return [end - start for start, end in zip([0, *ends], ends, strict=False)]


def _cents(text: Any) -> Fraction:
    return Fraction(str(text)) * 100


def expect(steps: Sequence[Step], *, currency: str, inclusive: bool, day: str) -> Json:
    """Rows as `truth` prints them, totals, and how many orders and refunds there are."""
    sums = {n: sum_of(s.arguments, inclusive=inclusive) for n, s in enumerate(steps) if s.verb == "order"}
    fate = _fates(steps, sums)
    rows: dict[str, dict[str, Any]] = {}
    for n, sold in sums.items():
        wanted = steps[n].arguments
        row = rows.setdefault(str(wanted.get("currency", currency)), _empty())
        if fate[n] == "sold":
            _add_sale(row, sold, str(wanted.get("gateway", "stripe")))
        row["waiting"] += fate[n] == "waiting"
    for step in steps:
        if step.verb == "refund":
            wanted = steps[step.of].arguments
            row = rows.setdefault(str(wanted.get("currency", currency)), _empty())
            _add_refund(row, step.arguments, sums[step.of], str(wanted.get("gateway", "stripe")))
    shown = [_printed(rows[code], day, code) for code in sorted(rows)]
    counts = {name: sum(row[name] for row in shown) for name in ("orders", "refunds", "waiting")}
    return {"expected": shown, **counts}


def _fates(steps: Sequence[Step], sums: dict[int, Sum]) -> dict[int, str]:
    fate: dict[int, str] = {}
    for n, step in enumerate(steps):
        wanted = step.arguments
        if step.verb == "order":
            waits = wanted.get("gateway") in _WAITING and "status" not in wanted
            fate[n] = "waiting" if waits else "none" if "status" in wanted else "sold"
        elif step.verb == "pay":
            fate[step.of] = "sold"
        elif step.verb == "edit_order":
            change = wanted["change"]
            if change.get("status") == "cancelled":
                fate[step.of] = "none"
            if step.new_net:
                sold = sums[step.of]
                net = int(_cents(step.new_net))
                sold.discount = sold.lines[0][0] - net
                sold.lines = [(net, {"25": half_up(Fraction(net, 4))})]
    return fate


def _empty() -> dict[str, Any]:
    names = ("orders", "waiting", "refunds", "gross", "net", "tax_total", "shipping", "fees", "discount", "refunded")
    row: dict[str, Any] = dict.fromkeys((*names, "refunded_without_lines"), 0)
    return row | {name: Counter() for name in ("tax", "gateways", "refund_tax", "refund_gateways")}


def _add_sale(row: dict[str, Any], sold: Sum, gateway: str) -> None:
    row["orders"] += 1
    row["gross"] += sold.gross
    row["net"] += sold.net
    row["tax_total"] += sum(sold.tax.values())
    row["tax"].update(sold.tax)
    row["gateways"][gateway] += sold.gross
    for name in ("shipping", "fees", "discount"):
        row[name] += getattr(sold, name)


def _add_refund(row: dict[str, Any], wanted: Json, sold: Sum, gateway: str) -> None:
    row["refunds"] += 1
    taxes: Counter[str] = Counter()
    if "amount" in wanted or wanted.get("by_status"):
        amount = int(_cents(wanted["amount"])) if "amount" in wanted else sold.gross
        row["refunded_without_lines"] += amount
    elif "lines" in wanted:  # the script gives back half of the pieces of one line
        net, taxes_of = sold.lines[int(wanted["lines"][0]["index"])]
        taxes.update({rate: half_up(Fraction(tax, 2)) for rate, tax in taxes_of.items()})
        amount = half_up(Fraction(net, 2)) + sum(taxes.values())
    else:
        taxes, amount = sold.tax, sold.gross
    row["refunded"] += amount
    row["refund_tax"].update(taxes)
    row["refund_gateways"][gateway] += amount


def _printed(row: dict[str, Any], day: str, currency: str) -> Json:
    def text(cents: int) -> str:
        return str(Decimal(cents).scaleb(-2).quantize(Decimal("0.01")))

    shown: Json = {"day": day, "currency": currency}
    for name, value in row.items():
        if isinstance(value, Counter):
            shown[name] = {key: text(cents) for key, cents in sorted(value.items()) if cents}
        else:
            shown[name] = value if name in ("orders", "waiting", "refunds") else text(value)
    return shown
