"""The demonstration as a person or a script runs it: one command, less than a minute, nothing left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
LIMIT_S = 60


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """`ml-connector demo --story square --json` in a session of its own: (result, seconds, its temporary folder)."""
    folder = tmp_path_factory.mktemp("temporary")
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-c", "from ml_connector.cli import main; main()", "demo", "--story", "square", "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "TMPDIR": str(folder)},
    )  # fmt: skip
    out, err = process.communicate(timeout=LIMIT_S)
    return process, out, err, time.monotonic() - began, folder


def test_the_demonstration_ends_well_within_a_minute(ended: Any) -> None:
    process, _out, err, took_s, _folder = ended
    assert process.returncode == 0, err
    assert took_s < LIMIT_S


def test_it_says_one_json_object_and_nothing_else(ended: Any) -> None:
    _process, out, err, _took, _folder = ended
    told = json.loads(out)
    assert out.count("\n") == 1
    assert err == ""
    assert set(told) >= {
        "records", "posted", "held", "ignored", "vouchers", "visma_calls", "duplicates_in_ledger",
        "clearing_unexplained", "audit_chain_ok",
    }  # fmt: skip
    assert told["duplicates_in_ledger"] == 0
    assert told["clearing_unexplained"] == "0.00 EUR"
    assert told["audit_chain_ok"] is True
    line = told["vouchers"][0]["lines"][0]
    assert set(line) >= {"account", "dimensions", "debit", "credit", "source_ids", "because"}


def test_it_leaves_no_process_and_no_file(ended: Any) -> None:
    process, _out, _err, _took, folder = ended
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
    assert list(Path(folder).iterdir()) == []
