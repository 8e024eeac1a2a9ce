"""What is sent and what stands on the other side: submissions, each attempt, what our keys are there, its set-up."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Table, UniqueConstraint

from ml_connector.store.tables import columns as col
from ml_connector.store.tables.columns import metadata

submission = Table(
    "submission",
    metadata,
    col.own_id(),
    col.wall(),
    col.to("company_id", "company"),
    col.to("target_id", "connection"),
    col.text("key"),
    col.text("token"),
    col.text("kind"),
    col.count("ordinal", 1),
    col.text("content"),
    col.text("hash"),
    col.text("state"),
    col.maybe_text("remote_id"),
    col.maybe_text("number"),
    col.maybe_text("etag"),
    col.maybe_text("observed"),
    col.maybe_text("job_id"),
    col.maybe_at("due_at"),
    col.maybe_text("fault"),
    col.at("created_at"),
    col.at("updated_at"),
    UniqueConstraint("company_id", "key"),
    UniqueConstraint("company_id", "token"),
    # One submission a document; a party is written again each time its card changes.
    col.unique_where(
        "submission_remote", "target_id", "kind", "remote_id", where="kind NOT IN ('customer', 'supplier')"
    ),
    Index(None, "company_id", "state", "due_at"),
    col.one_of(
        "state",
        "ready",
        "creating",
        "unknown",
        "created",
        "differs",
        "checked",
        "releasing",
        "done",
        "refused",
        "cancelled",
    ),
)

attempt = Table(
    "attempt",
    metadata,
    col.own_id(),
    col.wall(),
    col.to("submission_id", "submission"),
    col.text("call"),
    col.count("n"),
    col.at("started_at"),
    col.maybe_at("ended_at"),
    col.maybe_text("outcome"),  # null: the intention; nobody has learned yet
    Column("status", Integer),
    col.maybe_text("request_id"),
    col.maybe_text("fault"),
    UniqueConstraint("submission_id", "call", "n"),
    # The rule that makes a blind second POST impossible.
    col.unique_where("attempt_open", "submission_id", where="outcome IS NULL OR outcome = 'unknown'"),
    col.one_of("outcome", "accepted", "refused", "not_sent", "unknown", "adopted", "absent"),
)

binding = Table(
    "binding",
    metadata,
    col.own_id(),
    col.wall(),
    col.to("connection_id", "connection"),
    col.text("kind"),
    col.text("our_key"),
    col.text("remote_id"),
    col.maybe_text("etag"),
    col.text("how"),
    col.at("created_at"),
    col.at("updated_at"),
    UniqueConstraint("connection_id", "kind", "our_key"),
    Index(None, "connection_id", "kind", "remote_id"),
    col.one_of("how", "made", "matched", "decided"),
)

chart = Table(
    "chart",
    metadata,
    col.own_id(),
    col.wall(),
    col.to("company_id", "company"),
    col.text("part"),
    col.count("n"),
    col.at("read_at"),
    col.text("hash"),
    col.text("body"),
    UniqueConstraint("company_id", "part", "n"),
)
