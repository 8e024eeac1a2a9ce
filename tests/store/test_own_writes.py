"""What we have written ourselves is found by what it became, and by how its key begins."""

from __future__ import annotations

from sqlalchemy import insert, select

from ml_connector.store import tables, writes
from ml_connector.store.database import Database
from tests.store.rows import a_company, a_trip, a_write


def test_writes_are_found_by_the_beginning_of_their_key(database: Database) -> None:
    with database.writing() as c:
        a_company(c)
        a_trip(c)
        rows = [
            a_write(1, "done", key="pp:adj:INV2_A:payment/1"),
            a_write(2, "open", key="pp:adj:INV2_A:payment/2"),
            a_write(3, "dropped", key="pp:adj:INV2_A:payment/3"),
            a_write(4, "done", key="pp:adj:INV2xA:payment/1"),
            a_write(5, "done", key="PP:adj:INV2_A:payment/1"),
            a_write(6, "done", key="pp:adj:INV2_AB:payment/1"),
        ]
        c.execute(insert(tables.planned_write), rows)
        (source,) = c.execute(select(tables.route.c.source_id)).scalars()
        found = writes.beginning(c, source, "pp:adj:INV2_A:")
        assert [one.key for one in found] == ["pp:adj:INV2_A:payment/1", "pp:adj:INV2_A:payment/2"]
        assert writes.beginning(c, "NOBODY", "pp:adj:") == []
        assert [writes.beginning(c, source, f"pp:{wild}") for wild in ("*", "?dj", "[a]dj", "%", "_dj")] == [[]] * 5


def test_what_became_no_document_is_nobodys(database: Database) -> None:
    with database.writing() as c:
        a_company(c)
        (target,) = c.execute(select(tables.route.c.target_id)).scalars()
        assert writes.made_as(c, target, "customer_invoice", ["100001", "Invoice/100001"]) == []
