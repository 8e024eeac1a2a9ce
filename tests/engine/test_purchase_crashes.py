"""Killed before or after any call or commit of a buyer's day and started again: every record and document once."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ml_connector.store import audit_proof
from tests.databases import Databases, migrated
from tests.engine.crash_walk import killed_everywhere, step
from tests.engine.proofs import query
from tests.engine.purchase_world import PurchaseWorld

pytestmark = [pytest.mark.slow, pytest.mark.trials]


def open_office(url: str, folder: Path) -> PurchaseWorld:
    """A company whose reference data is out; orders, receipts and an approved invoice are not read yet."""
    world = PurchaseWorld(url, folder)
    world.open_books()
    order = world.order(10, 4)
    world.receive(order, {"1": 6, "2": 4})
    world.approve_later = order  # type: ignore[attr-defined]
    return world


def play(world: PurchaseWorld) -> None:
    """Everything goes out; what was received is invoiced and approved there, comes back and is answered."""
    world.settle(240, step=40)
    if not world.at_basware("truth")["documents"]:
        world.approve(order_number=world.approve_later, kind="exact", invoice_number="F-1")  # type: ignore[attr-defined]
        world.approve(net="500.00", kind="bad_sum", invoice_number="F-2")
    world.settle(900, step=60)


def came_to(world: PurchaseWorld, said: str) -> dict[str, Any]:
    """What stands on both sides, without ids and times; the audit chain is whole."""
    with world.database.reading() as c:
        assert audit_proof.verify(c).ok, said
    truth = world.at_basware("truth")
    return {
        "there": {name: len(rows) for name, rows in truth["records"].items()},
        "documents": sorted((one["status"], len(one["content"].get("transferResponses", []))) for one in
                            truth["documents"].values()),
        "booked": sorted((one["status"], line["account"], line["debit"], line["credit"])
                         for one in world.supplier_invoices() for line in one["lines"]),
        "trips": query(world, "SELECT r.kind, t.state, count(*) FROM trip t JOIN record r ON r.id = t.record_id "
                       "GROUP BY 1, 2 ORDER BY 1, 2"),
        "open": query(world, "SELECT call FROM attempt WHERE outcome IS NULL OR outcome = 'unknown'"),
        "sent": query(world, "SELECT key, state FROM submission WHERE state NOT IN ('done', 'cancelled')"),
    }  # fmt: skip


def play_on(world: PurchaseWorld) -> None:
    """A call nobody knows the end of is looked for after minutes; people invoice an order that has arrived."""
    world.settle(1_200, step=60)
    play(world)
    world.settle(1_200, step=60)


def test_killed_anywhere_everything_is_there_once_on_both_sides(databases: Databases, tmp_path: Path) -> None:
    each = step(41) if databases.dialect == "sqlite" else 3 * step(41)
    with closing(open_office(databases.new(migrated), tmp_path)) as world:
        expected, tried = killed_everywhere(world, databases, play=play, again=play_on, came_to=came_to, each=each)
    assert expected["booked"]
    assert expected["documents"] == [("TransferFailed", 1), ("Transferred", 1)]
    assert (expected["open"], expected["sent"]) == ([], [])
    assert tried > 2
