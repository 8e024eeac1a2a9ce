"""The process at the door: it takes webhooks in beside the one that works, and neither loses what the other has."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import text

from ml_connector.app import opened
from ml_connector.engine import connecting, doorkeeping, setup
from ml_connector.settings import Settings, load
from ml_connector.store import connection_rows, webhook_doors
from ml_connector.store.database import Database
from tests.web.shops import KEY, MERCHANT, PUBLIC, SIGNATURE, event, signed

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
WAIT_S = 30
NOBODY = "http://127.0.0.1:9"  # where Square would be: nothing is called that a test does not serve


@dataclass(slots=True)
class Install:
    """A served install with a process at its door."""

    settings: Settings
    process: subprocess.Popen[bytes]
    url: str

    def deliver(self, body: bytes, **headers: str) -> int:
        """Post at the door's own port; the status."""
        made = {SIGNATURE: signed(body, self.url), **headers}
        address = f"http://127.0.0.1:{self.settings.intake_port}{self.url.removeprefix(PUBLIC)}"
        return int(httpx2.post(address, content=body, headers=made, timeout=WAIT_S).status_code)

    def at_door(self) -> int:
        """The process id of whoever is at the door."""
        children = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        found = [int(name) for one in children for name in one.read_text().split()]
        assert len(found) == 1, found
        return found[0]

    def notices(self) -> int:
        """How many are stored."""
        database = Database(self.settings.database_url, inbox_url=self.settings.inbox_url)
        with database.inbox_reading() as c:
            count = int(c.execute(text("SELECT count(*) FROM notice")).scalar_one())
        database.close()
        return count

    def refused(self) -> str:
        """Why its door has refused the last delivery, as it is kept."""
        database = Database(self.settings.database_url, inbox_url=self.settings.inbox_url)
        with database.reading() as c:
            (door,) = webhook_doors.every(c)
        database.close()
        return str(door.settings.get("refused", {}).get("said", ""))

    def asked(self, path: str) -> str:
        """What the main process answers."""
        return httpx2.get(f"http://127.0.0.1:{self.settings.port}{path}").text


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.05)


def is_up(port: int | None) -> bool:
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/health").status_code == 200
    except httpx2.TransportError:
        return False


def is_alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


@pytest.fixture
def install(tmp_path: Path) -> Iterator[Install]:
    environment = {
        "MLC_DATA_DIR": str(tmp_path), "MLC_PORT": str(free_port()), "MLC_INTAKE_PORT": str(free_port()),
        "MLC_PUBLIC_URL": PUBLIC, "MLC_ALLOW_INSECURE_HOSTS": NOBODY,
    }  # fmt: skip
    settings = load(environment, folder=tmp_path)
    url = opened_door(settings)
    with start(settings, environment) as process:
        made = Install(settings, process, url)
        until(lambda: is_up(settings.port) and is_up(settings.intake_port))
        yield made


@contextmanager
def start(settings: Settings, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Ours, killed at the end: one that never came up would be waited for without end."""
    command = [sys.executable, "-m", "tests.trials.process", "serve", str(settings.port)]
    whole = {"PATH": os.environ["PATH"], "PYTHONPATH": "src:.", **environment}
    with subprocess.Popen(command, cwd=ROOT, env=whole) as process:
        try:
            yield process
        finally:
            process.kill()


def opened_door(settings: Settings) -> str:
    with opened(settings) as works:
        workspace = setup.init(works)
        connection_id = connecting.connect(
            works, workspace, connector="square", code="sq", title="Shop", settings={}, base_url=NOBODY, by="test",
            credentials={"access_token": "made-up-token"},
        )  # fmt: skip
        with works.database.writing() as c:
            connection_rows.change(c, connection_id, account_ref=MERCHANT)
        return doorkeeping.open_door(
            works, connection_id=connection_id, public_url=PUBLIC, signature_key=KEY, by="test"
        )[1]


def test_what_is_delivered_at_the_door_is_stored_counted_and_rung_once(install: Install) -> None:
    body = event()
    assert [install.deliver(body) for _ in range(2)] == [200, 200]
    assert install.deliver(body, **{SIGNATURE: "forged"}) == 401
    assert install.notices() == 1
    until(lambda: install.refused() == "No signature key of this door made this signature.")
    until(lambda: 'mlc_webhooks_total{connector="square",result="duplicate"} 1.0' in install.asked("/metrics"))
    figures = install.asked("/metrics")
    assert 'mlc_webhooks_total{connector="square",result="stored"} 1.0' in figures
    assert 'mlc_webhooks_total{connector="square",result="bad signature"} 1.0' in figures
    until(lambda: 'mlc_units_total{kind="fetch"' in install.asked("/metrics"))


def test_the_door_knows_no_other_address(install: Install) -> None:
    door = f"http://127.0.0.1:{install.settings.intake_port}"
    assert httpx2.get(f"{door}/metrics").status_code == 404
    assert httpx2.post(f"{door}/hooks/square/unknown", content=b"{}").status_code == 404


def test_who_dies_at_the_door_is_replaced_and_senders_wait_meanwhile(install: Install) -> None:
    assert install.deliver(event()) == 200
    first = install.at_door()
    os.kill(first, signal.SIGKILL)
    assert install.deliver(event()) == 200
    assert install.at_door() != first
    assert install.notices() == 2
    assert "mlc_intake_starts_total 2.0" in install.asked("/metrics")
    assert install.asked("/ready") == '{"ready":true,"missing":[]}'


def test_both_end_when_told_to(install: Install) -> None:
    door = install.at_door()
    install.process.terminate()
    assert install.process.wait(10) == 0
    assert not is_alive(door)


def test_the_door_closes_when_the_main_process_is_killed(install: Install) -> None:
    door = install.at_door()
    install.process.kill()
    install.process.wait()
    until(lambda: not is_alive(door))


def test_the_process_at_the_door_is_small_and_holds_no_master_key(install: Install) -> None:
    install.deliver(event())
    process = Path(f"/proc/{install.at_door()}")
    lines = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
    assert int(lines["VmRSS"].split()[0]) < 60_000
    assert b"MLC_MASTER_KEY" not in (process / "environ").read_bytes()
