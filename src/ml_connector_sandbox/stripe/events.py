"""Objects come into being and change: shelved, copied for search, and told in the event log."""

from __future__ import annotations

import copy
from typing import Any

from ml_connector_sandbox.core.instants import DAY
from ml_connector_sandbox.stripe.refusals import Json
from ml_connector_sandbox.stripe.rendering import shown
from ml_connector_sandbox.stripe.state import API_VERSION, Book
from ml_connector_sandbox.stripe.times import seconds

KEPT = 30 * DAY  # how long the event log remembers
SEARCHABLE = {"customer", "invoice", "charge", "payment_intent"}


def made(book: Book, row: Json, now: int, *names: str) -> Json:
    """Shelve a new object and tell of it."""
    book.put(row, now)
    remember(book, row, now)
    for name in names:
        emit(book, name, row, now)
    return row


def changed(book: Book, row: Json, now: int, *names: str, **fields: Any) -> Json:
    """Set fields and tell of it under each name; `*.updated` says what they were, and is left out when none changed."""
    previous = {name: copy.deepcopy(row.get(name)) for name, value in fields.items() if row.get(name) != value}
    row.update(fields)
    remember(book, row, now)
    for name in names:
        if previous or not name.endswith(".updated"):
            emit(book, name, row, now, previous if name.endswith(".updated") else None)
    return row


def remember(book: Book, row: Json, now: int) -> None:
    """Keep a copy for search, which sees the world some time late; old copies that nobody can see any more go."""
    if row["object"] not in SEARCHABLE:
        return
    copies = book.copies.setdefault(row["id"], [])
    copies.append((now, dict(row)))
    horizon = now - max(book.world.delay(book.world.knobs.search_lag_s), DAY)
    while len(copies) > 1 and copies[1][0] < horizon:
        copies.pop(0)


def emit(book: Book, name: str, row: Json, now: int, previous: Json | None = None) -> None:
    """Write an event with the object as it is now, and hand it to the endpoints that want it."""
    request_id, key = book.world.cause
    event: Json = {
        "id": book.key("event"), "object": "event", "api_version": API_VERSION, "created": seconds(now),
        "data": {"object": shown(book, row, now)}, **book.mode(), "pending_webhooks": 0,
        "request": {"id": request_id, "idempotency_key": key}, "type": name,
    }  # fmt: skip
    if previous is not None:
        event["data"]["previous_attributes"] = previous
    book.put(event, now)
    book.world.desk.publish(book, event, now)
