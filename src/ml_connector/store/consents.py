"""Consents that were asked for at a vendor's page, each used once while it is fresh."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, insert, update

from ml_connector.store.tables import Micros, oauth_state


def remember(
    c: Connection, *, state_hash: str, workspace_id: str, connector: str, facts: Mapping[str, Any], now: Micros
) -> None:
    """Remember a consent that was asked for."""
    c.execute(
        insert(oauth_state).values(
            state_hash=state_hash,
            workspace_id=workspace_id,
            connector=connector,
            facts=json.dumps(dict(facts)),
            created_at=now,
        )
    )


def use(c: Connection, state_hash: str, *, now: Micros, not_before: Micros) -> tuple[str, str, dict[str, Any]] | None:
    """Use a state once, while it is fresh: (workspace, connector, facts); None when it is unknown, old or used."""
    row = c.execute(
        update(oauth_state)
        .where(
            oauth_state.c.state_hash == state_hash,
            oauth_state.c.used_at.is_(None),
            oauth_state.c.created_at >= not_before,
        )
        .values(used_at=now)
        .returning(oauth_state.c.workspace_id, oauth_state.c.connector, oauth_state.c.facts)
    ).one_or_none()
    return (row.workspace_id or "", row.connector, json.loads(row.facts)) if row else None
