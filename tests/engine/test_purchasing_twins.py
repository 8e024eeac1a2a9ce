"""Two documents of one invoice: whenever and in whatever order they come, the ledger holds it once, and the second is
answered with the number of the first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ml_connector.engine import replaying, reviewing
from tests.engine.proofs import query
from tests.engine.purchase_world import PurchaseWorld

POST = "POST /v1/supplierInvoice"
Open = Callable[..., PurchaseWorld]


@pytest.fixture
def opened(database_url: str, tmp_path: Path) -> Iterator[Open]:
    """Opens a buyer's books; they are closed at the end."""
    worlds = []

    def open_books(**terms: Any) -> PurchaseWorld:
        world = PurchaseWorld(database_url, tmp_path)
        worlds.append(world)
        world.open_books(**terms)
        world.settle(300)
        return world

    yield open_books
    for world in worlds:
        world.close()


def in_ledger(world: PurchaseWorld, reference: str = "F-4") -> list[str]:
    """Numbers of the supplier invoices with this reference, whoever made them."""
    listed = world.ledger("by_hand", method="GET", path="/v1/supplierInvoice")["body"]
    said = [(one["referenceNumber"], one.get("supplierReference") or "") for one in listed]
    return [number for number, text in said if text.strip().casefold() == reference.casefold()]


def answers(world: PurchaseWorld, made: dict[str, Any]) -> list[tuple[bool, str]]:
    given = world.document(made["invoice_id"])["content"].get("transferResponses", [])
    return [(one["success"], one["responseMessage"]) for one in given]


def expect_once(world: PurchaseWorld, *documents: dict[str, Any]) -> None:
    """One invoice; one document has its number as success, each other was told that number in words."""
    (number,) = in_ledger(world)
    said = [answers(world, one) for one in documents]
    assert sorted(len(one) for one in said) == [1] * len(documents), said
    assert sorted(one[0][0] for one in said) == [False] * (len(documents) - 1) + [True]
    for ((success, message),) in said:
        assert success or f"is in the ledger as Invoice/{number}" in message


def test_three_in_one_planning_round(opened: Open) -> None:
    world = opened()
    documents = [world.approve(invoice_number=number) for number in ("F-4", "f-4", " F-4")]
    world.settle(900)
    expect_once(world, *documents)


def replay(world: PurchaseWorld, made: dict[str, Any]) -> None:
    """A person has the record planned again."""
    trip_ids = query(
        world, "SELECT t.id FROM trip t JOIN record r ON r.id = t.record_id WHERE r.external_id = :id",
        id=made["invoice_id"],
    )  # fmt: skip
    replaying.replay_trips(world.works, world.workspace, [row[0] for row in trip_ids], by="Ann")


def consent(world: PurchaseWorld, *, only: str = "") -> int:
    """A person accepts what waits for consent; how much there was."""
    found = reviewing.open_items(world.works, world.workspace, limit=500)
    asked = [one for one in found if one.code == "consent" and only in one.sentence]
    for one in asked:
        reviewing.resolve(world.works, world.workspace, one.id, answer="accept", by="Ann")
    return len(asked)


@pytest.mark.parametrize("other", [{}, {"net": "2000.00"}], ids=["alike", "over another sum"])
def test_the_second_comes_while_the_first_is_planned_and_not_sent(opened: Open, other: dict[str, Any]) -> None:
    world = opened(posting="approve")
    first = world.approve(invoice_number="F-4")
    world.settle(60)
    second = world.approve(invoice_number="F-4", **other)
    world.settle(60)
    (state, reason) = world.trips("accountingDocument")[second["invoice_id"]]
    assert (state, "comes first" in (reason or "")) == ("waiting", True)
    assert in_ledger(world) == []
    assert consent(world, only=":bill:") == 1
    world.settle(300)
    assert consent(world, only=second["invoice_id"]) == 1
    world.settle(300)
    expect_once(world, first, second)
    assert answers(world, first)[0][0]


