"""What the leader queues: none twice, none that rests, everybody in turn."""

from __future__ import annotations

import pytest

from ml_connector.engine.ticking import DEPTH, Memory
from ml_connector.engine.units import Unit

DRAIN, FETCH, POLL = Unit("drain", "C"), Unit("fetch", "K"), Unit("poll", "K", "payments")


def test_what_is_queued_already_is_not_queued_again() -> None:
    assert Memory().choose([DRAIN, FETCH, FETCH], active=[DRAIN], now_s=0) == [FETCH]


def test_reading_the_past_waits_for_the_present() -> None:
    past = Unit("poll", "A", "payments@2026-01-01T00:00:00+00:00")
    assert Memory().choose([past, POLL], active=[], now_s=0) == [POLL, past]


def test_when_a_queue_is_full_the_longest_unserved_goes_first() -> None:
    memory = Memory()
    crowd = [Unit("drain", f"C{n:03}") for n in range(DEPTH + 50)]
    first = memory.choose(crowd, active=[], now_s=1)
    second = memory.choose(crowd, active=[], now_s=2)
    assert len(first) == len(second) == DEPTH
    assert set(crowd) - set(first) <= set(second)


def test_a_full_queue_of_one_kind_leaves_room_for_the_others() -> None:
    crowd = [Unit("drain", f"C{n}") for n in range(DEPTH)]
    assert Memory().choose([DRAIN, POLL, FETCH], active=crowd, now_s=0) == [FETCH, POLL]


def test_a_process_that_is_alone_begins_no_more_than_it_has_slots_for() -> None:
    crowd = [Unit("drain", f"C{n}") for n in range(9)]
    slots = {"post": 4, "poll": 2, "urgent": 2, "maintenance": 1}
    memory = Memory()
    first = memory.choose([*crowd, FETCH], active=[], now_s=1, slots=slots)
    assert len(first) == 5
    second = memory.choose([*crowd, FETCH], active=first[2:], now_s=2, slots=slots)
    assert [unit.kind for unit in second] == ["drain", "drain"]
    assert not {*first} & {*second}


def test_a_process_that_is_alone_reads_one_stream_of_a_connection_at_a_time() -> None:
    slots = {"post": 4, "poll": 4, "urgent": 2, "maintenance": 1}
    refunds, elsewhere = Unit("poll", "K", "refunds"), Unit("poll", "L", "payments")
    memory = Memory()
    assert memory.choose([POLL, refunds, elsewhere], active=[], now_s=0, slots=slots) == [POLL, elsewhere]
    assert memory.choose([refunds], active=[POLL], now_s=1, slots=slots) == []
    assert memory.choose([refunds], active=[], now_s=2, slots=slots) == [refunds]


@pytest.mark.parametrize(("times", "rest_s"), [(1, 5), (2, 10), (3, 20), (12, 300)])
def test_a_unit_that_fails_rests_longer_each_time(times: int, rest_s: float) -> None:
    memory = Memory()
    for _ in range(times):
        memory.learn(DRAIN, {"worked": False, "failed": True}, now_s=100)
    assert memory.choose([DRAIN], active=[], now_s=100 + rest_s - 0.1) == []
    assert memory.choose([DRAIN], active=[], now_s=100 + rest_s) == [DRAIN]


def test_a_unit_that_worked_rests_no_more() -> None:
    memory = Memory()
    memory.learn(DRAIN, {"worked": False, "failed": True}, now_s=0)
    memory.learn(DRAIN, {"worked": True, "failed": False}, now_s=1)
    assert memory.choose([DRAIN], active=[], now_s=1) == [DRAIN]


def test_a_ring_wakes_what_found_nothing_but_not_what_failed() -> None:
    memory = Memory()
    memory.learn(FETCH, {"worked": False, "failed": False}, now_s=0)
    memory.learn(POLL, {"worked": False, "failed": True}, now_s=0)
    memory.wake({"K"})
    assert memory.choose([FETCH, POLL], active=[], now_s=0.1) == [FETCH]
