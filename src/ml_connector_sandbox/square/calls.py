"""One API call as an endpoint sees it: who calls, what was asked, checked against the fields the endpoint knows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ml_connector_sandbox.core.wire import Request
from ml_connector_sandbox.square import cursors
from ml_connector_sandbox.square.faults import Json, bad
from ml_connector_sandbox.square.shelves import FIRST, LAST, Field, Key, Row, Shelf
from ml_connector_sandbox.square.state import Application, Merchant, Token, World
from ml_connector_sandbox.square.times import parse

Answer = Json | str  # a string is JSON already

# What a body field may be: a type name, a nested shape, or a list of one of these in a one-element list.
Shape = Mapping[str, Any]

_TYPES: dict[str, tuple[tuple[type, ...], str]] = {
    "str": ((str,), "EXPECTED_STRING"),
    "int": ((int,), "EXPECTED_INTEGER"),
    "bool": ((bool,), "EXPECTED_BOOLEAN"),
    "map": ((dict,), "EXPECTED_OBJECT"),
}


@dataclass(slots=True)
class Call:
    """An authenticated call."""

    world: World
    request: Request
    now: int
    token: Token
    merchant: Merchant
    app: Application
    args: dict[str, str]
    query: dict[str, str] = field(default_factory=dict)
    body: Json = field(default_factory=dict)


def read_body(request: Request, shape: Shape | None) -> Json:
    """The JSON object of a request, every field known. An endpoint without shape takes an empty body or `{}`."""
    if not request.body and shape is None:
        return {}
    if shape is not None and request.body and "json" not in request.headers.get("content-type", "application/json"):
        raise bad("INVALID_CONTENT_TYPE", "Expected content type application/json.")
    try:
        body = json.loads(request.body or b"{}")
    except ValueError:
        raise bad("EXPECTED_JSON_BODY", "The request body is not JSON.") from None
    if not isinstance(body, dict):
        raise bad("EXPECTED_OBJECT", "The request body is not a JSON object.")
    check_shape(body, shape or {}, "")
    return body


def check_shape(body: Json, shape: Shape, path: str) -> None:
    """Refuse unknown fields and wrong types; null stands for absent."""
    for name, value in body.items():
        where = f"{path}{name}"
        if name not in shape:
            raise bad("UNKNOWN_BODY_PARAMETER", f"The field named '{name}' is unrecognized.", field=where)
        if value is not None:
            _check_value(value, shape[name], where)


def _check_value(value: Any, wanted: Any, where: str) -> None:
    if isinstance(wanted, list):
        if not isinstance(value, list):
            raise bad("EXPECTED_ARRAY", f"Expected an array for `{where}`.", field=where)
        for n, item in enumerate(value):
            _check_value(item, wanted[0], f"{where}[{n}]")
    elif isinstance(wanted, str):
        types, code = _TYPES[wanted]
        if not isinstance(value, types) or (wanted == "int" and isinstance(value, bool)):
            raise bad(code, f"Wrong type for `{where}`.", field=where)
    elif not isinstance(value, dict):
        raise bad("EXPECTED_OBJECT", f"Expected an object for `{where}`.", field=where)
    else:
        check_shape(value, wanted, f"{where}.")


def need(body: Json, name: str) -> Any:
    """A field that must be there."""
    if body.get(name) in (None, "", []):
        raise bad("MISSING_REQUIRED_PARAMETER", f"Field `{name}` is required.", field=name)
    return body[name]


def time_range(holder: Mapping[str, Any], begin: str, end: str) -> tuple[int | None, int | None]:
    """Two optional instants, in order. Refused with INVALID_TIME or INVALID_TIME_RANGE."""
    lo = parse(holder[begin], begin) if holder.get(begin) else None
    hi = parse(holder[end], end) if holder.get(end) else None
    if lo is not None and hi is not None and lo > hi:
        raise bad("INVALID_TIME_RANGE", f"{begin} is after {end}.", field=begin)
    return lo, hi


def choice(value: str | None, allowed: tuple[str, ...], name: str, *, default: str) -> str:
    """One of an enum's values."""
    if value is None:
        return default
    if value not in allowed:
        code = "INVALID_SORT_ORDER" if name.endswith("sort_order") else "INVALID_ENUM_VALUE"
        raise bad(code, f"`{value}` is not one of {', '.join(allowed)}.", field=name)
    return value


