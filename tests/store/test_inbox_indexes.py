"""What the engine asks of the inbox many times a minute reads what is open, not all that ever came."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, event

from ml_connector.store import inbox
from ml_connector.store.database import Database
from ml_connector.store.migrations import migrate
from tests.databases import Databases

QUESTIONS: dict[str, Callable[[Connection], Any]] = {
    "open": lambda c: inbox.open_notices(c, "W1", connection_id="SQ1", now=1),
    "due": lambda c: inbox.connections_with_due_notices(c, now=1),
    "nobody's": inbox.unassigned_accounts,
    "old": lambda c: inbox.older_than(c, before=1, limit=1),
    "counted": lambda c: inbox.count_open(c, now=1),
    "of a thing": lambda c: inbox.notices_of(c, "W1", connection_id="SQ1", kind="payment", external_id="P1"),
    "of an event": lambda c: inbox.by_event(c, "W1", "event-1"),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_no_question_walks_through_every_notice_on_sqlite(sqlite_databases: Databases, question: str) -> None:
    database = Database(sqlite_databases.new())
    migrate(database)
    plans: list[str] = []

    def explain(c: Connection, _cursor: object, statement: str, values: Any, *_: object) -> None:
        if not statement.startswith("EXPLAIN"):
            plans.extend(row[3] for row in c.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values))

    with database.inbox_reading() as c:
        event.listen(c, "before_cursor_execute", explain)
        QUESTIONS[question](c)
    database.close()
    walks = [plan for plan in plans if plan.startswith("SCAN notice") and "ix_notice_open" not in plan]
    assert plans
    assert walks == []
