"""`init`, `company`: the workspace and its sets of books."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from ml_connector.cli.connections import prove
from ml_connector.cli.output import AsJson, lines, table
from ml_connector.cli.session import CompanyName, session
from ml_connector.engine import connecting, setup
from ml_connector.store import connection_rows, reviews, setups
from ml_connector.store.database import Connection

company_app = typer.Typer(help="Sets of books.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Put these commands under the root."""
    app.command("init")(init)
    app.command("workspaces")(workspaces)
    app.add_typer(company_app, name="company")


def init(as_json: AsJson = False) -> None:
    """Make the folder, the databases, the master key and the workspace. Safe to repeat."""
    with session(as_json=as_json, makes_workspace=True) as s:
        name = setup.init(s.works, workspace=s.workspace)
        content = {
            "workspace": name,
            "data_dir": str(s.settings.data_dir),
            "master_key_file": str(s.settings.master_key_file),
        }
        s.out.answer(
            content, lines(f"Workspace {name} is ready in {s.settings.data_dir}.", "Next: ml-connector connect visma")
        )


def workspaces(as_json: AsJson = False) -> None:
    """Every customer of this install: their books, connections and what waits for a person."""
    with session(as_json=as_json, makes_workspace=True) as s:
        with s.works.database.reading() as c:
            rows = [_workspace(c, name) for name in setups.workspaces(c)]
        columns = ("workspace", "companies", "connections", "paused", "questions")
        s.out.answer({"workspaces": rows}, table("Workspaces", columns, [_shown(row) for row in rows]))


def _workspace(c: Connection, name: str) -> dict[str, Any]:
    made = connection_rows.every(c, name)
    return {
        "workspace": name, "companies": [one.name for one in setups.companies(c, name)],
        "connections": [one.code for one in made], "paused": [one.code for one in made if one.state == "paused"],
        "questions": sum(reviews.counts(c, name).values()),
    }  # fmt: skip


def _shown(row: dict[str, Any]) -> list[Any]:
    return [", ".join(value) if isinstance(value, list) else value for value in row.values()]


@company_app.command("add")
def company_add(
    name: Annotated[str, typer.Argument(help="How you call this set of books.")],
    connection: Annotated[str, typer.Option(help="Code of its Visma connection.")],
    time_zone: Annotated[str, typer.Option(help="Where its business days begin and end.")] = "Europe/Stockholm",
    go_live: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Older records are ignored.")] = None,
    as_json: AsJson = False,
) -> None:
    """Add a set of books over a Visma connection; its chart of accounts is read at once."""
    with session(as_json=as_json) as s:
        row = s.connection(connection)
        day = go_live.date() if go_live else None
        connecting.ping(s.works, row.id)  # whose books these are: the same ones twice would be posted to twice
        made = setup.add_company(
            s.works, s.workspace, connection_id=row.id, name=name, time_zone=time_zone, go_live=day, by=s.by
        )
        company = s.company(made)
        s.out.answer(
            {"company": made, **_company(company)},
            lines(f"{name} keeps its books in {company.base_currency}.", "Next: ml-connector route add --source CODE"),
        )


@company_app.command("list")
def company_list(as_json: AsJson = False) -> None:
    """Every set of books of this workspace."""
    with session(as_json=as_json) as s:
        rows = s.companies()
        codes = {one.id: one.code for one in s.connections()}
        shown = table(
            "Companies", ("name", "currency", "time zone", "go-live", "Visma", "id"),
            [(r.name, r.base_currency, r.time_zone, r.go_live, codes.get(r.connection_id), r.id) for r in rows],
        )  # fmt: skip
        s.out.answer({"companies": [_company(row) for row in rows]}, shown)


@company_app.command("ping")
def company_ping(company: CompanyName = None, as_json: AsJson = False) -> None:
    """Prove the company's Visma connection without writing anything."""
    with session(as_json=as_json) as s:
        row = s.company(company)
        codes = {one.id: one.code for one in s.connections()}
        prove(s, codes[row.connection_id])


def _company(row: Any) -> dict[str, Any]:
    go_live = row.go_live.isoformat() if row.go_live else None
    return {
        "id": row.id, "name": row.name, "base_currency": row.base_currency, "time_zone": row.time_zone,
        "go_live": go_live,
    }  # fmt: skip
