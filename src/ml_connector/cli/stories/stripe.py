"""Invoices of the ledger, collected by Stripe: sent, paid in many ways, disputed, paid out, followed.

It is interrupted, replayed and proven against Stripe's own balance.
"""

from __future__ import annotations

import time
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from ml_connector.cli.output import Output
from ml_connector.cli.stories import ledger, steps
from ml_connector.cli.stories.door import listening
from ml_connector.cli.stories.steps import DAYS_AGO, Stage
from ml_connector.engine import collecting
from ml_connector.finance.money import Money
from ml_connector.logs import Redactor

SELLER, CURRENCY = "Ek & Eko", "SEK"
BALANCES = {"SEK": "1583", "EUR": "1595"}
CLEARING, BANK, FEES = BALANCES[CURRENCY], "1930", ("6570", "6571")
CUSTOMERS = ("10010", "10020", "10030")
KARI = {"number": "10020", "name": "Kari Nordmann", "currency": "base", "terms": "30", "email": "kari@example.com"}
OLA = {"number": "10030", "name": "Ola Ek AB", "currency": "base", "terms": "30", "email": "ola@example.com"}
INVOICES = 14
PAYMENT, JOURNAL = "POST /v1/customerPayment", "POST /v2/journaltransaction"
POSTS = (PAYMENT, JOURNAL, "POST /v2/customerCreditNote")
TIME_SCALE = 0.0  # Stripe's own delays: none
RING_LIMIT_S = 15.0


def tell(folder: Path, out: Output, *, redactor: Redactor) -> dict[str, Any]:
    """Tell the whole story in `folder`; what came of it. Ends by itself, with every process it started."""
    began = time.monotonic()
    with steps.stage(
        folder, out, source="stripe", title="Stripe", currency=CURRENCY, redactor=redactor, time_scale=TIME_SCALE
    ) as s:
        day = s.works.clock.now().date() - timedelta(days=DAYS_AGO)
        open_the_books(s, day)
        with listening(s.works) as address:
            steps.open_door(s, "st", address)
            s.out.say("Stripe's webhook endpoint is made by the key; its signing secret went into the vault at once.")
            sent = send_invoices(s, day)
            customers_pay(s, sent)
            rung = listen(s)
            s.out.say(f"{rung} signed events arrived; each was stored before it was answered.")
            steps.read_and_post(s)
            told = steps.show_vouchers(s)
            steps.mend_what_is_held(s)
            people_change_their_minds(s, sent)
            truth = compare_with_the_truth(s, sent)
            cut = cut_the_line(s, sent)
            again = steps.replay_everything(s, POSTS)
            return {
                **steps.count(s), "sent": len(sent), "notices": rung, "vouchers_shown": told,
                "held_and_mended": s.held, "truth": truth, "interrupted": cut, "replayed": again,
                **steps.prove(s, place="Stripe"), "seconds": round(time.monotonic() - began, 1),
            }  # fmt: skip


def open_the_books(s: Stage, day: date) -> None:
    """A company in Visma with a cash account for Stripe's balance, an account at Stripe, a route each way."""
    accounts = [
        {"number": number, "description": f"Stripe {currency}", "type": "Asset", "currency": currency, "cash": True}
        for currency, number in BALANCES.items()
    ]
    company = s.visma.do("seed_company", name=SELLER, base_currency=CURRENCY, accounts=accounts, customers=[KARI, OLA])
    account = s.source.do("seed_account", name=SELLER)
    steps.connect_visma(s, company)
    steps.connect_source(
        s, connector="stripe", code="st", title="Stripe", credentials={"api_key": account["secret_key"]},
        settings={"requests_per_second": "1000"},
    )  # fmt: skip
    steps.open_company(s, company=SELLER, day=day)
    steps.add_route(s, flow="visma_to_stripe", code="st", files_of="stripe", outward=True)
    rules = steps.add_route(s, flow="stripe_to_visma", code="st", files_of="stripe")
    s.out.say(f"Set up: books in SEK, a Stripe account, a route each way, {rules} rules, checked against the chart.")


# ------------------------------------------------------------------------------------------- out


