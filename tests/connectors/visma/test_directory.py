"""All customers at once: the same answers as looking each up, for a call a thousand."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest

from ml_connector.connectors.shapes import ReadsDirectories
from ml_connector.connectors.visma.directories import Directory
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
    assert isinstance(whole, Directory)
    assert whole.look_up(fields) == (writer.look_up("customer", fields) if any(fields.values()) else [])


def test_a_directory_costs_one_call_a_page_and_its_look_ups_none(books: Sandbox) -> None:
    writer = books.writer()
    assert isinstance(writer, ReadsDirectories)
    before = books.calls()
    whole = writer.directory("customer")
    assert isinstance(whole, Directory)
    assert whole.calls == books.calls() - before == 1
    assert [one.number for one in whole.look_up({"email": "kari@example.com"})] == ["20001"]
    assert books.calls() - before == 1


def test_suppliers_are_not_known_by_mail_and_other_kinds_have_no_directory(books: Sandbox) -> None:
    writer = books.writer()
    whole = writer.directory("supplier")
    assert isinstance(whole, Directory)
    assert whole.look_up({"email": "kari@example.com"}) == []
    assert writer.directory("credit_note") is None


def test_a_ledger_with_too_many_parties_is_not_read_whole() -> None:
    rows = [{"number": str(n), "metadata": {"totalCount": 1_000_000, "maxPageSize": 1_000}} for n in range(3)]
    visma = FakeVisma().on("GET", "/v1/customer", 200, rows)
    assert fake_writer(visma).directory("customer") is None
    assert [one.url.path for one in visma.requests].count("/v1/customer") == 1


def test_reading_all_is_left_where_it_costs_more_than_it_is_worth() -> None:
    rows = [{"number": str(n), "metadata": {"totalCount": 50_000, "maxPageSize": 1_000}} for n in range(1_000)]
    visma = FakeVisma().on("GET", "/v1/customer", 200, rows)
    assert fake_writer(visma).directory("customer", most_calls=4) == 50
    assert [one.url.path for one in visma.requests].count("/v1/customer") == 1


def test_only_what_changed_is_read_again_and_nothing_old_is_found(books: Sandbox) -> None:
    writer = books.writer()
    before = writer.directory("customer")
    assert isinstance(before, Directory)
    books.clock.advance(8 * 3_600)
    books.control("by_hand", tenant_id=books.company["tenant_id"], method="PUT", path="/v1/customer/20001", body={
        "mainContact": {"value": {"email": {"value": "kari@new.example"}}}, "status": {"value": "Inactive"},
    })  # fmt: skip
    after = writer.directory("customer", before=before, most_calls=0)
    assert isinstance(after, Directory)
    assert (after.calls, len(after)) == (1, len(before))
    assert after.look_up({"email": "kari@example.com"}) == []
    (kari,) = after.look_up({"email": "Kari@New.example"})
    assert (kari.number, kari.status) == ("20001", "Inactive")
    assert [one.number for one in before.look_up({"email": "kari@example.com"})] == ["20001"]  # as it stood
    assert after.look_up({"org_number": "5560000001"}) == writer.look_up("customer", {"org_number": "5560000001"})


def test_two_customers_with_one_address_are_both_found_until_one_has_another(books: Sandbox) -> None:
    def row(id_: int, mail: str) -> dict[str, Any]:
        return {"internalId": id_, "number": f"N{id_}", "mainContact": {"email": mail}}

    both = Directory("customer").with_changes([row(1, "a@x.example"), row(2, "A@x.example")], calls=1)
    assert [one.number for one in both.look_up({"email": "a@x.example"})] == ["N1", "N2"]
    one_less = both.with_changes([row(1, "b@x.example")], calls=1)
    assert [one.number for one in one_less.look_up({"email": "a@x.example"})] == ["N2"]
    renumbered = one_less.with_changes([{**row(2, "a@x.example"), "number": "N9"}], calls=1)
    assert renumbered.look_up({"number": "N2"}) == []
    assert [one.number for one in renumbered.look_up({"email": "a@x.example"})] == ["N9"]


def test_a_party_is_kept_in_less_than_a_kilobyte() -> None:
    rows = [
        {"internalId": n, "number": f"{n}", "name": f"Customer {n} AB", "corporateId": f"55{n:08d}", "status": "Active",
         "currencyId": "SEK", "vatRegistrationId": f"SE55{n:08d}01", "mainContact": {"email": f"post{n}@kund.example"},
         "lastModifiedDateTime": "2026-03-10T08:00:00", "mainAddress": {"addressLine1": "x" * 500}}
        for n in range(2_000)
    ]  # fmt: skip
    tracemalloc.start()
    whole = Directory("customer").with_changes(rows, calls=2)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(whole) == 2_000
    assert used < 1_000 * len(whole)


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
