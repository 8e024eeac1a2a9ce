"""A migrated database of one's own, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ml_connector.store.database import Database
from tests.databases import Databases, migrated


@pytest.fixture
def database(databases: Databases) -> Iterator[Database]:
    """Main database and inbox with all their tables."""
    url = databases.new(migrated)
    opened = Database(url, slots=20)
    yield opened
    opened.close()
    databases.remove(url)
