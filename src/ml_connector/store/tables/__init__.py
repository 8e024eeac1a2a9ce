"""Every table of ours, alike on SQLite and PostgreSQL; a module for each subject.

Ids are time-ordered text, times integer microseconds since 1970 UTC, money minor units beside its currency, JSON text.
A change here needs a migration beside it; a test compares the two. `metadata` is the main database, `inbox_metadata`
the inbox.
"""

from ml_connector.store.tables.columns import Micros, inbox_metadata, metadata
from ml_connector.store.tables.inbox import notice
from ml_connector.store.tables.machine import audit_event, audit_head, budget, executor, lease, meter
from ml_connector.store.tables.planning import planned_write, review_item, trip, trip_need, write_need
from ml_connector.store.tables.reading import cursor, link, record, version
from ml_connector.store.tables.sending import attempt, binding, chart, submission
from ml_connector.store.tables.setting_up import (
    company,
    config,
    connection,
    door,
    oauth_state,
    route,
    secret,
    workspace,
)

__all__ = [
    "Micros",
    "attempt",
    "audit_event",
    "audit_head",
    "binding",
    "budget",
    "chart",
    "company",
    "config",
    "connection",
    "cursor",
    "door",
    "executor",
    "inbox_metadata",
    "lease",
    "link",
    "metadata",
    "meter",
    "notice",
    "oauth_state",
    "planned_write",
    "record",
    "review_item",
    "route",
    "secret",
    "submission",
    "trip",
    "trip_need",
    "version",
    "workspace",
    "write_need",
]
