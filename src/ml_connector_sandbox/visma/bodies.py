"""Reads write bodies: every scalar in its `{"value": ...}`, nothing unknown, nothing wrapped that should be bare."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from ml_connector_sandbox.visma.refusal import Malformed, Refusal
from ml_connector_sandbox.visma.write_fields import ENUMS, SHAPES

Body = dict[str, Any]
Reader = Callable[[Any], Any]

_WRAPPED, _BARE, _ROWS, _NESTED, _WRAPPED_NESTED = range(5)
_BODY = msgspec.json.Decoder(float_hook=Decimal)
_FIELD = re.compile(r"(?P<name>\w+)(?:(?P<mark>[:!])(?P<type>\w+)|(?P<open>[\[{(])(?P<shape>\w+)[\]})])?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,7})?)?(Z|[+-]\d\d:\d\d)?)?")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NESTING = {"[": _ROWS, "{": _NESTED, "(": _WRAPPED_NESTED}


def parsed(raw: bytes) -> Any:
    """The JSON of a request body, amounts as Decimal. Raises Malformed."""
    try:
        return _BODY.decode(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Malformed("body", f"The body is not JSON: {error}") from error


def body_of(shape: str, raw: bytes) -> Body:
    """A write body without its wrappers: only the fields that were sent, None where `null` was. Raises Malformed."""
    content = parsed(raw)
    if not isinstance(content, dict):
        raise Malformed("body", "A JSON object is expected.")
    return _read(_COMPILED[shape], content, shape)


def field_names(shape: str) -> list[str]:
    """The fields a write shape knows, for the contract test."""
    return list(_COMPILED[shape])


def _read(fields: dict[str, tuple[int, Any]], content: Body, where: str) -> Body:
    read: Body = {}
    for name, raw in content.items():
        known = fields.get(name)
        if known is None:
            raise Malformed(f"{where}.{name}", f"Could not find member '{name}' on object of type '{where}'.")
        kind, inner = known
        if kind == _WRAPPED:
            if type(raw) is not dict or len(raw) != 1 or "value" not in raw:
                raise Malformed(f"{where}.{name}", f"The value of '{name}' must be an object with one member 'value'.")
            value = raw["value"]
            read[name] = None if value is None else _value(inner, value, where, name)
        elif raw is None:
            read[name] = None
        elif kind == _BARE:
            read[name] = _value(inner, raw, where, name)
        elif kind == _ROWS:
            read[name] = _rows(inner, raw, f"{where}.{name}")
        else:
            read[name] = _object(inner, raw, f"{where}.{name}", wrapped=kind == _WRAPPED_NESTED)
    return read


def _value(reader: Reader, value: Any, where: str, name: str) -> Any:
    try:
        return reader(value)
    except (TypeError, ValueError) as error:
        raise Malformed(f"{where}.{name}", f"Error converting value {value!r}: {error}") from error


def _rows(shape: str, raw: Any, where: str) -> list[Body]:
    if not isinstance(raw, list):
        raise Malformed(where, "A list is expected.")
    fields, rows = _COMPILED[shape], []
    for row in raw:
        if type(row) is not dict:
            raise Malformed(where, "A list of objects is expected.")
        rows.append(_read(fields, row, where))
    return rows


def _object(shape: str, raw: Any, where: str, *, wrapped: bool) -> Body | None:
    if wrapped:
        if not isinstance(raw, dict) or set(raw) != {"value"}:
            raise Malformed(where, "The value must be an object with one member 'value'.")
        raw = raw["value"]
        if raw is None:
            return None
    if not isinstance(raw, dict):
        raise Malformed(where, "An object is expected.")
    return _read(_COMPILED[shape], raw, where)


def _text(value: Any) -> str:
    if type(value) is not str:
        raise TypeError("a string is expected")
    return value


def _number(value: Any) -> Decimal:
    if type(value) is Decimal:
        return value
    if type(value) is int:
        return Decimal(value)
    raise TypeError("a number is expected")


def _integer(value: Any) -> int:
    if type(value) is not int:
        raise TypeError("an integer is expected")
    return value


def _boolean(value: Any) -> bool:
    if type(value) is not bool:
        raise TypeError("true or false is expected")
    return value


def read_date(value: Any) -> datetime:
    """A naive moment from `yyyy-MM-dd` or a date-time; an offset is dropped, as the API keeps dates without one."""
    if type(value) is not str or not _DATE.fullmatch(value):
        raise TypeError("a date is expected")
    if len(value) == 19 or len(value) == 10:
        return datetime.fromisoformat(value)
    return datetime.fromisoformat(value[:26].rstrip("Z")).replace(tzinfo=None)


def _uuid(value: Any) -> str:
    if type(value) is not str or not _UUID.fullmatch(value):
        raise TypeError("a guid is expected")
    return value


def _one_of(members: tuple[str, ...]) -> Reader:
    spelled = {member.lower(): member for member in members}

    def read(value: Any) -> str:
        found = spelled.get(value.lower()) if type(value) is str else None
        if found is None:
            raise ValueError(f"one of {', '.join(members)} is expected")
        return found

    return read


_READERS: dict[str, Reader] = {
    "s": _text,
    "n": _number,
    "i": _integer,
    "b": _boolean,
    "d": read_date,
    "u": _uuid,
    **{name: _one_of(members) for name, members in ENUMS.items()},
}


def _compiled(text: str) -> dict[str, tuple[int, Any]]:
    fields: dict[str, tuple[int, Any]] = {}
    for word in text.split():
        found = _FIELD.fullmatch(word)
        if found is None:
            raise ValueError(f"Not a field of a write shape: {word!r}.")
        if found["open"]:
            fields[found["name"]] = (_NESTING[found["open"]], found["shape"])
        else:
            fields[found["name"]] = (_BARE if found["mark"] == "!" else _WRAPPED, _READERS[found["type"] or "s"])
    return fields


_COMPILED = {name: _compiled(text) for name, text in SHAPES.items()}


# Lengths are not in the contract; these are the ERP's customary ones, so that an over-long token shows up here.
SHORT_REFERENCE_LIMIT, REFERENCE_LIMIT, TEXT_LIMIT = 15, 40, 256


def limited(value: str | None, limit: int, label: str) -> str:
    """A text no longer than the ERP keeps; null is empty. Raises Refusal."""
    if value and len(value) > limit:
        raise Refusal(400, f"'{label}' is longer than {limit} characters.")
    return value or ""


def required(body: Body, name: str, label: str | None = None) -> Any:
    """A field that must be there and not null. Raises Refusal in the ERP's words."""
    value = body.get(name)
    if value is None or value == "":
        raise Refusal(400, f"'{label or name}' cannot be empty.")
    return value
