"""A web shop's day on WooCommerce, booked in Visma: invoiced, paid, refunded, held and mended.

It is interrupted, corrected, replayed and proven.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from ml_connector.cli.output import Output
from ml_connector.cli.stories import steps
from ml_connector.cli.stories.door import listening
from ml_connector.cli.stories.steps import DAYS_AGO, Stage
from ml_connector.engine import replaying, reviewing, ruling
from ml_connector.finance.money import Money
from ml_connector.logs import Redactor
from ml_connector.store import records, trips
from ml_connector.store.trips import Trip

SHOP = "Fjord & Fjäll"
CURRENCY = "SEK"
GATEWAYS = {
    "stripe": ("1583", "Clearing Stripe"),
    "ppcp-gateway": ("1584", "Clearing PayPal"),
    "klarna_payments": ("1586", "Clearing Klarna"),
    "cod": ("1587", "Clearing cash on delivery"),
    "bacs": ("1588", "Clearing bank transfers"),
}
ABROAD = {"number": "10003", "name": "Shop customers, EU, in SEK", "zone": "EU", "currency": "SEK", "terms": "0"}
RECEIVABLE, SHIPPING, ADVANCES = "1510", "3520", "2420"
VAT = {"25": "2611", "12": "2621"}
INVOICE = "POST /v2/customerinvoice"
POSTS = (INVOICE, "POST /v2/customerCreditNote", "POST /v2/customerpayment", "POST /v2/journaltransaction")
RING_LIMIT_S = 15.0


def tell(folder: Path, out: Output, *, redactor: Redactor) -> dict[str, Any]:
    """Tell the whole story in `folder`; what came of it. Ends by itself, with every process it started."""
    began = time.monotonic()
    with steps.stage(folder, out, source="woocommerce", title="WooCommerce", currency=CURRENCY, redactor=redactor) as s:
        day = s.works.clock.now().date() - timedelta(days=DAYS_AGO)
        open_the_books(s, day)
        with listening(s.works) as address:
            let_the_shop_ring(s, address)
            expected = play(s, day)
            rung = listen(s)
            s.out.say(f"{rung} signed webhook deliveries arrived; each was stored before it was answered.")
            steps.read_and_post(s)
            told = steps.show_vouchers(s)
            steps.mend_what_is_held(s)
            truth = compare_with_the_truth(s, expected)
            cut, order = cut_the_line(s)
            again = steps.replay_everything(s, POSTS)
            told_all = {
                **steps.count(s), "notices": rung, "vouchers_shown": told, "held_and_mended": s.held, "truth": truth,
                "interrupted": cut, "replayed": again, **steps.prove(s, place="the payment method"),
            }  # fmt: skip
            edited = edit_after_posting(s, order)
            sold = sell_by_order(s)
            seconds = round(time.monotonic() - began, 1)
            return {**told_all, "edited_after_posting": edited, "sold_by_order": sold, "seconds": seconds}


def open_the_books(s: Stage, day: date) -> None:
    """A company in Visma with a clearing account for each payment method, a shop, the route, its terms and rules."""
    accounts = [
        {"number": number, "description": name, "type": "Asset", "currency": "base", "cash": True}
        for number, name in GATEWAYS.values()
    ]
    company = s.visma.do("seed_company", name=SHOP, base_currency=CURRENCY, accounts=accounts, customers=[ABROAD])
    shop = s.source.do("seed_store", name=SHOP, currency=CURRENCY)
    s.source.do("knobs", job_delay_s=0.1)
    steps.connect_visma(s, company)
    steps.connect_source(
        s, connector="woocommerce", code="wc", title=SHOP, settings={},
        credentials={name: shop[name] for name in ("consumer_key", "consumer_secret")},
    )  # fmt: skip
    rules = steps.open_route(s, company=SHOP, flow="woocommerce_to_visma", code="wc", day=day, files_of="woocommerce")
    s.out.say(f"Set up: books in SEK, one web shop, five payment methods, {rules} rules, checked against the chart.")


def let_the_shop_ring(s: Stage, address: str) -> None:
    """A webhook door, and the shop's webhooks that ring it, made through the shop's own API."""
    steps.open_door(s, "wc", address)
    s.out.say("The shop's webhooks are made; deliveries are signed, and each signature is checked.")


def play(s: Stage, day: date) -> dict[str, Any]:
    """One business day of trade; what it must add up to, by the sandbox's own arithmetic."""
    played: dict[str, Any] = s.source.do("play_day", date=day.isoformat())
    (row,) = played["expected"]
    s.out.say(
        f"{day}: {row['orders']} orders sold and {row['refunds']} refunds; two VAT rates, coupons, shipping, fees, a "
        f"company abroad, guests and customers, five payment methods. Gross {_money(row['gross'])}."
    )
    found: dict[str, Any] = row
    return found


