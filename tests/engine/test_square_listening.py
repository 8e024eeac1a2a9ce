"""Square's webhooks with the application's own token: made, repaired and verified by us; what they miss is found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ml_connector.engine import doorkeeping, safekeeping, schedules
from ml_connector.engine.door_rows import doors_of
from ml_connector.errors import BadSignature
from ml_connector.store.inbox_writer import InboxWriter
from tests.engine.proofs import expect_settled, in_ledger, query, questions
from tests.engine.world import World

HOUR_S = 3600
WEEK_S = 7 * 86_400
Open = Callable[[], World]


@pytest.fixture
def open_world(open_square: Open) -> Open:
    """A shop whose connection has the application's personal access token; its lists are read once a week only."""

    def make() -> World:
        world = open_square()
        with world.database.writing() as c:
            token = {"personal_access_token": world.shop["pat"]}
            safekeeping.store_credentials(world.works, c, world.workspace, world.square_id, token)
        world.works.lines.forget(world.square_id)
        for stream in ("payments", "refunds", "orders"):
            schedules.set_every(world.works, world.square_id, stream, WEEK_S, by="Ann")
        world.run()
        return world

    return make


def listening(world: World) -> str:
    """A door, and the hour in which it is registered; its address."""
    _, url = doorkeeping.open_door(
        world.works,
        connection_id=world.square_id,
        public_url="https://hooks.example.test",
        signature_key=None,
        by="Ann",
    )
    world.pass_time(HOUR_S + 60, step=600)
    return url


def subscriptions(world: World) -> list[Any]:
    return list(world.square.vendor.world.desk.subscriptions.values())  # type: ignore[attr-defined]


def deliver(world: World, url: str) -> int:
    """Every webhook that is due, through our door; how many were kept."""
    doors = doors_of(world.works)
    door = doors.find(url.rsplit("/", 1)[1])
    assert door is not None
    writer = InboxWriter(world.database)
    writer.start()
    kept = 0
    for one in world.square.vendor.deliveries(world.clock.now()):
        headers = {name.lower(): value for name, value in one.headers}
        with pytest.raises(BadSignature):
            doors.receive(door, one.body + b" ", headers)
        for notice in doors.receive(door, one.body, headers) or []:
            kept += writer.submit(notice).result(timeout=10) == "stored"
        world.square.vendor.delivered(one, 200, world.clock.now())
    writer.stop()
    return kept


def test_a_subscription_is_made_its_key_learnt_and_what_it_brings_is_booked(open_world: Open) -> None:
    world = open_world()
    url = listening(world)
    (one,) = subscriptions(world)
    assert (one.url, one.enabled) == (url, True)
    world.sell()
    world.clock.advance(30)
    assert deliver(world, url) > 0
    world.pass_time(60, step=10)
    assert len(in_ledger(world)) == 1
    assert questions(world) == []
    expect_settled(world)


def test_a_subscription_that_square_disabled_is_enabled_within_the_hour_and_the_trail_says_so(open_world: Open) -> None:
    world = open_world()
    listening(world)
    (one,) = subscriptions(world)
    one.enabled, one.event_types = False, ["payment.updated"]
    world.pass_time(HOUR_S + 60, step=600)
    assert one.enabled
    assert "refund.created" in one.event_types
    said = query(world, "SELECT facts FROM audit_event WHERE verb = 'subscription watched' ORDER BY at")
    assert "enabled again" in said[-1][0]


def test_a_sale_whose_webhook_never_came_is_found_among_the_events_and_booked(open_world: Open) -> None:
    world = open_world()
    world.pass_time(1_000, step=100)  # from here on events may be searched
    before = world.square.calls["GET /v2/payments"]
    world.sell()
    world.pass_time(2_000, step=100)
    assert len(in_ledger(world)) == 1
    assert world.square.calls["GET /v2/payments"] == before, "by the events alone"
    expect_settled(world)
