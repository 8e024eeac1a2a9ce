"""What a played day must add up to, from its script alone, with fractions: shares no arithmetic with the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from ml_connector_sandbox.paypal.refusals import Json
from ml_connector_sandbox.paypal.state import Knobs, Merchant

if TYPE_CHECKING:
    from ml_connector_sandbox.paypal.play import Step

_RESERVE = {"T2101", "T2102", "T1500", "T1105", "T1110", "T1111"}
Line = tuple[str, str, Fraction, Fraction]  # event code, currency, amount, fee


def expect(merchant: Merchant, steps: Sequence[Step], knobs: Knobs) -> Json:
    """{"expected": {currency: {code: count, amount, fee}}, "balances": what the day adds, "payments", "refunds"}."""
    lines: list[Line] = []
    for step in steps:
        lines += _lines(merchant, steps, step, knobs)
    sums: dict[str, dict[str, list[Fraction | int]]] = {}
    change: dict[str, list[Fraction]] = {}
    for code, currency, amount, fee in lines:
        cell = sums.setdefault(currency, {}).setdefault(code, [0, Fraction(0), Fraction(0)])
        cell[0], cell[1], cell[2] = cell[0] + 1, cell[1] + amount, cell[2] + fee
        both = change.setdefault(currency, [Fraction(0), Fraction(0)])
        both[0] += 0 if code in _RESERVE else amount + fee
        both[1] += amount + fee
    shown = {
        currency: {
            code: {"count": c[0], "amount": _text(Fraction(c[1]), currency), "fee": _text(Fraction(c[2]), currency)}
            for code, c in sorted(codes.items())
        }
        for currency, codes in sorted(sums.items())
    }
    balances = {
        currency: {
            "total": _text(total, currency), "available": _text(free, currency),
            "withheld": _text(total - free, currency),
        }
        for currency, (total, free) in sorted(change.items())
    }  # fmt: skip
    counts = {verb: sum(s.verb == verb for s in steps) for verb in ("capture", "refund", "invoice", "dispute")}
    return {"expected": shown, "balances": balances, "counts": counts}


def _lines(merchant: Merchant, steps: Sequence[Step], step: Step, knobs: Knobs) -> list[Line]:
    """The rows one step leaves; invoices, and money recorded outside PayPal, move nothing."""
    given, home = step.arguments, merchant.currency
    if step.of >= 0:
        return _lines_about(merchant, steps, step, knobs)
    if step.verb == "capture":
        return [] if given.get("pending") else _sale(merchant, given, "T0006", knobs)
    amount = Fraction(str(given.get("amount", "0")))
    if step.verb == "conversion":
        got = _round(amount * Fraction(given["rate"]), home)
        return [("T0201", given["source"], -amount, Fraction(0)), ("T0201", home, got, Fraction(0))]
    codes = {"fee": "T0107", "hold": "T2101", "withdraw": "T0400"}
    if step.verb in codes:
        return [(given.get("code", codes[step.verb]), given["currency"], -amount, Fraction(0))]
    return []


def _lines_about(merchant: Merchant, steps: Sequence[Step], step: Step, knobs: Knobs) -> list[Line]:
    given, about = step.arguments, steps[step.of]
    if step.verb == "settle":
        return [] if given["decline"] else _sale(merchant, about.arguments, "T0006", knobs)
    if step.verb == "refund":
        return _refund(merchant, given, about.arguments, knobs)
    if step.verb == "invoice_pay":
        return _sale(merchant, {"gross": given["amount"], "currency": merchant.currency}, "T0007", knobs)
    if step.verb == "dispute":
        return _dispute(steps, step, about)
    codes = {"release": "T2102", "return_withdrawal": "T1101"}
    if step.verb in codes:
        return [(codes[step.verb], about.arguments["currency"], Fraction(about.arguments["amount"]), Fraction(0))]
    return []


def _sale(merchant: Merchant, given: Json, code: str, knobs: Knobs) -> list[Line]:
    currency, gross = given["currency"], Fraction(given["gross"])
    fee = _fee(given, knobs)
    lines: list[Line] = [(code, currency, gross, -fee)]
    if given.get("convert") and knobs.conversion_rows:
        got = _round((gross - fee) * Fraction(given["rate"]), merchant.currency)
        lines += [("T0200", currency, fee - gross, Fraction(0)), ("T0200", merchant.currency, got, Fraction(0))]
    return lines


def _fee(given: Json, knobs: Knobs) -> Fraction:
    if "fee" in given:
        return Fraction(given["fee"])
    share = _round(Fraction(given["gross"]) * Fraction(knobs.fee_percent) / 100, given["currency"])
    return share + _round(Fraction(knobs.fee_fixed), given["currency"])


def _refund(merchant: Merchant, given: Json, sale: Json, knobs: Knobs) -> list[Line]:
    currency = sale["currency"]
    amount = Fraction(str(given.get("amount", sale["gross"])))
    back = Fraction(str(given.get("fee_back", "0")))
    lines: list[Line] = [("T1107", currency, -amount, back if knobs.fee_back_as == "amount" else Fraction(0))]
    if back and knobs.fee_back_as == "row":
        lines.append(("T1109", currency, back, Fraction(0)))
    if sale.get("convert") and knobs.conversion_rows:
        taken = _round((amount - back) * Fraction(given["rate"]), merchant.currency)
        lines += [("T0200", currency, amount - back, Fraction(0)), ("T0200", merchant.currency, -taken, Fraction(0))]
    return lines


def _dispute(steps: Sequence[Step], step: Step, about: Step) -> list[Line]:
    if about.verb == "capture":
        currency, amount = about.arguments["currency"], Fraction(step.arguments["amount"])
        if step.arguments.get("channel") != "EXTERNAL":
            return [("T1110", currency, -amount, Fraction(0))]
        cost = Fraction(step.arguments["fee"])
        return [("T1201", currency, -amount, Fraction(0)), ("T0106", currency, -cost, Fraction(0))]
    currency, amount = steps[about.of].arguments["currency"], Fraction(about.arguments["amount"])
    if about.arguments.get("channel") == "EXTERNAL":
        return [("T1202", currency, amount, Fraction(0))]
    return [("T1111", currency, amount, Fraction(0)), ("T1106", currency, -amount, Fraction(0))]


def _places(currency: str) -> int:
    return 0 if currency in {"HUF", "JPY", "TWD"} else 2


def _round(value: Fraction, currency: str) -> Fraction:
    """Half up; only ever asked about amounts above zero."""
    step = 10 ** _places(currency)
    return Fraction((2 * value.numerator * step + value.denominator) // (2 * value.denominator), step)


def _text(value: Fraction, currency: str) -> str:
    places = _places(currency)
    units = int(value * 10**places)
    if not places:
        return str(units)
    return f"{'-' if units < 0 else ''}{abs(units) // 100}.{abs(units) % 100:02d}"
