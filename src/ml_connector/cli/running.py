"""`read`, `post`, `dry-run`: the machine's work, now and by hand."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console

from ml_connector.cli import journal_table
from ml_connector.cli.output import NOT_AUTHORIZED, PERSON, TRANSIENT, AsJson, lines, plain, when
from ml_connector.cli.session import CompanyName, RouteName, Session, session
from ml_connector.cli.telling import told
from ml_connector.clock import micros, moment
from ml_connector.engine import backfills, collecting, journals, preview, timetables, units, waiting
from ml_connector.engine.units import Ran, Unit
from ml_connector.engine.waiting import Waiting
from ml_connector.errors import NeedsApproval, NotAuthorized, UsageError
from ml_connector.finance.encoding import decode_content
from ml_connector.store import cursors, reviews, setups, trips

_REFUSED = (NotAuthorized.code, NeedsApproval.code)
MOST_UNITS = 10_000  # of one command: a backfill of a year needs some hundreds
Since = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="UTC.")]


def register(root: typer.Typer) -> None:
    """Put these commands under the root."""
    root.command("read")(read)
    root.command("post")(post)
    root.command("dry-run")(dry_run)
    root.command("collect")(collect)


def read(
    code: Annotated[str | None, typer.Argument(help="Code of a connection; none: every one.")] = None,
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Read everything from this day, beside the usual reading."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Read what is new at the sources now, without waiting for the next poll. Nothing is posted.

    What happened a moment ago comes with the next reading: a source lists it after a while.
    """
    with session(as_json=as_json) as s:
        wanted = {s.connection(code).id} if code else {route.source_id for route in s.routes()}
        for connection_id in sorted(wanted):
            if since is not None:
                backfills.start(s.works, connection_id, since=since.replace(tzinfo=UTC))
            with s.works.database.writing() as c:
                cursors.make_due(c, connection_id, now=s.works.now())
        ran = run(
            s, "reading", lambda unit: unit.kind in ("poll", "fetch") and unit.subject in wanted,
            how_far=(lambda: _share(s, wanted)) if since is not None else None,
        )  # fmt: skip
        _tell(s, ran, past=_backfills(s, wanted))


def post(
    company: CompanyName = None,
    now: Annotated[bool, typer.Option("--now", help="Also what waits to share a voucher or a call with more.")] = False,
    as_json: AsJson = False,
) -> None:
    """Plan, send, read back and release everything that is due, at whatever hour the route posts else."""
    with session(as_json=as_json) as s:
        row = s.company(company)
        timetables.ask_now(s.works, row.id, by=s.by)
        sources = {route.source_id for route in s.routes() if route.company_id == row.id}

        def is_its(unit: Unit) -> bool:
            return unit.subject == row.id or (unit.kind == "fetch" and unit.subject in sources)

        ran = run(s, "posting", is_its)
        while now and any(
            one.until for one in waiting.of_company(s.works, row.id)
        ):  # one may let others go that need it
            waiting.send_now(s.works, row.id, by=s.by)
            sent = run(s, "posting what waits", is_its)
            ran += sent
            if not any(one.worked for one in sent):
                break
        _tell(s, ran, company_id=row.id)


def collect(
    numbers: Annotated[list[str], typer.Argument(help="Invoices of the ledger, by number.")],
    route: RouteName = None,
    as_json: AsJson = False,
) -> None:
    """Send out invoices that nothing marks for collecting, because a person asks for them."""
    with session(as_json=as_json) as s:
        able = [one for one in s.routes() if s.works.flows[one.flow].on_demand is not None]
        if not able:
            fix = "Add one: ml-connector route add --source <Visma's code> --target <Stripe's code>."
            raise UsageError("No route sends invoices on demand.", record=", ".join(numbers), fix=fix)
        row = s.route(route) if route or len(able) != 1 else able[0]
        found = collecting.ask_for(s.works, row.id, numbers, by=s.by)
        s.out.answer({"trips": found}, lines(f"{len(found)} invoices are planned by the next `post`."))


