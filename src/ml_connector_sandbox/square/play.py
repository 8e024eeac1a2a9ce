"""One business day of trade as a script: what happens when. What it must add up to is worked out in `expected`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, time, timedelta
from typing import Any

from ml_connector_sandbox.core.instants import DAY, HOUR, MINUTE
from ml_connector_sandbox.square import invoices, orders, parties, payouts, trade
from ml_connector_sandbox.square.expected import expect
from ml_connector_sandbox.square.faults import Json
from ml_connector_sandbox.square.ids import Mint
from ml_connector_sandbox.square.state import Merchant, World
from ml_connector_sandbox.square.times import local_micros, stamp

OPENING, CLOSING, CUT = time(9), time(18), time(23, 50)
OFFLINE_AT = time(20)  # of the day before


@dataclass(slots=True)
class Step:
    """One thing that happens: `sell`, `refund`, `invoice` or `invoice_pay`, with the arguments of that verb."""

    at: int
    verb: str
    location_id: str
    arguments: Json = field(default_factory=dict)
    of: int = -1  # the number of the step it refers to


def play_day(world: World, merchant: Merchant, arguments: Json) -> Json:
    """Plan a day, have it happen at its times (what is past at once), return what it must add up to."""
    day = date.fromisoformat(str(arguments["date"]))
    count = int(arguments.get("payments", 72))
    if count < 60:
        raise ValueError(f"A day of {count} payments is too small: use 60 or more.")
    rates = [str(rate) for rate in arguments.get("taxes") or merchant.taxes]
    if len(rates) < 2:
        raise ValueError("A day needs two VAT rates: seed the merchant with two or give `taxes`.")
    steps = plan(merchant, day, count=count, rates=rates, seed=int(arguments.get("seed", 0)))
    made: dict[int, Any] = {}
    for number, step in enumerate(steps):
        world.later(step.at, lambda at, n=number, s=step: _happen(world, merchant, made, n, s, at))  # type: ignore[misc]
    if arguments.get("payout", True):
        for location_id in merchant.locations:
            cut = local_micros(day, CUT, merchant.zone(location_id))
            world.later(cut, lambda at, where=location_id: _pay_out(world, merchant, where, at))  # type: ignore[misc]
    summary = expect(merchant, steps, knobs=world.knobs, day=day, with_payout=bool(arguments.get("payout", True)))
    return {"date": day.isoformat(), "steps": len(steps), "first_at": stamp(min(s.at for s in steps))} | summary


def plan(merchant: Merchant, day: date, *, count: int, rates: list[str], seed: int) -> list[Step]:
    """The steps of a day, refunds after their sales."""
    dice, places = Mint(seed), list(merchant.locations)
    steps: list[Step] = []
    for n in range(count):
        place = places[n % len(places)]
        opening, closing = (local_micros(day, t, merchant.zone(place)) for t in (OPENING, CLOSING))
        at = opening + (closing - opening) * n // count
        kind = _KINDS[n // len(places) % len(_KINDS)]
        sale = kind(dice, rates) | {"location_id": place, "reference_id": f"play-{day}-{n}"}
        sale["lines"] = [line | _variation(merchant, line) for line in sale["lines"]]
        steps.append(Step(at, "sell", place, sale))
    _add_refunds(steps)
    first = places[0]
    zone = merchant.zone(first)
    morning = local_micros(day, time(10, 30), zone)
    offline = local_micros(day - timedelta(days=1), OFFLINE_AT, zone)
    late = {"lines": [{"name": "Lamp", "amount": 9995, "tax": rates[0]}], "location_id": first, "offline_at": offline}
    steps.append(Step(morning, "sell", first, late))
    lines = [
        {"name": "Delivery to office", "amount": 80000, "tax": rates[0], "tax_mode": "ADDITIVE"},
        {"name": "Lunch", "amount": 2450, "quantity": "12", "tax": rates[1], "tax_mode": "ADDITIVE"},
    ]
    steps.append(Step(morning, "invoice", first, {"lines": lines, "due_date": (day + timedelta(days=14)).isoformat()}))
    steps.append(Step(morning + 4 * HOUR, "invoice_pay", first, {"means": "card"}, of=len(steps) - 1))
    return steps


def _variation(merchant: Merchant, line: Json) -> Json:
    key = merchant.variations.get(line.get("tax", ""))
    return {"catalog_object_id": key} if key else {}


def _price(dice: Mint, low: int, high: int) -> int:
    return low + dice.below(high - low)


def _one_line(dice: Mint, rates: list[str]) -> Json:
    return {"lines": [{"name": "Chair", "amount": _price(dice, 4000, 30000), "tax": rates[0]}], "means": "card"}


def _two_of_a_kind(dice: Mint, rates: list[str]) -> Json:
    line = {"name": "Coffee beans", "amount": _price(dice, 700, 2500), "quantity": "2", "tax": rates[1]}
    return {"lines": [line], "means": "card"}


def _both_rates_and_tip(dice: Mint, rates: list[str]) -> Json:
    lines = [
        {"name": "Mug", "amount": _price(dice, 1000, 3000), "quantity": "3", "tax": rates[0]},
        {"name": "Cake", "amount": _price(dice, 300, 900), "quantity": "2", "tax": rates[1]},
    ]
    return {"lines": lines, "tenders": [{"means": "card", "tip": _price(dice, 100, 900)}]}


def _additive(dice: Mint, rates: list[str]) -> Json:
    return _both_rates_and_tip(dice, rates) | {
        "tax_mode": "ADDITIVE",
        "tenders": [{"means": "card", "brand": "MASTERCARD"}],
    }


def _cash(dice: Mint, rates: list[str]) -> Json:
    line = {"name": "Poster", "amount": _price(dice, 500, 3000), "quantity": "2", "tax": rates[0]}
    return {"lines": [line], "means": "cash"}


def _rounded_cash(dice: Mint, rates: list[str]) -> Json:
    line = {"name": "Postcard", "amount": _price(dice, 101, 499), "tax": rates[1]}
    return {"lines": [line], "means": "cash", "cash_rounding": 5}


def _external(dice: Mint, rates: list[str]) -> Json:
    tender = {"means": "external", "external_type": "OTHER_GIFT_CARD", "external_source": "City gift card"}
    return {"lines": [{"name": "Scarf", "amount": _price(dice, 2000, 6000), "tax": rates[0]}], "tenders": [tender]}


def _wallet(dice: Mint, rates: list[str]) -> Json:
    line = {"name": "Sandwich", "amount": _price(dice, 600, 1400), "tax": rates[1]}
    return {"lines": [line], "tenders": [{"means": "wallet", "tip": 150}]}


def _gift_card_sold(dice: Mint, rates: list[str]) -> Json:
    del dice, rates
    return {"lines": [{"amount": 20000, "gift_card": True}], "means": "card"}


def _gift_card_used(dice: Mint, rates: list[str]) -> Json:
    return {"lines": [{"name": "Bowl", "amount": _price(dice, 2000, 9000), "tax": rates[0]}], "means": "gift_card"}


def _split(dice: Mint, rates: list[str]) -> Json:
    line = {"name": "Table", "amount": _price(dice, 20000, 60000), "tax": rates[0]}
    return {"lines": [line], "tenders": [{"means": "cash", "amount": 5000}, {"means": "card", "tip": 500}]}


def _gratuity(dice: Mint, rates: list[str]) -> Json:
    line = {"name": "Dinner", "amount": _price(dice, 5000, 12000), "tax": rates[1]}
    return {"lines": [line], "means": "card", "auto_gratuity": "10"}


def _discounted(dice: Mint, rates: list[str]) -> Json:
    return _both_rates_and_tip(dice, rates) | {"discount_percent": "10"}


_KINDS = (
    _one_line, _two_of_a_kind, _both_rates_and_tip, _additive, _gift_card_sold, _cash, _rounded_cash, _external,
    _gift_card_used, _wallet, _split, _gratuity, _discounted, _one_line, _cash, _two_of_a_kind, _both_rates_and_tip,
    _additive, _one_line, _wallet,
)  # fmt: skip


def _add_refunds(steps: list[Step]) -> None:
    """The first sale of four kinds comes back half an hour later: whole, by line, by amount from card and cash."""
    wanted: list[tuple[str, Json]] = [
        ("Chair", {"reason": "Returned goods"}),
        ("Coffee beans", {"lines": [{"index": 0, "quantity": "1"}], "reason": "One bag damaged"}),
        ("Mug", {"amount": 777, "reason": "Goodwill"}),
        ("Poster", {"amount": 350, "reason": "Goodwill"}),
    ]
    for name, arguments in wanted:
        number = next(n for n, s in enumerate(steps) if s.arguments["lines"][0].get("name") == name)
        sale = steps[number]
        steps.append(Step(sale.at + 30 * MINUTE, "refund", sale.location_id, arguments, of=number))


def _happen(world: World, merchant: Merchant, made: dict[int, Any], number: int, step: Step, at: int) -> None:
    if step.verb == "sell":
        made[number] = trade.sell(world, merchant, step.arguments, at)[0]
    elif step.verb == "refund":
        made[number] = trade.refund(world, merchant, step.arguments | {"order_id": made[step.of].id}, at)
    elif step.verb == "invoice":
        made[number] = _send_invoice(world, merchant, step, at)
    else:
        row = made[step.of]
        amount = sum(r["computed_amount_money"]["amount"] for r in row.body["payment_requests"])
        tendered = trade.tendered_of(step.arguments, amount=amount, product="INVOICES")
        invoices.pay(world, merchant, row, tendered=tendered, now=at)


def _send_invoice(world: World, merchant: Merchant, step: Step, at: int) -> Any:
    fields: Json = {"company_name": f"Example Office {at // DAY} Ltd", "email_address": "accounts@office.example.test"}
    fields |= {"given_name": "Ada", "family_name": "Byrne", "tax_ids": {"eu_vat": "IE3426675K"}}
    customer = parties.create_customer(world, merchant, fields, at, source="DIRECTORY")
    request = trade.request_of(merchant, step.arguments | {"customer_id": customer.id})
    order = orders.open_order(world, merchant, request=request, location_id=step.location_id, now=at, source="Invoices")
    wanted: Json = {"order_id": order.id, "primary_recipient": {"customer_id": customer.id}}
    wanted["payment_requests"] = [{"request_type": "BALANCE", "due_date": step.arguments["due_date"]}]
    row = invoices.draft(world, merchant, request=wanted, now=at)
    invoices.publish(world, merchant, row, now=at + MINUTE)
    return row


def _pay_out(world: World, merchant: Merchant, location_id: str, at: int) -> None:
    payouts.batch(world, merchant, location_id=location_id, now=at)
