"""The one HTTP door: hosts checked, time and size bounded, what happened told in our errors. Never retries."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

import httpx2

from ml_connector import jsontext
from ml_connector.connectors.wire import NoAnswer, NotSent, NotTrusted, Reply, TooLarge, Wire, distrust
from ml_connector.errors import HostRefused, Transient, UnknownOutcome

MAX_ANSWER_BYTES = 32 * 1024 * 1024  # a page of a thousand journal lines is about 1 MB
CONNECT_TIMEOUT_S = 10.0
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
USER_AGENT = "ml-connector/0.1"
SAFE_METHODS = frozenset({"GET", "HEAD"})
_RENEW = (
    "Whoever runs that host renews the certificate, for this name and with its whole chain; then it goes on by itself. "
    "A proxy of yours that opens traffic must leave this host out."
)
_ALWAYS = {"User-Agent": USER_AGENT, "Accept": "*/*"}


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, read whole. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body with numbers as Decimal (never through a float). Raises ValueError when it is not JSON."""
        return jsontext.parse(self.body)

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Reach:
    """Where calls of one connection may go: the connector's https hosts, or loopback addresses the operator allowed."""

    base_url: str
    hosts: frozenset[str]
    allowed: frozenset[str] = frozenset()  # base URLs (scheme://host:port) allowed on purpose

    def check(self, url: str) -> None:
        """Raise HostRefused unless this URL may be called."""
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin in self.allowed:
            return
        if parts.scheme != "https" or (parts.hostname or "") not in self.hosts:
            raise HostRefused(f"{origin} is not an address this connection may call.", record=self.base_url)


@dataclass(slots=True)
class Meter:
    """Counts calls by operation and hears every answer's headers, so that budgets and tests know what work costs."""

    on_answer: Callable[[str, Answer], None] | None = None
    calls: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, operation: str, answer: Answer | None) -> None:
        with self._lock:
            self.calls[operation] = self.calls.get(operation, 0) + 1
        if answer is not None and self.on_answer is not None:
            self.on_answer(operation, answer)


class Exchange(Protocol):
    """Who carries a request and its whole answer: our own wire, or a transport that was handed in."""

    def send(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None, most: int) -> Reply:
        """Raises NotSent, NoAnswer, TooLarge."""
        ...

    def close(self) -> None: ...


class Http:
    """Calls to one system. Thread-safe; connections are kept open between calls."""

    def __init__(
        self,
        reach: Reach,
        *,
        timeout_s: float = 40.0,
        meter: Meter | None = None,
        transport: httpx2.BaseTransport | None = None,
        to_trust: str = "",
    ) -> None:
        """`to_trust`: what a person may do where this system's certificate is not trusted, beside its renewal."""
        self.reach = reach
        self._to_trust = to_trust
        self.meter = meter or Meter()
        reach.check(reach.base_url)
        self._exchange: Exchange = (
            Wire(timeout_s=timeout_s, connect_timeout_s=CONNECT_TIMEOUT_S)
            if transport is None
            else _Handed(transport, timeout_s)
        )

    def close(self) -> None:
        self._exchange.close()

    def send(
        self,
        method: str,
        path: str,
        *,
        operation: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        content: Any | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """One call. `content` is sent as JSON, `body` as it is; `path` is relative to the base URL, or an allowed URL.

        Raises Transient when surely nothing was sent, UnknownOutcome when a write was sent and no whole answer came
        (reads: Transient). Any status is an answer: the connector's faults table judges it.
        """
        url = path if "://" in path else self.reach.base_url.rstrip("/") + path
        self.reach.check(url)
        given = {**_ALWAYS, **(headers or {})}
        if content is not None:
            body = json.dumps(content, ensure_ascii=False, separators=(",", ":"), default=_number).encode()
            given.setdefault("Content-Type", "application/json")
        if params is not None:
            url = f"{url.partition('?')[0]}?{urlencode(params)}" if params else url.partition("?")[0]
        answer: Answer | None = None
        try:
            answer = self._called(method, url, headers=given, body=body)
        finally:
            self.meter.count(operation, answer)
        return answer

    def _called(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None) -> Answer:
        try:
            return Answer(*self._exchange.send(method, url, headers=headers, body=body, most=MAX_ANSWER_BYTES))
        except NotTrusted as error:
            where = _where(method, url)
            what = f"The certificate of {urlsplit(url).hostname} is not trusted: {error}."
            raise Transient(what, record=where, fix=f"{_RENEW} {self._to_trust}".strip()) from None
        except NotSent as error:
            where = _where(method, url)
            raise Transient(f"No connection for {where}: {error}.", record=where) from None
        except TooLarge:
            where = _where(method, url)
            what = f"The answer to {where} is larger than {MAX_ANSWER_BYTES} bytes."
            raise UnknownOutcome(what, record=where) from None
        except NoAnswer as error:
            where = _where(method, url)
            if method in SAFE_METHODS:
                raise Transient(f"The answer to {where} did not arrive: {error}.", record=where) from None
            raise UnknownOutcome(f"{where} was sent and no whole answer came: {error}.", record=where) from None


class _Handed:
    """A transport of httpx2 that was handed in: the guarded one of shops' own hosts, a test's vendor in process."""

    def __init__(self, transport: httpx2.BaseTransport, timeout_s: float) -> None:
        self._client = httpx2.Client(
            transport=transport,
            timeout=httpx2.Timeout(timeout_s, connect=CONNECT_TIMEOUT_S),
            follow_redirects=False,
            trust_env=False,
        )

    def close(self) -> None:
        self._client.close()

    def send(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None, most: int) -> Reply:
        try:
            with self._client.stream(method, url, headers=headers, content=body) as response:
                read = _bounded(response, most)
                return response.status_code, {k.lower(): v for k, v in response.headers.items()}, read
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            raise distrust(error) or NotSent(type(error).__name__) from error
        except httpx2.HTTPError as error:
            raise NoAnswer(type(error).__name__) from error


def _bounded(response: httpx2.Response, most: int) -> bytes:
    parts, size = [], 0
    for part in response.iter_bytes():
        size += len(part)
        if size > most:
            raise TooLarge
        parts.append(part)
    return b"".join(parts)


def _where(method: str, url: str) -> str:
    return f"{method} {urlsplit(url).path}"


def _number(value: object) -> Any:
    """A Decimal as the JSON number with the same digits.

    More digits than a JSON number keeps are refused, not rounded.
    """
    if isinstance(value, Decimal):
        number = int(value) if value == value.to_integral_value() else float(value)
        if Decimal(repr(number)) != value:
            raise ValueError(f"{value} cannot be sent exactly")
        return number
    raise TypeError(f"{type(value).__name__} cannot be sent as JSON")