def run(
    s: Session, what: str, only: Callable[[Unit], bool], *, how_far: Callable[[], int | None] | None = None
) -> list[Ran]:
    """Run due units until nothing is due, with a bar. `how_far`: in hundredths, where that can be told."""
    ran: list[Ran] = []
    with s.out.progress(what) as advance:
        while len(ran) < MOST_UNITS:
            done = [units.run_unit(s.works, unit) for unit in units.due_units(s.works) if only(unit)]
            ran += done
            hundredths = how_far() if how_far is not None else None
            advance(len(ran)) if hundredths is None else advance(hundredths, 100)
            if not any(one.worked or one.more for one in done):
                break
    return ran


def _backfills(s: Session, connection_ids: Collection[str]) -> list[dict[str, Any]]:
    """How far each reading of the past has come."""
    codes = {one.id: one.code for one in s.connections()}
    return [
        {
            "code": codes[connection_id], "stream": one.stream, "since": one.since.date().isoformat(),
            "until": one.reached.date().isoformat() if one.reached else None, "done": one.done, "reason": one.reason,
            "percent": None if one.share is None else int(100 * one.share),
        }
        for connection_id in sorted(connection_ids) for one in backfills.of_connection(s.works, connection_id)
    ]  # fmt: skip


def _share(s: Session, connection_ids: Collection[str]) -> int | None:
    """Of the reading that has the longest way to go, in hundredths."""
    told = [one["percent"] for one in _backfills(s, connection_ids) if one["percent"] is not None]
    return min(told, default=None)


def _tell(s: Session, ran: list[Ran], *, company_id: str | None = None, past: Sequence[dict[str, Any]] = ()) -> None:
    names = {one.id: one.code for one in s.connections()} | {one.id: one.name for one in s.companies()}
    errors = sorted({f"{names.get(one.unit.subject, one.unit.subject)}: {one.error}" for one in ran if one.error})
    refused = any(one.error.startswith(_REFUSED) for one in ran if one.error)
    states, asked = _standing(s, company_id)
    content: dict[str, Any] = {"units": len(ran), "records": states, "waiting_for_a_person": asked, "errors": errors}
    told = [f"{kind}: " + ", ".join(f"{number} {state}" for state, number in by.items()) for kind, by in states.items()]
    for one in past:
        far = "whole" if one["done"] else f"until {one['until']}, {one['percent']} %" if one["until"] else "under way"
        told.append(f"{one['code']} {one['stream']} since {one['since']}: {far}")
    if past:
        content["backfills"] = list(past)
    if company_id is not None:
        content["posting_off"] = off = _planned_only(s, company_id)
        told += [
            f"Posting from {one} is off: {number} planned and not sent. Next: ml-connector route posting approve"
            for one, number in off.items()
        ]
        waits = waiting.of_company(s.works, company_id)
        content["waits"] = [
            {**plain(one), "until": moment(one.until).isoformat() if one.until else None} for one in waits
        ]
        told += [_waits(one) for one in waits]
    if asked:
        told.append(f"{asked} questions wait for a person: ml-connector review list")
    code = NOT_AUTHORIZED if refused else TRANSIENT if errors else PERSON if asked else 0
    s.out.answer(content, lines(*(told or ["Nothing was read yet."]), *errors), code=code)


def _waits(one: Waiting) -> str:
    """What waits for more of its kind, and how to send it before."""
    of = f"{one.number} {one.kind.replace('_', ' ')}{'s' if one.number > 1 else ''}"
    if one.until is None:
        return f"{of} {'for' if one.is_call else 'of'} {one.code}: sent once what they need is done."
    if one.day is not None:
        return f"{of} of {one.code}: the voucher of {one.day} is sent once that day is over, {when(one.until)}."
    share = f"for {one.code}: sent together in one call" if one.is_call else f"of {one.code}: sent together"
    return f"{of} {share} when there are enough, else {when(one.until)}. At once: ml-connector post --now"


