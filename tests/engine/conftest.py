"""A shop that opens at nine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.business_days import Open
from tests.engine.world import World


@pytest.fixture
def open_world(tmp_path: Path) -> Iterator[Open]:
    """A shop with a company, at nine in the morning."""
    opened: list[World] = []

    def make(mode: Any = "per_record", **terms: Any) -> World:
        world = World(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
        world.set_up(mode=mode, **terms)
        world.clock.advance(3 * 3600)
        opened.append(world)
        return world

    yield make
    for world in opened:
        world.close()
