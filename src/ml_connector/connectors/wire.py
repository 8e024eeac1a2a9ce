"""HTTP/1.1 over kept connections, by the standard library.

A third of the processor time of the client it stands in for (`python -m bench end_to_end`, mode `per_record`, is two
such calls a payment).

It knows addresses, bytes and time; what may be called and what an error means is for `connectors.http`. It follows no
redirect, reads no proxy from the environment and never sends anything twice.
"""

from __future__ import annotations

import select
import socket
import ssl
import threading
import time
import zlib
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import SplitResult, quote, urlsplit

import httpx2

from ml_connector.errors import UsageError

CONNECTIONS = 16
# A server closes what stays idle; a request that meets the closing has an unknown outcome. Most wait far longer.
IDLE_S = 5.0
_PIECE = 256 * 1024
_AS_WRITTEN = "/%:@!$&'()*+,;=~-._"  # what a path may hold beside letters and digits (RFC 3986, 3.3)
_GZIP = {"gzip", "x-gzip"}

Reply = tuple[int, dict[str, str], bytes]
"""Status, headers with names in lower case, the whole body."""


class NotSent(Exception):
    """Surely no byte of the request left: no connection, none free."""


class NotTrusted(NotSent):
    """The other side's certificate proves nothing; the text says why."""


class NoAnswer(Exception):
    """The request, or a part of it, was sent, and no whole answer came."""


class TooLarge(Exception):
    """The answer is larger than was allowed; its request was carried out."""


