"""What fuzz tests of connectors share: any JSON, every place in a payload, and what a reader may do with nonsense."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

from ml_connector.errors import Untranslatable


def any_json(samples: Sequence[Any]) -> st.SearchStrategy[Any]:
    """Any JSON, a little deep; `samples` are texts and numbers that mean something to the vendor."""
    leaves = st.none() | st.booleans() | st.integers() | st.decimals() | st.floats() | st.text()
    return st.recursive(
        leaves | st.sampled_from(list(samples)),
        lambda deeper: st.lists(deeper, max_size=3) | st.dictionaries(st.text(max_size=8), deeper, max_size=3),
    )


def field_refused_by(attempt: Callable[[], object]) -> str | None:
    """None when it went well; the named field when it was Untranslatable. Anything else is a failure of the test."""
    try:
        attempt()
    except Untranslatable as error:
        return error.field
    return None


def paths(node: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a payload, as the keys that lead there."""
    here = [before] if before else []
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return here + [found for key, value in inner for found in paths(value, (*before, key))]


def with_change(payload: Any, path: tuple[Any, ...], value: Any) -> Any:
    """The same payload with another value at one place."""
    changed = copy.deepcopy(payload)
    node = changed
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    return changed
