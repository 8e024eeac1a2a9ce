"""The notices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "i0001"
down_revision = None


def upgrade() -> None:
    """Make the tables as `tables.py` stood on the first day."""
    op.create_table(
        "notice",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=True),
        sa.Column("connection_id", sa.Text(), nullable=True),
        sa.Column("door_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=True),
        sa.Column("event_type", sa.Text(), nullable=True),
        sa.Column("account_ref", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('open', 'done', 'dead')", name=op.f("ck_notice_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint("event_id", "door_id", name=op.f("uq_notice_event_id_door_id")),
    )
    for name, columns, where in (
        ("ix_notice_open", ["connection_id", "due_at", "workspace_id"], "state = 'open'"),
        ("ix_notice_closed", ["external_id"], "state <> 'open'"),
        ("ix_notice_body", ["received_at"], "body IS NOT NULL"),
    ):
        op.create_index(
            op.f(name), "notice", columns, unique=False, sqlite_where=sa.text(where), postgresql_where=sa.text(where)
        )
