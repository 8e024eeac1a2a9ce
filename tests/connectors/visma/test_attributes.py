"""Attributes of customers: read with the customer, and looked up by id with the values that may be chosen."""

from __future__ import annotations

from typing import Any

import pytest

from ml_connector.connectors.shapes import SourceObject
from ml_connector.connectors.visma import translate
from ml_connector.finance.documents import Party
from tests.connectors.visma.sandboxed import Sandbox

VALUES = {"COLLECT": "STRIPE", "CHANNELS": "WEB,SHOP"}


@pytest.fixture
def books() -> Sandbox:
    box = Sandbox()
    people = [{"number": "20001", "name": "Kari", "attributes": VALUES}]
    return Sandbox(vendor=box.vendor, clock=box.clock, company=box.control("seed_company", customers=people))


def customer(payload: dict[str, Any]) -> Party:
    found = translate("customer", payload)
    assert isinstance(found, Party)
    return found


def test_a_customer_is_read_with_its_attributes_alone_and_in_a_list(books: Sandbox) -> None:
    (alone,) = books.reader().fetch("customer", ["20001"])
    page = books.reader().page("customer", None, now=books.clock.now())
    (listed,) = [one for one in page.objects if one.external_id == "20001"]
    assert isinstance(alone, SourceObject)
    assert customer(dict(alone.payload)).attributes == customer(dict(listed.payload)).attributes
    assert dict(customer(dict(alone.payload)).attributes) == VALUES


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        (None, ()),
        ("COLLECT", ()),
        ([None, 5, "x", {}], ()),
        ([{"id": "A"}, {"id": "B", "value": ""}, {"value": "C"}, {"id": "D", "value": None}], ()),
        ([{"id": " A ", "value": " x "}, {"id": "B", "value": 1}], (("A", "x"), ("B", "1"))),
    ],
)
def test_what_is_no_attribute_with_a_value_is_passed_over(rows: Any, found: tuple[tuple[str, str], ...]) -> None:
    assert customer({"number": "1", "name": "Kari", "attributes": rows}).attributes == found


def test_an_attribute_is_looked_up_with_its_values_by_one_call(books: Sandbox) -> None:
    writer = books.writer()
    writer.look_up("attribute", {"number": "COLLECT"})
    before = books.calls()
    (combo,) = writer.look_up("attribute", {"number": "COLLECT"})
    assert books.calls() == before + 1
    assert (combo.number, combo.status, combo.facts["values"].split()) == ("COLLECT", "Combo", ["STRIPE", "BANK"])
    (tick,) = writer.look_up("attribute", {"number": "DIGITAL"})
    assert {"1", "true"} <= set(tick.facts["values"].split())
    assert writer.look_up("attribute", {"number": "COLOUR"}) == []
    assert writer.look_up("attribute", {}) == []


def test_an_attribute_of_free_text_may_have_any_value(books: Sandbox) -> None:
    box = Sandbox(
        vendor=books.vendor, clock=books.clock,
        company=books.control("seed_company", attributes=[{"id": "FREE", "type": "Text"}]),
    )  # fmt: skip
    (found,) = box.writer().look_up("attribute", {"number": "FREE"})
    assert found.facts == {}
