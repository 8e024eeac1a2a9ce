"""`replay`, `undo`: planning again from what is stored, taking back what was posted."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from ml_connector.cli.output import AsJson, lines
from ml_connector.cli.session import CompanyName, Session, session
from ml_connector.clock import micros
from ml_connector.engine import replaying, tracing
from ml_connector.errors import UsageError

Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="When it happened, UTC.")]


def register(root: typer.Typer) -> None:
    """Put these commands under the root."""
    root.command("replay")(replay)
    root.command("undo")(undo)


def replay(
    names: Annotated[list[str] | None, typer.Argument(help="Any ids of records; none: a time range.")] = None,
    since: Day = None,
    until: Day = None,
    company: CompanyName = None,
    as_json: AsJson = False,
) -> None:
    """Plan records again from what is stored, under today's rules. What is posted alike already is not posted twice."""
    with session(as_json=as_json) as s:
        if names:
            trips = [trip for name in names for trip in _trips(s, name)]
            touched = replaying.replay_trips(s.works, s.workspace, trips, by=s.by).trips
        elif since is None and until is None:
            raise UsageError(
                "Name records, or a range with --since or --until.", fix="See `ml-connector replay --help`."
            )
        else:
            row = s.company(company)
            start, end = (None if one is None else micros(one.replace(tzinfo=UTC)) for one in (since, until))
            with s.out.progress("planning again") as advance:
                touched = replaying.replay_range(
                    s.works, row.id, since=start, until=end, states=None, by=s.by, told=advance
                ).trips
        s.out.answer({"trips": touched}, lines(f"{touched} records are planned again by the next `post`."))


def undo(
    name: Annotated[str, typer.Argument(help="Any id of one record.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take back what was posted for one record, by reversals linked both ways. Nothing is ever deleted."""
    with session(as_json=as_json) as s:
        trips = _trips(s, name)
        if len(trips) != 1:
            raise UsageError(
                f"{len(trips)} records stand behind this id; undo takes one.",
                record=name,
                fix=f"Name one of: {', '.join(trips)}.",
            )
        if not yes:
            if as_json or not sys.stdin.isatty():
                raise UsageError("Undo asks first.", record=name, fix="Say --yes.")
            typer.confirm(f"Reverse everything posted for {name}?", abort=True, err=True)
        keys = replaying.undo(s.works, trips[0], by=s.by)
        s.out.answer(
            {"trip": trips[0], "reversals": keys}, lines(f"Planned: {', '.join(keys)}. They go with the next `post`.")
        )


def _trips(s: Session, name: str) -> list[str]:
    """Trips behind an id."""
    return list(dict.fromkeys(trip.id for story in tracing.trace(s.works, s.workspace, name) for trip in story.trips))
