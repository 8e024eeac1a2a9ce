"""One worker at a time, and the one that lost its lease finds out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from ml_connector.errors import LeaseLost
from ml_connector.store.database import Database
from ml_connector.store.leases import (
    Lease,
    acquire,
    beat,
    executors,
    forget_executor,
    holder_of,
    release,
    renew,
    silent_executors,
)
from tests.store.rows import T0

SECOND = 1_000_000
TTL = 60 * SECOND


def taken(database: Database, holder: str, now: int = T0) -> Lease | None:
    with database.writing() as c:
        return acquire(c, "W1", name="company:C1", holder=holder, now=now, ttl_us=TTL)


def test_a_lease_has_one_holder_until_its_time_is_over(database: Database) -> None:
    first = taken(database, "a")
    assert first == Lease("company:C1", "a", 1, T0 + TTL)
    assert taken(database, "b", T0 + TTL - 1) is None
    assert taken(database, "a", T0 + TTL - 1) is None
    assert taken(database, "b", T0 + TTL) == Lease("company:C1", "b", 2, T0 + 2 * TTL)


def test_a_paused_worker_whose_lease_was_taken_stops(database: Database) -> None:
    paused = taken(database, "a")
    assert paused
    assert taken(database, "b", T0 + TTL)
    with pytest.raises(LeaseLost, match="company:C1"), database.writing() as c:
        renew(c, paused, now=T0 + TTL + 1, ttl_us=TTL)
    with database.writing() as c:
        assert not release(c, paused)
        held = holder_of(c, name="company:C1", now=T0 + TTL + 1)
    assert held
    assert held.holder == "b"


def test_the_same_holder_of_an_older_fence_stops_too(database: Database) -> None:
    old = taken(database, "a")
    assert old
    assert taken(database, "a", T0 + TTL)
    with pytest.raises(LeaseLost), database.writing() as c:
        renew(c, old, now=T0 + TTL + 1, ttl_us=TTL)


def test_a_late_worker_whose_lease_nobody_took_goes_on(database: Database) -> None:
    held = taken(database, "a")
    assert held
    with database.writing() as c:
        assert renew(c, held, now=T0 + 2 * TTL, ttl_us=TTL).expires_at == T0 + 3 * TTL
    assert taken(database, "b", T0 + 2 * TTL) is None


def test_a_released_lease_is_free_at_once_and_its_fence_goes_on(database: Database) -> None:
    held = taken(database, "a")
    assert held
    with database.writing() as c:
        assert release(c, held)
        assert holder_of(c, name="company:C1", now=T0) is None
    following = taken(database, "b")
    assert following
    assert following.fence == 2


@pytest.mark.parametrize("known", [True, False])
def test_of_many_that_ask_at_once_one_gets_it(database: Database, known: bool) -> None:
    if known:
        taken(database, "earlier", T0 - 2 * TTL)
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda number: taken(database, f"h{number}"), range(8)))
    assert sum(lease is not None for lease in got) == 1


def test_a_silent_process_is_named_until_it_is_forgotten(database: Database) -> None:
    with database.writing() as c:
        beat(c, executor_id="one", version="1", now=T0)
        beat(c, executor_id="two", version="1", now=T0)
        beat(c, executor_id="two", version="2", now=T0 + 50 * SECOND)
    with database.writing() as c:
        assert silent_executors(c, before=T0 + SECOND) == ["one"]
        assert executors(c) == [("one", "1", T0), ("two", "2", T0 + 50 * SECOND)]
        forget_executor(c, executor_id="one")
        assert silent_executors(c, before=T0 + SECOND) == []
