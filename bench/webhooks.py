"""How many signed webhooks a second are accepted durably, beside a bare web server that only commits a row in groups.

The floor is what the same machine does at best in the same minute: Starlette, one route, no signature, a queue and one
thread that commits what waits. Client and servers are processes of their own; the two servers take turns in a dozen
slices, so that whatever else the machine does meets both. A server's processor time a webhook hardly depends on that.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import queue
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from bench import machine, senders
from bench.figures import Figure
from bench.senders import PUBLIC, Sender

TITLE = (
    "Webhooks: signed Square deliveries accepted durably over 16 connections, beside a bare server with group commit"
)
SIZE, QUICK = 18_000, 600
LONGEST_S = 120
CONNECTIONS = 16
SLICES = 12
WARM_UP = 500
TARGET = 0.6
MEET_S = 15.0
_BATCH = 256
_INSERT = "INSERT INTO floor (id, body) VALUES (?, ?)"


@dataclass(frozen=True, slots=True)
class Slice:
    """One turn of a server: accepted a second, the wait of each in seconds, its processor time for one in seconds."""

    a_second: float
    waits: tuple[float, ...]
    processor_s: float


def run(size: int = SIZE) -> list[Figure]:
    """Both databases, `size` deliveries to each server."""
    from tests import postgres

    figures = on_sqlite("SQLite", senders.square(), size)
    with postgres.running() as server:
        server.create("bench")
        return figures + _compare("PostgreSQL", server.url("bench"), senders.square(), size)


def on_sqlite(name: str, sender: Sender, size: int) -> list[Figure]:
    """`size` deliveries of one sender to each server, over a database of their own."""
    with tempfile.TemporaryDirectory() as folder:
        return _compare(name, f"sqlite:///{Path(folder) / 'main.db'}", sender, size)


def _compare(name: str, url: str, sender: Sender, size: int) -> list[Figure]:
    path = _open_door(url, sender)
    with _serving("ours", url) as ours, _serving("floor", url) as floor:
        turns = {"ours": (ours, path), "floor": (floor, "/")}
        came: dict[str, list[Slice]] = {who: [] for who in turns}
        for server, where in turns.values():
            _meet(server, where, sender)
            _slice(server, where, sender, min(WARM_UP, size))
        for _ in range(SLICES):
            for who, (server, where) in turns.items():
                came[who].append(_slice(server, where, sender, max(1, size // SLICES)))
    rates = {who: statistics.median(one.a_second for one in of) for who, of in came.items()}
    costs = {who: 1_000 * statistics.median(one.processor_s for one in of) for who, of in came.items()}
    return [
        Figure(f"{name}: webhooks a second", rates["ours"], "/s"),
        Figure(f"{name}: the bare server's", rates["floor"], "/s"),
        Figure(f"{name}: ratio", rates["ours"] / rates["floor"], "", TARGET),
        Figure(f"{name}: processor time a webhook", costs["ours"], "ms"),
        Figure(f"{name}: the bare server's", costs["floor"], "ms"),
        Figure(f"{name}: ratio of processor time", costs["floor"] / max(costs["ours"], 1e-9), "", TARGET),
        Figure(f"{name}: 99 of 100 answered within", _slowest_ms(came["ours"]), "ms"),
        Figure(f"{name}: the bare server's", _slowest_ms(came["floor"]), "ms"),
    ]


def _meet(server: Server, path: str, sender: Sender) -> None:
    """Wait until the first delivery is taken: one signed by certificate is refused while that is fetched."""
    until = time.monotonic() + MEET_S
    while time.monotonic() < until:
        with contextlib.suppress(RuntimeError):
            uvloop.run(_send(server.port, [sender.request(path)]))
            return
        time.sleep(0.2)
    raise RuntimeError(f"The server takes no delivery of {sender.connector}.")


def _slice(server: Server, path: str, sender: Sender, size: int) -> Slice:
    """`size` deliveries, made beforehand."""
    waiting = [sender.request(path) for _ in range(size)]
    used_ns = machine.processor_ns(server.pid)
    seconds, waits = uvloop.run(_send(server.port, waiting))
    return Slice(size / seconds, tuple(waits), (machine.processor_ns(server.pid) - used_ns) / 1e9 / size)


def _slowest_ms(slices: Sequence[Slice]) -> float:
    """What 99 of 100 stayed below, over all slices."""
    waits = sorted(wait for one in slices for wait in one.waits)
    return 1_000 * waits[int(0.99 * (len(waits) - 1))]


def _open_door(url: str, sender: Sender) -> str:
    """Tables, one connection and its door; the door's path."""
    from ml_connector.engine import connecting, doorkeeping, setup
    from ml_connector.store import connection_rows

    with _works(url) as works:
        workspace = setup.init(works)
        connection_id = connecting.connect(
            works, workspace, connector=sender.connector, code="a", title="Shop", settings={}, by="bench",
            base_url=sender.base_url, credentials=sender.credentials,
        )  # fmt: skip
        with works.database.writing() as c:
            connection_rows.change(c, connection_id, account_ref=sender.account or None)
        _, address = doorkeeping.open_door(
            works, connection_id=connection_id, public_url=PUBLIC, signature_key=sender.key, by="bench"
        )
    return address.removeprefix(PUBLIC)


# ------------------------------------------------------------------------------- the client


