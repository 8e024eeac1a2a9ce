"""`places`: which places of a source have a dimension in the ledger, and making one for those that lack it."""

from __future__ import annotations

from typing import Annotated

import typer

from ml_connector.cli.output import PERSON, AsJson, lines, plain, table
from ml_connector.cli.session import CompanyName, RouteName, session
from ml_connector.engine import approving, placing, reviewing

app = typer.Typer(help="Places of a source and their dimensions in the ledger.", no_args_is_help=True)


def register(root: typer.Typer) -> None:
    """Put these commands under the root."""
    root.add_typer(app, name="places")


@app.command("list")
def list_places(route: RouteName = None, as_json: AsJson = False) -> None:
    """Every place that is mapped or asked about, with its dimensions. Ends with 1 where one waits for a person."""
    with session(as_json=as_json) as s:
        found = placing.survey(s.works, s.route(route))
        rows = [(one.location, one.name, _values(one) or "none", _question(one)) for one in found]
        shown = table("Places", ("place", "name", "dimensions", "question"), rows)
        waits = any(one.question for one in found)
        s.out.answer({"places": plain(found)}, shown, code=PERSON if waits else 0)


@app.command("create")
def create(
    place: Annotated[str, typer.Argument(help="Id of the place at the source, from `places list`.")],
    value: Annotated[
        str, typer.Argument(help="[SEGMENT/]VALUE[=DESCRIPTION]; what is left out is as it is proposed.")
    ] = "",
    route: RouteName = None,
    as_json: AsJson = False,
) -> None:
    """Have a value made in the ledger for a place, and book the place on it. Made with the next `post`."""
    with session(as_json=as_json) as s:
        row = s.route(route)
        asked = {one.location: one.question for one in placing.survey(s.works, row)}
        if question := asked.get(place):
            answer = f"{placing.CREATE}:{value}"
            told = reviewing.resolve(s.works, s.workspace, question, answer=answer, by=s.by)
        else:
            told = placing.create_for(s.works, row, place, value, by=s.by)
        s.out.answer({"place": place, "told": told}, lines(told))


@app.command("close")
def close(
    value: Annotated[str, typer.Argument(help="SEGMENT/VALUE that was made from here, such as 1/40.")],
    company: CompanyName = None,
    as_json: AsJson = False,
) -> None:
    """Set a value that was made from here inactive in the ledger, once no rule gives it. Nothing is deleted."""
    with session(as_json=as_json) as s:
        told = approving.set_inactive(s.works, s.company(company).id, *approving.value_named(value), by=s.by)
        s.out.answer({"value": value, "told": told}, lines(told))


def _values(one: placing.PlaceSeen) -> str:
    return ", ".join(
        f"{segment}/{value} {name}".strip() + ("" if state == "in use" else f" ({state})")
        for segment, value, name, state in one.values
    )


def _question(one: placing.PlaceSeen) -> str:
    return f"ml-connector review show {one.question}" if one.question else ""
