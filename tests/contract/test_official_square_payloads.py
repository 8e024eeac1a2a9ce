"""Square's own example payloads, through the same door as live traffic: each comes to rest with a reason.

The examples stand in Square's specification. A scripted Square answers every read with the object of its example.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ml_connector.engine import doorkeeping
from ml_connector.engine.door_rows import doors_of
from ml_connector.engine.works import Lines, Works
from ml_connector.store import connection_rows, inbox, trips
from ml_connector.store.inbox_writer import InboxWriter
from tests.engine.world import World

SPECIFICATION = Path(__file__).resolve().parents[2].parent / "shared" / "specs" / "square" / "api.json"
KEY = "official-examples-key"
PUBLIC = "https://hooks.example.test"
KINDS = ("payment", "refund", "order", "invoice", "customer", "vendor", "payout", "location", "dispute")

pytestmark = pytest.mark.skipif(not SPECIFICATION.exists(), reason="Square's specification is not beside the project")


def _schemas() -> dict[str, Any]:
    return dict(json.loads(SPECIFICATION.read_text())["components"]["schemas"]) if SPECIFICATION.exists() else {}


def _events() -> list[dict[str, Any]]:
    return [
        schema["example"]
        for name, schema in sorted(_schemas().items())
        if name.endswith("Event") and "example" in schema
    ]


class ExampleSquare(httpx2.BaseTransport):
    """Answers by id with the objects of the official examples; 404 for what no example shows."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], dict[str, Any]] = {}
        for schema in _schemas().values():
            for name, value in (schema.get("example") or {}).items() if isinstance(schema.get("example"), dict) else ():
                self._learn(name.rstrip("s"), value)
        for event in _events():
            for name, value in ((event.get("data") or {}).get("object") or {}).items():
                self._learn(name, value)

    def _learn(self, name: str, value: Any) -> None:
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict) and isinstance(one.get("id"), str) and name in KINDS:
                self.objects.setdefault((name, one["id"]), one)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        parts = [part for part in request.url.path.split("/") if part]
        if request.url.path == "/v2/locations":
            return httpx2.Response(
                200, json={"locations": [v for (k, _), v in self.objects.items() if k == "location"]}
            )
        if request.url.path == "/v2/orders/batch-retrieve":
            wanted = json.loads(request.content)["order_ids"]
            found = [self.objects["order", one] for one in wanted if ("order", one) in self.objects]
            return httpx2.Response(200, json={"orders": found})
        if request.method == "GET" and len(parts) == 3:
            kind = parts[1].rstrip("s")
            found_one = self.objects.get((kind, parts[2]))
            if found_one is not None:
                return httpx2.Response(200, json={kind: found_one})
        if request.method == "POST" and parts[-1] == "bulk-retrieve":
            return httpx2.Response(
                200, json={"responses": self._bulk(parts[1].rstrip("s"), json.loads(request.content))}
            )
        if request.method == "POST" or len(parts) == 2 or parts[-1] == "payout-entries":
            return httpx2.Response(200, json={})
        refusal = {"category": "INVALID_REQUEST_ERROR", "code": "NOT_FOUND", "detail": "No example."}
        return httpx2.Response(404, json={"errors": [refusal]})

    def _bulk(self, kind: str, asked: dict[str, Any]) -> dict[str, Any]:
        wanted = asked[f"{kind}_ids"]
        return {one: {kind: self.objects[kind, one]} for one in wanted if (kind, one) in self.objects}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A company and a shop, the shop's network replaced by the official examples."""
    made = World(f"sqlite:///{tmp_path / 'examples.db'}", tmp_path)
    made.set_up()
    ordinary = made.works.transport
    assert ordinary is not None
    examples = ExampleSquare()

    def transport(connection: connection_rows.ConnectionRow) -> Any:
        return examples if connection.connector == "square" else ordinary(connection)

    made.works = _with_transport(made, transport)
    yield made
    made.close()


def _with_transport(made: World, transport: Any) -> Works:
    return replace(made.works, transport=transport, lines=Lines())


def deliver(world: World, events: list[dict[str, Any]]) -> int:
    """Sign each event as Square does and hand it to the door; how many were stored."""
    door_id, url = doorkeeping.open_door(
        world.works, connection_id=world.square_id, public_url=PUBLIC, signature_key=KEY, by="test"
    )
    doors = doors_of(world.works)
    door = doors.find(url.rsplit("/", 1)[1])
    assert door is not None
    assert door.door_id == door_id
    writer = InboxWriter(world.database)
    writer.start()
    stored = 0
    for event in events:
        body = json.dumps(event).encode()
        mark = base64.b64encode(hmac.new(KEY.encode(), url.encode() + body, hashlib.sha256).digest()).decode()
        for notice in doors.receive(door, body, {"x-square-hmacsha256-signature": mark}) or []:
            stored += writer.submit(notice).result(timeout=10) == "stored"
    writer.stop()
    return stored


def test_every_official_event_goes_through_the_door_and_comes_to_rest_with_a_reason(world: World) -> None:
    events = _events()
    assert len(events) > 140
    world.clock.advance(60)
    assert deliver(world, events) > 20
    world.run()
    for _ in range(4):
        world.clock.advance(400)
        world.run()
    with world.database.reading() as c:
        found = trips.of_route(c, world.route_id)
    assert found, "no event led to a record"
    assert {trip.state for trip in found} <= {"posted", "held", "ignored", "waiting"}
    assert [trip.id for trip in found if trip.state != "posted" and not trip.reason] == []
    kinds = {trip.kind for trip in found}
    assert {"payment", "refund", "invoice", "customer", "vendor", "payout"} <= kinds
    with world.database.inbox_reading() as c:
        still_open = inbox.open_notices(c, world.workspace, connection_id=world.square_id, now=world.works.now())
    assert still_open == []
