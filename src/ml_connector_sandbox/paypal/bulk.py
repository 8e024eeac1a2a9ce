"""Much trade at once: many plain sales in one call, evenly over a time, without a word to any webhook."""

from __future__ import annotations

from dataclasses import replace

from ml_connector_sandbox.core.instants import DAY
from ml_connector_sandbox.paypal import payments
from ml_connector_sandbox.paypal.control_trade import merchant_of, moment, money
from ml_connector_sandbox.paypal.ids import Mint
from ml_connector_sandbox.paypal.money import text
from ml_connector_sandbox.paypal.payments import Sale
from ml_connector_sandbox.paypal.refusals import Json
from ml_connector_sandbox.paypal.state import World
from ml_connector_sandbox.paypal.times import read, stamp

_MOST = 200_000


def bulk(world: World, arguments: Json, now: int) -> Json:
    """`n` sales from `start` to `end` (the day before now), each between `low` and `high`; `events` tells of them."""
    merchant = merchant_of(world, arguments)
    count = int(arguments["n"])
    if not 1 <= count <= _MOST:
        raise ValueError(f"n is {count}: use 1 to {_MOST}.")
    end = moment({"at": arguments.get("end")}, now)
    start = read(str(arguments["start"])) if arguments.get("start") else end - DAY
    if start >= end:
        raise ValueError("start must lie before end.")
    currency = str(arguments.get("currency", merchant.currency))
    low, high = (money({"low": "100.00", "high": "900.00"} | arguments, name, currency) for name in ("low", "high"))
    app = "" if arguments.get("elsewhere") else world.app_of(merchant, arguments.get("client_id")).client_id
    dice, gross, fees, ids = Mint(int(arguments.get("seed", 0))), 0, 0, []
    silent = "" if not arguments.get("events") else app
    name = world.mint.code(6)
    for n in range(count):
        sale = Sale(
            low + dice.below(high - low + 1), currency, merchant.payers[n % len(merchant.payers)], client_id=silent,
            invoice_id=f"bulk-{name}-{n}",
        )  # fmt: skip
        capture = payments.take(world, merchant, sale, start + (end - start) * n // count)
        capture.sale = replace(sale, client_id=app)
        gross, fees = gross + sale.amount, fees + capture.fee
        ids.append(capture.id)
    return {
        "n": count, "start": stamp(start), "end": stamp(end), "currency": currency, "gross": text(gross, currency),
        "fees": text(fees, currency), "first_capture_id": ids[0], "last_capture_id": ids[-1],
    }  # fmt: skip
