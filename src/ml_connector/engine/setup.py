"""Setting up: workspaces, companies and their routes. Every change leaves an audit event."""

from __future__ import annotations

from datetime import date

from ml_connector.engine import ruling
from ml_connector.engine.books import keep_chart, terms_text
from ml_connector.engine.connecting import have_cursors
from ml_connector.engine.noting import note
from ml_connector.engine.works import Works, open_line
from ml_connector.errors import UsageError
from ml_connector.finance.rulebook import Terms
from ml_connector.flows.flow import Flow
from ml_connector.rules.days import is_zone
from ml_connector.store import audit, connection_rows, cursors, setups, trip_moves
from ml_connector.store.database import Connection
from ml_connector.store.setups import CompanyRow


def init(works: Works, *, workspace: str = setups.DEFAULT_WORKSPACE) -> str:
    """Have the workspace; its id."""
    with works.database.writing() as c:
        return setups.ensure_workspace(c, name=workspace, now=works.now())


def add_company(
    works: Works, workspace_id: str, *, connection_id: str, name: str, time_zone: str, go_live: date | None, by: str
) -> str:
    """A set of books over a Visma connection. Raises UsageError.

    Its chart is read first, so that the base currency is Visma's own word and nothing is kept where Visma does not
    answer.
    """
    with works.database.reading() as c:
        _check_company(c, workspace_id, connection_id=connection_id, name=name, time_zone=time_zone)
    began = works.now()
    chart = open_line(works, connection_id).writer.chart()
    with works.database.writing() as c:
        _check_company(c, workspace_id, connection_id=connection_id, name=name, time_zone=time_zone)
        company_id = setups.add_company(
            c,
            workspace_id=workspace_id,
            connection_id=connection_id,
            name=name,
            base_currency=chart.base_currency or "",
            time_zone=time_zone,
            go_live=go_live,
            ids=works.ids,
            now=works.now(),
        )
        made = setups.get_company(c, company_id)
        if made is not None:
            keep_chart(works, c, made, chart, began=began)
        facts = {"name": name, "time_zone": time_zone, "go_live": go_live.isoformat() if go_live else None}
        note(works, c, verb="company added", subject=company_id, by=by, workspace_id=workspace_id, facts=facts)
    return company_id


def _check_company(c: Connection, workspace_id: str, *, connection_id: str, name: str, time_zone: str) -> None:
    """Raises UsageError: no such time zone, or the name or the connection has its books already."""
    if not is_zone(time_zone):
        raise UsageError(f"{time_zone} is no time zone.", record=name, fix="Write it like Europe/Stockholm.")
    for one in setups.companies(c, workspace_id):
        if one.connection_id == connection_id:
            fix = f"Go on with {one.name}, or connect the other company in Visma under another --code."
            raise UsageError(f"{one.name} keeps its books over this connection already.", record=name, fix=fix)
        if one.name == name:
            raise UsageError("There is a company of this name already.", record=name, fix="Choose another name.")


def find_company(works: Works, workspace_id: str, name: str | None = None) -> CompanyRow:
    """The company of this name or id; without a name, the only one. Raises UsageError when that is not clear."""
    with works.database.reading() as c:
        rows = setups.companies(c, workspace_id)
    wanted = [row for row in rows if name is None or name in (row.id, row.name)]
    if len(wanted) != 1:
        if not rows:
            fix = "Add one with `ml-connector company add NAME --connection visma`."
            raise UsageError("There is no company yet.", record=name, fix=fix)
        known = ", ".join(row.name for row in rows)
        raise UsageError("Which company is meant is not clear.", record=name, fix=f"Name one of: {known}.")
    return wanted[0]


def add_route(
    works: Works,
    *,
    company_id: str,
    flow: str,
    source_id: str,
    terms: Terms,
    posting: str,
    by: str,
    target_id: str | None = None,
) -> str:
    """Set up a flow between a system and the company's ledger; records read before get their trips, streams begin.

    One end is the ledger: the target unless `target_id` names another, and then the source. Raises UsageError for ends
    that the flow does not connect, and for a route that the company has already.
    """
    pair = works.flows[flow]
    with works.database.writing() as c:
        company = setups.get_company(c, company_id)
        source = connection_rows.get(c, source_id)
        target = connection_rows.get(c, target_id or (company.connection_id if company else ""))
        if company is None or source is None or target is None:
            raise UsageError("There is no such company or connection.", record=company_id)
        if pair.source != source.connector:
            raise UsageError(f"{flow} reads from {pair.source}, not from {source.connector}.", record=source.code)
        if pair.target != target.connector:
            raise UsageError(f"{flow} writes to {pair.target}, not to {target.connector}.", record=target.code)
        if company.connection_id not in (source.id, target.id):
            raise UsageError(f"Neither end of {flow} is the ledger of {company.name}.", record=source.code)
        for one in setups.routes(c, company_id=company_id, source_id=source_id):
            if (one.flow, one.target_id) == (flow, target.id):
                fix = f"Change its terms with `ml-connector route terms set FILE --route {one.id}`."
                raise UsageError(f"{company.name} has this route already: {one.id}.", record=source.code, fix=fix)
        route_id = setups.add_route(
            c,
            workspace_id=company.workspace_id,
            company_id=company_id,
            flow=flow,
            source_id=source_id,
            target_id=target.id,
            posting=posting,
            ids=works.ids,
            now=works.now(),
        )
        terms = ruling.shared_purchase(c, company_id, source.id, target.id, terms)
        ruling.save_version(works, c, company.workspace_id, ruling.TERMS, route_id, terms_text(terms), by=by)
        if (made := setups.get_route(c, route_id)) is not None:
            ruling.share_purchase(works, c, made, terms, by=by)
        streams = None if source.id != company.connection_id else _streams(works, source.connector, pair)
        have_cursors(works, c, company.workspace_id, source_id, source.connector)
        cursors.start_all(c, source_id, now=works.now(), only=streams)
        for kind in pair.kinds:
            trip_moves.start_for_kind(
                c, route_id, source_id, kind, workspace_id=company.workspace_id, ids=works.ids, now=works.now()
            )
        note(
            works,
            c,
            verb="route added",
            subject=route_id,
            by=by,
            workspace_id=company.workspace_id,
            chain=audit.company_chain(company_id),
            facts={"flow": flow, "source": source.code, "target": target.code, "posting": posting},
        )
    return route_id


def _streams(works: Works, connector: str, pair: Flow) -> frozenset[str]:
    """The streams that bring what this flow books or follows: a ledger has many that nobody asked for."""
    streams = works.system(connector).connector.streams
    return frozenset(one.name for one in streams if set(one.kinds) & {*pair.kinds, *pair.follows})


def switch_posting(works: Works, route_id: str, posting: str, *, by: str) -> None:
    """From now on a route posts nothing (`off`), what a person consents to (`approve`), or all (`on`).

    Raises UsageError for another word, and without such a route.
    """
    if posting not in ("off", "approve", "on"):
        raise UsageError("Posting is off, approve or on.", record=posting, fix="Write one of the three.")
    with works.database.writing() as c:
        route = setups.known_route(c, route_id)
        setups.switch_posting(c, route_id, posting)
        trip_moves.due_again(c, route_id, now=works.now(), states=("planned",))
        note(
            works,
            c,
            verb="posting switched",
            subject=route_id,
            by=by,
            workspace_id=route.workspace_id,
            chain=audit.company_chain(route.company_id),
            facts={"from": route.posting, "to": posting},
        )
