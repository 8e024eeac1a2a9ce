"""One API call as an endpoint sees it: who calls, what was asked, checked against the fields the endpoint knows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ml_connector_sandbox.core.wire import Request
from ml_connector_sandbox.paypal.refusals import Json, Refused, bad
from ml_connector_sandbox.paypal.state import App, Merchant, World

# What a body field may be: "str", "str:127" (longest), "bool", "int", "map"; a nested shape; a list of one of these in
# a one-element list. A name that ends in * must be there.
Shape = Mapping[str, Any]

MONEY: Shape = {"currency_code*": "str:3", "value*": "str:32"}
_TYPES: dict[str, type] = {"str": str, "bool": bool, "int": int, "map": dict, "any": object}


@dataclass(slots=True)
class Call:
    """An authenticated call."""

    world: World
    request: Request
    now: int
    app: App
    merchant: Merchant
    args: dict[str, str]
    query: dict[str, str] = field(default_factory=dict)
    body: Any = None

    @property
    def minimal(self) -> bool:
        """Whether the answer to a POST shows ids and links only: the default, unless Prefer asks otherwise."""
        return "return=representation" not in self.request.headers.get("prefer", "")


@dataclass(frozen=True, slots=True)
class Answer:
    """What an endpoint gives back: a status and JSON content (None: no body)."""

    status: int
    content: Any = None


def read_body(request: Request, shape: Shape | list[Any] | None, *, needed: bool) -> Any:
    """The JSON of a request, every field known. Refused with 400 or 415 as PayPal does."""
    if not request.body:
        if needed:
            raise bad("MISSING_REQUIRED_PARAMETER", "A required field is missing: the request body.", field="/")
        return [] if isinstance(shape, list) else {}
    if "application/json" not in request.headers.get("content-type", ""):
        raise Refused(415)
    try:
        body = json.loads(request.body)
    except ValueError:
        raise bad("MALFORMED_REQUEST_JSON", "The request JSON is not well formed.") from None
    if isinstance(shape, list) != isinstance(body, list):
        raise bad("INVALID_PARAMETER_SYNTAX", "The request body is of the wrong kind.", field="/")
    check(body, {} if shape is None else shape)
    return body


def check(value: Any, shape: Any) -> None:
    """Refuse unknown fields, wrong types, missing required ones."""
    _check(value, shape, "")


def _check(value: Any, wanted: Any, where: str) -> None:
    if isinstance(wanted, list):
        if not isinstance(value, list):
            raise bad("INVALID_PARAMETER_SYNTAX", "Expected an array.", field=where)
        for n, item in enumerate(value):
            _check(item, wanted[0], f"{where}/{n}")
    elif isinstance(wanted, str):
        _check_plain(value, wanted, where)
    elif not isinstance(value, dict):
        raise bad("INVALID_PARAMETER_SYNTAX", "Expected an object.", field=where or "/")
    else:
        _check_fields(value, wanted, where)


def _check_fields(value: Json, wanted: Shape, where: str) -> None:
    known = {name.rstrip("*"): kind for name, kind in wanted.items()}
    for name, item in value.items():
        if name not in known:
            # PayPal mostly ignores such fields; here a misspelt name shall not pass unseen.
            raise bad("INVALID_PARAMETER_SYNTAX", "The field is not known.", field=f"{where}/{name}")
        _check(item, known[name], f"{where}/{name}")
    for name in wanted:
        if name.endswith("*") and name[:-1] not in value:
            raise bad("MISSING_REQUIRED_PARAMETER", "A required field is missing.", field=f"{where}/{name[:-1]}")


def _check_plain(value: Any, wanted: str, where: str) -> None:
    kind, _, longest = wanted.partition(":")
    if not isinstance(value, _TYPES[kind]) or (kind == "int" and isinstance(value, bool)):
        raise bad("INVALID_PARAMETER_SYNTAX", f"Expected {kind}.", field=where, value=str(value)[:100])
    if longest and len(str(value)) > int(longest):
        text = "The value of a field is too long."
        raise bad("INVALID_STRING_MAX_LENGTH", text, field=where, value=str(value)[:100])


def whole(call: Call, name: str, *, default: int, low: int, high: int) -> int:
    """A number of the query within its bounds."""
    asked = call.query.get(name)
    if asked is None:
        return default
    if not asked.isascii() or not asked.isdigit():
        raise bad("INVALID_PARAMETER_SYNTAX", "Expected a whole number.", field=name, value=asked, location="query")
    number = int(asked)
    if number > high:
        raise bad("INVALID_INTEGER_MAX_VALUE", "Value exceeds max value.", field=name, value=asked, location="query")
    if number < low:
        raise bad(
            "INVALID_INTEGER_MIN_VALUE", "Value less than minimum value.", field=name, value=asked, location="query"
        )
    return number


def flag(call: Call, name: str, *, default: bool) -> bool:
    """`true` or `false` of the query."""
    asked = call.query.get(name, str(default).lower())
    if asked not in {"true", "false"}:
        raise bad("INVALID_PARAMETER_SYNTAX", "Expected true or false.", field=name, value=asked, location="query")
    return asked == "true"
