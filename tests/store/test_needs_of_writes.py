"""A write waits for the keys that it needs, in its own company's books."""

from __future__ import annotations

from sqlalchemy import create_engine, insert, text, update

from ml_connector.store import tables, writes
from ml_connector.store.database import Database
from tests.store.rows import COMPANY, T0, WORKSPACE, a_company, a_trip, a_write

OTHER = "C2"


def test_what_another_company_has_booked_meets_no_need(database: Database) -> None:
    with database.writing() as c:
        a_company(c)
        c.execute(update(tables.route).values(posting="on"))
        ledger = {
            "id": "VISMA2", "workspace_id": WORKSPACE, "connector": "visma", "code": "visma2", "title": "visma",
            "account_ref": "VISMA2", "state": "ready", "created_at": T0,
        }  # fmt: skip
        c.execute(insert(tables.connection).values(ledger))
        company = {
            "id": OTHER, "workspace_id": WORKSPACE, "connection_id": "VISMA2", "name": "Sørlys AS",
            "base_currency": "NOK", "time_zone": "Europe/Oslo", "created_at": T0,
        }  # fmt: skip
        c.execute(insert(tables.company).values(company))
        a_trip(c, state="planned", due_at=None)
        needed = a_write(1, "done", company_id=OTHER, key="sq:sale:1")
        payment = a_write(2, key="sq:payment:1")
        need = {"write_id": "WRITE2", "key": "sq:sale:1", "workspace_id": WORKSPACE, "company_id": COMPANY}
        writes.add(c, [needed, payment], [need])
        assert writes.sealable(c, COMPANY, pool=None, limit=10) == []
        assert writes.companies_with_unsent(c) == []
        c.execute(insert(tables.planned_write).values(a_write(3, "done", key="sq:sale:1")))
        assert [one.id for one in writes.sealable(c, COMPANY, pool=None, limit=10)] == ["WRITE2"]
        assert writes.companies_with_unsent(c) == [COMPANY]


def test_sqlite_finds_by_index_whether_a_need_is_met() -> None:
    engine = create_engine("sqlite://")
    tables.metadata.create_all(engine)
    asked = tables.planned_write.select().where(~writes._UNMET)
    query = str(asked.compile(engine, compile_kwargs={"literal_binds": True}))
    with engine.connect() as c:
        plan = [row[3] for row in c.execute(text(f"EXPLAIN QUERY PLAN {query}"))]
    assert [line for line in plan if line.startswith("SCAN")] == ["SCAN planned_write"]
