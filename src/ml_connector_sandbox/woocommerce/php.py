"""How PHP reads query strings and writes JSON: the shop sees and says things through these two."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any
from urllib.parse import quote, unquote_plus

Params = dict[str, Any]  # text, or nested dicts with text keys as PHP arrays have them

_NAME = re.compile(r"^([^\[]+)((?:\[[^\]]*\])*)$")
_KEY = re.compile(r"\[([^\]]*)\]")


def parse_query(text: str) -> Params:
    """A query string as $_GET: the last of a repeated name counts, `a[]` counts up, dots and spaces become `_`."""
    found: Params = {}
    for part in text.split("&"):
        if not part:
            continue
        name, _, value = part.partition("=")
        _put(found, unquote_plus(name), unquote_plus(value))
    return found


def _put(found: Params, name: str, value: str) -> None:
    match = _NAME.match(name)
    if match is None:
        found[name] = value
        return
    base, keys = re.sub(r"[. ]", "_", match[1]), _KEY.findall(match[2])
    place, key = found, base
    for inner in keys:
        nested = place.get(key)
        if not isinstance(nested, dict):
            nested = place[key] = {}
        place, key = nested, inner or str(_next_index(nested))
    place[key] = value


def _next_index(array: Params) -> int:
    return max((int(key) + 1 for key in array if key.isdigit()), default=0)


def raw_encode(text: str) -> str:
    """RFC 3986 percent-encoding."""
    return quote(text, safe="-._~")


def dumps(content: Any) -> str:
    r"""JSON as PHP writes it: `\/`, `\u00f8`, no spaces, whole floats without a fraction."""
    text = json.dumps(plain(content), ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return text.replace("/", "\\/")


def plain(content: Any) -> Any:
    """Content as JSON knows it: decimals become numbers."""
    if isinstance(content, dict):
        return {key: plain(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [plain(value) for value in content]
    if isinstance(content, Decimal):
        return int(content) if content == content.to_integral_value() else float(content)
    return content
