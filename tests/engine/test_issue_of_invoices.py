"""The date of an invoice is the day on which it left draft, which Square tells in one event and never again."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime

from ml_connector.engine import doorkeeping
from ml_connector.engine.door_rows import doors_of
from ml_connector.store.inbox_writer import InboxWriter
from tests.engine.proofs import expect_settled, query, questions
from tests.engine.world import World

KEY = "a-signature-key"
Open = Callable[[], World]


def drafted(world: World) -> str:
    """An invoice to a company that nobody has received yet."""
    made = world.do(
        "invoice", publish=False, due_date="2026-05-01",
        customer={"company_name": "Harbour Café Ltd", "email_address": "h@x.ie"},
        lines=[{"name": "Desk", "amount": 12_500, "tax": "25"}],
    )  # fmt: skip
    return str(made["invoice_id"])


def ring(world: World, invoice_id: str) -> None:
    """The event of its publication, signed as Square does, through the door; twice, as Square may."""
    _, url = doorkeeping.open_door(
        world.works, connection_id=world.square_id, public_url="https://hooks.example.test", signature_key=KEY, by="Ann"
    )
    moment = world.clock.now().isoformat().replace("+00:00", "Z")
    held = {"type": "invoice", "id": invoice_id, "object": {"invoice": {"id": invoice_id}}}
    event = {"merchant_id": world.shop["merchant_id"], "type": "invoice.published", "event_id": f"E-{invoice_id}"}
    body = json.dumps({**event, "created_at": moment, "data": held}).encode()
    mark = base64.b64encode(hmac.new(KEY.encode(), url.encode() + body, hashlib.sha256).digest()).decode()
    doors = doors_of(world.works)
    door = doors.find(url.rsplit("/", 1)[1])
    assert door is not None
    writer = InboxWriter(world.database)
    writer.start()
    for _ in range(2):
        for notice in doors.receive(door, body, {"x-square-hmacsha256-signature": mark}) or []:
            writer.submit(notice).result(timeout=10)
    writer.stop()


def invoices(world: World) -> list[str]:
    """The days of the customer invoices in the ledger."""
    return [str(one["date"])[:10] for one in world.books() if one["module"] == "AR"]


def test_an_invoice_that_was_drafted_in_march_and_sent_in_april_is_booked_in_april(open_square: Open) -> None:
    world = open_square()
    invoice = drafted(world)
    world.clock.advance((datetime(2026, 4, 2, 9, tzinfo=UTC) - world.clock.now()).total_seconds())
    world.do("invoice_publish", invoice_id=invoice)
    ring(world, invoice)
    world.pass_time(1_000, step=50)
    assert questions(world) == []
    assert invoices(world) == ["2026-04-02"]
    world.do("invoice_pay", invoice_id=invoice)
    world.pass_time(100_000, step=20_000)  # the nightly walk reads it again
    world.pass_time(1_000, step=100)
    assert invoices(world)[:1] == ["2026-04-02"]
    assert query(world, "SELECT count(*) FROM record WHERE kind = 'publication'") == [(1,)]
    expect_settled(world)


def test_where_nobody_can_tell_it_is_dated_when_it_was_made_and_nobody_is_asked(open_square: Open) -> None:
    world = open_square()
    invoice = drafted(world)
    world.do("invoice_publish", invoice_id=invoice)
    world.pass_time(90_000, step=10_000)
    world.pass_time(1_000, step=100)
    assert invoices(world) == ["2026-03-10"]
    assert not [call for call in world.square.calls if "events" in call]
    expect_settled(world)
