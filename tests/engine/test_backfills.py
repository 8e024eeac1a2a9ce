"""Three years read beside the usual reading: how far it has come is told, and nothing is read twice for it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ml_connector.engine import backfills, reading
from ml_connector.engine.units import Unit
from tests.engine.wallet_world import WalletWorld
from tests.engine.world import START

YEARS = timedelta(days=3 * 365)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[WalletWorld]:
    found = WalletWorld(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
    found.open_books(posting="off")
    yield found
    found.close()


def is_past(unit: Unit) -> bool:
    return unit.kind == "poll" and "@" in (unit.stream or "")


def test_a_backfill_over_three_years_tells_how_far_it_has_come(world: WalletWorld) -> None:
    for days in (1_000, 700, 400, 100, 5):
        world.pay("100.00", at=(START - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ"))
    world.look(seconds=60)
    since = (START - YEARS).replace(tzinfo=UTC)
    backfills.start(world.works, world.paypal_id, since=since)
    told = {one.stream: one for one in backfills.of_connection(world.works, world.paypal_id)}
    assert (told["transactions"].since, told["transactions"].done, told["transactions"].reached) == (since, False, None)
    shares: list[float] = []
    reached: list[datetime] = []
    for _ in range(200):
        ran = reading.poll(world.works, world.paypal_id, f"transactions@{since.isoformat()}")
        (now,) = (one for one in backfills.of_connection(world.works, world.paypal_id) if one.stream == "transactions")
        assert now.share is not None
        assert now.reached is not None
        shares.append(now.share)
        reached.append(now.reached)
        if not ran.more:
            break
    assert len(shares) > 3
    assert shares == sorted(shares)
    assert reached[0] < START - timedelta(days=700)
    assert now.done
    assert now.share == 1.0
    assert len(world.trips()) == 5


def test_without_a_backfill_nothing_is_told(world: WalletWorld) -> None:
    assert backfills.of_connection(world.works, world.paypal_id) == []
