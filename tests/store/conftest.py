"""A migrated database of one's own, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ml_connector.store.database import Database
from ml_connector.store.migrations import migrate
from tests.databases import Databases


def prepare(url: str) -> None:
    database = Database(url)
    migrate(database)
    database.close()


@pytest.fixture
def database(databases: Databases) -> Iterator[Database]:
    """Main database and inbox with all their tables."""
    url = databases.new(prepare)
    opened = Database(url, slots=20)
    migrate(opened)  # on SQLite the copy has no inbox file yet
    yield opened
    opened.close()
    databases.remove(url)
