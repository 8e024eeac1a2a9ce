"""Answers about places and their dimensions: what the ledger has is used, what it lacks is made once a person says so.

An approval is kept in the terms of the route. The value itself is a planned write that the first record which needs it
brings along, so that it is sent, looked for after a lost answer, read back and told like every other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from ml_connector.engine import reversing, ruling
from ml_connector.engine.books import fresh_chart, open_books, route_terms
from ml_connector.engine.noting import note
from ml_connector.engine.works import Works
from ml_connector.errors import UsageError
from ml_connector.finance.chart import Chart
from ml_connector.finance.dimensions import key_of
from ml_connector.finance.rulebook import LocationTerms, Terms
from ml_connector.rules import places
from ml_connector.rules.dimension_values import Proposal, with_new, wrong_with
from ml_connector.rules.rulefile import rule_toml
from ml_connector.store import audit, records, reviews, setups, trip_moves, trips, write_moves, writes
from ml_connector.store.reviews import ReviewItem
from ml_connector.store.setups import RouteRow

PLACE, UNKNOWN, TAKEN = "location-unmapped", "dimension-unknown", "dimension-taken"
ACCEPT, CREATE, USE = "accept", "create", "use"
HOW = f"{CREATE}:<[segment/]value=description>"
OR_USE = f"{USE}:<[segment/]value that the ledger has>"


def answers_to(item: ReviewItem) -> tuple[str, ...]:
    """What may be answered here beside what every question takes; nothing for questions about something else."""
    if item.code == PLACE:
        return (ACCEPT, *((CREATE,) if item.proposal.get("new_value") else ()), HOW, OR_USE)
    if item.code == UNKNOWN and item.proposal.get("value"):
        return (HOW, OR_USE)
    return (ACCEPT, HOW, OR_USE) if item.code == TAKEN else ()


def answered(works: Works, item: ReviewItem, *, answer: str, by: str) -> str | None:
    """Carry out an answer to such a question, and say what it set in motion; None where it is none of these."""
    names_one = answer.partition(":")[0] in (CREATE, USE)
    if item.code not in (PLACE, UNKNOWN, TAKEN) or not (names_one or answer == ACCEPT):
        return None
    if item.trip_id is None:
        raise UsageError("The question names no record.", record=item.id)
    with works.database.reading() as c:
        route = setups.get_route(c, trips.by_ids(c, [item.trip_id])[item.trip_id].route_id)
    if route is None:
        raise UsageError("There is no such route.", record=item.trip_id)
    if item.code == PLACE:
        return _place(works, route, _as_described(works, route, item), answer=answer, by=by)
    if names_one:
        return _named(works, route, item, answer, by=by)
    return _same(works, route, item, by=by) if item.code == TAKEN else None


def approve(works: Works, route: RouteRow, wanted: Proposal, *, by: str, about: Mapping[str, Any]) -> str:
    """Keep in the terms that this value may be made; what happens now, in words. Raises UsageError where it cannot be.

    `about`: what of the source it is for, as the audit trail names it.
    """
    _, chart, _ = fresh_chart(works, route.company_id)
    if problem := wrong_with(_as_it_will_be(works, route.company_id, chart), wanted):
        raise UsageError(problem, record=f"{wanted.segment}/{wanted.value}", fix=f"Answer `{HOW}` with another.")
    segment = chart.segments[wanted.segment]
    called = f"{wanted.value} {wanted.description} in dimension {segment.id} {segment.description}".strip()
    if segment.values.get(wanted.value, False):
        return f"{called} is in the ledger already."
    terms = ruling.terms_now(works, route.id)
    _save(works, route, terms, {**_of(terms, segment.id), wanted.value: wanted.description}, segment.id, by=by)
    _noted(works, route, "dimension value approved", {**asdict(wanted), **about}, by=by)
    when = "with the next drain" if route.posting != "off" else "once the route posts"
    return f"{called} is made {when}, and read back before anything is booked on it."


@dataclass(frozen=True, slots=True)
class PlaceSeen:
    """A place of a route's source with the values that its rules give it, and the question about it."""

    location: str
    name: str
    values: tuple[tuple[int, str, str, str], ...]  # segment, value, description, how it stands
    question: str | None = None


