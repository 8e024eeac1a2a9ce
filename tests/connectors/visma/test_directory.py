"""All customers at once: the same answers as looking each up, for a call a thousand."""

from __future__ import annotations

from typing import Any

import pytest

from ml_connector.connectors.shapes import ReadsDirectories
from tests.connectors.visma.builders import FakeVisma
from tests.connectors.visma.builders import reader as fake_reader
from tests.connectors.visma.builders import writer as fake_writer
from tests.connectors.visma.sandboxed import Sandbox

PEOPLE = [
    {"number": "20001", "name": "Kari", "currency": "base", "terms": "30", "email": "Kari@Example.com"},
    {"number": "20002", "name": "Fjell", "currency": "base", "terms": "30", "corporate_id": "556000-0001"},
]
ASKED: list[dict[str, str]] = [
    {"number": "20001"},
    {"number": "99999"},
    {"email": "kari@example.com"},
    {"email": "nobody@example.com"},
    {"org_number": "5560000001", "email": "kari@example.com"},
    {"org_number": "5", "email": "KARI@example.com"},
    {"number": "99999", "email": "kari@example.com"},
    {"email": ""},
    {},
]


@pytest.fixture
def books() -> Sandbox:
    box = Sandbox()
    return Sandbox(vendor=box.vendor, clock=box.clock, company=box.control("seed_company", customers=PEOPLE))


@pytest.mark.parametrize("fields", ASKED, ids=str)
def test_a_directory_answers_as_looking_up_does(books: Sandbox, fields: dict[str, Any]) -> None:
    writer = books.writer()
    whole = writer.directory("customer")
    assert whole is not None
    assert whole.look_up(fields) == (writer.look_up("customer", fields) if any(fields.values()) else [])


def test_a_directory_costs_one_call_a_page_and_its_look_ups_none(books: Sandbox) -> None:
    writer = books.writer()
    assert isinstance(writer, ReadsDirectories)
    before = books.calls()
    whole = writer.directory("customer")
    assert whole is not None
    assert whole.calls == books.calls() - before == 1
    assert [one.number for one in whole.look_up({"email": "kari@example.com"})] == ["20001"]
    assert books.calls() - before == 1


def test_suppliers_are_not_known_by_mail_and_other_kinds_have_no_directory(books: Sandbox) -> None:
    writer = books.writer()
    whole = writer.directory("supplier")
    assert whole is not None
    assert whole.look_up({"email": "kari@example.com"}) == []
    assert writer.directory("credit_note") is None


def test_a_ledger_with_too_many_parties_is_not_read_whole() -> None:
    rows = [{"number": str(n), "metadata": {"totalCount": 1_000_000, "maxPageSize": 1_000}} for n in range(3)]
    visma = FakeVisma().on("GET", "/v1/customer", 200, rows)
    assert fake_writer(visma).directory("customer") is None
    assert [one.url.path for one in visma.requests].count("/v1/customer") == 1


def test_many_customers_are_read_by_one_list_in_the_shape_that_one_alone_has() -> None:
    box = Sandbox()
    made = box.control("invoice_many", n=6, customers=6)["customers"]
    reader = box.reader()
    alone = [reader.fetch("customer", [number])[0] for number in made]
    before = box.calls()
    assert reader.fetch("customer", made) == alone
    assert box.calls() - before == 1
    absent = reader.fetch("customer", [*made, "99999"])[-1]
    assert absent.external_id == "99999"
    assert box.calls() - before == 3  # the list, and who is not in it by its number


def test_a_few_customers_of_very_many_are_asked_for_by_number() -> None:
    rows = [{"number": str(n), "metadata": {"totalCount": 1_000_000, "maxPageSize": 1_000}} for n in range(3)]
    visma = FakeVisma()
    for number in range(10, 15):
        visma.on("GET", f"/v1/customer/{number}", 200, {"number": str(number)})
    visma.on("GET", "/v1/customer", 200, rows)
    found = fake_reader(visma).fetch("customer", [str(number) for number in range(10, 15)])
    assert [one.external_id for one in found] == ["10", "11", "12", "13", "14"]
    assert [one.url.path for one in visma.requests].count("/v1/customer") == 1
