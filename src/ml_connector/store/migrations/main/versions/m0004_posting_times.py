"""When a route posts: its timetable, the run a person asked for, and up to when the last run has come to rest."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Three columns that are empty for a route that posts at once."""
    op.add_column("route", sa.Column("times", sa.Text(), nullable=True))
    op.add_column("route", sa.Column("run_asked_at", sa.BigInteger(), nullable=True))
    op.add_column("route", sa.Column("rested_for", sa.BigInteger(), nullable=True))
