"""Columns, constraints and indices that many tables say, and the two databases' metadata."""

from __future__ import annotations

from typing import TypeAlias

import sqlalchemy as sa
from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Integer, MetaData, Text

Micros: TypeAlias = int
"""A moment: integer microseconds since 1970 UTC."""

_NAMES = {  # a stable name lets a migration drop what it means, on both databases
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

metadata = MetaData(naming_convention=_NAMES)
inbox_metadata = MetaData(naming_convention=_NAMES)


def own_id() -> Column[str]:
    """The key of a row: time-ordered text."""
    return Column("id", Text, primary_key=True)


def wall() -> Column[str]:
    """The workspace a row belongs to: the wall between customers of one install."""
    return Column("workspace_id", Text, nullable=False)


def loose_wall() -> Column[str]:
    """As `wall`, for rows that may belong to the install itself (null)."""
    return Column("workspace_id", Text)


def text(name: str) -> Column[str]:
    """Text that is always there."""
    return Column(name, Text, nullable=False)


def maybe_text(name: str) -> Column[str]:
    """Text that may be missing."""
    return Column(name, Text)


def at(name: str) -> Column[int]:
    """A moment in `Micros`."""
    return Column(name, BigInteger, nullable=False)


def maybe_at(name: str) -> Column[int]:
    """A moment in `Micros` that may be missing."""
    return Column(name, BigInteger)


def count(name: str, start: int | None = None) -> Column[int]:
    """A whole number; `start` where nobody says another."""
    default = None if start is None else sa.text(str(start))
    return Column(name, Integer, nullable=False, server_default=default)


def to(name: str, target: str, *, nullable: bool = False) -> Column[str]:
    """The id of a row of the table `target`."""
    return Column(name, Text, ForeignKey(f"{target}.id"), nullable=nullable)


def one_of(column: str, *values: str) -> CheckConstraint:
    """A misspelt state would slip past the partial unique indices, so the database knows the spellings."""
    return CheckConstraint(f"{column} IN ({', '.join(repr(value) for value in values)})", name=column)


def unique_where(name: str, *columns: str, where: str) -> Index:
    """Unique among the rows that fit `where`."""
    return Index(f"uq_{name}", *columns, unique=True, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def index_where(name: str, *columns: str, where: str) -> Index:
    """An index of some rows. SQLite reads it only where the question repeats `where` in the same words."""
    return Index(f"ix_{name}", *columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
