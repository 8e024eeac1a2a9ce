"""A new place of business: matched by name to a dimension of the ledger, and booked there when a person accepts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_connector.engine import reviewing, ruling
from ml_connector.engine.books import fresh_chart
from tests.engine.proofs import expect_settled, in_ledger, questions
from tests.engine.world import World


@pytest.fixture
def world(database_url: str, inbox_url: str, tmp_path: Path) -> Iterator[World]:
    made = World(database_url, tmp_path, inbox_url=inbox_url)
    made.set_up()
    made.run()
    yield made
    made.close()


def test_a_new_place_takes_the_dimension_of_its_name_when_a_person_accepts(world: World) -> None:
    segment = fresh_chart(world.works, world.company_id)[1].segments[1]
    value = next(one for one, active in segment.values.items() if active and one not in ("10", "20", "30"))
    place = world.do("location", name=segment.names[value], timezone="Europe/Oslo")["location"]["id"]
    world.sell(location_id=place, lines=[{"name": "Mug", "amount": 12_500, "tax": "25"}])
    world.pass_time(4_000, step=400)
    found = reviewing.open_items(world.works, world.workspace, code="location-unmapped")
    (item,) = [one for one in found if one.proposal.get("place_rule")]
    assert "The proposed rule takes the dimension" in item.sentence
    reviewing.resolve(world.works, world.workspace, item.id, answer="accept", by="Ann")
    world.pass_time(800, step=100)
    assert questions(world) == []
    terms = ruling.terms_now(world.works, world.route_id)
    assert terms.locations[place].time_zone == "Europe/Oslo"
    (voucher,) = in_ledger(world)
    on_sales = [line["segments"] for line in voucher["lines"] if line["account"] == "3001"]
    assert value in str(on_sales), on_sales
    expect_settled(world)
