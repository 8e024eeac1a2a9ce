"""The inbox: what webhooks said. On SQLite in a file of its own, so that a busy worker never delays a webhook."""

from __future__ import annotations

from sqlalchemy import Table, UniqueConstraint

from ml_connector.store.tables import columns as col
from ml_connector.store.tables.columns import inbox_metadata

notice = Table(
    "notice",
    inbox_metadata,
    col.own_id(),
    col.loose_wall(),  # null until its connection is known
    col.maybe_text("connection_id"),
    col.text("door_id"),
    col.maybe_text("event_id"),  # null: the vendor gives no trustworthy one, nothing is deduplicated
    col.maybe_text("event_type"),
    col.maybe_text("account_ref"),
    col.text("kind"),
    col.text("external_id"),
    col.maybe_text("body"),  # null once erased
    col.text("state"),
    col.count("attempts", 0),
    col.at("received_at"),
    col.at("due_at"),
    col.maybe_at("done_at"),
    col.maybe_text("reason"),
    # A webhook waits for each index: what arrives meets the unique one and a short one of what is open. The index that
    # tracing reads holds what is closed, so that it is written a thousand rows at a time.
    UniqueConstraint("event_id", "door_id"),
    col.index_where("notice_open", "connection_id", "due_at", "workspace_id", where="state = 'open'"),
    col.index_where("notice_closed", "external_id", where="state <> 'open'"),
    col.index_where("notice_body", "received_at", where="body IS NOT NULL"),
    col.one_of("state", "open", "done", "dead"),
)
