"""A new place and the dimension of the ledger that is called like it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from ml_connector.finance.chart import Segment
from ml_connector.finance.rulebook import Rule, Rulebook, When
from ml_connector.rules.dimension_values import Proposal
from ml_connector.rules.places import ROLES, new_value_for, rule_for, rule_with, values_to_make
from tests.flows.builders import CHART, TERMS

DEPARTMENT = Segment(
    1, "Department", {"10": True, "20": True, "90": False}, {"10": "Oslo", "20": "Cork", "90": "Bergen"}
)
PROJECT = Segment(2, "Project", {"000": True, "C": True}, {"000": "None", "C": "Cork"})
BOTH = replace(CHART, segments={1: DEPARTMENT, 2: PROJECT})
AT_OSLO = Rule("oslo", ("sales", "tips"), When(location=("L1",)), dimensions=((1, "10"),))


def book(*rules: Rule) -> Rulebook:
    return Rulebook(1, date(2026, 1, 1), rules)


def test_the_segment_that_tells_other_places_apart_is_looked_at() -> None:
    found = rule_for("L2", " cork ", book(AT_OSLO), BOTH)
    assert found is not None
    assert (found.id, found.roles, found.when.location) == ("place-cork", AT_OSLO.roles, ("L2",))
    assert found.dimensions == ((1, "20"),)


def test_before_any_place_is_mapped_one_segment_alone_must_have_the_name() -> None:
    found = rule_for("L1", "Oslo", book(), BOTH)
    assert found is not None
    assert (found.roles, found.dimensions) == (ROLES, ((1, "10"),))
    assert rule_for("L2", "Cork", book(), BOTH) is None, "two segments know the name: a person says which"


@pytest.mark.parametrize("name", ["Bergen", "Nowhere", "", "  "])
def test_what_is_inactive_or_not_there_is_not_proposed(name: str) -> None:
    assert rule_for("L3", name, book(AT_OSLO), BOTH) is None


def test_two_values_of_one_name_are_no_match() -> None:
    twice = replace(DEPARTMENT, names={"10": "Cork", "20": "Cork"})
    assert rule_for("L2", "Cork", book(AT_OSLO), replace(CHART, segments={1: twice})) is None


def test_a_place_called_by_the_value_itself_is_found() -> None:
    found = rule_for("L2", "Bergen", book(), replace(CHART, segments={1: Segment(1, "Place", {"BERGEN": True})}))
    assert found is not None
    assert found.dimensions == ((1, "BERGEN"),)


def test_the_value_to_make_is_of_the_segment_by_which_places_differ_and_the_rest_is_as_everywhere() -> None:
    two = book(
        replace(AT_OSLO, dimensions=((1, "10"), (2, "000"))),
        Rule("cork", ("sales",), When(location=("L2",)), dimensions=((1, "20"), (2, "000"))),
    )
    wanted = new_value_for("Galway", two, BOTH)
    assert wanted == Proposal(1, "30", "Galway")
    assert rule_with("L3", "Galway", two, 1, "30").dimensions == ((1, "30"), (2, "000"))


def test_which_segment_is_meant_is_a_persons_to_say_where_nothing_tells() -> None:
    assert new_value_for("Galway", book(), BOTH) is None
    assert new_value_for("Galway", book(), replace(CHART, segments={1: DEPARTMENT})) == Proposal(1, "30", "Galway")
    assert new_value_for("  ", book(AT_OSLO), BOTH) is None


def test_a_mapped_place_brings_its_approved_value_along_until_the_ledger_has_it() -> None:
    at = rule_with("L3", "Galway", book(AT_OSLO), 1, "30")
    terms = replace(TERMS, new_dimension_values={1: {"30": "Galway", "40": "Kerry"}})
    (write,) = values_to_make("L3", book(AT_OSLO, at), BOTH, terms)
    assert (write.key, write.content.description) == ("dim:1:30", "Galway")  # type: ignore[union-attr]
    there = replace(DEPARTMENT, values={"30": True}, names={"30": "Galway"})
    assert values_to_make("L3", book(AT_OSLO, at), replace(BOTH, segments={1: there}), terms) == ()
    assert values_to_make("L1", book(AT_OSLO, at), BOTH, terms) == ()
