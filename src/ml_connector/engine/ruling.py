"""What a route goes by: its terms and its rules, checked, saved in versions, and planned by at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import count
from typing import Any

from ml_connector.engine import attributes
from ml_connector.engine.books import fresh_chart, route_terms, rulebook_of, rulebook_text, terms_text
from ml_connector.engine.noting import note
from ml_connector.engine.works import Works, open_line
from ml_connector.errors import ConfigurationError, Rejected
from ml_connector.finance.encoding import encode_finding, hash_of
from ml_connector.finance.plan import Finding
from ml_connector.finance.purchase_terms import PurchaseTerms
from ml_connector.finance.rulebook import Rulebook, Terms
from ml_connector.rules import checking, rulefile, termfile
from ml_connector.rules.dimension_values import with_new
from ml_connector.store import (
    audit,
    configs,
    setups,
    trip_moves,
)
from ml_connector.store.database import Connection
from ml_connector.store.setups import RouteRow

TERMS = "route"
RULEBOOK = "rulebook"


def terms_now(works: Works, route_id: str) -> Terms:
    """The terms of a route as they stand.

    Raises UsageError without such a route.
    """
    with works.database.reading() as c:
        route = setups.known_route(c, route_id)
        return route_terms(c, route)


def save_terms(works: Works, route_id: str, terms: Terms, *, by: str) -> int:
    """A new version of a route's terms; what is not posted yet is planned again.

    The way back, where there is one, says the same of purchases from now on. Raises UsageError without such a route.
    """
    with works.database.writing() as c:
        route = setups.known_route(c, route_id)
        n = _save_terms(works, c, route, terms, by=by)
        share_purchase(works, c, route, terms, by=by)
    return n


def _save_terms(works: Works, c: Connection, route: RouteRow, terms: Terms, *, by: str) -> int:
    n = save_version(works, c, route.workspace_id, TERMS, route.id, terms_text(terms), by=by)
    _plan_again(works, c, route.id)
    note(
        works,
        c,
        verb="terms saved",
        subject=route.id,
        by=by,
        workspace_id=route.workspace_id,
        chain=audit.company_chain(route.company_id),
        facts={"version": n, "hash": hash_of(terms_text(terms))},
    )
    return n


def share_purchase(works: Works, c: Connection, route: RouteRow, terms: Terms, *, by: str) -> None:
    """The way back gets this way's purchase terms: one mode, one namespace for both. The caller's transaction."""
    for other in _ways_back(c, route.company_id, route.source_id, route.target_id):
        theirs = route_terms(c, other)
        if theirs.purchase != terms.purchase:
            _save_terms(works, c, other, replace(theirs, purchase=terms.purchase), by=by)


def shared_purchase(c: Connection, company_id: str, source_id: str, target_id: str, terms: Terms) -> Terms:
    """The terms of a new route: those that say nothing of purchases go by what the way back says."""
    if terms.purchase != PurchaseTerms():
        return terms
    said = [route_terms(c, other).purchase for other in _ways_back(c, company_id, source_id, target_id)]
    return replace(terms, purchase=said[0]) if said else terms


def _ways_back(c: Connection, company_id: str, source_id: str, target_id: str) -> list[RouteRow]:
    """The routes that lead the other way between the same two systems."""
    found = setups.routes(c, company_id=company_id, source_id=target_id)
    return [one for one in found if one.target_id == source_id]


def save_version(
    works: Works,
    c: Connection,
    workspace_id: str,
    kind: str,
    owner_id: str,
    body: str,
    *,
    by: str,
    valid_from: date | None = None,
) -> int:
    """The next version of terms or rules; its number. The caller's transaction."""
    return configs.add(
        c,
        workspace_id=workspace_id,
        owner_kind=kind,
        owner_id=owner_id,
        body=body,
        author=by,
        ids=works.ids,
        now=works.now(),
        valid_from=valid_from,
    )


def _plan_again(works: Works, c: Connection, route_id: str) -> None:
    trip_moves.due_again(c, route_id, now=works.now(), states=("held", "planned", "waiting"))


