"""The file of an invoice in the ledger is brought where the draft was told to take it: once, whatever happens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ml_connector.engine import reviewing
from tests.databases import Databases
from tests.engine.crash_walk import killed_everywhere, step
from tests.engine.proofs import query
from tests.engine.purchase_world import PDF, PurchaseWorld

UPLOAD = "PUT /bw-upload/"
ADDRESS = "POST /v2/smartpdf/invoiceUpload"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PurchaseWorld]:
    world = PurchaseWorld(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
    world.open_books(mode="visma_receives", suppliers=None)
    world.settle(300)
    yield world
    world.close()


def parcels(world: PurchaseWorld) -> list[dict[str, Any]]:
    """What came in at Basware as a file."""
    rows = world.at_basware("truth")["parcels"].values()
    return [row for row in rows if row["via"] == "smartpdf" and row["image_bytes"]]


def attempts(world: PurchaseWorld) -> list[tuple[str, str | None]]:
    return query(
        world,
        "SELECT a.call, a.outcome FROM attempt a JOIN submission s ON s.id = a.submission_id "
        "WHERE s.kind = 'received_invoice' ORDER BY a.id",
    )


def expect_handed_on_once(world: PurchaseWorld) -> None:
    (state,) = world.trips("supplierInvoice").values()
    assert state == ("posted", None)
    assert [row["image_bytes"] for row in parcels(world)] == [len(PDF)]
    assert query(world, "SELECT call FROM attempt WHERE outcome IS NULL OR outcome = 'unknown'") == []
    ours = query(world, "SELECT remote_id FROM submission WHERE kind = 'received_invoice' AND state = 'done'")
    there = [key for key, row in world.at_basware("truth")["parcels"].items() if row["image_bytes"]]
    assert [(key,) for key in there] == ours


def test_the_file_of_an_invoice_is_read_from_the_ledger_and_put_where_the_draft_says(world: PurchaseWorld) -> None:
    world.bill(file=True)
    world.settle(300)
    expect_handed_on_once(world)
    assert attempts(world) == [("create", "accepted"), ("attach", "accepted")]


def test_an_invoice_without_a_file_goes_as_data(world: PurchaseWorld) -> None:
    world.bill()
    world.settle(300)
    assert [row["via"] for row in world.at_basware("truth")["parcels"].values()] == ["network"]
    assert world.works.lines.calls().get("GET /v1/attachment/{id}") is None


def test_an_address_that_has_ended_is_asked_for_anew(world: PurchaseWorld) -> None:
    def late(call: str) -> None:
        if call.startswith(UPLOAD):
            world.during = None
            world.clock.advance(901)

    world.during = late
    world.bill(file=True)
    world.settle(1200)
    expect_handed_on_once(world)
    assert [outcome for call, outcome in attempts(world) if call == "attach"] == ["refused", "accepted"]


def test_a_lost_answer_is_repeated_at_the_same_address(world: PurchaseWorld) -> None:
    world.basware.add({"match": {"path": "/bw-upload/"}, "effect": "cut_after"})
    world.bill(file=True)
    world.settle(600)
    expect_handed_on_once(world)
    assert [call for call, _ in attempts(world)] == ["create", "attach"]


def test_an_address_that_ended_after_a_lost_answer_is_a_persons_matter(world: PurchaseWorld) -> None:
    world.basware.add({"match": {"path": "/bw-upload/"}, "effect": "cut_after", "times": 100})
    world.bill(file=True)
    world.settle(60)
    world.clock.advance(901)
    world.basware.remove()
    world.settle(600)
    assert "file-unsure" in world.items()
    assert len(parcels(world)) <= 1
    (item,) = reviewing.open_items(world.works, world.workspace, code="file-unsure")
    reviewing.resolve(world.works, world.workspace, item.id, answer="arrived", by="Ann")
    world.settle(300)
    expect_handed_on_once(world)


def test_a_person_who_finds_nothing_there_has_it_sent_once_more(world: PurchaseWorld) -> None:
    world.basware.add({"match": {"path": "/bw-upload/"}, "effect": "cut_before", "times": 100})
    world.bill(file=True)
    world.settle(60)
    world.basware.remove()
    world.clock.advance(901)
    world.settle(600)
    (item,) = reviewing.open_items(world.works, world.workspace, code="file-unsure")
    reviewing.resolve(world.works, world.workspace, item.id, answer="send-again", by="Ann")
    world.settle(600)
    expect_handed_on_once(world)


def test_a_file_that_was_taken_away_is_a_persons_matter(world: PurchaseWorld) -> None:
    world.fail("visma", "/v1/attachment/", {"kind": "status", "status": 404})
    world.bill(file=True)
    world.settle(300)
    assert "F-778.pdf of bw:inv:SE01:Invoice:" in world.items()["file-missing"]
    assert parcels(world) == []
    (item,) = reviewing.open_items(world.works, world.workspace, code="file-missing")
    reviewing.resolve(world.works, world.workspace, item.id, answer="check-again", by="Ann")
    world.clock.advance(901)
    world.settle(300)
    expect_handed_on_once(world)


def test_without_the_scope_for_files_that_invoice_is_held_in_words_and_all_else_goes_on(tmp_path: Path) -> None:
    world = PurchaseWorld(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
    world.scopes = ""
    world.open_books(mode="visma_receives")
    world.settle(300)
    world.bill(file=True)
    world.bill("F-779")
    world.order(10)
    world.settle(600)
    said = world.items()["refused"]
    assert "the scope importDocuments.write is missing" in said
    assert "+importDocuments.write" in said
    assert "connection-paused" not in world.items()
    assert sorted(state for state, _ in world.trips("supplierInvoice").values()) == ["held", "posted"]
    assert [row["via"] for row in world.at_basware("truth")["parcels"].values()] == ["network"]
    assert len(world.there("matchingOrderLines")) == 1
    world.close()


@pytest.mark.slow
@pytest.mark.trials
def test_killed_anywhere_about_a_file_it_arrives_once(world: PurchaseWorld, sqlite_databases: Databases) -> None:
    world.bill(file=True)
    killed_everywhere(
        world, sqlite_databases, play=lambda life: life.settle(300), again=lambda life: life.settle(1_200),
        came_to=lambda life, _said: expect_handed_on_once(life), each=step(5),
    )  # fmt: skip
