"""Who and where: workspaces, their companies, and the routes into each company's ledger and out of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, insert, select, update

from ml_connector.errors import UsageError
from ml_connector.store.ids import Ids
from ml_connector.store.tables import Micros, company, route, workspace

DEFAULT_WORKSPACE = "default"


@dataclass(frozen=True, slots=True)
class CompanyRow:
    """One set of books."""

    id: str
    workspace_id: str
    connection_id: str
    name: str
    base_currency: str
    time_zone: str
    go_live: date | None


@dataclass(frozen=True, slots=True)
class RouteRow:
    """A flow set up between two connections of a company.

    `posting`: off, approve, on. `asked_at`: when a person last wanted to have sent what was there.
    """

    id: str
    workspace_id: str
    company_id: str
    flow: str
    source_id: str
    target_id: str
    posting: str
    asked_at: Micros | None = None

    def beside(self, ledger_id: str) -> str:
        """The connection at its other end: the one that is not the ledger."""
        return self.target_id if self.source_id == ledger_id else self.source_id


def workspaces(c: Connection) -> list[str]:
    """The names of all workspaces."""
    return list(c.execute(select(workspace.c.id).order_by(workspace.c.id)).scalars())


def ensure_workspace(c: Connection, *, name: str, now: Micros) -> str:
    """The workspace of this name, made when missing; its id."""
    found = c.execute(select(workspace.c.id).where(workspace.c.id == name)).scalar_one_or_none()
    if found is None:
        c.execute(insert(workspace).values(id=name, name=name, created_at=now))
    return name


def _company(row: Any) -> CompanyRow:
    go_live = date.fromisoformat(row.go_live) if row.go_live else None
    return CompanyRow(row.id, row.workspace_id, row.connection_id, row.name, row.base_currency, row.time_zone, go_live)


def add_company(
    c: Connection,
    *,
    workspace_id: str,
    connection_id: str,
    name: str,
    base_currency: str,
    time_zone: str,
    go_live: date | None,
    ids: Ids,
    now: Micros,
) -> str:
    """A new set of books; its id."""
    company_id = ids.new()
    c.execute(
        insert(company).values(
            id=company_id,
            workspace_id=workspace_id,
            connection_id=connection_id,
            name=name,
            base_currency=base_currency,
            time_zone=time_zone,
            go_live=go_live.isoformat() if go_live else None,
            created_at=now,
        )
    )
    return company_id


def get_company(c: Connection, company_id: str) -> CompanyRow | None:
    """A company by its id."""
    row = c.execute(select(company).where(company.c.id == company_id)).one_or_none()
    return _company(row) if row else None


def known_company(c: Connection, company_id: str) -> CompanyRow:
    """A company by its id. Raises UsageError where there is none."""
    found = get_company(c, company_id)
    if found is None:
        raise UsageError("There is no such company.", record=company_id)
    return found


def companies(c: Connection, workspace_id: str | None = None) -> list[CompanyRow]:
    """Every company, of one workspace or of all."""
    query = select(company).order_by(company.c.id)
    if workspace_id is not None:
        query = query.where(company.c.workspace_id == workspace_id)
    return [_company(row) for row in c.execute(query)]


def add_route(
    c: Connection,
    *,
    workspace_id: str,
    company_id: str,
    flow: str,
    source_id: str,
    target_id: str,
    posting: str,
    ids: Ids,
    now: Micros,
) -> str:
    """A new route; its id."""
    route_id = ids.new()
    c.execute(
        insert(route).values(
            id=route_id,
            workspace_id=workspace_id,
            company_id=company_id,
            flow=flow,
            source_id=source_id,
            target_id=target_id,
            posting=posting,
            created_at=now,
        )
    )
    return route_id


def _route(row: Any) -> RouteRow:
    return RouteRow(
        row.id, row.workspace_id, row.company_id, row.flow, row.source_id, row.target_id, row.posting, row.run_asked_at
    )


def routes(
    c: Connection, *, company_id: str | None = None, source_id: str | None = None, workspace_id: str | None = None
) -> list[RouteRow]:
    """Routes of a company, from a source, or of a workspace."""
    query = select(route).order_by(route.c.id)
    for column, value in (
        (route.c.company_id, company_id),
        (route.c.source_id, source_id),
        (route.c.workspace_id, workspace_id),
    ):
        if value is not None:
            query = query.where(column == value)
    return [_route(row) for row in c.execute(query)]


def get_route(c: Connection, route_id: str) -> RouteRow | None:
    """A route by its id."""
    row = c.execute(select(route).where(route.c.id == route_id)).one_or_none()
    return _route(row) if row else None


def known_route(c: Connection, route_id: str) -> RouteRow:
    """A route by its id. Raises UsageError where there is none."""
    found = get_route(c, route_id)
    if found is None:
        raise UsageError("There is no such route.", record=route_id)
    return found


def switch_posting(c: Connection, route_id: str, posting: str) -> None:
    """off: plan only; approve: post what a person consents to; on: post."""
    c.execute(update(route).where(route.c.id == route_id).values(posting=posting))
