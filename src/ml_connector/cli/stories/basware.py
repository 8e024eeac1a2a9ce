"""A company that buys: orders and receipts out to Basware, approved invoices back into Visma, paid and told.

What was refused is mended, a lost answer found, everything replayed and proven.
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
from ml_connector.engine import reviewing
from ml_connector.errors import ConnectorError
from ml_connector.finance.money import Money
from ml_connector.logs import Redactor
from ml_connector.store import trips

BUYER, CURRENCY, COMPANY = "Berg & Bord", "SEK", "SE01"
SUPPLIERS = [
    {
        "number": "50012", "name": "Nordlys Kontor AB", "zone": "SE", "currency": "base", "terms": "30",
        "corporate_id": "5560001234", "vat_registration": "SE556000123401", "email": "post@nordlys.example",
    },
    {"number": "50013", "name": "Sydvind Stolar AB", "zone": "SE", "currency": "base", "terms": "N5"},
]  # fmt: skip
ORDERS = 6
SUPPLIER_INVOICE = "POST /v1/supplierInvoice"
PAYABLE, BANK = "2440", "1930"
SENT = (
    "accounts", "costCenters", "lists/ACC_LIST_1", "taxCodes", "paymentTerms", "vendors", "matchingOrders",
    "matchingOrderLines",
)  # fmt: skip
BOOKED = ("Transferred", "Paid")
MOVING = ("received", "planned", "posting")
TIME_SCALE = 0.005  # Basware works on what it took in for up to half a minute: here for 0.15 s
RING_LIMIT_S, REST_LIMIT_S = 5.0, 30.0


def tell(folder: Path, out: Output, *, redactor: Redactor) -> dict[str, Any]:
    """Tell the whole story in `folder`; what came of it. Ends by itself, with every process it started."""
    began = time.monotonic()
    with steps.stage(
        folder, out, source="basware", title="Basware", currency=CURRENCY, redactor=redactor, time_scale=TIME_SCALE
    ) as s:
        day = s.works.clock.now().date() - timedelta(days=DAYS_AGO)
        open_the_books(s, day)
        orders = people_order(s, day)
        sent = send_everything(s)
        mend_the_terms(s)
        with listening(s.works) as address:
            steps.open_door(s, "bw", address)
            s.out.say("\nBasware's subscription is made; each push is proven by its HMAC before it is stored.")
            offered = people_approve(s, orders)
            rung = listen(s)
            s.out.say(f"{rung} signed pushes arrived; polling finds the documents all the same.")
            bring_back(s)
            mend_the_sums(s, offered)
            told = steps.show_vouchers(s)
            pay(s)
            cut = cut_the_line(s)
            truth = compare_with_the_truth(s)
            again = steps.replay_everything(s, (SUPPLIER_INVOICE,))
            return {
                **steps.count(s), **sent, "notices": rung, "vouchers_shown": told, "held_and_mended": s.held,
                "truth": truth, "interrupted": cut, "replayed": again, **steps.prove(s, place="Basware"),
                "seconds": round(time.monotonic() - began, 1),
            }  # fmt: skip


def open_the_books(s: Stage, day: date) -> None:
    """A company in Visma that buys, a tenant at Basware, a route each way; one payment term that cannot be right."""
    company = s.visma.do(
        "seed_company", name=BUYER, base_currency=CURRENCY, suppliers=SUPPLIERS,
        credit_terms=[{"id": "N5", "description": "5 days", "days": -5}],
    )  # fmt: skip
    tenant = s.source.do("seed_tenant", name=BUYER, companies=[{"code": COMPANY, "currency": CURRENCY}])
    steps.connect_visma(s, company)
    steps.connect_source(
        s, connector="basware", code="bw", title="Basware", settings={"requests_per_second": "1000"},
        credentials={"client_id": tenant["client_id"], "client_secret": tenant["client_secret"]},
    )  # fmt: skip
    steps.open_company(s, company=BUYER, day=day)
    steps.add_route(s, flow="visma_to_basware", code="bw", files_of="basware", outward=True)
    rules = steps.add_route(s, flow="basware_to_visma", code="bw", files_of="basware")
    s.out.say(f"Set up: books in SEK, a Basware tenant, a route each way, {rules} rules, checked against the chart.")


# ------------------------------------------------------------------------------------------- out


def people_order(s: Stage, day: date) -> list[str]:
    """Buyers order, the warehouse receives most of it; the orders' numbers."""
    numbers = []
    for place in range(ORDERS):
        lines = [
            {"article": f"CHAIR-{n}", "text": f"Chair {n}", "quantity": 10 + n, "price": f"{80 + 7 * place}.50",
             "vat": "25", "account": "4000", "segments": {"1": "10", "2": "100"}}
            for n in range(1, 3 + place % 2)
        ]  # fmt: skip
        supplier = SUPPLIERS[place % 2]["number"]
        number = str(s.visma.do("order_goods", supplier=supplier, day=day.isoformat(), lines=lines)["number"])
        s.visma.do("receive_goods", order=number, day=day.isoformat())
        numbers.append(number)
    s.out.say(f"{day}: {ORDERS} orders in Visma, their goods received; every second one from Sydvind Stolar.")
    return numbers