def _planned_only(s: Session, company_id: str) -> dict[str, int]:
    """How many records are planned on routes that do not post, by the route's source."""
    codes = {one.id: one.code for one in s.connections()}
    found: dict[str, int] = {}
    with s.works.database.reading() as c:
        for one in setups.routes(c, company_id=company_id):
            by = trips.counts(c, [one.id]) if one.posting == "off" else {}
            if planned := sum(number for (_, state), number in by.items() if state == "planned"):
                found[codes[one.source_id]] = planned
    return found


def _standing(s: Session, company_id: str | None) -> tuple[dict[str, dict[str, int]], int]:
    with s.works.database.reading() as c:
        routes = [one.id for one in setups.routes(c, workspace_id=s.workspace) if company_id in (None, one.company_id)]
        counted = trips.counts(c, routes)
        waiting = sum(reviews.counts(c, s.workspace).values())
    states: dict[str, dict[str, int]] = {}
    for (kind, state), number in sorted(counted.items()):
        states.setdefault(kind, {})[state] = number
    return states, waiting


def dry_run(
    trip: Annotated[list[str] | None, typer.Argument(help="Trip ids; none: what is not posted yet.")] = None,
    company: CompanyName = None,
    since: Since = None,
    until: Since = None,
    every: Annotated[bool, typer.Option("--all", help="Posted records too.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000)] = 1_000,
    as_json: AsJson = False,
) -> None:
    """Show what would be posted, line by line, by the very code that posts. Nothing is stored or sent."""
    with session(as_json=as_json) as s:
        row = s.company(company)
        states = None if every or trip else ("received", "planned", "waiting", "held")
        with s.out.progress("planning"):
            found = preview.dry_run(
                s.works,
                row.id,
                trip_ids=trip or None,
                states=states,
                since=_micros(since),
                until=_micros(until),
                limit=limit,
            )
        held = [one for one in found if one.outcome == "held"]
        left = preview.undecided(s.works, row.id, found)
        content = {"records": [shown(s, row.id, one) for one in found], "held": len(held), "undecided": left}

        def print_all(console: Console) -> None:
            print_previews(s, console, row.id, found)
            lines(*left)(console)

        s.out.answer(content, print_all, code=PERSON if held else 0)


def _micros(moment: datetime | None) -> int | None:
    return None if moment is None else micros(moment.replace(tzinfo=UTC))


def shown(s: Session, company_id: str, one: preview.Previewed) -> dict[str, Any]:
    """What would become of a record, as JSON."""
    return {**plain(one), "journals": plain(journals_of(s, company_id, one))}


def journals_of(s: Session, company_id: str, one: preview.Previewed) -> list[tuple[str, tuple[journals.Line, ...]]]:
    """The key and the lines of each document that would be posted."""
    chart = journals.stored_chart(s.works, company_id)
    return [
        (w["key"], journals.lines_of(w["kind"], decode_content(w["kind"], w["content"]), w["why"], chart=chart))
        for w in one.writes
    ]


def print_previews(s: Session, console: Console, company_id: str, found: list[preview.Previewed]) -> None:
    """What would become of records, for people."""
    for one in found:
        reason = "" if one.reason in {finding["code"] for finding in one.findings} else one.reason
        console.print(": ".join(filter(None, (f"{one.kind} {one.external_id}", one.outcome, reason))), markup=False)
        for finding in one.findings:
            console.print(f"    {finding['code']}: {finding['sentence']}", markup=False)
        for write, (key, journal) in zip(one.writes, journals_of(s, company_id, one), strict=True):
            if journal:
                journal_table.show(console, f"  {key}", journal)
            else:
                words = told(write["kind"], decode_content(write["kind"], write["content"]))
                console.print(f"    {key}: {words}", markup=False)
    console.print(f"{len(found)} records; nothing was stored or sent.", markup=False)
    if held := sum(one.outcome == "held" for one in found):
        console.print(
            f"{held} would be held. `ml-connector post` asks about them: ml-connector review list", markup=False
        )
