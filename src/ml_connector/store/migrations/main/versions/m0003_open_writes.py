"""Indexes for what is asked several times a second: open pools by age, and the few writes that take another back.

An index over `reverses_id` that holds every row served `reverses_id IS NULL`, which is nearly all of them: SQLite chose
it before the trip's own.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_TABLE = "planned_write"


def upgrade() -> None:
    """Replace two indexes by narrower and wider ones."""
    op.drop_index("ix_planned_write_reverses_id", table_name=_TABLE)
    op.drop_index("ix_planned_write_company_id_state_pool_key", table_name=_TABLE)
    reversal = sa.text("reverses_id IS NOT NULL")
    op.create_index(
        "ix_planned_write_reversal",
        _TABLE,
        ["company_id", "reverses_id"],
        sqlite_where=reversal,
        postgresql_where=reversal,
    )
    op.create_index("ix_planned_write_pool", _TABLE, ["company_id", "state", "pool_key", "created_at"])
