"""Ids sort by the time they were made."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from ml_connector.clock import HandClock
from ml_connector.store.ids import Ids


def test_ids_rise_within_a_millisecond_and_when_the_clock_is_set_back() -> None:
    clock = HandClock(datetime(2026, 11, 21, tzinfo=UTC))
    ids = Ids(clock, random.Random(1))
    made = [ids.new() for _ in range(500)]
    clock.jump(datetime(2025, 1, 1, tzinfo=UTC))
    made += [ids.new() for _ in range(500)]
    clock.jump(datetime(2026, 11, 22, tzinfo=UTC))
    made.append(ids.new())
    assert made == sorted(set(made))
    assert {len(id_) for id_ in made} == {26}


def test_ids_of_two_machines_sort_by_time() -> None:
    early = Ids(HandClock(datetime(2026, 1, 1, tzinfo=UTC)), random.Random(1)).new()
    late = Ids(HandClock(datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)), random.Random(2)).new()
    assert early < late


def test_a_seed_gives_the_same_ids_again() -> None:
    def three(seed: int) -> list[str]:
        ids = Ids(HandClock(datetime(2026, 1, 1, tzinfo=UTC)), random.Random(seed))
        return [ids.new() for _ in range(3)]

    assert three(7) == three(7) != three(8)


def test_threads_never_share_an_id() -> None:
    ids = Ids(HandClock(datetime(2026, 1, 1, tzinfo=UTC)), random.Random(1))
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: ids.new(), range(4_000)))
    assert len(set(made)) == 4_000