def limit_of(value: Any, *, default: int, top: int, strict: bool) -> int:
    """A page size. Above the top it is refused where Square refuses (`strict`), else the top counts."""
    if value in (None, ""):
        return default
    try:
        limit = int(value)
    except ValueError:
        raise bad("EXPECTED_INTEGER", "Expected an integer for `limit`.", field="limit") from None
    if limit < 1:
        raise bad("VALUE_TOO_LOW", "`limit` must be at least 1.", field="limit")
    if limit > top and strict:
        raise bad("VALUE_TOO_HIGH", f"`limit` must be at most {top}.", field="limit")
    return min(limit, top)


@dataclass(slots=True)
class Walk:
    """A way through a shelf: by which time, where, within which bounds, in which direction, what is kept."""

    field: Field
    locations: tuple[str, ...]
    lo: int | None = None
    hi: int | None = None
    descending: bool = True
    keep: Callable[[Row], bool] | None = None


def page(
    call: Call,
    shelf: Shelf,
    *,
    name: str,
    walk: Walk,
    limit: int,
    render: Callable[[Row], str] | None = None,
) -> str:
    """One page of a walk as JSON text, with a cursor when more follows."""
    asked, cursor = _identity(call)
    lo: Key = FIRST if walk.lo is None else (walk.lo, "")
    hi: Key = LAST if walk.hi is None else (walk.hi + 1, "")
    after: Key | None = None
    if cursor:
        us, key, top = cursors.unseal(cursor, asked, call.now)
        after, hi = (us, key), min(hi, (top, ""))
        lo, hi = (lo, min(hi, after)) if walk.descending else (max(lo, after), hi)
        top_us = top
    else:
        top_us = hi[0]
    rows = shelf.walk(walk.field, walk.locations, lo=lo, hi=hi, descending=walk.descending)
    knobs, mint = call.world.knobs, call.world.mint
    if cursor and mint.chance(knobs.empty_pages) and after:
        return _close(name, [], cursors.seal(asked, [*after, top_us], call.now))
    size = max(1, limit // 2) if mint.chance(knobs.short_pages) else limit
    newest = call.now - round(knobs.list_lag_s * 1_000_000)
    rows = (row for row in rows if row.updated <= newest) if knobs.list_lag_s else rows
    texts, last, more = _fill(rows, walk, after=after, size=size, render=render)
    return _close(name, texts, cursors.seal(asked, [*last, top_us], call.now) if more and last else "")


def _fill(
    rows: Iterator[Row], walk: Walk, *, after: Key | None, size: int, render: Callable[[Row], str] | None
) -> tuple[list[str], Key | None, bool]:
    texts: list[str] = []
    last: Key | None = None
    for row in rows:
        key = (getattr(row, walk.field), row.id)
        if key == after or (walk.keep and not walk.keep(row)):
            continue
        if len(texts) == size:
            return texts, last, True
        texts.append(render(row) if render else row.text())
        last = key
    return texts, last, False


def page_of_list(call: Call, texts: list[str], *, name: str, limit: int) -> str:
    """One page of something kept as a list, by position."""
    asked, cursor = _identity(call)
    start = int(cursors.unseal(cursor, asked, call.now)[0]) if cursor else 0
    stop = start + limit
    return _close(name, texts[start:stop], cursors.seal(asked, [stop], call.now) if stop < len(texts) else "")


def position(call: Call) -> int:
    """Where a walk by position stands."""
    asked, cursor = _identity(call)
    return int(cursors.unseal(cursor, asked, call.now)[0]) if cursor else 0


def page_from(call: Call, texts: list[str], *, name: str, next_position: int | None) -> str:
    """One page whose texts the caller picked by `position`."""
    asked, _ = _identity(call)
    cursor = cursors.seal(asked, [next_position], call.now) if next_position is not None else ""
    return _close(name, texts, cursor)


def _identity(call: Call) -> tuple[Any, str]:
    """(everything of the question but the cursor, the cursor)."""
    query = {k: v for k, v in call.query.items() if k != "cursor"}
    body = {k: v for k, v in call.body.items() if k != "cursor"}
    asked = [call.request.path, call.merchant.id, query, body]
    return asked, str(call.query.get("cursor") or call.body.get("cursor") or "")


def _close(name: str, texts: list[str], cursor: str) -> str:
    if not texts and not cursor:
        return "{}"  # Square leaves an empty list out
    tail = f',"cursor":"{cursor}"' if cursor else ""
    return f'{{"{name}":[{",".join(texts)}]{tail}}}'
