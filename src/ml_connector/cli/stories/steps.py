"""The steps that stories share: a stage with two pretend vendors, books opened, deliveries awaited, posting.

What was held is mended, everything replayed and proven.
"""

from __future__ import annotations

import dataclasses
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
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
from ml_connector.cli.stories.pretend import Vendor, vendors
from ml_connector.clock import moment
from ml_connector.engine import (
    clearing,
    connecting,
    doorkeeping,
    journals,
    replaying,
    reviewing,
    rulebooks,
    ruling,
    setup,
    units,
    upkeep,
)
from ml_connector.engine.journals import Voucher
from ml_connector.engine.works import Works
from ml_connector.errors import ConnectorError
from ml_connector.finance.rulebook import Terms
from ml_connector.logs import Redactor
from ml_connector.settings import Settings
from ml_connector.store import audit_proof, cursors, reviews, submissions, trips
from ml_connector.store.reviews import ReviewItem

BY = "demo"
DAYS_AGO = 4  # the day's payouts have arrived by now, and its period is open
QUIET_LIMIT_S = 40.0
ON_ITS_WAY = ("ready", "creating", "unknown", "created", "checked", "releasing")


@dataclass(slots=True)
class Stage:
    """Where a story plays: both vendors, the works, and the ids of what was set up."""

    works: Works
    source: Vendor
    visma: Vendor
    out: Output
    currency: str
    workspace: str = ""
    visma_id: str = ""
    source_id: str = ""
    company_id: str = ""
    route_ids: list[str] = field(default_factory=list)
    held: list[dict[str, Any]] = field(default_factory=list)
    by_people: set[str] = field(default_factory=set)  # vouchers that people made in the ledger itself


@contextmanager
def stage(
    folder: Path, out: Output, *, source: str, title: str, currency: str, redactor: Redactor, time_scale: float = 1.0
) -> Iterator[Stage]:
    """Pretend vendors in processes of their own, and an install of ours in `folder`. `time_scale`: of their delays."""
    out.say(f"Starting a pretend {title} and a pretend Visma.net ERP, each a process of its own on this machine.")
    with vendors(folder, names=("visma", source), time_scale=time_scale) as found:
        hosts = ",".join(one.url for one in found.values())
        settings = Settings.model_validate({"data_dir": str(folder / "install"), "allow_insecure_hosts": hosts})
        with opened(settings, redactor=redactor) as works:
            quick = dataclasses.replace(works.limits, probe_first_s=1, probe_last_s=3, look_again_us=200_000)
            yield Stage(dataclasses.replace(works, limits=quick), found[source], found["visma"], out, currency)


# ------------------------------------------------------------------------------------------- setting up


def connect_visma(s: Stage, company: Mapping[str, Any]) -> None:
    """The workspace, and the ledger that the sandbox has made."""
    s.workspace = setup.init(s.works)
    s.visma_id = connecting.connect(
        s.works, s.workspace, connector="visma", code="visma", title="Visma.net ERP", by=BY, base_url=s.visma.url,
        credentials={name: company[name] for name in ("client_id", "client_secret", "tenant_id")},
        settings={"token_url": f"{s.visma.url}/connect/token"},
    )  # fmt: skip


def connect_source(
    s: Stage, *, connector: str, code: str, title: str, credentials: Mapping[str, str],
    settings: Mapping[str, str], address: str = "",
) -> None:  # fmt: skip
    """The system that is read; both connections are proven."""
    s.source_id = connecting.connect(
        s.works, s.workspace, connector=connector, code=code, title=title, by=BY, base_url=address or s.source.url,
        credentials=credentials, settings=settings,
    )  # fmt: skip
    for connection_id in (s.visma_id, s.source_id):
        connecting.ping(s.works, connection_id)


def open_route(s: Stage, *, company: str, flow: str, code: str, day: date, files_of: str) -> int:
    """The set of books, and the route into it with its terms and rules; how many rules."""
    open_company(s, company=company, day=day)
    return add_route(s, flow=flow, code=code, files_of=files_of)


