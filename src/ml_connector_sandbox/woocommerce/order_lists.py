"""Pages of orders, real and bulk ones together, without building what the page does not show."""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any

from ml_connector_sandbox.woocommerce import bulk, listing
from ml_connector_sandbox.woocommerce.calls import Call
from ml_connector_sandbox.woocommerce.state import Order, Store

Keep = Callable[[Order], bool]
Key = tuple[int, int]  # (what is sorted by, id)


def page(call: Call, keep: Keep) -> tuple[list[Order], int]:
    """The orders of the page asked for, and how many there are in all."""
    field = {"modified": "modified", "date": "created"}.get(str(call.params.get("orderby", "date")), "id")
    down = call.params.get("order", "desc") == "desc"
    limits = listing.bounds(call)
    own = [o for o in call.store.orders.values() if limits.keep(o.created, o.modified) and keep(o)]
    own.sort(key=lambda o: (getattr(o, field), listing.shuffled(o.id)), reverse=down)
    runs = [(block, run) for block in call.store.blocks if (run := _run(call, block, limits, keep))]
    keys = [(int(getattr(o, field)), o.id) for o in own]
    start, size = listing.window(call)
    if len(runs) == 1:
        chosen = _between(keys, *runs[0], by_id=field == "id", down=down, window=(start, start + size))
    else:
        sides = [iter(keys), *(_keys(*run, by_id=field == "id", down=down) for run in runs)]
        merged = heapq.merge(*sides, key=lambda key: key[0], reverse=down)
        chosen = [number for _, number in islice(merged, start, start + size)]
    return [_row(call.store, number) for number in chosen], len(own) + sum(len(run) for _, run in runs)


def _row(store: Store, order_id: int) -> Order:
    return store.orders.get(order_id) or bulk.build(store, *_place(store, order_id))


def _place(store: Store, order_id: int) -> tuple[bulk.Block, int]:
    block = next(b for b in store.blocks if b.first <= order_id < b.first + b.n)
    return block, order_id - block.first


def _keys(block: bulk.Block, run: Sequence[int], *, by_id: bool, down: bool) -> Iterable[Key]:
    ordered = run[::-1] if down else run
    return ((i if by_id else block.created(i - block.first), i) for i in ordered)


def _between(
    own: list[Key], block: bulk.Block, run: Sequence[int], *, by_id: bool, down: bool, window: tuple[int, int]
) -> list[int]:
    """Ids of a window where a few own orders stand among the many of one block: by position, not by walking."""

    def place(key: Any) -> int:
        return int(key) if by_id else block.created(key - block.first)

    ahead = [
        len(run) - bisect_right(run, value, key=place) if down else bisect_left(run, value, key=place)
        for value, _ in own
    ]
    positions = {ahead[n] + n: number for n, (_, number) in enumerate(own)}
    before = sum(position < window[0] for position in positions)
    chosen: list[int] = []
    for position in range(*window):
        if position in positions:
            chosen.append(positions[position])
            before += 1
        elif position - before < len(run):
            chosen.append(run[len(run) - 1 - position + before] if down else run[position - before])
    return chosen


def _run(call: Call, block: bulk.Block, limits: listing.Bounds, keep: Keep) -> Sequence[int]:
    """The ids of a block that a list shows, in the order of time (and of id)."""
    lows = [b for b in (limits.after, limits.modified_after) if b is not None]
    highs = [b for b in (limits.before, limits.modified_before) if b is not None]
    left = max((block.happened(low) for low in lows), default=0)
    right = min([block.happened(call.stamp), *(block.happened(high - 1) for high in highs)])
    run = range(block.first + left, block.first + max(left, right))
    if not run:
        return []
    shown: Sequence[int] = run
    if call.params.get("include"):
        shown = sorted(i for i in set(call.params["include"]) if i in run)
    elif _alike(call, block):
        if not keep(bulk.build(call.store, block, run[0] - block.first)):
            return []
    else:
        return [i for i in run if i - block.first not in block.taken and keep(_row(call.store, i))]
    return [i for i in shown if i - block.first not in block.taken] if block.taken else shown


def _alike(call: Call, block: bulk.Block) -> bool:
    """Whether the filters treat all orders of a block alike, so that one stands for all."""
    by_person = "customer" in call.params and len(block.customers) > 1
    return not by_person and not call.params.get("exclude") and not call.params.get("search")
