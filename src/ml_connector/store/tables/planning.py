"""What becomes of a record: its trip on each route, what that needs, what it writes, what it asks people."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, PrimaryKeyConstraint, Table, Text, UniqueConstraint, text

from ml_connector.store.tables import columns as col
from ml_connector.store.tables.columns import metadata

trip = Table(
    "trip",
    metadata,
    col.own_id(),
    col.wall(),
    col.to("route_id", "route"),
    col.to("record_id", "record"),
    col.text("kind"),
    col.text("state"),
    Column("planned_n", Integer),
    col.maybe_text("plan"),
    col.maybe_text("plan_hash"),
    col.maybe_text("approved_hash"),
    Column("rulebook_n", Integer),
    Column("chart_n", Integer),
    col.count("priority", 100),  # lower goes first
    col.maybe_at("occurred_at"),
    col.maybe_at("due_at"),
    col.maybe_text("reason"),
    col.at("created_at"),
    col.at("updated_at"),
    UniqueConstraint("route_id", "record_id"),
    Index(None, "record_id"),
    Index(None, "route_id", "state", "due_at"),
    Index(None, "route_id", "state", "priority", "occurred_at"),
    col.one_of("state", "received", "planned", "posting", "posted", "held", "waiting", "ignored", "reversed"),
)

trip_need = Table(
    "trip_need",
    metadata,
    col.own_id(),
    col.wall(),
    col.to("trip_id", "trip"),
    col.to("connection_id", "connection"),
    col.text("kind"),
    col.maybe_text("external_id"),
    col.maybe_text("fields"),  # JSON, where the id is not known: a VAT number, an e-mail
    col.maybe_text("answer"),  # JSON; "not there" is an answer too
    col.at("asked_at"),
    col.maybe_at("answered_at"),
    col.maybe_at("due_at"),
    Index(None, "trip_id"),
    Index(None, "connection_id", "kind", "external_id"),
    col.index_where("trip_need_open", "connection_id", "due_at", where="answered_at IS NULL"),
)

planned_write = Table(
    "planned_write",
    metadata,
    col.own_id(),
    col.wall(),
    col.to("company_id", "company"),
    col.to("trip_id", "trip"),
    col.to("target_id", "connection"),  # where it goes: mostly the ledger
    col.text("key"),
    col.count("revision", 1),
    col.text("kind"),
    col.text("content"),
    col.text("hash"),
    Column("amount", BigInteger),  # minor units of `currency`: what a second comer under the same key is compared with
    col.maybe_text("currency"),
    col.maybe_text("pool_key"),
    col.to("submission_id", "submission", nullable=True),
    col.text("state"),
    col.to("reverses_id", "planned_write", nullable=True),
    col.count("position", 0),  # its place inside the plan
    col.maybe_text("remote_id"),
    col.maybe_text("number"),
    col.at("created_at"),
    col.at("updated_at"),
    # A plan made again leaves its dropped writes behind, so they do not count.
    col.unique_where("planned_write_revision", "company_id", "key", "revision", where="state <> 'dropped'"),
    # The rule that lets one economic event into the ledger once.
    col.unique_where("planned_write_live", "company_id", "key", where="state NOT IN ('dropped', 'reversed')"),
    Index(None, "company_id", "key"),
    Index("ix_planned_write_pool", "company_id", "state", "pool_key", "created_at"),
    Index(None, "trip_id", "position"),
    Index(None, "submission_id"),
    # Reversals alone: nearly every write reverses nothing, and "none" must not be looked up here.
    col.index_where("planned_write_reversal", "company_id", "reverses_id", where="reverses_id IS NOT NULL"),
    col.one_of("state", "open", "sealed", "done", "reversed", "dropped"),
)

write_need = Table(
    "write_need",
    metadata,
    col.to("write_id", "planned_write"),
    col.text("key"),
    col.wall(),
    col.to("company_id", "company"),
    PrimaryKeyConstraint("write_id", "key"),
    Index(None, "company_id", "key"),
)

review_item = Table(
    "review_item",
    metadata,
    col.own_id(),
    col.wall(),
    col.text("subject"),
    col.to("company_id", "company", nullable=True),
    col.to("connection_id", "connection", nullable=True),
    col.to("trip_id", "trip", nullable=True),
    col.text("code"),
    Column("field", Text, nullable=False, server_default=text("''")),  # never null: null would not be unique
    col.text("sentence"),
    col.maybe_text("proposal"),
    col.text("state"),
    col.maybe_text("decision"),
    col.maybe_text("decided_by"),
    col.at("created_at"),
    col.maybe_at("decided_at"),
    col.unique_where("review_item_open", "workspace_id", "subject", "code", "field", where="state = 'open'"),
    Index(None, "workspace_id", "state", "created_at"),
    Index(None, "trip_id"),
    col.one_of("state", "open", "resolved", "superseded"),
)
