"""JSON text with exact numbers: decimals are Decimal both ways, never floats, and one value has one text.

Pages of vendors and the payloads we keep are most of what this product reads and writes, so msgspec does it, quicker
than the standard library; what msgspec refuses goes the slow way, so that an odd payload means what it always meant.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec

_MARK = "\u0001decimal:"
_number = lru_cache(4_096)(Decimal)  # a page of a ledger says 0.0 some ten thousand times
_DECODER = msgspec.json.Decoder(float_hook=_number)
_ENCODER = msgspec.json.Encoder(order="sorted", decimal_format="number")
_ODD = (msgspec.MsgspecError, TypeError, ValueError)


def parse(text: bytes | str) -> Any:
    """What a JSON text says, numbers with a point as Decimal.

    Raises ValueError when it is not JSON (NaN is not), and RecursionError where it is nested beyond reason.
    """
    try:
        return _DECODER.decode(text)
    except _ODD:
        return json.loads(text, parse_float=Decimal, parse_constant=_refuse)


def parsing(shape: Any, *, otherwise: Callable[[bytes], Any] | None = None) -> Callable[[bytes], Any]:
    """A `parse` that makes only what the shape (a list of TypedDict, say) names.

    Where that does not fit, or the text is odd, it is parsed whole, by `otherwise` if that is given.
    """
    decoder = msgspec.json.Decoder(shape, float_hook=_number)

    def parse_shape(text: bytes) -> Any:
        try:
            return decoder.decode(text)
        except (*_ODD, RecursionError):
            return (otherwise or parse)(text)

    return parse_shape


def canonical(value: Any) -> str:
    """The JSON text of a value: keys in order, no spaces, a Decimal with its very digits."""
    try:
        return _ENCODER.encode(value).decode()
    except _ODD:
        return _spelled(value)


def _spelled(value: Any) -> str:
    """The same by the standard library, which also writes halves of surrogate pairs and keys that are no text."""
    found: list[str] = []

    def mark(odd: object) -> str:
        if isinstance(odd, Decimal):
            found.append(str(odd))
            return f"{_MARK}{len(found) - 1}"
        raise TypeError(f"{type(odd).__name__} is not JSON")

    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True, default=mark)
    for place, digits in enumerate(found):
        text = text.replace(json.dumps(f"{_MARK}{place}", ensure_ascii=False), digits, 1)
    return text


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is not JSON")
