"""A retailer's day on Square, booked in Visma: sold, read, posted, held, mended, interrupted, replayed and proven."""

from __future__ import annotations

import dataclasses
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

from ml_connector.app import opened
from ml_connector.cli.checking import statement_json
from ml_connector.cli.output import Output
from ml_connector.cli.stories import ledger
from ml_connector.cli.stories.door import listening
from ml_connector.cli.stories.pretend import Vendor, vendors
from ml_connector.clock import moment
from ml_connector.engine import clearing, journals, replaying, reviewing, rulebooks, setup, units, upkeep
from ml_connector.engine.journals import Voucher
from ml_connector.engine.works import Works
from ml_connector.errors import ConnectorError
from ml_connector.finance.money import Money
from ml_connector.finance.rulebook import Terms
from ml_connector.logs import Redactor
from ml_connector.settings import Settings
from ml_connector.store import audit_proof, cursors, reviews, submissions, trips
from ml_connector.store.reviews import ReviewItem

BY = "demo"
SHOPS = (
    ("LOSLO", "Oslo", "Europe/Oslo"),
    ("LSTOCKHOLM", "Stockholm", "Europe/Stockholm"),
    ("LGOTHENBURG", "Gothenburg", "Europe/Stockholm"),
)
DAYS_AGO = 4  # the day's payouts have arrived by now, and its period is open
QUIET_LIMIT_S = 40.0
RING_LIMIT_S = 10.0
ON_ITS_WAY = ("ready", "creating", "unknown", "created", "checked", "releasing")
POST = "POST /v2/journaltransaction"


@dataclass(slots=True)
class Stage:
    """Where the story plays: both vendors, the works, and the ids of what was set up."""

    works: Works
    square: Vendor
    visma: Vendor
    out: Output
    workspace: str = ""
    visma_id: str = ""
    square_id: str = ""
    company_id: str = ""
    route_id: str = ""
    held: list[dict[str, Any]] = field(default_factory=list)


def tell(folder: Path, out: Output, *, redactor: Redactor) -> dict[str, Any]:
    """Tell the whole story in `folder`; what came of it. Ends by itself, with every process it started."""
    began = time.monotonic()
    with stage(folder, out, redactor=redactor) as s:
        day = s.works.clock.now().date() - timedelta(days=DAYS_AGO)
        open_the_books(s, day)
        with listening(s.works) as address:
            let_square_ring(s, address)
            expected = play(s, day)
            rung = listen(s)
            s.out.say(f"{rung} signed webhook deliveries arrived; each was stored before it was answered.")
            read_and_post(s)
            told = show_vouchers(s)
            mend_what_is_held(s)
            truth = compare_with_the_truth(s, expected)
            cut = cut_the_line(s)
            again = replay_everything(s)
            return {
                **count(s), "notices": rung, "vouchers_shown": told, "held_and_mended": s.held, "truth": truth,
                "interrupted": cut,
                "replayed": again, **prove(s), "seconds": round(time.monotonic() - began, 1),
            }  # fmt: skip


# ------------------------------------------------------------------------------------------- the stage


@contextmanager
def stage(folder: Path, out: Output, *, redactor: Redactor) -> Iterator[Stage]:
    """Pretend vendors in processes of their own, and an install of ours in `folder`."""
    out.say("Starting a pretend Square and a pretend Visma.net ERP, each a process of its own on this machine.")
    with vendors(folder) as found:
        hosts = ",".join(one.url for one in found.values())
        settings = Settings.model_validate({"data_dir": str(folder / "install"), "allow_insecure_hosts": hosts})
        with opened(settings, redactor=redactor) as works:
            quick = dataclasses.replace(works.limits, probe_first_s=1, probe_last_s=3)
            yield Stage(dataclasses.replace(works, limits=quick), found["square"], found["visma"], out)


