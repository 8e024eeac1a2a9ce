"""The process that serves: it answers, bounds what it reads, and ends in good order."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
START_S = 30


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@pytest.fixture
def served(tmp_path: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    with start(tmp_path, port) as process:
        wait_until_up(port)
        yield process


@contextmanager
def start(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Ours, killed at the end: one that never came up would be waited for without end."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": "src:.", "MLC_DATA_DIR": str(folder)}
    command = [sys.executable, "-m", "tests.trials.process", "serve", str(port)]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_until_up(port: int) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        try:
            assert httpx2.get(f"http://127.0.0.1:{port}/health").status_code == 200
            return
        except httpx2.TransportError:
            time.sleep(0.05)
    raise AssertionError("it did not start")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_within_ten_seconds_when_told_to(
    served: subprocess.Popen[bytes], port: int, number: signal.Signals
) -> None:
    assert httpx2.get(f"http://127.0.0.1:{port}/ready").json()["ready"]
    began = time.monotonic()
    served.send_signal(number)
    assert served.wait(10) == 0
    assert time.monotonic() - began < 10


def test_a_second_one_over_the_same_files_does_not_start(
    served: subprocess.Popen[bytes], port: int, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        other = int(taken.getsockname()[1])
    with start(tmp_path, other) as second:
        assert second.wait(START_S) != 0
        assert second.stderr is not None
        assert b"MLC-701" in second.stderr.read()
    assert httpx2.get(f"http://127.0.0.1:{port}/health").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [b"x: " + b"a" * 300_000, b"".join(b"x-%d: %s\r\n" % (n, b"a" * 500) for n in range(400))],
    ids=["one long", "many"],
)
def test_headers_without_end_are_cut_off(served: subprocess.Popen[bytes], port: int, headers: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        line.sendall(b"GET /health HTTP/1.1\r\nhost: x\r\n")
        try:
            line.sendall(headers)
            answer = line.recv(100)
        except (BrokenPipeError, ConnectionResetError):
            answer = b""
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400")
    assert httpx2.get(f"http://127.0.0.1:{port}/health").status_code == 200


def test_headers_behind_a_body_end_the_connection(served: subprocess.Popen[bytes], port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        line.sendall(b"POST /hooks/square/nobody HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
        line.sendall(b"0\r\nx-late: 1\r\nx-later: 2\r\n")
        answer = b"".join(iter(lambda: line.recv(1_000), b""))
    assert answer.startswith(b"HTTP/1.1 4")
    assert httpx2.get(f"http://127.0.0.1:{port}/health").status_code == 200


def test_the_answers_do_not_tell_what_serves_them(served: subprocess.Popen[bytes], port: int) -> None:
    assert "server" not in httpx2.get(f"http://127.0.0.1:{port}/health").headers
