"""The terms and roles that docs/rules.md tells of are those that there are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from ml_connector.finance.rulebook import ROLES, Terms
from ml_connector.flows.stripe_to_visma import FLOW
from ml_connector.flows.stripe_to_visma import ROLES as ASKED

TEXT = (Path(__file__).parents[2] / "docs/rules.md").read_text()
STRIPE = TEXT.partition("### Invoices that Stripe collects")[2]


def tables(text: str, head: str) -> Iterator[list[str]]:
    """The rows of every table whose first column is called so."""
    for table in re.findall(rf"^\| {head} \|.*\n\|[ -|]+\n((?:\|.*\n)+)", text, re.MULTILINE):
        for line in table.splitlines():
            yield [cell.strip() for cell in line.strip("|").split("|")]


def told() -> list[tuple[str, str]]:
    """Every term with the default it is said to have."""
    return [(name, cells[-1]) for cells in tables(TEXT, "term") for name in re.findall(r"`(\w+)`", cells[0])]


def test_no_term_is_told_twice_or_is_not_there() -> None:
    names = [name for name, _ in told()]
    assert sorted(names) == sorted(set(names))
    assert set(names) <= {one.name for one in fields(Terms)}


def test_every_term_of_collecting_is_told() -> None:
    beginnings = ("collect", "dispute_", "unknown_")
    asked = {one.name for one in fields(Terms) if one.name.startswith(beginnings)} - {"collective_customers"}
    assert asked == {name for cells in tables(STRIPE, "term") for name in re.findall(r"`(\w+)`", cells[0])}


@pytest.mark.parametrize("name", ["collect", "unknown_receipts", "dispute_lost", "dispute_stops_dunning", "mode"])
def test_the_default_of_a_term_is_as_told(name: str) -> None:
    said = dict(told())[name].strip("`")
    default = getattr(Terms(), name)
    assert said == (str(default).lower() if isinstance(default, bool) else default)


def test_stripes_records_name_roles_that_its_flow_asks_for() -> None:
    rows = list(tables(STRIPE, "record"))
    named = {word for cells in rows for word in re.findall(r"\w+", cells[-1])} - {"or"}
    assert named <= set(ASKED) <= ROLES
    assert set(ASKED) - named == set()
    assert len(rows) > len(FLOW.kinds)
