"""A few deaths of the kill trial; `python -m tests.trials` runs a hundred."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.databases import Databases, migrated
from tests.trials.killing import run_trial

pytestmark = [pytest.mark.trials, pytest.mark.slow]


def test_killed_again_and_again_on_sqlite_nothing_is_lost_or_posted_twice(tmp_path: Path) -> None:
    trial = run_trial(tmp_path, database_url=None, kills=4, seed=3)
    assert trial.vouchers


def test_killed_again_and_again_on_postgresql_nothing_is_lost_or_posted_twice(
    postgres_databases: Databases, tmp_path: Path
) -> None:
    url = postgres_databases.new(migrated)
    trial = run_trial(tmp_path, database_url=url, kills=4, seed=4, workers=1)
    assert trial.vouchers
    postgres_databases.remove(url)


def test_killed_at_the_door_too_nothing_is_lost_or_posted_twice(tmp_path: Path) -> None:
    trial = run_trial(tmp_path, database_url=None, kills=4, seed=5, intake=True)
    assert trial.vouchers
