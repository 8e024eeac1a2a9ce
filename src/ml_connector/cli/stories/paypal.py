"""A web seller's day on PayPal, booked in Visma: paid, refunded, converted, disputed, held and mended.

It is interrupted, replayed and proven against PayPal's own balances.
"""

from __future__ import annotations

import time
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from ml_connector.cli.output import Output
from ml_connector.cli.stories import steps
from ml_connector.cli.stories.door import listening
from ml_connector.cli.stories.steps import DAYS_AGO, Stage
from ml_connector.finance.money import Money
from ml_connector.logs import Redactor

SELLER = "Lind & Ljus"
CURRENCY = "SEK"
BALANCES = {"SEK": "1591", "EUR": "1592", "USD": "1593", "JPY": "1594"}
KARI = {"number": "10020", "name": "Kari Nordmann", "currency": "base", "terms": "0", "email": "kari@example.com"}
BANK = "1930"
FEES = ("6570", "6571")
JOURNAL, INVOICE = "POST /v2/journaltransaction", "POST /v2/customerinvoice"
POSTS = (INVOICE, "POST /v2/customerCreditNote", "POST /v1/customerPayment", JOURNAL)
WITHDRAWN = frozenset({"T0400", "T0403", "T1101"})
RING_LIMIT_S = 15.0
TIME_SCALE = 0.005  # PayPal sends again what was answered 503 after two minutes: here after 0.6 s


def tell(folder: Path, out: Output, *, redactor: Redactor) -> dict[str, Any]:
    """Tell the whole story in `folder`; what came of it. Ends by itself, with every process it started."""
    began = time.monotonic()
    with steps.stage(
        folder, out, source="paypal", title="PayPal", currency=CURRENCY, redactor=redactor, time_scale=TIME_SCALE
    ) as s:
        day = s.works.clock.now().date() - timedelta(days=DAYS_AGO)
        open_the_books(s, day)
        with listening(s.works) as address:
            let_paypal_ring(s, address)
            expected = play(s, day)
            rung = listen(s)
            s.out.say(f"{rung} signed webhook deliveries arrived; each was stored before it was answered.")
            steps.read_and_post(s)
            told = steps.show_vouchers(s)
            steps.mend_what_is_held(s)
            truth = compare_with_the_truth(s, expected)
            cut = cut_the_line(s)
            again = steps.replay_everything(s, POSTS)
            return {
                **steps.count(s), "notices": rung, "vouchers_shown": told, "held_and_mended": s.held, "truth": truth,
                "interrupted": cut, "replayed": again, **steps.prove(s, place="PayPal"),
                "seconds": round(time.monotonic() - began, 1),
            }  # fmt: skip


def open_the_books(s: Stage, day: date) -> None:
    """A company in Visma with a cash account for each of PayPal's balances, an account at PayPal, the route between."""
    accounts = [
        {"number": number, "description": f"PayPal {currency}", "type": "Asset", "currency": currency, "cash": True}
        for currency, number in BALANCES.items()
    ]
    company = s.visma.do("seed_company", name=SELLER, base_currency=CURRENCY, accounts=accounts, customers=[KARI])
    seller = s.source.do("seed_merchant", name=SELLER, currency=CURRENCY, held=["EUR"])
    s.source.do("knobs", cert_base_url=s.source.url, report_lag_s=0.0)
    steps.connect_visma(s, company)
    steps.connect_source(
        s, connector="paypal", code="pp", title="PayPal", settings={"requests_per_second": "1000"},
        credentials={
            "client_id": seller["client_id"], "client_secret": seller["client_secret"],
            "webhook_roots": s.source.do("certificates")["root"],
        },
    )  # fmt: skip
    rules = steps.open_route(s, company=SELLER, flow="paypal_to_visma", code="pp", day=day, files_of="paypal")
    s.out.say(f"Set up: books in SEK, PayPal balances in SEK and EUR, {rules} rules, checked against the chart.")


def let_paypal_ring(s: Stage, address: str) -> None:
    """A webhook door, and the app's webhook that rings it, made through PayPal's own API."""
    steps.open_door(s, "pp", address)
    s.out.say(
        "PayPal's webhook is made; each delivery's RSA signature is checked with PayPal's certificate, taken from its "
        "own host alone and proven to the root."
    )


