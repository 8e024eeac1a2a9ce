"""A retailer's day on Square, booked in Visma: sold, read, posted, held, mended, interrupted, replayed and proven."""

from __future__ import annotations

import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from ml_connector.cli.output import Output
from ml_connector.cli.stories import ledger, steps
from ml_connector.cli.stories.door import listening
from ml_connector.cli.stories.steps import DAYS_AGO, Stage
from ml_connector.finance.money import Money
from ml_connector.logs import Redactor

SHOPS = (
    ("LOSLO", "Oslo", "Europe/Oslo"),
    ("LSTOCKHOLM", "Stockholm", "Europe/Stockholm"),
    ("LGOTHENBURG", "Gothenburg", "Europe/Stockholm"),
)
RING_LIMIT_S = 10.0
POST = "POST /v2/journaltransaction"


def tell(folder: Path, out: Output, *, redactor: Redactor) -> dict[str, Any]:
    """Tell the whole story in `folder`; what came of it. Ends by itself, with every process it started."""
    began = time.monotonic()
    with steps.stage(folder, out, source="square", title="Square", currency="EUR", redactor=redactor) as s:
        day = s.works.clock.now().date() - timedelta(days=DAYS_AGO)
        open_the_books(s, day)
        with listening(s.works) as address:
            let_square_ring(s, address)
            expected = play(s, day)
            rung = listen(s)
            s.out.say(f"{rung} signed webhook deliveries arrived; each was stored before it was answered.")
            steps.read_and_post(s)
            told = steps.show_vouchers(s)
            steps.mend_what_is_held(s)
            truth = compare_with_the_truth(s, expected)
            cut = cut_the_line(s)
            again = steps.replay_everything(s, (POST,))
            return {
                **steps.count(s), "notices": rung, "vouchers_shown": told, "held_and_mended": s.held, "truth": truth,
                "interrupted": cut, "replayed": again, **steps.prove(s, place="Square"),
                "seconds": round(time.monotonic() - began, 1),
            }  # fmt: skip


def open_the_books(s: Stage, day: date) -> None:
    """A company in Visma, a seller with three shops at Square, the route between them, its terms and rules."""
    company = s.visma.do("seed_company", name="Nordlys Butikker", base_currency="EUR")
    places = [{"id": key, "name": name, "timezone": zone} for key, name, zone in SHOPS]
    seller = s.source.do("seed_merchant", name="Nordlys Butikker", locations=places, currency="EUR")
    steps.connect_visma(s, company)
    steps.connect_source(
        s, connector="square", code="sq", title="Square",
        credentials={"access_token": seller["oauth_token"], "personal_access_token": seller["pat"]},
        settings={"requests_per_second": "1000"},
    )  # fmt: skip
    rules = steps.open_route(s, company="Nordlys Butikker", flow="square_to_visma", code="sq", day=day, files_of="demo")
    s.out.say(f"Set up: books in EUR, three shops, {rules} rules (version 1), checked against the chart.")


def let_square_ring(s: Stage, address: str) -> None:
    """A webhook door, and the subscription that rings it, made through Square's own API."""
    steps.open_door(s, "sq", address)
    s.out.say("Square's webhook subscription is made; its deliveries are signed, and each signature is checked.")


def play(s: Stage, day: date) -> dict[str, Any]:
    """One business day of trade; what it must add up to, by the sandbox's own arithmetic."""
    played: dict[str, Any] = s.source.do("play_day", date=day.isoformat())
    totals = played["totals"]
    s.out.say(
        f"{day}: {played['payments']} payments and {played['refunds']} refunds in three shops; two VAT rates, tips, "
        "gift cards, an invoice, a sale taken offline the evening before, three payouts. "
        f"Gross {_euro(totals['gross'])}."
    )
    return played


def listen(s: Stage) -> int:
    """Wait until the deliveries are in the inbox; how many things they named."""
    until = time.monotonic() + RING_LIMIT_S
    before = -1
    while time.monotonic() < until:
        webhooks = s.source.do("truth")["webhooks"]
        arrived = int(webhooks["delivered"])
        if arrived == before and arrived >= int(webhooks["queued"]):
            break
        before = arrived
        time.sleep(0.2)
    return max(before, 0)


def compare_with_the_truth(s: Stage, played: dict[str, Any]) -> dict[str, Any]:
    """What the ledger adds up to, beside what the sandbox says the day was."""
    sums = ledger.totals(s.visma.do("books")["vouchers"], steps.posted(s))
    wanted = {name: Money(int(played["totals"][name]), "EUR") for name in sums}
    truth = {
        name: {"expected": str(wanted[name]), "ledger": str(amount), "equal": wanted[name] == amount}
        for name, amount in sums.items()
    }  # fmt: skip
    steps.tell_truth(s, truth)
    return truth


def cut_the_line(s: Stage) -> dict[str, Any]:
    """Visma books a voucher and the line breaks before the answer: it must be in the ledger once."""
    s.out.say("\nNow Visma takes a voucher, and the line breaks before it can answer.")

    def sell() -> str:
        sale = s.source.do("sell", location_id=SHOPS[0][0])
        listen(s)
        return str(sale["order_id"])

    return steps.lost_answer(s, POST, sell)


def _euro(minor: int) -> str:
    return str(Money(minor, "EUR"))
