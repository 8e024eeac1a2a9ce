"""What was read: how far, each record, its versions and what it points to."""

from __future__ import annotations

from sqlalchemy import Index, PrimaryKeyConstraint, Table, UniqueConstraint

from ml_connector.store.tables import columns as col
from ml_connector.store.tables.columns import metadata

cursor = Table(
    "cursor",
    metadata,
    col.own_id(),
    col.wall(),
    col.to("connection_id", "connection"),
    col.text("stream"),  # live, or a backfill
    col.maybe_text("position"),
    col.at("due_at"),
    col.count("failures", 0),
    col.maybe_text("reason"),
    col.at("updated_at"),
    UniqueConstraint("connection_id", "stream"),
    Index(None, "due_at"),
)

record = Table(
    "record",
    metadata,
    col.own_id(),
    col.wall(),
    col.to("connection_id", "connection"),
    col.text("kind"),
    col.text("external_id"),
    col.count("current_n"),
    col.maybe_text("parent"),  # external id of the thing it belongs to
    col.maybe_text("location"),
    col.maybe_at("occurred_at"),
    col.at("created_at"),
    col.at("updated_at"),
    UniqueConstraint("connection_id", "kind", "external_id"),
)

version = Table(
    "version",
    metadata,
    col.to("record_id", "record"),
    col.count("n"),
    col.wall(),
    col.maybe_text("stamp"),  # the vendor's own version or time of change, as it gave it
    col.at("read_at"),  # when the request that brought it began
    col.text("source"),
    col.text("hash"),
    col.maybe_text("payload"),  # null once erased
    col.maybe_at("erased_at"),
    PrimaryKeyConstraint("record_id", "n"),
    col.one_of("source", "webhook", "poll", "lookup"),
)

link = Table(
    "link",
    metadata,
    col.to("connection_id", "connection"),
    col.text("kind"),  # of the record that points
    col.text("name"),
    col.text("value"),  # what it points to: an invoice by ("order", its order's id)
    col.to("record_id", "record"),
    col.wall(),
    PrimaryKeyConstraint("connection_id", "name", "value", "kind", "record_id"),
    Index(None, "record_id"),
)
