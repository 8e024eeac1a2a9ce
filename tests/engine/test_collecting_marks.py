"""Which invoices of the ledger are collected, through the whole engine: attributes, rules, and when they count."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ml_connector.engine import collecting, doctor, preview, reading, rulebooks, ruling
from ml_connector.errors import Rejected
from ml_connector.finance.rulebook import Rule, When
from ml_connector.store import cursors
from ml_connector.store.inbox_writer import InboxWriter
from ml_connector.store.notices import Notice
from tests.engine.collecting_world import CUSTOMER, CollectingWorld


@pytest.fixture
def world(tmp_path: Path) -> Iterator[CollectingWorld]:
    made = CollectingWorld(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
    yield made
    made.close()


def change_customer(world: CollectingWorld, **fields: Any) -> None:
    world.ledger("by_hand", method="PUT", path=f"/v1/customer/{CUSTOMER}", body=fields)


def mark(world: CollectingWorld, value: str, attribute: str = "COLLECT") -> None:
    """Somebody gives the customer a value."""
    line = {"attributeId": {"value": attribute}, "attributeValue": {"value": value}}
    change_customer(world, attributeLines=[line])


def reasons(world: CollectingWorld) -> dict[str, str]:
    return {name.split()[1]: reason or "" for name, (state, reason) in world.trips().items() if state == "ignored"}


def collected(world: CollectingWorld) -> list[str]:
    return sorted(one["metadata"]["visma_invoice_no"] for one in world.there())


def test_an_attribute_of_the_customer_marks_what_is_read_after_it_was_set(world: CollectingWorld) -> None:
    world.open_books(collect="marked", collect_methods=(), collect_attributes={"COLLECT": ["STRIPE"]})
    before = world.invoice()
    world.look()
    assert reasons(world) == {before: "not marked for collection (nothing marks it)"}
    mark(world, "STRIPE")  # a moment before the invoice is written
    after = world.invoice(500)
    world.look()
    assert collected(world) == [after]
    mark(world, "BANK")
    never = world.invoice(600)
    world.look()
    assert collected(world) == [after]
    assert set(reasons(world)) == {before, never}


def test_what_a_webhook_names_is_judged_by_the_customer_as_it_is_now(world: CollectingWorld) -> None:
    world.open_books(collect="marked", collect_methods=(), collect_attributes={"COLLECT": ["STRIPE"]})
    world.look()
    mark(world, "STRIPE")
    number = world.invoice()
    notice = Notice(
        id=world.works.ids.new(), door_id="D", kind="customerinvoice", external_id=number,
        received_at=world.works.now(), workspace_id=world.workspace, connection_id=world.visma_id,
    )  # fmt: skip
    writer = InboxWriter(world.works.database)
    writer.start()
    assert writer.submit(notice).result(10) == "stored"
    writer.stop()
    while reading.fetch(world.works, world.visma_id).more:
        continue
    world.pass_time(60, step=5)
    assert collected(world) == [number]


def test_many_invoices_share_one_look_at_what_changed_of_their_customers(world: CollectingWorld) -> None:
    world.open_books(collect="marked", collect_methods=(), collect_attributes={"COLLECT": ["STRIPE"]})
    mark(world, "STRIPE")
    world.look()
    calls: list[str] = []
    world.during = calls.append
    numbers = [world.invoice(100 + k) for k in range(5)]
    with world.works.database.writing() as c:
        cursors.make_due(c, world.visma_id, now=world.works.now(), streams=("customerinvoice",))
    world.run()
    world.during = None
    assert collected(world) == sorted(numbers)
    assert calls.count("GET /v1/customer") == 1
    assert not [one for one in calls if one.startswith("GET /v1/customer/")]


def test_rules_decide_and_the_reason_stays_with_the_record(world: CollectingWorld) -> None:
    world.open_books(collect="rules")
    rules = (
        Rule("never", ("collect",), When(attribute=("COLLECT=BANK",)), collect="no"),
        Rule("7", ("collect",), When(customer_number=(CUSTOMER,), currency=("SEK",)), collect="yes"),
    )
    book = replace(world.book, rules=(*rules, *world.book.rules))
    ruling.save_rules(world.works, world.route_id, book, by="test")
    first = world.invoice()
    world.look()
    assert collected(world) == [first]
    mark(world, "BANK")
    second = world.invoice(500)
    world.look()
    assert collected(world) == [first]
    assert reasons(world) == {second: "not marked for collection (rule never: attribute = COLLECT=BANK)"}
    again = rulebooks.read(rulebooks.write(book, form="csv"), form="csv")
    assert again.rules == book.rules
    without = replace(book, rules=book.rules[1:])
    ((now, then),) = preview.what_if(world.works, world.company_id, world.route_id, without)
    assert (now.outcome, then.outcome, now.external_id) == ("ignored", "planned", second)
    collecting.ask_for(world.works, world.route_id, [second], by="anna")
    world.look()
    assert collected(world) == sorted([first, second])


def test_a_customer_that_is_mended_lets_its_invoices_go_on(world: CollectingWorld) -> None:
    world.open_books(collect="all")
    contact = {"email": {"value": ""}}
    change_customer(world, mainContact={"value": contact}, invoiceContact={"value": contact})
    number = world.invoice()
    world.look()
    assert collected(world) == []
    assert set(world.items()) == {"payer-email-missing"}
    change_customer(world, mainContact={"value": {"email": {"value": "new@nordlys.example"}}})
    world.look(seconds=1_300, step=50)
    assert collected(world) == [number]
    assert world.items() == {}


def test_the_doctor_tells_of_attributes_and_rules_that_mark_nothing(world: CollectingWorld) -> None:
    world.open_books(collect="marked", collect_attributes={"COLLECT": ["STRIPE", "STRIPES"], "COLOUR": ["RED"]})
    rule = Rule("x", ("collect",), When(attribute=("CHANNELS=WEB",)), collect="yes")
    unknown = Rule("y", ("collect",), When(attribute=("COLOUR=RED",)), collect="yes")
    ruling.save_rules(world.works, world.route_id, replace(world.book, rules=(rule, *world.book.rules)), by="test")
    with pytest.raises(Rejected, match="Attribute COLOUR is not in the ledger"):
        ruling.save_rules(world.works, world.route_id, replace(world.book, rules=(unknown,)), by="test")
    found = {one.item: one for one in doctor.examine(world.works, world.company_id)}
    assert found["attribute COLOUR"].verdict == found["attribute COLLECT"].verdict == "wrong"
    assert "no value STRIPES" in found["attribute COLLECT"].sentence
    assert "STRIPE, BANK" in found["attribute COLLECT"].fix
    assert found["attribute CHANNELS"].verdict == "ok"
    assert found["collecting"].verdict == "wrong"
    assert "x" in found["collecting"].sentence
