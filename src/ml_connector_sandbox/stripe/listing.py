"""List answers: newest first, cursors that are object ids, time filters."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ml_connector_sandbox.stripe.calls import Call
from ml_connector_sandbox.stripe.refusals import Json, malformed, missing
from ml_connector_sandbox.stripe.shelves import Shelf

PAGING = {"limit": "int", "starting_after": "id", "ending_before": "id", "expand": ["id"]}
TIMED = PAGING | {"created": "range"}

Keep = Callable[[Json], bool]


def page(call: Call, shelf: Shelf, *, within: tuple[str, str | None] | None = None, keep: Keep | None = None) -> Json:
    """One page of a shelf. `within` narrows to an index (field, value); `keep` filters the rest."""
    limit = limit_of(call)
    lo, hi = bounds(call.params.get("created"))
    before, after = _cursor(call, shelf, "starting_after"), _cursor(call, shelf, "ending_before")
    index = (within[0], within[1]) if within and within[1] is not None else None
    walk = shelf.walk(within=index, lo=lo, hi=hi, before=before, after=after, forward=after is not None)
    rows: list[Json] = []
    more = False
    for row in walk:
        if keep is not None and not keep(row):
            continue
        if len(rows) == limit:
            more = True
            break
        rows.append(row)
    if after is not None:
        rows.reverse()
    return listed(call, [call.show(row) for row in rows], more=more)


def listed(call: Call, rows: list[Json], *, more: bool) -> Json:
    """The list object around rows that are ready for the wire."""
    return {"object": "list", "data": rows, "has_more": more, "url": call.path}


def page_of(call: Call, rows: list[Json]) -> Json:
    """One page of a short list in its own order, such as the lines of an invoice."""
    limit = limit_of(call)
    ids = [row["id"] for row in rows]
    start, stop = 0, len(rows)
    for name in ("starting_after", "ending_before"):
        key = call.params.get(name)
        if key is not None and key not in ids:
            raise missing("line item", key, param=name, status=400)
    if call.params.get("starting_after"):
        start = ids.index(call.params["starting_after"]) + 1
    if call.params.get("ending_before"):
        stop = ids.index(call.params["ending_before"])
        start = max(start, stop - limit)
        return listed(call, rows[start:stop], more=start > 0)
    return listed(call, rows[start : start + limit], more=start + limit < stop)


def bounds(span: Json | None) -> tuple[int, int]:
    """The first and last second a time filter lets through."""
    lo, hi = 0, 1 << 62
    for name, moment in (span or {}).items():
        if name in {"gt", "gte"}:
            lo = max(lo, moment + (name == "gt"))
        else:
            hi = min(hi, moment - (name == "lt"))
    return lo, hi


def inside(moment: int | None, span: Json | None) -> bool:
    """Whether a moment passes a time filter; without a filter all do."""
    lo, hi = bounds(span)
    return span is None or (moment is not None and lo <= moment <= hi)


def equal(params: Json, *fields: str) -> Keep:
    """Keeps rows whose fields equal the parameters of the same name that were given."""
    wanted: Iterable[tuple[str, Any]] = [(f, params[f]) for f in fields if params.get(f) is not None]
    return lambda row: all(row.get(field) == value for field, value in wanted)


def limit_of(call: Call) -> int:
    """1 to 100, usually 10."""
    limit = call.params.get("limit")
    if limit is not None and not 1 <= limit <= 100:
        text = f"This value must be {'less than or equal to 100' if limit > 100 else 'greater than or equal to 1'}."
        raise malformed(text, code="parameter_invalid_integer", param="limit")
    return 10 if limit is None else int(limit)


def _cursor(call: Call, shelf: Shelf, name: str) -> Any:
    key = call.params.get(name)
    if key is None:
        return None
    if name == "ending_before" and call.params.get("starting_after"):
        raise malformed("You may only specify one of these parameters: ending_before, starting_after.")
    place = shelf.place(key)
    if place is None:
        raise missing("object", key, param=name, status=400)
    return place
