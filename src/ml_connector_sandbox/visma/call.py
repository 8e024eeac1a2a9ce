"""One API call inside a company, the routes it may take, and the answers it may give."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from ml_connector_sandbox.core.wire import Request, Response
from ml_connector_sandbox.visma.bodies import Body, body_of
from ml_connector_sandbox.visma.company import Company, row_version

if TYPE_CHECKING:
    from ml_connector_sandbox.visma.vendor import Visma

HOSTS = {"api": "https://api.finance.visma.net", "legacy": "https://integration.visma.net/API/controller/api"}

Action = Callable[["Call"], Response]
Subject = Callable[["Call"], int]


@dataclass(slots=True)
class Call:
    """A request that has passed authorization. `now` is the company's own clock, `at` aware UTC."""

    vendor: Visma
    company: Company
    request: Request
    values: dict[str, str]
    query: dict[str, str]
    at: datetime
    now: datetime

    def body(self, shape: str) -> Body:
        """The write body, unwrapped. Raises Malformed."""
        return body_of(shape, self.request.body)

    def flag(self, name: str) -> bool:
        """A boolean query parameter, false when absent."""
        return self.query.get(name, "").lower() == "true"

    def url(self, path: str) -> str:
        """The address of a resource on the host that this company is told."""
        wish = self.company.preferences.location_host
        return HOSTS.get(wish, f"http://{self.request.host}") + path


@dataclass(frozen=True, slots=True)
class Route:
    """One operation. `if_match`: none, sync, or background (checked only with the background header).

    `implicit`: the contract declares only 202, with or without the header. `action`: its answer follows the
    preference `action_answer`.
    """

    method: str
    path: str
    act: Action
    if_match: str = "none"
    subject: Subject | None = None
    implicit: bool = False
    action: bool = False

    @property
    def name(self) -> str:
        """How the operation is counted."""
        return f"{self.method} {self.path}"


class Router:
    """Finds the route of a path, in any casing, with literal parts before placeholders."""

    def __init__(self, routes: list[Route]) -> None:
        self._routes: dict[tuple[str, str, int], list[tuple[list[str], Route]]] = {}
        for route in sorted(routes, key=lambda route: route.path.count("{")):
            parts = route.path.strip("/").split("/")
            key = (route.method, "/".join(parts[:2]).lower(), len(parts))
            self._routes.setdefault(key, []).append((parts[2:], route))

    def find(self, method: str, parts: list[str]) -> tuple[Route, dict[str, str]] | None:
        """The route and its path values."""
        for pattern, route in self._routes.get((method, "/".join(parts[:2]).lower(), len(parts)), ()):
            values = _values(pattern, parts[2:])
            if values is not None:
                return route, values
        return None

    def methods(self, parts: list[str]) -> list[str]:
        """The methods this path knows."""
        return [method for method in ("GET", "POST", "PUT", "DELETE") if self.find(method, parts)]


def _values(pattern: list[str], parts: list[str]) -> dict[str, str] | None:
    values: dict[str, str] = {}
    for wanted, part in zip(pattern, parts, strict=True):
        if wanted[0] == "{":
            values[wanted[1:-1]] = plain_key(part)
        elif wanted.lower() != part.lower():
            return None
    return values


def plain_key(part: str) -> str:
    """A path value, decoded where it was written as `b64(...)`."""
    if not (part.startswith("b64(") and part.endswith(")")):
        return part
    inner = part[4:-1]
    try:
        return base64.urlsafe_b64decode(inner + "=" * (-len(inner) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return part


def ok(content: Any, *, stamp: int | None = None) -> Response:
    """200 with JSON, and the ETag when one thing was read."""
    headers = (("Content-Type", "application/json; charset=utf-8"),)
    return Response(200, as_json(content), headers if stamp is None else (*headers, etag(stamp)))


def listed(rows: list[dict[str, Any]]) -> Response:
    """200 with a list of thousands of parts, which hold nothing but what JSON itself knows: amounts are doubles."""
    return Response(200, msgspec.json.encode(rows), (("Content-Type", "application/json; charset=utf-8"),))


def created(call: Call, path: str, stamp: int | None) -> Response:
    """201, empty, with the new key at the end of `Location`."""
    headers = (("Location", call.url(path)),)
    return Response(201, b"", headers if stamp is None else (*headers, etag(stamp)))


def no_content(stamp: int | None = None) -> Response:
    """204; only the synchronous group tells its new ETag."""
    return Response(204, b"", () if stamp is None else (etag(stamp),))


def action_result(call: Call, **more: Any) -> Response:
    """200 with the result of an action."""
    return ok({**more, "actionId": call.company.guid(), "actionResult": "Done", "errorInfo": ""})


def etag(stamp: int) -> tuple[str, str]:
    """The header of a row version."""
    return "ETag", f'"{row_version(stamp)}"'


def as_json(content: Any) -> bytes:
    """JSON as this vendor writes it: amounts are doubles, dates have no zone."""
    return json.dumps(
        content, ensure_ascii=False, check_circular=False, separators=(",", ":"), default=_wire_value
    ).encode()


def _wire_value(value: object) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        return moment(value)
    raise TypeError(f"{type(value).__name__} has no form on the wire")


def moment(value: datetime) -> str:
    """A date-time as it is read: milliseconds only where there are any."""
    return value.isoformat(timespec="milliseconds") if value.microsecond else value.isoformat(timespec="seconds")
