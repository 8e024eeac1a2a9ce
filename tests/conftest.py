"""What every test may ask for: databases on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests import postgres
from tests.databases import Databases, PostgresDatabases, SqliteDatabases

# On two cores that others use too, a slow example is no fault of the code.
settings.register_profile("shared machine", deadline=None, print_blob=True)
settings.load_profile("shared machine")

# One server for all processes of a run. The process that pytest was started in names the folder and ends the server;
# the workers, which inherit the environment, only start it when a test needs it.
FOLDER = "TEST_POSTGRES_FOLDER"
OWNER = "TEST_POSTGRES_OWNER"


# A test waits for the disk at each commit, which takes longer than the rest of it: where there is memory to write to,
# files of tests lie there. What a power cut leaves is no test's subject.
MEMORY = Path("/dev/shm")
MEMORY_NEEDED = 2 * 1024**3


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        in_memory = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > MEMORY_NEEDED
        if in_memory:
            os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
        os.environ[FOLDER] = str(postgres.new_folder(MEMORY if in_memory else None))
        os.environ[OWNER] = str(os.getpid())


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput") and FOLDER in os.environ:
        postgres.stop(Path(os.environ.pop(FOLDER)))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first: one of them begun last would leave the other processes of the run without work."""
    items.sort(key=lambda item: "trials" not in item.keywords)


def pytest_collection_finish() -> None:
    """What was collected lives to the end: the collector of garbage need not look at half a million objects again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def postgres_server() -> postgres.Server:
    """A running PostgreSQL, shared by the whole run: make your own database in it."""
    return postgres.start(Path(os.environ[FOLDER]), owner=int(os.environ[OWNER]))


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> Databases:
    """Fresh SQLite files, for a test that is about SQLite."""
    return SqliteDatabases(tmp_path_factory.mktemp("databases"))


@pytest.fixture(scope="session")
def postgres_databases(postgres_server: postgres.Server) -> Databases:
    """Fresh PostgreSQL databases, for a test that is about PostgreSQL; mark it slow."""
    return PostgresDatabases(postgres_server, prefix=os.environ.get("PYTEST_XDIST_WORKER", "main"))


@pytest.fixture(scope="session", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def databases(request: pytest.FixtureRequest) -> Databases:
    """Where to make databases; a test that takes this runs on SQLite and on PostgreSQL."""
    found: Databases = request.getfixturevalue(
        "sqlite_databases" if request.param == "sqlite" else "postgres_databases"
    )
    return found


@pytest.fixture
def database_url(databases: Databases) -> Iterator[str]:
    """An empty database of one's own; a test that takes this runs on SQLite and on PostgreSQL."""
    url = databases.new()
    yield url
    databases.remove(url)


@pytest.fixture
def inbox_url(database_url: str, tmp_path: Path) -> str:
    """Where the inbox lives beside `database_url`: its own file on SQLite, the same database on PostgreSQL."""
    return f"sqlite:///{tmp_path / 'inbox.db'}" if database_url.startswith("sqlite") else database_url
