"""The webhook door over HTTP: bounded bytes in, one durable row, then the answer. The only asynchronous code here.

| answer | means |
|---|---|
| 200 | stored, or known already |
| 400, 401, 413 | unreadable; not signed by a key of this door; too large. Nothing was kept |
| 404 | there is no such door |
| 408 | the body did not come in time |
| 503 | not stored: send it again later |
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from ml_connector.engine.door import Doors, OpenDoor, rings_for
from ml_connector.errors import (
    BadSignature,
    ConnectorError,
    Rejected,
    StorageUnavailable,
    TooLarge,
    Transient,
    Untranslatable,
)
from ml_connector.store.inbox import Notice
from ml_connector.store.inbox_writer import InboxWriter

ANSWER_TIMEOUT_S = 20.0  # vendors wait 10 to 30 s; a body or a disk that takes longer is given up
RETRY_AFTER_S = 30
READS_AT_ONCE = 4  # made-up addresses must not use up the database's connections

_STATUS: tuple[tuple[type[ConnectorError], int, str], ...] = (
    (BadSignature, 401, "refused"),
    (TooLarge, 413, "too large"),
    (Untranslatable, 400, "unreadable"),
    (Rejected, 400, "unreadable"),
    (StorageUnavailable, 503, "unavailable"),
    (Transient, 503, "unavailable"),
)

log = structlog.get_logger(__name__)


class Hooks:
    """What answers deliveries. `ring` is told which connections have something to fetch; it may lose it."""

    def __init__(self, doors: Doors, writer: InboxWriter, ring: Callable[[Collection[str]], None]) -> None:
        self.doors = doors
        self.unknown = 0  # deliveries to doors that do not exist
        self._writer = writer
        self._ring = ring
        self._reads = asyncio.Semaphore(READS_AT_ONCE)

    async def receive(self, request: Request) -> Response:
        """POST /hooks/{connector}/{secret}"""
        door: OpenDoor | None = None
        body: bytes | None = None
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                door = await self._door(request.path_params["secret"])
                if door is None or door.connector != request.path_params["connector"]:
                    self.unknown += 1
                    return _answer(404, "There is no such door.")
                headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.scope["headers"]}
                body = await _body_of(request, headers.get("content-length", ""), limit=door.body_limit)
                await self._take_in(door, body, headers)
        except TimeoutError:
            slow_sender = door is not None and body is None
            return _answer(408, "The body did not come in time.") if slow_sender else self._refuse(door, _SLOW)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody hears it
        except ConnectorError as fault:
            return self._refuse(door, fault)
        return Response(status_code=200)

    async def _door(self, secret: str) -> OpenDoor | None:
        known = self.doors.glance(secret)
        if known is not None:
            return known
        async with self._reads:
            return await asyncio.to_thread(self.doors.find, secret)

    async def _take_in(self, door: OpenDoor, body: bytes, headers: Mapping[str, str]) -> None:
        notices = self.doors.receive(door, body, headers, from_memory=True)
        if notices is None:  # an account that is not remembered: the database is asked, outside the loop
            notices = await asyncio.to_thread(self.doors.receive, door, body, headers)
        stored = await self._store(notices or [])
        for notice in notices or []:
            self.doors.count(door, "stored" if notice in stored else "duplicate")
        rung = rings_for(stored)
        if rung:
            self._ring(rung)

    async def _store(self, notices: list[Notice]) -> list[Notice]:
        """Those that were new. Returns after the commit; raises when any of them may not have been stored."""
        waiting = [self._writer.submit_from_loop(notice) for notice in notices]
        outcomes = [await waiting[0]] if len(waiting) == 1 else await asyncio.gather(*waiting)
        return [notice for notice, outcome in zip(notices, outcomes, strict=True) if outcome == "stored"]

    def _refuse(self, door: OpenDoor | None, fault: ConnectorError) -> Response:
        status, what = next(
            ((status, what) for kind, status, what in _STATUS if isinstance(fault, kind)), (503, "broken")
        )
        if door is not None and status != 401:  # the door counts those itself
            self.doors.count(door, what)
        if status == 503:
            log.error("webhook.not_stored", fault=str(fault), door=door.door_id if door else None)
        return _answer(status, type(fault).code)


_SLOW = StorageUnavailable("The inbox did not answer in time.")


async def _body_of(request: Request, told: str, *, limit: int) -> bytes:
    """The whole body, and never more than the limit of it in memory; its sender `told` its length. Raises TooLarge."""
    if told.isdigit() and int(told) > limit:
        raise _too_large(limit)
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        parts.append(part)
    return b"".join(parts)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"This door takes {limit} bytes.")


def _answer(status: int, told: str) -> Response:
    headers = {"Retry-After": str(RETRY_AFTER_S)} if status == 503 else None
    return JSONResponse({"error": told}, status_code=status, headers=headers)
