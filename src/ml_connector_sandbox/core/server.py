"""A pretend vendor over HTTP: a raw ASGI application on uvicorn, cheap per request, with a control door."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ml_connector_sandbox.core.dispatch import Dispatcher
from ml_connector_sandbox.core.faults import Faulty
from ml_connector_sandbox.core.wire import Request, Response, json_response

BODY_LIMIT = 32 * 1024 * 1024
_DOOR = "/_sandbox/"


@dataclass(slots=True)
class Clock:
    """Vendor time: real time plus an offset that the control door moves."""

    offset: timedelta = field(default_factory=timedelta)

    def now(self) -> datetime:
        """Aware UTC."""
        return datetime.now(UTC) + self.offset

    def move(self, wish: dict[str, Any]) -> datetime:
        """Advance by seconds or set to an ISO moment; gives the new now. Raises ValueError for anything else."""
        if "advance_s" in wish:
            self.offset += timedelta(seconds=float(wish["advance_s"]))
        elif "set" in wish:
            moment = datetime.fromisoformat(str(wish["set"]))
            if moment.tzinfo is None:
                raise ValueError("Give the moment with a zone, such as 2026-03-01T12:00:00Z.")
            self.offset = moment.astimezone(UTC) - datetime.now(UTC)
        else:
            raise ValueError('Say {"advance_s": seconds} or {"set": moment}.')
        return self.now()


class _ClosableProtocol(HttpToolsProtocol):
    """Puts the transport into the scope: ASGI has no word for dropping a connection without an answer."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["transport"] = self.transport  # type: ignore[typeddict-unknown-key]


class Application:
    """The ASGI application of one vendor."""

    def __init__(self, vendor: Faulty, clock: Clock) -> None:
        self.vendor = vendor
        self.clock = clock

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        body = await _body(receive)
        request = _request(scope, body)
        if request.path.startswith(_DOOR):
            response = self._door(request)
        else:
            response = self.vendor.answer(request, self.clock.now())
        if response.delay_s > 0:
            await asyncio.sleep(response.delay_s)
        if response.cut:
            await _cut(scope, receive)
        elif response.truncate:
            await _truncated(response, scope, send)
        else:
            await _whole(response, send)

    def _door(self, request: Request) -> Response:
        doors: dict[str, Callable[[Request], Any]] = {
            "control": self._control,
            "faults": self._faults,
            "calls": self._calls,
            "clock": self._clock,
            "ready": lambda _: {"name": self.vendor.name, "ready": True, "pid": os.getpid()},
        }
        door = doors.get(request.path[len(_DOOR) :])
        if door is None:
            return json_response(404, {"error": f"No such door: {request.path}. There are {', '.join(doors)}."})
        try:
            return json_response(200, door(request))
        except (ValueError, KeyError, TypeError) as error:
            return json_response(400, {"error": f"{type(error).__name__}: {error}"})

    def _control(self, request: Request) -> Any:
        arguments = dict(request.json())
        return self.vendor.control(str(arguments.pop("verb")), arguments, self.clock.now())

    def _faults(self, request: Request) -> Any:
        if request.method == "DELETE":
            self.vendor.remove(request.params().get("id"))
        elif request.method == "POST":
            asked = request.json()
            return [self.vendor.add(rule) for rule in (asked if isinstance(asked, list) else [asked])]
        return self.vendor.rules()

    def _calls(self, request: Request) -> Any:
        if request.method == "DELETE":
            self.vendor.calls.clear()
        return dict(self.vendor.calls)

    def _clock(self, request: Request) -> Any:
        now = self.clock.now() if request.method == "GET" else self.clock.move(request.json())
        return {"now": now.isoformat()}


def bound_socket(port: int) -> socket.socket:
    """A listening socket on 127.0.0.1, so that the port is known before the server starts."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", port))
    return sock


async def serve(vendor: Faulty, sock: socket.socket, parent: int | None = None) -> None:
    """Serve until SIGTERM or SIGINT, or until the process `parent` is no longer ours."""
    clock = Clock()
    config = uvicorn.Config(
        Application(vendor, clock),
        http=_ClosableProtocol,
        ws="none",
        lifespan="off",
        log_level="error",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
        timeout_keep_alive=75,
    )
    server = uvicorn.Server(config)
    dispatcher = asyncio.create_task(Dispatcher(vendor, clock.now).run())
    watch = asyncio.create_task(_watch_parent(server, parent)) if parent is not None else None
    try:
        await server.serve(sockets=[sock])
    finally:
        for task in (dispatcher, watch):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task


def run(vendor: Faulty, sock: socket.socket, parent: int | None = None) -> None:
    """Serve in this process, on the fastest event loop there is."""
    config = uvicorn.Config(lambda: None, loop="auto")
    factory = config.get_loop_factory()
    with asyncio.Runner(loop_factory=factory) as runner, contextlib.suppress(KeyboardInterrupt):
        runner.run(serve(vendor, sock, parent))


async def _watch_parent(server: uvicorn.Server, parent: int) -> None:
    while os.getppid() == parent:  # noqa: ASYNC110 - nothing tells of a parent's death, it must be looked for
        await asyncio.sleep(0.5)
    server.handle_exit(signal.SIGTERM, None)


def _request(scope: MutableMapping[str, Any], body: bytes) -> Request:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    return Request(
        method=scope["method"],
        path=scope["path"],
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        body=body,
        host=headers.get("host", "127.0.0.1"),
    )


async def _body(receive: Any) -> bytes:
    message = await receive()
    if not message.get("more_body"):
        return bytes(message.get("body", b""))
    parts = [message["body"]]
    size = len(parts[0])
    while message.get("more_body") and size <= BODY_LIMIT:
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
    return b"".join(parts)


async def _whole(response: Response, send: Any) -> None:
    await send({"type": "http.response.start", "status": response.status, "headers": _headers(response)})
    await send({"type": "http.response.body", "body": response.body})


async def _cut(scope: MutableMapping[str, Any], receive: Any) -> None:
    scope["transport"].abort()
    while (await receive())["type"] != "http.disconnect":  # noqa: ASYNC110 - uvicorn offers no event for it
        await asyncio.sleep(0)


async def _truncated(response: Response, scope: MutableMapping[str, Any], send: Any) -> None:
    half = response.body[: len(response.body) // 2]
    await send({"type": "http.response.start", "status": response.status, "headers": _headers(response)})
    await send({"type": "http.response.body", "body": half, "more_body": True})
    scope["transport"].close()


def _headers(response: Response) -> list[tuple[bytes, bytes]]:
    listed = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
    if response.status not in (204, 304):
        listed.append((b"content-length", b"%d" % len(response.body)))
    return listed
