"""What bodies may hold, as tables, and the check of a body against one: unknown, missing, too long, of another kind.

A shape maps names to kinds; a name ending in * must be there. Kinds: `str:low-high`, `num:low-high`, `int:low-high`,
`bool`, `date`, `one:A|B`, `like:regex`; a trailing ? lets it be null. A nested shape is an object, a list of
one an array (`[shape, "?"]` may be null). Names and lengths are the contract of the 2026 interface.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from ml_connector_sandbox.basware.refusals import Json
from ml_connector_sandbox.basware.times import is_date, normal_date

Shape = Mapping[str, Any]
_ANY_NUMBER = "-1000000000000000-1000000000000000"  # what a double keeps to the cent


def numbered(name: str, last: int, kind: str, first: int = 1) -> dict[str, str]:
    """`text1` to `text10` and the like."""
    return {f"{name}{n}": kind for n in range(first, last + 1)}


def each(names: str, kind: str) -> dict[str, str]:
    """Several fields of one kind, named in one text."""
    return dict.fromkeys(names.split(), kind)


def faults(value: Any, shape: Shape) -> list[str]:
    """Everything wrong with an object, as sentences; an empty list when it is right."""
    return list(_faults(value, shape, ""))


def tidy(value: Any, shape: Any) -> Any:
    """A right value as Basware keeps it: nulls are the same as absent, bare days get a midnight."""
    if isinstance(shape, list):
        return [tidy(item, shape[0]) for item in value]
    if isinstance(shape, Mapping):
        kinds = {name.rstrip("*"): kind for name, kind in shape.items()}
        return {name: tidy(item, kinds[name]) for name, item in value.items() if item is not None}
    return normal_date(value) if str(shape).startswith("date") else value


def _faults(value: Any, kind: Any, where: str) -> Iterator[str]:
    if isinstance(kind, list):
        if value is None and "?" in kind[1:]:
            return
        if not isinstance(value, list):
            yield f"{where}: an array is expected."
            return
        for n, item in enumerate(value):
            yield from _faults(item, kind[0], f"{where}[{n}]")
    elif isinstance(kind, Mapping):
        if not isinstance(value, dict):
            yield f"{where or 'record'}: an object is expected."
            return
        yield from _object(value, kind, where)
    else:
        told = _plain(value, str(kind))
        if told:
            yield f"{where}: {told}"


def _object(value: Json, shape: Shape, where: str) -> Iterator[str]:
    kinds = {name.rstrip("*"): kind for name, kind in shape.items()}
    dot = f"{where}." if where else ""
    for name, item in value.items():
        if name not in kinds:
            yield f"{dot}{name}: this field is not known."
        else:
            yield from _faults(item, kinds[name], dot + name)
    for name in shape:
        if name.endswith("*") and name[:-1] not in value:
            yield f"{dot}{name[:-1]}: this field is required."


def _plain(value: Any, kind: str) -> str:
    if value is None:
        return "" if kind.endswith("?") else "null is not allowed."
    name, _, bounds = kind.removesuffix("?").partition(":")
    return _CHECKS[name](value, bounds)


def _text(value: Any, bounds: str) -> str:
    if not isinstance(value, str):
        return "a string is expected."
    low, _, high = bounds.partition("-")
    if bounds and not int(low) <= len(value) <= int(high or 10**9):
        return f"{len(value)} characters, allowed are {bounds}."
    return ""


def _number(value: Any, bounds: str) -> str:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return "a number is expected."
    low, high = re.fullmatch(r"(-?\d+)-(\d+)", bounds or _ANY_NUMBER).groups()  # type: ignore[union-attr] # our tables
    if not Decimal(low) <= value <= Decimal(high):
        return f"the number is not within {low} and {high}."
    return ""


def _whole(value: Any, bounds: str) -> str:
    told = _number(value, bounds or "-2147483648-2147483647")
    return told or ("" if value == int(value) else "a whole number is expected.")


def _flag(value: Any, bounds: str) -> str:
    return "" if isinstance(value, bool) else "true or false is expected."


def _date(value: Any, bounds: str) -> str:
    return "" if isinstance(value, str) and is_date(value) else "a date or date-time is expected."


def _one(value: Any, bounds: str) -> str:
    return "" if isinstance(value, str) and value in bounds.split("|") else f"expected is one of {bounds}."


def _like(value: Any, bounds: str) -> str:
    return "" if isinstance(value, str) and re.fullmatch(bounds, value) else "the value does not match its pattern."


_CHECKS = {
    "str": _text, "num": _number, "int": _whole, "bool": _flag, "date": _date, "one": _one, "like": _like,
}  # fmt: skip