def send_everything(s: Stage) -> dict[str, Any]:
    """Reference data, terms, suppliers, orders, lines with receipts: in this order, each followed to its end."""
    with s.out.progress("sending out of the ledger"):
        steps.poll_now(s)
        rest(s)
    there = s.source.do("truth")
    records = {name: len(there["records"].get(name, {})) for name in SENT}
    posts = sum(
        count for name, count in s.source.calls().items() if name.startswith("POST /v") and "tokens" not in name
    )
    s.out.say("Sent, and each record's own result awaited:")
    for name, count in records.items():
        s.out.say(f"    {name:<20} {count:>4}")
    s.out.say(f"{sum(records.values())} records in {posts} calls.")
    return {"sent": records, "sending_calls": posts, "results": there["item_states"]}


def mend_the_terms(s: Stage) -> None:
    """Basware refused one payment term by name and took the rest; it is mended in Visma, and what waited goes out."""
    for item in reviewing.open_items(s.works, s.workspace):
        s.out.say(f"\nHeld: {item.sentence}")
        if item.code == "refused":
            s.visma.do("set_credit_terms", id="N5", days=5)
            told = "The terms are corrected in Visma."
        else:
            told = reviewing.resolve(s.works, s.workspace, item.id, answer="ignore: not used here", by=steps.BY)
        s.out.say(told)
        s.held.append({"code": item.code, "why": item.sentence, "told": told})
    steps.poll_now(s)
    rest(s)
    there = s.source.do("truth")["records"]
    orders = len(there.get("matchingOrders", {}))
    s.out.say(f"Now {orders} orders are at Basware: the supplier waited for its terms, its orders for the supplier.")


# ------------------------------------------------------------------------------------------- back


def people_approve(s: Stage, orders: list[str]) -> list[str]:
    """Invoices come in at Basware and are approved: matched to orders and receipts, plain, and one with bad sums."""
    made = [
        s.source.do("invoice", kind="exact", order_number=one, invoice_number=f"F-{n}")["invoice_id"]
        for n, one in enumerate(orders, 101)
    ]
    coded: dict[str, Any] = {"supplier_code": "50012", "account": "4000", "cost_center": "10", "tax_code": "25"}
    coded |= {"row_fields": {"dimCode1": "100"}}
    made.append(s.source.do("invoice", net="1200.00", invoice_number="F-201", **coded)["invoice_id"])
    made.append(s.source.do("invoice", kind="bad_sum", net="800.00", invoice_number="F-202", **coded)["invoice_id"])
    s.out.say(f"{len(made)} invoices are approved in Basware; the rows of one do not add up to its head.")
    return made


def bring_back(s: Stage) -> None:
    """Read, acknowledge, post, answer."""
    with s.out.progress("reading and posting"):
        steps.poll_now(s)
        rest(s)


