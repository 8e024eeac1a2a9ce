"""The machine's own: budgets, leases, who lives, counters and the audit trail."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, PrimaryKeyConstraint, Table, Text

from ml_connector.store.tables import columns as col
from ml_connector.store.tables.columns import metadata

budget = Table(
    "budget",
    metadata,
    Column("connection_id", Text, ForeignKey("connection.id"), primary_key=True),
    col.wall(),
    col.at("window_ends_at"),
    col.count("call_limit"),  # the words LIMIT and LEFT are SQL's own
    col.count("calls_left"),
    Column("heard_left", Integer),  # lowest "remaining" heard in this window; null until headers speak
)

lease = Table(
    "lease",
    metadata,
    Column("name", Text, primary_key=True),
    col.loose_wall(),
    col.text("holder"),
    Column("fence", BigInteger, nullable=False),
    col.at("expires_at"),
)

executor = Table(
    "executor",
    metadata,
    col.own_id(),
    col.loose_wall(),
    col.at("heartbeat_at"),
    col.at("started_at"),
    col.text("version"),
)

meter = Table(
    "meter",
    metadata,
    col.text("owner_id"),  # a company, a connection, a door
    col.text("day"),  # ISO date, UTC
    col.text("name"),
    col.loose_wall(),
    Column("value", BigInteger, nullable=False),
    PrimaryKeyConstraint("owner_id", "day", "name"),
)

audit_event = Table(
    "audit_event",
    metadata,
    col.text("chain"),
    Column("seq", BigInteger, nullable=False),
    col.loose_wall(),
    col.at("at"),
    col.text("actor"),
    col.text("verb"),
    col.text("subject"),
    col.text("facts"),
    col.text("prev_hash"),
    col.text("hash"),
    PrimaryKeyConstraint("chain", "seq"),
    Index(None, "subject"),
    Index(None, "workspace_id", "at"),
)

audit_head = Table(
    "audit_head",
    metadata,
    Column("chain", Text, primary_key=True),
    col.loose_wall(),
    Column("seq", BigInteger, nullable=False),
    col.text("hash"),
)
