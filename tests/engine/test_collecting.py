"""Invoices of the ledger that Stripe collects: each goes out once, exactly, and what people do to it follows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_connector.engine import collecting, reviewing
from ml_connector.errors import NotFound
from ml_connector.store import cursors
from tests.databases import Databases
from tests.engine.collecting_world import CollectingWorld
from tests.engine.crash_walk import killed_everywhere, step


@pytest.fixture
def world(tmp_path: Path) -> Iterator[CollectingWorld]:
    made = CollectingWorld(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
    yield made
    made.close()


def shown(world: CollectingWorld) -> list[tuple[str, int, str]]:
    """(ledger's number, total, status) of what Stripe has."""
    return sorted((one["metadata"]["visma_invoice_no"], one["total"], one["status"]) for one in world.there())


def attachments(world: CollectingWorld, number: str) -> list[str]:
    found = world.ledger("by_hand", method="GET", path="/v1/customerinvoice", query="expandAttachments=true")["body"]
    return [file["name"] for one in found if one["referenceNumber"] == number for file in one["attachments"]]


def test_an_invoice_goes_out_once_with_the_vat_of_the_ledger_and_the_ledger_is_told_where(
    world: CollectingWorld,
) -> None:
    world.open_books()
    number = world.invoice(1000)
    world.look()
    assert shown(world) == [(number, 125_000, "open")]
    assert world.keys() == {"st:cus:10010": "done", f"st:inv:{number}": "done", f"st:inv:{number}:link": "done"}
    assert attachments(world, number) == [f"payment-page-{number}.txt"]
    world.look(seconds=4_000, step=200)
    assert len(world.there()) == 1
    assert world.items() == {}


def test_only_marked_invoices_go_out_and_others_when_a_person_asks(world: CollectingWorld) -> None:
    world.open_books(collect="marked", collect_methods=("CARD",))
    number = world.invoice()
    world.look()
    assert world.trips()[f"customerinvoice {number}"] == ("ignored", "not marked for collection (nothing marks it)")
    assert collecting.ask_for(world.works, world.route_id, [number], by="anna")
    world.look()
    assert shown(world) == [(number, 125_000, "open")]
    collecting.ask_for(world.works, world.route_id, [number], by="anna")
    world.look()
    assert len(world.there()) == 1


def test_asking_for_an_invoice_that_is_not_there_says_so(world: CollectingWorld) -> None:
    world.open_books()
    with pytest.raises(NotFound, match="customerinvoice"):
        collecting.ask_for(world.works, world.route_id, ["999999"], by="anna")


def test_an_invoice_that_goes_out_alone_takes_four_calls_and_the_first_of_its_customer_seven(
    world: CollectingWorld,
) -> None:
    world.open_books()
    sent: list[list[str]] = []
    for hours in (0, 1):
        world.clock.advance(hours * 3_600)
        calls: list[str] = []
        world.invoice(1000 + hours)
        with world.works.database.writing() as c:
            cursors.make_due(c, world.visma_id, now=world.works.now())
        world.during = calls.append
        world.run()
        world.pass_time(30)
        world.during = None
        sent.append([call for call in calls if call.partition(" ")[2].startswith(("/v1/customers", "/v1/invoices"))])
    assert len(world.there()) == 2
    assert [call.partition(" ")[0] for call in sent[1]] == ["GET", "POST", "POST", "POST"]
    assert len(sent[0]) <= 7


def test_two_invoices_of_one_customer_make_one_customer(world: CollectingWorld) -> None:
    world.open_books()
    first, second = world.invoice(), world.invoice(500)
    world.look()
    assert {one[0] for one in shown(world)} == {first, second}
    assert len({one["customer"] for one in world.there()}) == 1


def test_a_lost_answer_makes_no_second_invoice(world: CollectingWorld) -> None:
    world.open_books()
    world.stripe.add({"match": {"operation": "POST /v1/invoices"}, "effect": "cut_after", "times": 1})
    number = world.invoice()
    world.look(seconds=900)
    assert shown(world) == [(number, 125_000, "open")]


def test_a_bank_payment_that_people_enter_marks_the_invoice_paid_there(world: CollectingWorld) -> None:
    world.open_books()
    number = world.invoice(1000)
    world.look()
    world.pay_to_bank(number, 1250)
    world.look()
    assert shown(world) == [(number, 125_000, "paid")]
    assert world.items() == {}


def test_a_bank_payment_that_is_read_while_its_invoice_is_being_sent_is_told_after_it(world: CollectingWorld) -> None:
    world.open_books()
    world.stripe.add(
        {"match": {"operation": "POST /v1/invoices"}, "effect": {"kind": "status", "status": 503}, "times": 1}
    )
    number = world.invoice(1000)
    world.look(seconds=10, step=5)
    world.pay_to_bank(number, 1250)
    world.look(seconds=3_000, step=60)
    assert shown(world) == [(number, 125_000, "paid")]


def test_an_invoice_that_people_credit_whole_is_taken_back_there(world: CollectingWorld) -> None:
    world.open_books()
    number = world.invoice(1000)
    world.look()
    world.credit(number)
    world.look()
    assert shown(world) == [(number, 125_000, "void")]


def test_a_draft_that_differs_is_deleted_and_its_record_held(world: CollectingWorld) -> None:
    """It is read for real, as the answer that showed it was lost."""
    world.open_books()
    world.stripe.add({"match": {"operation": "POST /v1/invoices/{id}/add_lines"}, "effect": "cut_after", "times": 1})
    number = world.invoice(1000)
    added: list[str] = []

    def somebody_adds_a_line(call: str) -> None:
        drafts = [one for one in world.there() if one["status"] == "draft" and one["total"]]
        if drafts and not added and call.startswith("GET /v1/invoices"):
            added.append(drafts[0]["id"])
            world.in_stripe(f"/v1/invoices/{drafts[0]['id']}/add_lines", "lines[0][amount]=100&lines[0][description]=x")

    world.during = somebody_adds_a_line
    world.look()
    assert added
    assert world.there() == []
    assert "total 125100 instead of 125000" in world.items()["not-as-planned"]
    assert world.trips()[f"customerinvoice {number}"] == ("held", "not-as-planned")
    item = reviewing.open_items(world.works, world.workspace)[0]
    reviewing.resolve(world.works, world.workspace, item.id, answer="plan-again", by="anna")
    world.look()
    assert shown(world) == [(number, 125_000, "open")]


def test_a_draft_that_is_changed_just_before_it_is_finalized_is_asked_about(world: CollectingWorld) -> None:
    world.open_books()
    number = world.invoice(1000)
    added: list[str] = []

    def somebody_adds_a_line(call: str) -> None:
        if not added and call.endswith("/finalize"):
            added.append(call.split("/")[3])
            world.in_stripe(f"/v1/invoices/{added[0]}/add_lines", "lines[0][amount]=100&lines[0][description]=x")

    world.during = somebody_adds_a_line
    world.look()
    assert added
    said = world.items()["release-refused"]
    assert number in said
    assert "1,251.00 SEK, not 1,250.00 SEK" in said
    assert "Credit the difference there" in said
    (item,) = reviewing.open_items(world.works, world.workspace)
    reviewing.resolve(world.works, world.workspace, item.id, answer="release-again", by="anna")
    world.look()
    assert world.items() == {}
    assert world.trips()[f"customerinvoice {number}"][0] == "posted"
    assert shown(world) == [(number, 125_100, "open")]


@pytest.mark.slow
@pytest.mark.trials
def test_killed_anywhere_nothing_is_sent_twice_and_nothing_is_lost(
    world: CollectingWorld, sqlite_databases: Databases
) -> None:
    world.open_books()
    number = world.invoice(1000)
    expected, _ = killed_everywhere(
        world, sqlite_databases, each=step(5),
        play=lambda life: life.look(seconds=60), again=lambda life: life.look(seconds=1_200, step=60),
        came_to=lambda life, _said: (shown(life), attachments(life, number), life.items()),
    )  # fmt: skip
    assert expected == ([(number, 125_000, "open")], [f"payment-page-{number}.txt"], {})