def open_the_books(s: Stage, day: date) -> None:
    """A company in Visma, a seller with three shops at Square, the route between them, its terms and rules."""
    company = s.visma.do("seed_company", name="Nordlys Butikker", base_currency="EUR")
    places = [{"id": key, "name": name, "timezone": zone} for key, name, zone in SHOPS]
    seller = s.square.do("seed_merchant", name="Nordlys Butikker", locations=places, currency="EUR")
    s.workspace = setup.init(s.works)
    s.visma_id = setup.connect(
        s.works, s.workspace, connector="visma", code="visma", title="Visma.net ERP", by=BY, base_url=s.visma.url,
        credentials={name: company[name] for name in ("client_id", "client_secret", "tenant_id")},
        settings={"token_url": f"{s.visma.url}/connect/token"},
    )  # fmt: skip
    s.square_id = setup.connect(
        s.works, s.workspace, connector="square", code="sq", title="Square", by=BY, base_url=s.square.url,
        credentials={"access_token": seller["oauth_token"], "personal_access_token": seller["pat"]},
        settings={"requests_per_second": "1000"},
    )  # fmt: skip
    for connection_id in (s.visma_id, s.square_id):
        setup.ping(s.works, connection_id)
    s.company_id = setup.add_company(
        s.works, s.workspace, connection_id=s.visma_id, name="Nordlys Butikker", time_zone="Europe/Stockholm",
        go_live=day - timedelta(days=1), by=BY,
    )  # fmt: skip
    terms = setup.parse_terms(tomllib.loads(_shipped("demo_terms.toml")), base=Terms(code="sq"))
    s.route_id = setup.add_route(
        s.works,
        company_id=s.company_id,
        flow="square_to_visma",
        source_id=s.square_id,
        terms=terms,
        posting="on",
        by=BY,
    )
    book = rulebooks.read(_shipped("demo_rules.toml"), form="toml")
    saved = setup.save_rules(s.works, s.route_id, book, by=BY)
    s.out.say(
        f"Set up: books in EUR, three shops, {len(book.rules)} rules (version {saved.version}), "
        "checked against the chart."
    )


def let_square_ring(s: Stage, address: str) -> None:
    """A webhook door, and the subscription that rings it, made through Square's own API."""
    setup.open_door(s.works, connection_id=s.square_id, public_url=address, signature_key=None, by=BY)
    upkeep.watch_subscriptions(s.works, setup.find_connection(s.works, s.workspace, "sq"))
    s.out.say("Square's webhook subscription is made; its deliveries are signed, and each signature is checked.")


def _shipped(name: str) -> str:
    return files("ml_connector.cli").joinpath(name).read_text(encoding="utf-8")


# ------------------------------------------------------------------------------------------- the day


def play(s: Stage, day: date) -> dict[str, Any]:
    """One business day of trade; what it must add up to, by the sandbox's own arithmetic."""
    played: dict[str, Any] = s.square.do("play_day", date=day.isoformat())
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
        webhooks = s.square.do("truth")["webhooks"]
        arrived = int(webhooks["delivered"])
        if arrived == before and arrived >= int(webhooks["queued"]):
            break
        before = arrived
        time.sleep(0.2)
    return max(before, 0)


def read_and_post(s: Stage) -> None:
    """Read what the webhooks named, poll for what they did not tell, and post until nothing is due."""
    with s.out.progress("reading and posting") as advance:
        settle(s, advance)
        with s.works.database.writing() as c:
            cursors.make_due(c, s.square_id, now=s.works.now())
        settle(s, advance)


