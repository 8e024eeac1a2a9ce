"""The body of a signed delivery as JSON: only names are taken from it, so numbers need not be exact. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NoReturn

from pydantic_core import from_json

from ml_connector import jsontext
from ml_connector.errors import Untranslatable


def event_in(body: bytes) -> object:
    """Whatever the bytes say. Raises Untranslatable where they are no JSON."""
    try:
        return from_json(body, allow_inf_nan=False, cache_strings="keys")
    except ValueError:  # no JSON, or a text that ends in half a character, which only the slower parser takes
        return _patiently(body)


def events_of(shape: Any) -> Callable[[bytes], object]:
    """An `event_in` that makes only what the shape names: the rest of an event is read again at the vendor anyway."""
    return jsontext.parsing(shape, otherwise=event_in)


def _patiently(body: bytes) -> object:
    try:
        return json.loads(body.decode(), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Untranslatable(f"The delivery is no JSON text: {type(error).__name__}.", field="(body)") from None


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