def play(s: Stage, day: date) -> dict[str, Any]:
    """One business day of trade; what it must add up to, by the sandbox's own arithmetic."""
    played: dict[str, Any] = s.source.do("play_day", date=day.isoformat())
    counts = played["counts"]
    s.out.say(
        f"{day}: {counts['capture']} payments in four currencies and {counts['refund']} refunds; some taken by another "
        f"app, some pending or declined, {counts['invoice']} PayPal invoices, conversions, a fee, holds, two cases, "
        "withdrawals of which one comes back."
    )
    return played


def listen(s: Stage) -> int:
    """Wait until the deliveries are in the inbox; how many arrived.

    The first ones are answered 503 while the certificate is fetched beside the door; PayPal sends them again.
    """
    until = time.monotonic() + RING_LIMIT_S
    before = -1
    while time.monotonic() < until:
        webhooks = s.source.do("truth")["webhooks"]
        arrived = int(webhooks["delivered"])
        if arrived == before and not int(webhooks["waiting"]):
            break
        before = arrived
        time.sleep(0.3)
    return max(before, 0)


# ------------------------------------------------------------------------------------------- what came of it


def compare_with_the_truth(s: Stage, expected: dict[str, Any]) -> dict[str, Any]:
    """What the ledger adds up to, beside what the sandbox says the day was."""
    wanted = _wanted(expected)
    sums = totals(s)
    truth = {
        name: {
            "expected": str(amount), "ledger": str(sums.get(name, Money.zero(amount.currency))),
            "equal": sums.get(name, Money.zero(amount.currency)) == amount,
        }
        for name, amount in wanted.items()
    }  # fmt: skip
    steps.tell_truth(s, truth)
    return truth


def _wanted(expected: dict[str, Any]) -> dict[str, Money]:
    """By currency: what PayPal shows as available, what payments and disputes cost, what went to the bank."""
    wanted: dict[str, Money] = {}
    for currency, codes in expected["expected"].items():
        available = expected["balances"].get(currency, {}).get("available", "0")
        cost = sum((-Decimal(one["fee"]) for one in codes.values()), Decimal(0))
        cost += sum((-Decimal(codes[code]["amount"]) for code in ("T0107", "T0106") if code in codes), Decimal(0))
        bank = sum((-Decimal(codes[code]["amount"]) for code in WITHDRAWN if code in codes), Decimal(0))
        wanted[f"available {currency}"] = Money.of(available, currency)
        wanted[f"fees {currency}"] = Money.of(cost, currency)
        if bank:
            wanted[f"to the bank {currency}"] = Money.of(bank, currency)
    return wanted


def totals(s: Stage) -> dict[str, Money]:
    """The day by the pretend ledger's own books: PayPal's cash accounts, fees and bank, by currency."""
    sums: dict[tuple[str, str], Decimal] = {}
    for voucher in s.visma.do("books")["vouchers"]:
        currency = voucher["currency"]
        for line in voucher["lines"]:
            name = _counts_as(line["account"])
            if name:
                moved = Decimal(line["debit"]) - Decimal(line["credit"])
                sums[name, currency] = sums.get((name, currency), Decimal(0)) + moved
    return {f"{name} {currency}": Money.of(amount, currency) for (name, currency), amount in sums.items()}


def _counts_as(account: str) -> str:
    if account in BALANCES.values():
        return "available"
    if account in FEES:
        return "fees"
    return "to the bank" if account == BANK else ""


def cut_the_line(s: Stage) -> dict[str, Any]:
    """Visma books a voucher and the line breaks before the answer: it must be in the ledger once."""
    s.out.say("\nNow Visma takes a voucher, and the line breaks before it can answer.")

    def sell() -> str:
        sale = s.source.do("capture", gross="125.00", currency=CURRENCY, payer=1)
        listen(s)
        _read_the_row(s)
        return str(sale["capture_id"])

    return steps.lost_answer(s, JOURNAL, sell)


def _read_the_row(s: Stage) -> None:
    """The report's row is what is booked, and it may come a moment after the webhook."""
    until = time.monotonic() + RING_LIMIT_S
    while time.monotonic() < until:
        steps.poll_now(s)
        steps.settle(s)
        if not steps.count(s)["waiting"]:
            return
        time.sleep(0.2)