def settle(s: Stage, advance: Callable[[int], None] | None = None) -> None:
    """Run due units until nothing is on its way. Raises ConnectorError when that takes far too long."""
    until = time.monotonic() + QUIET_LIMIT_S
    while time.monotonic() < until:
        units.run_all_due(s.works)
        with s.works.database.reading() as c:
            on_its_way = submissions.of_company(c, s.company_id, states=ON_ITS_WAY)
            done = submissions.of_company(c, s.company_id, states=("done",))
        if advance is not None:
            advance(len(done))
        if not any(one.due_at is not None for one in on_its_way) and not units.due_units(s.works):
            return
        time.sleep(0.1)
    raise ConnectorError("The story did not come to rest.", fix="Run it again with MLC_LOG_LEVEL=INFO.")


# ------------------------------------------------------------------------------------------- what came of it


def show_vouchers(s: Stage) -> int:
    """A few vouchers in full, the rest as one line each."""
    found = [one for one in posted(s) if one.lines]
    s.out.say(f"\n{len(found)} vouchers are in the ledger.")
    if not s.out.as_json:
        ledger.show(s.out.console, found)
    return len(found)


def posted(s: Stage) -> list[Voucher]:
    """Every document in the ledger."""
    return list(journals.vouchers(s.works, s.company_id))


def mend_what_is_held(s: Stage) -> None:
    """What was held and why; each question answered as a bookkeeper would, and posted."""
    for _ in range(3):  # an answer may bring the next question of the same record
        items = reviewing.open_items(s.works, s.workspace)
        if not items:
            return
        before = {one.token for one in posted(s)}
        for item in items:
            s.held.append({"code": item.code, "why": item.sentence, **_answer(s, item)})
        settle(s)
        made = [one for one in posted(s) if one.token not in before]
        s.out.say(f"\nPosted now: {', '.join(f'{one.number} ({one.keys[0]})' for one in made) or 'nothing'}.")


def _answer(s: Stage, item: ReviewItem) -> dict[str, str]:
    s.out.say(f"\nHeld: {item.sentence}")
    if rule := item.proposal.get("rule"):
        s.out.say("Proposed rule:\n" + "\n".join(f"    {line}" for line in str(rule).splitlines()))
    try:
        told = reviewing.resolve(s.works, s.workspace, item.id, answer=reviewing.ACCEPT, by=BY)
    except ConnectorError as refused:
        told = refused.what
    s.out.say(f"Accepted. {told}")
    return {"answer": reviewing.ACCEPT, "told": told}


def compare_with_the_truth(s: Stage, played: dict[str, Any]) -> dict[str, Any]:
    """What the ledger adds up to, beside what the sandbox says the day was."""
    sums = ledger.totals(s.visma.do("books")["vouchers"], posted(s))
    wanted = {name: Money(int(played["totals"][name]), "EUR") for name in sums}
    truth = {
        name: {"expected": str(wanted[name]), "ledger": str(amount), "equal": wanted[name] == amount}
        for name, amount in sums.items()
    }  # fmt: skip
    s.out.say("\nThe ledger beside what the day was, by the sandbox's own arithmetic:")
    for name, row in truth.items():
        s.out.say(
            f"    {name:<16} {row['ledger']:>16}  {'equal' if row['equal'] else 'expected ' + str(row['expected'])}"
        )
    return truth


def cut_the_line(s: Stage) -> dict[str, Any]:
    """Visma books a voucher and the line breaks before the answer: it must be in the ledger once."""
    s.out.say("\nNow Visma takes a voucher, and the line breaks before it can answer.")
    s.out.say("(The waits before looking are 1 s and 3 s here; an install waits 30 s and 5 min.)")
    before = {one.token for one in posted(s)}
    s.visma.fault({"match": {"operation": POST}, "effect": {"kind": "cut_after"}})
    sale = s.square.do("sell", location_id=SHOPS[0][0])
    order = str(sale["order_id"])
    listen(s)
    time.sleep(0.3)
    settle(s)
    made = [one for one in posted(s) if one.token not in before]
    outcomes = _outcomes(s, made)
    copies = ledger.copies(s.visma.do("books")["vouchers"], [one.token for one in made])
    s.out.say(
        f"Order {order}: {', '.join(outcomes)}; in the ledger {sum(copies.values())} time(s), "
        f"as {', '.join(one.number for one in made)}."
    )
    return {
        "order": order,
        "vouchers": [one.number for one in made],
        "attempts": outcomes,
        "copies_in_ledger": sum(copies.values()),
    }


