"""The first tables of the main database."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:  # noqa: PLR0915  one statement a table, none hidden
    """Make the tables as `tables.py` stood on the first day."""
    op.create_table(
        "audit_event",
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("verb", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("prev_hash", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("chain", "seq", name=op.f("pk_audit_event")),
    )
    op.create_index(op.f("ix_audit_event_subject"), "audit_event", ["subject"], unique=False)
    op.create_index(op.f("ix_audit_event_workspace_id_at"), "audit_event", ["workspace_id", "at"], unique=False)
    op.create_table(
        "audit_head",
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("chain", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "config",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("owner_kind", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_config")),
        sa.UniqueConstraint("owner_kind", "owner_id", "n", name=op.f("uq_config_owner_kind_owner_id_n")),
    )
    op.create_table(
        "executor",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=True),
        sa.Column("heartbeat_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_executor")),
    )
    op.create_table(
        "lease",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=True),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lease")),
    )
    op.create_table(
        "meter",
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=True),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner_id", "day", "name", name=op.f("pk_meter")),
    )
    op.create_table(
        "oauth_state",
        sa.Column("state_hash", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=True),
        sa.Column("connector", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.Column("facts", sa.Text(), server_default=sa.text("'{}'"), nullable=False),
        sa.PrimaryKeyConstraint("state_hash", name=op.f("pk_oauth_state")),
    )
    op.create_index(op.f("ix_oauth_state_created_at"), "oauth_state", ["created_at"], unique=False)
    op.create_table(
        "secret",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=True),
        sa.Column("owner_kind", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("retired_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_secret")),
        sa.UniqueConstraint("owner_kind", "owner_id", "field", "n", name=op.f("uq_secret_owner_kind_owner_id_field_n")),
    )
    op.create_table(
        "workspace",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workspace")),
    )
    op.create_table(
        "connection",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("connector", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("account_ref", sa.Text(), nullable=True),
        sa.Column("base_url", sa.Text(), nullable=True),
        sa.Column("settings", sa.Text(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("paused_until", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspace.id"], name=op.f("fk_connection_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connection")),
        sa.UniqueConstraint("workspace_id", "code", name=op.f("uq_connection_workspace_id_code")),
        sa.UniqueConstraint(
            "workspace_id", "connector", "account_ref", name=op.f("uq_connection_workspace_id_connector_account_ref")
        ),
    )
    op.create_index(
        op.f("ix_connection_connector_account_ref"), "connection", ["connector", "account_ref"], unique=False
    )
    op.create_table(
        "binding",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("connection_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("our_key", sa.Text(), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=False),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("how IN ('made', 'matched', 'decided')", name=op.f("ck_binding_how")),
        sa.ForeignKeyConstraint(["connection_id"], ["connection.id"], name=op.f("fk_binding_connection_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_binding")),
        sa.UniqueConstraint("connection_id", "kind", "our_key", name=op.f("uq_binding_connection_id_kind_our_key")),
    )
    op.create_index(
        op.f("ix_binding_connection_id_kind_remote_id"), "binding", ["connection_id", "kind", "remote_id"], unique=False
    )
    op.create_table(
        "budget",
        sa.Column("connection_id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("window_ends_at", sa.BigInteger(), nullable=False),
        sa.Column("call_limit", sa.Integer(), nullable=False),
        sa.Column("calls_left", sa.Integer(), nullable=False),
        sa.Column("heard_left", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["connection_id"], ["connection.id"], name=op.f("fk_budget_connection_id")),
        sa.PrimaryKeyConstraint("connection_id", name=op.f("pk_budget")),
    )
    op.create_table(
        "company",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("connection_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("base_currency", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("go_live", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connection.id"], name=op.f("fk_company_connection_id")),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspace.id"], name=op.f("fk_company_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_company")),
        sa.UniqueConstraint("connection_id", name=op.f("uq_company_connection_id")),
    )
    op.create_index(op.f("ix_company_workspace_id"), "company", ["workspace_id"], unique=False)
    op.create_table(
        "cursor",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("connection_id", sa.Text(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("position", sa.Text(), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connection.id"], name=op.f("fk_cursor_connection_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cursor")),
        sa.UniqueConstraint("connection_id", "stream", name=op.f("uq_cursor_connection_id_stream")),
    )
    op.create_index(op.f("ix_cursor_due_at"), "cursor", ["due_at"], unique=False)
    op.create_table(
        "door",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=True),
        sa.Column("connection_id", sa.Text(), nullable=True),
        sa.Column("path_hash", sa.Text(), nullable=False),
        sa.Column("connector", sa.Text(), nullable=False),
        sa.Column("settings", sa.Text(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connection.id"], name=op.f("fk_door_connection_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_door")),
        sa.UniqueConstraint("path_hash", name=op.f("uq_door_path_hash")),
    )
    op.create_table(
        "record",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("connection_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("current_n", sa.Integer(), nullable=False),
        sa.Column("parent", sa.Text(), nullable=True),
        sa.Column("location", sa.Text(), nullable=True),
        sa.Column("occurred_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connection.id"], name=op.f("fk_record_connection_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_record")),
        sa.UniqueConstraint(
            "connection_id", "kind", "external_id", name=op.f("uq_record_connection_id_kind_external_id")
        ),
    )
    op.create_table(
        "chart",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("company_id", sa.Text(), nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("read_at", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_chart_company_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chart")),
        sa.UniqueConstraint("company_id", "part", "n", name=op.f("uq_chart_company_id_part_n")),
    )
    op.create_table(
        "link",
        sa.Column("connection_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connection.id"], name=op.f("fk_link_connection_id")),
        sa.ForeignKeyConstraint(["record_id"], ["record.id"], name=op.f("fk_link_record_id")),
        sa.PrimaryKeyConstraint("connection_id", "name", "value", "kind", "record_id", name=op.f("pk_link")),
    )
    op.create_index(op.f("ix_link_record_id"), "link", ["record_id"], unique=False)
    op.create_table(
        "route",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("company_id", sa.Text(), nullable=False),
        sa.Column("flow", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("target_id", sa.Text(), nullable=False),
        sa.Column("posting", sa.Text(), server_default=sa.text("'off'"), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("posting IN ('off', 'approve', 'on')", name=op.f("ck_route_posting")),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_route_company_id")),
        sa.ForeignKeyConstraint(["source_id"], ["connection.id"], name=op.f("fk_route_source_id")),
        sa.ForeignKeyConstraint(["target_id"], ["connection.id"], name=op.f("fk_route_target_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_route")),
        sa.UniqueConstraint(
            "company_id", "flow", "source_id", "target_id", name=op.f("uq_route_company_id_flow_source_id_target_id")
        ),
    )
    op.create_index(op.f("ix_route_source_id"), "route", ["source_id"], unique=False)
    op.create_table(
        "submission",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("company_id", sa.Text(), nullable=False),
        sa.Column("target_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=True),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("observed", sa.Text(), nullable=True),
        sa.Column("job_id", sa.Text(), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "state IN ('ready', 'creating', 'unknown', 'created', 'differs', 'checked', 'releasing', 'done', "
            "'refused', 'cancelled')",
            name=op.f("ck_submission_state"),
        ),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_submission_company_id")),
        sa.ForeignKeyConstraint(["target_id"], ["connection.id"], name=op.f("fk_submission_target_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_submission")),
        sa.UniqueConstraint("company_id", "key", name=op.f("uq_submission_company_id_key")),
        sa.UniqueConstraint("company_id", "token", name=op.f("uq_submission_company_id_token")),
    )
    op.create_index(
        op.f("ix_submission_company_id_state_due_at"), "submission", ["company_id", "state", "due_at"], unique=False
    )
    op.create_index(
        "uq_submission_remote",
        "submission",
        ["target_id", "kind", "remote_id"],
        unique=True,
        sqlite_where=sa.text("kind NOT IN ('customer', 'supplier')"),
        postgresql_where=sa.text("kind NOT IN ('customer', 'supplier')"),
    )
    op.create_table(
        "version",
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("stamp", sa.Text(), nullable=True),
        sa.Column("read_at", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=True),
        sa.Column("erased_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("source IN ('webhook', 'poll', 'lookup')", name=op.f("ck_version_source")),
        sa.ForeignKeyConstraint(["record_id"], ["record.id"], name=op.f("fk_version_record_id")),
        sa.PrimaryKeyConstraint("record_id", "n", name=op.f("pk_version")),
    )
    op.create_table(
        "attempt",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("submission_id", sa.Text(), nullable=False),
        sa.Column("call", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('accepted', 'refused', 'not_sent', 'unknown', 'adopted', 'absent')",
            name=op.f("ck_attempt_outcome"),
        ),
        sa.ForeignKeyConstraint(["submission_id"], ["submission.id"], name=op.f("fk_attempt_submission_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt")),
        sa.UniqueConstraint("submission_id", "call", "n", name=op.f("uq_attempt_submission_id_call_n")),
    )
    op.create_index(
        "uq_attempt_open",
        "attempt",
        ["submission_id"],
        unique=True,
        sqlite_where=sa.text("outcome IS NULL OR outcome = 'unknown'"),
        postgresql_where=sa.text("outcome IS NULL OR outcome = 'unknown'"),
    )
    op.create_table(
        "trip",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("route_id", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("planned_n", sa.Integer(), nullable=True),
        sa.Column("plan", sa.Text(), nullable=True),
        sa.Column("plan_hash", sa.Text(), nullable=True),
        sa.Column("approved_hash", sa.Text(), nullable=True),
        sa.Column("rulebook_n", sa.Integer(), nullable=True),
        sa.Column("chart_n", sa.Integer(), nullable=True),
        sa.Column("priority", sa.Integer(), server_default=sa.text("100"), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "state IN ('received', 'planned', 'posting', 'posted', 'held', 'waiting', 'ignored', 'reversed')",
            name=op.f("ck_trip_state"),
        ),
        sa.ForeignKeyConstraint(["record_id"], ["record.id"], name=op.f("fk_trip_record_id")),
        sa.ForeignKeyConstraint(["route_id"], ["route.id"], name=op.f("fk_trip_route_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trip")),
        sa.UniqueConstraint("route_id", "record_id", name=op.f("uq_trip_route_id_record_id")),
    )
    op.create_index(op.f("ix_trip_record_id"), "trip", ["record_id"], unique=False)
    op.create_index(op.f("ix_trip_route_id_state_due_at"), "trip", ["route_id", "state", "due_at"], unique=False)
    op.create_index(
        op.f("ix_trip_route_id_state_priority_occurred_at"),
        "trip",
        ["route_id", "state", "priority", "occurred_at"],
        unique=False,
    )
    op.create_table(
        "planned_write",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("company_id", sa.Text(), nullable=False),
        sa.Column("trip_id", sa.Text(), nullable=False),
        sa.Column("target_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("pool_key", sa.Text(), nullable=True),
        sa.Column("submission_id", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reverses_id", sa.Text(), nullable=True),
        sa.Column("position", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=True),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "state IN ('open', 'sealed', 'done', 'reversed', 'dropped')", name=op.f("ck_planned_write_state")
        ),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_planned_write_company_id")),
        sa.ForeignKeyConstraint(["reverses_id"], ["planned_write.id"], name=op.f("fk_planned_write_reverses_id")),
        sa.ForeignKeyConstraint(["submission_id"], ["submission.id"], name=op.f("fk_planned_write_submission_id")),
        sa.ForeignKeyConstraint(["target_id"], ["connection.id"], name=op.f("fk_planned_write_target_id")),
        sa.ForeignKeyConstraint(["trip_id"], ["trip.id"], name=op.f("fk_planned_write_trip_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_planned_write")),
    )
    op.create_index(op.f("ix_planned_write_company_id_key"), "planned_write", ["company_id", "key"], unique=False)
    op.create_index(
        op.f("ix_planned_write_company_id_state_pool_key"),
        "planned_write",
        ["company_id", "state", "pool_key"],
        unique=False,
    )
    op.create_index(op.f("ix_planned_write_reverses_id"), "planned_write", ["reverses_id"], unique=False)
    op.create_index(op.f("ix_planned_write_submission_id"), "planned_write", ["submission_id"], unique=False)
    op.create_index(op.f("ix_planned_write_trip_id_position"), "planned_write", ["trip_id", "position"], unique=False)
    op.create_index(
        "uq_planned_write_live",
        "planned_write",
        ["company_id", "key"],
        unique=True,
        sqlite_where=sa.text("state NOT IN ('dropped', 'reversed')"),
        postgresql_where=sa.text("state NOT IN ('dropped', 'reversed')"),
    )
    op.create_index(
        "uq_planned_write_revision",
        "planned_write",
        ["company_id", "key", "revision"],
        unique=True,
        sqlite_where=sa.text("state <> 'dropped'"),
        postgresql_where=sa.text("state <> 'dropped'"),
    )
    op.create_table(
        "review_item",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("company_id", sa.Text(), nullable=True),
        sa.Column("connection_id", sa.Text(), nullable=True),
        sa.Column("trip_id", sa.Text(), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("proposal", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("state IN ('open', 'resolved', 'superseded')", name=op.f("ck_review_item_state")),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_review_item_company_id")),
        sa.ForeignKeyConstraint(["connection_id"], ["connection.id"], name=op.f("fk_review_item_connection_id")),
        sa.ForeignKeyConstraint(["trip_id"], ["trip.id"], name=op.f("fk_review_item_trip_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_item")),
    )
    op.create_index(op.f("ix_review_item_trip_id"), "review_item", ["trip_id"], unique=False)
    op.create_index(
        op.f("ix_review_item_workspace_id_state_created_at"),
        "review_item",
        ["workspace_id", "state", "created_at"],
        unique=False,
    )
    op.create_index(
        "uq_review_item_open",
        "review_item",
        ["workspace_id", "subject", "code", "field"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "trip_need",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("trip_id", sa.Text(), nullable=False),
        sa.Column("connection_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("fields", sa.Text(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["connection_id"], ["connection.id"], name=op.f("fk_trip_need_connection_id")),
        sa.ForeignKeyConstraint(["trip_id"], ["trip.id"], name=op.f("fk_trip_need_trip_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trip_need")),
    )
    op.create_index(
        op.f("ix_trip_need_connection_id_kind_external_id"),
        "trip_need",
        ["connection_id", "kind", "external_id"],
        unique=False,
    )
    op.create_index(
        "ix_trip_need_open",
        "trip_need",
        ["connection_id", "due_at"],
        unique=False,
        sqlite_where=sa.text("answered_at IS NULL"),
        postgresql_where=sa.text("answered_at IS NULL"),
    )
    op.create_index(op.f("ix_trip_need_trip_id"), "trip_need", ["trip_id"], unique=False)
    op.create_table(
        "write_need",
        sa.Column("write_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("company_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_write_need_company_id")),
        sa.ForeignKeyConstraint(["write_id"], ["planned_write.id"], name=op.f("fk_write_need_write_id")),
        sa.PrimaryKeyConstraint("write_id", "key", name=op.f("pk_write_need")),
    )
    op.create_index(op.f("ix_write_need_company_id_key"), "write_need", ["company_id", "key"], unique=False)