def survey(works: Works, route: RouteRow) -> list[PlaceSeen]:
    """Every place that is mapped or asked about."""
    terms, book = ruling.terms_now(works, route.id), ruling.rules_now(works, route.id)
    _, chart, _ = fresh_chart(works, route.company_id)
    seen = []
    asked = {str(one.proposal["location"]): one for one in _asked(works, route)}
    for location in sorted({*terms.locations, *asked}):
        given = {
            pair for rule in book.rules if location in rule.when.location for pair in rule.dimensions
        }  # fmt: skip
        known, item = terms.locations.get(location), asked.get(location)
        name = known.name if known is not None else str(item.proposal.get("name", "")) if item is not None else ""
        values = tuple(_standing(chart, terms, number, value) for number, value in sorted(given))
        seen.append(PlaceSeen(location, name, values, item.id if item is not None else None))
    return seen


def create_for(works: Works, route: RouteRow, location: str, said: str, *, by: str) -> str:
    """Make a value for a place that is mapped already and has none; what is asked about is answered there."""
    terms = ruling.terms_now(works, route.id)
    place = terms.locations.get(location)
    if place is None:
        raise UsageError("There is no such place.", record=location, fix="See `ml-connector places list`.")
    book = ruling.rules_now(works, route.id)
    if given := [rule.id for rule in book.rules if location in rule.when.location and rule.dimensions]:
        fix = "Change that one: `ml-connector rules export`, then `rules import`."
        raise UsageError(f"Rule {given[0]} gives it a dimension already.", record=location, fix=fix)
    _, chart, _ = fresh_chart(works, route.company_id)
    new = places.new_value_for(place.name, book, _as_it_will_be(works, route.company_id, chart))
    told = {"location": location, "name": place.name, **({"new_value": asdict(new)} if new is not None else {})}
    answer = _place(works, route, told, answer=f"{CREATE}:{said}", by=by)
    with works.database.writing() as c:
        own = [
            one.id for kind in works.flows[route.flow].kinds
            for one in records.by_names(c, route.source_id, kind, [location]).values()
        ]  # fmt: skip
        trip_moves.reopen(c, trips.of_records(c, route.id, own), now=works.now())
    return answer


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
        _forget(works, road.route, segment, value, by=by)
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


def value_named(text: str) -> tuple[int, str]:
    """The segment and the value of "1/40". Raises UsageError."""
    number, _, value = text.partition("/")
    if not number.isdecimal() or not value:
        raise UsageError("Which value is not clear.", record=text, fix="Name it as SEGMENT/VALUE, such as 1/40.")
    return int(number), value


def _place(works: Works, route: RouteRow, told: Mapping[str, Any], *, answer: str, by: str) -> str:
    """Add the location to the route's terms as the source describes it, with its rule; its records are planned again.

    The rule comes before the location: whatever is planned between finds the place still unmapped.
    """
    location, name = str(told["location"]), str(told.get("name", ""))
    made, rule = "", str(told.get("place_rule") or "")
    if answer != ACCEPT:
        wanted = _wanted(answer, {"description": name, **(told.get("new_value") or {})})
        about = {"location": location, "name": name}
        made = _made_or_there(works, route, wanted, answer=answer, by=by, about=about) + " "
        book = ruling.rules_now(works, route.id)
        own = places.rule_with(location, name, book, wanted.segment, wanted.value)
        known = any(one.when == own.when and one.dimensions == own.dimensions for one in book.rules)
        rule = "" if known else rule_toml(own)
    if rule:
        ruling.add_rule(works, route.id, rule, by=by)
    terms = ruling.terms_now(works, route.id)
    described = LocationTerms(time_zone=str(told.get("time_zone") or "") or None, name=name)
    place = terms.locations.get(location, described)
    version = ruling.save_terms(works, route.id, replace(terms, locations={**terms.locations, location: place}), by=by)
    return f"{made}The location is in the terms (version {version}); its records are planned again."


def _named(works: Works, route: RouteRow, item: ReviewItem, answer: str, *, by: str) -> str:
    """Rules name a value that the ledger lacks or has for something else: it is made, or another one instead of it."""
    old = int(item.proposal["segment"]), str(item.proposal["value"])
    terms, book = ruling.terms_now(works, route.id), ruling.rules_now(works, route.id)
    giving = [one for one in book.rules if old in one.dimensions]
    names = [terms.locations[place].name for one in giving for place in one.when.location if place in terms.locations]
    called = str(item.proposal.get("description") or (names[0] if len(names) == 1 else ""))
    wanted = _wanted(answer, {"segment": old[0], "value": old[1], "description": called})
    about = {"rules": [one.id for one in giving]}
    told = _made_or_there(works, route, wanted, answer=answer, by=by, about=about)
    new = wanted.segment, wanted.value
    if new != old:
        rules = tuple(
            replace(one, dimensions=tuple(sorted({**dict(set(one.dimensions) - {old}), new[0]: new[1]}.items())))
            if one in giving else one
            for one in book.rules
        )  # fmt: skip
        ruling.save_rules(works, route.id, replace(book, rules=rules), by=by)
        _forget(works, route, *old, by=by)
    return told


