"""Strict readers of one field each, shared by connectors: what was written, or Untranslatable naming the field.

Absent and null are the same. A wrong type is never turned into a right one. A connector's own `Fields` says whose
fields they are, and adds how its vendor writes times, numbers and amounts. Pure.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, ClassVar, NoReturn, Self

from ml_connector.errors import Untranslatable

_DECIMAL = re.compile(r"-?\d{1,12}(\.(?P<decimals>\d+))?")
UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


class Fields(ABC):
    """One JSON object of a payload, `where` it stands ("lines[0]"; empty: the top) and whose it is."""

    __slots__ = ("node", "record", "where")

    system: ClassVar[str]  # as people call it
    max_id: ClassVar[int] = 300
    max_text: ClassVar[int] = 10_000
    max_items: ClassVar[int] = 5_000
    max_decimals: ClassVar[int] = 9  # of a number written as text
    time_form: ClassVar[str] = "time"  # what a moment is, when something is none

    def __init__(self, node: object, where: str = "", record: str | None = None) -> None:
        self.where = where
        self.record = record
        if type(node) is not dict and not isinstance(node, Mapping):
            path = where or "(payload)"
            raise Untranslatable(f"{where or 'The payload'} is no JSON object.", field=path, record=record)
        self.node: Mapping[str, Any] = node

    def path(self, key: str) -> str:
        """The dotted path of a field of this object."""
        return f"{self.where}.{key}" if self.where else key

    def fail(self, key: str, what: str) -> NoReturn:
        """Raise Untranslatable: the field `what` ("is no text")."""
        path = self.path(key)
        raise Untranslatable(f"{self.system}'s field {path} {what}.", field=path, record=self.record)

    @abstractmethod
    def read_moment(self, value: object) -> datetime | None:
        """A time as this vendor writes it, as aware UTC; None when it is none."""
        ...

    def id(self, key: str) -> str:
        """An id that must be there."""
        found = self.id_or_none(key)
        return self.fail(key, "is missing") if found is None else found

    def id_or_none(self, key: str) -> str | None:
        """An id; opaque, as patterns of ids do not hold."""
        found = self.node.get(key)
        if found is None or found == "":
            return None
        if type(found) is not str or len(found) > self.max_id or not found.isprintable():
            self.fail(key, f"is no id (printable text up to {self.max_id} characters)")
        return found

    def text(self, key: str) -> str:
        """A text, empty when absent; characters no database takes become spaces."""
        found = self.node.get(key)
        if found is None:
            return ""
        if type(found) is not str or len(found) > self.max_text:
            self.fail(key, f"is no text of up to {self.max_text} characters")
        return found if found.isprintable() else UNPRINTABLE.sub(" ", found)

    def flag(self, key: str) -> bool:
        """True or false; false when absent."""
        return bool(self.flag_or_none(key))

    def flag_or_none(self, key: str) -> bool | None:
        found = self.node.get(key)
        if found is not None and type(found) is not bool:
            self.fail(key, "is neither true nor false")
        return found

    def decimal_or_none(self, key: str) -> Decimal | None:
        """A number that the vendor writes as text ("7.25")."""
        found = self.node.get(key)
        if found is None or found == "":
            return None
        read = _decimal(found, self.max_decimals) if type(found) is str else None
        return self.fail(key, "is no decimal number in text form") if read is None else read

    def moment(self, key: str) -> datetime:
        """A time that must be there."""
        found = self.moment_or_none(key)
        return self.fail(key, "is missing") if found is None else found

    def moment_or_none(self, key: str) -> datetime | None:
        found = self.node.get(key)
        if found is None or found == "":
            return None
        read = self.read_moment(found)
        return self.fail(key, f"is no {self.time_form}") if read is None else read

    def part(self, key: str) -> Self:
        """A nested object; an absent one is empty, so that what it must hold is missed by its own path."""
        found = self.node.get(key)
        return type(self)({} if found is None else found, self.path(key), self.record)

    def part_or_none(self, key: str) -> Self | None:
        """A nested object."""
        found = self.node.get(key)
        return None if found is None else type(self)(found, self.path(key), self.record)

    def parts(self, key: str, *, most: int | None = None) -> Iterator[Self]:
        """A list of objects; none when absent."""
        found = self.node.get(key)
        if found is None:
            return
        most = self.max_items if most is None else most
        if type(found) is not list or len(found) > most:
            self.fail(key, f"is no list of up to {most} objects")
        where = self.path(key)
        for place, one in enumerate(found):
            yield type(self)(one, f"{where}[{place}]", self.record)


@lru_cache(maxsize=4096)  # quantities and rates repeat
def _decimal(text: str, most_decimals: int) -> Decimal | None:
    read = _DECIMAL.fullmatch(text)
    return Decimal(text) if read is not None and len(read["decimals"] or "") <= most_decimals else None
