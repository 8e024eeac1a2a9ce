"""`schedule`: how often each stream of a connection is read, and when each route posts."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from ml_connector.cli.output import AsJson, lines, plain, table, when
from ml_connector.cli.session import CompanyName, RouteName, session
from ml_connector.engine import schedules, timetables
from ml_connector.errors import UsageError

app = typer.Typer(
    help="How often each stream is read, and when each route posts. Webhooks come at once all the same; "
    "`read` and `post` do it on demand.",
    no_args_is_help=True,
)

Code = Annotated[str, typer.Argument(help="Code of a connection.")]
USUAL = "usual"
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def register(root: typer.Typer) -> None:
    """Put these commands under the root."""
    root.add_typer(app, name="schedule")


@app.command("show")
def show(code: Code, as_json: AsJson = False) -> None:
    """Every stream of a connection: how often, for which flows, when next, and what went wrong last."""
    with session(as_json=as_json) as s:
        found = schedules.of_connection(s.works, s.connection(code).id)
        rows = [
            (
                one.stream, _pace(one), ", ".join(one.flows), when(one.read_at), when(one.next_at) or "not asked for",
                one.reason or "",
            )
            for one in found
        ]  # fmt: skip
        shown = table(f"Streams of {code}", ("stream", "every", "for", "read", "next", "went wrong"), rows)
        s.out.answer({"streams": plain(found)}, shown)


@app.command("set")
def set_every(
    code: Code,
    stream: Annotated[str, typer.Argument(help="Its name, from `schedule show`.")],
    every: Annotated[str, typer.Argument(help="Such as 60s, 10m, 2h, 1d; or usual.")],
    as_json: AsJson = False,
) -> None:
    """Read a stream so often from now on."""
    with session(as_json=as_json) as s:
        seconds = None if every == USUAL else seconds_of(every)
        schedules.set_every(s.works, s.connection(code).id, stream, seconds, by=s.by)
        one = next(each for each in schedules.of_connection(s.works, s.connection(code).id) if each.stream == stream)
        s.out.answer({"stream": plain(one)}, lines(f"{stream} is read every {said(one.every_s)}, and once now."))


@app.command("posting")
def posting(company: CompanyName = None, as_json: AsJson = False) -> None:
    """Every route of a company: when it posts, when next, and how much is ready for it."""
    with session(as_json=as_json) as s:
        found = timetables.of_company(s.works, s.company(company).id)
        rows = [
            (
                one.flow, one.posting, one.times, "now" if one.is_on else when(one.next_at) or "", str(one.ready),
                one.route_id,
            )
            for one in found
        ]  # fmt: skip
        shown = table("When routes post", ("flow", "posting", "times", "next", "ready", "route"), rows)
        s.out.answer({"routes": plain(found)}, shown)


@app.command("post")
def set_posting(
    route: RouteName = None,
    at: Annotated[
        list[str] | None, typer.Option(help="An hour of the day in the company's time zone: 02:00. May be given again.")
    ] = None,
    every: Annotated[str | None, typer.Option(help="Every so often, counted from midnight: 15m, 2h.")] = None,
    quiet: Annotated[
        list[str] | None, typer.Option(help="Hours in which nothing is posted: 22:00-06:00. May be given again.")
    ] = None,
    always: Annotated[bool, typer.Option("--always", help="At once, as without a timetable.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say when a route posts. What is ready waits for the next time; `post` and `undo` wait for none."""
    with session(as_json=as_json) as s:
        row = s.route(route)
        if always == bool(at or every or quiet):
            fix = "Say --at 02:00, --every 15m or --quiet 22:00-06:00; or --always alone."
            raise UsageError("When the route posts is not clear.", fix=fix)
        every_s = seconds_of(every) if every else None
        wanted = None if always else timetables.read(at or (), every_s=every_s, quiet=quiet or ())
        timetables.set_times(s.works, row.id, wanted, by=s.by)
        one = next(each for each in timetables.of_company(s.works, row.company_id) if each.route_id == row.id)
        next_at = f", next {when(one.next_at)}" if one.next_at is not None and not one.is_on else ""
        s.out.answer({"route": plain(one)}, lines(f"{one.flow} posts {one.times}{next_at}."))


def _pace(one: schedules.Scheduled) -> str:
    usual = "" if one.every_s == one.usual_s else f" (usually {said(one.usual_s)})"
    return f"{said(one.every_s)}{usual}"


def seconds_of(text: str) -> int:
    """A time as people write it. Raises UsageError."""
    found = re.fullmatch(r"(\d{1,6})\s*([smhd])", text.strip().casefold())
    if found is None:
        raise UsageError(f"{text} is no time.", fix="Write a number and s, m, h or d, such as 10m; or usual.")
    return int(found[1]) * _UNITS[found[2]]


def said(seconds: int) -> str:
    """A time for people."""
    name, size = next((name, size) for name, size in reversed(_UNITS.items()) if seconds % size == 0)
    return f"{seconds // size}{name}"
