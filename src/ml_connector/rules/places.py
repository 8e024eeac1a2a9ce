"""A place of the source and its dimension of the ledger: the one that is called like it, or one that could be made."""

from __future__ import annotations

from collections.abc import Mapping

from ml_connector.finance.chart import Chart, Segment
from ml_connector.finance.plan import PlannedWrite
from ml_connector.finance.rulebook import Rule, Rulebook, Terms, When
from ml_connector.rules.dimension_values import Proposal, lacks, proposed, telling_apart, write_of

ROLES = ("sales", "service_charge", "fee", "tips")  # a place's dimension stands on these, never on money


def rule_for(location: str, name: str, book: Rulebook, chart: Chart) -> Rule | None:
    """The rule that gives a place the dimensions named like it; None where none is, or several are.

    Looked at are the segments by which other places are told apart already; before there is any, all of them.
    """
    used = {segment for rule in _by_place(book) for segment, _ in rule.dimensions}
    found = {}
    for segment in chart.segments.values():
        alike = _alike(segment, name)
        if len(alike) == 1 and (not used or segment.id in used):
            found[segment.id] = alike[0]
    if not found or (not used and len(found) > 1):
        return None
    return _rule(location, name, book, found)


def rule_with(location: str, name: str, book: Rulebook, segment: int, value: str) -> Rule:
    """The rule that gives a place this value, and what all other places have alike."""
    by_place = [dict(rule.dimensions) for rule in _by_place(book)]
    alike = set.intersection(*(set(one.items()) for one in by_place)) if len(by_place) > 1 else set()
    return _rule(location, name, book, {**dict(alike), segment: value})


def new_value_for(name: str, book: Rulebook, chart: Chart) -> Proposal | None:
    """A value that could be made for a place, in the segment by which places are told apart.

    None where that is not clear, or has no room left.
    """
    by_place = _by_place(book)
    number = telling_apart([rule.dimensions for rule in by_place]) if by_place else None
    if not by_place and len(chart.segments) == 1:
        number = next(iter(chart.segments))
    segment = chart.segments.get(number) if number is not None else None
    return proposed(segment, name) if segment is not None and name.strip() else None


def values_to_make(location: str, book: Rulebook, chart: Chart, terms: Terms) -> tuple[PlannedWrite, ...]:
    """The approved values that the rules of this place name and the ledger lacks."""
    wanted = {one for rule in _by_place(book) if location in rule.when.location for one in rule.dimensions}
    return tuple(
        write_of(number, value, terms.new_dimension_values[number][value], chart)
        for number, value in sorted(wanted)
        if value in terms.new_dimension_values.get(number, {})
        and lacks(chart, number, value, terms.new_dimension_values[number][value])
    )


def _by_place(book: Rulebook) -> list[Rule]:
    return [rule for rule in book.rules if rule.when.location and rule.dimensions]


def _rule(location: str, name: str, book: Rulebook, dimensions: Mapping[int, str]) -> Rule:
    by_place = _by_place(book)
    return Rule(
        f"place-{'-'.join(name.casefold().split()) or location.casefold()}",
        by_place[0].roles if by_place else ROLES,
        When(location=(location,)),
        dimensions=tuple(sorted(dimensions.items())),
    )


def _alike(segment: Segment, name: str) -> list[str]:
    wanted = name.strip().casefold()
    return [
        value
        for value, active in segment.values.items()
        if active and wanted and wanted in (value.casefold(), segment.names.get(value, "").strip().casefold())
    ]
