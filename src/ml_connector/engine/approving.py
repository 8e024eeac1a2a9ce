"""Values of dimensions that people have made in the ledger, or set inactive there.

An approval is kept in the terms of the route. The value itself is a planned write that the first record which needs it
brings along, so that it is sent, looked for after a lost answer, read back and told like every other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from ml_connector.engine import reversing, ruling
from ml_connector.engine.books import fresh_chart, open_books, route_terms
from ml_connector.engine.noting import note
from ml_connector.engine.works import Works
from ml_connector.errors import UsageError
from ml_connector.finance.chart import Chart
from ml_connector.finance.dimensions import key_of
from ml_connector.finance.rulebook import Terms
from ml_connector.rules.dimension_values import Proposal, with_new, wrong_with
from ml_connector.store import audit, setups, write_moves, writes
from ml_connector.store.setups import RouteRow


def approve(works: Works, route: RouteRow, wanted: Proposal, *, by: str, about: Mapping[str, Any]) -> str:
    """Keep in the terms that this value may be made; what happens now, in words. Raises UsageError where it cannot be.

    `about`: what of the source it is for, as the audit trail names it.
    """
    _, chart, _ = fresh_chart(works, route.company_id)
    if problem := wrong_with(as_it_will_be(works, route.company_id, chart), wanted):
        raise UsageError(problem, record=f"{wanted.segment}/{wanted.value}", fix="Name another.")
    segment = chart.segments[wanted.segment]
    called = f"{wanted.value} {wanted.description} in dimension {segment.id} {segment.description}".strip()
    if segment.values.get(wanted.value, False):
        return f"{called} is in the ledger already."
    terms = ruling.terms_now(works, route.id)
    _save(works, route, terms, {**_of(terms, segment.id), wanted.value: wanted.description}, segment.id, by=by)
    _noted(works, route, "dimension value approved", {**asdict(wanted), **about}, by=by)
    when = "with the next drain" if route.posting != "off" else "once the route posts"
    return f"{called} is made {when}, and read back before anything is booked on it."


def in_use(works: Works, route: RouteRow, wanted: Proposal) -> str:
    """See that the ledger has this value in use, under whatever name. Raises UsageError that names those it has."""
    _, chart, _ = fresh_chart(works, route.company_id)
    segment = chart.segments.get(wanted.segment)
    if segment is not None and segment.values.get(wanted.value, False):
        return f"{wanted.value} {segment.names.get(wanted.value, '')} of the ledger is used."
    used = [value for value, active in segment.values.items() if active] if segment is not None else []
    has = ", ".join(f"{value} {segment.names.get(value, '')}".strip() for value in used[:20]) if segment else ""
    raise UsageError(
        f"The ledger has no {wanted.value} in use in dimension {wanted.segment}.",
        record=f"{wanted.segment}/{wanted.value}",
        fix=f"It has {has or 'none'}; another can be made with `create`.",
    )


def set_inactive(works: Works, company_id: str, segment: int, value: str, *, by: str) -> str:
    """Take back what was made here: the value is set inactive with the next drain, never deleted.

    Raises UsageError for a value that was not made here, or that rules still give.
    """
    books = open_books(works, company_id)
    giving = [
        rule.id for road in books.roads.values() for rule in road.rulebooks[-1].rules
        if (segment, value) in rule.dimensions
    ]  # fmt: skip
    if giving:
        fix = "Give those another value first: `ml-connector rules export`, then `rules import`."
        raise UsageError(f"Rules still give it: {', '.join(giving)}.", record=f"{segment}/{value}", fix=fix)
    for road in books.roads.values():
        forget(works, road.route, segment, value, by=by)
    with works.database.writing() as c:
        made = writes.live(c, company_id, [key_of(segment, value)]).get(key_of(segment, value))
        if made is None or made.state != "done":
            fix = "Set it inactive in Visma."
            raise UsageError("This value was not made here.", record=f"{segment}/{value}", fix=fix)
        back = reversing.reversals_of(works, c, books, [made], purpose=reversing.UNDOING, of_trips=[made.trip_id])
        if not isinstance(back, reversing.Reversals):
            raise UsageError(back[0].sentence, record=made.key)
        write_moves.add(c, back.rows, back.needs)
    _noted(works, next(iter(books.roads.values())).route, "dimension value taken back", {"key": made.key}, by=by)
    return f"{value} of dimension {segment} is set inactive with the next drain; nothing is deleted."


def forget(works: Works, route: RouteRow, segment: int, value: str, *, by: str) -> None:
    """Nobody wants it made any more."""
    terms = ruling.terms_now(works, route.id)
    if value in (approved := _of(terms, segment)):
        left = {one: name for one, name in approved.items() if one != value}
        _save(works, route, terms, left, segment, by=by)


def as_it_will_be(works: Works, company_id: str, chart: Chart) -> Chart:
    """The chart with all that was approved for any source of the company."""
    with works.database.reading() as c:
        approved = [route_terms(c, one).new_dimension_values for one in setups.routes(c, company_id=company_id)]
    for one in approved:
        chart = with_new(chart, one)
    return chart


def value_named(text: str) -> tuple[int, str]:
    """The segment and the value of "1/40". Raises UsageError."""
    number, _, value = text.partition("/")
    if not number.isdecimal() or not value:
        raise UsageError("Which value is not clear.", record=text, fix="Name it as SEGMENT/VALUE, such as 1/40.")
    return int(number), value


def _of(terms: Terms, segment: int) -> Mapping[str, str]:
    return terms.new_dimension_values.get(segment, {})


def _save(works: Works, route: RouteRow, terms: Terms, values: Mapping[str, str], segment: int, *, by: str) -> None:
    """The terms with these approved values of a segment, and no other of it."""
    others = {number: each for number, each in terms.new_dimension_values.items() if number != segment}
    kept = {**others, **({segment: values} if values else {})}
    ruling.save_terms(works, route.id, replace(terms, new_dimension_values=kept), by=by)


def _noted(works: Works, route: RouteRow, verb: str, facts: Mapping[str, Any], *, by: str) -> None:
    with works.database.writing() as c:
        note(
            works, c, verb=verb, subject=route.id, by=by, workspace_id=route.workspace_id,
            chain=audit.company_chain(route.company_id), facts=facts,
        )  # fmt: skip