@dataclass(frozen=True, slots=True)
class SavedRules:
    """The version that was saved and what was found when it was checked against the chart."""

    version: int
    findings: tuple[Finding, ...]


def rules_now(works: Works, route_id: str) -> Rulebook:
    """The newest rulebook of a route; an empty one before the first."""
    with works.database.reading() as c:
        row = configs.newest(c, RULEBOOK, route_id)
    return rulebook_of(row) if row else Rulebook(0, date.min)


def check_rules(works: Works, route_id: str, book: Rulebook) -> tuple[Finding, ...]:
    """What a rulebook names, checked live against the ledger.

    Raises UsageError without such a route, and what reading the ledger raises.
    """
    with works.database.reading() as c:
        route = setups.known_route(c, route_id)
        company = setups.known_company(c, route.company_id)
        terms = route_terms(c, route)
    _, chart, _ = fresh_chart(works, route.company_id)
    chart = with_new(chart, terms.new_dimension_values)
    found = checking.check_rulebook(book, chart, works.flows[route.flow].roles, day=works.clock.now().date())
    writer = open_line(works, company.connection_id).writer
    return (*found, *attributes.findings(writer, Terms(), book.rules))


def save_rules(works: Works, route_id: str, book: Rulebook, *, by: str, force: bool = False) -> SavedRules:
    """A new version of the rules, checked against the ledger first.

    What is held is planned again, without reading again.

    Raises Rejected with the blocking findings unless `force`: a rule that names a missing account only holds records.
    """
    findings = check_rules(works, route_id, book)
    blocking = [finding for finding in findings if finding.blocks]
    if blocking and not force:
        raise Rejected(
            " ".join(finding.sentence for finding in blocking[:5]),
            record=route_id,
            fix="Correct the rules, or save with --force.",
        )
    with works.database.writing() as c:
        route = setups.known_route(c, route_id)
        valid_from = None if book.valid_from == date.min else book.valid_from
        n = save_version(
            works, c, route.workspace_id, RULEBOOK, route_id, rulebook_text(book), by=by, valid_from=valid_from
        )
        _plan_again(works, c, route_id)
        note(
            works,
            c,
            verb="rules saved",
            subject=route_id,
            by=by,
            workspace_id=route.workspace_id,
            chain=audit.company_chain(route.company_id),
            facts={
                "version": n,
                "rules": len(book.rules),
                "hash": hash_of(rulebook_text(book)),
                "findings": [encode_finding(f)["code"] for f in findings],
            },
        )
    return SavedRules(n, findings)


def add_rule(works: Works, route_id: str, rule_toml: str, *, by: str, values: Mapping[str, str] | None = None) -> int:
    """Put one more rule (TOML, with these values in it) behind the others; the version saved.

    Behind: it was asked for because no rule decides its case, so there it speaks, and everywhere else the older rules
    go on deciding. An id that is taken gets a number.
    """
    book = rules_now(works, route_id)
    taken = {rule.id for rule in book.rules}
    added = []
    for rule in rulefile.rules_from_toml(rule_toml):
        free = next(name for n in count(1) if (name := rule.id if n == 1 else f"{rule.id}-{n}") not in taken)
        taken.add(free)
        said: dict[str, Any] = dict(values or {})
        added.append(replace(rule, id=free, **said))
    return save_rules(works, route_id, replace(book, rules=(*book.rules, *added)), by=by).version


def parse_terms(document: Mapping[str, Any], *, base: Terms) -> Terms:
    """Terms from a TOML table over what stands. Raises ConfigurationError that names every wrong term."""
    try:
        return termfile.parse(document, base=base)
    except termfile.TermFileError as fault:
        raise ConfigurationError(
            str(fault), fix="Nothing was saved; docs/rules.md says what each term means."
        ) from None


def terms_toml(terms: Terms) -> str:
    """Terms as a file that `parse_terms` reads back as the same."""
    return termfile.to_toml(terms)
