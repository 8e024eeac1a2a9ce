"""Who and where: workspaces, their connections, companies and routes, what was set, and what is sealed."""

from __future__ import annotations

from sqlalchemy import Column, Index, LargeBinary, Table, Text, UniqueConstraint, text

from ml_connector.store.tables import columns as col
from ml_connector.store.tables.columns import metadata

workspace = Table("workspace", metadata, col.own_id(), col.text("name"), col.at("created_at"))

connection = Table(
    "connection",
    metadata,
    col.own_id(),
    col.to("workspace_id", "workspace"),
    col.text("connector"),
    col.text("code"),  # stands in every key: two shops both have an order 1001
    col.text("title"),
    col.maybe_text("account_ref"),
    col.maybe_text("base_url"),
    Column("settings", Text, nullable=False, server_default=text("'{}'")),
    col.text("state"),
    col.maybe_at("paused_until"),
    col.maybe_text("reason"),
    col.at("created_at"),
    UniqueConstraint("workspace_id", "code"),
    UniqueConstraint("workspace_id", "connector", "account_ref"),
    Index(None, "connector", "account_ref"),
)

company = Table(
    "company",
    metadata,
    col.own_id(),
    col.to("workspace_id", "workspace"),
    col.to("connection_id", "connection"),  # its Visma
    col.text("name"),
    col.text("base_currency"),
    col.text("time_zone"),
    col.maybe_text("go_live"),  # ISO date
    col.at("created_at"),
    UniqueConstraint("connection_id"),
    Index(None, "workspace_id"),
)

route = Table(
    "route",
    metadata,
    col.own_id(),
    col.wall(),
    col.to("company_id", "company"),
    col.text("flow"),
    col.to("source_id", "connection"),
    col.to("target_id", "connection"),
    Column("posting", Text, nullable=False, server_default=text("'off'")),
    col.at("created_at"),
    col.maybe_text("times"),  # its timetable; none: it posts at once
    col.maybe_at("run_asked_at"),
    col.maybe_at("rested_for"),
    UniqueConstraint("company_id", "flow", "source_id", "target_id"),
    Index(None, "source_id"),
    col.one_of("posting", "off", "approve", "on"),
)

config = Table(
    "config",
    metadata,
    col.own_id(),
    col.wall(),
    col.text("owner_kind"),  # connection, route, company, rulebook
    col.text("owner_id"),
    col.count("n"),
    col.maybe_text("valid_from"),  # ISO date
    col.text("body"),
    col.text("author"),
    col.at("created_at"),
    UniqueConstraint("owner_kind", "owner_id", "n"),
)

secret = Table(
    "secret",
    metadata,
    col.own_id(),
    col.loose_wall(),
    col.text("owner_kind"),  # connection, door
    col.text("owner_id"),
    col.text("field"),
    col.count("n"),
    col.text("key_id"),
    Column("nonce", LargeBinary, nullable=False),
    Column("ciphertext", LargeBinary, nullable=False),
    col.at("created_at"),
    col.maybe_at("retired_at"),
    UniqueConstraint("owner_kind", "owner_id", "field", "n"),
)

door = Table(
    "door",
    metadata,
    col.own_id(),
    col.loose_wall(),  # null where one subscription serves merchants of many workspaces
    col.to("connection_id", "connection", nullable=True),  # null: the account in the verified body chooses
    col.text("path_hash"),
    col.text("connector"),
    Column("settings", Text, nullable=False, server_default=text("'{}'")),
    col.at("created_at"),
    UniqueConstraint("path_hash"),
)

oauth_state = Table(
    "oauth_state",
    metadata,
    Column("state_hash", Text, primary_key=True),
    col.loose_wall(),
    col.text("connector"),
    col.at("created_at"),
    col.maybe_at("used_at"),
    Column("facts", Text, nullable=False, server_default=text("'{}'")),
    Index(None, "created_at"),
)
