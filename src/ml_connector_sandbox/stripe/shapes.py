"""What a parameter may be, as small tables, and the checks that refuse everything else before an endpoint runs.

A shape is a type name, a nested table, or a list of one of these in a one-element list. A name ending in `*` is
required. Types: `str`, `str:40` (longest), `int`, `bool`, `num`, `id`, `map` (metadata), `range` (a moment, or gt, gte,
lt, lte), `one:a|b` (an empty choice allows unsetting), `unplayed` (known to Stripe, not to this sandbox: refused).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ml_connector_sandbox.stripe.refusals import Json, malformed

Shape = Mapping[str, Any]

_INTEGER = re.compile(r"-?\d{1,18}")
_NUMBER = re.compile(r"-?\d{1,12}(\.\d{1,12})?")
_TEXT = 5000  # the longest text of a parameter without a length of its own
_BOUNDS = {"gt": "int", "gte": "int", "lt": "int", "lte": "int"}
META_KEYS, META_KEY, META_VALUE = 50, 40, 500


def check(given: Json, shape: Shape, path: str = "") -> Json:
    """The parameters with their types; None stands for a field to unset. Refused (400) when one does not fit."""
    known = {name.rstrip("*"): wanted for name, wanted in shape.items()}
    fitting: Json = {}
    for name, value in given.items():
        where = f"{path}[{name}]" if path else name
        if name not in known:
            raise malformed(f"Received unknown parameter: {where}", code="parameter_unknown", param=where)
        fitting[name] = _fit(value, known[name], where)
    for name in shape:
        bare = name.rstrip("*")
        if name.endswith("*") and fitting.get(bare) is None:
            where = f"{path}[{bare}]" if path else bare
            code = "parameter_invalid_empty" if bare in fitting else "parameter_missing"
            raise malformed(f"Missing required param: {where}.", code=code, param=where)
    return fitting


def _fit(value: Any, wanted: Any, where: str) -> Any:
    if isinstance(wanted, list):
        return None if value == "" else [_fit(item, wanted[0], f"{where}[{n}]") for n, item in _items(value, where)]
    if isinstance(wanted, Mapping):
        if value == "":
            return None
        if not isinstance(value, dict):
            raise malformed("Invalid object", param=where)
        return check(value, wanted, where)
    kind, _, detail = wanted.partition(":")
    if kind in {"map", "range"}:
        return _metadata(value, where) if kind == "map" else _range(value, where)
    if kind == "unplayed":
        raise malformed(f"{where} exists at Stripe, but this sandbox does not play it: leave it out.", param=where)
    if isinstance(value, dict):
        raise malformed(f"Invalid {_SPOKEN.get(kind, 'string')}: {where} is a group.", param=where)
    return _scalar(value, kind, detail, where)


_SPOKEN = {"int": "integer", "bool": "boolean", "num": "decimal"}


def _items(value: Any, where: str) -> list[tuple[int, Any]]:
    if not isinstance(value, dict) or not all(key.isdecimal() for key in value):
        raise malformed("Invalid array", param=where)
    return list(enumerate(value[key] for key in sorted(value, key=int)))


def _scalar(value: str, kind: str, detail: str, where: str) -> Any:
    if kind == "int":
        if not _INTEGER.fullmatch(value):
            raise malformed(f"Invalid integer: {value}", code="parameter_invalid_integer", param=where)
        return int(value)
    if kind == "num":
        if not _NUMBER.fullmatch(value):
            raise malformed(f"Invalid decimal: {value}", param=where)
        return Decimal(value)
    if kind == "bool":
        if value not in {"true", "false"}:
            raise malformed(f"Invalid boolean: {value}", param=where)
        return value == "true"
    if kind == "one":
        return _choice(value, detail.split("|"), where)
    longest = int(detail) if detail else _TEXT
    if len(value) > longest:
        raise malformed(f"Invalid string: {where} must be at most {longest} characters.", param=where)
    return value or None


def _choice(value: str, allowed: list[str], where: str) -> str | None:
    if value not in allowed:
        text = f"Invalid {where}: must be one of {', '.join(a for a in allowed if a)}"
        raise malformed(text, code="" if value else "parameter_invalid_empty", param=where)
    return value or None


def _range(value: Any, where: str) -> Any:
    if isinstance(value, dict):
        return check(value, _BOUNDS, where)
    return {"gte": (moment := _scalar(value, "int", "", where)), "lte": moment}


def _metadata(value: Any, where: str) -> Json | None:
    if value == "":
        return None  # removes all
    if not isinstance(value, dict) or any(isinstance(text, dict) for text in value.values()):
        raise malformed("Invalid metadata: give keys and texts.", param=where)
    for key, text in value.items():
        if len(key) > META_KEY:
            raise malformed(f"Metadata keys must be at most {META_KEY} characters: {key}", param=f"{where}[{key}]")
        if len(text) > META_VALUE:
            raise malformed(f"Metadata values must be at most {META_VALUE} characters: {key}", param=f"{where}[{key}]")
    return dict(value)


def merged(old: Json, change: Json | None) -> Json:
    """Metadata after a change: an empty text removes one key, None removes all. Refused above 50 keys."""
    if change is None:
        return {}
    new = {key: text for key, text in {**old, **change}.items() if text != ""}
    if len(new) > META_KEYS:
        raise malformed(f"Metadata can have at most {META_KEYS} keys.", param="metadata")
    return new
