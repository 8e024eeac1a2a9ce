"""Databases that have their tables already, for nothing here is about making them; a shop that opens at nine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.databases import Databases, inbox_beside, migrated
from tests.engine.business_days import Open
from tests.engine.world import World


@pytest.fixture
def database_url(databases: Databases) -> Iterator[str]:
    """A migrated database of one's own; a test that takes this runs on SQLite and on PostgreSQL."""
    url = databases.new(migrated)
    yield url
    databases.remove(url)


@pytest.fixture
def inbox_url(database_url: str) -> str:
    """Where its inbox lives: the file beside it on SQLite, the same database on PostgreSQL."""
    return inbox_beside(database_url)


@pytest.fixture
def open_square(database_url: str, inbox_url: str, tmp_path: Path) -> Iterator[Callable[[], World]]:
    """A shop with a company on SQLite and on PostgreSQL, its streams read up to now."""
    opened: list[World] = []

    def make() -> World:
        world = World(database_url, tmp_path, inbox_url=inbox_url)
        opened.append(world)
        world.set_up()
        world.run()
        return world

    yield make
    for world in opened:
        world.close()


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
