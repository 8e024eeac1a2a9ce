"""Square's status and error code -> our error, as one table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ml_connector.connectors.http import Answer
from ml_connector.errors import Conflict, ConnectorError, NotAuthorized, NotFound, RateLimited, Rejected, Transient

# The code decides before the status: a 200 may carry errors beside its rows.
CODES: Mapping[str, type[ConnectorError]] = {
    "RATE_LIMITED": RateLimited,
    **dict.fromkeys(
        (
            "UNAUTHORIZED",
            "ACCESS_TOKEN_EXPIRED",
            "ACCESS_TOKEN_REVOKED",
            "APPLICATION_DISABLED",
            "FORBIDDEN",
            "INSUFFICIENT_SCOPES",
        ),
        NotAuthorized,
    ),
    **dict.fromkeys(("NOT_FOUND", "GONE"), NotFound),
    **dict.fromkeys(("CONFLICT", "VERSION_MISMATCH"), Conflict),
    **dict.fromkeys(
        (
            "INTERNAL_SERVER_ERROR",
            "SERVICE_UNAVAILABLE",
            "GATEWAY_TIMEOUT",
            "BAD_GATEWAY",
            "REQUEST_TIMEOUT",
            "TEMPORARY_ERROR",
        ),
        Transient,
    ),
}
CATEGORIES: Mapping[str, type[ConnectorError]] = {
    "RATE_LIMIT_ERROR": RateLimited,
    "AUTHENTICATION_ERROR": NotAuthorized,
    "API_ERROR": Transient,
}
STATUSES: Mapping[int, type[ConnectorError]] = {
    401: NotAuthorized,
    403: NotAuthorized,
    404: NotFound,
    408: Transient,
    409: Conflict,
    410: NotFound,
    429: RateLimited,
}
FIXES: Mapping[str, str] = {
    "INSUFFICIENT_SCOPES": "Connect Square again and grant the scope; `ml-connector ping` names it.",
    "FORBIDDEN": "Connect Square again and grant the scope; `ml-connector ping` names it.",
    "ACCESS_TOKEN_REVOKED": "The access was revoked at Square: connect it again.",
    "UNAUTHORIZED": "Check that the token belongs to this environment (sandbox or production), or connect again.",
    "ACCESS_TOKEN_EXPIRED": "Connect Square again; the token could not be renewed.",
}
MAX_WAIT_S = 3600.0


class CursorLost(Exception):
    """Square does not know the page cursor (any more): the walk starts again without it."""


def judged(
    answer: Answer, where: str, *, allowing: frozenset[str] = frozenset(), paging: bool = False
) -> dict[str, Any]:
    """The JSON object of a good answer; otherwise the error it means is raised.

    `allowing` are codes that the caller expects beside rows in a 200. An answer that is no JSON object counts as
    broken on its way: Transient.
    """
    body = _body(answer)
    errors = list(errors_of(body))
    if answer.ok and body is not None and all(error.get("code") in allowing for error in errors):
        return body
    if answer.ok and body is None:
        raise Transient(f"Square's answer to {where} is no JSON object.", record=where)
    if paging and any(error.get("code") == "INVALID_CURSOR" for error in errors):
        raise CursorLost(where)
    raise _error(answer, errors, where)


def errors_of(body: Mapping[str, Any] | None) -> Iterator[Mapping[str, Any]]:
    """The errors a body lists; odd entries are kept as empty ones, so that an error is never overlooked."""
    found = (body or {}).get("errors")
    if found:
        yield from ((one if isinstance(one, dict) else {}) for one in (found if isinstance(found, list) else [found]))


def code_of(answer: Answer) -> str:
    """The first error code of an answer; empty when it has none."""
    for error in errors_of(_body(answer)):
        return str(error.get("code", ""))
    return ""


def _error(answer: Answer, errors: list[Mapping[str, Any]], where: str) -> ConnectorError:
    first = errors[0] if errors else {}
    code = str(first.get("code", ""))
    kind = CODES.get(code) or STATUSES.get(answer.status) or CATEGORIES.get(str(first.get("category", "")))
    if kind is None:
        kind = Rejected if 400 <= answer.status < 500 or answer.ok else Transient
    # `detail` may quote what was sent, ids at most: reads carry no names and no amounts.
    said = " ".join(str(part)[:200] for part in (code, first.get("detail", ""), first.get("field", "")) if part)
    what = f"Square answered {where} with {answer.status}{': ' + said if said else ''}."
    if issubclass(kind, Transient):
        return kind(what, record=where, retry_after_s=_retry_after(answer))
    return kind(what, record=where, fix=FIXES.get(code))


def _retry_after(answer: Answer) -> float | None:
    text = answer.headers.get("retry-after", "").strip()
    return min(float(text), MAX_WAIT_S) if text.isdecimal() and len(text) < 9 else None


def _body(answer: Answer) -> dict[str, Any] | None:
    try:
        read = answer.json()
    except (ValueError, RecursionError, ArithmeticError):
        return None
    return read if isinstance(read, dict) else None
