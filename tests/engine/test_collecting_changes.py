"""What changes in the ledger after an invoice was sent out, and what is odd about it before: followed or told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ml_connector.engine import connecting, reviewing, setup
from tests.engine.collecting_world import CUSTOMER, CollectingWorld
from tests.engine.test_collecting import shown


@pytest.fixture
def world(tmp_path: Path) -> Iterator[CollectingWorld]:
    made = CollectingWorld(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
    yield made
    made.close()


def answer(world: CollectingWorld, code: str, what: str) -> None:
    (item,) = [one for one in reviewing.open_items(world.works, world.workspace) if one.code == code]
    reviewing.resolve(world.works, world.workspace, item.id, answer=what, by="anna")


def change_due_date(world: CollectingWorld, number: str, day: date) -> None:
    """Somebody moves the due date of a released invoice in the program."""
    company = world.visma.vendor.tenants[world.company["tenant_id"]]  # type: ignore[attr-defined]
    (document,) = [one for one in company.customer_documents.values() if one.number == number]
    document.due = day
    document.modified = company.local(world.clock.now())


def test_a_due_date_moved_after_it_was_sent_is_asked_about_once_and_nothing_is_sent_again(
    world: CollectingWorld,
) -> None:
    world.open_books()
    number = world.invoice(1000)
    world.look()
    change_due_date(world, number, date(2026, 5, 30))
    world.look()
    assert "due date 2026-04-09 is 2026-05-30 now" in world.items()["sent-invoice-changed"]
    answer(world, "sent-invoice-changed", "accept")
    world.look()
    assert world.items() == {}
    assert world.trips()[f"customerinvoice {number}"][0] == "posted"
    change_due_date(world, number, date(2026, 6, 30))
    world.look()
    assert set(world.items()) == {"sent-invoice-changed"}
    assert shown(world) == [(number, 125_000, "open")]


def test_a_credit_of_a_part_lowers_what_is_open_there(world: CollectingWorld) -> None:
    world.open_books()
    number = world.invoice(1000)
    world.look()
    line = {"accountNumber": "3001", "quantity": 1, "unitPriceInCurrency": 200, "vatCodeId": "25"}
    note = {
        "customerNumber": CUSTOMER, "documentDate": world.clock.now().strftime("%Y-%m-%dT00:00:00"), "hold": False,
        "dontPrint": True, "dontEmail": True,
    }  # fmt: skip
    applied = {"documentType": "Invoice", "refNbr": number, "amountPaid": 250}
    body: dict[str, Any] = {name: {"value": value} for name, value in note.items()}
    body["lines"] = [{"operation": "Insert", **{name: {"value": value} for name, value in line.items()}}]
    body["applicationLines"] = [{"operation": "Insert", **{name: {"value": value} for name, value in applied.items()}}]
    made = str(world.ledger("by_hand", path="/v2/customerCreditNote", body=body)["number"])
    world.ledger("by_hand", path=f"/v1/customerCreditNote/{made}/action/release", body={})
    world.look()
    (there,) = world.there()
    assert (there["status"], there["amount_remaining"]) == ("open", 100_000)
    assert world.items() == {}


def test_a_bank_payment_taken_back_after_it_was_told_is_asked_about(world: CollectingWorld) -> None:
    world.open_books()
    number = world.invoice(1000)
    world.look()
    paid = world.pay_to_bank(number, 1250)
    world.look()
    assert shown(world) == [(number, 125_000, "paid")]
    path = f"/v1/customerPayment/{paid}/action"
    world.ledger("by_hand", path=f"{path}/void", body={"type": "Payment"})
    world.ledger("by_hand", path=f"{path}/release", body={"type": {"value": "VoidPayment"}})
    world.look()
    assert "outside-payment-voided" in world.items()


def test_a_ping_asks_for_what_the_routes_that_post_write(world: CollectingWorld) -> None:
    world.lacking = ("payment_record", "credit_note")
    world.open_books(collect_part_payments="ask", posting="off")
    told = {one.name: one for one in connecting.ping(world.works, world.stripe_id).checks}
    assert told["writing credit notes"].ok
    assert not told["credit notes"].ok  # reading them is needed whatever is on
    setup.switch_posting(world.works, world.route_id, "approve", by="test")
    told = {one.name: one for one in connecting.ping(world.works, world.stripe_id).checks}
    assert not told["writing credit notes"].ok
    assert told["writing payment records"].ok  # part payments are asked about, by the terms
    assert told["writing invoices"].ok


def test_a_permission_that_is_missing_is_named_and_what_waited_for_it_goes_out_once(world: CollectingWorld) -> None:
    world.lacking = ("payment_record",)
    world.open_books(collect_part_payments="record")
    number = world.invoice(1000)
    world.look()
    world.pay_to_bank(number, 250)
    world.look()
    assert "rak_payment_record_write" in world.items()["connection-paused"]
    refused = connecting.ping(world.works, world.stripe_id)
    assert [one.name for one in refused.checks if not one.ok] == ["writing payment records"]
    assert "connection-paused" in world.items()
    world.at_stripe("change_key", secret=world.key, grants=world.at_stripe("key", grants="all")["grants"])
    assert connecting.ping(world.works, world.stripe_id).ok
    world.look(seconds=2_000, step=100)
    (there,) = world.there()
    assert (there["amount_remaining"], world.items()) == (100_000, {})


# ---------------------------------------------------------------------------------------------- before it is sent


def test_an_overdue_invoice_is_due_tomorrow_there_and_says_its_true_date(world: CollectingWorld) -> None:
    world.open_books()
    number = world.invoice(1000, documentDate="2026-03-02T00:00:00", documentDueDate="2026-03-05T00:00:00")
    world.look()
    (there,) = world.there()
    today = world.clock.now().date()
    due = datetime.fromtimestamp(there["due_date"], UTC).date()
    assert today < due <= today + timedelta(days=2)
    assert "2026-03-05" in str(there["custom_fields"])
    assert shown(world) == [(number, 125_000, "open")]
    world.look(seconds=4_000, step=400)
    assert world.items() == {}


def test_a_currency_that_is_not_the_ledgers_at_stripe_is_blocked_deleted_and_told(world: CollectingWorld) -> None:
    world.open_books()
    number = world.invoice(1000)

    def somebody_meddles(call: str) -> None:
        for one in shelf(world).values():
            if one["status"] == "draft" and call.endswith("/add_lines"):
                one["currency"] = "nok"

    world.during = somebody_meddles
    world.look()
    world.during = None
    assert "currency" in "".join(world.items().values())
    assert world.trips()[f"customerinvoice {number}"][0] == "held"
    assert [one for one in world.there() if one["status"] != "draft"] == []


def shelf(world: CollectingWorld) -> dict[str, dict[str, Any]]:
    account = next(iter(world.stripe.vendor.world.accounts.values()))  # type: ignore[attr-defined]
    return dict(account.book(livemode=False).shelves["invoice"].rows)


@pytest.mark.parametrize("by_name", [False, True])
def test_a_customer_of_the_same_name_is_asked_about_unless_the_owner_chose_the_name(
    world: CollectingWorld, *, by_name: bool
) -> None:
    world.open_books(collect_by_name=by_name)
    name = world.ledger("by_hand", method="GET", path=f"/v1/customer/{CUSTOMER}")["body"]["name"]
    there = world.at_stripe("customer", name=name, email="somebody@else.example")["customer_id"]
    world.clock.advance(120)
    number = world.invoice(1000)
    world.look()
    if not by_name:
        assert set(world.items()) == {"party-name-match"}
        assert world.there() == []
        assert there in world.items()["party-name-match"]
        answer(world, "party-name-match", there)
        world.look()
    assert shown(world) == [(number, 125_000, "open")]
    assert {one["customer"] for one in world.there()} == {there}


# ---------------------------------------------------------------------------------------------- after stripe forgot


@pytest.mark.parametrize("lost", ["POST /v1/invoices", "POST /v1/invoices/{id}/add_lines", "POST /v1/customers"])
def test_an_answer_lost_for_longer_than_stripe_keeps_its_keys_makes_nothing_twice(
    world: CollectingWorld, lost: str
) -> None:
    world.open_books()
    world.stripe.add({"match": {"operation": lost}, "effect": "cut_after", "times": 1})
    down = world.stripe.add({"match": {}, "effect": {"kind": "status", "status": 503}, "times": None, "skip": 100_000})
    number = world.invoice(1000)

    def then_all_is_down(call: str) -> None:
        nonlocal down
        if world.stripe.calls[lost] and down:
            world.stripe.remove(down)
            down = ""
            world.stripe.add(
                {"id": "down", "match": {}, "effect": {"kind": "status", "status": 503}, "times": None, "skip": 1}
            )

    world.during = then_all_is_down
    world.look(seconds=100)
    world.during = None
    world.clock.advance(3 * 86_400)
    world.stripe.remove()
    world.look(seconds=4_000, step=200)
    for item in reviewing.open_items(world.works, world.workspace):
        assert item.code == "twice-unknown", item.sentence
        reviewing.resolve(world.works, world.workspace, item.id, answer="send-again", by="anna")
    world.look(seconds=4_000, step=200)
    assert shown(world) == [(number, 125_000, "open")]
    assert len(world.at_stripe("truth")["counts"]) > 1
    assert world.at_stripe("truth")["counts"]["customer"] == 1