async def _send(port: int, waiting: list[bytes]) -> tuple[float, list[float]]:
    """Send what waits over all connections, each waiting for its answer: seconds for all, and for each."""
    waits: list[float] = []
    began = time.perf_counter()
    await asyncio.gather(*(_one_connection(port, waiting, waits) for _ in range(CONNECTIONS)))
    return time.perf_counter() - began, waits


async def _one_connection(port: int, waiting: list[bytes], waits: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while waiting:
        request = waiting.pop()
        began = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        waits.append(time.perf_counter() - began)
        if not head.startswith(b"HTTP/1.1 200 ") or b"content-length: 0" not in head.lower():
            raise RuntimeError(f"not accepted: {head!r}")
    writer.close()


# ------------------------------------------------------------------------------- the servers


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs in a process of its own."""

    pid: int
    port: int


@contextmanager
def _serving(who: str, url: str) -> Iterator[Server]:
    """One of the two servers, until the end."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(["src", ".", os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-m", "bench.webhooks", who, url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as server:
        try:
            assert server.stdout is not None
            yield Server(server.pid, int(server.stdout.readline()))
        finally:
            server.kill()


def _serve(who: str, url: str) -> None:
    from ml_connector.app import COLLECT_AFTER
    from ml_connector.web import listening as door

    gc.set_threshold(*COLLECT_AFTER)  # the same interpreter for both

    def listen(app: ASGIApp) -> None:
        listening = door.listen("127.0.0.1", 0)
        print(listening.getsockname()[1], flush=True)
        door.server_of(app).run(sockets=[listening])

    (_ours if who == "ours" else _floor)(url, listen)


def _ours(url: str, listen: Callable[[ASGIApp], None]) -> None:
    """The door as an install serves it; what it rings is not answered here."""
    from ml_connector.store.inbox_writer import InboxWriter
    from ml_connector.web.app import build_app

    with _works(url) as works:
        writer = InboxWriter(works.database)
        writer.start()
        listen(build_app(works, writer, ring=lambda _connections: None, public_url=PUBLIC))


def _floor(url: str, listen: Callable[[ASGIApp], None]) -> None:
    waiting: queue.Queue[tuple[bytes, asyncio.Future[None]]] = queue.Queue()
    threading.Thread(target=_commit_on, args=(url, waiting), daemon=True).start()

    async def take(request: Request) -> Response:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting.put((await request.body(), done))
        await done
        return Response(status_code=200)

    listen(Starlette(routes=[Route("/", take, methods=["POST"])]))


def _commit_on(url: str, waiting: queue.Queue[tuple[bytes, asyncio.Future[None]]]) -> None:
    commit = _into_sqlite(url) if url.startswith("sqlite") else _into_postgresql(url)
    numbers = iter(range(10**9))
    while True:
        batch = [waiting.get()]
        while len(batch) < _BATCH and not waiting.empty():
            batch.append(waiting.get())
        commit([(f"{next(numbers)}", body[:100].decode()) for body, _ in batch])
        loop = batch[0][1].get_loop()
        loop.call_soon_threadsafe(_tell, [done for _, done in batch])


def _tell(waiting: Sequence[asyncio.Future[None]]) -> None:
    for one in waiting:
        one.set_result(None)


def _into_sqlite(url: str) -> Callable[[Sequence[tuple[str, str]]], None]:
    file = sqlite3.connect(f"{url.removeprefix('sqlite:///')}.floor", isolation_level=None)
    file.execute("PRAGMA journal_mode = WAL")
    file.execute("PRAGMA synchronous = FULL")
    file.execute("CREATE TABLE floor (id TEXT PRIMARY KEY, body TEXT)")

    def commit(rows: Sequence[tuple[str, str]]) -> None:
        file.execute("BEGIN IMMEDIATE")
        file.executemany(_INSERT, rows)
        file.execute("COMMIT")

    return commit


def _into_postgresql(url: str) -> Callable[[Sequence[tuple[str, str]]], None]:
    connection = psycopg.connect(url.replace("+psycopg", ""), autocommit=True)
    connection.execute("CREATE TABLE floor (id TEXT PRIMARY KEY, body TEXT)")

    def commit(rows: Sequence[tuple[str, str]]) -> None:
        with connection.transaction(), connection.cursor() as cursor:
            cursor.executemany(_INSERT.replace("?", "%s"), rows)

    return commit


@contextmanager
def _works(url: str) -> Iterator[Any]:
    from ml_connector.clock import Clock
    from ml_connector.connectors import SYSTEMS
    from ml_connector.engine.works import Works
    from ml_connector.store.database import Database
    from ml_connector.store.ids import Ids, SystemChance
    from ml_connector.store.migrations import migrate
    from ml_connector.vault.keys import KeyRing, MasterKey
    from ml_connector.vault.tokens import TokenCache

    database, clock = Database(url), Clock()
    migrate(database)
    try:
        yield Works(
            database=database, clock=clock, ids=Ids(clock, SystemChance()), systems=SYSTEMS, flows={},
            ring=KeyRing((MasterKey(1, bytes(32)),)), tokens=TokenCache(clock), holder="bench",
        )  # fmt: skip
    finally:
        database.close()


if __name__ == "__main__":
    _serve(sys.argv[1], sys.argv[2])