def _outcomes(s: Stage, made: list[Voucher]) -> list[str]:
    with s.works.database.reading() as c:
        sent = [one.id for voucher in made for one in submissions.by_number(c, s.workspace, voucher.token)]
        tried = submissions.attempts_of(c, sent)
    return [f"{one.call} {one.outcome}" for several in tried.values() for one in several]


def replay_everything(s: Stage) -> dict[str, Any]:
    """Plan every record again: nothing may be sent, nothing may change."""
    before, calls = posted(s), s.visma.calls().get(POST, 0)
    touched = replaying.replay_range(s.works, s.company_id, since=None, until=None, states=None, by=BY).trips
    settle(s)
    after = posted(s)
    sent = s.visma.calls().get(POST, 0) - calls
    same = [one.number for one in before] == [one.number for one in after]
    s.out.say(
        f"\nReplayed {touched} records: {sent} vouchers sent, the ledger is {'unchanged' if same else 'CHANGED'}."
    )
    return {"records": touched, "sent": sent, "unchanged": same and sent == 0}


def count(s: Stage) -> dict[str, Any]:
    """Records by kind and state."""
    with s.works.database.reading() as c:
        counted = trips.counts(c, [s.route_id])
        waiting = sum(reviews.counts(c, s.workspace).values())
    states: dict[str, dict[str, int]] = {}
    for (kind, state), number in sorted(counted.items()):
        states.setdefault(kind, {})[state] = number
    by = {
        state: sum(kinds.get(state, 0) for kinds in states.values())
        for state in ("posted", "held", "ignored", "waiting")
    }
    return {"records": sum(counted.values()), "by_kind": states, **by, "questions": waiting}


def prove(s: Stage) -> dict[str, Any]:
    """Calls, duplicates, clearing and the audit trail."""
    documents = posted(s)
    books = s.visma.do("books")["vouchers"]
    copies = ledger.copies(books, [one.token for one in documents])
    strays = ledger.strays(books, [one.token for one in documents])
    duplicates = sum(max(0, number - 1) for number in copies.values()) + len(strays)
    calls = sum(s.visma.calls().values())
    found = clearing.statements(s.works, s.company_id)
    with s.works.database.reading() as c:
        trail = audit_proof.verify(c)
    unexplained = [str(one.unexplained) for one in found if one.unexplained] or [
        str(found[0].unexplained) if found else "0.00 EUR"
    ]
    _say_proof(s, calls, len(documents), duplicates=duplicates, events=trail.events, ok=trail.ok)
    return {
        "vouchers": [ledger.as_json(one) for one in documents], "visma_calls": calls,
        "duplicates_in_ledger": duplicates,
        "clearing": [statement_json(one) for one in found],
        "clearing_unexplained": ", ".join(unexplained), "audit_events": trail.events, "audit_chain_ok": trail.ok,
    }  # fmt: skip


def _say_proof(s: Stage, calls: int, documents: int, *, duplicates: int, events: int, ok: bool) -> None:
    s.out.say(f"\nVisma calls: {calls} for {documents} documents. Duplicates in the ledger: {duplicates}.")
    for one in clearing.statements(s.works, s.company_id):
        s.out.say(
            f"Clearing {one.account}: ledger {one.ledger}, at Square {one.waiting}, unexplained {one.unexplained}."
        )
    s.out.say(
        f"Audit trail: {events} events, {'unbroken' if ok else 'BROKEN'}, "
        f"verified {moment(s.works.now()):%Y-%m-%d %H:%M} UTC."
    )


def _euro(minor: int) -> str:
    return str(Money(minor, "EUR"))
