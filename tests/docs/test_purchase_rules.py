"""The terms and roles of purchasing that docs/rules.md tells of are those that there are."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from ml_connector.finance.purchase_terms import PurchaseTerms
from ml_connector.flows import basware_to_visma, visma_to_basware

TEXT = (Path(__file__).parents[2] / "docs/rules.md").read_text().partition("### Purchases that Basware approves")[2]


def rows(head: str) -> list[list[str]]:
    """The rows of the table whose first column is called so."""
    (table,) = re.findall(rf"^\| {re.escape(head)} \|.*\n\|[ -|]+\n((?:\|.*\n)+)", TEXT, re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


def test_every_term_of_purchasing_is_told_once() -> None:
    told = [name for cells in rows("in `purchase`") for name in re.findall(r"`(\w+)`", cells[0])]
    assert sorted(told) == sorted({one.name for one in fields(PurchaseTerms)} - {"code"})


def test_the_roles_of_purchasing_are_those_that_its_flows_ask_for() -> None:
    asked = {*visma_to_basware.ROLES, *basware_to_visma.ROLES}
    assert {word for cells in rows("what") for word in re.findall(r"\w+", cells[-1]) if word in asked} == asked
