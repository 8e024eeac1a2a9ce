"""One company's books as planning sees them: its routes with their terms and rules, and the chart last read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from ml_connector.clock import moment
from ml_connector.connectors.shapes import Translate
from ml_connector.engine.works import Works, open_line
from ml_connector.errors import ConfigurationError
from ml_connector.finance.chart import Chart
from ml_connector.finance.dimensions import key_of
from ml_connector.finance.encoding import decode, encode, hash_of, text_of
from ml_connector.finance.rulebook import Rulebook, Terms
from ml_connector.flows.flow import Flow
from ml_connector.rules.mapping import asks_articles
from ml_connector.store import audit, charts, configs, connection_rows, setups, trip_moves, writes
from ml_connector.store.audit import Entry
from ml_connector.store.connection_rows import ConnectionRow
from ml_connector.store.database import Connection
from ml_connector.store.setups import CompanyRow, RouteRow

_ARTICLES = ('"article":["', '"category":["')  # conditions that are not empty, in a rulebook as it is kept


@dataclass(frozen=True, slots=True)
class Road:
    """A route ready for use: its flow, terms and the versions of its rules."""

    route: RouteRow
    flow: Flow
    source: ConnectionRow
    translate: Translate
    terms: Terms
    rulebooks: tuple[Rulebook, ...]

    def rulebook_on(self, day: date) -> Rulebook:
        """The newest version that is valid on this day; before the first valid day, the first version."""
        valid = [book for book in self.rulebooks if book.valid_from <= day]
        return valid[-1] if valid else self.rulebooks[0]


@dataclass(frozen=True, slots=True)
class Books:
    """A company with everything that planning and posting need to know."""

    company: CompanyRow
    roads: Mapping[str, Road]
    chart: Chart
    chart_n: int
    chart_read_at: int
    mark: str = ""  # of the set-up these were read from
    filled: dict[str, int] = field(default_factory=dict, compare=False)  # by pool: full parts closed by these books

    @property
    def route_ids(self) -> list[str]:
        return list(self.roads)


def open_books(works: Works, company_id: str) -> Books:
    """Read a company's set-up; the chart is read from the ledger first when there is none or it is too old.

    Raises UsageError without such a company, ConfigurationError for a route that lacks an end or its terms.
    """
    chart_n, chart, read_at = fresh_chart(works, company_id)
    with works.database.reading() as c:
        company = setups.known_company(c, company_id)
        routes = setups.routes(c, company_id=company_id)
        ends = {one: connection_rows.get(c, one) for route in routes for one in (route.source_id, route.target_id)}
        terms = {route.id: configs.newest(c, "route", route.id) for route in routes}
        rules = {route.id: configs.every(c, "rulebook", route.id) for route in routes}
        mark = configs.set_up_mark(c, company_id)
    roads = {}
    for route in routes:
        source, other = ends[route.source_id], ends[route.beside(company.connection_id)]
        if source is None or other is None or terms[route.id] is None:
            raise ConfigurationError(
                "The route lacks an end or its terms.", record=route.id, fix="Set the route up again."
            )
        known = not_made_yet(works, company_id, terms_of(terms[route.id], code=other.code))
        roads[route.id] = _road(works, company, route, source, terms=known, versions=rules[route.id])
    return Books(company, roads, chart, chart_n, read_at, mark)


def _road(
    works: Works, company: CompanyRow, route: RouteRow, source: ConnectionRow, *, terms: Terms,
    versions: list[configs.ConfigRow]
) -> Road:  # fmt: skip
    translate = works.system(source.connector).translate
    if translate is None:
        raise ConfigurationError(f"{source.connector} has nothing to translate.", record=route.id)
    rulebooks = tuple(rulebook_of(version) for version in versions) or (Rulebook(0, date.min),)
    known = replace(terms, go_live=company.go_live)
    return by_rules(Road(route, works.flows[route.flow], source, translate, known, rulebooks), rulebooks)


def not_made_yet(works: Works, company_id: str, terms: Terms) -> Terms:
    """The terms without the approved values of dimensions that stand in the ledger: from then on the chart tells."""
    approved = terms.new_dimension_values
    keys = [key_of(number, value) for number, values in approved.items() for value in values]
    if not keys:
        return terms
    with works.database.reading() as c:
        live = writes.live(c, company_id, keys)
    done = {key for key, write in live.items() if write.state == "done"}
    left = {
        number: {value: name for value, name in values.items() if key_of(number, value) not in done}
        for number, values in approved.items()
    }
    return replace(terms, new_dimension_values={number: values for number, values in left.items() if values})


def by_rules(road: Road, rulebooks: tuple[Rulebook, ...]) -> Road:
    """The route under these versions of its rules, oldest first."""
    return replace(road, rulebooks=rulebooks, terms=replace(road.terms, asks_articles=_tell_apart(rulebooks)))


def _tell_apart(rulebooks: Sequence[Rulebook]) -> bool:
    """Whether any version that still decides something tells articles apart: a later one for the same days hides it.

    Before the first valid day the first version decides, hidden or not.
    """
    return any(
        asks_articles(book)
        for n, book in enumerate(rulebooks)
        if (n == 0 and book.valid_from > date.min)
        or all(later.valid_from > book.valid_from for later in rulebooks[n + 1 :])
    )


def rulebook_of(row: configs.ConfigRow) -> Rulebook:
    """The rulebook kept in a config row."""
    book: Rulebook = decode(Rulebook, json.loads(row.body))
    return replace(book, version=row.n, valid_from=row.valid_from or date.min)


def terms_of(row: configs.ConfigRow | None, *, code: str) -> Terms:
    """The terms kept in a config row.

    `code` is of the connection beside the ledger: keys of the route begin with it.
    """
    terms: Terms = decode(Terms, json.loads(row.body)) if row else Terms()
    return replace(terms, code=code, purchase=replace(terms.purchase, code=code))


def route_terms(c: Connection, route: RouteRow) -> Terms:
    """The terms of a route as they stand now.

    Raises ConfigurationError for a route that lacks an end.
    """
    company = setups.get_company(c, route.company_id)
    other = connection_rows.get(c, route.beside(company.connection_id)) if company else None
    if other is None:
        raise ConfigurationError("The route lacks an end.", record=route.id, fix="Set the route up again.")
    return terms_of(configs.newest(c, "route", route.id), code=other.code)


def needing_terms(c: Connection, route: RouteRow) -> Terms:
    """The terms of a route as its needs ask for them.

    That is with every page that is read, so rules are read only where some version of them tells articles apart.
    """
    if not configs.any_holds(c, "rulebook", route.id, _ARTICLES):
        return route_terms(c, route)
    rulebooks = tuple(map(rulebook_of, configs.every(c, "rulebook", route.id)))
    return replace(route_terms(c, route), asks_articles=_tell_apart(rulebooks))


def terms_text(terms: Terms) -> str:
    """Terms as they are kept in a config row."""
    return text_of(encode(replace(terms, asks_articles=False)))


def rulebook_text(book: Rulebook) -> str:
    """Rules as they are kept in a config row."""
    return text_of(encode(book))


def fresh_chart(works: Works, company_id: str) -> tuple[int, Chart, int]:
    """(version, chart, read at): from the store when young enough, else read from the ledger now."""
    age_us = works.limits.chart_max_age_s * 1_000_000
    with works.database.reading() as c:
        stored = charts.newest(c, company_id)
    if stored is not None and works.now() - stored.read_at <= age_us:
        return stored.n, replace(decode(Chart, json.loads(stored.body)), read_at=moment(stored.read_at)), stored.read_at
    return refresh_chart(works, company_id)


def refresh_chart(works: Works, company_id: str) -> tuple[int, Chart, int]:
    """Read the whole set-up from the ledger and keep it, as a new version when anything changed.

    Raises UsageError without such a company, and what the ledger's writer raises.
    """
    with works.database.reading() as c:
        company = setups.known_company(c, company_id)
    began = works.now()
    chart = open_line(works, company.connection_id).writer.chart()
    with works.database.writing() as c:
        return keep_chart(works, c, company, chart, began=began), chart, began


def keep_chart(works: Works, c: Connection, company: CompanyRow, chart: Chart, *, began: int) -> int:
    """The version of a chart that was just read: a new one when anything changed. The caller's transaction."""
    body = encode(chart)
    del body["read_at"]
    text = text_of({**body, "read_at": chart.read_at.isoformat()})
    n, is_new = charts.keep(
        c, company.id, body=text, hash_text=hash_of(body), at=began, workspace_id=company.workspace_id, ids=works.ids
    )
    if is_new:
        _note_change(works, c, company, version=n, hash_text=hash_of(body))
    return n


def _note_change(works: Works, c: Connection, company: CompanyRow, *, version: int, hash_text: str) -> None:
    """A new version of the chart: what was planned or held is judged anew before any of it is sent."""
    entry = Entry(works.now(), "system", "chart read", company.id, {"version": version, "hash": hash_text})
    audit.append_many(c, chain=audit.company_chain(company.id), workspace_id=company.workspace_id, entries=[entry])
    for route in setups.routes(c, company_id=company.id) if version > 1 else ():
        trip_moves.due_again(c, route.id, now=works.now(), states=("planned", "held"))
