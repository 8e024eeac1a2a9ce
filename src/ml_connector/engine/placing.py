"""Answers about places and their dimensions: what the ledger has is used, what it lacks is made on a person's word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from ml_connector.engine import approving, ruling
from ml_connector.engine.books import fresh_chart
from ml_connector.engine.works import Works
from ml_connector.errors import UsageError
from ml_connector.finance.chart import Chart
from ml_connector.finance.rulebook import LocationTerms, Terms
from ml_connector.rules import places
from ml_connector.rules.dimension_values import Proposal
from ml_connector.rules.rulefile import rule_toml
from ml_connector.store import records, reviews, setups, trip_moves, trips
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
    new = places.new_value_for(place.name, book, approving.as_it_will_be(works, route.company_id, chart))
    told = {"location": location, "name": place.name, **({"new_value": asdict(new)} if new is not None else {})}
    answer = _place(works, route, told, answer=f"{CREATE}:{said}", by=by)
    with works.database.writing() as c:
        own = [
            one.id for kind in works.flows[route.flow].kinds
            for one in records.by_names(c, route.source_id, kind, [location]).values()
        ]  # fmt: skip
        trip_moves.reopen(c, trips.of_records(c, route.id, own), now=works.now())
    return answer


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
        approving.forget(works, route, *old, by=by)
    return told


def _made_or_there(
    works: Works, route: RouteRow, wanted: Proposal, *, answer: str, by: str, about: Mapping[str, Any]
) -> str:
    """The value is approved, or must be there already where that is what was said."""
    if answer.startswith(f"{USE}:"):
        return approving.in_use(works, route, wanted)
    return approving.approve(works, route, wanted, by=by, about=about)


def _same(works: Works, route: RouteRow, item: ReviewItem, *, by: str) -> str:
    """What somebody made meanwhile is what was to be made: nothing is, and the rules use it."""
    segment, value = int(item.proposal["segment"]), str(item.proposal["value"])
    approving.forget(works, route, segment, value, by=by)
    return f"{value} {item.proposal['called']} is used as it is; its records are planned again."


def _standing(chart: Chart, terms: Terms, number: int, value: str) -> tuple[int, str, str, str]:
    """A value with its description and how it stands in the ledger."""
    segment = chart.segments.get(number)
    if segment is not None and value in segment.values:
        return number, value, segment.names.get(value, ""), "in use" if segment.values[value] else "inactive"
    approved = terms.new_dimension_values.get(number, {}).get(value)
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