def listen(s: Stage) -> int:
    """Wait until the shop has delivered what it had to tell; how many deliveries arrived."""
    until = time.monotonic() + RING_LIMIT_S
    before = -1
    while time.monotonic() < until:
        webhooks = s.source.do("webhook_health")
        arrived = sum(int(one["delivered"]) for one in webhooks)
        if arrived == before and not any(int(one["pending"]) for one in webhooks):
            break
        before = arrived
        time.sleep(0.4)
    return max(before, 0)


# ------------------------------------------------------------------------------------------- what came of it


def compare_with_the_truth(s: Stage, expected: dict[str, Any]) -> dict[str, Any]:
    """What the ledger adds up to, beside what the sandbox says the day was."""
    sums = totals(s)
    wanted = {"gross": expected["gross"], "shipping": expected["shipping"], "refunded": expected["refunded"]}
    wanted |= {f"vat {rate}": expected["tax"].get(rate, "0") for rate in VAT}
    for name in GATEWAYS:
        wanted[f"paid {name}"] = expected["gateways"].get(name, "0")
        wanted[f"refunded {name}"] = expected["refund_gateways"].get(name, "0")
    truth = {
        name: {"expected": str(_money(text)), "ledger": str(sums[name]), "equal": _money(text) == sums[name]}
        for name, text in wanted.items()
    }
    steps.tell_truth(s, truth)
    return truth


def totals(s: Stage) -> dict[str, Money]:
    """The day by the pretend ledger's own books: invoiced, VAT by rate, shipping, paid and refunded by method."""
    kinds = {one.token: one.kind for one in steps.posted(s) if one.lines}
    names = ["gross", "shipping", "refunded", *(f"vat {rate}" for rate in VAT)]
    names += [f"{verb} {name}" for name in GATEWAYS for verb in ("paid", "refunded")]
    sums = dict.fromkeys(names, Decimal(0))
    for voucher in s.visma.do("books")["vouchers"]:
        kind = next((kinds[str(line["text"])] for line in voucher["lines"] if line["text"] in kinds), "")
        for line in voucher["lines"]:
            name, side = _counts_as(kind, line["account"])
            if name:
                sums[name] += Decimal(line[side]) - Decimal(line["credit" if side == "debit" else "debit"])
    return {name: _money(amount) for name, amount in sums.items()}


def _counts_as(kind: str, account: str) -> tuple[str, str]:
    """What a line counts as, and on which side; ("", "") where it counts as nothing."""
    gateway = next((name for name, (number, _) in GATEWAYS.items() if number == account), "")
    if kind == "customer_payment" and gateway:
        return f"paid {gateway}", "debit"
    if kind == "customer_refund" and gateway:
        return f"refunded {gateway}", "credit"
    if kind == "credit_note" and account == RECEIVABLE:
        return "refunded", "credit"
    if kind == "customer_invoice":
        rate = next((rate for rate, number in VAT.items() if number == account), "")
        if account == RECEIVABLE:
            return "gross", "debit"
        return ("shipping", "credit") if account == SHIPPING else (f"vat {rate}" if rate else "", "credit")
    return "", ""


