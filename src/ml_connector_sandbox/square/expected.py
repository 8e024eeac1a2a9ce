"""What a played day must add up to, from its script alone, with fractions: shares no arithmetic with pricing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from ml_connector_sandbox.square.faults import Json
from ml_connector_sandbox.square.state import Knobs, Merchant

if TYPE_CHECKING:
    from ml_connector_sandbox.square.play import Step

_CARD_LIKE = {"card", "wallet"}  # the means of the script whose money a payout holds


def expect(merchant: Merchant, steps: Sequence[Step], *, knobs: Knobs, day: date, with_payout: bool) -> Json:
    """{"expected": [a row per day and location], "totals": ..., "payments", "refunds"}. Amounts in minor units.

    Refunds without tax split (amount-only) carry no `refund_vat`. The payout assumes an empty balance before the day.
    """
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    sums: dict[int, Json] = {}
    payments = refunds = 0
    due: Counter[str] = Counter()  # location -> money a payout must bring
    for number, step in enumerate(steps):
        business = day - timedelta(days=1) if step.arguments.get("offline_at") else day
        row = rows.setdefault((business.isoformat(), step.location_id), _empty(business, step.location_id))
        if step.verb in {"sell", "invoice"}:
            sums[number] = total_of(step.arguments)
        if step.verb in {"sell", "invoice_pay"}:
            sold = sums[step.of if step.verb == "invoice_pay" else number]
            payments += _add_sale(row, step, sold, knobs, due, invoiced=step.verb == "invoice_pay")
        elif step.verb == "refund":
            refunds += 1
            _add_refund(row, step, steps[step.of], sums[step.of], due)
    if with_payout:
        for place, amount in due.items():
            rows[(day.isoformat(), place)]["payouts"] = amount
    shown = [_plain(rows[k]) for k in sorted(rows)]
    totals = {k: sum(r[k] for r in shown) for k in ("gross", "tips", "fees", "refunds", "payouts", "gift_cards_sold")}
    totals["vat"] = sum(sum(r["vat"].values()) for r in shown)
    return {"expected": shown, "totals": totals, "payments": payments, "refunds": refunds, "merchant_id": merchant.id}


def _empty(day: date, place: str) -> dict[str, Any]:
    numbers = ("gross", "tips", "gift_cards_sold", "service_charges", "rounding", "invoiced", "fees", "refunds")
    row: dict[str, Any] = {"day": day.isoformat(), "location_id": place} | dict.fromkeys(numbers, 0)
    row |= {"sales": 0, "refund_tips": 0, "payouts": 0}
    return row | {k: Counter() for k in ("vat", "means", "refund_vat", "refund_means")}


def total_of(sale: Json) -> Json:
    """What a sale costs: {"price" (without tips), "vat" {rate: amount}, "gift", "service", "rounding"}."""
    vat: Counter[str] = Counter()
    price = gift = 0
    base = Fraction(0)
    for line in sale["lines"]:
        amount = line["amount"] * int(line.get("quantity", "1"))
        if line.get("gift_card"):
            gift += amount
            price += amount
            continue
        amount -= round(Fraction(amount) * Fraction(str(sale.get("discount_percent", "0"))) / 100)
        base += amount
        inclusive = line.get("tax_mode", sale.get("tax_mode", "INCLUSIVE")) == "INCLUSIVE"
        tax = vat_in(amount, line["tax"], inclusive=inclusive)
        vat[line["tax"]] += tax
        price += amount if inclusive else amount + tax
    service = 0
    if sale.get("auto_gratuity"):
        rate = sale["lines"][0]["tax"]
        service = round(base * Fraction(sale["auto_gratuity"]) / 100)
        vat[rate] += vat_in(service, rate, inclusive=True)
        price += service
    step = sale.get("cash_rounding")
    rounding = step * ((2 * price + step) // (2 * step)) - price if step else 0
    return {"price": price + rounding, "vat": vat, "gift": gift, "service": service, "rounding": rounding}


def vat_in(amount: int, rate: str, *, inclusive: bool) -> int:
    """VAT of an amount; `round` of a fraction is half to even."""
    percent = Fraction(rate)
    return round(Fraction(amount) * percent / (100 + percent if inclusive else 100))


def _add_sale(row: dict[str, Any], step: Step, sold: Json, knobs: Knobs, due: Counter[str], *, invoiced: bool) -> int:
    tenders = step.arguments.get("tenders") or [{"means": step.arguments.get("means", "card")}]
    left, tips = sold["price"], sum(t.get("tip", 0) for t in tenders)
    row["sales"] += 1
    row["gross"] += sold["price"] + tips
    row["tips"] += tips
    row["vat"].update(sold["vat"])
    row["gift_cards_sold"] += sold["gift"]
    row["service_charges"] += sold["service"]
    row["rounding"] += sold["rounding"]
    row["invoiced"] += sold["price"] + tips if invoiced else 0
    for tender in tenders:
        amount = tender.get("amount", left)
        left -= amount
        total = amount + tender.get("tip", 0)
        row["means"][tender["means"]] += total
        if tender["means"] in _CARD_LIKE:
            fee = round(Fraction(total) * Fraction(knobs.fee_percent) / 100) + knobs.fee_fixed
            tax = round(Fraction(fee) * Fraction(knobs.tax_on_fee_percent) / 100)
            row["fees"] += fee
            due[step.location_id] += total - fee - tax
    return len(tenders)


def _add_refund(row: dict[str, Any], step: Step, sale: Step, sold: Json, due: Counter[str]) -> None:
    wanted, means = step.arguments, sale.arguments.get("means", "card")
    amount = wanted.get("amount")
    vat: Counter[str] = Counter()
    if amount is None and wanted.get("lines"):
        # The script's only such return is one of two equal pieces, tax inside: half of each, half to even.
        share = Fraction(wanted["lines"][0]["quantity"]) / int(sale.arguments["lines"][0]["quantity"])
        amount = round(sold["price"] * share)
        vat.update({rate: round(tax * share) for rate, tax in sold["vat"].items()})
    elif amount is None:
        amount = sold["price"]
        vat.update(sold["vat"])
    row["refunds"] += amount
    row["refund_vat"].update(vat)
    row["refund_means"][means] += amount
    if means in _CARD_LIKE:
        due[step.location_id] -= amount


def _plain(row: dict[str, Any]) -> Json:
    return {
        k: {n: v for n, v in sorted(value.items()) if v} if isinstance(value, Counter) else value
        for k, value in row.items()
    }
