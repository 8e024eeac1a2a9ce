"""One API call as an endpoint sees it: who calls, the checked query, the body, and how listings are paged."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ml_connector_sandbox.basware import refusals
from ml_connector_sandbox.basware.refusals import Fault, Refused, bad
from ml_connector_sandbox.basware.state import Client, Page, Tenant, World
from ml_connector_sandbox.basware.times import read
from ml_connector_sandbox.core.wire import Request

BODY_LIMIT = 6 * 1024 * 1024
TOKEN = "x-amz-meta-continuationtoken"
_PAGES_KEPT = 10_000  # listings that may be gone on with at a time


@dataclass(slots=True)
class Call:
    """An authenticated call. `request_id` is what x-amzn-RequestId will say."""

    world: World
    request: Request
    request_id: str
    now: int
    client: Client
    tenant: Tenant
    args: dict[str, str]
    query: dict[str, str] = field(default_factory=dict)
    body: Any = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What an endpoint gives back: a status and JSON content (None: no body), more headers."""

    content: Any
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


def read_body(request: Request) -> Any:
    """The JSON of a request, numbers exact. Refused 400, or 413 above 6 MB."""
    if len(request.body) > BODY_LIMIT:
        raise Refused(413, Fault(refusals.PARAMETER, f"The body has {len(request.body)} bytes; {BODY_LIMIT} fit."))
    if not request.headers.get("content-type", "").lower().startswith("application/json"):
        raise bad(refusals.PARAMETER, "The Content-Type must be application/json.")
    try:
        return json.loads(request.body, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise bad(refusals.SCHEMA, "The body is not well-formed JSON.") from None


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def read_query(request: Request, allowed: tuple[str, ...]) -> dict[str, str]:
    """The query; names are taken as written. Refused when one is not known: a misspelt filter shall not pass."""
    query = request.params() if request.query else {}
    unknown = query.keys() - set(allowed)
    if unknown:
        raise bad(refusals.PARAMETER, f"The query parameter {min(unknown)} is not known.")
    return query


def page_size(call: Call, default: int, most: int) -> int:
    """The page's size, from 1 to its maximum."""
    asked = call.query.get("pageSize", str(default))
    if not asked.isascii() or not asked.isdigit() or not 1 <= int(asked) <= most:
        raise bad(refusals.PARAMETER, f"pageSize must be from 1 to {most}.")
    return int(asked)


def since(call: Call) -> int:
    """The instant of lastUpdated, or one before everything."""
    if "lastUpdated" not in call.query:
        return -1
    try:
        return read(call.query["lastUpdated"].replace(" ", "+"))
    except ValueError as error:
        raise bad(refusals.PARAMETER, f"lastUpdated: {error}") from None


def flag(call: Call, name: str) -> bool:
    """`true` or `false` of the query, false when absent."""
    asked = call.query.get(name, "false").lower()
    if asked not in ("true", "false"):
        raise bad(refusals.PARAMETER, f"{name} must be true or false.")
    return asked == "true"


def choice(call: Call, name: str, allowed: tuple[str, ...]) -> str | None:
    """A value of the query that must be one of a list."""
    asked = call.query.get(name)
    if asked is not None and asked not in allowed:
        raise bad(refusals.PARAMETER, f"{name} must be one of {', '.join(allowed)}.")
    return asked


def paged(
    call: Call, found: Callable[[], list[str]], size: int, *, weigh: Callable[[str], int] | None = None, most: int = 0
) -> tuple[list[str], str]:
    """The keys of this page and the token of the next ("" at the end). 404 when there is nothing.

    The keys are those of the first page's moment. `weigh` and `most` shorten pages of heavy things. A token goes with
    the very same query, else it is refused.
    """
    question = f"{call.tenant.id} {call.request.path}?{'&'.join(f'{k}={v}' for k, v in sorted(call.query.items()))}"
    given = call.request.headers.get(TOKEN)
    if given is None:
        left = found()
    else:
        page = call.world.pages.get(given)
        if page is None or page.question != question:
            raise bad(refusals.PARAMETER, "The continuation token does not belong to this query.")
        left = page.left
    if not left:
        raise Refused(404)
    taken = size if weigh is None else min(size, _fitting(left, weigh, most))
    if len(left) <= taken:
        return left, ""
    token = call.world.mint.uuid()
    if len(call.world.pages) >= _PAGES_KEPT:
        del call.world.pages[next(iter(call.world.pages))]
    call.world.pages[token] = Page(question, left[taken:])
    return left[:taken], token


def _fitting(keys: list[str], weigh: Callable[[str], int], most: int) -> int:
    weight = 0
    for n, key in enumerate(keys):
        weight += weigh(key)
        if weight > most and n > 0:
            return n
    return len(keys)


def token_header(token: str) -> tuple[tuple[str, str], ...]:
    """The header that says where a listing goes on."""
    return ((TOKEN, token),) if token else ()
