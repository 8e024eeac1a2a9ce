"""The databases that tests are given are real, apart from each other, and gone afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.pool import NullPool

from tests import postgres
from tests.databases import Databases


def execute(url: str, statement: str) -> None:
    with create_engine(url, poolclass=NullPool).begin() as connection:
        connection.execute(text(statement))


def tables(url: str) -> list[str]:
    return inspect(create_engine(url, poolclass=NullPool)).get_table_names()


def with_a_table(url: str) -> None:
    execute(url, "CREATE TABLE prepared (id INTEGER PRIMARY KEY)")


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_gets_an_empty_database(database_url: str, turn: int) -> None:
    assert tables(database_url) == []
    execute(database_url, "CREATE TABLE left_behind (id INTEGER)")
    assert tables(database_url) == ["left_behind"]


def test_prepared_databases_are_copies_that_do_not_share_changes(databases: Databases) -> None:
    prepared: list[str] = []

    def prepare(url: str) -> None:
        prepared.append(url)
        with_a_table(url)

    first, second = databases.new(prepare), databases.new(prepare)
    execute(first, "INSERT INTO prepared VALUES (1)")
    with create_engine(second, poolclass=NullPool).connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM prepared")).scalar() == 0
    assert len(prepared) == 1
    for url in (first, second, prepared[0]):
        databases.remove(url)


@pytest.mark.slow
def test_a_second_start_finds_the_running_server(postgres_server: postgres.Server) -> None:
    assert postgres.start(postgres_server.folder, owner=os.getpid()) == postgres_server


@pytest.mark.slow
def test_the_server_ends_when_the_run_that_wanted_it_is_killed() -> None:
    script = (
        "import os, signal; from tests import postgres\n"
        "server = postgres.start(postgres.new_folder(), owner=os.getpid())\n"
        "print(server.folder, (server.folder / 'keeper').read_text(), flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    root = Path(__file__).parent.parent
    killed = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=False)
    folder, _keeper = killed.stdout.split()
    deadline = time.monotonic() + 10
    while Path(folder).exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(folder).exists()
