"""Lists: filters by date, order, pages and the headers that go with them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ml_connector_sandbox.woocommerce import php, times
from ml_connector_sandbox.woocommerce.calls import Answer, Call
from ml_connector_sandbox.woocommerce.shown import link

_HIDDEN = ("oauth_", "consumer_")


@dataclass(frozen=True, slots=True)
class Bounds:
    """Date filters as instants, all strictly exclusive."""

    after: int | None = None
    before: int | None = None
    modified_after: int | None = None
    modified_before: int | None = None

    def keep(self, created: int, modified: int) -> bool:
        """Whether something lies inside."""
        return _inside(created, self.after, self.before) and _inside(
            modified, self.modified_after, self.modified_before
        )


def _inside(stamp: int, low: int | None, high: int | None) -> bool:
    return (low is None or stamp > low) and (high is None or stamp < high)


def bounds(call: Call) -> Bounds:
    """The date filters of a call, read as the shop reads them."""
    gmt = bool(call.params.get("dates_are_gmt")) and call.store.knobs.knows_dates_are_gmt
    names = ("after", "before", "modified_after", "modified_before")
    return Bounds(
        *(times.bound(call.params[n], call.store.zone, gmt=gmt) if call.params.get(n) else None for n in names)
    )


def shuffled(number: int) -> int:
    """A tie-breaker that is stable but follows no id: equal seconds have no promised order."""
    return int.from_bytes(hashlib.blake2b(number.to_bytes(8, "big"), digest_size=6).digest(), "big")


def paged(call: Call, rows: Sequence[Any], render: Callable[[Any], Any], *, total_past_end: bool = True) -> Answer:
    """One page of rows that are filtered and sorted already."""
    start, size = window(call)
    return answer(call, [render(row) for row in rows[start : start + size]], len(rows), total_past_end=total_past_end)


def window(call: Call) -> tuple[int, int]:
    """Where the page starts, and its size."""
    size = int(call.params.get("per_page", 10))
    offset = call.params.get("offset")
    return (int(offset) if offset is not None else (int(call.params.get("page", 1)) - 1) * size), size


def answer(call: Call, shown: list[Any], total: int, *, total_past_end: bool = True) -> Answer:
    """A list with its paging headers."""
    if not shown and not total_past_end and window(call)[0] > 0:
        total = 0
    size = int(call.params.get("per_page", 10))
    pages = -(-total // size)
    page = int(call.params.get("page", 1))
    if not call.store.knobs.paging_headers:
        return Answer(shown)
    links = []
    if page > 1:
        links.append(f'<{_address(call, min(page - 1, max(pages, 1)))}>; rel="prev"')
    if pages > page:
        links.append(f'<{_address(call, page + 1)}>; rel="next"')
    headers = [("X-WP-Total", str(total)), ("X-WP-TotalPages", str(pages))]
    return Answer(shown, headers=(*headers, *([("Link", ", ".join(links))] if links else [])))


def _address(call: Call, page: int) -> str:
    path = call.request.path.partition("/wp-json/wc/v3")[2]
    kept = {name: value for name, value in call.query.items() if not name.startswith(_HIDDEN) and name != "page"}
    for name in ("status", "dp", "context"):
        if name in call.params and name not in kept:
            kept[name] = call.params[name]
    pairs = [pair for name, value in [*kept.items(), ("page", str(page))] for pair in _pairs(name, value)]
    return f"{link(call.store, path)}?{'&'.join(pairs)}"


def _pairs(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        entries = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in entries:
            yield from _pairs(f"{name}[{key}]", inner)
    else:
        yield f"{php.raw_encode(name)}={php.raw_encode(str(value))}"


def in_order(call: Call, rows: Iterable[Any], key: Callable[[Any], Any]) -> list[Any]:
    """Rows sorted by key in the direction asked for."""
    return sorted(rows, key=key, reverse=call.params.get("order") == "desc")


def picked(call: Call, number: int) -> bool:
    """Whether include and exclude let a row pass."""
    include, exclude = call.params.get("include"), call.params.get("exclude")
    return (not include or number in include) and not (exclude and number in exclude)
