"""One business day of an online shop as a script: what happens when. What it must add up to stands in `expected`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from ml_connector_sandbox.core.instants import HOUR, MINUTE, start_of
from ml_connector_sandbox.paypal import control_cases, control_trade
from ml_connector_sandbox.paypal.expected import expect
from ml_connector_sandbox.paypal.ids import Mint
from ml_connector_sandbox.paypal.money import decimals, usual_rate
from ml_connector_sandbox.paypal.refusals import Json
from ml_connector_sandbox.paypal.state import Merchant, World
from ml_connector_sandbox.paypal.times import stamp

_VERBS: dict[str, Callable[[World, Json, int], Json]] = {
    "capture": control_trade.capture,
    "settle": control_trade.settle,
    "refund": control_trade.refund,
    "fee": control_trade.fee,
    "conversion": control_trade.conversion,
    "hold": control_trade.hold,
    "release": control_trade.release,
    "withdraw": control_trade.withdraw,
    "return_withdrawal": control_trade.return_withdrawal,
    "invoice": control_cases.invoice,
    "invoice_pay": control_cases.invoice_pay,
    "invoice_record": control_cases.invoice_record,
    "invoice_cancel": control_cases.invoice_cancel,
    "dispute": control_cases.dispute,
}
_FOREIGN = ("USD", "GBP", "DKK", "PLN", "EUR")


@dataclass(slots=True)
class Step:
    """One thing that happens: a verb with its arguments; `of` is the number of the step it is about."""

    at: int
    verb: str
    arguments: Json = field(default_factory=dict)
    of: int = -1


def play_day(world: World, arguments: Json, now: int) -> Json:
    """Plan a day, have it happen at its times (what is past at once), return what it must add up to."""
    del now
    merchant = control_trade.merchant_of(world, arguments)
    day = date.fromisoformat(str(arguments["date"]))
    count = int(arguments.get("payments", 40))
    if count < 24:
        raise ValueError(f"A day of {count} payments is too small: use 24 or more.")
    if decimals(merchant.currency) == 0 or set(_FOREIGN) <= set(merchant.held):
        raise ValueError("A day needs a primary currency with decimals and one of USD, GBP, DKK, PLN, EUR not held.")
    steps = plan(merchant, day, count=count, seed=int(arguments.get("seed", 0)))
    made: dict[int, Json] = {}
    for number, step in enumerate(steps):
        world.later(step.at, lambda at, n=number, s=step: _happen(world, merchant, made, n, s, at))  # type: ignore[misc]
    facts = {"date": day.isoformat(), "seed": int(arguments.get("seed", 0)), "steps": len(steps)}
    facts |= {"first_at": stamp(steps[0].at), "last_at": stamp(max(s.at for s in steps)), "merchant_id": merchant.id}
    return facts | expect(merchant, steps, world.knobs)


def plan(merchant: Merchant, day: date, *, count: int, seed: int) -> list[Step]:
    """The steps of a day, each after the one it is about."""
    dice, midnight = Mint(seed), start_of(day)
    steps: list[Step] = []
    for n in range(count):
        kind = _KINDS[n % len(_KINDS)]
        sale = kind(merchant, dice, n) | {"payer": dice.below(10), "subject": f"Order {n}"}
        name = f"{day.strftime('%y%m%d')}-{seed}-{n}"
        sale |= {"custom_id": f"shop-{name}"} if n % 5 == 1 else {"invoice_id": name}
        steps.append(Step(midnight + 8 * HOUR + 10 * HOUR * n // count, "capture", sale))
    plain = [n for n, s in enumerate(steps) if n % len(_KINDS) == 0]
    converted = [n for n, s in enumerate(steps) if "rate" in s.arguments]
    for n, step in enumerate(steps[:count]):
        if step.arguments.get("pending"):
            late = step.at + HOUR
            steps.append(Step(late, "settle", {"decline": n % (2 * len(_KINDS)) >= len(_KINDS)}, of=n))
    back: list[tuple[int, Json]] = [
        (plain[0], {}),
        (plain[1], {"amount": "40.00", "fee_back": "1.00"}),
        (plain[1], {"amount": "25.50"}),
        (converted[0], {"amount": "10.00", "rate": str(Decimal(steps[converted[0]].arguments["rate"]) + 1)}),
    ]
    steps += [Step(steps[n].at + 2 * HOUR + i * MINUTE, "refund", a, of=n) for i, (n, a) in enumerate(back)]
    _add_invoices(steps, midnight, merchant)
    _add_rest(steps, midnight, merchant, plain[2])
    return steps


def _price(dice: Mint, low: int, high: int) -> str:
    amount = low + dice.below(high - low)
    return f"{amount // 100}.{amount % 100:02d}"


def _domestic(merchant: Merchant, dice: Mint, n: int) -> Json:
    del n
    return {"gross": _price(dice, 20_000, 200_000), "currency": merchant.currency}


def _held(merchant: Merchant, dice: Mint, n: int) -> Json:
    others = [c for c in merchant.held if c not in {merchant.currency, "JPY", "HUF", "TWD"}]
    currency = others[n % len(others)] if others else merchant.currency
    return {"gross": _price(dice, 5_000, 30_000), "currency": currency}


def _converted(merchant: Merchant, dice: Mint, n: int) -> Json:
    currency = next(c for c in _FOREIGN if c not in merchant.held)
    del n
    rate = str(usual_rate(currency, merchant.currency))
    return {"gross": _price(dice, 3_000, 20_000), "currency": currency, "convert": True, "rate": rate}


def _elsewhere(merchant: Merchant, dice: Mint, n: int) -> Json:
    return _domestic(merchant, dice, n) | {"elsewhere": True}


def _whole_units(merchant: Merchant, dice: Mint, n: int) -> Json:
    del n
    sale: Json = {"gross": str(1000 + dice.below(90_000)), "currency": "JPY"}
    if "JPY" not in merchant.held:
        sale |= {"convert": True, "rate": str(usual_rate("JPY", merchant.currency))}
    return sale


def _pending(merchant: Merchant, dice: Mint, n: int) -> Json:
    return _domestic(merchant, dice, n) | {"pending": "ECHECK"}


def _own_fee(merchant: Merchant, dice: Mint, n: int) -> Json:
    return _domestic(merchant, dice, n) | {"fee": _price(dice, 300, 900)}


_KINDS = (_domestic, _held, _converted, _elsewhere, _own_fee, _pending, _domestic, _whole_units)


def _add_invoices(steps: list[Step], midnight: int, merchant: Merchant) -> None:
    """Three PayPal invoices: paid through PayPal in two parts; paid partly outside; cancelled."""
    items: list[Json] = [
        {"name": "Consulting", "price": "800.00", "quantity": "1.5", "tax": "25"},
        {"name": "Book", "price": "199.00", "quantity": "2", "tax": "6", "discount": "10"},
    ]
    base: Json = {"items": items, "currency": merchant.currency}
    nine = midnight + 9 * HOUR
    steps += [Step(nine + n * MINUTE, "invoice", base | {"reference": f"deal {n}"}) for n in range(3)]
    first = len(steps) - 3
    steps += [
        Step(midnight + 10 * HOUR, "invoice_pay", {"amount": "600.00"}, of=first),
        Step(midnight + 11 * HOUR, "invoice_pay", {"amount": "1279.69"}, of=first),
        Step(midnight + 12 * HOUR, "invoice_record", {"amount": "250.00", "note": "Bank"}, of=first + 1),
        Step(midnight + 13 * HOUR, "invoice_cancel", {}, of=first + 2),
    ]


def _add_rest(steps: list[Step], midnight: int, merchant: Merchant, disputed: int) -> None:
    """A monthly fee, holds, two cases about payments, a conversion by hand, withdrawals of which one returns."""
    own = {"currency": merchant.currency}
    evening = midnight + 19 * HOUR
    steps += [
        Step(evening, "fee", own | {"amount": "49.00", "subject": "Monthly fee"}),
        Step(evening + MINUTE, "hold", own | {"amount": "300.00"}),
        Step(evening + 2 * MINUTE, "hold", own | {"amount": "125.50", "code": "T1500"}),
    ]
    steps.append(Step(evening + 3 * MINUTE, "release", {}, of=len(steps) - 2))
    steps.append(Step(evening + 4 * MINUTE, "dispute", {"amount": "55.00"}, of=disputed))
    steps.append(Step(evening + 5 * MINUTE, "dispute", {"outcome": "lost"}, of=len(steps) - 1))
    chargeback: Json = {"channel": "EXTERNAL", "amount": "60.00", "fee": "15.00"}
    steps.append(Step(evening + 6 * MINUTE, "dispute", chargeback, of=6))
    steps.append(Step(evening + 7 * MINUTE, "dispute", {"outcome": "won"}, of=len(steps) - 1))
    if "EUR" in merchant.held and merchant.currency != "EUR":
        rate = str(usual_rate("EUR", merchant.currency))
        steps.append(Step(evening + 8 * MINUTE, "conversion", {"source": "EUR", "amount": "20.00", "rate": rate}))
    steps.append(Step(evening + 9 * MINUTE, "withdraw", own | {"amount": "150.00", "code": "T0403"}))
    steps.append(Step(evening + 10 * MINUTE, "return_withdrawal", {}, of=len(steps) - 1))
    steps.append(Step(evening + 11 * MINUTE, "withdraw", own | {"amount": "500.00"}))


_REFERENCES = ("capture_id", "invoice_id", "dispute_id", "transaction_id")


def _happen(world: World, merchant: Merchant, made: dict[int, Json], number: int, step: Step, at: int) -> None:
    arguments = step.arguments | {"merchant_id": merchant.id}
    if step.of >= 0:
        about: Any = made[step.of]
        arguments |= {name: about[name] for name in _REFERENCES if name in about}
    made[number] = _VERBS[step.verb](world, arguments, at)
