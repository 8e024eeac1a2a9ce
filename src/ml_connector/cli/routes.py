"""`route`: which flow posts to which books, on what terms, and whether it posts at all."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer

from ml_connector.cli.output import AsJson, lines, table
from ml_connector.cli.session import CompanyName, RouteName, Session, session
from ml_connector.engine import ruling, setup
from ml_connector.errors import UsageError
from ml_connector.finance.encoding import encode
from ml_connector.finance.rulebook import Terms
from ml_connector.store.setups import RouteRow

app = typer.Typer(help="A flow set up between a company's ledger and another system.", no_args_is_help=True)
terms_app = typer.Typer(help="The business settings of a route.", no_args_is_help=True)

TermsFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Terms as TOML.")]


def register(root: typer.Typer) -> None:
    """Put these commands under the root."""
    app.add_typer(terms_app, name="terms")
    root.add_typer(app, name="route")


@app.command("add")
def add(
    source: Annotated[str, typer.Option(help="Code of the connection to read from.")],
    target: Annotated[
        str | None, typer.Option(help="Code of the connection to write to; left out: the company's ledger.")
    ] = None,
    flow: Annotated[str | None, typer.Option(help="Its name; not needed where the source has one flow.")] = None,
    company: CompanyName = None,
    terms: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="Terms as TOML.")] = None,
    as_json: AsJson = False,
) -> None:
    """Set up a route. It begins with posting off: records are read and planned, nothing is written anywhere."""
    with session(as_json=as_json) as s:
        books, row = s.company(company), s.connection(source)
        to = s.connection(target) if target else s.ledger_of(books)
        base = Terms(code=row.code, time_zone=books.time_zone)
        wanted = _read_terms(terms, base) if terms else base
        made = setup.add_route(
            s.works, company_id=books.id, flow=_flow(s, row.connector, to.connector, name=flow), source_id=row.id,
            target_id=to.id, terms=wanted, posting="off", by=s.by,
        )  # fmt: skip
        s.out.answer(
            {"route": made, "posting": "off"},
            lines(
                f"Route {made} reads {source} and writes to {to.code} for {books.name}; posting is off.",
                "Next: ml-connector rules import FILE",
            ),
        )


def _flow(s: Session, source: str, target: str, *, name: str | None) -> str:
    known = ", ".join(sorted(s.works.flows))
    if name is not None and name not in s.works.flows:
        raise UsageError("There is no flow of this name.", record=name, fix=f"Known: {known}.")
    joined = [one.name for one in s.works.flows.values() if (one.source, one.target) == (source, target)]
    if name in joined:
        return name
    if name is not None:
        wanted = s.works.flows[name]
        what = f"{name} goes from {wanted.source} to {wanted.target}, and these ends are {source} and {target}."
        raise UsageError(what, record=name, fix="Name its ends with --source and --target.")
    if not joined:
        fix = f"Name the ends with --source and --target. Known: {known}."
        raise UsageError(f"No flow goes from {source} to {target}.", fix=fix)
    if len(joined) > 1:
        raise UsageError("Which flow is meant is not clear.", fix=f"Name one with --flow: {', '.join(sorted(joined))}.")
    return joined[0]


@app.command("list")
def list_routes(as_json: AsJson = False) -> None:
    """Every route and whether it posts."""
    with session(as_json=as_json) as s:
        codes = {one.id: one.code for one in s.connections()}
        names = {one.id: one.name for one in s.companies()}
        rows = [
            {
                "id": r.id, "flow": r.flow, "source": codes.get(r.source_id), "target": codes.get(r.target_id),
                "company": names.get(r.company_id), "posting": r.posting,
            }
            for r in s.routes()
        ]  # fmt: skip
        s.out.answer(
            {"routes": rows},
            table("Routes", ("id", "flow", "source", "target", "company", "posting"), [list(r.values()) for r in rows]),
        )


@app.command("posting")
def posting(
    mode: Annotated[str, typer.Argument(help="off: plan only. approve: each plan waits for consent. on: post.")],
    route: RouteName = None,
    as_json: AsJson = False,
) -> None:
    """Switch what a route does with its plans."""
    with session(as_json=as_json) as s:
        row = s.route(route)
        setup.switch_posting(s.works, row.id, mode, by=s.by)
        s.out.answer(
            {"route": row.id, "from": row.posting, "posting": mode}, lines(f"Posting was {row.posting}, is {mode}.")
        )


@terms_app.command("show")
def terms_show(route: RouteName = None, as_json: AsJson = False) -> None:
    """The terms as they stand, as TOML that `terms set` reads."""
    with session(as_json=as_json) as s:
        row = s.route(route)
        terms = ruling.terms_now(s.works, row.id)
        shown: dict[str, Any] = encode(terms)
        s.out.answer({"route": row.id, "terms": shown}, lines(ruling.terms_toml(terms).rstrip()))


@terms_app.command("set")
def terms_set(file: TermsFile, route: RouteName = None, as_json: AsJson = False) -> None:
    """Save new terms from a file, over what stands; what is not posted yet is planned again."""
    with session(as_json=as_json) as s:
        row = s.route(route)
        version = _save(s, row, file)
        s.out.answer({"route": row.id, "version": version}, lines(f"Saved as version {version}."))


def _save(s: Session, row: RouteRow, file: Path) -> int:
    return ruling.save_terms(s.works, row.id, _read_terms(file, ruling.terms_now(s.works, row.id)), by=s.by)


def _read_terms(file: Path, base: Terms) -> Terms:
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise UsageError(f"{file} is not TOML: {fault}.", fix="Correct the file; nothing was saved.") from None
    return ruling.parse_terms(document, base=base)
