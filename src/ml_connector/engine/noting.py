"""One audit event about a change of the set-up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ml_connector.engine.works import Works
from ml_connector.store import (
    audit,
)
from ml_connector.store.audit import Entry
from ml_connector.store.database import Connection


def note(
    works: Works,
    c: Connection,
    *,
    verb: str,
    subject: str,
    by: str,
    facts: Mapping[str, Any],
    workspace_id: str | None,
    chain: str = audit.INSTALL,
) -> None:
    """One audit event about a change of the set-up. The caller's transaction."""
    audit.append_many(c, chain=chain, workspace_id=workspace_id, entries=[Entry(works.now(), by, verb, subject, facts)])
