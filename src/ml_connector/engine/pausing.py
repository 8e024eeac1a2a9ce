"""Pausing a connection whose rights were refused: nothing is tried until a person repairs it."""

from __future__ import annotations

from typing import Any

from ml_connector.engine.works import Works
from ml_connector.errors import NotAuthorized
from ml_connector.store import connection_rows, reviews
from ml_connector.store.database import Connection


def pause(works: Works, c: Connection, connection_id: str, fault: NotAuthorized) -> None:
    """Pause and ask once. The caller's transaction."""
    connection = connection_rows.get(c, connection_id)
    if connection is None or not connection_rows.pause(c, connection.id, reason=str(fault)[:500], until=None):
        return
    item: dict[str, Any] = {
        "subject": connection.id, "company_id": None, "connection_id": connection.id, "trip_id": None,
        "code": "connection-paused", "field": "", "proposal": {},
        "sentence": f"{connection.title} ({connection.code}) is paused: {fault.what} {fault.fix}",
    }  # fmt: skip
    reviews.raise_items(c, [item], workspace_id=connection.workspace_id, ids=works.ids, now=works.now())
