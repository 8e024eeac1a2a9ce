"""When the last part of a pool is closed: by its age, or at once where it ends a rush."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_connector.engine import waiting
from ml_connector.engine.pools import RUSH
from ml_connector.store.inbox_writer import InboxWriter
from ml_connector.store.notices import Notice
from tests.engine.proofs import query, states
from tests.engine.world import World

SIZE = 2


@pytest.fixture
def world(database_url: str, inbox_url: str, tmp_path: Path) -> Iterator[World]:
    opened = World(database_url, tmp_path, inbox_url=inbox_url)
    opened.set_up(mode="batch", batch_size=SIZE, batch_age_s=86_400)
    yield opened
    opened.close()


def sell(world: World, count: int) -> None:
    for _ in range(count):
        world.sell(lines=[{"amount": 1000, "tax": "25"}])
    world.clock.advance(400)


def posted(world: World) -> int:
    return states(world).get(("payment", "posted"), 0)


def ring(world: World) -> None:
    """A webhook came and waits to be read."""
    one = Notice(
        id=world.works.ids.new(), door_id="D", kind="payment", external_id="P1", received_at=world.works.now(),
        workspace_id=world.workspace, connection_id=world.square_id,
    )  # fmt: skip
    writer = InboxWriter(world.works.database)
    writer.start()
    assert writer.submit(one).result(10) == "stored"
    writer.stop()


def test_the_rest_of_a_rush_does_not_wait_for_its_age(world: World) -> None:
    sell(world, RUSH * SIZE + 1)
    world.run()
    assert posted(world) == RUSH * SIZE + 1


def test_each_open_pool_takes_a_rush_of_its_own(world: World) -> None:
    sell(world, RUSH * SIZE + 1)
    world.clock.advance(86_400)
    sell(world, 1)
    world.run()
    assert posted(world) == RUSH * SIZE


def test_what_follows_no_rush_waits_for_more(world: World) -> None:
    sell(world, (RUSH - 1) * SIZE + 1)
    world.run()
    assert posted(world) == (RUSH - 1) * SIZE


def test_what_waits_is_told_with_its_time_and_goes_when_a_person_says_so(world: World) -> None:
    sell(world, SIZE + 1)
    world.run()
    (waits,) = waiting.of_company(world.works, world.company_id)
    opened = query(world, "SELECT min(created_at) FROM planned_write WHERE state = 'open'")[0][0]
    assert (waits.code, waits.kind, waits.mode, waits.number) == ("sq", "journal", "batch", 1)
    assert waits.until == opened + 86_400_000_000
    waiting.send_now(world.works, world.company_id, by="Ann")
    world.run()
    assert posted(world) == SIZE + 1
    assert waiting.of_company(world.works, world.company_id) == []
    sell(world, 1)
    world.run()
    assert posted(world) == SIZE + 1, "what comes after it waits again"


def test_the_rest_of_a_rush_waits_while_more_of_it_is_on_its_way(world: World) -> None:
    sell(world, RUSH * SIZE + 1)
    world.run(only=lambda unit: unit.kind != "drain")
    ring(world)
    world.run(only=lambda unit: unit.kind == "drain")
    assert posted(world) == RUSH * SIZE