def _made_or_there(
    works: Works, route: RouteRow, wanted: Proposal, *, answer: str, by: str, about: Mapping[str, Any]
) -> str:
    """Approve the value, or see that the ledger has it in use where that is what was said. Raises UsageError."""
    if not answer.startswith(f"{USE}:"):
        return approve(works, route, wanted, by=by, about=about)
    _, chart, _ = fresh_chart(works, route.company_id)
    segment = chart.segments.get(wanted.segment)
    if segment is None or not segment.values.get(wanted.value, False):
        has = (
            [f"{one} {segment.names.get(one, '')}".strip() for one, on in segment.values.items() if on]
            if segment
            else []
        )
        raise UsageError(
            f"The ledger has no {wanted.value} in use in dimension {wanted.segment}.", record=answer,
            fix=f"It has {', '.join(has[:20]) or 'none'}; or answer `{HOW}`.",
        )  # fmt: skip
    return f"{wanted.value} {segment.names.get(wanted.value, '')} of the ledger is used."


def _same(works: Works, route: RouteRow, item: ReviewItem, *, by: str) -> str:
    """What somebody made meanwhile is what was to be made: nothing is, and the rules use it."""
    segment, value = int(item.proposal["segment"]), str(item.proposal["value"])
    _forget(works, route, segment, value, by=by)
    return f"{value} {item.proposal['called']} is used as it is; its records are planned again."


def _as_it_will_be(works: Works, company_id: str, chart: Chart) -> Chart:
    """The chart with all that was approved for any source of the company."""
    with works.database.reading() as c:
        approved = [route_terms(c, one).new_dimension_values for one in setups.routes(c, company_id=company_id)]
    for one in approved:
        chart = with_new(chart, one)
    return chart


def _standing(chart: Chart, terms: Terms, number: int, value: str) -> tuple[int, str, str, str]:
    """A value with its description and how it stands in the ledger."""
    segment = chart.segments.get(number)
    if segment is not None and value in segment.values:
        return number, value, segment.names.get(value, ""), "in use" if segment.values[value] else "inactive"
    approved = _of(terms, number).get(value)
    return number, value, approved or "", "approved" if approved is not None else "missing"


def _asked(works: Works, route: RouteRow) -> list[ReviewItem]:
    """Open questions about the places of a route's source: of each place one, that which tells most."""
    with works.database.reading() as c:
        found = reviews.open_items(c, route.workspace_id, company_id=route.company_id, code=PLACE)
    mine = [one for one in found if one.connection_id == route.source_id]
    return sorted(mine, key=lambda one: bool(one.proposal.get("name")))


def _as_described(works: Works, route: RouteRow, item: ReviewItem) -> Mapping[str, Any]:
    """What the source says of the place: a sale knows its id alone, the question about the place itself the rest."""
    if item.proposal.get("name"):
        return item.proposal
    wanted = item.proposal.get("location")
    same = [one.proposal for one in _asked(works, route) if one.proposal.get("location") == wanted]
    return same[-1] if same else item.proposal


def _wanted(answer: str, base: Mapping[str, Any]) -> Proposal:
    """What a person named, over what is proposed: create:[SEGMENT/]VALUE[=DESCRIPTION]. Raises UsageError."""
    place, _, description = answer.partition(":")[2].partition("=")
    number, slash, rest = place.strip().partition("/")
    named = slash and number.isdecimal()
    segment, value = (int(number), rest.strip()) if named else (base.get("segment"), place.strip())
    found = value or str(base.get("value") or "")
    if segment is None or not found:
        raise UsageError(
            "Which segment and value is not clear.", record=answer, fix=f"Answer `{HOW}`, such as "
            f"`{CREATE}:1/40=Bergen`.",
        )  # fmt: skip
    return Proposal(int(segment), found, description.strip() or str(base.get("description") or ""))


def _of(terms: Terms, segment: int) -> Mapping[str, str]:
    return terms.new_dimension_values.get(segment, {})


def _forget(works: Works, route: RouteRow, segment: int, value: str, *, by: str) -> None:
    """Nobody wants it made any more."""
    terms = ruling.terms_now(works, route.id)
    if value in (approved := _of(terms, segment)):
        left = {one: name for one, name in approved.items() if one != value}
        _save(works, route, terms, left, segment, by=by)


def _save(
    works: Works, route: RouteRow, terms: Terms, values: Mapping[str, str], segment: int, *, by: str
) -> None:  # fmt: skip
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