def mend_the_sums(s: Stage, offered: list[str]) -> None:
    """The bad one went back with words; people correct it there and transfer it again, under the same id."""
    documents = s.source.do("truth")["documents"]
    (back,) = [one for one in offered if documents[one]["status"] == "TransferFailed"]
    content = documents[back]["content"]
    s.out.say(f"\nSent back to Basware: {content['transferResponses'][-1]['responseMessage']}")
    sums = {
        name: sum(Decimal(str(row[part])) for row in content["codingRows"])
        for name, part in (("netSum", "netTotal"), ("grossSum", "grossTotal"))
    }
    s.source.do("mark", invoice_id=back, fields={name: float(amount) for name, amount in sums.items()})
    s.source.do("retransfer", invoice_id=back)
    bring_back(s)
    status = s.source.do("truth")["documents"][back]["status"]
    s.out.say(f"Corrected there and transferred again: {status}.")
    s.held.append({"code": "sent-back", "why": "its rows did not add up", "told": status})


def pay(s: Stage) -> None:
    """Two invoices are paid in Visma, and Basware is told."""
    numbers = sorted(
        str(one["content"]["voucherNumber1"])
        for one in s.source.do("truth")["documents"].values()
        if one["content"].get("voucherNumber1")
    )
    with steps.people_at_work(s):
        for number in numbers[:2]:
            s.visma.do("pay_supplier", invoice=number)
    bring_back(s)
    paid = [one for one in s.source.do("truth")["documents"].values() if one["status"] == "Paid"]
    s.out.say(f"\nTwo invoices are paid in Visma; at Basware {len(paid)} are Paid now.")


def listen(s: Stage) -> int:
    """Wait until the pushes are in the inbox; how many arrived."""
    until = time.monotonic() + RING_LIMIT_S
    while time.monotonic() < until:
        pushes = s.source.do("truth")["pushes"]
        if not pushes["waiting"]:
            return int(pushes.get("delivered", 0))
        time.sleep(0.2)
    return int(s.source.do("truth")["pushes"].get("delivered", 0))


# ------------------------------------------------------------------------------------------- what came of it


def cut_the_line(s: Stage) -> dict[str, Any]:
    """Visma takes an invoice and the line breaks before the answer: it must be in the ledger once."""
    s.out.say("\nNow Visma takes a supplier invoice, and the line breaks before it can answer.")

    def invoice() -> str:
        made = s.source.do(
            "invoice", net="640.00", invoice_number="F-301", supplier_code="50012", account="4000", cost_center="10",
            tax_code="25", row_fields={"dimCode1": "100"},
        )  # fmt: skip
        steps.poll_now(s)
        return str(made["invoice_number"])

    found = steps.lost_answer(s, SUPPLIER_INVOICE, invoice)
    rest(s)
    return found


def compare_with_the_truth(s: Stage) -> dict[str, Any]:
    """What the supplier ledger adds up to, beside what Basware approved and was told of payments."""
    documents = [one for one in s.source.do("truth")["documents"].values() if one["status"] in BOOKED]
    approved = sum((Decimal(str(one["content"]["grossSum"])) for one in documents), Decimal(0))
    paid = sum((Decimal(str(one["payment"]["paidTotal"])) for one in documents if one["payment"]), Decimal(0))
    owed, bank = Decimal(0), Decimal(0)
    for voucher in s.visma.do("books")["vouchers"]:
        ours = ledger.name_of(voucher) not in s.by_people
        for line in voucher["lines"]:
            moved = Decimal(line["credit"]) - Decimal(line["debit"])
            owed += moved if ours and line["account"] == PAYABLE else 0
            bank += moved if line["account"] == BANK else 0
    truth = {
        name: {"expected": str(wanted), "ledger": str(found), "equal": wanted == found}
        for name, wanted, found in (
            ("approved invoices", Money.of(approved, CURRENCY), Money.of(owed, CURRENCY)),
            ("paid, as told", Money.of(paid, CURRENCY), Money.of(bank, CURRENCY)),
        )
    }
    steps.tell_truth(s, truth)
    return truth


def rest(s: Stage) -> None:
    """Until every record has come to rest: rows gather for a second, and Basware works on them for itself."""
    until = time.monotonic() + REST_LIMIT_S
    while time.monotonic() < until:
        steps.settle(s)
        with s.works.database.reading() as c:
            moving = [state for (_, state), count in trips.counts(c, s.route_ids).items() if state in MOVING and count]
        if not moving:
            return
        time.sleep(0.2)
    raise ConnectorError("The story did not come to rest.", fix="Run it again with MLC_LOG_LEVEL=INFO.")