def cut_the_line(s: Stage) -> tuple[dict[str, Any], dict[str, Any]]:
    """Visma books an invoice and the line breaks before the answer: it must be there once. Also the shop's order."""
    s.out.say("\nNow Visma takes an invoice, and the line breaks before it can answer.")
    sold: dict[str, Any] = {}

    def sell() -> str:
        sold.update(s.source.do("order", lines=[{"price": "125.00", "tax": "25"}], gateway="stripe")["order"])
        listen(s)
        return str(sold["id"])

    return steps.lost_answer(s, INVOICE, sell), sold


def edit_after_posting(s: Stage, order: dict[str, Any]) -> dict[str, Any]:
    """Somebody changes an order that is booked: a correction is asked for, and nothing is posted without an answer."""
    s.out.say(f"\nSomebody lowers order {order['id']} in the shop after it was booked.")
    before = {one.token for one in steps.posted(s)}
    line = order["line_items"][0]
    s.source.do("edit_order", order_id=order["id"], change={"line_items": [{"id": line["id"], "total": "80.00"}]})
    listen(s)
    steps.settle(s)
    asked = reviewing.open_items(s.works, s.workspace)
    for item in asked:
        s.out.say(f"Asked: {item.sentence}")
    untouched = before == {one.token for one in steps.posted(s)}
    return {"order": str(order["id"]), "asked": [one.code for one in asked], "ledger_untouched": untouched}


def sell_by_order(s: Stage) -> dict[str, Any]:
    """From now on orders become sales orders: people ship and invoice one, and its prepayment is put against that."""
    s.out.say("\nFrom now on people ship and invoice in Visma: the route makes sales orders of the shop's orders.")
    s.visma.do("set_item", number="GOODS", description="Goods", vat="25", account="3001")
    terms = replace(ruling.terms_now(s.works, s.route_ids[0]), order_document="sales_order",
                    order_items={"sales": "GOODS"})  # fmt: skip
    ruling.save_terms(s.works, s.route_ids[0], terms, by="demo")
    bought = s.source.do("order", lines=[{"price": "250.00", "tax": "25"}], gateway="stripe")["order"]
    listen(s)
    steps.settle(s)
    trip = _trip_of(s, str(bought["id"]))
    (order,) = s.visma.do("sales_orders")
    s.out.say(
        f"Sales order {order['number']} of {order['total']} was made on hold, compared, and is {order['status']} now; "
        f"{_advances(s)} of prepayments stand in the ledger. It waits: {trip.reason}."
    )
    made = s.visma.do("invoice_sales_order", number=order["number"])
    s.out.say(f"Somebody ships it and makes invoice {made['invoice']} of it; it is looked at again at once, by name.")
    s.works.parties.forget()  # what people make in the ledger is remembered for five minutes
    replaying.replay_trips(s.works, s.workspace, [trip.id], by="demo")
    steps.settle(s)
    state, left = _trip_of(s, str(bought["id"])).state, _advances(s)
    s.out.say(
        f"The prepayment is put against invoice {made['invoice']}: {left} is left of it, and the order is {state}."
    )
    return {"order": order["number"], "waited": trip.reason, "invoice": made["invoice"], "left": left, "state": state}


def _trip_of(s: Stage, order_id: str) -> Trip:
    with s.works.database.reading() as c:
        record = records.by_names(c, s.source_id, "order", [order_id])[order_id]
        return trips.of_record(c, record.id)[0]


def _advances(s: Stage) -> str:
    balance: dict[str, str] = s.visma.do("balances")["accounts"].get(ADVANCES, {})
    return str(-_money(balance.get(CURRENCY, "0")))


def _money(amount: Any) -> Money:
    return Money.of(Decimal(str(amount)), CURRENCY)