def open_company(s: Stage, *, company: str, day: date) -> None:
    """The set of books; its chart of accounts is read."""
    s.company_id = setup.add_company(
        s.works, s.workspace, connection_id=s.visma_id, name=company, time_zone="Europe/Stockholm",
        go_live=day - timedelta(days=1), by=BY,
    )  # fmt: skip


def add_route(s: Stage, *, flow: str, code: str, files_of: str, outward: bool = False) -> int:
    """A route with its terms and rules, into the ledger or out of it; how many rules.

    They are shipped as `{files_of}_*.toml`.
    """
    terms = ruling.parse_terms(tomllib.loads(shipped(f"{files_of}_terms.toml")), base=Terms(code=code))
    ends = (s.visma_id, s.source_id) if outward else (s.source_id, s.visma_id)
    route_id = setup.add_route(
        s.works, company_id=s.company_id, flow=flow, source_id=ends[0], target_id=ends[1], terms=terms, posting="on",
        by=BY,
    )  # fmt: skip
    book = rulebooks.read(shipped(f"{files_of}_rules.toml"), form="toml")
    ruling.save_rules(s.works, route_id, book, by=BY)
    s.route_ids.append(route_id)
    return len(book.rules)


def open_door(s: Stage, code: str, address: str) -> None:
    """A webhook door, and the subscriptions that ring it, made through the source's own API."""
    doorkeeping.open_door(s.works, connection_id=s.source_id, public_url=address, signature_key=None, by=BY)
    upkeep.watch_subscriptions(s.works, connecting.find_connection(s.works, s.workspace, code))


def shipped(name: str) -> str:
    """A file that the product brings along."""
    return files("ml_connector.cli").joinpath(name).read_text(encoding="utf-8")


@contextmanager
def people_at_work(s: Stage) -> Iterator[None]:
    """What is booked meanwhile is people's own work in the ledger."""
    before = {ledger.name_of(one) for one in s.visma.do("books")["vouchers"]}
    yield
    s.by_people |= {ledger.name_of(one) for one in s.visma.do("books")["vouchers"]} - before


# ------------------------------------------------------------------------------------------- running


def read_and_post(s: Stage) -> None:
    """Read what the webhooks named, poll for what they did not tell, and post until nothing is due."""
    with s.out.progress("reading and posting") as advance:
        settle(s, advance)
        poll_now(s)
        settle(s, advance)


def poll_now(s: Stage) -> None:
    """Every stream that is read, the ledger's too where it is one, is read at the next opportunity."""
    with s.works.database.writing() as c:
        for connection_id in (s.visma_id, s.source_id):
            cursors.make_due(c, connection_id, now=s.works.now())


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
        s.out.say(f"That cannot just be accepted. {told} {refused.fix}".rstrip())
    else:
        s.out.say(f"Accepted. {told}")
    return {"answer": reviewing.ACCEPT, "told": told}


def tell_truth(s: Stage, truth: Mapping[str, Mapping[str, Any]]) -> None:
    """What the ledger adds up to, beside what the sandbox says the day was."""
    s.out.say("\nThe ledger beside what the day was, by the sandbox's own arithmetic:")
    for name, row in truth.items():
        told = "equal" if row["equal"] else f"expected {row['expected']}"
        s.out.say(f"    {name:<24} {row['ledger']:>16}  {told}")


def lost_answer(s: Stage, operation: str, happen: Callable[[], str]) -> dict[str, Any]:
    """The ledger takes a document and the line breaks before the answer: it must be there once.

    `happen` makes the source's record; its id.
    """
    s.out.say("(The waits before looking are 1 s and 3 s here; an install waits 30 s and 5 min.)")
    before = {one.token for one in posted(s)}
    s.visma.fault({"match": {"operation": operation}, "effect": {"kind": "cut_after"}})
    order = happen()
    time.sleep(0.3)
    settle(s)
    made = [one for one in posted(s) if one.token not in before]
    outcomes = _outcomes(s, made)
    copies = ledger.copies(s.visma.do("books")["vouchers"], [one.token for one in made])
    most = max(copies.values(), default=0)
    often = {0: "not in the ledger", 1: "in the ledger once"}.get(most, f"in the ledger {most} TIMES")
    s.out.say(
        f"{order}: what had no answer was looked for by its mark and taken over ({', '.join(outcomes)}). "
        f"It is {often}, as {', '.join(one.number for one in made)}."
    )
    return {
        "order": order, "vouchers": [one.number for one in made], "attempts": outcomes, "copies_in_ledger": most,
    }  # fmt: skip


