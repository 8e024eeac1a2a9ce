"""A web application over real databases, with one Square shop and its webhook door, for tests of the web."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import text
from starlette.testclient import TestClient

from ml_connector.connectors import SYSTEMS
from ml_connector.engine import connecting, doorkeeping, setup
from ml_connector.engine.works import Works
from ml_connector.store import connection_rows
from ml_connector.store.database import Database
from ml_connector.store.inbox_writer import InboxWriter
from ml_connector.store.migrations import migrate
from ml_connector.web.app import build_app
from tests.databases import lay_tables
from tests.engine.runner import bare_works

PUBLIC = "https://books.example.test"
KEY = "sq-sig-key-0001"
MERCHANT = "MLTEST0000001"
SIGNATURE = "x-square-hmacsha256-signature"
_numbers = itertools.count(1)


@dataclass(slots=True)
class Shop:
    """The application, its client, and what was rung."""

    works: Works
    client: TestClient
    door_id: str
    url: str
    connection_id: str
    workspace: str
    rung: list[set[str]] = field(default_factory=list)

    @property
    def path(self) -> str:
        return self.url.removeprefix(PUBLIC)

    def deliver(self, body: bytes, *, signature: str | None = "", path: str | None = None, **headers: str) -> Any:
        """Post these bytes; signed with the door's key unless another signature (None: no header) is given."""
        made = signed(body, self.url) if signature == "" else signature
        sent = {"content-type": "application/json", **headers}
        if made is not None:
            sent[SIGNATURE] = made
        return self.client.post(path or self.path, content=body, headers=sent)

    def notices(self) -> list[tuple[Any, ...]]:
        """(state, kind, external id, connection) of what was kept, in order."""
        query = text("SELECT state, kind, external_id, connection_id FROM notice ORDER BY id")
        with self.works.database.inbox_reading() as c:
            return [tuple(row) for row in c.execute(query)]


def signed(body: bytes, url: str, key: str = KEY) -> str:
    """As Square signs: the address and the bytes."""
    return base64.b64encode(hmac.new(key.encode(), url.encode() + body, hashlib.sha256).digest()).decode()


def event(kind: str = "payment.updated", *, id: str = "PAY0001", merchant: str = MERCHANT, **changes: Any) -> bytes:  # noqa: A002
    """A delivery's body; each has an event id of its own unless one is given."""
    part = kind.partition(".")[0]
    envelope = {
        "merchant_id": merchant,
        "type": kind,
        "event_id": f"event-{next(_numbers)}",
        "created_at": "2026-01-31T22:59:59Z",
        "data": {"type": part, "id": id, "object": {part: {"id": id, "version": 2}}},
    }
    return json.dumps(envelope | changes).encode()


@contextmanager
def open_shop(
    database_url: str, *, prepare: Callable[[Database], None] = lambda _database: None, writing: bool = True,
    token: str | None = None, queue_limit: int = 4_096, client: tuple[str, int] = ("testclient", 50_000),
) -> Iterator[Shop]:  # fmt: skip
    """The application, started. `prepare` is called before it; `writing=False` leaves the inbox writer unstarted."""
    lay_tables(database_url)
    database = Database(database_url)
    migrate(database)
    works = replace(bare_works(database), systems=SYSTEMS)
    workspace = setup.init(works)
    connection_id = connecting.connect(
        works, workspace, connector="square", code="sq", title="Shop", credentials={"access_token": "made-up-token"},
        settings={}, base_url=None, by="test",
    )  # fmt: skip
    with database.writing() as c:
        connection_rows.change(c, connection_id, account_ref=MERCHANT)
    door_id, url = doorkeeping.open_door(
        works, connection_id=connection_id, public_url=PUBLIC, signature_key=KEY, by="test"
    )
    writer = InboxWriter(database, queue_limit=queue_limit)
    rung: list[set[str]] = []

    def ring(connection_ids: Collection[str]) -> None:
        rung.append(set(connection_ids))

    app = build_app(works, writer, ring=ring, metrics_token=token, public_url=PUBLIC)
    prepare(database)
    if writing:
        writer.start()
    with TestClient(app, client=client) as browser:
        yield Shop(works, browser, door_id, url, connection_id, workspace, rung)
    writer.stop()
    database.close()
