"""Values that the ledger lacks: what is proposed, what cannot be made, and what a plan makes first."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from ml_connector.finance.chart import Segment
from ml_connector.finance.dimensions import DimensionValue
from ml_connector.finance.journal import JournalEntry, Posting
from ml_connector.finance.plan import Plan, PlannedWrite
from ml_connector.rules.dimension_values import Proposal, made_first, proposed, with_new, wrong_with
from ml_connector.rules.validation import validate
from tests.flows.builders import CHART, TERMS, eur

DEPARTMENT = Segment(
    1, "Department", {"00": True, "10": True, "20": True, "90": False}, {"10": "Oslo", "20": "Cork", "90": "Bergen"}, 2
)
KNOWN = replace(CHART, segments={1: DEPARTMENT})
BERGEN = {1: {"30": "Bergen"}}


def sale(*dimensions: tuple[int, str]) -> Plan:
    lines = (
        Posting("1610", eur("10"), "suspense", "s", "R", "t"),
        Posting("3030", eur("-10"), "sales", "s", "R", "t", dimensions),
    )
    return Plan((PlannedWrite("sq:sale:1", "journal", JournalEntry(date(2026, 3, 10), "EUR", lines, "t")),))


@pytest.mark.parametrize(
    ("values", "length", "name", "found"),
    [
        ({"00": True, "10": True, "20": True}, 2, "Bergen", "30"),
        ({"10": True, "90": True, "30": False}, 2, "Bergen", "91"),  # no ten is left: the next one by one
        ({"10": True, "20": True, "30": False}, 2, "Bergen", "40"),  # an inactive value keeps its number
        ({"001": True, "002": True}, 3, "Bergen", "003"),
        ({"100": True, "200": True}, 3, "Bergen", "300"),
        ({"OSLO": True}, 4, "Bergen sentrum", "BERG"),
        ({"OSLO": True, "BERG": True}, 4, "Bergen", "BER1"),
        ({"OSLO": True}, 4, "Bø", "B000"),
        ({"OSLO": True}, 0, "Malmö C", "MALM"),
        ({}, 3, "東京", "X00"),
        ({str(n): True for n in range(10)}, 1, "Bergen", "B"),
    ],
)
def test_a_value_is_proposed_like_those_that_are_there(
    values: dict[str, bool], length: int, name: str, found: str
) -> None:
    made = proposed(Segment(1, "Department", values, {}, length), name)
    assert made == Proposal(1, found, name)
    assert wrong_with(replace(CHART, segments={1: Segment(1, "D", values, {}, length)}), made) == ""


def test_nothing_is_proposed_where_the_ledger_numbers_by_itself_or_is_full() -> None:
    assert proposed(replace(DEPARTMENT, auto_number=True), "Bergen") is None
    full = {chr(65 + n): True for n in range(26)} | {str(n): True for n in range(10)}
    assert proposed(Segment(1, "D", full, {}, 1), "Bergen") is None


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Proposal(9, "30", "Bergen"), "not in the ledger"),
        (Proposal(1, "300", "Bergen"), "at most 2"),
        (Proposal(1, "", "Bergen"), "no value"),
        (Proposal(1, "3\n", "Bergen"), "no value"),
        (Proposal(1, "30", "  "), "needs a description"),
        (Proposal(1, "30", "B" * 61), "longer than 60"),
        (Proposal(1, "10", "Bergen"), "is called Oslo"),
    ],
)
def test_what_the_ledger_would_refuse_is_said_before_it_is_asked(wanted: Proposal, said: str) -> None:
    assert said in wrong_with(KNOWN, wanted)


def test_an_approved_value_is_made_before_what_names_it() -> None:
    plan = made_first(sale((1, "30")), KNOWN, BERGEN)
    first, journal = plan.writes
    assert (first.key, first.content) == ("dim:1:30", DimensionValue(1, "30", "Bergen"))
    assert journal.needs == ("dim:1:30",)
    assert validate(plan, with_new(KNOWN, BERGEN), TERMS) == ()
    assert [one.code for one in validate(plan, KNOWN, TERMS)] == ["dimension-unknown"]


def test_nothing_is_made_that_nobody_approved_or_nothing_names() -> None:
    assert made_first(sale((1, "40")), KNOWN, BERGEN) == sale((1, "40"))
    assert made_first(sale((1, "10")), KNOWN, BERGEN) == sale((1, "10"))


def test_what_is_there_by_that_name_is_used_and_by_another_is_asked_about() -> None:
    there = replace(KNOWN, segments={1: replace(DEPARTMENT, values={"30": True}, names={"30": " bergen"})})
    assert made_first(sale((1, "30")), there, BERGEN) == sale((1, "30"))
    other = replace(KNOWN, segments={1: replace(DEPARTMENT, values={"30": True}, names={"30": "Fuel"})})
    plan = made_first(sale((1, "30")), other, BERGEN)
    (finding,) = plan.findings
    assert (finding.code, finding.blocks, finding.proposal["called"]) == ("dimension-taken", True, "Fuel")
    assert [write.kind for write in plan.writes] == ["journal"]


def test_an_inactive_value_of_that_name_is_made_active_again() -> None:
    closed = made_first(sale((1, "90")), KNOWN, {1: {"90": "Bergen"}})
    assert [write.key for write in closed.writes] == ["dim:1:90", "sq:sale:1"]