def _outcomes(s: Stage, made: list[Voucher]) -> list[str]:
    with s.works.database.reading() as c:
        sent = [one.id for voucher in made for one in submissions.by_number(c, s.workspace, voucher.token)]
        tried = submissions.attempts_of(c, sent)
    return [f"{one.call} {one.outcome}" for several in tried.values() for one in several]


def replay_everything(s: Stage, operations: tuple[str, ...]) -> dict[str, Any]:
    """Plan every record again: nothing may be sent, nothing may change."""
    before, calls = posted(s), _calls(s, operations)
    touched = replaying.replay_range(s.works, s.company_id, since=None, until=None, states=None, by=BY).trips
    settle(s)
    after = posted(s)
    sent = _calls(s, operations) - calls
    same = [one.number for one in before] == [one.number for one in after]
    s.out.say(
        f"\nReplayed {touched} records: {sent} vouchers sent, the ledger is {'unchanged' if same else 'CHANGED'}."
    )
    return {"records": touched, "sent": sent, "unchanged": same and sent == 0}


def _calls(s: Stage, operations: tuple[str, ...]) -> int:
    calls = s.visma.calls()
    return sum(calls.get(one, 0) for one in operations)


def count(s: Stage) -> dict[str, Any]:
    """Records by kind and state."""
    with s.works.database.reading() as c:
        counted = trips.counts(c, s.route_ids)
        waiting = sum(reviews.counts(c, s.workspace).values())
    states: dict[str, dict[str, int]] = {}
    for (kind, state), number in sorted(counted.items()):
        states.setdefault(kind, {})[state] = number
    by = {
        state: sum(kinds.get(state, 0) for kinds in states.values())
        for state in ("posted", "held", "ignored", "waiting")
    }
    return {"records": sum(counted.values()), "by_kind": states, **by, "questions": waiting}


def prove(s: Stage, *, place: str) -> dict[str, Any]:
    """Calls, duplicates, clearing and the audit trail. `place`: where money of clearing waits, in words."""
    documents = posted(s)
    books = s.visma.do("books")["vouchers"]
    copies = ledger.copies(books, [one.token for one in documents])
    strays = ledger.strays(books, [one.token for one in documents], by_people=s.by_people)
    duplicates = sum(max(0, number - 1) for number in copies.values()) + len(strays)
    calls = sum(s.visma.calls().values())
    found = clearing.statements(s.works, s.company_id)
    with s.works.database.reading() as c:
        trail = audit_proof.verify(c)
    unexplained = [str(one.unexplained) for one in found if one.unexplained] or [
        str(found[0].unexplained) if found else f"0.00 {s.currency}"
    ]
    _say_proof(s, calls, len(documents), place=place, duplicates=duplicates, events=trail.events, ok=trail.ok)
    return {
        "vouchers": [ledger.as_json(one) for one in documents], "visma_calls": calls,
        "duplicates_in_ledger": duplicates,
        "clearing": [statement_json(one, moment(s.works.now()).date()) for one in found],
        "clearing_unexplained": ", ".join(unexplained), "audit_events": trail.events, "audit_chain_ok": trail.ok,
    }  # fmt: skip


def _say_proof(s: Stage, calls: int, documents: int, *, place: str, duplicates: int, events: int, ok: bool) -> None:
    s.out.say(f"\nVisma calls: {calls} for {documents} documents. Duplicates in the ledger: {duplicates}.")
    for one in clearing.statements(s.works, s.company_id):
        s.out.say(
            f"Clearing {one.account}: ledger {one.ledger}, at {place} {one.waiting}, unexplained {one.unexplained}."
        )
    s.out.say(
        f"Audit trail: {events} events, {'unbroken' if ok else 'BROKEN'}, "
        f"verified {moment(s.works.now()):%Y-%m-%d %H:%M} UTC."
    )
