"""A copy of a pretend vendor as it stands, with all it has planned.

`copy.deepcopy` leaves functions alone, and what a vendor will do later is a function that closes over the vendor: the
copy would go on in the first one. Here a function is copied with what it closes over.
"""

from __future__ import annotations

import io
import pickle
import re
import sys
from collections.abc import Mapping
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any, TypeVar

T = TypeVar("T")


def copied(value: T, *, instead: Mapping[int, object]) -> T:
    """`value` and everything it reaches, anew. `instead`: what stands for an object that is not copied, by its id()."""
    kept: list[object] = []
    written = io.BytesIO()
    _Writer(written, kept, instead).dump(value)
    found: T = _Reader(io.BytesIO(written.getvalue()), kept).load()
    return found


class _Writer(pickle.Pickler):
    """Names by number what both copies share: code, classes, modules, functions that close over nothing."""

    def __init__(self, file: io.BytesIO, kept: list[object], instead: Mapping[int, object]) -> None:
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self._kept = kept
        self._instead = instead

    def persistent_id(self, one: Any) -> int | None:
        plain = isinstance(one, FunctionType) and not one.__closure__
        if not (plain or isinstance(one, CodeType | ModuleType | type | re.Pattern) or id(one) in self._instead):
            return None
        self._kept.append(self._instead.get(id(one), one))
        return len(self._kept) - 1

    def reducer_override(self, one: Any) -> Any:
        if not isinstance(one, FunctionType):
            return NotImplemented
        inside = [cell.cell_contents for cell in one.__closure__ or ()]
        filled = inside, one.__defaults__, one.__kwdefaults__
        return _bare, (one.__code__, sys.modules[one.__module__], len(inside)), filled, None, None, _fill


class _Reader(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, kept: list[object]) -> None:
        super().__init__(file)
        self._kept = kept

    def persistent_load(self, number: int) -> object:
        return self._kept[number]


def _bare(code: CodeType, module: ModuleType, cells: int) -> FunctionType:
    """A function whose cells are empty yet, for what it closes over may lead back to it."""
    return FunctionType(code, vars(module), code.co_name, None, tuple(CellType() for _ in range(cells)))


def _fill(function: FunctionType, filled: tuple[list[object], Any, Any]) -> None:
    inside, function.__defaults__, function.__kwdefaults__ = filled
    for cell, content in zip(function.__closure__ or (), inside, strict=True):
        cell.cell_contents = content
