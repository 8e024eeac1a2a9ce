"""Every table of ours, alike on SQLite and PostgreSQL.

Ids are time-ordered text, times integer microseconds since 1970 UTC, money minor units beside its currency, JSON text.
Longer than a page on purpose: a reader wants the whole memory in one place. A change here needs a migration beside it;
a test compares the two. `metadata` is the main database; `inbox_metadata` holds the notices, which on SQLite live in a
file of their own so that a busy worker never delays a webhook.
"""

from __future__ import annotations

from typing import TypeAlias

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

Micros: TypeAlias = int
"""A moment: integer microseconds since 1970 UTC."""

_NAMES = {  # a stable name lets a migration drop what it means, on both databases
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

metadata = MetaData(naming_convention=_NAMES)
inbox_metadata = MetaData(naming_convention=_NAMES)

# ------------------------------------------------------------------------------------------- columns said often


def _id() -> Column[str]:
    return Column("id", Text, primary_key=True)


def _wall() -> Column[str]:
    """The workspace a row belongs to: the wall between customers of one install."""
    return Column("workspace_id", Text, nullable=False)


def _loose_wall() -> Column[str]:
    """As `_wall`, for rows that may belong to the install itself (null)."""
    return Column("workspace_id", Text)


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _maybe(name: str) -> Column[str]:
    return Column(name, Text)


def _at(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def _maybe_at(name: str) -> Column[int]:
    return Column(name, BigInteger)


def _count(name: str, start: int | None = None) -> Column[int]:
    default = None if start is None else text(str(start))
    return Column(name, Integer, nullable=False, server_default=default)


def _to(name: str, target: str, *, nullable: bool = False) -> Column[str]:
    return Column(name, Text, ForeignKey(f"{target}.id"), nullable=nullable)


def _one_of(column: str, *values: str) -> CheckConstraint:
    """A misspelt state would slip past the partial unique indices below, so the database knows the spellings."""
    return CheckConstraint(f"{column} IN ({', '.join(repr(value) for value in values)})", name=column)


def _unique_where(name: str, *columns: str, where: str) -> Index:
    return Index(f"uq_{name}", *columns, unique=True, sqlite_where=text(where), postgresql_where=text(where))


def _index_where(name: str, *columns: str, where: str) -> Index:
    """An index of some rows. SQLite reads it only where the question repeats `where` in the same words."""
    return Index(f"ix_{name}", *columns, sqlite_where=text(where), postgresql_where=text(where))


# ------------------------------------------------------------------------------------------- who and where

workspace = Table("workspace", metadata, _id(), _text("name"), _at("created_at"))

connection = Table(
    "connection",
    metadata,
    _id(),
    _to("workspace_id", "workspace"),
    _text("connector"),
    _text("code"),  # stands in every key: two shops both have an order 1001
    _text("title"),
    _maybe("account_ref"),
    _maybe("base_url"),
    Column("settings", Text, nullable=False, server_default=text("'{}'")),
    _text("state"),
    _maybe_at("paused_until"),
    _maybe("reason"),
    _at("created_at"),
    UniqueConstraint("workspace_id", "code"),
    UniqueConstraint("workspace_id", "connector", "account_ref"),
    Index(None, "connector", "account_ref"),
)

company = Table(
    "company",
    metadata,
    _id(),
    _to("workspace_id", "workspace"),
    _to("connection_id", "connection"),  # its Visma
    _text("name"),
    _text("base_currency"),
    _text("time_zone"),
    _maybe("go_live"),  # ISO date
    _at("created_at"),
    UniqueConstraint("connection_id"),
    Index(None, "workspace_id"),
)

route = Table(
    "route",
    metadata,
    _id(),
    _wall(),
    _to("company_id", "company"),
    _text("flow"),
    _to("source_id", "connection"),
    _to("target_id", "connection"),
    Column("posting", Text, nullable=False, server_default=text("'off'")),
    _at("created_at"),
    _maybe("times"),  # its timetable; none: it posts at once
    _maybe_at("run_asked_at"),
    _maybe_at("rested_for"),
    UniqueConstraint("company_id", "flow", "source_id", "target_id"),
    Index(None, "source_id"),
    _one_of("posting", "off", "approve", "on"),
)

config = Table(
    "config",
    metadata,
    _id(),
    _wall(),
    _text("owner_kind"),  # connection, route, company, rulebook
    _text("owner_id"),
    _count("n"),
    _maybe("valid_from"),  # ISO date
    _text("body"),
    _text("author"),
    _at("created_at"),
    UniqueConstraint("owner_kind", "owner_id", "n"),
)

secret = Table(
    "secret",
    metadata,
    _id(),
    _loose_wall(),
    _text("owner_kind"),  # connection, door
    _text("owner_id"),
    _text("field"),
    _count("n"),
    _text("key_id"),
    Column("nonce", LargeBinary, nullable=False),
    Column("ciphertext", LargeBinary, nullable=False),
    _at("created_at"),
    _maybe_at("retired_at"),
    UniqueConstraint("owner_kind", "owner_id", "field", "n"),
)

door = Table(
    "door",
    metadata,
    _id(),
    _loose_wall(),  # null where one subscription serves merchants of many workspaces
    _to("connection_id", "connection", nullable=True),  # null: the account in the verified body chooses
    _text("path_hash"),
    _text("connector"),
    Column("settings", Text, nullable=False, server_default=text("'{}'")),
    _at("created_at"),
    UniqueConstraint("path_hash"),
)

oauth_state = Table(
    "oauth_state",
    metadata,
    Column("state_hash", Text, primary_key=True),
    _loose_wall(),
    _text("connector"),
    _at("created_at"),
    _maybe_at("used_at"),
    Column("facts", Text, nullable=False, server_default=text("'{}'")),
    Index(None, "created_at"),
)

# ------------------------------------------------------------------------------------------- what was read

cursor = Table(
    "cursor",
    metadata,
    _id(),
    _wall(),
    _to("connection_id", "connection"),
    _text("stream"),  # live, or a backfill
    _maybe("position"),
    _at("due_at"),
    _count("failures", 0),
    _maybe("reason"),
    _at("updated_at"),
    UniqueConstraint("connection_id", "stream"),
    Index(None, "due_at"),
)

record = Table(
    "record",
    metadata,
    _id(),
    _wall(),
    _to("connection_id", "connection"),
    _text("kind"),
    _text("external_id"),
    _count("current_n"),
    _maybe("parent"),  # external id of the thing it belongs to
    _maybe("location"),
    _maybe_at("occurred_at"),
    _at("created_at"),
    _at("updated_at"),
    UniqueConstraint("connection_id", "kind", "external_id"),
)

version = Table(
    "version",
    metadata,
    _to("record_id", "record"),
    _count("n"),
    _wall(),
    _maybe("stamp"),  # the vendor's own version or time of change, as it gave it
    _at("read_at"),  # when the request that brought it began
    _text("source"),
    _text("hash"),
    _maybe("payload"),  # null once erased
    _maybe_at("erased_at"),
    PrimaryKeyConstraint("record_id", "n"),
    _one_of("source", "webhook", "poll", "lookup"),
)

link = Table(
    "link",
    metadata,
    _to("connection_id", "connection"),
    _text("kind"),  # of the record that points
    _text("name"),
    _text("value"),  # what it points to: an invoice by ("order", its order's id)
    _to("record_id", "record"),
    _wall(),
    PrimaryKeyConstraint("connection_id", "name", "value", "kind", "record_id"),
    Index(None, "record_id"),
)

# ------------------------------------------------------------------------------------------- what becomes of it

trip = Table(
    "trip",
    metadata,
    _id(),
    _wall(),
    _to("route_id", "route"),
    _to("record_id", "record"),
    _text("kind"),
    _text("state"),
    Column("planned_n", Integer),
    _maybe("plan"),
    _maybe("plan_hash"),
    _maybe("approved_hash"),
    Column("rulebook_n", Integer),
    Column("chart_n", Integer),
    _count("priority", 100),  # lower goes first
    _maybe_at("occurred_at"),
    _maybe_at("due_at"),
    _maybe("reason"),
    _at("created_at"),
    _at("updated_at"),
    UniqueConstraint("route_id", "record_id"),
    Index(None, "record_id"),
    Index(None, "route_id", "state", "due_at"),
    Index(None, "route_id", "state", "priority", "occurred_at"),
    _one_of("state", "received", "planned", "posting", "posted", "held", "waiting", "ignored", "reversed"),
)

trip_need = Table(
    "trip_need",
    metadata,
    _id(),
    _wall(),
    _to("trip_id", "trip"),
    _to("connection_id", "connection"),
    _text("kind"),
    _maybe("external_id"),
    _maybe("fields"),  # JSON, where the id is not known: a VAT number, an e-mail
    _maybe("answer"),  # JSON; "not there" is an answer too
    _at("asked_at"),
    _maybe_at("answered_at"),
    _maybe_at("due_at"),
    Index(None, "trip_id"),
    Index(None, "connection_id", "kind", "external_id"),
    Index(
        "ix_trip_need_open",
        "connection_id",
        "due_at",
        sqlite_where=text("answered_at IS NULL"),
        postgresql_where=text("answered_at IS NULL"),
    ),
)

submission = Table(
    "submission",
    metadata,
    _id(),
    _wall(),
    _to("company_id", "company"),
    _to("target_id", "connection"),
    _text("key"),
    _text("token"),
    _text("kind"),
    _count("ordinal", 1),
    _text("content"),
    _text("hash"),
    _text("state"),
    _maybe("remote_id"),
    _maybe("number"),
    _maybe("etag"),
    _maybe("observed"),
    _maybe("job_id"),
    _maybe_at("due_at"),
    _maybe("fault"),
    _at("created_at"),
    _at("updated_at"),
    UniqueConstraint("company_id", "key"),
    UniqueConstraint("company_id", "token"),
    # One submission a document; a party is written again each time its card changes.
    _unique_where("submission_remote", "target_id", "kind", "remote_id", where="kind NOT IN ('customer', 'supplier')"),
    Index(None, "company_id", "state", "due_at"),
    _one_of(
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
    _id(),
    _wall(),
    _to("submission_id", "submission"),
    _text("call"),
    _count("n"),
    _at("started_at"),
    _maybe_at("ended_at"),
    _maybe("outcome"),  # null: the intention; nobody has learned yet
    Column("status", Integer),
    _maybe("request_id"),
    _maybe("fault"),
    UniqueConstraint("submission_id", "call", "n"),
    # The rule that makes a blind second POST impossible.
    _unique_where("attempt_open", "submission_id", where="outcome IS NULL OR outcome = 'unknown'"),
    _one_of("outcome", "accepted", "refused", "not_sent", "unknown", "adopted", "absent"),
)

planned_write = Table(
    "planned_write",
    metadata,
    _id(),
    _wall(),
    _to("company_id", "company"),
    _to("trip_id", "trip"),
    _to("target_id", "connection"),  # where it goes: mostly the ledger
    _text("key"),
    _count("revision", 1),
    _text("kind"),
    _text("content"),
    _text("hash"),
    Column("amount", BigInteger),  # minor units of `currency`: what a second comer under the same key is compared with
    _maybe("currency"),
    _maybe("pool_key"),
    _to("submission_id", "submission", nullable=True),
    _text("state"),
    _to("reverses_id", "planned_write", nullable=True),
    _count("position", 0),  # its place inside the plan
    _maybe("remote_id"),
    _maybe("number"),
    _at("created_at"),
    _at("updated_at"),
    # A plan made again leaves its dropped writes behind, so they do not count.
    _unique_where("planned_write_revision", "company_id", "key", "revision", where="state <> 'dropped'"),
    # The rule that lets one economic event into the ledger once.
    _unique_where("planned_write_live", "company_id", "key", where="state NOT IN ('dropped', 'reversed')"),
    Index(None, "company_id", "key"),
    Index("ix_planned_write_pool", "company_id", "state", "pool_key", "created_at"),
    Index(None, "trip_id", "position"),
    Index(None, "submission_id"),
    # Reversals alone: nearly every write reverses nothing, and "none" must not be looked up here.
    Index(
        "ix_planned_write_reversal",
        "company_id",
        "reverses_id",
        sqlite_where=text("reverses_id IS NOT NULL"),
        postgresql_where=text("reverses_id IS NOT NULL"),
    ),
    _one_of("state", "open", "sealed", "done", "reversed", "dropped"),
)

write_need = Table(
    "write_need",
    metadata,
    _to("write_id", "planned_write"),
    _text("key"),
    _wall(),
    _to("company_id", "company"),
    PrimaryKeyConstraint("write_id", "key"),
    Index(None, "company_id", "key"),
)

binding = Table(
    "binding",
    metadata,
    _id(),
    _wall(),
    _to("connection_id", "connection"),
    _text("kind"),
    _text("our_key"),
    _text("remote_id"),
    _maybe("etag"),
    _text("how"),
    _at("created_at"),
    _at("updated_at"),
    UniqueConstraint("connection_id", "kind", "our_key"),
    Index(None, "connection_id", "kind", "remote_id"),
    _one_of("how", "made", "matched", "decided"),
)

review_item = Table(
    "review_item",
    metadata,
    _id(),
    _wall(),
    _text("subject"),
    _to("company_id", "company", nullable=True),
    _to("connection_id", "connection", nullable=True),
    _to("trip_id", "trip", nullable=True),
    _text("code"),
    Column("field", Text, nullable=False, server_default=text("''")),  # never null: null would not be unique
    _text("sentence"),
    _maybe("proposal"),
    _text("state"),
    _maybe("decision"),
    _maybe("decided_by"),
    _at("created_at"),
    _maybe_at("decided_at"),
    _unique_where("review_item_open", "workspace_id", "subject", "code", "field", where="state = 'open'"),
    Index(None, "workspace_id", "state", "created_at"),
    Index(None, "trip_id"),
    _one_of("state", "open", "resolved", "superseded"),
)

chart = Table(
    "chart",
    metadata,
    _id(),
    _wall(),
    _to("company_id", "company"),
    _text("part"),
    _count("n"),
    _at("read_at"),
    _text("hash"),
    _text("body"),
    UniqueConstraint("company_id", "part", "n"),
)

# ------------------------------------------------------------------------------------------- the machine's own

budget = Table(
    "budget",
    metadata,
    Column("connection_id", Text, ForeignKey("connection.id"), primary_key=True),
    _wall(),
    _at("window_ends_at"),
    _count("call_limit"),  # the words LIMIT and LEFT are SQL's own
    _count("calls_left"),
    Column("heard_left", Integer),  # lowest "remaining" heard in this window; null until headers speak
)

lease = Table(
    "lease",
    metadata,
    Column("name", Text, primary_key=True),
    _loose_wall(),
    _text("holder"),
    Column("fence", BigInteger, nullable=False),
    _at("expires_at"),
)

executor = Table(
    "executor",
    metadata,
    _id(),
    _loose_wall(),
    _at("heartbeat_at"),
    _at("started_at"),
    _text("version"),
)

meter = Table(
    "meter",
    metadata,
    _text("owner_id"),  # a company, a connection, a door
    _text("day"),  # ISO date, UTC
    _text("name"),
    _loose_wall(),
    Column("value", BigInteger, nullable=False),
    PrimaryKeyConstraint("owner_id", "day", "name"),
)

audit_event = Table(
    "audit_event",
    metadata,
    _text("chain"),
    Column("seq", BigInteger, nullable=False),
    _loose_wall(),
    _at("at"),
    _text("actor"),
    _text("verb"),
    _text("subject"),
    _text("facts"),
    _text("prev_hash"),
    _text("hash"),
    PrimaryKeyConstraint("chain", "seq"),
    Index(None, "subject"),
    Index(None, "workspace_id", "at"),
)

audit_head = Table(
    "audit_head",
    metadata,
    Column("chain", Text, primary_key=True),
    _loose_wall(),
    Column("seq", BigInteger, nullable=False),
    _text("hash"),
)

# ------------------------------------------------------------------------------------------- the inbox

notice = Table(
    "notice",
    inbox_metadata,
    _id(),
    _loose_wall(),  # null until its connection is known
    _maybe("connection_id"),
    _text("door_id"),
    _maybe("event_id"),  # null: the vendor gives no trustworthy one, nothing is deduplicated
    _maybe("event_type"),
    _maybe("account_ref"),
    _text("kind"),
    _text("external_id"),
    _maybe("body"),  # null once erased
    _text("state"),
    _count("attempts", 0),
    _at("received_at"),
    _at("due_at"),
    _maybe_at("done_at"),
    _maybe("reason"),
    # A webhook waits for each index: what arrives meets the unique one and a short one of what is open. The index that
    # tracing reads holds what is closed, so that it is written a thousand rows at a time.
    UniqueConstraint("event_id", "door_id"),
    _index_where("notice_open", "connection_id", "due_at", "workspace_id", where="state = 'open'"),
    _index_where("notice_closed", "external_id", where="state <> 'open'"),
    _index_where("notice_body", "received_at", where="body IS NOT NULL"),
    _one_of("state", "open", "done", "dead"),
)
