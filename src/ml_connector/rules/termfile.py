"""Terms as TOML: read over what stands, each value checked against what it may be.

And written to be edited and read again.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import date
from functools import cache
from typing import Any, Literal

from ml_connector.finance.rulebook import Terms
from ml_connector.rules.days import is_zone
from ml_connector.rules.rulefile import quoted

_NOT_SAID = {"code", "go_live", "asks_articles"}  # of the connection, the company and the rules
_MUST = {str: "must be text in quotes", int: "must be a whole number", bool: "must be true or false"}


class TermFileError(ValueError):
    """The table is no terms: every name and value that is wrong, and what it may be."""


def parse(document: Mapping[str, Any], *, base: Terms) -> Terms:
    """The terms that a TOML table says, over what stands. Raises TermFileError."""
    wrong: list[str] = []
    terms = _table(base, document, "", wrong)
    if wrong:
        raise TermFileError(" ".join(wrong))
    return typing.cast(Terms, terms)


def to_toml(terms: Terms) -> str:
    """The terms as TOML that `parse` reads as the same. What nobody has said is a remark."""
    return "\n".join(_written(terms, "")) + "\n"


@cache
def _types(kind: Any) -> Mapping[str, Any]:
    """The fields that a person may give, by name."""
    hints = typing.get_type_hints(kind)
    return {one.name: hints[one.name] for one in fields(kind) if one.name not in _NOT_SAID}


def _table(base: Any, given: Any, where: str, wrong: list[str]) -> Any:
    """A dataclass over what stands of it."""
    if not isinstance(given, Mapping):
        wrong.append(f"{where.rstrip('.')} must be a table.")
        return base
    known = _types(base.__class__)
    if unknown := sorted(set(map(str, given)) - known.keys()):
        wrong.append(f"Unknown: {', '.join(where + name for name in unknown)}. Known: {', '.join(sorted(known))}.")
    values = {}
    for name, value in given.items():
        if name in known:
            try:
                values[name] = _value(known[name], value, f"{where}{name}", wrong, stands=getattr(base, name))
            except ValueError as fault:
                wrong.append(f"{where}{name}: {value!r} {fault}.")
    return replace(base, **values)


def _value(kind: Any, value: Any, where: str, wrong: list[str], *, stands: Any = None) -> Any:
    """The value as this type. Raises ValueError that says what it must be."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return _value(next(one for one in inner if one is not type(None)), value, where, wrong)
    if origin is Literal:
        if value not in inner:
            raise ValueError(f"is none of {', '.join(inner)}")
        return value
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise ValueError('must be a list, such as ["one", "two"]')
        return tuple(_value(inner[0], one, where, wrong) for one in value)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _mapping(inner, value, where, wrong)
    if is_dataclass(kind) and isinstance(kind, type):
        return _table(stands if stands is not None else kind(), value, f"{where}.", wrong)
    return _plain(kind, value, where)


def _mapping(inner: tuple[Any, ...], value: Any, where: str, wrong: list[str]) -> dict[Any, Any]:
    if not isinstance(value, Mapping):
        raise ValueError("must be a table")  # noqa: TRY004 - what a person wrote, told like every other
    found: dict[Any, Any] = {}
    for name, one in value.items():
        if inner[0] is int and not str(name).isdigit():
            raise ValueError(f"has {name!r}, where a number of a segment must stand")
        found[inner[0](name)] = _value(inner[1], one, f"{where}.{name}", wrong)
    return found


def _plain(kind: Any, value: Any, where: str) -> Any:
    if kind is date:
        try:
            return date.fromisoformat(value) if isinstance(value, str) else date(value.year, value.month, value.day)
        except (AttributeError, ValueError):
            raise ValueError("must be a day, such as 2026-01-31") from None
    if type(value) is not kind:
        raise ValueError(_MUST[kind])
    if kind is int and value < 0:
        raise ValueError("must not be negative")
    if kind is str and where.rpartition(".")[2] == "time_zone" and not is_zone(value):
        raise ValueError("is no time zone, such as Europe/Stockholm")
    return value


def _written(value: Any, where: str) -> Iterator[str]:
    """Plain values first, then tables: in TOML whatever follows a table's head is inside it."""
    tables: list[tuple[str, Any]] = []
    for name, kind in _types(value.__class__).items():
        one = getattr(value, name)
        if one is None:
            yield f"# {name}: nobody has said ({_choices(kind)})"
        elif is_dataclass(one) or (isinstance(one, Mapping) and any(map(is_dataclass, one.values()))):
            tables.append((name, one))
        else:
            yield f"{name} = {_toml(one)}"
    for name, one in tables:
        rows = (
            {f"{where}{name}": one}
            if is_dataclass(one)
            else {f"{where}{name}.{quoted(str(key))}": each for key, each in one.items()}
        )
        for head, each in rows.items():
            yield f"\n[{head}]"
            yield from _written(each, f"{head}.")


def _choices(kind: Any) -> str:
    inner = next(one for one in typing.get_args(kind) if one is not type(None))
    if typing.get_origin(inner) is Literal:
        return " or ".join(typing.get_args(inner))
    return {bool: "true or false", date: "a day", str: "text", int: "a number"}[inner]


def _toml(value: Any) -> str:
    """A plain value, a list or a table of them, on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{quoted(str(name))} = {_toml(one)}" for name, one in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return quoted(value)
