"""One business day of trade as a script: what happens when. What it must add up to is worked out in `expected`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, time
from random import Random
from typing import Any

from ml_connector_sandbox.woocommerce.expected import expect
from ml_connector_sandbox.woocommerce.faults import Json
from ml_connector_sandbox.woocommerce.state import Store
from ml_connector_sandbox.woocommerce.times import SECOND, instant, local_stamp
from ml_connector_sandbox.woocommerce.world import World

Act = Callable[[World, Json, int], Any]
LEAST = 24  # orders of the fixed part of a day
_PRICES = ("49.90", "79.00", "125.00", "199.00", "249.90", "499.00", "1249.00", "12.34")
_GATEWAYS = ("stripe", "stripe", "stripe", "ppcp-gateway", "klarna_payments", "cod")


@dataclass(slots=True)
class Step:
    """One thing of the day: a verb, its arguments, seconds after midnight; `of` is its order's step."""

    verb: str
    at: int
    arguments: Json = field(default_factory=dict)
    of: int = -1
    new_net: str = ""  # an edit that leaves the order's only line at this net amount


def play_day(world: World, store: Store, arguments: Json, verbs: dict[str, Act]) -> Json:
    """Plan a day and have each thing happen at its time: past ones at once, future ones as time is told."""
    if store.decimals != 2 or store.at_subtotal:
        raise ValueError("play_day needs a shop of two decimals that rounds tax per line.")
    day = date.fromisoformat(str(arguments["date"]))
    n = int(arguments.get("orders", 40))
    if n < LEAST:
        raise ValueError(f"play_day needs {LEAST} orders or more.")
    dice = Random(f"{arguments.get('seed', 0)}:{day}")
    steps = _script(dice, n, foreign=arguments.get("foreign"), customers=_customers(world, store, verbs))
    made: dict[int, int] = {}
    midnight = local_stamp(day, time(), store.zone)
    for number, step in sorted(enumerate(steps), key=lambda pair: (pair[1].at, pair[0])):
        _plan(world, store, step, number=number, stamp=midnight + step.at, verbs=verbs, made=made)
    result = expect(steps, currency=store.currency, inclusive=store.inclusive, day=day.isoformat())
    first, last = min(s.at for s in steps) + midnight, max(s.at for s in steps) + midnight
    return result | {"steps": len(steps), "first_at": instant(first).isoformat(), "last_at": instant(last).isoformat()}


def _customers(world: World, store: Store, verbs: dict[str, Act]) -> list[int]:
    known = [u.id for u in store.users.values() if u.role == "customer"][:3]
    while len(known) < 3:
        n = len(known)
        billing = {"first_name": "Stam", "last_name": f"Kund {n}", "city": "Lund", "country": store.country}
        body = {"store": store.name, "first_name": "Stam", "last_name": f"Kund {n}", "billing": billing}
        known.append(int(verbs["customer"](world, body, world.now)["customer_id"]))
    return known


def _plan(
    world: World, store: Store, step: Step, *, number: int, stamp: int, verbs: dict[str, Act], made: dict[int, int]
) -> None:
    def happen(now: int) -> None:
        moment = instant(stamp).isoformat()
        arguments = step.arguments | {"store": store.name, "at": moment}
        if step.of >= 0:
            arguments["order_id"] = made[step.of]
            if step.new_net:
                line = store.orders[made[step.of]].lines[0]
                arguments["change"] = {"line_items": [{"id": line.id, "total": step.new_net}]}
        answer = verbs[step.verb](world, arguments, now)
        if step.verb == "order":
            made[number] = int(answer["order_id"])

    if stamp * SECOND <= world.now:
        happen(world.now)
    else:
        world.later(stamp * SECOND, happen)


def _script(dice: Random, n: int, *, foreign: Any, customers: list[int]) -> list[Step]:
    steps: list[Step] = []

    def order(**wanted: Any) -> int:
        steps.append(Step("order", dice.randrange(8 * 3600, 17 * 3600), wanted))
        return len(steps) - 1

    def then(verb: str, of: int, *, new_net: str = "", **wanted: Any) -> None:
        later = steps[of].at + dice.randrange(600, 3 * 3600)
        steps.append(Step(verb, later, wanted, of, new_net))

    pair = [{"price": "249.90", "quantity": 2, "tax": "25"}, {"price": "49.90", "tax": "12"}]
    plain = [{"price": "125.00", "tax": "25"}]
    then("refund", order(lines=pair, shipping="79.20"), lines=[{"index": 0, "quantity": 1}], reason="Retur")
    then("refund", order(lines=pair, shipping="49.00", gateway="ppcp-gateway"), reason="\u00c5ngrat k\u00f6p")
    then("refund", order(lines=plain, gateway="klarna_payments", fees=[{"amount": "29.00"}]), amount="40.00")
    then("refund", order(lines=pair, gateway="cod"), by_status=True)
    then("pay", order(lines=pair, gateway="bacs", shipping="79.20"))
    then("edit_order", order(lines=plain, gateway="bacs"), change={"status": "cancelled"})
    then("edit_order", order(lines=plain), new_net="80.00", change={})
    order(lines=plain, gateway="bacs")
    order(lines=plain, status="failed")
    order(lines=plain, status="checkout-draft")
    order(lines=pair, coupons=[{"code": "tio", "amount": "10", "type": "percent"}])
    order(lines=pair, coupons=[{"code": "femtio", "amount": "50", "type": "fixed_cart"}], shipping="49.00")
    order(lines=plain, coupons=[{"code": "gratis", "amount": "100", "type": "percent"}])
    order(lines=pair, fees=[{"name": "Rabatt", "amount": "-20.00"}])
    order(lines=plain, vat_number="SE556677889901", billing={"company": "Fj\u00e4ll & Drift AB"})
    order(lines=pair, vat_number="DE123456789", vat_exempt=True, country="DE", shipping="79.20")
    order(lines=plain, country="SE", customer_id=customers[0], number=f"WT-{dice.randrange(10**6):06d}")
    for _ in range(2 if foreign else 0):
        order(lines=pair, currency=str(foreign), shipping="7.50")
    while sum(step.verb == "order" for step in steps) < n:
        order(**_any_order(dice, customers))
    return steps


def _any_order(dice: Random, customers: list[int]) -> Json:
    lines = [
        {"price": dice.choice(_PRICES), "quantity": dice.choice((1, 1, 2, 3)), "tax": dice.choice(("25", "25", "12"))}
        for _ in range(dice.choice((1, 1, 2, 3)))
    ]
    wanted: Json = {"lines": lines, "gateway": dice.choice(_GATEWAYS)}
    if dice.random() < 0.6:
        wanted["shipping"] = dice.choice(("49.00", "79.20", "0"))
    if dice.random() < 0.3:
        wanted["customer_id"] = dice.choice(customers)
    if dice.random() < 0.15:
        wanted["coupons"] = [{"code": "tio", "amount": "10", "type": "percent"}]
    if wanted["gateway"] == "klarna_payments" and dice.random() < 0.5:
        wanted["fees"] = [{"name": "Fakturaavgift", "amount": "29.00"}]
    return wanted
