"""A seller's OAuth token through the months: renewed in good time, in spite of refusals, and after a long sleep."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_connector.engine import connecting, safekeeping
from tests.engine.proofs import query, questions, states
from tests.engine.world import World

DAY = 86_400


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A shop connected by its seller's consent of today; the token lives thirty days."""
    made = World(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
    made.set_up()
    granted = {
        "access_token": made.shop["oauth_token"], "refresh_token": made.shop["refresh_token"],
        "client_id": made.shop["application_id"], "client_secret": made.shop["application_secret"],
        "merchant_id": made.shop["merchant_id"], "expires_at": made.shop["expires_at"],
        "obtained_at": made.clock.now().isoformat(),
    }  # fmt: skip
    with made.database.writing() as c:
        safekeeping.store_credentials(made.works, c, made.workspace, made.square_id, granted)
    yield made
    made.close()


def days(world: World, number: int) -> None:
    """Days go by, each with a look at noon."""
    for _ in range(number):
        world.clock.advance(DAY)
        world.run()


def renewals(world: World) -> int:
    return world.square.calls["POST /oauth2/token"]


def state(world: World) -> str:
    return str(query(world, "SELECT state FROM connection WHERE code = 'sq'")[0][0])


def test_a_token_is_renewed_every_week_and_reading_never_stops(world: World) -> None:
    for month in range(1, 4):
        days(world, 28)
        sold = world.sell(lines=[{"amount": 100 * month, "tax": "25"}])
        assert sold["payment_ids"]
    days(world, 1)
    assert renewals(world) in (11, 12)
    assert state(world) == "active"
    assert states(world)[("payment", "posted")] == 3
    assert questions(world) == []
    verbs = query(world, "SELECT count(*) FROM audit_event WHERE verb = 'credentials renewed'")
    assert verbs[0][0] == renewals(world)


def test_a_week_before_its_end_a_person_hears_that_it_cannot_be_renewed_and_it_is_tried_until_day_29(
    world: World,
) -> None:
    refusal = world.fail("square", "/oauth2/token", {"kind": "status", "status": 503}, times=None)
    days(world, 20)
    assert questions(world) == [], "there is time"
    days(world, 5)
    assert questions(world) == ["token-expiring"]
    days(world, 3)
    assert (state(world), questions(world)) == ("active", ["token-expiring"])
    world.square.remove(refusal)
    days(world, 1)
    assert renewals(world) > 20
    days(world, 10)
    assert state(world) == "active"
    world.sell()
    days(world, 1)
    assert states(world)[("payment", "posted")] == 1


def test_an_install_that_slept_for_two_months_renews_at_its_first_look(world: World) -> None:
    world.sell()
    world.clock.advance(60 * DAY)
    world.run()
    assert state(world) == "active"
    assert renewals(world) == 1
    assert states(world)[("payment", "posted")] == 1


def test_a_seller_who_withdrew_consent_is_told_in_words_and_nothing_is_lost(world: World) -> None:
    world.sell()
    world.do("revoke_token", token=world.shop["oauth_token"])
    days(world, 1)
    assert state(world) == "paused"
    assert questions(world) == ["connection-paused"]
    sentence = query(world, "SELECT sentence FROM review_item WHERE code = 'connection-paused'")[0][0]
    assert "onnect" in sentence
    with world.database.writing() as c:
        safekeeping.store_credentials(
            world.works, c, world.workspace, world.square_id, {"access_token": world.shop["pat"]}
        )
    connecting.ping(world.works, world.square_id)
    days(world, 1)
    assert (state(world), questions(world)) == ("active", [])
    assert states(world)[("payment", "posted")] == 1