def send_invoices(s: Stage, day: date) -> dict[str, str]:
    """People write invoices in Visma; those to be paid by card go out, and one more on demand.

    Stripe's ids by number.
    """
    with steps.people_at_work(s):
        numbers = [_invoice(s, day, place) for place in range(INVOICES)]
        by_transfer = _invoice(s, day, INVOICES, method="BANK")
    s.out.say(f"{day}: {len(numbers) + 1} invoices are written in Visma, {len(numbers)} of them to be paid by card.")
    with s.out.progress("sending invoices") as advance:
        steps.poll_now(s)
        steps.settle(s, advance)
    before = len(sent_to_stripe(s))
    collecting.ask_for(s.works, s.route_ids[0], [by_transfer], by=steps.BY)
    steps.settle(s)
    sent = sent_to_stripe(s)
    s.out.say(f"Sent: {before}, to the last cent of VAT; then one more, asked for by its number. In Stripe now:")
    for one in _shown(s)[:3]:
        s.out.say(
            f"    {one['number']:<12} {one['total'] / 100:>12,.2f} SEK  {one['status']}  {one['hosted_invoice_url']}"
        )
    return sent


def _invoice(s: Stage, day: date, place: int, *, method: str = "CARD") -> str:
    rates = ("25", "12", "06")
    lines = [
        {"accountNumber": account, "quantity": 1 + place % 3, "unitPriceInCurrency": 300 + 37 * place,
         "vatCodeId": rate, "description": text}
        for account, rate, text in zip(("3001", "3002", "3003"), rates[: 1 + place % 3], ("Work", "Food", "Books"),
                                       strict=False)
    ]  # fmt: skip
    header = {
        "customerNumber": CUSTOMERS[place % 3], "documentDate": f"{day}T00:00:00", "paymentMethodId": method,
        "hold": False, "dontPrint": True, "dontEmail": True,
    }  # fmt: skip
    body = {**_wrapped(header), "invoiceLines": [{"operation": "Insert", **_wrapped(line)} for line in lines]}
    number = str(s.visma.do("by_hand", path="/v2/customerinvoice", body=body)["number"])
    s.visma.do("by_hand", path=f"/v1/customerinvoice/{number}/action/release", body={})
    return number


def sent_to_stripe(s: Stage) -> dict[str, str]:
    """Stripe's ids by the ledger's numbers."""
    return {one["metadata"]["visma_invoice_no"]: one["id"] for one in _shown(s)}


def _shown(s: Stage) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = s.source.do("truth", detail=True)["objects"].get("invoice", [])
    return found


# ------------------------------------------------------------------------------------------- what happens


def customers_pay(s: Stage, sent: dict[str, str]) -> None:
    """Customers pay whole, in parts, slowly, after a declined card; refunds, disputes, a payout."""
    there = list(sent.values())
    paid = [s.source.do("pay", invoice_id=one)["charge_id"] for one in there[:6]]
    s.source.do("pay", invoice_id=there[6], amount=10_000)
    s.source.do("pay", invoice_id=there[6])
    s.source.do("fail", invoice_id=there[7])
    s.source.do("pay", invoice_id=there[7])
    slow = s.source.do("pay", invoice_id=there[8], method="sepa_debit", slow=True)
    s.source.do("settle", charge_id=slow["charge_id"])
    s.source.do("charge", amount=49_900, currency="sek", description="At the fair")
    s.source.do("refund", charge_id=paid[0], amount=5_000)
    won = s.source.do("dispute", charge_id=paid[1], reason="product_not_received")
    s.source.do("dispute", dispute_id=won["dispute_id"], outcome="won")
    lost = s.source.do("dispute", charge_id=paid[2], reason="fraudulent")
    s.source.do("dispute", dispute_id=lost["dispute_id"], outcome="lost")
    s.source.do("dispute", charge_id=paid[3], reason="duplicate")
    s.source.do("payout", pending=True)
    s.out.say(
        "Customers pay: whole, in parts, by direct debit, after a declined card; one at a fair, without an invoice. "
        "A refund, a dispute won, one lost, one open, and the payout of it all."
    )


