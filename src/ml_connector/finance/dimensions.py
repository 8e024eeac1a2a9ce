"""A value of one of the ledger's dimensions: a cost centre for a new shop, made there or set inactive."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DimensionValue:
    """What a value of a segment must be in the ledger. Never deleted: what is not used any more is inactive."""

    segment: int
    value: str
    description: str
    active: bool = True


def key_of(segment: int, value: str) -> str:
    """The key of the write that makes a value: one for all records of a company that need it."""
    return f"dim:{segment}:{value}"


def same_name(one: str, other: str) -> bool:
    """Whether two descriptions are the same to people."""
    return one.strip().casefold() == other.strip().casefold()
