"""The values that travel between a pretend vendor and whoever calls it: a server over HTTP, or a test in process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request as received. `path` is percent-decoded, `headers` have lower-case names."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    host: str = "127.0.0.1"  # what the caller wrote in Host, so that answers can name themselves

    def params(self) -> dict[str, str]:
        """The query parameters; the last of a repeated name counts."""
        return dict(parse_qsl(self.query, keep_blank_values=True))

    def json(self) -> Any:
        """The body as JSON. Raises ValueError when it is not."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP answer. `delay_s` holds it back; `cut` closes the connection without a byte; `truncate` sends half."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    delay_s: float = 0.0
    cut: bool = False
    truncate: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook that is due: where it goes, signed and complete."""

    id: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Vendor(Protocol):
    """A pretend vendor: everything it knows is inside, time comes from the caller (aware UTC)."""

    name: str

    def answer(self, request: Request, at: datetime) -> Response:
        """Answer one vendor API request, changing the vendor's state as the real one would."""
        ...

    def control(self, verb: str, arguments: dict[str, Any], at: datetime) -> Any:
        """Do what no API can: seed, play a business day, close a period, read the books.

        Raises ValueError when asked nonsense.
        """
        ...

    def operation(self, request: Request) -> str:
        """The name under which this request is counted, such as `POST /v2/journaltransaction`."""
        ...

    def deliveries(self, at: datetime) -> list[Delivery]:
        """Take the webhooks that are due now; each is returned once per attempt."""
        ...

    def delivered(self, delivery: Delivery, status: int | None, at: datetime) -> None:
        """Tell how an attempt ended (None: no answer), so that the vendor can plan the next one."""
        ...


def json_response(status: int, content: Any, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    """An answer with a JSON body."""
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(status, body, (("Content-Type", "application/json; charset=utf-8"), *headers))


def segments(path: str) -> list[str]:
    """The parts of a path, without empty ones."""
    return [unquote(part) for part in path.split("/") if part]
