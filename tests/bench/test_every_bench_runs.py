"""Each benchmark runs with tiny numbers and loses nothing. What it measures here means nothing and is not asserted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.__main__ import NAMES
from bench.figures import Figure, figure_of, table

ROOT = Path(__file__).parents[2]
SIZES = {
    "planning": 60,
    "visma_calls": 12,
    "other_planning": 40,
    "other_calls": 12,
    "directories": 300,
    "other_webhooks": 24,
    "collecting": 20,
    "purchasing": 5,
    "end_to_end": 30,
    "workers": 4,
    "webhooks": 64,
    "backfill": 90,
}
LOSES_NOTHING = ("s posted", "s planned", "s sent", "ledger less")


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_bench_measures_every_record_it_was_given(name: str, tmp_path: Path) -> None:
    figures = measured(name, tmp_path)
    assert len(figures) > 1, "a benchmark that failed or took too long has one figure that says so"
    counted = [one for one in figures if any(words in one["what"] for words in LOSES_NOTHING)]
    assert [one["what"] for one in counted if not one["reached"]] == []


def measured(name: str, folder: Path) -> list[dict[str, Any]]:
    """The figures of one benchmark, run as a person runs it."""
    answer = folder / "figures.json"
    command = [sys.executable, "-m", "bench", name, "--size", str(SIZES[name]), "--json", str(answer)]
    environment = {**os.environ, "TMPDIR": str(folder)}
    subprocess.run(command, cwd=ROOT, check=True, timeout=200, stdout=subprocess.DEVNULL, env=environment)
    told = json.loads(answer.read_text(encoding="utf-8"))
    return list(told["figures"][name])


def test_a_number_below_its_target_is_told_so() -> None:
    assert Figure("records a second", 799.0, "/s", 800).reached is False
    assert Figure("records a second", 800.0, "/s", 800).reached is True


def test_a_cost_above_its_target_is_told_so() -> None:
    assert Figure("calls a payment", 2.3, "", 2.2, "most").reached is False
    assert Figure("calls a payment", 2.2, "", 2.2, "most").reached is True


def test_a_number_without_a_target_is_neither_good_nor_bad() -> None:
    assert Figure("the first tenth", 950.0).reached is None


def test_the_table_says_no_aloud() -> None:
    lines = table("Speed", [Figure("records a second", 799.0, "/s", 800)]).splitlines()
    assert lines[-1].split() == ["records", "a", "second", "799", "/s", ">=", "800", "NO"]


def test_a_figure_survives_its_journey_between_processes() -> None:
    one = Figure("calls a payment", 2.01, "", 2.2, "most")
    assert figure_of(json.loads(json.dumps(one.encoded()))) == one
