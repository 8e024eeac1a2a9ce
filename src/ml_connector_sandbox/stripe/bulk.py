"""Many paid invoices at once, by the very code that makes one, for measuring what reads them."""

from __future__ import annotations

from ml_connector_sandbox.core.instants import DAY, SECOND
from ml_connector_sandbox.stripe import control_trade
from ml_connector_sandbox.stripe.refusals import Json
from ml_connector_sandbox.stripe.seeding import book_of
from ml_connector_sandbox.stripe.state import World
from ml_connector_sandbox.stripe.times import read

MOST = 20_000


def bulk(world: World, arguments: Json, now: int) -> Json:
    """`n` invoices paid by card between `start` (a day ago) and `end` (now); `invoiced` false: charges alone."""
    book = book_of(world, arguments)
    n = int(arguments["n"])
    end = read(str(arguments["end"])) if arguments.get("end") else now
    start = read(str(arguments["start"])) if arguments.get("start") else end - DAY
    if not 0 < n <= MOST or not start < end <= now:
        raise ValueError(f"Make 1 to {MOST} payments, between a start and an end that lie in the past.")
    low, high = int(arguments.get("low", 10_000)), int(arguments.get("high", 500_000))
    own = {"account_id": book.account.id, "livemode": book.livemode}
    customers = [control_trade.customer(world, own, start)["customer_id"] for _ in range(min(n, 50))]
    gross = fees = 0
    ids: list[str] = []
    for number in range(n):
        at = start + (end - start) * number // n // SECOND * SECOND
        amount = low + world.mint.below(max(high - low, 1))
        if arguments.get("invoiced", True):
            one = {"customer_id": customers[number % len(customers)], "lines": [{"amount": amount}]}
            made = control_trade.pay(world, own | control_trade.invoice(world, own | one, at), at)
        else:
            made = control_trade.charge(world, own | {"amount": amount, "delay_s": 0}, at)
        gross, fees = gross + made["amount"], fees + made["fee"]
        ids.append(made["charge_id"])
    return {"n": n, "gross": gross, "fees": fees, "first_charge_id": ids[0], "last_charge_id": ids[-1]}
