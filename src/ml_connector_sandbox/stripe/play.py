"""A business day by script: payments of every kind, refunds, disputes, a payout; its promise from the script alone."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

from ml_connector_sandbox.core.instants import HOUR, MINUTE, day_of, start_of
from ml_connector_sandbox.stripe import control_cases, control_trade
from ml_connector_sandbox.stripe.refusals import Json
from ml_connector_sandbox.stripe.seeding import book_of
from ml_connector_sandbox.stripe.state import World

_VERBS = {
    "invoice": control_trade.invoice, "pay": control_trade.pay, "charge": control_trade.charge,
    "settle": control_trade.settle, "fail": control_trade.fail, "fail_late": control_trade.fail_late,
    "refund": control_trade.refund, "settle_refund": control_trade.settle_refund, "dispute": control_cases.dispute,
    "payout": control_cases.payout, "adjust": control_trade.adjust,
}  # fmt: skip
_NAMES = ("invoice_id", "charge_id", "refund_id", "dispute_id", "payout_id")
_FEWEST = 12
FEE, DISPUTE_FEE = 325, 15000


@dataclass(slots=True)
class _Script:
    """Steps (moment, verb, arguments, the step it is about) and the sums they must give."""

    first: int
    gap: int
    steps: list[tuple[int, str, Json, int]] = field(default_factory=list)
    sums: dict[str, list[int]] = field(default_factory=dict)  # category -> count, amount, fee

    def add(self, verb: str, arguments: Json, of: int = -1) -> int:
        self.steps.append((self.first + len(self.steps) * self.gap, verb, arguments, of))
        return len(self.steps) - 1

    def expect(self, category: str, amount: int, fee: int = 0) -> None:
        line = self.sums.setdefault(category, [0, 0, 0])
        self.sums[category] = [line[0] + 1, line[1] + amount, line[2] + fee]


def play_day(world: World, arguments: Json, now: int) -> Json:
    """Let a day happen from 08:00 UTC: a past one at once with its own times, a future one as time is told."""
    book = book_of(world, arguments)
    day = date.fromisoformat(str(arguments["date"])) if arguments.get("date") else day_of(now)
    count = int(arguments.get("payments", 24))
    if count < _FEWEST:
        raise ValueError(f"A day has at least {_FEWEST} payments.")
    script = _write(random.Random(int(arguments.get("seed", 0))), start_of(day) + 8 * HOUR, count)
    own = {"account_id": book.account.id, "livemode": book.livemode}
    done: dict[int, Json] = {}
    for number, (at, verb, given, of) in enumerate(script.steps):
        world.later(at, _act(world, verb, given=given | own, of=of, number=number, done=done))
    currency = book.account.currency
    net = {name: {"count": c, "amount": a, "fee": f, "net": a - f} for name, (c, a, f) in script.sums.items()}
    last = script.steps[-1][0]
    return {
        "expected": {currency: net}, "steps": len(script.steps), "first_at": script.first // 1_000_000,
        "last_at": last // 1_000_000, "date": day.isoformat(),
    }  # fmt: skip


def _act(world: World, verb: str, *, given: Json, of: int, number: int, done: dict[int, Json]) -> Callable[[int], None]:
    def act(at: int) -> None:
        about = done.get(of, {})
        done[number] = _VERBS[verb](world, {name: about[name] for name in _NAMES if about.get(name)} | given, at)

    return act


def _write(dice: random.Random, first: int, count: int) -> _Script:
    script = _Script(first, MINUTE * max(1, 600 // (count * 3 + 20)))
    for n in range(count):
        net = dice.randrange(200_00, 4_000_00)
        _WAYS[n % len(_WAYS)](script, net, net + round_half(net))
    _evening(script, dice.randrange(500_00, 900_00))
    total = sum(amount - fee for _, amount, fee in script.sums.values())
    script.add("payout", {"pending": True})
    script.expect("payout", -total)
    return script


def round_half(net: int) -> int:
    """A quarter of a net amount, to even: what the invoice verb takes for 25 percent."""
    whole, rest = divmod(net, 4)
    return whole + (rest == 3 or (rest == 2 and whole % 2 == 1))


def _invoice(script: _Script, net: int) -> int:
    return script.add("invoice", {"lines": [{"amount": net, "tax": "25"}]})


def _whole(script: _Script, net: int, gross: int) -> None:
    script.add("pay", {"fee": FEE}, _invoice(script, net))
    script.expect("charge", gross, FEE)


def _parts(script: _Script, net: int, gross: int) -> None:
    made = _invoice(script, net)
    script.add("pay", {"amount": 5000, "fee": 80}, made)
    script.add("pay", {"fee": FEE}, made)
    script.expect("charge", 5000, 80)
    script.expect("charge", gross - 5000, FEE)


def _slow(script: _Script, net: int, gross: int) -> None:
    begun = script.add("pay", {"slow": True, "method": "sepa_debit", "fee": 60}, _invoice(script, net))
    script.add("settle", {}, begun)
    script.expect("charge", gross, 60)


def _declined(script: _Script, net: int, gross: int) -> None:
    made = _invoice(script, net)
    script.add("fail", {}, made)
    script.add("pay", {"fee": FEE}, made)
    script.expect("charge", gross, FEE)


def _refunded(script: _Script, net: int, gross: int) -> None:
    paid = script.add("pay", {"fee": FEE}, _invoice(script, net))
    script.add("refund", {"amount": 3000}, paid)
    script.expect("charge", gross, FEE)
    script.expect("refund", -3000)


def _loose(script: _Script, net: int, gross: int) -> None:
    script.add("charge", {"amount": gross, "fee": FEE, "metadata": {"order": "1001"}})
    script.expect("charge", gross, FEE)


_WAYS = (_whole, _parts, _slow, _declined, _refunded, _loose)


def _evening(script: _Script, amount: int) -> None:
    """A lost and a won dispute, a warning, a refund that fails, a payment taken back, a monthly fee."""
    for ends in ("lost", "won"):
        paid = script.add("charge", {"amount": amount, "fee": FEE})
        script.expect("charge", amount, FEE)
        case = script.add("dispute", {"fee": DISPUTE_FEE}, paid)
        script.expect("dispute", -amount, DISPUTE_FEE)
        script.add("dispute", {"outcome": ends}, case)
        if ends == "won":
            script.expect("dispute_reversal", amount)
    warned = script.add("charge", {"amount": amount, "fee": FEE})
    script.expect("charge", amount, FEE)
    script.add("dispute", {"warning": True}, warned)
    back = script.add("refund", {"amount": 1000}, warned)
    script.expect("refund", -1000)
    script.add("settle_refund", {"outcome": "failed"}, back)
    script.expect("refund_failure", 1000)
    taken = script.add("charge", {"amount": amount, "fee": FEE, "method": "sepa_debit"})
    script.expect("charge", amount, FEE)
    script.add("fail_late", {}, taken)
    script.expect("charge_failure", -amount)
    script.add("adjust", {"amount": -4900, "type": "stripe_fee", "category": "fee", "description": "Billing"})
    script.expect("fee", -4900)
