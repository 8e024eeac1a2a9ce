"""A person says how often a stream is read, within what vendors bear."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_connector.cli.schedules import said, seconds_of
from ml_connector.engine import connecting, schedules
from ml_connector.errors import UsageError
from tests.engine.proofs import query
from tests.engine.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
    made.set_up()
    made.run()
    yield made
    made.close()


def reads(world: World, seconds: float, step: float = 60) -> int:
    """How often payments are listed while time goes by."""
    before = world.square.calls["GET /v2/payments"]
    world.pass_time(seconds, step=step)
    return world.square.calls["GET /v2/payments"] - before


def scheduled(world: World, stream: str) -> schedules.Scheduled:
    return next(one for one in schedules.of_connection(world.works, world.square_id) if one.stream == stream)


def test_a_stream_is_read_as_often_as_a_person_says(world: World) -> None:
    usual = reads(world, 1_200)
    schedules.set_every(world.works, world.square_id, "payments", 60, by="Ann")
    assert scheduled(world, "payments").next_at == world.works.now(), "once now"
    assert reads(world, 1_200) >= 4 * usual
    schedules.set_every(world.works, world.square_id, "payments", 86_400, by="Ann")
    world.run()
    assert reads(world, 1_200) == 0
    schedules.set_every(world.works, world.square_id, "payments", None, by="Ann")
    world.run()
    assert reads(world, 1_200) == usual
    verbs = query(world, "SELECT actor, facts FROM audit_event WHERE verb = 'schedule set' ORDER BY seq")
    assert [actor for actor, _ in verbs] == ["Ann"] * 3
    assert "86400" in verbs[1][1]


def test_every_stream_tells_its_pace_its_flows_and_when_it_was_read(world: World) -> None:
    one = scheduled(world, "payments")
    assert (one.every_s, one.usual_s, one.flows, one.failures) == (300, 300, ("square_to_visma",), 0)
    assert one.read_at == world.works.now()
    assert one.next_at == world.works.now() + 300_000_000


def test_what_failed_is_told(world: World) -> None:
    world.fail("square", "/v2/payments", {"kind": "status", "status": 503}, times=None)
    world.pass_time(600, step=120)
    one = scheduled(world, "payments")
    assert one.failures > 0
    assert "503" in (one.reason or "")


@pytest.mark.parametrize(
    ("stream", "seconds", "said"),
    [("sales", 60, "has no stream sales"), ("payments", 5, "5 is no time"), ("payments", 700_000, "700000 is no time")],
)
def test_a_stream_that_is_not_there_and_a_pace_no_vendor_bears_are_refused(
    world: World, stream: str, seconds: int, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        schedules.set_every(world.works, world.square_id, stream, seconds, by="Ann")
    assert [one.every_s for one in schedules.of_connection(world.works, world.square_id)] == [
        one.usual_s for one in schedules.of_connection(world.works, world.square_id)
    ]


def test_a_wrong_schedule_among_the_settings_of_a_new_connection_is_refused(world: World) -> None:
    with pytest.raises(UsageError, match="soon is no time"):
        connecting.connect(
            world.works, world.workspace, connector="square", code="two", title="Two", by="Ann", base_url=None,
            credentials={"access_token": "made-up"}, settings={"every_s.payments": "soon"},
        )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "seconds"), [("60s", 60), ("10m", 600), (" 2H ", 7_200), ("1 d", 86_400), ("90m", 5_400)]
)
def test_times_are_read_as_people_write_them(text: str, seconds: int) -> None:
    assert seconds_of(text) == seconds
    assert seconds_of(said(seconds)) == seconds


@pytest.mark.parametrize("text", ["", "soon", "10", "-5m", "5 weeks", "1e3s"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        seconds_of(text)
