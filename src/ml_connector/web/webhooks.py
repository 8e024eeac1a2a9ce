"""The webhook door over HTTP: bounded bytes in, one durable row, then the answer. The only asynchronous code here.

It speaks ASGI itself, without the framework of the pages: a delivery is nine tenths of an install's requests, and
routes, request and response objects were a third of its cost.

| answer | means |
|---|---|
| 200 | stored, or known already |
| 400, 401, 413 | unreadable; not signed by a key of this door; too large. Nothing was kept |
| 404, 405 | there is no such door; only POST is answered |
| 408 | the body did not come in time |
| 503 | not stored: send it again later |
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Collection, Mapping
from typing import Protocol, TypeAlias

import structlog
from starlette.types import Message, Receive, Scope, Send

from ml_connector.engine.door import Doors, OpenDoor
from ml_connector.errors import (
    BadSignature,
    ConnectorError,
    Rejected,
    StorageUnavailable,
    TooLarge,
    Transient,
    Untranslatable,
)
from ml_connector.store.inbox_writer import InboxWriter
from ml_connector.web.patience import Patience

PREFIX = "/hooks/"
ANSWER_TIMEOUT_S = 20.0  # vendors wait 10 to 30 s; a body or a disk that takes longer is given up
RETRY_AFTER_S = 30
TELL_EVERY_S = 5.0  # whatever a vendor with a wrong key sends, its door is written to no more often
READS_AT_ONCE = 4  # made-up addresses must not use up the database's connections

Answer: TypeAlias = "tuple[Message, Message]"
"""Head and body as they are sent; made once, never changed."""


class Refused(Protocol):
    """Is told what a door refused or put off, and why."""

    def __call__(self, door_id: str, said: str, *, put_off: bool) -> None: ...


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
    """What answers deliveries. `ring` is told which connections have something to fetch; it may lose it.

    `refused` is told, beside the event loop, which door refused something and why: every five seconds at most.
    """

    def __init__(
        self, doors: Doors, writer: InboxWriter, ring: Callable[[Collection[str]], None],
        *, refused: Refused,
    ) -> None:  # fmt: skip
        self.doors = doors
        self._refused = refused
        self._told: dict[str, float] = {}
        self.unknown = 0  # deliveries to doors that do not exist
        self._writer = writer
        self._ring = ring
        self._reads = asyncio.Semaphore(READS_AT_ONCE)
        self._patience = Patience(ANSWER_TIMEOUT_S)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """POST /hooks/{connector}/{secret}"""
        try:
            head, body = await self._answer(scope, receive)
        except Exception as fault:
            # The path holds a door's secret: it is not logged.
            log.exception("webhook.failed", fault=type(fault).__name__)
            head, body = _BROKEN
        await send(head)
        await send(body)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        if scope["method"] != "POST":
            return _ONLY_POST
        task, group = self._patience.begin()
        door: OpenDoor | None = None
        body: bytes | None = None
        try:
            connector, _, secret = scope["path"].removeprefix(PREFIX).partition("/")
            door = self.doors.glance(secret) or await self._look_up(secret)
            if door is None or door.connector != connector:
                self.unknown += 1
                return _UNKNOWN
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
            body = await _body_of(receive, headers, limit=door.body_limit)
            await self._take_in(door, body, headers)
        except asyncio.CancelledError:
            if task in group:
                raise
            task.uncancel()  # it was our patience that ended
            return _TOO_SLOW if door is not None and body is None else self._refuse(door, _SLOW)
        except ConnectorError as fault:
            return self._refuse(door, fault)
        except _HungUp:
            return _GONE
        finally:
            group.discard(task)
        return _STORED

    async def _look_up(self, secret: str) -> OpenDoor | None:
        async with self._reads:
            return await asyncio.to_thread(self.doors.find, secret)

    async def _take_in(self, door: OpenDoor, body: bytes, headers: Mapping[str, str]) -> None:
        notices = self.doors.receive(door, body, headers, from_memory=True)
        if notices is None:  # an account that is not remembered: the database is asked, outside the loop
            notices = await asyncio.to_thread(self.doors.receive, door, body, headers)
        waiting = [self._writer.submit_from_loop(notice) for notice in notices or ()]
        # Done after the commit; an error of any of them means that not all may have been stored.
        outcomes = [await waiting[0]] if len(waiting) == 1 else await asyncio.gather(*waiting)
        for notice, outcome in zip(notices or (), outcomes, strict=True):
            self.doors.count(door, outcome)
            if outcome == "stored" and notice.connection_id and notice.kind:
                self._ring((notice.connection_id,))

    def _refuse(self, door: OpenDoor | None, fault: ConnectorError) -> Answer:
        status, what = next(
            ((status, what) for kind, status, what in _STATUS if isinstance(fault, kind)), (503, "broken")
        )
        if door is not None and status != 401:  # the door counts those itself
            self.doors.count(door, what)
        if door is not None and not isinstance(fault, StorageUnavailable):
            self._tell_refused(door.door_id, fault.what, put_off=isinstance(fault, Transient))
        if isinstance(fault, Transient) and fault.retry_after_s is not None:
            # Nothing is wrong: a certificate is on its way, and the vendor sends it again.
            log.info("webhook.put_off", fault=str(fault), door=door.door_id if door else None)
        elif status == 503:
            log.error("webhook.not_stored", fault=str(fault), door=door.door_id if door else None)
        return said(status, type(fault).code)

    def _tell_refused(self, door_id: str, said: str, *, put_off: bool) -> None:
        now = time.monotonic()
        if now - self._told.get(door_id, -TELL_EVERY_S) >= TELL_EVERY_S:
            self._told[door_id] = now
            asyncio.get_running_loop().run_in_executor(None, lambda: self._refused(door_id, said, put_off=put_off))


class _HungUp(Exception):
    """The sender went away in the middle of its body."""


async def _body_of(receive: Receive, headers: Mapping[str, str], *, limit: int) -> bytes:
    """The whole body, and never more than the limit of it in memory. Raises TooLarge."""
    told = headers.get("content-length", "")
    if told.isdecimal() and int(told) > limit:
        raise _too_large(limit)
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _HungUp
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        parts.append(part)
        more = message.get("more_body", False)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"This door takes {limit} bytes.")


def said(status: int, told: str, **headers: str) -> Answer:
    """An answer with one sentence: what is wrong, or how it is."""
    content = json.dumps({"error" if status >= 400 else "status": told}).encode()
    if status == 503:
        headers["retry-after"] = str(RETRY_AFTER_S)
    said = {"content-type": "application/json", "x-content-type-options": "nosniff", "cache-control": "no-store"}
    listed = {**said, **headers, "content-length": str(len(content))}
    return _head(status, listed), {"type": "http.response.body", "body": content}


def _head(status: int, headers: Mapping[str, str]) -> Message:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http.response.start", "status": status, "headers": raw}


def _empty(status: int) -> Answer:
    return _head(status, {"content-length": "0"}), {"type": "http.response.body", "body": b""}


_SLOW = StorageUnavailable("The inbox did not answer in time.")
_STORED, _GONE = _empty(200), _empty(400)  # nobody hears the second
_UNKNOWN = said(404, "There is no such door.")
_ONLY_POST = said(405, "A door takes POST alone.", allow="POST")
_TOO_SLOW = said(408, "The body did not come in time.")
_BROKEN = said(500, "Something went wrong here. The log of this moment says what.")
