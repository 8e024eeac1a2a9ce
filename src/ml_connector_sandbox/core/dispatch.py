"""Webhook delivery: takes what a vendor says is due and posts it, many at a time, over kept-alive connections."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

from ml_connector_sandbox.core.wire import Delivery, Vendor

ATTEMPT_TIMEOUT_S = 10.0  # vendors give a receiver about this long
IDLE_S = 0.01
_ANSWER_LIMIT = 65_536

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Dispatcher:
    """Delivers until it is cancelled. Redirects are not followed: their status counts as the outcome."""

    def __init__(self, vendor: Vendor, now: Callable[[], datetime], concurrency: int = 32) -> None:
        self._vendor = vendor
        self._now = now
        self._concurrency = concurrency
        self._due: asyncio.Queue[Delivery] = asyncio.Queue()

    async def run(self) -> None:
        """Deliver for ever."""
        workers = [asyncio.create_task(self._work()) for _ in range(self._concurrency)]
        try:
            while True:
                for delivery in self._vendor.deliveries(self._now()):
                    self._due.put_nowait(delivery)
                await asyncio.sleep(IDLE_S)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    async def _work(self) -> None:
        kept: dict[tuple[str, str], Streams] = {}
        try:
            while True:
                delivery = await self._due.get()
                status = await self._attempt(delivery, kept)
                self._vendor.delivered(delivery, status, self._now())
        finally:
            for _, writer in kept.values():
                writer.close()

    async def _attempt(self, delivery: Delivery, kept: dict[tuple[str, str], Streams]) -> int | None:
        parts = urlsplit(delivery.url)
        key = (parts.scheme, parts.netloc)
        fresh = key not in kept
        try:
            async with asyncio.timeout(ATTEMPT_TIMEOUT_S):
                status = await self._post(delivery, kept)
                if status is None and not fresh:  # the receiver closed a kept connection: that is no failed attempt
                    status = await self._post(delivery, kept)
                return status
        except (OSError, TimeoutError, ValueError, ssl.SSLError):
            _drop(kept, key)
            return None

    async def _post(self, delivery: Delivery, kept: dict[tuple[str, str], Streams]) -> int | None:
        parts = urlsplit(delivery.url)
        key = (parts.scheme, parts.netloc)
        if key not in kept:
            port = parts.port or (443 if parts.scheme == "https" else 80)
            tls = ssl.create_default_context() if parts.scheme == "https" else None
            kept[key] = await asyncio.open_connection(parts.hostname or "", port, ssl=tls, limit=_ANSWER_LIMIT)
        reader, writer = kept[key]
        try:
            writer.write(_request(delivery, parts.netloc, parts.path or "/", parts.query))
            status, keep = await _answer(reader)
        except (ConnectionError, asyncio.IncompleteReadError):
            _drop(kept, key)
            return None
        if not keep:
            _drop(kept, key)
        return status


def _drop(kept: dict[tuple[str, str], Streams], key: tuple[str, str]) -> None:
    streams = kept.pop(key, None)
    if streams is not None:
        with contextlib.suppress(RuntimeError):
            streams[1].close()


def _request(delivery: Delivery, host: str, path: str, query: str) -> bytes:
    target = f"{path}?{query}" if query else path
    lines = [f"POST {target} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(delivery.body)}"]
    lines += [f"{name}: {value}" for name, value in delivery.headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + delivery.body


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bool]:
    """The status, and whether the connection may be used again."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    status = int(head[0].split(" ", 2)[1])
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
    keep = headers.get("connection", "").lower() != "close" and not head[0].startswith("HTTP/1.0")
    if status in (204, 304):
        return status, keep
    if headers.get("transfer-encoding", "").lower() == "chunked":
        while size := int((await reader.readline()).split(b";")[0], 16):
            await reader.readexactly(size + 2)
        await reader.readline()
        return status, keep
    length = int(headers.get("content-length", "-1"))
    if length < 0:
        return status, False
    await reader.readexactly(length)
    return status, keep