def test_the_second_comes_while_nobody_knows_whether_the_first_arrived(opened: Open) -> None:
    world = opened()
    world.fail("visma", POST, "cut_after")

    def blind(call: str) -> None:
        if call == POST:
            world.fail("visma", "GET /v1/supplierInvoice", {"kind": "status", "status": 503}, times=3)

    world.during = blind
    first = world.approve(invoice_number="F-4")
    world.settle(10, step=5)
    world.during = None
    in_flight = query(world, "SELECT state FROM submission WHERE key LIKE '%:bill:%'")
    second = world.approve(invoice_number="F-4")
    world.settle(3_600, step=30)
    assert in_flight == [("unknown",)]
    expect_once(world, first, second)
    assert answers(world, first)[0][0]


def test_a_first_that_the_ledger_refuses_leaves_its_place_and_is_told_the_number_when_it_is_tried_again(
    opened: Open,
) -> None:
    world = opened()
    world.fail("visma", POST, {"kind": "status", "status": 400})
    first = world.approve(invoice_number="F-4")
    world.settle(300)
    assert (in_ledger(world), "refused" in world.items()) == ([], True)
    second = world.approve(invoice_number="F-4")
    world.settle(600)
    assert len(in_ledger(world)) == 1
    replay(world, first)
    world.settle(600)
    expect_once(world, second, first)


def test_a_person_booked_it_after_we_had_looked_and_before_it_came_again(opened: Open) -> None:
    world = opened()
    made = world.approve(kind="unknown_cost_center", invoice_number="F-4")
    world.settle(120)
    assert [success for success, _ in answers(world, made)] == [False]
    number = world.bill("F-4")
    content = world.document(made["invoice_id"])["content"]
    rows = [{**row, "costCenterCode": "10"} for row in content["codingRows"]]
    world.at_basware("mark", invoice_id=made["invoice_id"], fields={"codingRows": rows})
    world.at_basware("retransfer", invoice_id=made["invoice_id"])
    world.settle(120)
    assert in_ledger(world) == [number]
    (success, message) = answers(world, made)[-1]
    assert (success, f"in the ledger as Invoice/{number}" in message) == (False, True)


def test_a_person_booked_it_while_the_ledger_took_nothing_from_us(opened: Open) -> None:
    world = opened()
    world.fail("visma", POST, {"kind": "status", "status": 429}, times=3)
    made = world.approve(invoice_number="F-4")
    world.settle(30, step=5)
    assert in_ledger(world) == []
    number = world.bill("F-4")
    world.settle(1_800, step=60)
    assert in_ledger(world) == [number]
    assert f"as Invoice/{number} meanwhile" in world.items()["refused"]
    replay(world, made)
    world.settle(600)
    assert in_ledger(world) == [number]
    ((success, message),) = answers(world, made)
    assert (success, f"in the ledger as Invoice/{number}" in message) == (False, True)


def test_a_person_booked_it_while_it_waited_for_consent(opened: Open) -> None:
    world = opened(posting="approve")
    made = world.approve(invoice_number="F-4")
    world.settle(120)
    number = world.bill("F-4")
    assert consent(world, only=":bill:") == 1
    world.settle(600)
    assert in_ledger(world) == [number]
    consent(world)
    world.settle(300)
    assert in_ledger(world) == [number]
    assert [success for success, _ in answers(world, made)] == [False]


def test_a_second_document_does_not_code_the_waiting_invoice_again(opened: Open) -> None:
    world = opened(mode="visma_receives", updates=True)
    number = world.bill("F-4")
    world.settle(600)
    coded = {"supplier_code": "50012", "net": "1000.00", "invoice_number": "F-4"}
    documents = [world.approve(**coded, cost_center=centre, invoice_date="2026-03-09") for centre in ("10", "20")]
    world.settle(1_200)
    (voucher,) = world.supplier_invoices()
    assert len({line["segments"]["1"] for line in voucher["lines"] if line["account"] == "4000"}) == 1
    said = sorted(answers(world, one)[0] for one in documents)
    assert [success for success, _ in said] == [False, True]
    assert f"is in the ledger as Invoice/{number}, coded by another document" in said[0][1]