def people_change_their_minds(s: Stage, sent: dict[str, str]) -> None:
    """In Visma, one invoice is paid to the bank, one is credited: Stripe must follow."""
    to_bank, credited = list(sent)[9:11]
    with steps.people_at_work(s):
        _pay_to_bank(s, to_bank)
        s.visma.do("by_hand", path=f"/v1/customerinvoice/{credited}/action/reverseandapplytonote", body={})
    steps.poll_now(s)
    steps.settle(s)
    states = {one["metadata"]["visma_invoice_no"]: one["status"] for one in _shown(s)}
    s.out.say(
        f"\nIn Visma, invoice {to_bank} is paid to the bank and {credited} is credited: at Stripe they are "
        f"{states[to_bank]} and {states[credited]} now."
    )


def _pay_to_bank(s: Stage, number: str) -> None:
    found = s.visma.do("by_hand", method="GET", path=f"/v1/customerinvoice/{number}")["body"]
    header = {
        "type": "Payment", "customer": found["customer"]["number"], "paymentMethod": "BANK", "cashAccount": BANK,
        "applicationDate": found["documentDate"], "paymentRef": "by bank", "hold": False,
        "paymentAmount": found["balanceInCurrency"],
    }  # fmt: skip
    row = {"documentType": "Invoice", "refNbr": number, "amountPaid": found["balanceInCurrency"]}
    body = {**_wrapped(header), "paymentLines": [{"operation": "Insert", **_wrapped(row)}]}
    paid = s.visma.do("by_hand", path="/v1/customerPayment", body=body)["number"]
    s.visma.do("by_hand", path=f"/v1/customerPayment/{paid}/action/release", body=_wrapped({"type": "Payment"}))


def listen(s: Stage) -> int:
    """Wait until the events are in the inbox; how many arrived."""
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


def compare_with_the_truth(s: Stage, sent: dict[str, str]) -> dict[str, Any]:
    """What the ledger adds up to, beside what Stripe shows."""
    found = s.source.do("truth")
    totals = found["categories"]["sek"]
    waiting = int(found["not_paid_out"].get("sek", {}).get("net", 0))
    sums = _ledger(s, sent)
    wanted = {
        "at Stripe": Money(waiting, CURRENCY),
        "to the bank": Money(-int(totals["payout"]["amount"]), CURRENCY),
        "fees": Money(sum(int(one["fee"]) for one in totals.values()), CURRENCY),
        "open invoices": Money(sum(one["amount_remaining"] for one in _shown(s) if one["status"] == "open"), CURRENCY),
    }
    truth = {
        name: {"expected": str(amount), "ledger": str(sums[name]), "equal": sums[name] == amount}
        for name, amount in wanted.items()
    }
    steps.tell_truth(s, truth)
    return truth


def _ledger(s: Stage, sent: dict[str, str]) -> dict[str, Money]:
    """The same by the pretend ledger's own books."""
    found = {account: Decimal(0) for account in (CLEARING, BANK, *FEES)}
    for voucher in s.visma.do("books")["vouchers"]:
        for line in voucher["lines"] if ledger.name_of(voucher) not in s.by_people else ():
            if line["account"] in found:
                found[line["account"]] += Decimal(line["debit"]) - Decimal(line["credit"])
    rows = s.visma.do("by_hand", method="GET", path="/v1/customerinvoice")["body"]
    left = sum((Decimal(str(row["balanceInCurrency"])) for row in rows if row["referenceNumber"] in sent), Decimal(0))
    return {
        "at Stripe": Money.of(found[CLEARING], CURRENCY), "to the bank": Money.of(found[BANK], CURRENCY),
        "fees": Money.of(sum((found[one] for one in FEES), Decimal(0)), CURRENCY),
        "open invoices": Money.of(left, CURRENCY),
    }  # fmt: skip


def cut_the_line(s: Stage, sent: dict[str, str]) -> dict[str, Any]:
    """Visma books a payment and the line breaks before the answer: it must be in the ledger once."""
    s.out.say("\nNow Visma takes a payment, and the line breaks before it can answer.")

    def pay() -> str:
        number, there = list(sent.items())[11]
        s.source.do("pay", invoice_id=there)
        listen(s)
        steps.poll_now(s)
        return number

    return steps.lost_answer(s, PAYMENT, pay)


def _wrapped(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: {"value": value} for name, value in fields.items()}
