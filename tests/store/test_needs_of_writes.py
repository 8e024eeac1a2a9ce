"""A write waits for the keys that it needs, in its own company's books."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, event, insert, text, update

from ml_connector.store import tables, unsent, write_moves, writes
from ml_connector.store.database import Database
from ml_connector.store.migrations import migrate
from tests.databases import Databases
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
        write_moves.add(c, [needed, payment], [need])
        assert unsent.sealable(c, COMPANY, pool=None, limit=10) == []
        assert unsent.companies_with_any(c) == []
        c.execute(insert(tables.planned_write).values(a_write(3, "done", key="sq:sale:1")))
        assert [one.id for one in unsent.sealable(c, COMPANY, pool=None, limit=10)] == ["WRITE2"]
        assert unsent.companies_with_any(c) == [COMPANY]


def test_sqlite_finds_by_index_whether_a_need_is_met() -> None:
    engine = create_engine("sqlite://")
    tables.metadata.create_all(engine)
    asked = tables.planned_write.select().where(~unsent.UNMET)
    query = str(asked.compile(engine, compile_kwargs={"literal_binds": True}))
    with engine.connect() as c:
        plan = [row[3] for row in c.execute(text(f"EXPLAIN QUERY PLAN {query}"))]
    assert [line for line in plan if line.startswith("SCAN")] == ["SCAN planned_write"]


def plans_of(ask: Callable[[Connection], object], database: Database) -> list[str]:
    """How SQLite goes about a question."""
    plans: list[str] = []

    def explain(c: Connection, _cursor: object, statement: str, values: Any, *_: object) -> None:
        if not statement.startswith("EXPLAIN"):
            plans.extend(row[3] for row in c.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values))

    with database.reading() as c:
        event.listen(c, "before_cursor_execute", explain)
        ask(c)
    return plans


BY_KEY: dict[str, tuple[str, Callable[[Connection], object]]] = {
    "sealable": ("planned_write_1", lambda c: unsent.sealable(c, COMPANY, pool=None, limit=10)),
    "unsent": ("planned_write_1", unsent.companies_with_any),
    "standing": ("planned_write", lambda c: writes.standing(c, "SQUARE", "sq:sale:1")),
    "on its way": ("planned_write", lambda c: writes.on_its_way(c, "SQUARE", "sq:sale:1")),
}


@pytest.mark.parametrize("question", BY_KEY)
def test_what_stands_is_found_by_its_key_and_not_among_all_that_is_done(
    sqlite_databases: Databases, question: str
) -> None:
    database = Database(sqlite_databases.new())
    migrate(database)
    name, ask = BY_KEY[question]
    found = [plan for plan in plans_of(ask, database) if plan.startswith(f"SEARCH {name} ")]
    database.close()
    assert found
    assert [plan for plan in found if "(company_id=? AND key=?" not in plan] == []
