"""`serve` as a supervisor runs it: it answers, and ends when it is told to."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
END_LIMIT_S = 20
TOKEN = "made-up-token-of-a-scraper"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def figures(port: int, token: str) -> int:
    """What a scraper behind a proxy is answered."""
    headers = {"Authorization": f"Bearer {token}", "X-Forwarded-For": "10.0.0.9"}
    try:
        with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}/metrics", headers=headers)) as one:
            return int(one.status)
    except urllib.error.HTTPError as refused:
        return refused.code


def test_serving_begins_answers_and_ends_when_told(tmp_path: Path) -> None:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-c", "from ml_connector.cli import main; main()", "serve", "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={
            **os.environ, "MLC_DATA_DIR": str(tmp_path / "data"), "MLC_PORT": str(port), "MLC_METRICS_TOKEN": TOKEN,
        },
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline()) == {"port": port}
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
            assert answer.status == 200
        assert figures(port, "wrong") == 403
        assert figures(port, TOKEN) == 200
        process.send_signal(signal.SIGTERM)
        _out, err = process.communicate(timeout=END_LIMIT_S)
    finally:
        process.kill()
        process.wait()
    assert "Traceback" not in err
    assert process.returncode in (0, -signal.SIGTERM), err