class Wire:
    """Connections to any address, kept while they are young. Safe between threads."""

    def __init__(self, *, timeout_s: float, connect_timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._connect_timeout_s = connect_timeout_s
        self._free = threading.BoundedSemaphore(CONNECTIONS)
        self._lock = threading.Lock()
        self._idle: dict[str, deque[tuple[float, HTTPConnection]]] = {}
        self._tls: ssl.SSLContext | None = None

    def send(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None, most: int) -> Reply:
        """One request and its whole answer of at most `most` bytes.

        Raises NotSent, NoAnswer, TooLarge; UsageError for what HTTP cannot say.
        """
        parts = urlsplit(url)
        if not self._free.acquire(timeout=self._connect_timeout_s):
            raise NotSent("every connection stayed in use")
        try:
            return self._exchange(method, parts, headers=headers, body=body, most=most)
        finally:
            self._free.release()

    def close(self) -> None:
        """Close what is kept; what is in use is closed by who uses it."""
        with self._lock:
            kept = [connection for several in self._idle.values() for _, connection in several]
            self._idle.clear()
        for connection in kept:
            connection.close()

    def _exchange(
        self, method: str, parts: SplitResult, *, headers: Mapping[str, str], body: bytes | None, most: int
    ) -> Reply:
        origin = f"{parts.scheme}://{parts.netloc}"
        request = _request(method, parts, headers=headers, body=body)
        connection = self._kept(origin) or self._connected(parts)
        try:
            with _answering():
                connection.sock.sendall(request)
                answer = HTTPResponse(connection.sock, method=method)
                answer.begin()
                if answer.status < 200:  # a hint ahead of the answer: the answer itself would be taken for the next one
                    raise HTTPException(f"status {answer.status}")
                reply = answer.status, _headers(answer), _body(answer, most)
        except BaseException:
            connection.close()
            raise
        if answer.will_close:
            connection.close()
        else:
            self._keep(origin, connection)
        return reply

    def _kept(self, origin: str) -> HTTPConnection | None:
        """The connection used last that is still open, as far as can be seen without asking."""
        while True:
            with self._lock:
                several = self._idle.get(origin)
                if not several:
                    return None
                since, connection = several.pop()
            if time.monotonic() - since < IDLE_S and not _has_something_to_read(connection.sock):
                return connection
            connection.close()

    def _keep(self, origin: str, connection: HTTPConnection) -> None:
        with self._lock:
            self._idle.setdefault(origin, deque()).append((time.monotonic(), connection))

    def _connected(self, parts: SplitResult) -> HTTPConnection:
        connection = self._opened(parts)
        try:
            connection.connect()
        except (OSError, UnicodeError) as error:  # UnicodeError: a name that cannot be one
            connection.close()
            raise distrust(error) or NotSent(type(error).__name__) from error
        connection.sock.settimeout(self._timeout_s)
        return connection

    def _opened(self, parts: SplitResult) -> HTTPConnection:
        host, port = parts.hostname or "", parts.port
        if parts.scheme == "https":
            return HTTPSConnection(host, port, timeout=self._connect_timeout_s, context=self._trusting())
        return HTTPConnection(host, port, timeout=self._connect_timeout_s)

    def _trusting(self) -> ssl.SSLContext:
        """Certificates checked against the authorities that httpx2 trusts; made once, for it reads a large file."""
        with self._lock:
            if self._tls is None:
                self._tls = httpx2.create_ssl_context(trust_env=False)
                self._tls.set_alpn_protocols(["http/1.1"])
            return self._tls


def distrust(error: BaseException | None) -> NotTrusted | None:
    """Why a certificate was not trusted, where that is what an error comes from."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return NotTrusted(error.verify_message.strip().rstrip("."))
        error = error.__cause__ or error.__context__
    return None


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except (OSError, HTTPException, zlib.error) as error:
        raise NoAnswer(type(error).__name__) from error


def _request(method: str, parts: SplitResult, *, headers: Mapping[str, str], body: bytes | None) -> bytes:
    """The request in one piece: one call of the kernel, one packet. Raises UsageError for what HTTP cannot say."""
    host = parts.netloc.rpartition("@")[2]
    lines = [f"{method} {_target(parts)} HTTP/1.1", f"Host: {host}", "Accept-Encoding: gzip"]
    if body is not None or method not in ("GET", "HEAD"):
        lines.append(f"Content-Length: {len(body or b'')}")
    lines += [f"{name}: {value}" for name, value in headers.items()]
    head = "\r\n".join([*lines, "", ""])
    if head.count("\r") != len(lines) + 1 or head.count("\n") != len(lines) + 1 or not head.isascii() or "\0" in head:
        raise UsageError("The request cannot be written: a header is no line of ASCII.", record=parts.path)
    return head.encode("ascii") + (body or b"")


def _target(parts: SplitResult) -> str:
    path = quote(parts.path or "/", safe=_AS_WRITTEN)
    return f"{path}?{quote(parts.query, safe=_AS_WRITTEN + '?')}" if parts.query else path


def _headers(answer: HTTPResponse) -> dict[str, str]:
    """The headers by their lower-case names; one that came twice is joined by a comma (RFC 9110, 5.2)."""
    found: dict[str, str] = {}
    for name, value in answer.headers.items():
        key = name.lower()
        found[key] = f"{found[key]}, {value}" if key in found else value
    return found


def _body(answer: HTTPResponse, most: int) -> bytes:
    if answer.length is not None and answer.length > most:
        raise TooLarge
    body = answer.read() if answer.length is not None else _until_end(answer, most)
    coding = (answer.headers.get("Content-Encoding") or "identity").strip().lower()
    if coding in _GZIP and body:
        return _unzipped(body, most)
    if coding != "identity" and coding not in _GZIP:
        raise HTTPException(f"coding {coding}")
    return body


def _until_end(answer: HTTPResponse, most: int) -> bytes:
    """A body whose length nobody told before."""
    parts, size = [], 0
    while part := answer.read(_PIECE):
        size += len(part)
        if size > most:
            raise TooLarge
        parts.append(part)
    return b"".join(parts)


def _unzipped(body: bytes, most: int) -> bytes:
    """A gzip body, never unpacked beyond `most`: a kilobyte can hold a gigabyte."""
    parts, left = [], most
    while body:
        stream = zlib.decompressobj(31)
        parts.append(stream.decompress(body, left + 1))
        left -= len(parts[-1])
        if left < 0:
            raise TooLarge
        if not stream.eof:
            raise HTTPException("gzip ends early")
        body = stream.unused_data
    return b"".join(parts)


def _has_something_to_read(sock: socket.socket | None) -> bool:
    """Between two requests there is nothing to read but the end: the server has closed the connection."""
    if sock is None:
        return True
    look = select.poll()
    look.register(sock, select.POLLIN)
    return bool(look.poll(0))
